/*
 * HTTP: reading and changing the catalogue.  Handlers run on the server's worker threads and use the
 * database; each change is one transaction with its event.
 */
#include "daemons/menu/api.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/audit.h"
#include "core/service/service.h"
#include "daemons/menu/store.h"

#define LIST_LIMIT     50
#define LIST_LIMIT_MAX 1000

static void reply_item(struct http_request *r, int status, const struct menu_item *item)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)item->version);
	http_reply_header(r, "ETag", etag);
	http_reply_json(r, status, menu_item_json(item));
}

static int read_filter(const struct http_request *r, enum menu_filter *ret, struct error *err)
{
	const char *status = http_query(r, "status");

	*ret = MENU_ALL;
	if (status == NULL || status[0] == '\0')
		return 0;
	if (strcmp(status, "available") == 0)
		*ret = MENU_AVAILABLE;
	else if (strcmp(status, "unavailable") == 0)
		*ret = MENU_UNAVAILABLE;
	else
		return error_set(err, ERR_USAGE, "status", "must be available or unavailable");
	return 0;
}

static int list(struct service *s, const struct http_request *r, json_t **ret_items, bool *ret_more,
		struct error *err)
{
	const char *cursor = http_query(r, "cursor");
	enum menu_filter filter;
	struct db_conn *c = NULL;
	int64_t limit = LIST_LIMIT;
	int rc = read_filter(r, &filter, err);

	if (rc == 0)
		rc = http_query_int(r, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT, &limit, err);
	if (rc == 0)
		rc = db_acquire(service_db(s), &c, err);
	if (rc < 0)
		return rc;
	rc = menu_store_list(c, filter, cursor != NULL ? cursor : "", (int)limit, ret_items, ret_more, err);
	db_release(c);
	return rc;
}

static void get_list(struct http_request *r, void *arg)
{
	struct error err;
	json_t *items = NULL, *last, *reply;
	bool more = false;

	if (list(arg, r, &items, &more, &err) < 0) {
		http_reply_error(r, &err);
		return;
	}
	last = json_object_get(json_array_get(items, json_array_size(items) - 1), "pizza_id");
	reply = json_pack("{s:o}", "items", items);
	json_object_set_new(reply, "next_cursor", more ? json_incref(last) : json_null());
	http_reply_json(r, 200, reply);
}

/* ERR_NOT_FOUND for what was deleted. */
static int not_deleted(const struct menu_item *item, struct error *err)
{
	if (item->deleted)
		return error_set(err, ERR_NOT_FOUND, "pizza", "the pizza %s was taken off the menu",
				 item->pizza_id);
	return 0;
}

