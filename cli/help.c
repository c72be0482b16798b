/*
 * Help from the command table.
 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "cli/plugin.h"
#include "core/base/mem.h"

#define LINE_MAX_COLUMNS 100

static void add_title(struct buf *out, const struct noun *n, const struct command *c)
{
	buf_addf(out, "pizzactl %s", n->name);
	if (c != NULL && c->verb != NULL)
		buf_addf(out, " %s", c->verb);
}

/* Columns of UTF-8 text: bytes that do not continue a character. */
static size_t columns_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Adds text, words wrapped, after `used` columns; further lines are indented. */
static void add_wrapped(struct buf *out, const char *text, size_t used, size_t indent)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		AUTO_FREE char *word = xstrndup(text, len);
		size_t width = columns_of(word);

		if (used > indent && used + 1 + width > LINE_MAX_COLUMNS) {
			buf_addf(out, "\n%*s", (int)indent, "");
			used = indent;
		} else if (used > indent) {
			buf_addc(out, ' ');
			used++;
		}
		buf_adds(out, word);
		used += width;
		text += len + (text[len] == ' ');
	}
	buf_addc(out, '\n');
}

/* "  name    text, wrapped" */
static void add_entry(struct buf *out, const char *name, size_t width, const char *text)
{
	size_t len = columns_of(name);

	buf_addf(out, "  %s%*s  ", name, len < width ? (int)(width - len) : 0, "");
	if (len > width)
		buf_addf(out, "\n%*s", (int)width + 4, "");
	add_wrapped(out, text, width + 4, width + 4);
}

static void add_argument(struct buf *out, const struct argument_def *a)
{
	buf_addf(out, " %s%s%s%s", a->optional ? "[" : "", a->name, a->repeat ? "…" : "",
		 a->optional ? "]" : "");
}

/* " D", " [D]", or nothing; with a no-break space where the synopsis must not be wrapped. */
static const char *value_text(const struct option_def *o, const char *space, char *text, size_t size)
{
	if (o->value == NULL)
		*text = '\0';
	else
		snprintf(text, size, o->optional ? "%s[%s]" : "%s%s", space, o->value);
	return text;
}

static void add_synopsis_option(struct buf *out, const struct option_def *o)
{
	char value[64];

	value_text(o, "\xc2\xa0", value, sizeof(value));
	if (o->letter != 0)
		buf_addf(out, " [-%c%s]", o->letter, value);
	else
		buf_addf(out, " [--%s%s]", o->name, value);
}

void help_synopsis(struct buf *out, const struct noun *n, const struct command *c)
{
	CLEANUP(buf_done) struct buf rest = {0};
	size_t before = out->len;

	add_title(out, n, c);
	for (const struct argument_def *a = c->arguments; a != NULL && a->name != NULL; a++)
		add_argument(&rest, a);
	for (const struct option_def *o = c->options; o != NULL && o->name != NULL; o++)
		add_synopsis_option(&rest, o);
	if (rest.len > 0) {
		buf_addc(out, ' ');
		add_wrapped(out, buf_str(&rest) + 1, out->len - before, out->len - before);
		out->data[--out->len] = '\0';
	}
}

/* Replaces no-break spaces, which kept options and their values on one line. */
static void add_unbroken(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (text[0] == '\xc2' && text[1] == '\xa0') {
			buf_addc(out, ' ');
			text++;
		} else {
			buf_addc(out, *text);
		}
	}
}

static void add_usage(struct buf *out, const struct noun *n, const struct command *c)
{
	CLEANUP(buf_done) struct buf usage = {0};

	buf_adds(&usage, "usage: ");
	help_synopsis(&usage, n, c);
	add_unbroken(out, buf_str(&usage));
	buf_addc(out, '\n');
}

size_t help_option_label(const struct option_def *o, char *text, size_t size)
{
	char letter[8] = "    ", value[64];

	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(text, size, "%s--%s%s", letter, o->name, value_text(o, " ", value, sizeof(value)));
	return columns_of(text);
}

void help_option_text(const struct option_def *o, struct buf *out)
{
	buf_adds(out, o->text);
	for (int i = 0; o->words != NULL && o->words[i] != NULL; i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : ": ", o->words[i]);
	if (o->fallback != NULL)
		buf_addf(out, " (default %s)", o->fallback);
}

static void add_options(struct buf *out, const char *heading, const struct option_def *options)
{
	char label[96];
	size_t width = 0;

	if (options == NULL || options->name == NULL)
		return;
	buf_addf(out, "\n%s\n", heading);
	for (const struct option_def *o = options; o->name != NULL; o++) {
		size_t len = help_option_label(o, label, sizeof(label));

		width = len > width ? len : width;
	}
	for (const struct option_def *o = options; o->name != NULL; o++) {
		CLEANUP(buf_done) struct buf text = {0};

		help_option_text(o, &text);
		help_option_label(o, label, sizeof(label));
		add_entry(out, label, width, buf_str(&text));
	}
}

