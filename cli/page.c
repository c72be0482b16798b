/*
 * The table of pages and their frames.
 */
#include "cli/page.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static const struct page fixed[] = {
    {.name = "pizza", .section = 7, .summary = "an event-driven pizza shop on PostgreSQL and Kafka"},
    {.name = "pizzactl", .section = 1, .summary = "run, watch and operate an event-driven pizza shop"},
    {.name = "pizza.yaml", .section = 5, .summary = "configuration of an installation"},
    {.name = "pizza-events", .section = 7, .summary = "topics, events and dead letters"},
    {.name = "pizza-http", .section = 7, .summary = "the HTTP interfaces of the daemons"},
    {.name = "pizza-metrics", .section = 7, .summary = "what every daemon counts and measures"},
    {.name = "pizzad", .section = 8, .summary = "the supervisor of an installation"},
    {.name = "formats", .summary = "how data is written"},
    {.name = "where", .summary = "conditions on the rows of a list"},
    {.name = "exit-status", .summary = "what a command's exit status says"},
    {.name = "contexts", .summary = "several installations"},
    {.name = "environment", .summary = "variables that pizzactl and the daemons read"},
};

#define FIXED_COUNT ((int)ARRAY_LEN(fixed))

static int noun_count(void)
{
	int n = 0;

	while (nouns[n] != NULL)
		n++;
	return n;
}

bool page_at(int i, struct page *ret)
{
	int count = noun_count();

	memset(ret, 0, sizeof(*ret));
	if (i < FIXED_COUNT) {
		*ret = fixed[i];
	} else if (i < FIXED_COUNT + count) {
		ret->noun = nouns[i - FIXED_COUNT];
		ret->section = 1;
		ret->summary = ret->noun->summary;
		snprintf(ret->name, sizeof(ret->name), "pizzactl-%s", ret->noun->name);
	} else if (i < FIXED_COUNT + count + DAEMON_COUNT) {
		ret->daemon = &daemons[i - FIXED_COUNT - count];
		ret->section = 8;
		ret->summary = ret->daemon->text;
		snprintf(ret->name, sizeof(ret->name), "%s", ret->daemon->name);
	} else {
		return false;
	}
	return true;
}

static bool is_called(const struct page *p, const char *name)
{
	static const char *const prefixes[] = {"", "pizza-", "pizzactl-"};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(p->name, prefixes[i], len) == 0 && strcmp(p->name + len, name) == 0)
			return true;
	}
	return false;
}

bool page_find(const char *name, struct page *ret)
{
	for (int i = 0; page_at(i, ret); i++)
		if (is_called(ret, name))
			return true;
	return false;
}

/* --- prose --- */

const char *page_text(const char *name)
{
	for (const struct embedded *e = embedded_texts; e->name != NULL; e++)
		if (strcmp(e->name, name) == 0)
			return e->text;
	return NULL;
}

static const char *prose_name(const struct page *p)
{
	return p->noun != NULL ? p->noun->name : p->name;
}

const char *page_text_file(const struct page *p, char *text, size_t size)
{
	snprintf(text, size, "%s.txt", prose_name(p));
	return text;
}

bool page_reference(const char **text, char *name, size_t size, int *ret_section)
{
	const char *open = *text;

	while (open != NULL && (open = strchr(open, '(')) != NULL) {
		const char *start = open;

		if (!isdigit((unsigned char)open[1]) || open[2] != ')') {
			open++;
			continue;
		}
		while (start > *text &&
		       (isalnum((unsigned char)start[-1]) || strchr("._-", start[-1]) != NULL))
			start--;
		*text = open + 3;
		if (start < open && (size_t)(open - start) < size) {
			snprintf(name, size, "%.*s", (int)(open - start), start);
			*ret_section = open[1] - '0';
			return true;
		}
		open += 3;
	}
	return false;
}

struct reference {
	char name[64];
	int section;
};

static int compare_references(const void *a, const void *b)
{
	const struct reference *x = a, *y = b;

	return x->section != y->section ? x->section - y->section : strcmp(x->name, y->name);
}

