/*
 * The command table: the nouns, in the order of the overview, and the options that all commands have.
 */
#include "cli/commands.h"

#include "cli/command.h"

const struct noun *const nouns[] = {
#define X(name) &noun_##name,
    NOUNS(X)
#undef X
	NULL,
};

static const char *const color_words[] = {"auto", "always", "never", NULL};

const struct option_def global_options[] = {
    {.name = "context",
     .letter = 'C',
     .kind = VALUE_TEXT,
     .value = "CONTEXT",
     .text = "the installation to talk to; context ls lists them"},
    {.name = "output",
     .letter = 'o',
     .kind = VALUE_WORD,
     .value = "FORMAT",
     .text = "how to write data",
     .fallback = "table",
     .words = output_format_words},
    {.name = "columns", .kind = VALUE_TEXT, .value = "A,B", .text = "these columns alone; help lists them"},
    {.name = "no-headers", .kind = VALUE_FLAG, .text = "tables and csv without headings"},
    {.name = "sort",
     .kind = VALUE_TEXT,
     .value = "COLUMN",
     .text = "sort a list by a column; -COLUMN: downwards"},
    {.name = "where",
     .kind = VALUE_TEXT,
     .value = "EXPR",
     .text = "rows for which it holds, such as 'status = paid and created_at > -5m'; help explains"},
    {.name = "limit", .kind = VALUE_INT, .value = "N", .text = "rows of a list at most"},
    {.name = "watch",
     .letter = 'w',
     .kind = VALUE_DURATION,
     .value = "D",
     .optional = true,
     .least_ms = 100,
     .text = "look again every D (2s): redraws on a terminal, else appends changes as jsonl"},
    {.name = "time",
     .kind = VALUE_WORD,
     .value = "STYLE",
     .text = "how tables show times",
     .fallback = "iso",
     .words = output_time_words},
    {.name = "quiet", .letter = 'q', .kind = VALUE_FLAG, .text = "no remarks on stderr"},
    {.name = "timeout",
     .kind = VALUE_DURATION,
     .value = "D",
     .text = "how long to wait for a backend",
     .fallback = "5s",
     .least_ms = 1},
    {.name = "yes",
     .letter = 'y',
     .kind = VALUE_FLAG,
     .text = "do it: bulk changes without it are dry runs, protected contexts refuse"},
    {.name = "dry-run", .kind = VALUE_FLAG, .text = "say what would be done, and do nothing"},
    {.name = "reason", .kind = VALUE_TEXT, .value = "TEXT", .text = "why, kept with the change"},
    {.name = "color",
     .kind = VALUE_WORD,
     .value = "WHEN",
     .text = "colours",
     .fallback = "auto",
     .words = color_words},
    {.name = "help", .letter = 'h', .kind = VALUE_FLAG, .text = "explain a command"},
    {.name = NULL},
};
