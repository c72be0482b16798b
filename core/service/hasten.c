/*
 * POST /internal/v1/hasten {"aggregate_id": "…"}: what waits here for a later try because of this aggregate
 * (parked messages, items of a work queue) is due now.  It makes nothing happen twice: only the waiting ends.
 */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/http/client.h"
#include "core/service/parking.h"
#include "core/service/private.h"

#define TIMEOUT_MS 5000

static int hasten_in(struct service *s, struct service_batch *b, const char *key, int *parked, int *queued,
		     struct error *err)
{
	int rc = db_begin(b->tx, err);

	if (rc == 0 && s->spec->handle != NULL)
		rc = parking_hasten(b->tx, key, parked, err);
	if (rc == 0 && s->spec->hasten != NULL)
		rc = s->spec->hasten(s, b, key, queued, err);
	if (rc == 0)
		rc = db_commit(b->tx, err);
	if (rc < 0)
		db_rollback(b->tx);
	return rc;
}

int service_hasten(struct service *s, const char *key, int *ret_parked, int *ret_queued, struct error *err)
{
	struct service_batch b = {0};
	int rc = db_acquire(s->effects, &b.tx, err);

	*ret_parked = *ret_queued = 0;
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&s->handling);
	rc = hasten_in(s, &b, key, ret_parked, ret_queued, err);
	db_release(b.tx);
	if (s->spec->settled != NULL)
		s->spec->settled(s, b.state, rc == 0);
	pthread_mutex_unlock(&s->handling);
	if (rc == 0)
		atomic_store(&s->hastened, true);
	return rc;
}

/* {"parked": n, "queued": n} of another daemon, or what it says is wrong. */
static int read_answer(const struct http_result *result, const struct daemon_info *other, int *ret_parked,
		       int *ret_queued, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	int rc = json_parse_object(buf_str(&result->body), result->body.len, &answer, err);

	if (rc < 0)
		return rc;
	if (result->status != 200)
		return error_set(err, result->status == 503 ? ERR_UNAVAILABLE : ERR_FAILED, other->name,
				 "%.200s", json_string_or(answer, "detail", "refuses"));
	*ret_parked = (int)json_int_or(answer, "parked", 0);
	*ret_queued = (int)json_int_or(answer, "queued", 0);
	return 0;
}

int service_hasten_at(struct service *s, const struct daemon_info *other, const char *key, int *ret_parked,
		      int *ret_queued, struct error *err)
{
	CLEANUP(buf_done) struct buf body = {0}, url = {0}, token = {0};
	const char *headers[] = {"Content-Type: application/json", NULL, NULL};
	struct http_result result = {0};
	struct http_call call = {.method = "POST", .headers = headers, .timeout_ms = TIMEOUT_MS};
	int rc;

	buf_addf(&url, "http://127.0.0.1:%d/internal/v1/hasten", daemon_port(other));
	buf_addf(&token, "Authorization: Bearer %s", s->token);
	buf_adds(&body, "{\"aggregate_id\":");
	buf_add_json(&body, key, strlen(key));
	buf_addc(&body, '}');
	headers[1] = buf_str(&token);
	call.url = buf_str(&url);
	call.body = body.data;
	call.body_len = body.len;
	rc = http_call(&call, &result, err);
	if (rc == 0)
		rc = read_answer(&result, other, ret_parked, ret_queued, err);
	else
		rc = error_set(err, ERR_UNAVAILABLE, other->name, "cannot be reached: %.200s", result.why);
	http_result_done(&result);
	return rc;
}

void hasten_post(struct http_request *r, void *service)
{
	AUTO_JSON json_t *body = NULL;
	const char *key = NULL;
	struct error err;
	int parked = 0, queued = 0;
	int rc = http_body_json(r, &body, &err);

	if (rc == 0)
		rc = json_get_string(body, "aggregate_id", &key, &err);
	if (rc == 0)
		rc = service_hasten(service, key, &parked, &queued, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, json_pack("{s:i,s:i}", "parked", parked, "queued", queued));
}
