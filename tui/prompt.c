/*
 * What is typed, asked and chosen.
 */
#include "tui/prompt.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "tui/complete.h"
#include "tui/keys.h"
#include "tui/list.h"

void prompt_begin(struct model *m, enum mode mode, const char *text)
{
	m->mode = mode;
	m->command_at = m->command_count;
	complete_stop(m);
	snprintf(m->input, sizeof(m->input), "%s", text);
	snprintf(m->before, sizeof(m->before), "%s", model_view(m)->filter);
}

/* --- deciding about a job --- */

static void run_job(struct model *m)
{
	struct job *j = m->asked;

	m->asked = NULL;
	m->mode = MODE_NORMAL;
	map_done(&model_view(m)->marks, NULL);
	model_say(m, STYLE_PLAIN, "%s …", j->action->name);
	model_do(m, EFFECT_RUN, NULL, j);
}

void prompt_decide(struct model *m)
{
	struct job *j = m->asked;

	if (j->action->reasons && !j->explained) {
		prompt_begin(m, MODE_REASON, "");
	} else if (j->action->plans &&
		   !j->planned) { /* it comes back with its plan, and is asked about then */
		j->plan = j->planned = true;
		m->asked = NULL;
		m->mode = MODE_NORMAL;
		model_say(m, STYLE_PLAIN, "%s: looking what would be done …", j->action->name);
		model_do(m, EFFECT_RUN, NULL, j);
	} else if (j->action->asks) {
		m->mode = MODE_CONFIRM;
	} else if (j->action->changes && m->protected) {
		prompt_begin(m, MODE_NAME, "");
	} else {
		run_job(m);
	}
}

static void give_up(struct model *m)
{
	job_free(m->asked);
	m->asked = NULL;
	m->mode = MODE_NORMAL;
	model_say(m, STYLE_PLAIN, "nothing was done");
}

static void press_confirm(struct model *m, int key)
{
	if (key != 'y' && key != 'Y') {
		if (key == 'n' || key == 'N' || key == 'q' || key == KEYCODE_ESCAPE)
			give_up(m);
		return;
	}
	if (m->protected && m->asked->action->changes)
		prompt_begin(m, MODE_NAME, "");
	else
		run_job(m);
}

static void enter_name(struct model *m)
{
	if (strcmp(m->input, m->context) == 0) {
		m->asked->agreed = true;
		run_job(m);
		return;
	}
	give_up(m);
	model_say(m, STYLE_WARN, "that is not the context's name, nothing was done");
}

static void enter_value(struct model *m)
{
	snprintf(m->asked->value, sizeof(m->asked->value), "%.*s", (int)sizeof(m->asked->value) - 1,
		 m->input);
	if (m->asked->value[0] == '\0' && !m->asked->action->optional)
		give_up(m);
	else
		prompt_decide(m);
}

static void enter_reason(struct model *m)
{
	snprintf(m->asked->reason, sizeof(m->asked->reason), "%.*s", (int)sizeof(m->asked->reason) - 1,
		 m->input);
	m->asked->explained = true;
	prompt_decide(m);
}

/* --- commands --- */

static void sort_by(struct model *m, const char *name)
{
	struct view *v = model_view(m);
	bool downwards = *name == '-';

	name += downwards;
	for (int i = 0; v->screen->columns != NULL && v->screen->columns[i].name != NULL; i++) {
		const struct list_column *c = &v->screen->columns[i];

		if (strcmp(c->name, name) != 0 && (c->title == NULL || strcmp(c->title, name) != 0))
			continue;
		v->sort = i;
		v->downwards = downwards;
		list_refresh(m, v);
		return;
	}
	model_say(m, STYLE_WARN, "sort: there is no column \"%s\"", name);
}

static void use_theme(struct model *m, const char *name)
{
	const struct theme *t = theme_find(name);
	CLEANUP(buf_done) struct buf names = {0};

	if (t != NULL) {
		m->theme = t;
		return;
	}
	for (t = themes; t->name != NULL; t++)
		buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", t->name);
	model_say(m, STYLE_WARN, "theme: there are %s", buf_str(&names));
}

