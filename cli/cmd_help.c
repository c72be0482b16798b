/*
 * pizzactl help: a command's usage, or a page of the manual as text.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/page.h"
#include "cli/pager.h"
#include "cli/plugin.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MAX     100
#define NAMES_MAX     128

static bool is_noun(const char *word)
{
	for (int i = 0; nouns[i] != NULL; i++)
		if (strcmp(nouns[i]->name, word) == 0)
			return true;
	return false;
}

static int show_page(struct cli *c, const struct page *p, struct error *err)
{
	int width = c->width > 0 ? c->width : WIDTH_DEFAULT;
	struct pager pager = {0};
	CLEANUP(doc_done) struct doc d = {.form = &doc_text, .width = width < WIDTH_MAX ? width : WIDTH_MAX};

	if (!page_write(p, &d))
		return error_set(err, ERR_BUG, p->name, "its text is missing");
	pager_start(c, &pager);
	(void)cli_print(c, &d.out, false);
	return pager_finish(c, &pager, 0, err);
}

static int unknown_topic(const char *word, struct error *err)
{
	const char *names[NAMES_MAX];
	struct page pages[NAMES_MAX];
	int n = 0;

	for (int i = 0; n < NAMES_MAX && page_at(i, &pages[i]); i++) {
		names[n] = pages[i].noun != NULL ? pages[i].noun->name : pages[i].name;
		n++;
	}
	error_set(err, ERR_USAGE, word, "is neither a command nor a topic; pizzactl help lists them");
	(void)nearest_hint(word, names, n, err);
	return ERR_USAGE;
}

/* What is no command of ours may be a plugin: it explains itself.  ERR_NOT_FOUND: there is none. */
static int help_plugin(char *name, struct invocation *about, struct error *err)
{
	char *words[] = {"pizzactl", name, "--help", NULL};

	about->unknown_at = 1;
	return plugin_run(3, words, about, err);
}

/* The words after `help` are a command line of their own, or a page's name. */
static int help_show(struct cli *c, struct error *err)
{
	CLEANUP(invocation_done) struct invocation about = {0};
	CLEANUP(buf_done) struct buf text = {0};
	char *words[4] = {"pizzactl", "--help"};
	struct page p;
	int n = 2, rc;

	for (int i = 0; i < cli_arguments(c) && i < 2; i++)
		words[n++] = (char *)cli_argument(c, i);
	if (n == 3 && !is_noun(words[2]) && page_find(words[2], &p))
		return show_page(c, &p, err);
	if (command_parse(n, words, &about, err) < 0) {
		if (about.noun != NULL)
			return ERR_USAGE;
		rc = about.unknown_at > 0 ? help_plugin(words[2], &about, err) : ERR_NOT_FOUND;
		return rc == ERR_NOT_FOUND ? unknown_topic(words[2], err) : rc;
	}
	help_invocation(&text, &about);
	(void)cli_print(c, &text, false);
	return 0;
}

const struct noun noun_help = {
    .name = "help",
    .group = "settings",
    .summary = "explain a command or a topic",
    .commands =
	(const struct command[]){
	    {.summary = "explain a command or a topic",
	     .arguments =
		 (const struct argument_def[]){
		     {.name = "HELP",
		      .text = "a command, a topic such as where, or a page such as pizza.yaml",
		      .optional = true},
		     {.name = "VERB", .text = "a verb of the command", .optional = true},
		     {.name = NULL},
		 },
	     .examples = {"pizzactl help", "pizzactl help saga show", "pizzactl help where"},
	     .run = help_show},
	    {.run = NULL},
	},
};
