/*
 * Making the text of a message from its template, the recipient and the event.
 *
 * Templates are kept in memory and read again when the copy is older than a few seconds, so that a change
 * made through another replica is seen.  Thread safe.
 */
#ifndef PIZZA_NOTIFY_COMPOSE_H
#define PIZZA_NOTIFY_COMPOSE_H

#include <jansson.h>

#include "core/db/db.h"
#include "daemons/notify/delivery.h"
#include "daemons/notify/rules.h"

struct composer;
struct composer *composer_new(void);
void composer_free(struct composer *c);
/* Reads the templates unless the copy is fresh; `now` asks for it in any case. */
int composer_refresh(struct composer *c, struct db_conn *db, bool now, struct error *err) MUST_USE;

/* Who gets a message, and what about.  Strings may be NULL. */
struct compose_input {
	enum notify_kind kind;
	const char *order_id; /* text */
	const char *name, *items, *currency;
	int64_t total_amount;	    /* -1: not known */
	const json_t *data;	    /* "reason", "ingredient", …; may be NULL */
	const char *subject, *body; /* of a free message */
};
/* Fills in d->subject and d->body for d->channel; false when there is no template for it. */
bool compose(struct composer *c, const struct compose_input *in, struct delivery *d);

#endif
