/*
 * Orders as the harness sends them, and the history that it keeps of every request.
 *
 * The history is a file of JSON lines, appended with one write(2) each, so that several processes may share
 * it and a killed one leaves whole lines.  A request's outcome is `ok` (answered as asked), `refused` (the
 * answer says that nothing was done), `failed` (nothing can have been received) or `unknown` (it may have
 * been applied; asked again with the same key).  Thread safe.
 */
#ifndef PIZZA_CRASH_ORDERS_H
#define PIZZA_CRASH_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/uuid.h"

/* A random sequence of one's own (splitmix64): the same seed gives the same sequence. */
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *r);
unsigned random_below(struct random *r, unsigned n); /* n > 0 */
bool random_percent(struct random *r, unsigned percent);

enum outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_FAILED, OUTCOME_UNKNOWN };

struct history;
/* Opens the file for appending. NULL when it cannot be. */
struct history *history_open(const char *path);
void history_close(struct history *h);
/* What a group answered to an event that was handed over anew. */
void history_replayed(struct history *h, const char *event_id, const char *group, const char *outcome);

struct order_site {
	struct history *history;
	int port; /* of orderd */
};

/* Appends an order's body, drawn from r. */
void order_body(struct random *r, struct buf *out);
/*
 * Sends the order once and records what came of it.  order_id (may be NULL) gets the id of an accepted one.
 * Blocks for at most timeout_ms.
 */
enum outcome order_post(const struct order_site *site, const char *key, const char *body, int timeout_ms,
			char order_id[UUID_TEXT_SIZE]);
/* Asks for its cancellation once; recorded. */
enum outcome order_cancel(const struct order_site *site, const char *order_id, int timeout_ms);
/* Its status into text, or false when it could not be learnt within timeout_ms. Not recorded. */
bool order_status(const struct order_site *site, const char *order_id, int timeout_ms, char *text, int size);

#endif
