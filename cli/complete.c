/*
 * The command line read as far as it goes, and what the tables offer next.
 */
#include "cli/complete.h"

#include <stdlib.h>
#include <string.h>

#include "cli/plugin.h"
#include "core/base/json.h"
#include "core/base/mem.h"

struct walk {
	struct complete c;
	const struct option_def *pending; /* its value comes next */
	bool options;			  /* no "--" yet */
};

void complete_add(struct complete *c, const char *value, const char *text)
{
	if (strncmp(value, c->prefix, strlen(c->prefix)) != 0)
		return;
	buf_add(c->out, c->before, c->before_len);
	buf_adds(c->out, value);
	if (text != NULL && *text != '\0')
		buf_addf(c->out, "\t%s", text);
	buf_addc(c->out, '\n');
}

void complete_plugins(struct complete *c)
{
	AUTO_JSON json_t *plugins = plugin_list();

	for (size_t n = 0; n < json_array_size(plugins); n++) {
		const json_t *p = json_array_get(plugins, n);

		if (strcmp(json_string_or(p, "state", ""), "ok") == 0)
			complete_add(c, json_string_or(p, "name", ""), json_string_or(p, "path", ""));
	}
}

/* --- what stands before --- */

static const struct noun *find_noun(const char *word)
{
	const struct noun *found = NULL;
	size_t len = strlen(word);

	for (int i = 0; nouns[i] != NULL; i++) {
		if (strcmp(nouns[i]->name, word) == 0)
			return nouns[i];
		if (strncmp(nouns[i]->name, word, len) == 0)
			found = found == NULL ? nouns[i] : NULL;
	}
	return found;
}

static const struct command *find_verb(const struct noun *n, const char *word)
{
	const struct command *found = NULL;
	size_t len = strlen(word);

	for (const struct command *c = n->commands; c->run != NULL; c++) {
		if (c->verb == NULL)
			continue;
		if (strcmp(c->verb, word) == 0)
			return c;
		if (strncmp(c->verb, word, len) == 0)
			found = found == NULL ? c : NULL;
	}
	return found;
}

/* The noun's command that needs no verb, or NULL. */
static const struct command *alone(const struct noun *n)
{
	return n != NULL && n->commands->verb == NULL ? n->commands : NULL;
}

static const struct command *command_of(const struct walk *w)
{
	const struct invocation *i = &w->c.cli.given;

	return i->command != NULL ? i->command : alone(i->noun);
}

static const struct option_def *own_options(const struct walk *w)
{
	const struct command *command = command_of(w);

	return command != NULL ? command->options : NULL;
}

static const struct option_def *find_option(const struct walk *w, const char *name, size_t len, char letter)
{
	const struct option_def *own = option_find(own_options(w), name, len, letter);

	return own != NULL ? own : option_find(global_options, name, len, letter);
}

static void give(struct walk *w, const struct option_def *def, const char *text)
{
	struct invocation *i = &w->c.cli.given;

	i->given = xreallocarray(i->given, (size_t)i->given_count + 1, sizeof(i->given[0]));
	i->given[i->given_count++] = (struct given){def, text};
}

static void take_option(struct walk *w, const char *word)
{
	const struct option_def *def;
	size_t len = strcspn(word + 2, "=");

	if (word[1] == '-') {
		def = find_option(w, word + 2, len, 0);
		if (def != NULL && def->kind != VALUE_FLAG && word[2 + len] == '\0')
			w->pending = def;
		else if (def != NULL)
			give(w, def, word[2 + len] == '=' ? word + 3 + len : NULL);
		return;
	}
	for (const char *p = word + 1; *p != '\0'; p++) {
		def = find_option(w, NULL, 0, *p);
		if (def == NULL)
			return;
		if (def->kind == VALUE_FLAG) {
			give(w, def, NULL);
			continue;
		}
		if (p[1] != '\0')
			give(w, def, p + 1);
		else
			w->pending = def;
		return;
	}
}

