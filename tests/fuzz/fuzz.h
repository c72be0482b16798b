/*
 * A fuzz target is one file with LLVMFuzzerTestOneInput (libFuzzer); its seeds are corpus/NAME, and what its
 * runs find is kept in BUILD/corpus/NAME.  `make fuzz` runs each for a minute.
 */
#ifndef PIZZA_FUZZ_H
#define PIZZA_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as text with a NUL behind it; free() it.  It may hold NULs itself. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* What must hold for every input. */
#define FUZZ_ASSERT(condition)                                              \
	do {                                                                \
		if (!(condition)) {                                         \
			fprintf(stderr, "does not hold: %s\n", #condition); \
			abort();                                            \
		}                                                           \
	} while (0)

/* Writes the input to a file that can be opened by its name again and again. */
static inline void fuzz_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0)
		abort();
}

#endif
