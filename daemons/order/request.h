/*
 * What the routes about one order share.
 */
#ifndef PIZZA_ORDER_REQUEST_H
#define PIZZA_ORDER_REQUEST_H

#include "core/service/service.h"

/* The order as rows of store_find; ERR_NOT_FOUND.  Blocks. */
int request_find(struct service *s, struct uuid id, struct db_result **ret, struct error *err) MUST_USE;
/* Replies with JSON text (takes it), or with the error when rc is negative. */
void request_reply(struct http_request *r, int rc, struct buf *text, const struct error *err);

/* {"reason": "…", "expected_version": 3}, both optional, or no body at all; If-Match: "3" also names the
 * version. */
struct request_change {
	char reason[200];
	int64_t expected_version; /* 0: any */
};
int request_read_change(const struct http_request *r, const char *fallback, struct request_change *ret,
			struct error *err) MUST_USE;

#endif
