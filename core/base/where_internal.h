/*
 * What the parts of where.h share: the tree, and what each kind of column knows about its values.
 */
#ifndef PIZZA_BASE_WHERE_INTERNAL_H
#define PIZZA_BASE_WHERE_INTERNAL_H

#include <regex.h>

#include "core/base/where.h"

/* The negative operators are these under NOT. */
enum where_op {
	WHERE_AND,
	WHERE_OR,
	WHERE_NOT,
	WHERE_EQ, /* any of the values: = and in */
	WHERE_LT,
	WHERE_LE,
	WHERE_GT,
	WHERE_GE,
	WHERE_REGEX,
	WHERE_NULL,
};

/* A value as written in the condition; which members count is the kind's affair. */
struct where_value {
	char *text;	 /* as SQL takes it; owned */
	int64_t integer; /* whole numbers: cut towards 0; times: microseconds since 1970; truth: 0, 1 */
	int over;	 /* whole numbers: beyond int64, 1 above and -1 below */
	int fraction;	 /* whole numbers: 1 when a bit more than integer, -1 when a bit less */
	double real;
	bool number; /* of JSON columns: it can be read as a number */
};

struct where_type {
	const char *expects; /* "a whole number" */
	const char *sql;     /* the type both sides are cast to; NULL: cannot be asked in SQL */
	bool ordered;	     /* < and > mean something */
	bool (*read)(const char *text, int64_t now_us, struct where_value *ret);
	/* How the row's value stands to v: below, at or above 0; false when they cannot be compared. */
	bool (*compare)(const json_t *value, const struct where_value *v, int *ret);
};
extern const struct where_type where_types[]; /* by enum where_kind */

struct where_node {
	enum where_op op;
	struct where_node *left, *right; /* of AND and OR; NOT has left alone */
	const struct where_column *column;
	char *path; /* the members behind the column's name, "event_data.amount", or NULL */
	struct where_value *values;
	int count;
	char *array; /* several values as an SQL array, or the pattern; NULL */
	regex_t regex;
	bool compiled;
	bool portable; /* PostgreSQL reads the pattern as regcomp does */
};

struct where {
	struct where_node *root;
};

/* Compiles the node's pattern, and tells whether PostgreSQL means the same by it; ret_why: what is wrong with
 * it. */
bool where_regex_compile(struct where_node *n, const char *pattern, const char **ret_why);
bool where_regex_match(const struct where_node *n, const char *text);

#endif
