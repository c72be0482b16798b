/*
 * dlqd's parts, and its routes.
 */
#ifndef PIZZA_DLQ_DLQ_H
#define PIZZA_DLQ_DLQ_H

#include "core/http/server.h"
#include "daemons/dlq/intake.h"
#include "daemons/dlq/policy.h"
#include "daemons/dlq/runner.h"

struct dlq {
	struct intake *intake;
	struct runner *runner;
	struct policy *policy;
};

extern const struct http_route dlq_routes[];
extern const int dlq_route_count;

#endif