static void get_one(struct http_request *r, void *arg)
{
	CLEANUP(menu_item_done) struct menu_item item = {0};
	struct db_conn *c = NULL;
	struct error err;
	int rc = db_acquire(service_db(arg), &c, &err);

	if (rc == 0) {
		rc = menu_store_get(c, http_path_param(r, 0), &item, &err);
		db_release(c);
	}
	if (rc == 0)
		rc = not_deleted(&item, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_item(r, 200, &item);
}

/* --- changes --- */

/* One change under way: what the request says, and the pizza as it becomes. */
struct change {
	struct http_request *request;
	const char *action; /* for the audit */
	json_t *body;	    /* owned; NULL for DELETE */
	struct menu_item item;
	struct http_problems problems;
};

/* Decides on item inside the transaction; ERR_INVALID with problems noted makes the reply name them. */
typedef int change_apply(struct change *ch, struct db_conn *tx, struct error *err);

static int problems_error(const struct change *ch, struct error *err)
{
	if (ch->problems.list == NULL)
		return 0;
	return error_set(err, ERR_INVALID, "pizza", "fields are invalid");
}

static struct uuid correlation_of(const struct http_request *r)
{
	const char *header = http_header(r, "X-Correlation-ID");
	struct uuid id;

	return header != NULL && uuid_parse(header, &id) ? id : uuid_v7();
}

static int change_run(struct change *ch, struct db_conn *c, change_apply *apply, struct error *err)
{
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = apply(ch, c, err);
	if (rc == 0)
		rc = menu_store_save(c, &ch->item, correlation_of(ch->request), err);
	if (rc == 0)
		rc = audit_write(c, ch->request, ch->action, ch->item.pizza_id, ch->body, "ok", err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0)
		db_rollback(c);
	return rc;
}

static void change_reply(struct change *ch, int status, int rc, const struct error *err)
{
	if (ch->problems.list != NULL)
		http_reply_problems(ch->request, "The pizza is not valid", &ch->problems);
	else if (rc < 0)
		http_reply_error(ch->request, err);
	else
		reply_item(ch->request, status, &ch->item);
}

static void change(struct http_request *r, struct service *s, const char *action, bool has_body, int status,
		   change_apply *apply)
{
	struct change ch = {.request = r, .action = action};
	struct db_conn *c = NULL;
	struct error err;
	int rc = has_body ? http_body_json(r, &ch.body, &err) : 0;

	if (rc == 0)
		rc = db_acquire(service_db(s), &c, &err);
	if (rc == 0) {
		rc = change_run(&ch, c, apply, &err);
		db_release(c);
	}
	if (rc == 0)
		outbox_notify(s);
	else
		audit_refused(s, r, action, http_path_param(r, 0), ch.body, &err);
	change_reply(&ch, status, rc, &err);
	json_decref(ch.body);
	menu_item_done(&ch.item);
}

/* Locks the pizza of the path, and refuses when the request insists on another version. */
static int lock_item(struct change *ch, struct db_conn *tx, struct error *err)
{
	int64_t wanted = menu_version_wanted(http_header(ch->request, "If-Match"), ch->body, &ch->problems);
	int rc = problems_error(ch, err);

	if (rc == 0)
		rc = menu_store_lock(tx, http_path_param(ch->request, 0), &ch->item, err);
	if (rc == 0)
		rc = not_deleted(&ch->item, err);
	if (rc < 0 || wanted == 0 || wanted == ch->item.version)
		return rc;
	error_set(err, ERR_CONFLICT, "pizza", "the pizza %s has version %lld, not %lld", ch->item.pizza_id,
		  (long long)ch->item.version, (long long)wanted);
	error_hint(err, "read it again and repeat the change");
	return ERR_CONFLICT;
}

static int apply_create(struct change *ch, struct db_conn *tx, struct error *err)
{
	CLEANUP(menu_item_done) struct menu_item old = {0};
	int rc;

	menu_item_create(&ch->item, ch->body, config_string(CONFIG_MENU_CURRENCY), &ch->problems);
	rc = problems_error(ch, err);
	if (rc == 0)
		rc = menu_store_lock(tx, ch->item.pizza_id, &old, err);
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	if (!old.deleted)
		return error_set(err, ERR_CONFLICT, "pizza", "the pizza %s is on the menu already",
				 old.pizza_id);
	ch->item.version = old.version;
	return 0;
}

static int apply_update(struct change *ch, struct db_conn *tx, struct error *err)
{
	int rc = lock_item(ch, tx, err);

	if (rc < 0)
		return rc;
	menu_item_update(&ch->item, ch->body, &ch->problems);
	return problems_error(ch, err);
}

static int apply_delete(struct change *ch, struct db_conn *tx, struct error *err)
{
	int rc = lock_item(ch, tx, err);

	if (rc < 0)
		return rc;
	ch->item.deleted = true;
	ch->item.available = false;
	return 0;
}

static void post_item(struct http_request *r, void *arg)
{
	change(r, arg, "menu.add", true, 201, apply_create);
}

static void put_item(struct http_request *r, void *arg)
{
	change(r, arg, "menu.set", true, 200, apply_update);
}

static void delete_item(struct http_request *r, void *arg)
{
	change(r, arg, "menu.rm", false, 200, apply_delete);
}

const struct http_route menu_routes[] = {
    {"GET", "/api/v1/menu", get_list, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/menu", post_item, HTTP_OPERATOR, true},
    {"GET", "/api/v1/menu/{id}", get_one, HTTP_CUSTOMER, true},
    {"PUT", "/api/v1/menu/{id}", put_item, HTTP_OPERATOR, true},
    {"DELETE", "/api/v1/menu/{id}", delete_item, HTTP_OPERATOR, true},
};
const int menu_route_count = ARRAY_LEN(menu_routes);
