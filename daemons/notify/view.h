/*
 * Reading notifications and templates, as JSON.
 */
#ifndef PIZZA_NOTIFY_VIEW_H
#define PIZZA_NOTIFY_VIEW_H

#include <jansson.h>

#include "core/db/db.h"

struct view_page {
	const char *status;   /* "": any */
	struct uuid order_id; /* nil: any */
	struct uuid before;   /* the last notification_id of the page before; nil: the first page */
	int limit;
};
/* Newest first; *ret_items is owned. */
int view_list(struct db_conn *c, const struct view_page *page, json_t **ret_items,
	      struct error *err) MUST_USE;
/* ERR_NOT_FOUND. */
int view_show(struct db_conn *c, struct uuid notification_id, json_t **ret, struct error *err) MUST_USE;
/* The id of the notification that begins so, or is that; ERR_NOT_FOUND, ERR_INVALID for several. */
int view_find(struct db_conn *c, const char *text, struct uuid *ret, struct error *err) MUST_USE;
int view_templates(struct db_conn *c, json_t **ret_items, struct error *err) MUST_USE;

#endif
