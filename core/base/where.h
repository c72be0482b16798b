/*
 * Conditions on rows: the language of --where.
 *
 *     status = cancelled and (total_amount >= 1000.00 or customer_name ~ '^Iv')
 *     created_at > -5m and not due and daemon in (paymentd, inventoryd) and reason is not null
 *
 * Operators: = != < <= > >=, ~ and !~ (a POSIX extended regular expression found anywhere), in (…), not in
 * (…), is null, is not null; and, or, not, parentheses; a bool column may stand alone.  Words may be bare or
 * in '…' or "…" (the quote itself is written twice).  A value is written as the column's kind asks for: text;
 * whole and real numbers; money in minor units as in JSON (120000) or with two decimals (1200.00); true or
 * false; durations as 250ms, 5m, 1h30m or a number in the column's own unit; sizes as 10MiB, 64k, or bytes;
 * times as RFC 3339, a date, now, or an age: -5m is five minutes ago.  A member of a JSON column is
 * value.event_data.amount; of an array any element will do.
 *
 * Every condition is true or false: a comparison with a missing value is false, and != !~ `not in` and `not`
 * are the exact opposites, so true then.  Text compares by code point.  A condition is evaluated on a JSON
 * row, or becomes SQL with parameters, and both agree.  Parsed conditions do not change: threads may share
 * one.
 */
#ifndef PIZZA_BASE_WHERE_H
#define PIZZA_BASE_WHERE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"

/* What a row's member holds. */
enum where_kind {
	WHERE_TEXT,
	WHERE_INT,
	WHERE_REAL,
	WHERE_MONEY, /* an integer in the currency's minor unit */
	WHERE_BOOL,
	WHERE_TIME,    /* RFC 3339 text; a timestamptz in SQL */
	WHERE_MS,      /* a duration in milliseconds */
	WHERE_SECONDS, /* a duration in seconds */
	WHERE_BYTES,
	WHERE_JSON, /* anything, or an object whose members are asked for with dots */
};

struct where_column {
	const char *name;
	enum where_kind kind;
	const char *sql; /* the same value as an SQL expression; NULL: only in memory */
};

struct where;

/*
 * Reads a condition over n columns (borrowed as long as it lives).  Ages count from now_us (clock_wall_us()).
 * ERR_USAGE: err->what is "--where", the hint shows the place with a caret on a line of its own, and an
 * unknown column or operator lists the valid ones and the nearest.  ret is owned.
 */
int where_parse(const char *text, const struct where_column *columns, size_t n, int64_t now_us,
		struct where **ret, struct error *err) MUST_USE;
void where_free(struct where *w);

/* NULL for w matches every row.  Thread safe. */
bool where_match(const struct where *w, const json_t *row);

/* Where SQL parameters go. */
struct where_params {
	int room; /* so many more may be added */
	/* Adds a text parameter, borrowed from the condition; returns its number: $3 → 3. */
	int (*add)(void *arg, const char *text);
	void *arg;
};

/*
 * Appends a condition in parentheses, "(TRUE)" when there is nothing to say, for use behind WHERE or AND.
 * True: it is all of w; false: rows that it lets through must still be asked where_match (no LIMIT in SQL
 * then).
 */
bool where_sql(const struct where *w, struct buf *sql, const struct where_params *params);

#endif
