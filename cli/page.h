/*
 * The manual: which pages there are, and what stands on each.  Every noun and every daemon has a page; their
 * prose, and the pages that are nothing but prose, lie in man/text (doc.h tells their markup) and are
 * embedded, so that `pizzactl help` works without anything installed.
 */
#ifndef PIZZA_CLI_PAGE_H
#define PIZZA_CLI_PAGE_H

#include <stdbool.h>

#include "cli/command.h"
#include "cli/doc.h"
#include "cli/embedded.h"
#include "core/contract/daemons.h"

struct page {
	char name[64]; /* "pizzactl-order" */
	int section;   /* 0: a topic of `pizzactl help`, no page of its own */
	const char *summary;
	const struct noun *noun;	  /* of a noun's page, else NULL */
	const struct daemon_info *daemon; /* of a daemon's page, else NULL */
};

/* All pages: from 0 on; false past the last. */
bool page_at(int i, struct page *ret);
/* By name, also without its "pizza-" or "pizzactl-". */
bool page_find(const char *name, struct page *ret);
/* The prose in man/text/NAME.txt, or NULL. */
const char *page_text(const char *name);
/* The file name of its prose, without folder: "order.txt". */
const char *page_text_file(const struct page *p, char *text, size_t size);
/* Writes the page. False when its prose is missing or has a part that does not exist (d->missing). */
bool page_write(const struct page *p, struct doc *d);

/* The next reference "name(5)" in a text from *text on (NULL is none): its name and section; false at the
 * end. */
bool page_reference(const char **text, char *name, size_t size, int *ret_section);

/* page_parts.c: what "@name" stands for. */
bool page_part(struct doc *d, void *page, const char *name);
/* page_hardware.c: parts from the tables of the hardware. */
void page_hardware_registers(struct doc *d);
void page_hardware_status(struct doc *d);
void page_hardware_faults(struct doc *d);
void page_hardware_products(struct doc *d);
/* page_command.c: the parts of a noun's page. */
void page_synopsis(struct doc *d, const struct noun *n);
void page_commands(struct doc *d, const struct noun *n);
void page_examples(struct doc *d, const struct noun *n);
void page_options(struct doc *d, const struct option_def *options);

#endif
