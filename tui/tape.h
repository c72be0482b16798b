/*
 * What the feeds gave, as it came: the last quarter of an hour in memory, packed, so that the dashboard can
 * be wound back; and the same as a file, for what has to be looked at later.
 *
 * A file is JSON lines: first {"pizza_record", "context", "at"}, then {"at", "feed", "subject"} with "data"
 * and perhaps "append", with "same", or with "error" {code, what, why}.  Lists are cut at TAPE_ROWS rows.
 * One thread.
 */
#ifndef PIZZA_TUI_TAPE_H
#define PIZZA_TUI_TAPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/error.h"
#include "tui/feed.h"

#define TAPE_US	   INT64_C(900000000) /* kept in memory */
#define TAPE_BYTES (4 << 20)	      /* of packed data, at most */
#define TAPE_ROWS  1000		      /* of a list */

/* A list of more rows is kept that often. */
#define TAPE_LONG_ROWS 200
#define TAPE_LONG_US   INT64_C(5000000)

struct tape_blob; /* packed data, shared by entries that are alike */

/* The rows of a long list that was kept, so that of the next one only others are. */
struct tape_rows {
	const struct tape_blob *blob; /* borrowed; NULL: there are none */
	uint64_t *hashes;	      /* owned */
	int count;
};

struct tape_entry {
	int64_t at_us;
	enum feed_id feed;
	bool append;
	char *subject;		/* owned */
	struct tape_blob *blob; /* NULL: it failed */
	struct error *error;	/* owned; NULL: it succeeded */
	int64_t number;		/* of a stream's first row in it, among all of the stream */
	int rows;
};

struct tape {
	struct tape_entry *entries; /* by time; owned */
	int first, count, cap;	    /* those before `first` are forgotten */
	size_t bytes;
	struct tape_rows latest[FEED_COUNT];
	bool endless; /* a file's: nothing is forgotten */
	FILE *file;   /* where it is written to as well; NULL */
};

typedef void tape_each(void *arg, enum feed_id feed, int64_t at_us, const json_t *data);

void tape_done(struct tape *t);
/* Adds what a feed gave (data), or how it failed (err). */
void tape_add(struct tape *t, int64_t at_us, enum feed_id feed, const char *subject, bool append,
	      const json_t *data, const struct error *err);
/* The entry's data, owned; NULL: it failed.  Rows are packed where the feed's are. */
json_t *tape_data(const struct tape_entry *e);
/* Index behind the last entry at or before the moment. */
int tape_until(const struct tape *t, int64_t at_us);
/* The first and the last moment; false: there is nothing. */
bool tape_range(const struct tape *t, int64_t *ret_first_us, int64_t *ret_last_us);

/* Writes everything that is added from now on into a new file (mode 0600).  ERR_CONFLICT: it is there. */
int tape_record(struct tape *t, const char *path, const char *context, int64_t at_us,
		struct error *err) MUST_USE;
/* Ends the file.  ERR_IO: not all of it could be written. */
int tape_finish(struct tape *t, struct error *err) MUST_USE;
/* Reads a file into an empty tape; *ret_context is owned.  `each` is told what succeeded.  ERR_MALFORMED
 * names the line; a last line that was cut off is left out. */
int tape_load(struct tape *t, const char *path, tape_each *each, void *arg, char **ret_context,
	      struct error *err) MUST_USE;

#endif
