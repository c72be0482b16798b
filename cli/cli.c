/*
 * What commands work with.  One thread.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/human.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/guard.h"
#include "core/console/readmodel.h"

const char *cli_argument(const struct cli *c, int i)
{
	return i < c->given.argument_count ? c->given.arguments[i] : NULL;
}

int cli_arguments(const struct cli *c)
{
	return c->given.argument_count;
}

const char *cli_text(const struct cli *c, const char *name)
{
	return invocation_text(&c->given, name);
}

int64_t cli_int(const struct cli *c, const char *name, int64_t fallback)
{
	const char *text = cli_text(c, name);

	return text != NULL ? strtoll(text, NULL, 10) : fallback;
}

int64_t cli_ms(const struct cli *c, const char *name, int64_t fallback)
{
	const char *text = cli_text(c, name);
	int64_t ms;

	return text != NULL && duration_parse(text, &ms) ? ms : fallback;
}

bool cli_flag(const struct cli *c, const char *name)
{
	return invocation_flag(&c->given, name);
}

bool cli_given(const struct cli *c, const char *name)
{
	return invocation_flag(&c->given, name);
}

const char *cli_next(const struct cli *c, const char *name, int *cursor)
{
	while (*cursor < c->given.given_count) {
		const struct given *g = &c->given.given[(*cursor)++];

		if (strcmp(g->def->name, name) == 0)
			return g->text;
	}
	return NULL;
}

/* --timeout of the program, also where a command has an option of that name for something else. */
static int backend_timeout_ms(const struct cli *c)
{
	const struct option_def *own = c->given.command->options;
	int64_t ms = 5000;

	for (; own != NULL && own->name != NULL; own++)
		if (strcmp(own->name, "timeout") == 0)
			return (int)ms;
	ms = cli_ms(c, "timeout", ms);
	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

int cli_console(struct cli *c, struct console **ret, struct error *err)
{
	int rc = 0;

	if (c->console == NULL) {
		rc = console_open(cli_text(c, "context"), backend_timeout_ms(c), &c->console, err);
		if (rc < 0)
			return rc;
		guard_reason(cli_text(c, "reason"));
	}
	*ret = c->console;
	return 0;
}

/* --- permission to change --- */

/* A change that is not only told. */
static bool will_change(const struct cli *c)
{
	const struct command *command = c->given.command;
	unsigned flags = command->flags;

	return (flags & COMMAND_CHANGES) != 0 && (command->changing == NULL || command->changing(c)) &&
	       !cli_flag(c, "dry-run") && ((flags & COMMAND_BULK) == 0 || cli_flag(c, "yes"));
}

static bool on_terminal(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* The context's name, typed. */
static bool typed_name(const char *name)
{
	char line[128];

	fprintf(stderr, "Type its name to go on: ");
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return strcmp(line, name) == 0;
}

static int confirm_protected(const struct cli *c, struct error *err)
{
	const char *name = context_now()->name;

	fprintf(stderr, "pizzactl: the context %s (%s) is PROTECTED, and this changes it.\n", name,
		context_is_local()		     ? paths_home()
		: context_value(CONTEXT_API) != NULL ? context_value(CONTEXT_API)
						     : "remote");
	if (!cli_flag(c, "yes"))
		return 0; /* the guard refuses */
	if (on_terminal() && !typed_name(name))
		return error_set(err, ERR_REFUSED, name, "the name was not typed, nothing was done");
	guard_agree(true);
	return 0;
}

int cli_permit(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	char what[96];
	int rc;

	if (!will_change(c))
		return 0;
	rc = cli_console(c, &console, err);
	if (rc == 0 && context_is_protected() && !context_is_readonly())
		rc = confirm_protected(c, err);
	if (rc < 0)
		return rc;
	snprintf(what, sizeof(what), "%s%s%s", c->given.noun->name, c->given.command->verb != NULL ? " " : "",
		 c->given.command->verb != NULL ? c->given.command->verb : "");
	return guard_change(what, err);
}

enum output_format cli_format(const struct cli *c)
{
	const char *word = cli_text(c, "output");

	if (c->changes != NULL)
		return OUTPUT_JSONL;
	for (int i = 0; i < OUTPUT_FORMAT_COUNT; i++)
		if (strcmp(output_format_words[i], word) == 0)
			return (enum output_format)i;
	return OUTPUT_TABLE;
}

bool cli_human(const struct cli *c)
{
	return output_is_human(cli_format(c));
}

static enum output_time time_style(const struct cli *c)
{
	const char *word = cli_text(c, "time");

	for (int i = 0; i < OUTPUT_TIME_COUNT; i++)
		if (strcmp(output_time_words[i], word) == 0)
			return (enum output_time)i;
	return OUTPUT_TIME_ISO;
}

static struct output_settings output_settings_of(struct cli *c, const struct where_column *source)
{
	return (struct output_settings){
	    .format = cli_format(c),
	    .columns = cli_text(c, "columns"),
	    .where = cli_text(c, "where"),
	    .source = source,
	    .time = time_style(c),
	    .now_us = clock_wall_us(),
	    .sort = cli_text(c, "sort"),
	    .limit = cli_int(c, "limit", c->room > 0 ? c->room : -1),
	    .headings = !cli_flag(c, "no-headers"),
	    .color = c->color,
	    .utf8 = c->utf8,
	    .width = c->width,
	    .stream = c->out,
	    .changes = c->changes,
	    .unread = &c->unread,
	};
}

static int open_output(struct cli *c, const struct column *columns, bool list,
		       const struct where_column *source, struct output **ret, struct error *err)
{
	struct output_settings s = output_settings_of(c, source);

	return output_open(&s, columns, list, ret, err);
}

int cli_output_results(struct cli *c, const struct column *columns, struct output **ret, struct error *err)
{
	struct output_settings s = output_settings_of(c, NULL);

	s.where = NULL;
	s.limit = -1;
	return output_open(&s, columns, true, ret, err);
}

int cli_output_of(struct cli *c, const struct column *columns, bool list, struct output **ret,
		  struct error *err)
{
	return open_output(c, columns, list, NULL, ret, err);
}

int cli_output_from(struct cli *c, const struct where_column *source, struct output **ret, struct error *err)
{
	return open_output(c, c->given.command->columns, true, source, ret, err);
}

int cli_output(struct cli *c, struct output **ret, struct error *err)
{
	const struct command *command = c->given.command;

	return cli_output_of(c, command->columns, command->shape != SHAPE_SHOW, ret, err);
}

int cli_show(struct cli *c, json_t *row, struct error *err)
{
	AUTO_JSON json_t *owned = row;
	struct output *o = NULL;
	int rc = cli_output_of(c, c->given.command->columns, false, &o, err);

	if (rc < 0)
		return rc;
	rc = output_row(o, json_incref(row), err);
	return output_close(o, rc, err);
}

int cli_list(struct cli *c, json_t *rows, struct error *err)
{
	AUTO_JSON json_t *owned = rows;
	struct output *o = NULL;
	int rc = cli_output_of(c, c->given.command->columns, true, &o, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < json_array_size(rows) && rc == 0; i++)
		rc = output_row(o, json_incref(json_array_get(rows, i)), err);
	return output_close(o, rc, err);
}

int cli_rows(struct cli *c, cli_source *source, void *arg, struct error *err)
{
	struct console *console = NULL;
	struct output *o = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = cli_output(c, &o, err);
	if (rc < 0)
		return rc;
	rc = source(console, arg, o, err);
	return output_close(o, rc, err);
}

int cli_choose(struct cli *c, json_t *rows, struct error *err)
{
	struct output *o = NULL;
	int rc = cli_output(c, &o, err);

	if (rc < 0)
		return rc;
	for (size_t i = json_array_size(rows); i > 0; i--)
		if (!where_match(output_where(o), json_array_get(rows, i - 1)))
			json_array_remove(rows, i - 1);
	output_discard(o);
	return 0;
}

void cli_add_moment(const struct cli *c, struct buf *out, const char *rfc3339)
{
	struct output_settings s = {.time = time_style(c), .now_us = clock_wall_us()};

	if (s.time == OUTPUT_TIME_ISO)
		buf_addf(out, "%-12.12s", strlen(rfc3339) > 11 ? rfc3339 + 11 : "");
	else
		human_time(out, rfc3339, &s);
}

int cli_print(struct cli *c, const struct buf *text, bool live)
{
	if (c->print_errno == 0 &&
	    (fwrite(buf_str(text), 1, text->len, c->out) != text->len || (live && fflush(c->out) != 0)))
		c->print_errno = errno != 0 ? errno : EIO;
	return c->print_errno != 0;
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (cli_flag(c, "quiet") || c->watched)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int show_request(struct cli *c, const char *method, const char *daemon, const char *path,
			const json_t *body, struct error *err)
{
	static const struct column columns[] = {
	    {.name = "method"}, {.name = "url"}, {.name = "body", .kind = COLUMN_JSON}, {.name = NULL}};
	struct console *console = NULL;
	struct output *o = NULL;
	char base[API_BASE_SIZE] = "";
	json_t *row;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = cli_output_of(c, columns, false, &o, err);
	if (rc < 0)
		return rc;
	api_base(daemon, base, sizeof(base));
	row = json_pack("{s:s, s:o, s:O?}", "method", method, "url", json_sprintf("%s%s", base, path), "body",
			body);
	rc = output_row(o, row, err);
	rc = output_close(o, rc, err);
	if (rc == 0)
		cli_say(c, "Nothing was done: this is what would be sent.");
	return rc;
}

int cli_change(struct cli *c, const char *method, const char *daemon, const char *path, json_t *body,
	       struct error *err)
{
	AUTO_JSON json_t *owned = body;
	struct api_request request = {.method = method, .daemon = daemon, .path = path, .body = body};
	struct console *console = NULL;
	json_t *answer = NULL;
	int rc;

	if (body != NULL && cli_text(c, "reason") != NULL)
		json_object_set_new(body, "reason", json_string(cli_text(c, "reason")));
	if (cli_flag(c, "dry-run"))
		return show_request(c, method, daemon, path, body, err);
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = api_call(console, &request, &answer, err);
	if (rc < 0)
		return rc;
	return json_is_object(answer) ? cli_show(c, answer, err) : 0;
}

/* Refuses what cannot be the beginning of an id of such a thing. */
static int check_id(const char *text, const char *thing, struct error *err)
{
	struct uuid first, last;

	if (uuid_range(text, &first, &last))
		return 0;
	if (text[0] == '\0')
		error_set(err, ERR_USAGE, thing, "the id is empty");
	else
		error_set(err, ERR_USAGE, text, "is no %s id", thing);
	error_hint(err, "give a UUID, or at least its first %d characters", UUID_PREFIX_MIN);
	return ERR_USAGE;
}

int cli_id_path(struct cli *c, const char *list, const char *thing, const char *tail, struct buf *path,
		struct error *err)
{
	const char *id = cli_argument(c, 0);

	buf_adds(path, list);
	api_segment(path, id);
	buf_adds(path, tail);
	return check_id(id, thing, err);
}

static int read_order_id(struct cli *c, const char *text, struct uuid *ret, struct error *err)
{
	struct console *console = NULL;
	int rc;

	if (uuid_parse(text, ret))
		return 0;
	rc = check_id(text, "order", err);
	if (rc == 0)
		rc = cli_console(c, &console, err);
	return rc < 0 ? rc : readmodel_complete_id(console, text, ret, err);
}

int cli_order_id(struct cli *c, int argument, struct uuid *ret, struct error *err)
{
	return read_order_id(c, cli_argument(c, argument), ret, err);
}

int cli_order_option(struct cli *c, struct uuid *ret, struct error *err)
{
	const char *text = cli_text(c, "order");

	*ret = (struct uuid){0};
	return text == NULL ? 0 : read_order_id(c, text, ret, err);
}

int cli_order_query(struct cli *c, struct buf *path, struct error *err)
{
	char id[UUID_TEXT_SIZE];
	struct uuid order;
	int rc = cli_order_option(c, &order, err);

	if (rc == 0 && !uuid_is_nil(order))
		api_query(path, "order_id", uuid_format(order, id));
	return rc;
}
