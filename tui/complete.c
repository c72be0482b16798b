/*
 * Completion of commands.
 *
 * While tab goes through words, the model keeps what was typed before it, so that the words stay the same.
 */
#include "tui/complete.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/pack.h"

/* --- words --- */

static void add_word(struct completions *c, const char *begun, const char *word)
{
	if (strncmp(word, begun, strlen(begun)) != 0)
		return;
	for (int i = 0; i < c->count; i++)
		if (strcmp(c->words[i], word) == 0)
			return;
	if (c->count == COMPLETE_MAX)
		c->more = true;
	else
		c->words[c->count++] = xstrdup(word);
}

void complete_done(struct completions *c)
{
	for (int i = 0; i < c->count; i++)
		free(c->words[i]);
	*c = (struct completions){0};
}

static void add_sort(const struct model *m, const char *begun, struct completions *c)
{
	const struct list_column *column = m->views[m->depth - 1].screen->columns;
	bool downwards = *begun == '-';

	for (; column != NULL && column->name != NULL; column++) {
		CLEANUP(buf_done) struct buf word = {0};

		buf_addf(&word, "%s%s", downwards ? "-" : "", column->name);
		add_word(c, begun, buf_str(&word));
	}
}

static void add_themes(const struct model *m, const char *begun, struct completions *c)
{
	(void)m;
	for (const struct theme *t = themes; t->name != NULL; t++)
		add_word(c, begun, t->name);
}

static void add_switch(const struct model *m, const char *begun, struct completions *c)
{
	(void)m;
	add_word(c, begun, "on");
	add_word(c, begun, "off");
}

/* Words that are no screens, and what may follow them. */
static const struct {
	const char *name;
	void (*add)(const struct model *m, const char *begun, struct completions *c);
} words[] = {{"quit", NULL},   {"help", NULL},	      {"sort", add_sort},
	     {"filter", NULL}, {"theme", add_themes}, {"mouse", add_switch}};

static const struct action *first_action(const struct model *m)
{
	return m->views[m->depth - 1].screen->actions;
}

#define COMMANDS_MAX 48

/* Screens of one thing come last: they take a second word. */
static int all_commands(const char *ret[COMMANDS_MAX], int *ret_plain)
{
	int n = 0;

	for (int i = 0; screens[i] != NULL && n < COMMANDS_MAX; i++)
		if (!screens[i]->detail)
			ret[n++] = screens[i]->name;
	for (size_t i = 0; i < ARRAY_LEN(words) && n < COMMANDS_MAX; i++)
		ret[n++] = words[i].name;
	*ret_plain = n;
	for (int i = 0; screens[i] != NULL && n < COMMANDS_MAX; i++)
		if (screens[i]->detail && screen_is_named(screens[i]))
			ret[n++] = screens[i]->name;
	return n;
}

/* How many begin so; *ret is the last of them. */
static int count_begun(const char *const *names, int n, const char *begun, const char **ret)
{
	int matches = 0;

	for (int i = 0; i < n; i++)
		if (strncmp(names[i], begun, strlen(begun)) == 0) {
			*ret = names[i];
			matches++;
		}
	return matches;
}

const char *complete_command(const struct model *m, const char *word)
{
	const char *names[COMMANDS_MAX], *found = NULL;
	int plain, n = all_commands(names, &plain), matches;

	for (const struct action *a = first_action(m); a != NULL && a->name != NULL; a++)
		if (strcmp(a->name, word) == 0)
			return a->name;
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], word) == 0)
			return names[i];
	matches = count_begun(names, plain, word, &found);
	if (matches == 0)
		matches = count_begun(names + plain, n - plain, word, &found);
	return matches == 1 ? found : NULL;
}

static void add_commands(const struct model *m, const char *begun, struct completions *c)
{
	const char *names[COMMANDS_MAX];
	int plain, n = all_commands(names, &plain);

	for (int i = 0; i < plain; i++)
		add_word(c, begun, names[i]);
	for (const struct action *a = first_action(m); a != NULL && a->name != NULL; a++)
		add_word(c, begun, a->name);
	for (int i = plain; i < n; i++)
		add_word(c, begun, names[i]);
}

/* Words of one kind, of which a command takes one. */
struct kind {
	const char *typed; /* before the last word */
	const char *begun; /* the last word */
	struct completions words;
	bool used; /* one of them is typed already */
};

static bool is_typed(const char *typed, const char *word)
{
	size_t len;

	for (; *typed != '\0'; typed += len + strspn(typed + len, " ")) {
		len = strcspn(typed, " ");
		if (len == strlen(word) && strncmp(typed, word, len) == 0)
			return true;
	}
	return false;
}

static void add_to_kind(struct kind *k, const char *word)
{
	if (*word == '\0')
		return;
	k->used = k->used || is_typed(k->typed, word);
	add_word(&k->words, k->begun, word);
}

/* The kind's words, unless one of them is typed. */
static void take_kind(struct kind *k, struct completions *c)
{
	for (int i = 0; i < k->words.count && !k->used; i++)
		add_word(c, "", k->words.words[i]);
	c->more = c->more || (k->words.more && !k->used);
	complete_done(&k->words);
}

static void add_subjects(const struct model *m, const struct screen *s, const char *typed, const char *begun,
			 struct completions *c)
{
	const json_t *rows = s->subjects.member != NULL ? m->panels[s->subjects.feed].data : NULL;
	struct kind narrow = {.typed = typed, .begun = begun}, known = {.typed = typed, .begun = begun};

