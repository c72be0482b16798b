/*
 * The screens: a file and a row each.  A screen shows a list of rows, a sheet of text, or what its own
 * function draws; where it gets its data, what can be done there and where it leads stand in its row.
 */
#ifndef PIZZA_TUI_SCREEN_H
#define PIZZA_TUI_SCREEN_H

#include <jansson.h>
#include <stdbool.h>

#include "tui/action.h"
#include "tui/feed.h"
#include "tui/grid.h"
#include "tui/sheet.h"

struct model;
struct view;

enum value_format {
	VALUE_AS_TEXT,
	VALUE_AS_ID, /* its end is shown when there is little room */
	VALUE_AS_STATE,
	VALUE_AS_INT,
	VALUE_AS_MONEY,
	VALUE_AS_CLOCK, /* the time of day */
	VALUE_AS_AGE,	/* of a moment */
	VALUE_AS_SECONDS,
	VALUE_AS_MS,
	VALUE_AS_BYTES,
	VALUE_AS_PERCENT,
	VALUE_AS_OTHER, /* `human` says all */
};

struct list_column {
	const char *name;  /* a row's member; NULL ends a list */
	const char *title; /* NULL: the name */
	enum value_format format;
	int max;  /* columns at most; 0: 40 */
	int drop; /* the highest goes first where there is little room; 0: never */
	void (*human)(const struct model *m, const json_t *row, struct buf *out); /* NULL: by format */
};

/* Where other subjects are known from: what tab completes. */
struct screen_subjects {
	enum feed_id feed;
	const char *member; /* of its rows; NULL: nowhere */
};

struct screen {
	const char *name;  /* ":sagas" */
	const char *text;  /* for help */
	int key;	   /* opens it from everywhere; 0 */
	unsigned feeds;	   /* what it shows, as bits */
	enum feed_id main; /* whose rows or object it shows; its subject is the view's */
	const char *id;	   /* member that tells rows apart */
	const struct list_column *columns;
	const char *empty;	    /* what an empty list means */
	const char *const *narrows; /* subjects that `f` goes through; NULL-terminated */
	struct screen_subjects subjects;
	bool detail; /* of one thing: needs a subject */
	/* Rows other than the main feed's: an array, owned. */
	json_t *(*rows)(const struct model *m);
	/* A sheet of text instead of a list. */
	void (*write)(const struct model *m, struct sheet *s, int width);
	/* A drawing around the list; answers where the list goes (h 0: nowhere). */
	struct rect (*draw)(const struct model *m, struct grid *g, struct rect r);
	const struct action *actions; /* name NULL ends; the first that opens a screen is what enter does */
};

extern const struct screen screen_overview, screen_sagas, screen_saga, screen_lag, screen_partitions,
    screen_dlq, screen_letters, screen_letter, screen_topics, screen_messages, screen_message, screen_orders,
    screen_services, screen_service, screen_logs, screen_line, screen_payments, screen_inventory,
    screen_notifications, screen_hosts, screen_heatmap, screen_jobs, screen_kitchen, screen_tickets,
    screen_steps, screen_details;

/* NULL-terminated, in the order of the hint bar. */
extern const struct screen *const screens[];
/* It can be opened by its name; false: from a row alone. */
bool screen_is_named(const struct screen *s);
/* By name or by a unique beginning of it, where screens of one thing come after the others; NULL. */
const struct screen *screen_find(const char *name);

#endif
