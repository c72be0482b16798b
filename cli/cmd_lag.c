/*
 * pizzactl lag: how far consumers are behind.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/console/lag.h"

static enum lag_by granularity(const struct cli *c)
{
	const char *by = cli_text(c, "by");

	if (strcmp(by, "partition") == 0)
		return LAG_BY_PARTITION;
	return strcmp(by, "group") == 0 ? LAG_BY_GROUP : LAG_BY_TOPIC;
}

static int no_group(struct console *console, const char *group, struct error *err)
{
	AUTO_JSON json_t *rows = NULL;
	AUTO_FREE const char **names = NULL;
	int n = 0;

	if (lag_list(console, NULL, LAG_BY_GROUP, &rows, NULL) == 0)
		n = (int)json_array_size(rows);
	names = xcalloc((size_t)n + 1, sizeof(*names));
	for (int i = 0; i < n; i++)
		names[i] = json_string_or(json_array_get(rows, (size_t)i), "group", "");
	error_set(err, ERR_NOT_FOUND, group, "no such consumer group");
	if (!nearest_hint(group, names, n, err))
		error_hint(err, "pizzactl lag lists them");
	return ERR_NOT_FOUND;
}

/* What is looked at: by --group and --where. */
static int fetch(struct cli *c, json_t **ret, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = lag_list(console, cli_text(c, "group"), granularity(c), ret, err);
	if (rc == 0 && (cli_text(c, "group") == NULL || json_array_size(*ret) > 0))
		rc = cli_choose(c, *ret, err);
	else if (rc == 0)
		rc = no_group(console, cli_text(c, "group"), err);
	if (rc == 0)
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return rc;
}

static int lag_show(struct cli *c, struct error *err)
{
	json_t *rows = NULL;
	int rc = fetch(c, &rows, err);

	return rc < 0 ? rc : cli_list(c, rows, err);
}

static int check_thresholds(int64_t warn, int64_t crit, struct error *err)
{
	if (warn < 0 && crit < 0)
		return error_set(err, ERR_USAGE, "lag check", "needs --warn N or --crit N");
	if (crit >= 0 && crit < warn)
		return error_set(err, ERR_USAGE, "--crit", "must be at least --warn, which is %lld",
				 (long long)warn);
	return 0;
}

static int lag_check(struct cli *c, struct error *err)
{
	int64_t warn = cli_int(c, "warn", -1), crit = cli_int(c, "crit", -1);
	json_t *rows = NULL, *over = json_array();
	enum lag_verdict worst = LAG_FINE;
	size_t total;
	int rc = check_thresholds(warn, crit, err);

	if (rc == 0)
		rc = fetch(c, &rows, err);
	if (rc < 0) {
		json_decref(over);
		return rc;
	}
	total = json_array_size(rows);
	for (size_t i = 0; i < total; i++) {
		enum lag_verdict v = lag_judge(json_array_get(rows, i), warn, crit);

		if (v != LAG_FINE)
			json_array_append(over, json_array_get(rows, i));
		worst = v > worst ? v : worst;
	}
	json_decref(rows);
	if (worst == LAG_FINE) {
		json_decref(over);
		cli_say(c, "ok: nothing is at a threshold (%zu looked at)", total);
		return 0;
	}
	error_set(err, ERR_BREACHED, "lag", "%s: %zu of %zu at or above the threshold",
		  worst == LAG_CRIT ? "critical" : "warning", json_array_size(over), total);
	rc = cli_list(c, over, NULL);
	return rc < 0 ? rc : ERR_BREACHED;
}

static int parse_target(const char *text, int64_t *ret, struct error *err)
{
	char *end;

	if (strcmp(text, "beginning") == 0)
		*ret = -2;
	else if (strcmp(text, "end") == 0)
		*ret = -1;
	else {
		*ret = strtoll(text, &end, 10);
		if (end == text || *end != '\0' || *ret < 0)
			return error_set(err, ERR_USAGE, "--to",
					 "\"%.40s\" is none of beginning, end and an offset", text);
	}
	return 0;
}

