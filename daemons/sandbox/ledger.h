/*
 * Reading the books: the ledger's rows, and sums of them.  Blocking; thread safe.
 */
#ifndef PIZZA_SANDBOX_LEDGER_H
#define PIZZA_SANDBOX_LEDGER_H

#include <jansson.h>

#include "core/db/db.h"

/* Rows, newest first, of one order (NULL: of all), older than the id `before` (nil: from the newest); owned
 * array. */
int ledger_rows(struct db *db, const char *order_id, struct uuid before, int limit, json_t **ret,
		struct error *err) MUST_USE;
/* Counts and sums over everything, or over one order (NULL: all); owned object. */
int ledger_summary(struct db *db, const char *order_id, json_t **ret, struct error *err) MUST_USE;
/* The same per order, in order of its id, after `after` (NULL: from the first); owned array. */
int ledger_orders(struct db *db, const char *after, int limit, json_t **ret, struct error *err) MUST_USE;

/* "pi_0192…" of an id; the prefix is kept apart from the 32 digits. */
#define OBJECT_ID_SIZE 40
const char *object_id(const char *prefix, struct uuid id, char text[OBJECT_ID_SIZE]);
/* False when text is no id with that prefix. */
bool object_id_parse(const char *prefix, const char *text, struct uuid *ret);

#endif
