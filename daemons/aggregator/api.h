/*
 * The routes of aggregatord.
 */
#ifndef PIZZA_AGGREGATOR_API_H
#define PIZZA_AGGREGATOR_API_H

#include "core/http/server.h"

struct announcer;
struct rebuild;
struct store;

/* The daemon's own data (service_data). */
struct aggregator {
	struct store *store; /* of the consumer thread */
	struct announcer *announcer;
	struct rebuild *rebuild;
};

extern const struct http_route aggregator_routes[];
extern const int aggregator_route_count;

#endif
