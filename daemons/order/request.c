/*
 * Reading requests about one order, and replying.
 */
#include "daemons/order/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "daemons/order/store.h"

int request_find(struct service *s, struct uuid id, struct db_result **ret, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = store_find(c, id, ret, err);
	db_release(c);
	if (rc == 0 && db_rows(*ret) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "order", "there is no order of that id");
	return rc;
}

void request_reply(struct http_request *r, int rc, struct buf *text, const struct error *err)
{
	size_t len = text->len;

	if (rc < 0) {
		buf_done(text);
		http_reply_error(r, err);
	} else {
		http_reply_take(r, 200, "application/json", buf_take(text), len);
	}
}

/* If-Match: "3", or 3; * matches any. */
static int read_if_match(const char *text, int64_t *ret, struct error *err)
{
	char *end;
	bool quoted = text[0] == '"';
	long long version;

	if (strcmp(text, "*") == 0)
		return 0;
	version = strtoll(text + quoted, &end, 10);
	if (version < 1 || strcmp(end, quoted ? "\"" : "") != 0)
		return error_set(err, ERR_USAGE, "If-Match", "must be the order's version, such as \"3\"");
	*ret = version;
	return 0;
}

static int read_version(const json_t *body, int64_t *ret, struct error *err)
{
	static const char *const names[] = {"expected_version", "version"};

	for (int i = 0; i < 2; i++) {
		const json_t *value = json_object_get(body, names[i]);

		if (value == NULL || json_is_null(value))
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 1)
			return error_set(err, ERR_INVALID, names[i], "must be the order's version, from 1");
		*ret = json_integer_value(value);
		return 0;
	}
	return 0;
}

static int read_reason(const json_t *body, char reason[200], struct error *err)
{
	const char *text = json_string_or(body, "reason", "");

	if (json_object_get(body, "reason") == NULL)
		return 0;
	if (strlen(text) == 0 || strlen(text) >= 200)
		return error_set(err, ERR_INVALID, "reason", "must be a text of 1 to 199 bytes");
	snprintf(reason, 200, "%s", text);
	return 0;
}

int request_read_change(const struct http_request *r, const char *fallback, struct request_change *ret,
			struct error *err)
{
	AUTO_JSON json_t *body = NULL;
	const char *match = http_header(r, "If-Match");
	size_t len;
	int rc = 0;

	http_body(r, &len);
	ret->expected_version = 0;
	snprintf(ret->reason, sizeof(ret->reason), "%s", fallback);
	if (len > 0)
		rc = http_body_json(r, &body, err);
	if (rc == 0)
		rc = read_version(body, &ret->expected_version, err);
	if (rc == 0)
		rc = read_reason(body, ret->reason, err);
	if (rc == 0 && match != NULL)
		rc = read_if_match(match, &ret->expected_version, err);
	return rc;
}
