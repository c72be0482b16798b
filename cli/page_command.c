/*
 * The parts of a noun's page, from the rows of the command table.
 */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/page.h"
#include "core/base/mem.h"

static void command_title(const struct noun *n, const struct command *c, char *text, size_t size)
{
	snprintf(text, size, "pizzactl %s%s%s", n->name, c->verb != NULL ? " " : "",
		 c->verb != NULL ? c->verb : "");
}

void page_synopsis(struct doc *d, const struct noun *n)
{
	for (const struct command *c = n->commands; c->run != NULL; c++)
		d->form->synopsis(d, n, c);
}

void page_options(struct doc *d, const struct option_def *options)
{
	for (const struct option_def *o = options; o != NULL && o->name != NULL; o++) {
		CLEANUP(buf_done) struct buf text = {0};
		char label[96];

		help_option_label(o, label, sizeof(label));
		help_option_text(o, &text);
		doc_entry(d, label + strspn(label, " "), buf_str(&text));
	}
}

static void arguments(struct doc *d, const struct argument_def *list)
{
	for (const struct argument_def *a = list; a != NULL && a->name != NULL; a++)
		doc_entry(d, a->name, a->text);
}

/* An earlier command of the noun with the same fields, or NULL. */
static const struct command *same_fields(const struct noun *n, const struct command *c)
{
	for (const struct command *p = n->commands; p < c; p++)
		if (p->columns == c->columns && p->shape == c->shape)
			return p;
	return NULL;
}

/* The members of the JSON. */
static void fields(struct doc *d, const struct noun *n, const struct command *c)
{
	const struct command *same = same_fields(n, c);
	char title[96], text[128];

	if (c->columns == NULL)
		return;
	if (same != NULL) {
		command_title(n, same, title, sizeof(title));
		snprintf(text, sizeof(text), "The fields are those of `%s`.", title);
		doc_paragraph(d, text);
		return;
	}
	doc_paragraph(d, c->shape == SHAPE_SHOW ? "Fields of the object with `-o json`:"
						: "Fields of each row with `-o json`:");
	for (const struct column *p = c->columns; p->name != NULL; p++) {
		char term[128];

		snprintf(term, sizeof(term), "%s (%s)", p->name, output_kind_word(p->kind));
		doc_entry(d, term, p->text != NULL ? p->text : "");
	}
}

static void remarks(struct doc *d, const struct command *c)
{
	if ((c->flags & COMMAND_BULK) != 0)
		doc_paragraph(d,
			      "A bulk change: without `--yes` it says what it would do, and does nothing.");
	else if ((c->flags & COMMAND_CHANGES) != 0)
		doc_paragraph(d,
			      "A change: `--dry-run` shows it and does nothing, `--reason` is kept with it.");
}

void page_commands(struct doc *d, const struct noun *n)
{
	bool several = n->commands[1].run != NULL;
	char title[96], summary[256];

	if (several)
		doc_section(d, "Commands");
	for (const struct command *c = n->commands; c->run != NULL; c++) {
		if (several) {
			command_title(n, c, title, sizeof(title));
			doc_subsection(d, title);
			snprintf(summary, sizeof(summary), "%c%s.", c->summary[0] & ~0x20, c->summary + 1);
			doc_paragraph(d, summary);
		}
		arguments(d, c->arguments);
		page_options(d, c->options);
		remarks(d, c);
		fields(d, n, c);
	}
}

void page_examples(struct doc *d, const struct noun *n)
{
	doc_section(d, "Examples");
	for (const struct command *c = n->commands; c->run != NULL; c++) {
		CLEANUP(buf_done) struct buf text = {0};
		char summary[256];

		if (c->examples[0] == NULL)
			continue;
		snprintf(summary, sizeof(summary), "%c%s:", c->summary[0] & ~0x20, c->summary + 1);
		doc_paragraph(d, summary);
		for (int i = 0; i < EXAMPLES_MAX && c->examples[i] != NULL; i++)
			buf_addf(&text, "$ %s\n", c->examples[i]);
		doc_literal(d, buf_str(&text));
	}
}
