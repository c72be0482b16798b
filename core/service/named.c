/*
 * A range of the primary key: an index finds it, whatever the length of the beginning.
 */
#include "core/service/named.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/nearest.h"

static int none(const char *thing, const char *text, struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, thing, "there is no %s %.40s", thing, text);
}

int named_id(struct db_conn *c, struct db_statement *ids, const char *thing, const char *text,
	     struct uuid *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct uuid first, last;
	int rc;

	if (uuid_parse(text, ret))
		return 0;
	if (!uuid_range(text, &first, &last))
		return error_set(err, ERR_USAGE, "id",
				 "must be the id of a %s, or its first %d digits or more", thing,
				 UUID_PREFIX_MIN);
	db_param_uuid(&p, first);
	db_param_uuid(&p, last);
	rc = db_exec(c, ids, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return none(thing, text, err);
	if (db_rows(r) > 1)
		return error_set(err, ERR_INVALID, thing, "several begin with %.40s; give more of the id",
				 text);
	*ret = db_uuid(r, 0, 0);
	return 0;
}

void named_hint(struct db_conn *c, struct db_statement *names, const char *word, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_FREE const char **list = NULL;
	int n;

	if (db_exec(c, names, NULL, &r, NULL) < 0)
		return;
	n = db_rows(r);
	list = xcalloc((size_t)n + 1, sizeof(*list));
	for (int i = 0; i < n; i++)
		list[i] = db_text(r, i, 0);
	(void)nearest_hint(word, list, n, err);
}
