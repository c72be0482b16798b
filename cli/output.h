/*
 * Rows to people and programs: one stream of rows, eight forms of writing them.
 *
 * A row is a JSON object whose members are named as contract.md says; times are RFC 3339 texts, money is
 * integer minor units beside a member "currency".  Columns tell which members there are, in which order, and
 * how people like to see them; machine forms (json, jsonl, csv, yaml) write values as they are.  Each form is
 * a renderer (render_NAME.c). Memory stays flat over any number of rows unless they are to be sorted.  One
 * thread.
 */
#ifndef PIZZA_CLI_OUTPUT_H
#define PIZZA_CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/where.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_STATE, /* a word that deserves a colour */
	COLUMN_INT,
	COLUMN_REAL,
	COLUMN_MONEY,
	COLUMN_TIME,
	COLUMN_MS,	/* a duration in milliseconds */
	COLUMN_SECONDS, /* a duration in seconds */
	COLUMN_BYTES,
	COLUMN_BOOL,
	COLUMN_PERCENT,
	COLUMN_JSON, /* an array or object */
};
/* "text", "time", "money" … */
const char *column_kind_word(enum column_kind kind);

#define COLUMN_ID      1  /* what `-o name` writes */
#define COLUMN_WIDE    2  /* in tables only with `-o wide` */
#define COLUMN_MACHINE 4  /* in tables only when asked for by --columns */
#define COLUMN_PASSING 8  /* changes with time alone: no change for --watch */
#define COLUMN_KEY     16 /* part of what tells rows apart, beside the id */

struct column {
	const char *name;  /* the member: "order_id"; NULL ends a list of columns */
	const char *title; /* heading in tables; NULL: the name in capitals */
	enum column_kind kind;
	unsigned flags;
	const char *text;	     /* one line for `--columns help` and the manual */
	const struct column *nested; /* of a JSON member: how its elements look in tables; NULL: as JSON */
	/* How people see it, when the kind does not say it: appends to out.  NULL. */
	void (*human)(const json_t *row, struct buf *out);
};

/* X(symbol, word, text) */
#define OUTPUT_FORMATS(X)                                          \
	X(TABLE, "table", "aligned columns, for people")           \
	X(WIDE, "wide", "the same with every column")              \
	X(JSON, "json", "a list is an array, a show is an object") \
	X(JSONL, "jsonl", "one object a line")                     \
	X(CSV, "csv", "RFC 4180, with a line of names")            \
	X(YAML, "yaml", "YAML 1.1")                                \
	X(NAME, "name", "the ids alone, one a line")               \
	X(NONE, "none", "nothing: the exit status counts")

enum output_format {
#define X(symbol, word, text) OUTPUT_##symbol,
	OUTPUT_FORMATS(X)
#undef X
	    OUTPUT_FORMAT_COUNT
};
extern const char *const output_format_words[OUTPUT_FORMAT_COUNT + 1]; /* NULL-terminated */

/* X(symbol, word, text) */
#define OUTPUT_TIMES(X)                       \
	X(ISO, "iso", "2026-11-21 12:30:01Z") \
	X(RELATIVE, "relative", "5m ago")     \
	X(RAW, "raw", "as in JSON, with microseconds")

/* How people see moments. */
enum output_time {
#define X(symbol, word, text) OUTPUT_TIME_##symbol,
	OUTPUT_TIMES(X)
#undef X
	    OUTPUT_TIME_COUNT
};
extern const char *const output_time_words[OUTPUT_TIME_COUNT + 1]; /* NULL-terminated */

struct changes;

struct output_settings {
	enum output_format format;
	enum output_time time;
	int64_t now_us;	     /* ages count from here */
	const char *columns; /* "a,b", or NULL */
	const char *where;   /* a condition (core/base/where.h), or NULL */
	const char *sort;    /* "column" or "-column", or NULL */
	int64_t limit;	     /* rows at most; -1: all */
	/* What the source of the rows can filter and sort by, by the columns' names; name NULL ends; or NULL.
	 */
	const struct where_column *source;
	bool headings;
	bool color;
	bool utf8;
	int width; /* of the terminal; 0: it is none, nothing is cut */
	FILE *stream;
	bool *unread;		 /* becomes true when nobody reads any more */
	struct changes *changes; /* since these, only what has changed is written; NULL: all rows */
};

struct output;

/*
 * list tells a list from a show of one object.  ERR_USAGE names an unknown column, lists the valid ones and
 * the nearest; or says what is wrong with the condition.
 */
int output_open(const struct output_settings *settings, const struct column *columns, bool list,
		struct output **ret, struct error *err) MUST_USE;
/*
 * Takes the row.  0: go on; 1: enough (the limit is reached, or nobody reads any more): send no more;
 * ERR_IO: it could not be written.
 */
int output_row(struct output *o, json_t *row, struct error *err) MUST_USE;
/*
 * Ends it and frees it; rc is how it went: after a failure nothing more is written, so that half a list does
 * not look like a whole one.  Answers rc when that is a failure, else how the writing went.
 */
int output_close(struct output *o, int rc, struct error *err) MUST_USE;
/* The condition that rows must meet, for the source; NULL: none.  Rows are asked again when they come. */
const struct where *output_where(const struct output *o);
/*
 * What the source shall sort by, "column" or "-column" (none last, then as always), when it can: rows are
 * then taken as they come.  NULL: nothing.
 */
const char *output_delegate_sort(struct output *o);
/* How many rows to ask a source for that filters by output_where, or does not; -1: all. */
int64_t output_wanted(const struct output *o, bool filters);
/* Frees it as if it had never been opened: no row was written. */
void output_discard(struct output *o);
/* Makes each row appear at once: for streams. */
void output_live(struct output *o);
/*
 * In the forms for people, unless columns were chosen, each row is written by `line`, which appends it with
 * its line end, instead of into a table.
 */
void output_lines(struct output *o, void (*line)(void *arg, const json_t *row, struct buf *out), void *arg);
/* What a machine finds in a column: "text", "time", "integer" … */
const char *output_kind_word(enum column_kind kind);
/* True in the forms for people. */
bool output_is_human(enum output_format format);

/* --- for renderers --- */

struct output {
	struct output_settings settings;
	const struct renderer *renderer;
	const struct column *columns; /* all there are */
	const struct column **shown;  /* what this form shows, in order; NULL-terminated */
	bool chosen;		      /* by --columns: nothing but these */
	bool list;
	bool live;
	bool begun;
	bool closed; /* nobody reads any more */
	int64_t rows;
	json_t *held; /* rows kept for sorting, or NULL */
	struct where *where;
	struct where_column *where_columns; /* what where looks at */
	const struct column *sort_column;
	bool sort_down;						     /* the largest first */
	void (*line)(void *arg, const json_t *row, struct buf *out); /* instead of the renderer, or NULL */
	void *line_arg;
	struct buf text; /* what the renderer wrote and the stream has not got yet */
	void *state;	 /* of the renderer */
};

struct renderer {
	bool human;
	void (*begin)(struct output *o);
	void (*row)(struct output *o, const json_t *row);
	void (*end)(struct output *o,
		    bool failed); /* also frees state; nothing more is written when it failed */
};
/* What a machine form shows of a row: the columns in order (null for none), then, unless they were chosen,
 * the rest. Owned. */
json_t *output_pick(const struct output *o, const json_t *row);
extern const struct renderer render_table, render_json, render_jsonl, render_csv, render_yaml, render_name,
    render_none;

#endif
