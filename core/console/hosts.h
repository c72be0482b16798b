/*
 * How the machine and the backing services are: utilisation, saturation and errors of CPU, memory, disk,
 * network, PostgreSQL and Kafka.  Those of the machine are known of installations on this machine alone.
 * No printing; calls block.
 */
#ifndef PIZZA_CONSOLE_HOSTS_H
#define PIZZA_CONSOLE_HOSTS_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/console/console.h"

#define HOSTS_COUNTERS 32

/* What the look before this one counted: rates need two.  `struct hosts_before b = {0};` is none. */
struct hosts_before {
	int64_t at_us;
	double counters[HOSTS_COUNTERS];
	bool known[HOSTS_COUNTERS];
};

/*
 * Rows {resource, used_percent, saturation, saturated, errors, detail, latency_ms, traffic}, owned:
 * used_percent, latency_ms and traffic (per second) are numbers or null, saturation and detail text,
 * saturated a boolean, errors how many within the interval, null where nobody counts them; why: the reason
 * when a resource cannot be asked.
 */
int hosts_read(struct console *c, struct hosts_before *before, json_t **ret, struct error *err) MUST_USE;

#endif
