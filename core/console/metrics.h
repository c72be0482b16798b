/*
 * What the daemons' /metrics say for operators: requests, messages, failures, durations, breakers; one row
 * per daemon, its replicas added up.  No printing; calls block.
 */
#ifndef PIZZA_CONSOLE_METRICS_H
#define PIZZA_CONSOLE_METRICS_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/console/console.h"
#include "core/contract/metrics.h"

#define METRICS_BREAKERS 4

struct metrics_histogram {
	double buckets[METRIC_BUCKETS]; /* not cumulative */
};

/* Counts since the daemons' start; requests are those of others than probes. */
struct metrics_figures {
	int answered; /* instances */
	double requests, request_errors;
	double messages, dead;		  /* consumed, and put into a dead-letter topic of them */
	double calls, call_errors;	  /* of providers */
	double parked, db_in_use;	  /* now; parked: in all of the daemon's replicas */
	struct metrics_histogram work;	  /* requests and the transactions of consumed batches */
	struct metrics_histogram outside; /* calls of providers */
	struct {
		char provider[32];
		int state; /* the worst of all instances: 0 closed, 1 half-open, 2 open */
	} breakers[METRICS_BREAKERS];
	int breaker_count;
};

/* Adds one instance's Prometheus text. */
void metrics_add(struct metrics_figures *f, const char *text);
struct http_client;
/* Asks an instance; what it answers is added on the client's thread, until http_client_free. */
void metrics_ask(struct http_client *client, const char *base, int timeout_ms, struct metrics_figures *f);
/* The upper bound of a bucket in milliseconds; infinite behind the last. */
double metrics_bound_ms(int bucket);
/* The p-quantile (0 to 1) in milliseconds, interpolated within its bucket; NAN: nothing was counted. */
double metrics_quantile_ms(const double buckets[METRIC_BUCKETS], double p);

/*
 * Rows {daemon, instances, answered, requests, request_errors, messages, dead, calls, call_errors, parked,
 * db_in_use, buckets, call_buckets, breakers: [{provider, state}]}, owned; daemons that do not answer have
 * null.  ERR_UNAVAILABLE: none does.  Every daemon is waited for no longer than the console's time-out.
 */
int metrics_read(struct console *c, json_t **ret, struct error *err) MUST_USE;

#endif
