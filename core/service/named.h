/*
 * What operators name: ids that they shorten, names that they mistype.  Calls block.
 */
#ifndef PIZZA_SERVICE_NAMED_H
#define PIZZA_SERVICE_NAMED_H

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/db/db.h"

/*
 * Completes text, a UUID or the beginning of one (uuid_range), to an id of a row: `ids` selects the ids from
 * $1 to $2, two at most.  A whole UUID is taken as it is, whether there is such a row or not.  ERR_USAGE:
 * text begins no UUID; ERR_NOT_FOUND: there is no such `thing`; ERR_INVALID: there are several.
 */
int named_id(struct db_conn *c, struct db_statement *ids, const char *thing, const char *text,
	     struct uuid *ret, struct error *err) MUST_USE;

/* Hints at the name that was probably meant: `names` selects the first column of all, without parameters. */
void named_hint(struct db_conn *c, struct db_statement *names, const char *word, struct error *err);

#endif
