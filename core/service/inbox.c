/*
 * The inbox: which events have taken effect, per consumer.  The row is inserted in the transaction of the
 * effect, so it disappears with it when the handler fails.
 */
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/service/private.h"

DB_STATEMENT(inbox_insert, "INSERT INTO inbox (event_id, consumer) SELECT unnest($1::uuid[]), $2 "
			   "ON CONFLICT DO NOTHING RETURNING event_id");

static int insert(struct db_conn *tx, const char *consumer, const struct event *const *events, int n,
		  struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_array ids;
	int rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &events[i]->id);
	db_param_array(&params, &ids);
	db_param_text(&params, consumer);
	rc = db_exec(tx, &inbox_insert, &params, ret, err);
	db_array_done(&ids);
	return rc;
}

/* The rows come back without their positions; the first event with an id is the one that acts. */
static void mark_new(const struct db_result *inserted, const struct event *const *events, int n, bool *is_new)
{
	struct map first = {0};

	for (int i = n - 1; i >= 0; i--)
		map_put(&first, events[i]->id.b, sizeof(events[i]->id.b), &is_new[i]);
	for (int row = 0; row < db_rows(inserted); row++) {
		struct uuid id = db_uuid(inserted, row, 0);
		bool *flag = map_get(&first, id.b, sizeof(id.b));

		if (flag != NULL)
			*flag = true;
	}
	map_done(&first, NULL);
}

int inbox_claim(struct db_conn *tx, const char *consumer, const struct event *const *events, int n,
		bool *is_new, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *inserted = NULL;
	int rc;

	memset(is_new, 0, (size_t)n * sizeof(*is_new));
	rc = insert(tx, consumer, events, n, &inserted, err);
	if (rc < 0)
		return rc;
	if (db_rows(inserted) == n)
		memset(is_new, true, (size_t)n * sizeof(*is_new));
	else
		mark_new(inserted, events, n, is_new);
	return 0;
}
