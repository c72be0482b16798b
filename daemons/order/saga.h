/*
 * What people do to one saga: cancel, compensate, retry.  All are idempotent, check the expected version, and
 * an operator's leave a row in the audit.
 */
#ifndef PIZZA_ORDER_SAGA_H
#define PIZZA_ORDER_SAGA_H

#include "core/http/server.h"

void saga_post_order_cancel(struct http_request *r, void *service); /* the customer's */
void saga_post_cancel(struct http_request *r, void *service);
/* Cancels, unless that was done, and ends the waiting of what is owed then. */
void saga_post_compensate(struct http_request *r, void *service);
/*
 * Ends the waiting for the next try: the daemon that owes the awaited step makes its parked messages and
 * queued work of this order due now, and so does orderd itself.  Nothing is sent again and no step happens
 * twice.
 */
void saga_post_retry(struct http_request *r, void *service);

#endif
