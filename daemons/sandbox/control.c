/*
 * The sandbox's own routes: programmed faults and the ledger.
 */
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "daemons/sandbox/ledger.h"
#include "daemons/sandbox/sandbox.h"

/* --- faults --- */

static json_t *all_faults(struct sandbox *sb)
{
	json_t *all = json_object();

	pthread_mutex_lock(&sb->fault_lock);
	for (int i = 0; i < PROVIDER_COUNT; i++)
		json_object_set_new(all, provider_names[i], faults_json(&sb->faults[i]));
	pthread_mutex_unlock(&sb->fault_lock);
	return all;
}

void control_faults_get(struct http_request *r, void *arg)
{
	http_reply_json(r, 200, all_faults(sandbox_of(arg)));
}

static int provider_find(const char *name)
{
	for (int i = 0; i < PROVIDER_COUNT; i++)
		if (strcmp(provider_names[i], name) == 0)
			return i;
	return -1;
}

/* Reads the body over the present faults. */
static int read_all(const json_t *body, struct fault_set faults[PROVIDER_COUNT], struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)body, name, value) {
		int provider = provider_find(name), rc;

		if (provider < 0 || !json_is_object(value)) {
			error_set(err, ERR_INVALID, name, "is not understood");
			error_hint(err, "send {\"payment\":{…},\"sms\":{…}}");
			return ERR_INVALID;
		}
		rc = faults_read(value, &faults[provider], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int save_faults(struct db_conn *tx, const struct fault_set *faults, const struct audit_entry *audit,
		       struct error *err)
{
	int rc = db_begin(tx, err);

	for (int i = 0; rc == 0 && i < PROVIDER_COUNT; i++)
		rc = store_faults_save(tx, provider_names[i], &faults[i], err);
	if (rc == 0)
		rc = audit_add(tx, audit, err);
	return rc < 0 ? rc : db_commit(tx, err);
}

static int change_faults(struct sandbox *sb, const json_t *body, const struct audit_entry *audit,
			 struct error *err)
{
	struct fault_set faults[PROVIDER_COUNT];
	struct db_conn *c = NULL;
	int rc;

	memcpy(faults, sb->faults, sizeof(faults));
	rc = read_all(body, faults, err);
	if (rc == 0)
		rc = db_acquire(sb->db, &c, err);
	if (rc == 0)
		rc = save_faults(c, faults, audit, err);
	db_release(c); /* rolls back what is open */
	if (rc == 0)
		memcpy(sb->faults, faults, sizeof(faults));
	return rc;
}

void control_faults_put(struct http_request *r, void *arg)
{
	struct sandbox *sb = sandbox_of(arg);
	AUTO_JSON json_t *body = NULL;
	struct audit_origin origin;
	struct audit_entry audit = {&origin, "sandbox.set", "faults", NULL, "ok"};
	struct error err;
	int rc = http_body_json(r, &body, &err);

	audit_origin(r, body, &origin);
	audit.arguments = body;
	if (rc == 0) {
		pthread_mutex_lock(&sb->fault_lock);
		rc = change_faults(sb, body, &audit, &err);
		pthread_mutex_unlock(&sb->fault_lock);
	}
	if (rc < 0) {
		audit_refused(arg, r, audit.action, audit.target, body, &err);
		http_reply_error(r, &err);
		return;
	}
	log_info("the programmed faults have changed");
	http_reply_json(r, 200, all_faults(sb));
}

/* --- ledger --- */

/* {"items":…,"next_cursor":…}: the cursor is the last row's `member` when the page is full. */
static void reply_page(struct http_request *r, json_t *rows, int64_t limit, const char *member)
{
	size_t n = json_array_size(rows);
	const json_t *last = n > 0 && (int64_t)n == limit ? json_array_get(rows, n - 1) : NULL;

	http_reply_json(r, 200,
			json_pack("{s:o, s:s?}", "items", rows, "next_cursor",
				  last != NULL ? json_string_value(json_object_get(last, member)) : NULL));
}

/* A ledger cursor is the id of a row of any kind. */
static bool read_cursor(const char *text, struct uuid *ret)
{
	return object_id_parse("pi_", text, ret) || object_id_parse("re_", text, ret) ||
	       object_id_parse("SM", text, ret);
}

void control_ledger(struct http_request *r, void *arg)
{
	const char *cursor = http_query(r, "cursor");
	struct uuid before = {0};
	json_t *rows = NULL;
	struct error err;
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, 1000, 50, &limit, &err);

	if (rc == 0 && cursor != NULL && !read_cursor(cursor, &before))
		rc = error_set(&err, ERR_USAGE, "cursor", "is no cursor of the ledger");
	if (rc == 0)
		rc = ledger_rows(sandbox_of(arg)->db, http_query(r, "order_id"), before, (int)limit, &rows,
				 &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_page(r, rows, limit, "id");
}

/* ?by=order: per order; ?order_id=…: of one; otherwise of everything. */
void control_summary(struct http_request *r, void *arg)
{
	struct db *db = sandbox_of(arg)->db;
	const char *by = http_query(r, "by");
	bool per_order = by != NULL && strcmp(by, "order") == 0;
	json_t *found = NULL;
	struct error err;
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, 10000, 1000, &limit, &err);

	if (rc == 0 && by != NULL && !per_order)
		rc = error_set(&err, ERR_USAGE, "by", "must be order");
	if (rc == 0)
		rc = per_order ? ledger_orders(db, http_query(r, "cursor"), (int)limit, &found, &err)
			       : ledger_summary(db, http_query(r, "order_id"), &found, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else if (per_order)
		reply_page(r, found, limit, "order_id");
	else
		http_reply_json(r, 200, found);
}
