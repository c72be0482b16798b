/*
 * Rate, errors and duration of the daemons, from what their metrics have counted over the last seconds.
 */
#ifndef PIZZA_TUI_RED_H
#define PIZZA_TUI_RED_H

#include "tui/model.h"

/* NAN: not known, or nothing happened. */
struct red {
	double rate;		   /* requests and messages per second */
	double errors_percent;	   /* of them */
	double p50_ms, p99_ms;	   /* of a request, or of a batch's transaction */
	double calls, call_p99_ms; /* of providers, per second */
};

/* Notes the counts of a look. */
void red_note(struct model *m, const json_t *rows);
struct red red_of(const struct model *m, const char *daemon);
/* The daemon's row of the latest look, borrowed; NULL. */
const json_t *red_row(const struct model *m, const char *daemon);
/* The state of its worst breaker: "closed", "half-open", "open"; NULL: it has none. */
const char *red_breaker(const struct model *m, const char *daemon);

#endif