static bool run_word(struct model *m, const char *word, const char *rest)
{
	struct view *v = model_view(m);

	if (strcmp(word, "quit") == 0) {
		model_do(m, EFFECT_QUIT, NULL, NULL);
	} else if (strcmp(word, "help") == 0) {
		m->mode = MODE_HELP;
		m->choice = 0;
	} else if (strcmp(word, "sort") == 0) {
		sort_by(m, rest);
	} else if (strcmp(word, "theme") == 0) {
		use_theme(m, rest);
	} else if (strcmp(word, "mouse") == 0) {
		m->mouse = strcmp(rest, "off") != 0;
	} else if (strcmp(word, "filter") == 0) {
		snprintf(v->filter, sizeof(v->filter), "%s", rest);
		list_refresh(m, v);
	} else {
		return false;
	}
	return true;
}

/* What follows is its value, which is asked for all the same. */
static bool run_action(struct model *m, const char *word, const char *rest)
{
	for (const struct action *a = model_view(m)->screen->actions; a != NULL && a->name != NULL; a++)
		if (strcmp(a->name, word) == 0) {
			keys_act(m, a);
			if (m->mode == MODE_VALUE)
				snprintf(m->input, sizeof(m->input), "%s", rest);
			return true;
		}
	return false;
}

/* Several begin like it, or one is near. */
static void explain_unknown(struct model *m, const char *word)
{
	CLEANUP(complete_done) struct completions c = {0};
	CLEANUP(buf_done) struct buf names = {0};
	const char *near;

	complete_find(m, word, &c);
	for (int i = 0; i < c.count; i++)
		buf_addf(&names, "%s%s", i > 0 ? ", " : "", c.words[i]);
	if (c.count > 0) {
		model_say(m, STYLE_WARN, "%.60s: which one? %s", word, buf_str(&names));
		return;
	}
	complete_find(m, "", &c);
	near = nearest_word(word, (const char *const *)c.words, c.count);
	model_say(m, STYLE_WARN, "there is no \"%.60s\"%s%s%s", word, near != NULL ? "; did you mean " : "",
		  near != NULL ? near : "", near != NULL ? "?" : "");
}

void prompt_command(struct model *m, const char *text)
{
	char typed[64];
	size_t len = strcspn(text, " ");
	const char *rest = text + len + strspn(text + len, " "), *word;
	const struct screen *s;

	snprintf(typed, sizeof(typed), "%.*s", (int)len, text);
	if (typed[0] == '\0')
		return;
	word = complete_command(m, typed);
	if (word == NULL) {
		explain_unknown(m, typed);
		return;
	}
	if (run_action(m, word, rest) || run_word(m, word, rest))
		return;
	s = screen_find(word);
	if (s->detail && *rest == '\0')
		model_say(m, STYLE_WARN, "%s: which one? :%s ID", s->name, s->name);
	else if (s->detail)
		model_open(m, s, rest);
	else
		model_show(m, s, rest);
}

static void remember(struct model *m, const char *text)
{
	if (*text == '\0' || (m->command_count > 0 && strcmp(m->commands[m->command_count - 1], text) == 0))
		return;
	if (m->command_count == COMMANDS_KEPT) {
		free(m->commands[0]);
		memmove(m->commands, m->commands + 1, (COMMANDS_KEPT - 1) * sizeof(m->commands[0]));
		m->command_count--;
	}
	m->commands[m->command_count++] = xstrdup(text);
}

/* --- typing --- */

static void apply_filter(struct model *m, const char *text)
{
	struct view *v = model_view(m);

	snprintf(v->filter, sizeof(v->filter), "%s", text);
	list_refresh(m, v);
}

static void finish_typing(struct model *m)
{
	enum mode mode = m->mode;

	m->mode = MODE_NORMAL;
	if (mode == MODE_COMMAND) {
		remember(m, m->input);
		prompt_command(m, m->input);
	} else if (mode == MODE_VALUE) {
		enter_value(m);
	} else if (mode == MODE_REASON) {
		enter_reason(m);
	} else if (mode == MODE_NAME) {
		enter_name(m);
	}
}

static void stop_typing(struct model *m)
{
	if (m->mode == MODE_FILTER)
		apply_filter(m, m->before);
	if (m->mode == MODE_VALUE || m->mode == MODE_REASON || m->mode == MODE_NAME)
		give_up(m);
	m->mode = MODE_NORMAL;
}

static void add_char(struct model *m, int key)
{
	size_t len = strlen(m->input);
	unsigned c = (unsigned)key;

	if (c < 0x20 || c >= KEYCODE_NONE || c == 0x7f || len + 5 > sizeof(m->input))
		return;
	if (c < 0x80)
		snprintf(m->input + len, 5, "%c", (int)c);
	else if (c < 0x800)
		snprintf(m->input + len, 5, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
	else if (c < 0x10000)
		snprintf(m->input + len, 5, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)),
			 (int)(0x80 | (c & 0x3f)));
	else
		snprintf(m->input + len, 5, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3f)),
			 (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
}

