/*
 * The inventory's routes; handlers' arg is the struct service.
 */
#ifndef PIZZA_INVENTORY_API_H
#define PIZZA_INVENTORY_API_H

#include "core/http/server.h"

extern const struct http_route inventory_routes[];
extern const int inventory_route_count;

#endif
