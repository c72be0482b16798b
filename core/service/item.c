/*
 * From messages to events.
 */
#include "core/service/item.h"

#include <string.h>

bool item_header(const struct item *it, const char *name, char *text, size_t size)
{
	size_t len;
	const char *value = bus_message_header(it->message, name, &len);

	if (value == NULL || len >= size)
		return false;
	memcpy(text, value, len);
	text[len] = '\0';
	return true;
}

/* Spares parsing what nobody wants: the type also stands in a header. */
static bool skipped_by_header(const struct item *it, const struct service_spec *spec)
{
	char name[64];
	int type;

	if (spec->wants == NULL || !item_header(it, "ce_type", name, sizeof(name)))
		return false;
	type = event_find(name);
	return type >= 0 && !spec->wants((enum event_type)type);
}

void item_parse(struct item *it, const struct service_spec *spec)
{
	const struct bus_message *m = it->message;

	it->state = ITEM_SKIPPED;
	if (skipped_by_header(it, spec))
		return;
	if (event_parse(m->value, m->value_len, &it->event, &it->failure) < 0) {
		it->state = ITEM_UNREADABLE;
		return;
	}
	it->event.topic = m->topic;
	it->event.partition = m->partition;
	it->event.offset = m->offset;
	if (spec->wants == NULL || spec->wants(it->event.type))
		it->state = ITEM_WANTED;
}
