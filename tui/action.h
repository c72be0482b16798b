/*
 * What can be done to the things on a screen: a row each, with the key, the exact pizzactl command that does
 * the same, and the function of core/console that both use.
 */
#ifndef PIZZA_TUI_ACTION_H
#define PIZZA_TUI_ACTION_H

#include <jansson.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/console/console.h"

struct action_call {
	const json_t *rows; /* all that are meant; action_row: one after the other */
	const json_t *row;  /* the one to be done; NULL where the action takes all at once */
	const char *value;  /* what was typed, or "" */
	bool plan;	    /* say what would be done, and do nothing */
};

struct action {
	int key;
	const char *name; /* "retry" */
	const char *text; /* "push what it waits for again" */
	/* After "pizzactl ": {member} of the row, {member...} of all rows, {value} as typed; [what stands in
	 * brackets] only when something was typed. */
	const char *command;
	const char *prompt; /* asks for a value; NULL */
	/* Word i that the value may be for a row, for completion; NULL: there are no more.  NULL: any text.
	 */
	const char *(*choice)(const json_t *row, int i);
	bool optional; /* it may be empty */
	bool reasons;  /* asks why, for the audit */
	bool changes;  /* the guard is asked, and so is the user of a protected context */
	bool asks;     /* is confirmed */
	bool plans;    /* its plan is shown before it is confirmed */
	bool all;      /* all rows in one call */
	/* Blocks; says in a few words what it did. */
	int (*run)(struct console *c, const struct action_call *call, struct buf *said, struct error *err);
	/* Opens another screen instead: the row's member is its subject. */
	const char *opens, *member;
	/* What is edited before it is done, as text (owned); it comes as the value. */
	char *(*edits)(const json_t *row);
};

/* An action on its way. */
struct job {
	const struct action *action;
	json_t *rows;
	char value[128];
	char *edited; /* instead of the value, where something is edited; owned */
	char *told;   /* what the plan says; owned */
	char reason[128];
	bool explained, planned; /* it was asked why; what it would do is known */
	bool plan;
	bool agreed; /* a protected context's user has confirmed it */
};
struct job *job_new(const struct action *a, const json_t *rows, const char *value);
void job_free(struct job *j);
/* Does it, blocking.  ERR_PARTLY when some rows failed. */
int job_run(struct console *c, const struct job *j, struct buf *said, struct error *err) MUST_USE;

/*
 * "pizzactl saga retry 0193…": a line per row where the action takes one at a time; words are quoted.
 * context: to be named in it; NULL: it need not be.
 */
void action_command(struct buf *out, const struct action *a, const json_t *rows, const char *value,
		    const char *reason, const char *context);

/* The row has all that its command names. */
bool action_fits(const struct action *a, const json_t *row);

/* POST to a daemon: the path's {member} is the row's. */
int action_post(struct console *c, const char *daemon, const char *path, const json_t *row, json_t *body,
		struct error *err) MUST_USE;
/* What more than one screen does with its rows' order_id. */
int action_cancel_order(struct console *c, const struct action_call *call, struct buf *said,
			struct error *err);

#endif
