/*
 * Rows of long lists, packed: ten thousand objects take ten times the memory of their texts.  A list may have
 * both, objects and packed rows; whoever looks into a row opens it first.  No state.
 */
#ifndef PIZZA_TUI_PACK_H
#define PIZZA_TUI_PACK_H

#include <jansson.h>

/* A row with those of its members (NULL-terminated) that are something, packed; owned. */
json_t *pack_row(const json_t *row, const char *const *members);
/* The row as an object, owned: an object is itself. */
json_t *pack_open(const json_t *row);
/* A member of the row, without opening all of it; owned; NULL: it has none. */
json_t *pack_member(const json_t *row, const char *name);
/* The row packed with all that it has; owned. */
json_t *pack_all(const json_t *row);
/* The same and one member more, which comes first. */
json_t *pack_with(const json_t *row, const char *name, const char *value);
/* The JSON text of the row's object, owned; one line. */
char *pack_row_text(const json_t *row);
/* The JSON text of data whose rows are open, owned; of a list, its first `most` rows. */
char *pack_text(const json_t *data, size_t most);
/* A list whose first `most` rows are open, and no others, owned; data that is no list is itself. */
json_t *pack_open_all(const json_t *data, size_t most);

#endif
