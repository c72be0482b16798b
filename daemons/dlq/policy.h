/*
 * What dlqd does by itself: per error code how many failed replays quarantine a letter, when it expires, and
 * whether it is replayed without being asked.  A thread acts on it every few seconds, on the database's
 * clock.
 */
#ifndef PIZZA_DLQ_POLICY_H
#define PIZZA_DLQ_POLICY_H

#include <jansson.h>

#include "core/service/service.h"
#include "daemons/dlq/runner.h"

struct policy;
int policy_start(struct service *s, struct runner *runner, struct policy **ret, struct error *err) MUST_USE;
void policy_stop(struct policy *p); /* NULL is fine */

/* [{error_code, replays, expiry_ms, auto_replay_ms, letters, open}], owned; "*" is for all others. */
int policy_list(struct db_conn *c, json_t **ret, struct error *err) MUST_USE;
/* Members of body that are there are set, null unsets: replays, expiry_ms, auto_replay_ms. */
int policy_set(struct db_conn *tx, const char *error_code, const json_t *body, struct error *err) MUST_USE;
/* ERR_NOT_FOUND. */
int policy_remove(struct db_conn *tx, const char *error_code, struct error *err) MUST_USE;

#endif
