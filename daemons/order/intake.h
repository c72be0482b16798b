/*
 * Accepting orders: requests are suspended, and a few inserter threads take all that wait into one
 * transaction.
 */
#ifndef PIZZA_ORDER_INTAKE_H
#define PIZZA_ORDER_INTAKE_H

#include "core/http/server.h"
#include "core/service/menucopy.h"
#include "core/service/service.h"

struct intake;

int intake_start(struct service *s, struct menucopy *menu, struct intake **ret, struct error *err) MUST_USE;
/* Validates, and replies at once when something is wrong; otherwise the reply comes from an inserter. */
void intake_request(struct intake *in, struct http_request *r);
void intake_stop(struct intake *in);

#endif
