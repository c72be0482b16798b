/*
 * Dead letters as both faces use them: lists, one letter, figures, replay jobs, and the verbs that change
 * letters.  Rows have the members of contract.md.  No printing; calls block for at most the console's
 * time-out.
 */
#ifndef PIZZA_CONSOLE_DLQ_H
#define PIZZA_CONSOLE_DLQ_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"

/* All must hold; NULL: any. */
struct dlq_filter {
	const char *state; /* a state, "open" or "any" */
	const char *topic;
	const char *group;	 /* consumer group */
	const char *fingerprint; /* its beginning */
	const char *code;
	const char *type;
	const char *where;
	int64_t min_age_ms;	    /* -1: any */
	char order[UUID_TEXT_SIZE]; /* "": any */
};

/* What people call a group: a daemon's name, or the fingerprint of `dlq groups`.  ERR_USAGE. */
int dlq_filter_group(struct dlq_filter *f, const char *text, struct error *err) MUST_USE;
/* The filter as a selection of dlqd's; ids (an array, borrowed) may be NULL.  Owned. */
json_t *dlq_selection(const struct dlq_filter *f, const json_t *ids);

/* Newest failure first; full: with key, value and headers as an export has them. */
int dlq_letters(struct console *c, const struct dlq_filter *f, bool full, int64_t limit, console_row *row,
		void *arg, struct error *err) MUST_USE;
/* Letters in the order in which they arrived after *cursor, which goes on. */
int dlq_letters_after(struct console *c, const struct dlq_filter *f, int64_t *cursor, console_row *row,
		      void *arg, struct error *err) MUST_USE;
/* Everything about one, with the state of its order's saga as "saga" when it is known. Accepts the beginning
 * of an id. */
int dlq_letter(struct console *c, const char *id, json_t **ret, struct error *err) MUST_USE;
int dlq_groups(struct console *c, const struct dlq_filter *f, console_row *row, void *arg,
	       struct error *err) MUST_USE;
/* Per topic, with its share of the topic's messages when Kafka can be asked. */
int dlq_stats(struct console *c, console_row *row, void *arg, struct error *err) MUST_USE;

/* The message as it would be replayed now, for an editor; owned. */
char *dlq_text(const json_t *letter);
/* The request's body (owned) for a message that was edited; ERR_MALFORMED: it is no JSON object. */
int dlq_edit_body(const char *text, json_t **ret, struct error *err) MUST_USE;

/* POST to dlqd: /api/v1/dlq and the path. The answer is owned. */
int dlq_post(struct console *c, const char *path, const json_t *body, json_t **ret,
	     struct error *err) MUST_USE;
int dlq_job(struct console *c, int64_t job, bool letters, json_t **ret, struct error *err) MUST_USE;

/* Wakes when letters or jobs may have changed; as saga_watch_wait. */
struct saga_watch *dlq_watch(struct console *c);

#endif
