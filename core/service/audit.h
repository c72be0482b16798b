/*
 * The audit: who changed what, when, why and with what outcome, in the append-only table `audit` of the
 * database that the change is made in.  Every operator's route writes one row per request: within the
 * transaction of the change, so that there is no change without its row, or alone when it was refused.
 */
#ifndef PIZZA_SERVICE_AUDIT_H
#define PIZZA_SERVICE_AUDIT_H

#include <jansson.h>

#include "core/db/db.h"
#include "core/http/server.h"

struct service;

#define AUDIT_TEXT_SIZE 512

/* Who asks and why: headers X-Pizza-Actor and X-Pizza-Reason (percent-encoded UTF-8), else the body's
 * "reason". */
struct audit_origin {
	char actor[AUDIT_TEXT_SIZE];
	char reason[AUDIT_TEXT_SIZE]; /* "": none was given */
};
void audit_origin(const struct http_request *r, const json_t *body, struct audit_origin *ret);

struct audit_entry {
	const struct audit_origin *origin;
	const char *action;	 /* "payment.refund" */
	const char *target;	 /* the id of what is changed */
	const json_t *arguments; /* borrowed; NULL: none */
	const char *outcome;	 /* "ok", or the error's word and reason */
};
/* Adds a row in the open transaction. */
int audit_add(struct db_conn *tx, const struct audit_entry *entry, struct error *err) MUST_USE;

/* audit_origin and audit_add in one, for a request with an optional JSON body. */
int audit_write(struct db_conn *tx, const struct http_request *r, const char *action, const char *target,
		const json_t *arguments, const char *outcome, struct error *err) MUST_USE;
/* A change that was refused or failed, on a connection of its own; a failure of this is logged. */
void audit_refused(struct service *s, const struct http_request *r, const char *action, const char *target,
		   const json_t *arguments, const struct error *why);

/* GET /api/v1/audit: newest first; limit, cursor, actor, action, target, since (RFC 3339). */
void audit_list(struct http_request *r, void *service);

#endif
