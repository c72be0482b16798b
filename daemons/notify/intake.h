/*
 * From events to notifications and deliveries, a batch with a few set-based statements.
 */
#ifndef PIZZA_NOTIFY_INTAKE_H
#define PIZZA_NOTIFY_INTAKE_H

#include "core/contract/events.h"
#include "core/db/db.h"
#include "daemons/notify/compose.h"
#include "daemons/notify/delivery.h"

#define DELIVERY_LEASE_MS 60000 /* how long one who has a delivery may take */

struct intake;
/* One thread.  operator_email: who hears of low stock. */
struct intake *intake_new(struct composer *composer);
void intake_free(struct intake *in);
/*
 * Records n events of different aggregates in the open transaction; deliveries to make are added to `out`,
 * already claimed for DELIVERY_LEASE_MS.
 */
int intake_handle(struct intake *in, struct db_conn *tx, const struct event *const *events, int n,
		  const char *operator_email, struct delivery_list *out, struct error *err) MUST_USE;

/* What an operator asks for. */
struct intake_request {
	enum notify_kind kind;	     /* NOTIFY_MESSAGE: free */
	struct uuid order_id;	     /* of the others */
	enum notify_channel channel; /* of a free message, like the next three */
	const char *address, *subject, *body;
};
/* Records one notification in the open transaction.  ERR_NOT_FOUND: nothing is known of the order. */
int intake_send(struct intake *in, struct db_conn *tx, const struct intake_request *request,
		struct uuid *ret_id, struct delivery_list *out, struct error *err) MUST_USE;

#endif
