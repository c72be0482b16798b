/*
 * Texts that the program carries: the manual's prose (man/text) and the completion scripts (completions).
 */
#ifndef PIZZA_CLI_EMBEDDED_H
#define PIZZA_CLI_EMBEDDED_H

#include <stddef.h>

struct embedded {
	const char *name; /* the file's, without folder and .txt; NULL ends a table */
	const char *text;
};
extern const struct embedded embedded_texts[], embedded_scripts[];

#endif
