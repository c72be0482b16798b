/*
 * The metrics registry (table: contract/metrics.h) and its Prometheus text exposition (format 0.0.4).
 * Thread safe.  Label values are given in the order of the row's labels; series are made when first used.
 */
#ifndef PIZZA_SERVICE_METRICS_H
#define PIZZA_SERVICE_METRICS_H

#include "core/base/buf.h"
#include "core/contract/metrics.h"

struct metric_series; /* one series: a metric with its label values */

/* Finds or makes the series; the pointer stays valid for ever, so hot paths look it up once. Missing labels:
 * NULL. */
struct metric_series *metric_series(enum metric_id id, const char *label1, const char *label2,
				    const char *label3);
void metric_add(struct metric_series *s, double value);	    /* counter, gauge */
void metric_set(struct metric_series *s, double value);	    /* gauge */
void metric_observe(struct metric_series *s, double value); /* histogram: seconds; buckets 1 ms … 60 s */
/* Short forms for cold paths. */
void metric_count(enum metric_id id, const char *label1, const char *label2, double value);
/* Called before each exposition, to set gauges. At most 8. */
void metric_collector(void (*collect)(void *arg), void *arg);
/* Appends everything as Prometheus text. */
void metrics_expose(struct buf *out);

#endif
