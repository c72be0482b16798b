/*
 * A manual page while it is written, in one of two forms: mdoc(7) for man, plain text for `pizzactl help`.
 *
 * Prose comes in a light markup, one block after the other, with an empty line between them:
 *     # Title             a section          ## Title      a subsection
 *     words               a paragraph; `code` stands out, name(5) refers to another page
 *     - term :: words     an entry of a list
 *     (indented)          literal lines, by a tab or four spaces; "$ command" is an example that the tests
 * run
 *     @name               a part that is written from a table: the caller's
 * One thread.
 */
#ifndef PIZZA_CLI_DOC_H
#define PIZZA_CLI_DOC_H

#include <stdbool.h>

#include "core/base/buf.h"

struct doc;
struct noun;
struct command;

/* One form of writing. Texts are in the markup unless said otherwise. */
struct doc_form {
	void (*title)(struct doc *d, const char *name, int section, const char *summary);
	void (*section)(struct doc *d, const char *title);
	void (*subsection)(struct doc *d, const char *title);
	void (*paragraph)(struct doc *d, const char *text);
	void (*literal)(struct doc *d, const char *lines); /* as it is */
	void (*entry)(struct doc *d, const char *term, const char *text);
	void (*entries_end)(struct doc *d);
	void (*synopsis)(struct doc *d, const struct noun *n, const struct command *c);
};
extern const struct doc_form doc_mdoc, doc_text;

struct doc {
	const struct doc_form *form;
	struct buf out;
	int width;	    /* of text: columns */
	const char *date;   /* of mdoc: "November 21, 2026" */
	bool in_entries;    /* the list is open */
	bool after_heading; /* nothing has been written since a heading */
	/* Writes the part `name` of "@name"; false: there is none. */
	bool (*part)(struct doc *d, void *arg, const char *name);
	void *part_arg;
	const char *missing; /* the first part that there was none for, else NULL; borrowed from the prose */
};

void doc_section(struct doc *d, const char *title);
void doc_subsection(struct doc *d, const char *title);
void doc_paragraph(struct doc *d, const char *text);
void doc_literal(struct doc *d, const char *lines);
/* Entries that follow each other are one list. */
void doc_entry(struct doc *d, const char *term, const char *text);
/* A whole text in the markup. */
void doc_prose(struct doc *d, const char *text);
/* The end of what is written; frees nothing. */
void doc_end(struct doc *d);
void doc_done(struct doc *d);

/* --- for forms --- */

/* In upper case, as headings are. */
void doc_upper(struct doc *d, const char *text);

/*
 * The next word of a markup text from *text on, without spaces around it; false at the end.  Words between
 * backquotes are one word with their spaces.
 */
bool doc_word(const char **text, const char **ret, size_t *ret_len);

#endif
