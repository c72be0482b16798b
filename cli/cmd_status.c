/*
 * pizzactl status, start, stop, restart and scale: services one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/console/control.h"
#include "core/console/guard.h"
#include "core/console/status.h"

/* --- status --- */

static bool is_wanted(const struct cli *c, const char *name)
{
	for (int i = 0; i < cli_arguments(c); i++)
		if (strcmp(cli_argument(c, i), name) == 0)
			return true;
	return cli_arguments(c) == 0;
}

static int check_names(const struct cli *c, const json_t *services, struct error *err)
{
	const char *names[64];
	int n = 0;

	for (size_t i = 0; i < json_array_size(services) && n < (int)ARRAY_LEN(names); i++)
		names[n++] = json_string_or(json_array_get(services, i), "name", "");
	for (int i = 0; i < cli_arguments(c); i++) {
		int k = 0;

		while (k < n && strcmp(names[k], cli_argument(c, i)) != 0)
			k++;
		if (k == n)
			return nearest_refuse(ERR_NOT_FOUND, cli_argument(c, i), "no such service", names, n,
					      err);
	}
	return 0;
}

static int status(struct cli *c, struct error *err)
{
	AUTO_JSON json_t *all = NULL;
	struct console *console = NULL;
	json_t *services, *rows = json_array();
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = status_read(console, &all, err);
	services = json_object_get(all, "services");
	if (rc == 0)
		rc = check_names(c, services, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(services); i++)
		if (is_wanted(c, json_string_or(json_array_get(services, i), "name", "")))
			json_array_append(rows, json_array_get(services, i));
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	return cli_list(c, rows, err);
}

/* "2/2" where a number is wanted, "1" for what there is one of. */
static void add_replicas(const json_t *row, struct buf *out)
{
	int64_t wanted = json_int_or(row, "replicas_wanted", -1);

	if (!json_is_integer(json_object_get(row, "replicas")))
		return;
	buf_addf(out, "%lld", (long long)json_int_or(row, "replicas", 0));
	if (wanted >= 0 && strcmp(json_string_or(row, "kind", ""), "daemon") == 0)
		buf_addf(out, "/%lld", (long long)wanted);
}

/* What does not run has no figures. */
static void add_memory(const json_t *row, struct buf *out)
{
	int64_t bytes = json_int_or(row, "rss_bytes", 0);

	if (bytes > 0)
		buf_addf(out, "%lldM", (long long)((bytes + (1 << 19)) >> 20));
}

static const struct column instance_columns[] = {
    {.name = "replica", .kind = COLUMN_INT},  {.name = "pid", .kind = COLUMN_INT},
    {.name = "state", .kind = COLUMN_STATE},  {.name = "port", .kind = COLUMN_INT},
    {.name = "restarts", .kind = COLUMN_INT}, {.name = NULL},
};

static const struct column status_columns[] = {
    {.name = "name", .flags = COLUMN_ID, .text = "the daemon or backing service"},
    {.name = "kind", .flags = COLUMN_WIDE, .text = "daemon or backing"},
    {.name = "state", .kind = COLUMN_STATE, .text = "up, starting, degraded, down or failed"},
    {.name = "pid", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "process of the first instance"},
    {.name = "replicas", .kind = COLUMN_INT, .human = add_replicas, .text = "instances that are ready"},
    {.name = "cpu_percent",
     .title = "cpu",
     .kind = COLUMN_PERCENT,
     .flags = COLUMN_PASSING,
     .text = "of one processor"},
    {.name = "rss_bytes",
     .title = "mem",
     .kind = COLUMN_BYTES,
     .flags = COLUMN_PASSING,
     .human = add_memory,
     .text = "resident memory"},
    {.name = "restarts", .kind = COLUMN_INT, .text = "since the start"},
    {.name = "uptime_seconds",
     .title = "up",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "since it is up"},
    {.name = "reason", .title = "why", .text = "why it is not up, or degraded"},
    {.name = "instances",
     .kind = COLUMN_JSON,
     .flags = COLUMN_MACHINE,
     .nested = instance_columns,
     .text = "its processes"},
    {.name = NULL},
};

static const struct argument_def status_arguments[] = {
    {.name = "DAEMON", .text = "these alone", .optional = true, .repeat = true},
    {.name = NULL},
};

const struct noun noun_status = {
    .name = "status",
    .group = "system",
    .summary = "what runs, and why something does not",
    .commands =
	(const struct command[]){
	    {.summary = "what runs, and why something does not",
	     .arguments = status_arguments,
	     .columns = status_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl status",
			  "pizzactl status -o json | jq -r '.[] | select(.state != \"up\").name'"},
	     .run = status},
	    {.run = NULL},
	},
};

