/*
 * What has changed between one look at a list and the next: for --watch where nobody can be redrawn to.
 */
#ifndef PIZZA_CLI_CHANGES_H
#define PIZZA_CLI_CHANGES_H

#include <jansson.h>
#include <stdint.h>

#include "cli/output.h"

struct changes;

/* Nothing was seen yet. */
struct changes *changes_new(void);
void changes_free(struct changes *c);
/*
 * The rows that are new, that differ from what they were, and, as they were, those that are gone.  Each has
 * two members more: "change" (new, changed, gone) and "change_at".  Rows are the same by their id and key
 * columns; columns that change with time alone are no difference.  Owned.
 */
json_t *changes_update(struct changes *c, const struct column *columns, const json_t *rows, int64_t now_us);

#endif
