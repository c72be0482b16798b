/*
 * Command lines against the command table.  No state.
 *
 * `pizzactl [GLOBAL]… NOUN [GLOBAL]… VERB [OPTION|ARGUMENT]…`: options of a command stand behind its verb,
 * global ones anywhere; `--` ends options; a value stands in the same word (--name=value, -nvalue) or in the
 * next.
 */
#include "cli/command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"

#define WORDS_MAX 128

struct parser {
	int argc;
	char **argv;
	int at; /* the next word */
	struct invocation *out;
	struct error *err;
};

void invocation_done(struct invocation *i)
{
	free(i->given);
	free(i->arguments);
	memset(i, 0, sizeof(*i));
}

/* --- unknown words --- */

/* Index of word in valid: exactly, or the only one it is a prefix of; -1: none, -2: several. */
static int match(const char *word, const char *const *valid, int n)
{
	size_t len = strlen(word);
	int found = -1;

	for (int i = 0; i < n; i++) {
		if (strcmp(valid[i], word) == 0)
			return i;
		if (len > 0 && strncmp(valid[i], word, len) == 0)
			found = found == -1 ? i : -2;
	}
	return found;
}

static int ambiguous(struct error *err, const char *word, const char *const *valid, int n)
{
	CLEANUP(buf_done) struct buf list = {0};

	for (int i = 0; i < n; i++)
		if (strncmp(valid[i], word, strlen(word)) == 0)
			buf_addf(&list, "%s%s", list.len > 0 ? ", " : "", valid[i]);
	return error_set(err, ERR_USAGE, word, "is short for several: %s", buf_str(&list));
}

static int choose(struct error *err, const char *word, const char *what, const char *const *valid, int n)
{
	int found = match(word, valid, n);

	if (found == -2)
		return ambiguous(err, word, valid, n);
	return found >= 0 ? found : nearest_refuse(ERR_USAGE, word, what, valid, n, err);
}

/* --- options --- */

