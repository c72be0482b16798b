/*
 * Calls to kitchend.
 */
#include "core/console/kitchen.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"

#define DAEMON	 "kitchend"
#define STATIONS "/api/v1/kitchen/stations"
#define TICKETS	 "/api/v1/kitchen/tickets"

static int get(struct console *c, const char *path, json_t **ret, struct error *err)
{
	struct api_request r = {.method = "GET", .daemon = DAEMON, .path = path};

	return api_call(c, &r, ret, err);
}

int kitchen_board(struct console *c, json_t **ret, struct error *err)
{
	return get(c, "/api/v1/kitchen", ret, err);
}

int kitchen_tickets(struct console *c, const struct kitchen_filter *f, int64_t limit, console_row *row,
		    void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	char id[UUID_TEXT_SIZE];

	buf_adds(&path, TICKETS);
	api_query(&path, "status", f->state != NULL ? f->state : f->device != NULL ? "all" : "open");
	api_query(&path, "device", f->device);
	api_query(&path, "order_id", uuid_is_nil(f->order_id) ? NULL : uuid_format(f->order_id, id));
	return api_list(c, DAEMON, buf_str(&path), limit, row, arg, err);
}

int kitchen_show(struct console *c, const char *text, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	/* Tickets are numbers, stations are not. */
	buf_adds(&path, text[strspn(text, "0123456789")] == '\0' ? TICKETS : STATIONS);
	api_segment(&path, text);
	return get(c, buf_str(&path), ret, err);
}

void kitchen_station_path(struct buf *path, const char *device, enum station_mode mode)
{
	buf_adds(path, STATIONS);
	api_segment(path, device);
	buf_addf(path, "/%s", station_mode_verbs[mode]);
}

int kitchen_set_mode(struct console *c, const char *device, enum station_mode mode, json_t **ret,
		     struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = "POST", .daemon = DAEMON};

	kitchen_station_path(&path, device, mode);
	r.path = buf_str(&path);
	return api_call(c, &r, ret, err);
}

int kitchen_affected(struct console *c, const char *device, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	AUTO_JSON json_t *station = NULL;
	json_t *decks, *deck;
	size_t i;
	int rc;

	buf_adds(&path, STATIONS);
	api_segment(&path, device);
	rc = get(c, buf_str(&path), &station, err);
	if (rc < 0)
		return rc;
	decks = json_object_get(station, "decks");
	*ret = json_array();
	json_array_foreach (decks, i, deck)
		if (json_object_get(deck, "ticket") != NULL)
			json_array_append(*ret, deck);
	return 0;
}
