/*
 * Asks the backends in the background: a thread per backend, each with connections of its own, and one for
 * actions.  What comes back waits until the caller takes it; a descriptor becomes readable then.  The
 * caller's functions never block.
 */
#ifndef PIZZA_TUI_WORKER_H
#define PIZZA_TUI_WORKER_H

#include <jansson.h>
#include <stdbool.h>

#include "core/base/error.h"
#include "core/console/console.h"
#include "tui/action.h"
#include "tui/feed.h"

struct worker;

/* What came back; owned by who takes it (worker_result_done, unless its parts were taken). */
struct worker_result {
	enum feed_id feed; /* of data; FEED_NONE: a job's end */
	char subject[FEED_SUBJECT_MAX];
	json_t *data;
	bool append;
	struct job *job;
	char *said;
	int rc;
	struct error err;
};

/* c: where the context has been chosen; every thread gets a handle of its own. */
int worker_new(struct console *c, struct worker **ret, struct error *err) MUST_USE;
/* Waits a moment for the threads; one that hangs in a backend is left behind. */
void worker_free(struct worker *w);
/* Readable when there are results; poll it, then take all. */
int worker_fd(const struct worker *w);
bool worker_take(struct worker *w, struct worker_result *ret);
void worker_result_done(struct worker_result *r);

/*
 * These feeds are wanted from now on, and others (noted) more rarely; those of the same subject go on as they
 * are.
 */
void worker_want(struct worker *w, unsigned wanted, unsigned noted,
		 const char *(*subject)(void *arg, enum feed_id feed), void *arg);
/* Does a job (taken), after those before it. */
void worker_do(struct worker *w, struct job *j);

#endif
