/*
 * HTTP: the board, the tickets, and what operators decide about stations.  Handlers run on the server's
 * worker threads.
 */
#ifndef PIZZA_KITCHEN_API_H
#define PIZZA_KITCHEN_API_H

#include "core/http/server.h"
#include "daemons/kitchen/floor.h"

/* What the handlers find as the service's data. */
struct kitchen {
	struct menucopy *menu;
	struct intake *intake;
	struct floor *floor;
};

extern const struct http_route kitchen_routes[];
extern const int kitchen_route_count;

#endif