static int reset(struct cli *c, struct error *err)
{
	bool apply = cli_flag(c, "yes") && !cli_flag(c, "dry-run");
	struct console *console = NULL;
	json_t *rows = NULL;
	int64_t offset = 0;
	int rc;

	if (cli_text(c, "group") == NULL || cli_text(c, "to") == NULL)
		return error_set(err, ERR_USAGE, "lag reset",
				 "needs --group G and --to beginning, end or an offset");
	rc = parse_target(cli_text(c, "to"), &offset, err);
	if (rc == 0)
		rc = cli_console(c, &console, err);
	if (rc == 0)
		rc =
		    lag_reset(console, cli_text(c, "group"), cli_text(c, "topic"), offset, apply, &rows, err);
	if (rc == 0)
		rc = cli_list(c, rows, err);
	if (rc == 0 && !apply)
		cli_say(c, "Nothing was done. Add --yes to do it.");
	return rc;
}

static const struct column lag_columns[] = {
    {.name = "group", .flags = COLUMN_ID, .text = "the consumer group: a daemon"},
    {.name = "topic", .flags = COLUMN_KEY, .text = "what it reads"},
    {.name = "partition",
     .kind = COLUMN_INT,
     .flags = COLUMN_WIDE | COLUMN_KEY,
     .text = "with --by partition"},
    {.name = "committed", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "next offset to read"},
    {.name = "end", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "next offset to be written"},
    {.name = "lag", .kind = COLUMN_INT, .text = "messages behind"},
    {.name = "lag_seconds",
     .title = "behind",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "age of the first unread message"},
    {.name = "parked", .kind = COLUMN_INT, .text = "messages put aside for a later try, in the whole group"},
    {.name = "state", .kind = COLUMN_STATE, .text = "ok, no-commit or unknown"},
    {.name = "member", .flags = COLUMN_WIDE, .text = "who reads the partition"},
    {.name = "members", .kind = COLUMN_INT, .text = "how many read"},
    {.name = NULL},
};

static const struct column partition_columns[] = {
    {.name = "group", .flags = COLUMN_ID, .text = "the consumer group"},
    {.name = "topic", .text = "what it reads"},
    {.name = "partition", .kind = COLUMN_INT, .text = "of the topic"},
    {.name = "from", .kind = COLUMN_INT, .text = "the committed offset"},
    {.name = "to", .text = "what it is set to"},
    {.name = NULL},
};

static const char *const by_words[] = {"group", "topic", "partition", NULL};

#define GROUP_OPTION                                                                                      \
	{                                                                                                 \
		.name = "group", .kind = VALUE_TEXT, .value = "GROUP", .text = "only this consumer group" \
	}
#define BY_OPTION                                                                         \
	{                                                                                 \
		.name = "by", .kind = VALUE_WORD, .value = "WHAT", .text = "one row per", \
		.fallback = "topic", .words = by_words                                    \
	}

static const struct option_def show_options[] = {GROUP_OPTION, BY_OPTION, {.name = NULL}};

static const struct option_def check_options[] = {
    {.name = "warn", .kind = VALUE_INT, .value = "N", .text = "a warning from N messages on"},
    {.name = "crit", .kind = VALUE_INT, .value = "N", .text = "critical from N messages on"},
    GROUP_OPTION,
    BY_OPTION,
    {.name = NULL},
};

static const struct option_def reset_options[] = {
    {.name = "group", .kind = VALUE_TEXT, .value = "GROUP", .text = "whose offsets; it must not be active"},
    {.name = "topic", .kind = VALUE_TEXT, .value = "TOPIC", .text = "only in this topic"},
    {.name = "to", .kind = VALUE_TEXT, .value = "OFFSET", .text = "beginning, end or an offset"},
    {.name = NULL},
};

const struct noun noun_lag = {
    .name = "lag",
    .group = "streams",
    .summary = "how far consumers are behind",
    .commands =
	(const struct command[]){
	    {.summary = "how far consumers are behind",
	     .options = show_options,
	     .columns = lag_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl lag", "pizzactl lag --group paymentd --by partition -o wide"},
	     .run = lag_show},
	    {.verb = "check",
	     .summary = "compare with thresholds (exit 4 when one is reached)",
	     .options = check_options,
	     .columns = lag_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl lag check --warn 1000 --crit 10000 -q"},
	     .run = lag_check},
	    {.verb = "reset",
	     .summary = "set a group's committed offsets; without --yes only say how",
	     .options = reset_options,
	     .columns = partition_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples =
		 {"pizzactl lag reset --group notifyd --topic order-events --to end",
		  "pizzactl lag reset --group notifyd --to beginning --yes  # exit 8 while it is active"},
	     .run = reset},
	    {.run = NULL},
	},
};
