/*
 * Reads every {topic}-dlq as the group dlqd and indexes what comes, a batch per transaction.  It has a thread
 * and a consumer of its own: here every message is a letter, whatever is in it.
 */
#ifndef PIZZA_DLQ_INTAKE_H
#define PIZZA_DLQ_INTAKE_H

#include "core/service/service.h"

struct intake;
int intake_start(struct service *s, struct intake **ret, struct error *err) MUST_USE;
/* The batch under way is finished.  NULL is fine. */
void intake_stop(struct intake *in);

#endif
