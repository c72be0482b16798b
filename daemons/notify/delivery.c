/*
 * The life of a delivery in memory.
 */
#include "daemons/notify/delivery.h"

#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

void delivery_free(void *delivery)
{
	struct delivery *d = delivery;

	if (d == NULL)
		return;
	free(d->address);
	free(d->subject);
	free(d->body);
	free(d);
}

void delivery_end(struct delivery *d, enum notify_outcome outcome, const char *why)
{
	d->outcome = outcome;
	snprintf(d->why, sizeof(d->why), "%s", why != NULL ? why : "");
	d->ended_us = clock_wall_us();
}

const char *delivery_name(const struct delivery *d, char text[64])
{
	char id[UUID_TEXT_SIZE];

	uuid_format(d->notification_id, id);
	if (d->resends > 0)
		snprintf(text, 64, "%s.%s.r%d", id, notify_channels[d->channel], d->resends);
	else
		snprintf(text, 64, "%s.%s", id, notify_channels[d->channel]);
	return text;
}

void delivery_list_add(struct delivery_list *l, struct delivery *d)
{
	enum notify_channel c = d->channel;

	if (l->count[c] == l->cap[c]) {
		l->cap[c] = l->cap[c] > 0 ? 2 * l->cap[c] : 64;
		l->items[c] = xreallocarray(l->items[c], (size_t)l->cap[c], sizeof(*l->items[c]));
	}
	l->items[c][l->count[c]++] = d;
}

void delivery_list_free(struct delivery_list *l)
{
	if (l == NULL)
		return;
	for (int c = 0; c < CHANNEL_COUNT; c++) {
		for (int i = 0; i < l->count[c]; i++)
			delivery_free(l->items[c][i]);
		free(l->items[c]);
	}
	free(l);
}