static void add_arguments(struct buf *out, const struct argument_def *arguments)
{
	size_t width = 0;

	if (arguments == NULL || arguments->name == NULL)
		return;
	for (const struct argument_def *a = arguments; a->name != NULL; a++)
		width = columns_of(a->name) > width ? columns_of(a->name) : width;
	buf_adds(out, "\narguments\n");
	for (const struct argument_def *a = arguments; a->name != NULL; a++)
		add_entry(out, a->name, width, a->text);
}

static void add_columns(struct buf *out, const struct column *columns)
{
	CLEANUP(buf_done) struct buf names = {0};

	if (columns == NULL)
		return;
	for (const struct column *c = columns; c->name != NULL; c++)
		buf_addf(&names, "%s%s", c != columns ? ", " : "", c->name);
	buf_adds(out, "\ncolumns (fields of -o json; --columns help explains them)\n  ");
	add_wrapped(out, buf_str(&names), 2, 2);
}

static void add_examples(struct buf *out, const struct command *c)
{
	if (c->examples[0] == NULL)
		return;
	buf_adds(out, "\nexamples\n");
	for (int i = 0; i < EXAMPLES_MAX && c->examples[i] != NULL; i++)
		buf_addf(out, "  %s\n", c->examples[i]);
}

void help_command(struct buf *out, const struct noun *n, const struct command *c)
{
	add_title(out, n, c);
	buf_addf(out, " – %s\n\n", c->summary);
	add_usage(out, n, c);
	add_arguments(out, c->arguments);
	add_options(out, "options", c->options);
	add_columns(out, c->columns);
	add_examples(out, c);
	buf_adds(out, "\nGlobal options: pizzactl --help.\n");
}

void help_noun(struct buf *out, const struct noun *n)
{
	size_t width = 0;

	buf_addf(out, "pizzactl %s – %s\n", n->name, n->summary);
	for (const struct command *c = n->commands; c->run != NULL; c++) {
		size_t len = c->verb != NULL ? strlen(c->verb) : 0;

		width = len > width ? len : width;
	}
	for (const struct command *c = n->commands; c->run != NULL; c++) {
		buf_addc(out, '\n');
		add_entry(out, c->verb != NULL ? c->verb : "", width, c->summary);
		if (c->examples[0] != NULL)
			buf_addf(out, "%*s%s\n", (int)width + 4, "", c->examples[0]);
	}
	buf_addf(out, "\npizzactl %s VERB --help says more.\n", n->name);
}

static void add_topics(struct buf *out)
{
	CLEANUP(buf_done) struct buf names = {0};
	struct page p;

	for (int i = 0; page_at(i, &p); i++)
		if (p.noun == NULL && p.daemon == NULL)
			buf_addf(&names, "%s%s", names.len > 0 ? ", " : "", p.name);
	buf_adds(out, "  ");
	add_wrapped(out, buf_str(&names), 2, 2);
}

void help_overview(struct buf *out)
{
	size_t width = 0;
	const char *group = "";

	for (int i = 0; nouns[i] != NULL; i++)
		width = strlen(nouns[i]->name) > width ? strlen(nouns[i]->name) : width;
	buf_adds(out, "pizzactl – run, watch and operate an event-driven pizza shop\n\n"
		      "usage: pizzactl [OPTION]… COMMAND [VERB] [ARGUMENT]… [OPTION]…\n");
	for (int i = 0; nouns[i] != NULL; i++) {
		if (strcmp(group, nouns[i]->group) != 0) {
			group = nouns[i]->group;
			buf_addf(out, "\n%s\n", group);
		}
		add_entry(out, nouns[i]->name, width, nouns[i]->summary);
	}
	add_options(out, "global options, before or after the command", global_options);
	buf_adds(
	    out,
	    "\nexit status\n"
	    "  0 ok   1 failed   2 wrong usage   3 not found   4 threshold breached, or saga not successful\n"
	    "  5 backend unreachable   6 partly failed   7 timed out   8 refused   9 conflict\n"
	    "\ntopics: pizzactl help TOPIC\n");
	add_topics(out);
	buf_adds(out,
		 "\nCommands and verbs may be shortened. pizzactl COMMAND shows its verbs with an example "
		 "each.\n");
}

void help_invocation(struct buf *out, const struct invocation *i)
{
	if (i->noun == NULL) {
		help_overview(out);
		plugin_overview(out);
	} else if (i->command == NULL) {
		help_noun(out, i->noun);
	} else {
		help_command(out, i->noun, i->command);
	}
}
