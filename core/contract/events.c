/*
 * The event table.
 */
#include "core/contract/events.h"

#include <string.h>

const struct event_info event_types[EVENT_TYPE_COUNT] = {
#define X(symbol, type_name, type_version, topic_id, type_owner, type_text) \
	[EVENT_##symbol] = {type_name, type_version, topic_id, type_owner, type_text},
    EVENT_TABLE(X)
#undef X
};

int event_find(const char *name)
{
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		if (strcmp(event_types[i].name, name) == 0)
			return i;
	return -1;
}
