/*
 * Writes what documents the tables: the manual's pages, the example configuration, and the list of examples
 * that the tests run.
 *
 *     generate pages FOLDER DATE BIN   one mdoc(7) file per page; BIN has the daemons, whose routes are
 * compared with those that pizza-http(7) describes generate config                  every key with its
 * default, commented out generate examples                PAGE <tab> COMMAND, one a line
 *
 * It ends with 1 when prose is missing or refers to what is not there, and says which file mends it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "core/base/mem.h"
#include "core/config/config.h"

static int problems;

#define problem(...)                           \
	do {                                   \
		fprintf(stderr, "generate: "); \
		fprintf(stderr, __VA_ARGS__);  \
		fputc('\n', stderr);           \
		problems++;                    \
	} while (0)

/* --- pages --- */

/* Pages that are ours must be there; others (jq(1)) are not known here. */
static void check_references(const char *file, const char *prose)
{
	char name[64];
	int section;

	while (page_reference(&prose, name, sizeof(name), &section)) {
		struct page p;
		bool ours =
		    strncmp(name, "pizza", 5) == 0 ||
		    (section == 8 && name[strlen(name) - 1] == 'd' && strncmp(name, "systemd", 7) != 0);

		if (ours && (!page_find(name, &p) || p.section != section))
			problem("man/text/%s refers to %s(%d), and there is no such page", file, name,
				section);
	}
}

static void write_page(const struct page *p, const char *folder, const char *date)
{
	struct doc d = {.form = &doc_mdoc, .date = date};
	char path[512], file[96];
	FILE *f;

	page_text_file(p, file, sizeof(file));
	if (!page_write(p, &d) && d.missing == NULL)
		problem(
		    "man/text/%s is missing: tell in it what %s(%d) is for (cli/doc.h has the markup), then "
		    "`make man`",
		    file, p->name, p->section);
	else if (d.missing != NULL)
		problem("man/text/%s: there is no part \"%.*s\"", file, (int)strcspn(d.missing, "\n"),
			d.missing);
	check_references(file, page_text(p->noun != NULL ? p->noun->name : p->name));
	snprintf(path, sizeof(path), "%s/%s.%d", folder, p->name, p->section);
	f = fopen(path, "we");
	if (f == NULL || fwrite(buf_str(&d.out), 1, d.out.len, f) != d.out.len)
		problem("%s cannot be written", path);
	if (f != NULL && fclose(f) != 0)
		problem("%s cannot be written", path);
	doc_done(&d);
}

/* --- routes: those that the daemons serve are those that pizza-http(7) describes --- */

static bool described(const char *prose, const char *daemon, const char *route)
{
	char heading[64], entry[300];
	const char *from, *to;

	snprintf(heading, sizeof(heading), "\n## %s\n", daemon);
	snprintf(entry, sizeof(entry), "\n- %s :: ", route);
	from = strstr(prose, heading);
	if (from == NULL)
		return false;
	to = strstr(from + 1, "\n#");
	from = strstr(from, entry);
	return from != NULL && (to == NULL || from < to);
}

/* served: all routes, one a line. */
static void check_described(const char *prose, const char *served)
{
	static const char *const methods[] = {"GET ", "POST ", "PUT ", "PATCH ", "DELETE "};

	for (const char *p = prose; (p = strstr(p, "\n- ")) != NULL; p++) {
		const char *end = strstr(p, " :: ");
		char route[300];
		bool is_route = false;

		for (size_t i = 0; i < ARRAY_LEN(methods); i++)
			is_route = is_route || strncmp(p + 3, methods[i], strlen(methods[i])) == 0;
		if (!is_route || end == NULL)
			continue;
		snprintf(route, sizeof(route), "\n%.*s\n", (int)(end - p - 3), p + 3);
		if (strstr(served, route) == NULL)
			problem(
			    "man/text/pizza-http.txt: no daemon serves \"%.*s\": remove it, then `make man`",
			    (int)(end - p - 3), p + 3);
	}
}

/* A line's answer, without its end; false when there is none more. */
static bool next_line(FILE *f, char *text, size_t size)
{
	if (f == NULL || fgets(text, (int)size, f) == NULL)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static void check_routes(const char *bin)
{
	const char *prose = page_text("pizza-http");
	CLEANUP(buf_done) struct buf served = {0};

	for (int i = 0; i < DAEMON_COUNT && prose != NULL; i++) {
		char command[512], route[256];
		FILE *f;

		snprintf(command, sizeof(command), "'%s/%s' --routes", bin, daemons[i].name);
		f = popen(command, "re");
		while (next_line(f, route, sizeof(route))) {
			buf_addf(&served, "\n%s\n", route);
			if (!described(prose, daemons[i].name, route))
				problem("man/text/pizza-http.txt: add to \"## %s\" the entry \"- %s :: …\", "
					"then `make man`",
					daemons[i].name, route);
		}
		if (f == NULL || pclose(f) != 0)
			problem("%s failed", command);
	}
	if (prose != NULL)
		check_described(prose, buf_str(&served));
}

static void write_pages(const char *folder, const char *date, const char *bin)
{
	struct page p;

	for (int i = 0; page_at(i, &p); i++)
		if (p.section > 0)
			write_page(&p, folder, date);
	check_routes(bin);
}

/* --- the example configuration --- */

static void write_config(void)
{
	puts("# Configuration of a Pizza installation: every key with its default. pizza.yaml(5) explains "
	     "them;\n"
	     "# `pizzactl config show` tells what holds, `pizzactl config validate` checks a file.");
	for (int key = 0; key < CONFIG_COUNT; key++) {
		const struct config_row *row = config_row((enum config_key)key);

		bool quote = row->fallback[0] == '\0' || strchr("*&!|>%@`+", row->fallback[0]) != NULL;

		printf("\n# %s\n#%s: %s%s%s\n", row->text, row->name, quote ? "\"" : "", row->fallback,
		       quote ? "\"" : "");
	}
}

/* --- examples --- */

/* The lines "    $ command" of the prose; a backslash at a line's end joins it with the next. */
static void prose_examples(const struct embedded *t)
{
	for (const char *p = t->text; (p = strstr(p, "\n    $ ")) != NULL;) {
		size_t len = strcspn(p += 7, "\n");

		printf("%s\t", t->name);
		while (len > 0 && p[len - 1] == '\\') {
			printf("%.*s", (int)len - 1, p);
			p += len + 1;
			p += strspn(p, " ");
			len = strcspn(p, "\n");
		}
		printf("%.*s\n", (int)len, p);
	}
}

static void write_examples(void)
{
	for (int i = 0; nouns[i] != NULL; i++)
		for (const struct command *c = nouns[i]->commands; c->run != NULL; c++)
			for (int n = 0; n < EXAMPLES_MAX && c->examples[n] != NULL; n++)
				printf("pizzactl-%s\t%s\n", nouns[i]->name, c->examples[n]);
	for (const struct embedded *t = embedded_texts; t->name != NULL; t++)
		prose_examples(t);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "pages") == 0)
		write_pages(argv[2], argv[3], argv[4]);
	else if (argc == 2 && strcmp(argv[1], "config") == 0)
		write_config();
	else if (argc == 2 && strcmp(argv[1], "examples") == 0)
		write_examples();
	else
		problem("usage: generate pages FOLDER DATE BIN | config | examples");
	return problems > 0;
}
