/*
 * The catalogue's routes; handlers' arg is the struct service.
 */
#ifndef PIZZA_MENU_API_H
#define PIZZA_MENU_API_H

#include "core/http/server.h"

extern const struct http_route menu_routes[];
extern const int menu_route_count;

#endif
