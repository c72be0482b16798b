/*
 * The reading side of notifyd.  Deliveries come from the database as JSON text, since they belong to one row
 * each.
 */
#include "daemons/notify/view.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/named.h"

#define COLUMNS                                                                                           \
	"n.notification_id, n.order_id, n.kind, n.status, n.created_at, n.resends,"                       \
	" (SELECT coalesce(json_agg(json_build_object('channel', d.channel, 'address', d.address, "       \
	"'status', d.status,"                                                                             \
	" 'attempts', d.attempts, 'provider_id', d.provider_id, 'error', d.error, 'delivered_at',"        \
	" to_char(d.delivered_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) ORDER BY d.channel), '[]')::text" \
	" FROM deliveries d WHERE d.notification_id = n.notification_id)"

enum { V_ID, V_ORDER, V_KIND, V_STATUS, V_CREATED, V_RESENDS, V_DELIVERIES };

static json_t *text_at(const struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? json_null() : json_string(db_text(r, row, column));
}

static json_t *time_at(const struct db_result *r, int row, int column)
{
	char text[CLOCK_TEXT_SIZE];

	return json_string(clock_format(db_time(r, row, column), text));
}

static json_t *notification_json(const struct db_result *r, int row)
{
	json_t *deliveries =
	    json_loadb(db_text(r, row, V_DELIVERIES), (size_t)db_length(r, row, V_DELIVERIES), 0, NULL);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "notification_id", text_at(r, row, V_ID),
			 "order_id", text_at(r, row, V_ORDER), "kind", text_at(r, row, V_KIND), "status",
			 text_at(r, row, V_STATUS), "created_at", time_at(r, row, V_CREATED), "resends",
			 json_integer(db_int(r, row, V_RESENDS)), "deliveries",
			 deliveries != NULL ? deliveries : json_array());
}

DB_STATEMENT(notifications_list,
	     "SELECT " COLUMNS
	     " FROM notifications n WHERE n.notification_id < $1::uuid AND ($2 = '' OR n.status = $2)"
	     " ORDER BY n.notification_id DESC LIMIT $3");
DB_STATEMENT(notifications_of_order,
	     "SELECT " COLUMNS
	     " FROM notifications n WHERE n.notification_id < $1::uuid AND ($2 = '' OR n.status = $2)"
	     " AND n.order_id = $4::uuid ORDER BY n.notification_id DESC LIMIT $3");

int view_list(struct db_conn *c, const struct view_page *page, json_t **ret_items, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct uuid before = page->before;
	bool one = !uuid_is_nil(page->order_id);
	int rc;

	if (uuid_is_nil(before))
		memset(before.b, 0xff, sizeof(before.b));
	db_param_uuid(&p, before);
	db_param_text(&p, page->status);
	db_param_int(&p, page->limit);
	if (one)
		db_param_uuid(&p, page->order_id);
	rc = db_exec(c, one ? &notifications_of_order : &notifications_list, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_items = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret_items, notification_json(r, i));
	return 0;
}

DB_STATEMENT(notification_ids,
	     "SELECT notification_id FROM notifications WHERE notification_id BETWEEN $1::uuid AND $2::uuid"
	     " ORDER BY notification_id LIMIT 2");

int view_find(struct db_conn *c, const char *text, struct uuid *ret, struct error *err)
{
	return named_id(c, &notification_ids, "notification", text, ret, err);
}

DB_STATEMENT(notification_show, "SELECT " COLUMNS " FROM notifications n WHERE n.notification_id = $1::uuid");

int view_show(struct db_conn *c, struct uuid notification_id, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_uuid(&p, notification_id);
	rc = db_exec(c, &notification_show, &p, &r, err);
	if (rc == 0 && db_rows(r) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "notification", "there is none with this id");
	if (rc == 0)
		*ret = notification_json(r, 0);
	return rc;
}

DB_STATEMENT(templates_list,
	     "SELECT kind, channel, subject, body, updated_at FROM templates ORDER BY kind, channel");

int view_templates(struct db_conn *c, json_t **ret_items, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &templates_list, NULL, &r, err);

	if (rc < 0)
		return rc;
	*ret_items = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret_items,
				      json_pack("{s:o, s:o, s:o, s:o, s:o}", "kind", text_at(r, i, 0),
						"channel", text_at(r, i, 1), "subject", text_at(r, i, 2),
						"body", text_at(r, i, 3), "updated_at", time_at(r, i, 4)));
	return 0;
}
