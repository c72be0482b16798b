/*
 * The sizes of a pizza, apart from the menu copy: also used where there is none.  No state; thread safe.
 */
#include <string.h>

#include "core/service/menucopy.h"

const char *const pizza_sizes[SIZE_COUNT] = {"small", "medium", "large"};

bool pizza_size_parse(const char *word, enum pizza_size *ret)
{
	for (int i = 0; i < SIZE_COUNT; i++) {
		if (strcmp(word, pizza_sizes[i]) == 0) {
			*ret = (enum pizza_size)i;
			return true;
		}
	}
	return false;
}
