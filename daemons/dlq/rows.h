/*
 * Letters as others see them: columns, selections, lists, one letter, groups, figures.  Rows are JSON objects
 * with the members of contract.md.  Reading only; every function blocks on the database.
 */
#ifndef PIZZA_DLQ_ROWS_H
#define PIZZA_DLQ_ROWS_H

#include <jansson.h>

#include "core/db/db.h"

/* SQL: a timestamptz as RFC 3339 in UTC, for JSON that PostgreSQL builds. */
#define ROWS_UTC(moment) "to_char(" moment " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/*
 * A selection is a JSON object; every member is optional and all must hold: state ("unresolved", "open" for
 * unresolved and replaying, "any"), topic, group (consumer group), fingerprint (its beginning, at least 4
 * digits), code, type, order, min_age_ms, quarantined, where (an expression over the columns), ids (an
 * array).  Strings are borrowed by what is built from it.
 */
struct selection {
	struct buf sql; /* a condition on `letter_rows l` */
	struct db_params params;
	struct where *where;
	bool complete; /* false: rows must also pass where */
};
/* ERR_USAGE or ERR_INVALID names what is wrong.  ret must be selection_done in every case. */
int selection_build(const json_t *wanted, struct selection *ret, struct error *err) MUST_USE;
void selection_done(struct selection *s);

struct rows_page {
	int64_t after; /* letters with a later arrival, in the order of arrival; -1: newest failure first */
	const char *cursor; /* of the page before; NULL */
	int64_t limit;
	bool full; /* with headers, key and value as base64: what an export has */
};
/* Items into *ret (a new array), the next page's cursor (owned, NULL after the last) into *ret_cursor. */
int rows_list(struct db_conn *c, const json_t *wanted, const struct rows_page *page, json_t **ret,
	      char **ret_cursor, struct error *err) MUST_USE;
/* Ids that the selection has, oldest first, so that letters of one partition keep their order. */
int rows_ids(struct db_conn *c, const json_t *wanted, struct uuid **ret, int *ret_count,
	     struct error *err) MUST_USE;

/* Everything about one letter: its row, key, value, headers, edit, history, jobs.  ERR_NOT_FOUND. */
int rows_show(struct db_conn *c, struct uuid id, json_t **ret, struct error *err) MUST_USE;
/* The letter whose id begins so, or is that; ERR_USAGE, ERR_NOT_FOUND, ERR_INVALID for many. */
int rows_find(struct db_conn *c, const char *text, struct uuid *ret, struct error *err) MUST_USE;
int rows_groups(struct db_conn *c, const json_t *wanted, json_t **ret, struct error *err) MUST_USE;
int rows_stats(struct db_conn *c, json_t **ret, struct error *err) MUST_USE;

/* Text of key or value for people: JSON where it is, text where it is UTF-8, else null. */
json_t *rows_value_json(const void *data, size_t len);

#endif
