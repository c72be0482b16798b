/*
 * Edit distance: optimal string alignment (Damerau–Levenshtein without repeated edits), three rolling rows.
 * Case does not count.  No state.
 */
#include "core/base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

#define WORD_MAX 128
#define EDIT	 2

static int min3(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The number of edits between two words of at most WORD_MAX letters. */
static int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a_len; i++) {
		int *now = rows[i % 3];
		const int *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = (int)i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *nearest_word(const char *word, const char *const *candidates, int n)
{
	size_t len = strlen(word);
	const char *best = NULL;
	int best_distance = INT_MAX;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (int i = 0; i < n; i++) {
		size_t other = strlen(candidates[i]);
		size_t longer = other > len ? other : len;
		int allowed = (int)(longer <= 3 ? 1 : (longer + 1) / 3);
		int d;

		if (other > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], other);
		if (d <= allowed && d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	return best;
}

bool nearest_hint(const char *word, const char *const *candidates, int n, struct error *err)
{
	const char *nearest = nearest_word(word, candidates, n);

	if (nearest != NULL)
		error_hint(err, "did you mean %s?", nearest);
	return nearest != NULL;
}

int nearest_refuse(int code, const char *word, const char *what, const char *const *valid, int n,
		   struct error *err)
{
	CLEANUP(buf_done) struct buf list = {0};

	for (int i = 0; i < n; i++)
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", valid[i]);
	error_set(err, code, word[0] != '\0' ? word : "\"\"", "%s; there are %s", what, buf_str(&list));
	(void)nearest_hint(word, valid, n, err);
	return code;
}
