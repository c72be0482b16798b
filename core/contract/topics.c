/*
 * The topic table.
 */
#include "core/contract/topics.h"

#include <string.h>

const struct topic_info topics[TOPIC_COUNT] = {
#define X(symbol, topic, is_compacted) [TOPIC_##symbol] = {topic, topic "-dlq", is_compacted},
    TOPIC_TABLE(X)
#undef X
};

int topic_find(const char *name)
{
	for (int i = 0; i < TOPIC_COUNT; i++)
		if (strcmp(topics[i].name, name) == 0)
			return i;
	return -1;
}
