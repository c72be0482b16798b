/*
 * Orders and their history.
 */
#include "tests/crash/orders.h"

#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/http/client.h"

struct history {
	int fd;
};

static const char *const outcome_words[] = {"ok", "refused", "failed", "unknown"};

/* --- random --- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
uint64_t random_next(struct random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned random_below(struct random *r, unsigned n)
{
	return (unsigned)(random_next(r) % n);
}

bool random_percent(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}

/* --- history --- */

struct history *history_open(const char *path)
{
	struct history *h;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->fd = fd;
	return h;
}

void history_close(struct history *h)
{
	if (h == NULL)
		return;
	close(h->fd);
	free(h);
}

static void history_add(struct history *h, json_t *line)
{
	AUTO_FREE char *text = json_text(line);
	AUTO_FREE char *whole = xasprintf("%s\n", text);

	json_decref(line);
	if (write(h->fd, whole, strlen(whole)) < 0)
		perror("history");
}

void history_replayed(struct history *h, const char *event_id, const char *group, const char *outcome)
{
	history_add(h, json_pack("{s:s,s:I,s:s,s:s,s:s}", "op", "replay", "at", (json_int_t)clock_wall_us(),
				 "order_id", event_id, "reply", group, "outcome", outcome));
}

/* --- requests --- */

void order_body(struct random *r, struct buf *out)
{
	static const char *const pizzas[] = {"margherita", "pepperoni", "diavola",
					     "hawaiian",   "funghi",	"marinara"};
	static const char *const sizes[] = {"small", "medium", "large"};
	unsigned items = 1 + random_below(r, 3), number = random_below(r, 1000000);
	const char *method = random_percent(r, 4) ? "pm_card_chargeDeclined" : "card";

	buf_addf(out, "{\"customer_name\":\"Customer %u\"", number);
	if (random_percent(r, 60))
		buf_addf(out, ",\"customer_email\":\"customer%u@example.org\"", number);
	if (random_percent(r, 30))
		buf_addf(out, ",\"customer_phone\":\"+7900%07u\"", number);
	buf_adds(out, ",\"items\":[");
	for (unsigned i = 0; i < items; i++)
		buf_addf(out, "%s{\"pizza_id\":\"%s\",\"size\":\"%s\",\"quantity\":%u}", i > 0 ? "," : "",
			 pizzas[random_below(r, ARRAY_LEN(pizzas))], sizes[random_below(r, 3)],
			 1 + random_below(r, 4));
	buf_addf(out, "],\"delivery_address\":\"%u Main Street\",\"payment_method\":\"%s\"}", number, method);
}

static enum outcome outcome_of(const struct http_result *res)
{
	if (res->code == 0 && res->status < 300)
		return OUTCOME_OK;
	if (res->code == 0 && res->status < 500 && res->status != 409 && res->status != 429)
		return OUTCOME_REFUSED;
	return res->code == ERR_UNAVAILABLE ? OUTCOME_FAILED : OUTCOME_UNKNOWN;
}

/* What makes two replies the same. */
static void digest(const struct buf *body, char hex[33])
{
	unsigned char hash[16];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)buf_str(body), body->len, NULL, 0);
	sodium_bin2hex(hex, 33, hash, sizeof(hash));
}

static enum outcome send_call(const struct http_call *call, struct http_result *res)
{
	struct error err;
	int rc = http_call(call, res, &err);

	if (rc < 0 && res->code == 0)
		res->code = rc;
	return outcome_of(res);
}

enum outcome order_post(const struct order_site *site, const char *key, const char *body, int timeout_ms,
			char order_id[UUID_TEXT_SIZE])
{
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/api/v1/orders", site->port);
	AUTO_FREE char *header = xasprintf("Idempotency-Key: %s", key);
	const char *headers[] = {header, "Content-Type: application/json", NULL};
	const struct http_call call = {.method = "POST",
				       .url = url,
				       .headers = headers,
				       .body = body,
				       .body_len = strlen(body),
				       .timeout_ms = timeout_ms};
	CLEANUP(http_result_done) struct http_result res = {0};
	AUTO_JSON json_t *reply = NULL;
	enum outcome outcome = send_call(&call, &res);
	char hex[33] = "";
	json_t *line;

	line = json_pack("{s:s,s:I,s:s,s:s,s:i}", "op", "create", "at", (json_int_t)clock_wall_us(), "key",
			 key, "outcome", outcome_words[outcome], "status", res.status);
	if (outcome == OUTCOME_OK) {
		reply = json_loadb(buf_str(&res.body), res.body.len, 0, NULL);
		digest(&res.body, hex);
		json_object_set_new(line, "reply", json_string(hex));
		json_object_set(line, "order_id", json_object_get(reply, "order_id"));
		json_object_set(line, "total", json_object_get(reply, "total_amount"));
		if (order_id != NULL)
			snprintf(order_id, UUID_TEXT_SIZE, "%s", json_string_or(reply, "order_id", ""));
	}
	history_add(site->history, line);
	return outcome;
}

enum outcome order_cancel(const struct order_site *site, const char *order_id, int timeout_ms)
{
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/api/v1/orders/%s/cancel", site->port, order_id);
	const char *headers[] = {"Content-Type: application/json", NULL};
	const struct http_call call = {.method = "POST",
				       .url = url,
				       .headers = headers,
				       .body = "{\"reason\":\"changed my mind\"}",
				       .body_len = strlen("{\"reason\":\"changed my mind\"}"),
				       .timeout_ms = timeout_ms};
	CLEANUP(http_result_done) struct http_result res = {0};
	enum outcome outcome = send_call(&call, &res);

	if (res.code == 0 && res.status == 409) /* too late: an answer */
		outcome = OUTCOME_REFUSED;
	history_add(site->history,
		    json_pack("{s:s,s:I,s:s,s:s,s:i}", "op", "cancel", "at", (json_int_t)clock_wall_us(),
			      "order_id", order_id, "outcome", outcome_words[outcome], "status", res.status));
	return outcome;
}

bool order_status(const struct order_site *site, const char *order_id, int timeout_ms, char *text, int size)
{
	AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d/api/v1/orders/%s", site->port, order_id);
	const struct http_call call = {.method = "GET", .url = url, .timeout_ms = timeout_ms};
	CLEANUP(http_result_done) struct http_result res = {0};
	AUTO_JSON json_t *reply = NULL;

	if (send_call(&call, &res) != OUTCOME_OK)
		return false;
	reply = json_loadb(buf_str(&res.body), res.body.len, 0, NULL);
	snprintf(text, (size_t)size, "%s", json_string_or(reply, "status", ""));
	return text[0] != '\0';
}
