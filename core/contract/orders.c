/*
 * The table of order statuses.
 */
#include "core/contract/orders.h"

#include <string.h>

static const struct {
	const char *word;
	bool terminal;
} rows[ORDER_STATUS_COUNT] = {
#define X(symbol, status_word, event, is_terminal) [ORDER_##symbol] = {status_word, is_terminal},
    ORDER_STATUS_TABLE(X)
#undef X
};

const char *order_status_word(enum order_status s)
{
	return rows[s].word;
}

int order_status_parse(const char *word)
{
	for (int i = 0; i < ORDER_STATUS_COUNT; i++)
		if (strcmp(rows[i].word, word) == 0)
			return i;
	return -1;
}

bool order_status_terminal(enum order_status s)
{
	return rows[s].terminal;
}
