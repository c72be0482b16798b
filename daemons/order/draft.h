/*
 * An order as a client asks for it: read from JSON, validated with every bad field named, priced from the
 * menu copy.
 */
#ifndef PIZZA_ORDER_DRAFT_H
#define PIZZA_ORDER_DRAFT_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/uuid.h"
#include "core/http/server.h"
#include "core/service/menucopy.h"

#define ORDER_ITEMS_MAX	   50
#define ORDER_QUANTITY_MAX 100
#define ORDER_TEXT_MAX	   500 /* bytes of a name or an address */

struct order_draft {
	struct uuid order_id;
	struct uuid correlation_id;
	const char *name, *email, *address,
	    *payment_method; /* borrowed from body; name and email may be NULL */
	char phone[20];	     /* normalised; "" for none */
	int64_t total;
	char currency[4];
	struct buf items; /* JSON array, as stored, sent and replied */
	json_t *body;	  /* owned */
};

/*
 * Fills in everything but order_id and correlation_id; takes body.  Bad fields go to problems (then the draft
 * is of no use, but must still be freed).  The menu must be locked.
 */
void draft_read(struct order_draft *d, json_t *body, const struct menucopy *menu,
		struct http_problems *problems);
/* event_data of OrderCreated. */
void draft_event_data(const struct order_draft *d, struct buf *out);
void draft_done(struct order_draft *d);

/* "+7-900-123-45-67" → "+79001234567"; false when it is no phone number (5 to 15 digits). */
bool draft_phone(const char *text, char phone[20]);
/* A plausible address: one '@' with something before it and a domain behind it, no blanks or control
 * characters. */
bool draft_email(const char *text);

#endif
