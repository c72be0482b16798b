/*
 * pizzactl completion: the shells' scripts, and the candidates that they ask for.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/embedded.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"

static int print_script(struct cli *c, const char *shell, struct error *err)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	CLEANUP(buf_done) struct buf text = {0};

	for (const struct embedded *e = embedded_scripts; e->name != NULL; e++)
		if (strcmp(strchr(e->name, '.') + 1, shell) == 0)
			buf_adds(&text, e->text);
	if (text.len > 0) {
		(void)cli_print(c, &text, false);
		return 0;
	}
	return nearest_refuse(ERR_USAGE, shell, "there is no completion for this shell", shells,
			      ARRAY_LEN(shells), err);
}

static int completion(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (strcmp(cli_argument(c, 0), "words") != 0)
		return print_script(c, cli_argument(c, 0), err);
	complete_words(c->given.arguments + 1, cli_arguments(c) - 1, &text);
	(void)cli_print(c, &text, false);
	return 0;
}

static const char *const shell_words[] = {"bash", "zsh", "fish", NULL};

const struct noun noun_completion = {
    .name = "completion",
    .group = "settings",
    .summary = "the Tab key in bash, zsh and fish",
    .commands =
	(const struct command[]){
	    {.summary = "print a shell's completion script, or what fits at the end of a command line",
	     .arguments =
		 (const struct argument_def[]){
		     {.name = "SHELL",
		      .words = shell_words,
		      .text = "bash, zsh or fish; words: what fits at the end of the words"},
		     {.name = "WORD",
		      .text = "behind `words --`: the command line",
		      .optional = true,
		      .repeat = true,
		      .empty = true},
		     {.name = NULL},
		 },
	     .examples = {"eval \"$(pizzactl completion bash)\"", "pizzactl completion words -- order s"},
	     .run = completion},
	    {.run = NULL},
	},
};
