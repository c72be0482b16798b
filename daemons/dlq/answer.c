/*
 * What a group answers to a replay.  Pure.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/jobs.h"
#include "daemons/dlq/runner.h"

static const json_t *result_of(const json_t *results, struct uuid letter_id)
{
	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);
		struct uuid id;

		if (uuid_parse(json_string_or(result, "letter_id", ""), &id) && uuid_equal(id, letter_id))
			return result;
	}
	return NULL;
}

static const char *outcome_of(const json_t *result)
{
	static const char *const words[] = {"applied", "duplicate", "failed"};
	const char *word = json_string_or(result, "outcome", "");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return words[i];
	return NULL;
}

static void copy(char *out, size_t size, const json_t *result, const char *name, const char *fallback)
{
	snprintf(out, size, "%s", json_string_or(result, name, fallback));
}

char *runner_read_answer(struct job_batch *b, const json_t *answer)
{
	const json_t *results = json_object_get(answer, "results");
	char *why = NULL;

	for (int i = 0; i < b->count; i++) {
		struct job_item *item = &b->items[i];
		const json_t *result = result_of(results, item->letter_id);

		item->outcome = outcome_of(result);
		copy(item->error_code, sizeof(item->error_code), result, "error_code",
		     item->outcome != NULL ? "" : "unknown");
		copy(item->error_reason, sizeof(item->error_reason), result, "error_reason", "");
		copy(item->failed_step, sizeof(item->failed_step), result, "failed_step", "replay");
		if (item->outcome == NULL && why == NULL)
			why = xstrdup(result == NULL ? "its answer misses a letter"
						     : json_string_or(result, "error_reason",
								      "it asks to come again later"));
	}
	return why;
}
