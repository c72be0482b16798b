/*
 * Lists and shows over HTTP.  One thread.
 */
#include "cli/resource.h"

#include "core/base/json.h"
#include "core/console/api.h"

int resource_row(void *arg, json_t *row, struct error *err)
{
	return output_row(arg, row, err);
}

struct route {
	const char *daemon, *path;
};

static int write_route(struct console *console, void *arg, struct output *o, struct error *err)
{
	const struct route *r = arg;

	return api_list(console, r->daemon, r->path, output_wanted(o, false), resource_row, o, err);
}

int resource_list(struct cli *c, const char *daemon, const char *path, struct error *err)
{
	struct route r = {daemon, path};

	return cli_rows(c, write_route, &r, err);
}

int resource_show(struct cli *c, const char *daemon, const char *path, const char *member, struct error *err)
{
	struct api_request r = {.method = "GET", .daemon = daemon, .path = path};
	AUTO_JSON json_t *answer = NULL;
	struct console *console = NULL;
	json_t *part;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = api_call(console, &r, &answer, err);
	if (rc < 0)
		return rc;
	part = member != NULL ? json_object_get(answer, member) : answer;
	return json_is_array(part) ? cli_list(c, json_incref(part), err)
				   : cli_show(c, json_incref(part), err);
}