const struct option_def *option_find(const struct option_def *list, const char *name, size_t len, char letter)
{
	for (; list != NULL && list->name != NULL; list++)
		if (letter != 0
			? list->letter == letter
			: name != NULL && strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	return NULL;
}

static const struct option_def *lookup(const struct parser *p, const char *name, size_t len, char letter)
{
	const struct option_def *def = NULL;

	if (p->out->command != NULL)
		def = option_find(p->out->command->options, name, len, letter);
	return def != NULL ? def : option_find(global_options, name, len, letter);
}

static int unknown_option(struct parser *p, const char *word)
{
	const struct option_def *own = p->out->command != NULL ? p->out->command->options : NULL;
	AUTO_FREE char *name = xstrndup(word, strcspn(word, "="));
	const char *nearest;
	const char *names[WORDS_MAX];
	CLEANUP(buf_done) struct buf list = {0};
	int n = 0;

	for (; own != NULL && own->name != NULL && n < WORDS_MAX; own++) {
		buf_addf(&list, "%s--%s", n > 0 ? ", " : "; there are ", own->name);
		names[n++] = own->name;
	}
	for (const struct option_def *o = global_options; o->name != NULL && n < WORDS_MAX; o++)
		names[n++] = o->name;
	error_set(p->err, ERR_USAGE, name, "no such option%s%s", buf_str(&list),
		  list.len > 0 ? " and the global ones" : "");
	nearest = nearest_word(name + strspn(name, "-"), names, n);
	if (nearest != NULL)
		error_hint(p->err, "did you mean --%s?", nearest);
	else if (p->out->command == NULL && p->out->noun == NULL)
		error_hint(p->err, "options of a command stand behind it; see pizzactl --help");
	return ERR_USAGE;
}

static bool is_count(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 18;
}

static bool is_rate(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end != text && *end == '\0' && value >= 0 && value <= 1;
}

static int check_word(const struct option_def *def, const char *name, const char *text, struct error *err)
{
	CLEANUP(buf_done) struct buf list = {0};
	int n = 0;

	for (; def->words[n] != NULL; n++) {
		if (strcmp(def->words[n], text) == 0)
			return 0;
		buf_addf(&list, "%s%s", n > 0 ? ", " : "", def->words[n]);
	}
	error_set(err, ERR_USAGE, name, "\"%.40s\" is none of %s", text, buf_str(&list));
	(void)nearest_hint(text, def->words, n, err);
	return ERR_USAGE;
}

/* ERR_INVALID: it is one, but too short. */
static int check_duration(const struct option_def *def, const char *name, const char *text, struct error *err)
{
	char least[DURATION_TEXT_SIZE];
	int64_t ms;

	if (!duration_parse(text, &ms)) {
		error_set(err, ERR_USAGE, name, "\"%.40s\" is no duration", text);
		error_hint(err, "write 250ms, 5s, 1.5m, 2h or 1h30m");
		return ERR_USAGE;
	}
	if (ms >= def->least_ms)
		return 0;
	return error_set(err, ERR_INVALID, name, "\"%.40s\" is too short: %s at least", text,
			 duration_format(def->least_ms * 1000, least));
}

static int check_value(const struct option_def *def, const char *text, struct error *err)
{
	char name[64];

	snprintf(name, sizeof(name), "--%s", def->name);
	switch (def->kind) {
	case VALUE_FLAG:
	case VALUE_TEXT:
		return 0;
	case VALUE_INT:
		return is_count(text)
			   ? 0
			   : error_set(err, ERR_USAGE, name, "\"%.40s\" is no number from 0", text);
	case VALUE_RATE:
		return is_rate(text)
			   ? 0
			   : error_set(err, ERR_USAGE, name, "\"%.40s\" is no rate from 0 to 1", text);
	case VALUE_DURATION:
		return check_duration(def, name, text, err);
	case VALUE_WORD:
		return check_word(def, name, text, err);
	}
	return 0;
}

static int add_given(struct parser *p, const struct option_def *def, const char *text)
{
	struct invocation *i = p->out;
	int rc = text != NULL ? check_value(def, text, p->err) : 0;

	if (rc < 0)
		return rc;
	if (strcmp(def->name, "help") == 0)
		i->help = true;
	i->given = xreallocarray(i->given, (size_t)i->given_count + 1, sizeof(i->given[0]));
	i->given[i->given_count++] = (struct given){def, text};
	return 0;
}

/* The value of an option that takes one: what stands in the same word, else the next word. */
static int take_value(struct parser *p, const struct option_def *def, const char *attached)
{
	char name[64];

	if (attached != NULL)
		return add_given(p, def, attached);
	if (def->optional && (p->at >= p->argc || check_value(def, p->argv[p->at], NULL) == ERR_USAGE))
		return add_given(p, def, NULL);
	if (p->at < p->argc)
		return add_given(p, def, p->argv[p->at++]);
	snprintf(name, sizeof(name), "--%s", def->name);
	return error_set(p->err, ERR_USAGE, name, "needs a value: %s", def->value);
}

static int parse_long(struct parser *p, const char *word)
{
	size_t len = strcspn(word + 2, "=");
	const struct option_def *def = lookup(p, word + 2, len, 0);
	const char *value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;

	if (def == NULL)
		return unknown_option(p, word);
	if (def->kind != VALUE_FLAG)
		return take_value(p, def, value);
	return value == NULL ? add_given(p, def, NULL) : error_set(p->err, ERR_USAGE, word, "takes no value");
}

static int parse_letters(struct parser *p, const char *word)
{
	for (const char *c = word + 1; *c != '\0'; c++) {
		const struct option_def *def = lookup(p, NULL, 0, *c);
		int rc;

		if (def == NULL)
			return unknown_option(p, word);
		if (def->kind != VALUE_FLAG)
			return take_value(p, def, c[1] != '\0' ? c + 1 : NULL);
		rc = add_given(p, def, NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Numbers below 0 are none. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]);
}

static int parse_option(struct parser *p)
{
	const char *word = p->argv[p->at++];

	return word[1] == '-' ? parse_long(p, word) : parse_letters(p, word);
}

/* --- noun, verb, arguments --- */

static int parse_noun(struct parser *p)
{
	const char *names[WORDS_MAX] = {NULL};
	const struct command *first;
	int n = 0, found;

	while (n < WORDS_MAX && nouns[n] != NULL) {
		names[n] = nouns[n]->name;
		n++;
	}
	if (match(p->argv[p->at], names, n) == -1)
		p->out->unknown_at = p->at;
	found = choose(p->err, p->argv[p->at], "no such command", names, n);
	if (found < 0)
		return ERR_USAGE;
	p->at++;
	p->out->noun = nouns[found];
	first = nouns[found]->commands;
	if (first->verb == NULL && first[1].run == NULL)
		p->out->command = first;
	return 0;
}

static int parse_verb(struct parser *p)
{
	const struct command *c = p->out->noun->commands;
	const char *names[WORDS_MAX];
	int places[WORDS_MAX];
	char what[64];
	int n = 0, found;

	for (int i = 0; c[i].run != NULL && n < WORDS_MAX; i++) {
		if (c[i].verb == NULL)
			continue;
		places[n] = i;
		names[n++] = c[i].verb;
	}
	snprintf(what, sizeof(what), "no such verb of %s", p->out->noun->name);
	found = choose(p->err, p->argv[p->at], what, names, n);
	if (found < 0)
		return ERR_USAGE;
	p->at++;
	p->out->command = &c[places[found]];
	return 0;
}

/* The command of a noun that can stand alone, when the next word is an option of it. */
static bool starts_alone(const struct parser *p)
{
	const struct command *first = p->out->noun != NULL ? p->out->noun->commands : NULL;
	const char *word = p->argv[p->at];

	if (first == NULL || p->out->command != NULL || first->verb != NULL)
		return false;
	if (word[1] == '-')
		return option_find(first->options, word + 2, strcspn(word + 2, "="), 0) != NULL;
	return option_find(first->options, NULL, 0, word[1]) != NULL;
}

static void add_argument(struct parser *p, const char *word)
{
	struct invocation *i = p->out;

	i->arguments = xreallocarray(i->arguments, (size_t)i->argument_count + 1, sizeof(i->arguments[0]));
	i->arguments[i->argument_count++] = word;
}

static int parse_word(struct parser *p)
{
	if (p->out->noun == NULL)
		return parse_noun(p);
	if (p->out->command == NULL)
		return parse_verb(p);
	add_argument(p, p->argv[p->at++]);
	return 0;
}

/* The arguments that are given for a, from the n-th on. */
static int check_empty(const struct invocation *i, const struct argument_def *a, int n, const char *name,
		       struct error *err)
{
	for (; n < i->argument_count; n++) {
		if (i->arguments[n][0] == '\0' && !a->empty) {
			error_set(err, ERR_USAGE, name, "%s is empty: it needs %s", a->name, a->text);
			error_hint(err, "see pizzactl %s --help", name);
			return ERR_USAGE;
		}
		if (!a->repeat)
			break;
	}
	return 0;
}

static int check_arguments(const struct invocation *i, struct error *err)
{
	const struct argument_def *a = i->command->arguments;
	char name[96];
	int n = 0, rc;

	snprintf(name, sizeof(name), "%s%s%s", i->noun->name, i->command->verb != NULL ? " " : "",
		 i->command->verb != NULL ? i->command->verb : "");
	for (; a != NULL && a[n].name != NULL; n++) {
		if (n >= i->argument_count && !a[n].optional) {
			error_set(err, ERR_USAGE, name, "needs %s: %s", a[n].name, a[n].text);
			error_hint(err, "see pizzactl %s --help", name);
			return ERR_USAGE;
		}
		rc = check_empty(i, &a[n], n, name, err);
		if (rc < 0 || a[n].repeat)
			return rc;
	}
	if (i->argument_count <= n)
		return 0;
	error_set(err, ERR_USAGE, name, "\"%.60s\" is one argument too many", i->arguments[n]);
	error_hint(err, "see pizzactl %s --help", name);
	return ERR_USAGE;
}

int command_parse(int argc, char **argv, struct invocation *ret, struct error *err)
{
	struct parser p = {argc, argv, 1, ret, err};
	bool options = true;
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	while (p.at < argc && rc == 0) {
		if (options && strcmp(argv[p.at], "--") == 0) {
			options = false;
			p.at++;
		} else if (options && is_option(argv[p.at])) {
			if (starts_alone(&p))
				ret->command = ret->noun->commands;
			rc = parse_option(&p);
		} else {
			rc = parse_word(&p);
		}
	}
	if (rc < 0 || ret->noun == NULL || ret->help)
		return rc;
	if (ret->command == NULL && ret->noun->commands->verb == NULL)
		ret->command = ret->noun->commands;
	return ret->command != NULL ? check_arguments(ret, err) : 0;
}

/* --- reading what was given --- */

const char *invocation_text(const struct invocation *i, const char *name)
{
	const struct option_def *def = NULL;

	for (int k = i->given_count - 1; k >= 0; k--)
		if (strcmp(i->given[k].def->name, name) == 0)
			return i->given[k].text;
	if (i->command != NULL)
		def = option_find(i->command->options, name, strlen(name), 0);
	if (def == NULL)
		def = option_find(global_options, name, strlen(name), 0);
	return def != NULL ? def->fallback : NULL;
}

bool invocation_flag(const struct invocation *i, const char *name)
{
	for (int k = 0; k < i->given_count; k++)
		if (strcmp(i->given[k].def->name, name) == 0)
			return true;
	return false;
}
