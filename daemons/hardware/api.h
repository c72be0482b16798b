/*
 * HTTP: the devices, and what operators change about them.
 */
#ifndef PIZZA_HARDWARE_API_H
#define PIZZA_HARDWARE_API_H

#include "core/http/server.h"

extern const struct http_route api_routes[];
extern const int api_route_count;

#endif