static void remove_char(struct model *m)
{
	size_t len = strlen(m->input);

	while (len > 0 && (m->input[len - 1] & 0xc0) == 0x80)
		len--;
	m->input[len > 0 ? len - 1 : 0] = '\0';
}

/* What was being typed comes after the last of them. */
static void recall(struct model *m, int step)
{
	int to = m->command_at + step;

	if (m->mode != MODE_COMMAND || to < 0 || to > m->command_count)
		return;
	if (m->command_at == m->command_count)
		snprintf(m->before, sizeof(m->before), "%s", m->input);
	m->command_at = to;
	snprintf(m->input, sizeof(m->input), "%s", to < m->command_count ? m->commands[to] : m->before);
}

static void press_typing(struct model *m, int key)
{
	if (key == KEYCODE_TAB || key == KEYCODE_BACKTAB) {
		if (m->mode == MODE_COMMAND || m->mode == MODE_VALUE)
			complete_step(m, key == KEYCODE_TAB ? 1 : -1);
		return;
	}
	complete_stop(m);
	switch (key) {
	case KEYCODE_ENTER:
		finish_typing(m);
		return;
	case KEYCODE_ESCAPE:
		stop_typing(m);
		return;
	case KEYCODE_BACKSPACE:
		if (m->input[0] == '\0') {
			stop_typing(m);
			return;
		}
		remove_char(m);
		break;
	case KEYCODE_UP:
		recall(m, -1);
		break;
	case KEYCODE_DOWN:
		recall(m, 1);
		break;
	case 'U' - 'A' + 1: /* ^U */
		m->input[0] = '\0';
		break;
	default:
		add_char(m, key);
		break;
	}
	if (m->mode == MODE_FILTER)
		apply_filter(m, m->input);
}

/* --- choosing --- */

static const struct action *chosen_action(struct model *m)
{
	const struct action *a = model_view(m)->screen->actions;

	for (int i = 0; a != NULL && a->name != NULL; a++, i++)
		if (i == m->choice)
			return a;
	return NULL;
}

static void copy_command(struct model *m)
{
	const struct action *a = chosen_action(m);
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_JSON json_t *rows = NULL;

	if (a == NULL)
		return;
	rows = list_chosen(model_view(m), a);
	action_command(&text, a, rows, "", "", m->named);
	model_do(m, EFFECT_COPY, buf_str(&text), NULL);
	m->mode = MODE_NORMAL;
	model_say(m, STYLE_PLAIN, "copied: %.200s", buf_str(&text));
}

static void press_actions(struct model *m, int key)
{
	const struct action *a;

	if (key == KEYCODE_UP || key == 'k') {
		m->choice -= m->choice > 0;
	} else if (key == KEYCODE_DOWN || key == 'j') {
		m->choice++;
		m->choice -= chosen_action(m) == NULL;
	} else if (key == 'y') {
		copy_command(m);
	} else if (key == KEYCODE_ENTER) {
		a = chosen_action(m);
		m->mode = MODE_NORMAL;
		if (a != NULL)
			keys_act(m, a);
	} else {
		m->mode = MODE_NORMAL;
	}
}

static void press_help(struct model *m, int key)
{
	if (key == KEYCODE_DOWN || key == 'j' || key == KEYCODE_PAGE_DOWN || key == ' ')
		m->choice += key == KEYCODE_DOWN || key == 'j' ? 1 : m->height / 2;
	else if (key == KEYCODE_UP || key == 'k' || key == KEYCODE_PAGE_UP)
		m->choice -= key == KEYCODE_UP || key == 'k' ? 1 : m->height / 2;
	else
		m->mode = MODE_NORMAL;
	if (m->choice < 0)
		m->choice = 0;
}

void prompt_press(struct model *m, int key)
{
	switch (m->mode) {
	case MODE_FILTER:
	case MODE_COMMAND:
	case MODE_VALUE:
	case MODE_REASON:
	case MODE_NAME:
		press_typing(m, key);
		break;
	case MODE_CONFIRM:
		press_confirm(m, key);
		break;
	case MODE_HELP:
		press_help(m, key);
		break;
	case MODE_ACTIONS:
		press_actions(m, key);
		break;
	case MODE_NORMAL:
		break;
	}
}