/* Everything that the page refers to, once each, in order. */
static void see_also(struct doc *d, const struct page *p)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct reference list[64] = {{"pizzactl", 1}};
	const char *prose[] = {page_text(prose_name(p)), p->daemon != NULL ? page_text("daemon") : ""};
	int n = strcmp(p->name, "pizzactl") != 0;

	for (size_t i = 0; i < ARRAY_LEN(prose); i++)
		while (n < (int)ARRAY_LEN(list) &&
		       page_reference(&prose[i], list[n].name, sizeof(list[n].name), &list[n].section))
			n += strcmp(list[n].name, p->name) != 0;
	qsort(list, (size_t)n, sizeof(list[0]), compare_references);
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_references(&list[i], &list[i - 1]) != 0)
			buf_addf(&text, "%s%s(%d)", i > 0 ? ", " : "", list[i].name, list[i].section);
	if (text.len == 0)
		return;
	doc_section(d, "See also");
	doc_paragraph(d, buf_str(&text));
}

/* --- frames --- */

/* Prose up to its first section, and from there on. */
static const char *split(const char *prose, char **ret_intro)
{
	const char *rest = strncmp(prose, "# ", 2) == 0 ? prose : strstr(prose, "\n# ");

	if (rest == NULL)
		rest = prose + strlen(prose);
	*ret_intro = xstrndup(prose, (size_t)(rest - prose));
	return rest;
}

static void write_noun(struct doc *d, const struct page *p, const char *prose)
{
	AUTO_FREE char *intro = NULL;
	const char *rest = split(prose, &intro);

	doc_section(d, "Synopsis");
	page_synopsis(d, p->noun);
	doc_section(d, "Description");
	doc_prose(d, intro);
	doc_paragraph(d, "Options that all commands have, such as `-o`, are described in pizzactl(1).");
	page_commands(d, p->noun);
	doc_prose(d, rest);
	if (strstr(rest, "\n# Exit status") == NULL) {
		doc_section(d, "Exit status");
		doc_paragraph(d, "As described in pizzactl(1).");
	}
	page_examples(d, p->noun);
}

static void names_entry(struct doc *d, const char *term, const char *const *names)
{
	CLEANUP(buf_done) struct buf text = {0};

	for (int i = 0; i < DAEMON_TOPICS_MAX && names[i] != NULL; i++)
		buf_addf(&text, "%s%s", i > 0 ? ", " : "", names[i]);
	if (text.len > 0)
		doc_entry(d, term, buf_str(&text));
}

static void daemon_facts(struct doc *d, const struct daemon_info *info)
{
	char text[160];

	snprintf(text, sizeof(text), "`port_base` + %d, so %d by default", info->port, 5000 + info->port);
	if (info->other_port > 0)
		snprintf(text, sizeof(text), "`port_base` + %d and + %d, so %d and %d by default", info->port,
			 info->other_port, 5000 + info->port, 5000 + info->other_port);
	doc_entry(d, "Port", text);
	if (info->database != NULL)
		doc_entry(d, "Database", info->database);
	names_entry(d, "Consumes", info->consumes);
	names_entry(d, "Publishes", info->produces);
	names_entry(d, "Starts after", info->after);
	if (info->alone != NULL)
		snprintf(text, sizeof(text), "1: %s", info->alone);
	else
		snprintf(text, sizeof(text), "%d by default, %d at most", info->replicas, info->replicas_max);
	doc_entry(d, "Replicas", text);
}

static void write_daemon(struct doc *d, const struct page *p, const char *prose)
{
	AUTO_FREE char *intro = NULL;
	const char *rest = split(prose, &intro);
	char text[160];

	doc_section(d, "Synopsis");
	snprintf(text, sizeof(text), "`%s [--help | --version | --check-sql | --routes]`", p->name);
	doc_paragraph(d, text);
	doc_section(d, "Description");
	doc_prose(d, intro);
	daemon_facts(d, p->daemon);
	doc_prose(d, rest);
	doc_section(d, "Options and signals");
	doc_prose(d, page_text("daemon"));
}

bool page_write(const struct page *p, struct doc *d)
{
	const char *prose = page_text(prose_name(p));

	d->part = page_part;
	d->part_arg = (void *)p;
	if (prose == NULL)
		return false;
	d->form->title(d, p->name, p->section, p->summary);
	if (p->noun != NULL)
		write_noun(d, p, prose);
	else if (p->daemon != NULL)
		write_daemon(d, p, prose);
	else
		doc_prose(d, prose);
	if (p->section > 0)
		see_also(d, p);
	doc_end(d);
	return d->missing == NULL;
}
