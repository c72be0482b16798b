/*
 * Which letters a command of pizzactl dlq is about: ids, ids on stdin, or filters.
 */
#include <string.h>

#include "cli/dlq.h"
#include "cli/input.h"
#include "core/base/json.h"
#include "core/base/mem.h"

bool dlq_serious(const struct cli *c)
{
	return cli_flag(c, "yes") && !cli_flag(c, "dry-run");
}

int dlq_filter_of(struct cli *c, struct dlq_filter *ret, struct error *err)
{
	struct uuid order;
	int rc;

	*ret = (struct dlq_filter){
	    .state = cli_text(c, "state"),
	    .topic = cli_text(c, "topic"),
	    .code = cli_text(c, "code"),
	    .type = cli_text(c, "type"),
	    .where = cli_text(c, "where"),
	    .min_age_ms = cli_ms(c, "age", -1),
	};
	rc = dlq_filter_group(ret, cli_text(c, "group"), err);
	if (rc == 0)
		rc = cli_order_option(c, &order, err);
	if (rc == 0 && !uuid_is_nil(order))
		uuid_format(order, ret->order);
	return rc;
}

static bool filtered(const struct dlq_filter *f)
{
	return f->topic != NULL || f->group != NULL || f->fingerprint != NULL || f->code != NULL ||
	       f->type != NULL || f->order[0] != '\0' || f->where != NULL || f->min_age_ms >= 0;
}

/* A whole id, or the letter whose id begins so. */
static int add_id(struct console *console, const char *text, json_t *ids, struct error *err)
{
	AUTO_JSON json_t *letter = NULL;
	struct uuid id;
	int rc;

	if (uuid_parse(text, &id)) {
		json_array_append_new(ids, json_string(text));
		return 0;
	}
	rc = dlq_letter(console, text, &letter, err);
	if (rc == 0)
		json_array_append(ids, json_object_get(letter, "letter_id"));
	return rc;
}

static int add_stdin(struct console *console, json_t *ids, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	char *word, *rest = NULL;
	int rc = input_read("-", &text, err);

	if (rc < 0 || text.len == 0)
		return rc;
	for (word = strtok_r(text.data, " \t\r\n", &rest); word != NULL && rc == 0;
	     word = strtok_r(NULL, " \t\r\n", &rest))
		rc = add_id(console, word, ids, err);
	return rc;
}

static int ids_of(struct cli *c, json_t *ids, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	for (int i = 0; i < cli_arguments(c) && rc == 0; i++)
		rc = strcmp(cli_argument(c, i), "-") == 0 ? add_stdin(console, ids, err)
							  : add_id(console, cli_argument(c, i), ids, err);
	return rc;
}

int dlq_chosen(struct cli *c, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *ids = json_array();
	struct dlq_filter f;
	int rc = dlq_filter_of(c, &f, err);

	if (rc == 0)
		rc = ids_of(c, ids, err);
	if (rc < 0)
		return rc;
	if (cli_arguments(c) == 0 && !filtered(&f)) {
		error_set(err, ERR_USAGE, "dlq", "which letters? Give ids, - for ids on stdin, or a filter");
		error_hint(
		    err, "such as --group FINGERPRINT of pizzactl dlq groups, or --where 'age_seconds > 1h'");
		return ERR_USAGE;
	}
	if (cli_arguments(c) > 0 && json_array_size(ids) == 0)
		return error_set(err, ERR_USAGE, "stdin", "has no letter ids");
	*ret = dlq_selection(&f, json_array_size(ids) > 0 ? ids : NULL);
	return 0;
}
