/*
 * The sizes of a pizza.  No state; thread safe.
 */
#ifndef PIZZA_CONTRACT_PIZZA_SIZE_H
#define PIZZA_CONTRACT_PIZZA_SIZE_H

#include <stdbool.h>

enum pizza_size { SIZE_SMALL, SIZE_MEDIUM, SIZE_LARGE, SIZE_COUNT };
extern const char *const pizza_sizes[SIZE_COUNT + 1]; /* "small", "medium", "large", NULL */
/* False when the word is none. */
bool pizza_size_parse(const char *word, enum pizza_size *ret);

#endif
