/*
 * Long lists.  A packed row begins with its order's id, so that rows are in the order of their texts.
 */
#include "tui/longlist.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/uuid.h"
#include "tui/feed.h"
#include "tui/pack.h"

#define ID_AT  strlen("{\"order_id\":\"")
#define ID_LEN (UUID_TEXT_SIZE - 1)

/* Rows on their way, the highest order_id first. */
struct arriving {
	const struct longlist *list;
	json_t *rows;
	size_t before; /* how far the rows that are known have been walked */
};

static int compare(const json_t *a, const json_t *b)
{
	return strncmp(json_string_value(a), json_string_value(b), ID_AT + ID_LEN);
}

/* The known rows before this one: passed by, or kept where only changes come. */
static json_t *walk(struct arriving *a, const json_t *row, bool keep)
{
	json_t *known = NULL;
	int order = 1;

	while (order > 0 && (known = json_array_get(a->list->rows, a->before)) != NULL) {
		order = row != NULL ? compare(known, row) : 1;
		if (order > 0 && keep)
			json_array_append(a->rows, known);
		a->before += order >= 0;
	}
	return order == 0 ? known : NULL;
}

static void take(struct arriving *a, json_t *row, bool keep)
{
	json_t *packed = pack_row(row, a->list->members);
	json_t *known = walk(a, packed, keep);

	if (known != NULL && json_equal(known, packed))
		json_array_append(a->rows, known);
	else
		json_array_append(a->rows, packed);
	json_decref(packed);
	json_decref(row);
}

static int take_row(void *arg, json_t *row, struct error *err)
{
	(void)err;
	take(arg, row, false);
	return 0;
}

static int take_change(void *arg, json_t *row, struct error *err)
{
	(void)err;
	take(arg, row, true);
	return 0;
}

static void replace(struct longlist *l, json_t *rows)
{
	json_decref(l->rows);
	l->rows = rows;
}

static int fetch_all(struct longlist *l, struct console *c, const struct readmodel_filter *filter,
		     struct error *err)
{
	struct arriving a = {.list = l, .rows = json_array()};
	int rc = l->ask(c, filter, take_row, &a, err);

	if (rc < 0)
		json_decref(a.rows);
	else
		replace(l, a.rows);
	return rc;
}

static void cut(json_t *rows)
{
	while (json_array_size(rows) > FEED_ROWS_MAX)
		json_array_remove(rows, json_array_size(rows) - 1);
}

/* The last row's id, when older orders would have no room anyway. */
static const char *lowest(const struct longlist *l, char id[UUID_TEXT_SIZE])
{
	size_t n = json_array_size(l->rows);

	if (n < FEED_ROWS_MAX)
		return NULL;
	memcpy(id, json_string_value(json_array_get(l->rows, n - 1)) + ID_AT, ID_LEN);
	id[ID_LEN] = '\0';
	return id;
}

static int fetch_changes(struct longlist *l, struct console *c, struct readmodel_filter *filter,
			 struct error *err)
{
	struct arriving a = {.list = l, .rows = json_array()};
	char id[UUID_TEXT_SIZE];
	int rc;

	filter->since = &l->mark;
	filter->from_id = lowest(l, id);
	rc = l->ask(c, filter, take_change, &a, err);
	if (rc < 0 || json_array_size(a.rows) == 0) { /* nothing has changed */
		json_decref(a.rows);
		return rc;
	}
	(void)walk(&a, NULL, true);
	cut(a.rows);
	replace(l, a.rows);
	return 0;
}

/* Changes are enough where a row that has changed still belongs to the list. */
int longlist_fetch(struct longlist *l, struct console *c, struct readmodel_filter *filter, json_t **ret,
		   struct error *err)
{
	bool all = filter->state == NULL && filter->stuck_ms < 0 && filter->since_ms < 0;
	struct readmodel_mark now;
	int rc = l->now(c, &now, err);

	if (rc < 0)
		return rc;
	if (all && l->whole && strcmp(now.life, l->mark.life) == 0)
		rc = fetch_changes(l, c, filter, err);
	else
		rc = fetch_all(l, c, filter, err);
	l->whole = all && rc == 0;
	l->mark = now;
	if (rc == 0)
		*ret = json_incref(l->rows);
	return rc;
}