	for (int i = 0; s->narrows != NULL && s->narrows[i] != NULL; i++)
		add_to_kind(&narrow, s->narrows[i]);
	for (size_t i = 0; i < json_array_size(rows) && !known.words.more; i++) {
		AUTO_JSON json_t *value = pack_member(json_array_get(rows, i), s->subjects.member);

		if (json_is_string(value))
			add_to_kind(&known, json_string_value(value));
	}
	take_kind(&narrow, c);
	take_kind(&known, c);
}

/* What an action asks for. */
static void find_value(const struct model *m, const char *text, struct completions *ret)
{
	const json_t *row = json_array_get(m->asked->rows, 0);
	const char *word;

	for (int i = 0; m->asked->action->choice != NULL && (word = m->asked->action->choice(row, i)) != NULL;
	     i++)
		add_word(ret, text, word);
}

void complete_find(const struct model *m, const char *text, struct completions *ret)
{
	const char *last = strrchr(text, ' '), *command;
	char first[64], typed[INPUT_MAX];

	*ret = (struct completions){0};
	if (m->mode == MODE_VALUE) {
		find_value(m, text, ret);
		return;
	}
	if (last == NULL) {
		add_commands(m, text, ret);
		return;
	}
	ret->from = (size_t)(last - text) + 1;
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, " "), text);
	snprintf(typed, sizeof(typed), "%.*s", (int)ret->from, text);
	command = complete_command(m, first);
	if (command == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].name, command) == 0 && words[i].add != NULL &&
		    ret->from == strlen(first) + 1)
			words[i].add(m, last + 1, ret);
	for (int i = 0; screens[i] != NULL; i++)
		if (strcmp(screens[i]->name, command) == 0)
			add_subjects(m, screens[i], typed, last + 1, ret);
}

/* --- the tab key --- */

void complete_stop(struct model *m)
{
	m->offering = false;
}

/* True where something else has to follow. */
static bool takes_more(const struct model *m, const char *text)
{
	CLEANUP(complete_done) struct completions c = {0};
	CLEANUP(buf_done) struct buf next = {0};

	buf_addf(&next, "%s ", text);
	complete_find(m, buf_str(&next), &c);
	return c.count > 0;
}

static size_t common_length(const struct completions *c)
{
	size_t len = strlen(c->words[0]);

	for (int i = 1; i < c->count; i++)
		while (strncmp(c->words[0], c->words[i], len) != 0)
			len--;
	return text_whole(c->words[0], len);
}

static void put_word(struct model *m, const struct completions *c, const char *word, size_t len)
{
	CLEANUP(buf_done) struct buf text = {0};

	buf_add(&text, m->input, c->from);
	buf_add(&text, word, len);
	snprintf(m->input, sizeof(m->input), "%s", buf_str(&text));
}

/* As far as all agree; answers whether that is more than what was typed. */
static bool extend(struct model *m, const struct completions *c)
{
	size_t len = common_length(c), typed = strlen(m->input) - c->from;

	if (c->count > 1 && (c->more || len <= typed))
		return false;
	put_word(m, c, c->words[0], len);
	if (c->count == 1 && m->mode == MODE_COMMAND && takes_more(m, m->input))
		snprintf(m->input + strlen(m->input), sizeof(m->input) - strlen(m->input), " ");
	return true;
}

void complete_step(struct model *m, int step)
{
	CLEANUP(complete_done) struct completions c = {0};

	complete_find(m, m->offering ? m->begun : m->input, &c);
	if (c.count == 0 || (!m->offering && extend(m, &c)))
		return;
	if (!m->offering) {
		m->offering = true;
		m->offer = step > 0 ? -1 : 0;
		snprintf(m->begun, sizeof(m->begun), "%s", m->input);
	}
	m->offer = (m->offer + step + c.count) % c.count;
	put_word(m, &c, c.words[m->offer], strlen(c.words[m->offer]));
}

/* --- drawing --- */

/* The first word of those that are seen: the one that is offered is among them. */
static int first_seen(const struct model *m, const struct grid *g, const struct completions *c)
{
	int first = 0, x = 1;

	for (int i = 0; m->offering && i <= m->offer && i < c->count; i++) {
		int need = grid_columns(g, c->words[i]) + 2;

		if (x + need > g->width - 1) {
			first = i;
			x = 1;
		}
		x += need;
	}
	return first;
}

void complete_draw(const struct model *m, struct grid *g, int y)
{
	CLEANUP(complete_done) struct completions c = {0};
	int x = 1, i;

	complete_find(m, m->offering ? m->begun : m->input, &c);
	grid_fill(g, (struct rect){0, y, g->width, 1}, STYLE_BAR);
	if (c.count == 0)
		return;
	for (i = first_seen(m, g, &c); i < c.count; i++) {
		int need = grid_columns(g, c.words[i]);

		if (x + need > g->width - (i + 1 < c.count || c.more ? 2 : 1))
			break;
		grid_text(g, x, y, need, STYLE_BAR, c.words[i]);
		if (m->offering && i == m->offer)
			grid_reverse(g, x - 1, y, need + 2);
		x += need + 2;
	}
	if (i < c.count || c.more)
		grid_right(g, 0, y, g->width, STYLE_BAR, "…");
}
