/*
 * The words of the sizes.
 */
#include "core/contract/pizza_size.h"

#include <string.h>

const char *const pizza_sizes[SIZE_COUNT + 1] = {"small", "medium", "large", NULL};

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