/* --- start, stop, restart --- */

typedef int action(const char *service, struct error *err);

/* Each in turn; a failure does not keep the others from it, and several are told as a partial one. */
static int each(struct cli *c, action *act, const char *done, struct error *err)
{
	struct console *console = NULL;
	struct error why = {0};
	bool dry = cli_flag(c, "dry-run");
	int failed = 0, rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = guard_local(c->given.noun->name, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < cli_arguments(c); i++) {
		rc = (dry ? control_known : act)(cli_argument(c, i), failed == 0 ? err : &why);
		if (rc == 0)
			cli_say(c, dry ? "%s would be %s." : "%s is %s.", cli_argument(c, i), done);
		else if (failed++ > 0)
			cli_say(c, "pizzactl: %s: %s", why.what, why.why);
	}
	if (failed == 0)
		return 0;
	return failed < cli_arguments(c) && err != NULL ? (err->code = ERR_PARTLY)
							: (err != NULL ? err->code : rc);
}

static int start(struct cli *c, struct error *err)
{
	return each(c, control_start, "started", err);
}

static int stop(struct cli *c, struct error *err)
{
	return each(c, control_stop, "stopped", err);
}

static int restart(struct cli *c, struct error *err)
{
	return each(c, control_restart, "restarted", err);
}

static const struct argument_def service_arguments[] = {
    {.name = "DAEMON", .text = "a daemon, postgres or kafka", .repeat = true},
    {.name = NULL},
};

const struct noun noun_start = {
    .name = "start",
    .group = "system",
    .summary = "start services that were stopped",
    .commands =
	(const struct command[]){
	    {.summary = "start services that were stopped, and wait until they are ready",
	     .arguments = service_arguments,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl start paymentd"},
	     .run = start},
	    {.run = NULL},
	},
};

const struct noun noun_stop = {
    .name = "stop",
    .group = "system",
    .summary = "stop services; they stay down until they are started",
    .commands =
	(const struct command[]){
	    {.summary = "stop services; they stay down until they are started",
	     .arguments = service_arguments,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl stop paymentd notifyd"},
	     .run = stop},
	    {.run = NULL},
	},
};

const struct noun noun_restart = {
    .name = "restart",
    .group = "system",
    .summary = "restart services",
    .commands =
	(const struct command[]){
	    {.summary = "restart services, and wait until they are ready",
	     .arguments = service_arguments,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl restart orderd"},
	     .run = restart},
	    {.run = NULL},
	},
};

/* --- scale --- */

static int parse_scale(const char *text, char *name, size_t size, int *ret, struct error *err)
{
	const char *equals = strchr(text, '=');
	char *end;
	long n;

	if (equals == NULL || equals == text || equals[1] == '\0' || (size_t)(equals - text) >= size)
		goto wrong;
	n = strtol(equals + 1, &end, 10);
	if (*end != '\0' || n < 0 || n > 1000)
		goto wrong;
	snprintf(name, size, "%.*s", (int)(equals - text), text);
	*ret = (int)n;
	return 0;
wrong:
	error_set(err, ERR_USAGE, text, "is no scale");
	error_hint(err, "write NAME=N, such as paymentd=3");
	return ERR_USAGE;
}

static int scale(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	char name[64], warning[200] = "";
	int n, rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = guard_local("scale", err);
	for (int i = 0; rc == 0 && i < cli_arguments(c); i++) {
		rc = parse_scale(cli_argument(c, i), name, sizeof(name), &n, err);
		if (rc < 0)
			break;
		if (cli_flag(c, "dry-run")) {
			rc = control_known(name, err);
			if (rc == 0)
				cli_say(c, "%s would have %d replica%s.", name, n, n == 1 ? "" : "s");
			continue;
		}
		rc = control_scale(name, n, warning, err);
		if (rc < 0)
			break;
		cli_say(c, "%s has %d replica%s.", name, n, n == 1 ? "" : "s");
		if (warning[0] != '\0')
			fprintf(stderr, "pizzactl: %s: %s\n", name, warning);
	}
	return rc;
}

static const struct argument_def scale_arguments[] = {
    {.name = "DAEMON=N", .text = "a daemon and how many instances it shall have", .repeat = true},
    {.name = NULL},
};

const struct noun noun_scale = {
    .name = "scale",
    .group = "system",
    .summary = "run a daemon in N instances",
    .commands =
	(const struct command[]){
	    {.summary = "run a daemon in N instances, and wait until they are ready",
	     .arguments = scale_arguments,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl scale paymentd=3"},
	     .run = scale},
	    {.run = NULL},
	},
};
