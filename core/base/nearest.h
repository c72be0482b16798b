/*
 * The word that somebody probably meant: for hints such as "did you mean …?".  Thread safe.
 */
#ifndef PIZZA_BASE_NEAREST_H
#define PIZZA_BASE_NEAREST_H

#include <stdbool.h>

#include "core/base/error.h"

/*
 * The candidate with the smallest edit distance to word (insertions, deletions, substitutions and swaps of
 * neighbours; case does not count), or NULL when none is near: more than a third of the letters differ.
 * Borrowed.
 */
const char *nearest_word(const char *word, const char *const *candidates, int n);

/* Hints at the candidate that was probably meant: false, and err stays as it is, when none is near. */
bool nearest_hint(const char *word, const char *const *candidates, int n, struct error *err);

/*
 * Sets an error about a word that is none of the valid ones: "WORD: WHAT; there are A, B, C", with the
 * nearest as the hint.  Returns code.
 */
int nearest_refuse(int code, const char *word, const char *what, const char *const *valid, int n,
		   struct error *err);

#endif