static void take_word(struct walk *w, const char *word)
{
	struct invocation *i = &w->c.cli.given;

	if (i->noun == NULL) {
		i->noun = find_noun(word);
		if (alone(i->noun) != NULL && i->noun->commands[1].run == NULL)
			i->command = i->noun->commands;
	} else if (i->command == NULL) {
		i->command = find_verb(i->noun, word);
	} else {
		i->arguments =
		    xreallocarray(i->arguments, (size_t)i->argument_count + 1, sizeof(i->arguments[0]));
		i->arguments[i->argument_count++] = word;
	}
}

static void walk(struct walk *w, const char *word)
{
	if (w->pending != NULL && !(w->pending->optional && *word == '-')) {
		give(w, w->pending, word);
		w->pending = NULL;
		return;
	}
	w->pending = NULL;
	if (w->options && strcmp(word, "--") == 0)
		w->options = false;
	else if (w->options && word[0] == '-' && word[1] != '\0')
		take_option(w, word);
	else
		take_word(w, word);
}

/* --- what comes next --- */

static void add_words(struct walk *w, const char *const *words)
{
	for (; words != NULL && *words != NULL; words++)
		complete_add(&w->c, *words, NULL);
}

static void add_value(struct walk *w, const struct option_def *def)
{
	w->c.cli.given.command = command_of(w);
	add_words(w, def->words);
	if (def->words == NULL && def->value != NULL)
		complete_values(&w->c, def->value, false);
}

static void add_options(struct walk *w, const struct option_def *list)
{
	for (; list != NULL && list->name != NULL; list++) {
		AUTO_FREE char *name = xasprintf("--%s", list->name);

		complete_add(&w->c, name, list->text);
	}
}

/* "--out" or "--output=js" */
static void add_option(struct walk *w)
{
	const char *word = w->c.prefix, *equals = strchr(word, '=');
	const struct option_def *def;

	if (equals == NULL) {
		add_options(w, own_options(w));
		add_options(w, global_options);
		return;
	}
	def = find_option(w, word + 2, (size_t)(equals - word) - 2, 0);
	w->c.before = word;
	w->c.before_len = (size_t)(equals - word) + 1;
	w->c.prefix = equals + 1;
	if (def != NULL)
		add_value(w, def);
}

static void add_argument(struct walk *w, const struct command *command)
{
	const struct argument_def *a = command->arguments;
	int skip = w->c.cli.given.argument_count;

	while (a != NULL && a->name != NULL && skip > 0 && !a->repeat) {
		a++;
		skip--;
	}
	if (a == NULL || a->name == NULL)
		return;
	add_words(w, a->words);
	if (a->words == NULL)
		complete_values(&w->c, a->name, true);
}

static void add_nouns(struct walk *w)
{
	for (int n = 0; nouns[n] != NULL; n++)
		complete_add(&w->c, nouns[n]->name, nouns[n]->summary);
	complete_plugins(&w->c);
}

static void add_word(struct walk *w)
{
	const struct invocation *i = &w->c.cli.given;

	if (i->noun == NULL) {
		add_nouns(w);
		return;
	}
	if (i->command != NULL) {
		add_argument(w, i->command);
		return;
	}
	for (const struct command *c = i->noun->commands; c->run != NULL; c++)
		if (c->verb != NULL)
			complete_add(&w->c, c->verb, c->summary);
}

/* A word that is none ends it: nothing can follow. */
static bool is_lost(const struct walk *w, int words_before)
{
	const struct invocation *i = &w->c.cli.given;

	return words_before > 0 && i->noun == NULL;
}

void complete_words(const char *const *words, int n, struct buf *out)
{
	struct walk w = {.options = true,
			 .c = {.before = "", .prefix = n > 0 ? words[n - 1] : "", .out = out}};
	int plain = 0;

	for (int i = 0; i < n - 1; i++) {
		plain += words[i][0] != '-' && w.pending == NULL;
		walk(&w, words[i]);
	}
	if (w.pending != NULL && !(w.pending->optional && *w.c.prefix == '-'))
		add_value(&w, w.pending);
	else if (w.options && *w.c.prefix == '-')
		add_option(&w);
	else if (!is_lost(&w, plain))
		add_word(&w);
	console_close(w.c.cli.console);
	invocation_done(&w.c.cli.given);
}
