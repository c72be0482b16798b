/*
 * dlqd's decisions: the state table, replay counts and quarantine, reading letters, merge patches, answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/answer.c"
#include "daemons/dlq/arrival.c"
#include "daemons/dlq/patch.c"
#include "daemons/dlq/rules.c"

/* --- the table --- */

static const char acts[] = "MNIR"; /* move, note, ignore, refuse */

/* One row per state, one column per input: failed anew, claim, succeeded, failed, release, discard, restore,
 * edit, expire. */
static void table_is_as_specified(void **state)
{
	static const char *const expected[LETTER_STATE_COUNT] = {
	    [LETTER_UNRESOLVED] = "NMMIIMRNM", [LETTER_REPLAYING] = "NRMMMRRRI",
	    [LETTER_RESOLVED] = "MRIIIRRRI",   [LETTER_DISCARDED] = "NRMIIIMRM",
	    [LETTER_EXPIRED] = "MRMIIRRRI",
	};

	(void)state;
	for (int s = 0; s < LETTER_STATE_COUNT; s++)
		for (int i = 0; i < LETTER_INPUT_COUNT; i++)
			assert_int_equal(acts[letter_rule((enum letter_state)s, (enum letter_input)i).act],
					 expected[s][i]);
}

static void words_go_both_ways(void **state)
{
	enum letter_state s;

	(void)state;
	for (int i = 0; i < LETTER_STATE_COUNT; i++) {
		assert_true(letter_state_parse(letter_state_word((enum letter_state)i), &s));
		assert_int_equal(s, i);
	}
	assert_false(letter_state_parse("lost", &s));
}

static struct letter_standing replaying(int replays)
{
	struct letter_standing l = {.state = LETTER_UNRESOLVED, .replay_count = replays};

	assert_int_equal(letter_step(&l, INPUT_CLAIM, 3), ACT_MOVE);
	assert_int_equal(l.state, LETTER_REPLAYING);
	return l;
}

static void failure_reopens_and_counts(void **state)
{
	struct letter_standing l = replaying(0);

	(void)state;
	letter_step(&l, INPUT_FAILED, 3);
	assert_int_equal(l.state, LETTER_UNRESOLVED);
	assert_int_equal(l.replay_count, 1);
	assert_false(l.quarantined);
}

static void too_many_failures_quarantine(void **state)
{
	struct letter_standing l = replaying(2);

	(void)state;
	letter_step(&l, INPUT_FAILED, 3);
	assert_int_equal(l.replay_count, 3);
	assert_true(l.quarantined);
	letter_step(&l, INPUT_CLAIM, 3);
	letter_step(&l, INPUT_SUCCEEDED, 3);
	assert_int_equal(l.state, LETTER_RESOLVED);
	assert_int_equal(l.replay_count, 4);
	assert_false(l.quarantined);
}

static void success_resolves_unless_it_failed_anew(void **state)
{
	struct letter_standing l = replaying(0), again = replaying(0);

	(void)state;
	letter_step(&l, INPUT_SUCCEEDED, 3);
	assert_int_equal(l.state, LETTER_RESOLVED);
	assert_int_equal(letter_step(&again, INPUT_FAILED_ANEW, 3), ACT_NOTE);
	assert_int_equal(again.state, LETTER_REPLAYING);
	letter_step(&again, INPUT_SUCCEEDED, 3);
	assert_int_equal(again.state, LETTER_UNRESOLVED);
	assert_false(again.refailed);
}

static void release_counts_no_replay(void **state)
{
	struct letter_standing l = replaying(1);

	(void)state;
	letter_step(&l, INPUT_RELEASE, 3);
	assert_int_equal(l.state, LETTER_UNRESOLVED);
	assert_int_equal(l.replay_count, 1);
}

static void refusals_change_nothing(void **state)
{
	struct letter_standing l = {.state = LETTER_DISCARDED, .replay_count = 2}, before = l;

	(void)state;
	assert_int_equal(letter_step(&l, INPUT_CLAIM, 3), ACT_REFUSE);
	assert_int_equal(letter_step(&l, INPUT_DISCARD, 3), ACT_IGNORE);
	assert_memory_equal(&l, &before, sizeof(l));
}

static void fingerprints_tell_kinds_apart(void **state)
{
	char a[FINGERPRINT_SIZE], b[FINGERPRINT_SIZE], c[FINGERPRINT_SIZE];

	(void)state;
	letter_fingerprint("malformed", "parse", a);
	letter_fingerprint("malformed", "parse", b);
	letter_fingerprint("malformed", "charge", c);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_int_equal(strspn(a, "0123456789abcdef"), FINGERPRINT_SIZE - 1);
}

static void max_failures_are_numbers_or_shares(void **state)
{
	int64_t n = -1;

	(void)state;
	assert_true(max_failures_parse("25", 1000, &n));
	assert_int_equal(n, 25);
	assert_true(max_failures_parse("10%", 1000, &n));
	assert_int_equal(n, 100);
	assert_true(max_failures_parse("0", 5, &n));
	assert_int_equal(n, 0);
	assert_false(max_failures_parse("", 5, &n));
	assert_false(max_failures_parse("-1", 5, &n));
	assert_false(max_failures_parse("101%", 5, &n));
	assert_false(max_failures_parse("10x", 5, &n));
	assert_false(max_failures_parse("many", 5, &n));
}

/* --- letters --- */

#define HEADER(header_name, text)                   \
	{                                           \
		header_name, text, sizeof(text) - 1 \
	}

static const struct bus_header good[] = {
    HEADER("ce_id", "x"),
    HEADER("dlq_id", "7d4ad12f-f209-5761-999b-929a3f9b0d2a"),
    HEADER("dlq_original_topic", "order-events"),
    HEADER("dlq_original_partition", "7"),
    HEADER("dlq_original_offset", "4294967296"),
    HEADER("dlq_original_timestamp", "2026-11-21T12:00:00Z"),
    HEADER("dlq_consumer_group", "paymentd"),
    HEADER("dlq_error_code", "transient"),
    HEADER("dlq_error_reason", "charge: \x1b[31m\xff broken"),
    HEADER("dlq_failed_step", "charge"),
    HEADER("dlq_failed_at", "2026-11-21T12:00:01.5Z"),
    HEADER("dlq_retry_count", "3"),
};

static void headers_are_read(void **state)
{
	static const char value[] =
	    "{\"event_type\":\"OrderReserved\",\"event_id\":\"0192f0f0-0000-7000-8000-"
	    "000000000002\",\"event_data\":{\"order_id\":"
	    "\"0192f0f0-0000-7000-8000-000000000001\"}}";
	const struct bus_message m = {.topic = "order-events-dlq",
				      .partition = 1,
				      .offset = 9,
				      .value = value,
				      .value_len = strlen(value)};
	struct arrival a;
	char text[UUID_TEXT_SIZE];

	(void)state;
	arrival_read(&m, good, ARRAY_LEN(good), 1, &a);
	assert_true(a.readable);
	assert_string_equal(uuid_format(a.letter_id, text), "7d4ad12f-f209-5761-999b-929a3f9b0d2a");
	assert_string_equal(a.topic, "order-events");
	assert_int_equal(a.partition, 7);
	assert_true(a.offset == 4294967296);
	assert_string_equal(a.group, "paymentd");
	assert_int_equal(a.retry_count, 3);
	assert_true(a.failed_us - a.original_us == 1500000);
	assert_string_equal(a.event_type, "OrderReserved");
	assert_string_equal(uuid_format(a.order_id, text), "0192f0f0-0000-7000-8000-000000000001");
	assert_null(strstr(a.error_reason, "\xff")); /* the database takes UTF-8 alone */
	assert_string_equal(a.headers, "[{\"name\":\"ce_id\",\"value_base64\":\"eA==\"}]");
	arrival_done(&a);
}

static void what_cannot_be_read_is_kept(void **state)
{
	const struct bus_message m = {
	    .topic = "order-events-dlq", .partition = 1, .offset = 9, .value = "\0\xff", .value_len = 2};
	struct bus_header damaged[ARRAY_LEN(good)];
	struct arrival a, b;

	(void)state;
	arrival_read(&m, NULL, 0, 77, &a);
	assert_false(a.readable);
	assert_false(uuid_is_nil(a.letter_id));
	assert_string_equal(a.topic, "order-events");
	assert_string_equal(a.group, "");
	assert_string_equal(a.error_code, "unreadable");
	assert_true(a.failed_us == 77);
	memcpy(damaged, good, sizeof(good));
	damaged[3] = (struct bus_header)HEADER("dlq_original_partition", "-7");
	arrival_read(&m, damaged, ARRAY_LEN(damaged), 78, &b);
	assert_false(b.readable);
	assert_true(uuid_equal(a.letter_id, b.letter_id)); /* from where it lies: seen twice, it is one */
	arrival_done(&a);
	arrival_done(&b);
}

/* --- patches: the examples of RFC 7396, appendix A --- */

static void merge_patches(void **state)
{
	static const char *const cases[][3] = {
	    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
	    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
	    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
	    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
	    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
	    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
	    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
	    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
	    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
	    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
	    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_JSON json_t *target = json_loads(cases[i][0], 0, NULL);
		AUTO_JSON json_t *patch = json_loads(cases[i][1], 0, NULL);
		AUTO_JSON json_t *result = merge_patch(target, patch);
		AUTO_FREE char *text = json_text(result), *untouched = json_text(target);

		assert_string_equal(text, cases[i][2]);
		assert_string_equal(untouched, cases[i][0]);
	}
}

static void differences_are_named(void **state)
{
	AUTO_JSON json_t *before = json_loads("{\"a\":{\"x/y\":1,\"z\":2},\"l\":[1],\"gone\":0}", 0, NULL);
	AUTO_JSON json_t *after = json_loads("{\"a\":{\"x/y\":5,\"z\":2},\"l\":[1,2],\"new\":true}", 0, NULL);
	AUTO_JSON json_t *diff = json_diff(before, after), *none = json_diff(before, before);
	AUTO_FREE char *text = json_text(diff);

	(void)state;
	assert_string_equal(text, "[{\"path\":\"/a/x~1y\",\"before\":1,\"after\":5},"
				  "{\"path\":\"/l\",\"before\":[1],\"after\":[1,2]},"
				  "{\"path\":\"/gone\",\"before\":0},{\"path\":\"/new\",\"after\":true}]");
	assert_int_equal(json_array_size(none), 0);
}

/* --- answers --- */

static void answers_are_matched_by_letter(void **state)
{
	static struct job_batch b = {.count = 3};
	AUTO_JSON json_t *answer = json_loads(
	    "{\"results\":[{\"letter_id\":\"00000000-0000-0000-0000-000000000002\",\"outcome\":\"failed\","
	    "\"error_code\":\"transient\",\"error_reason\":\"no\",\"failed_step\":\"charge\"},"
	    "{\"letter_id\":\"00000000-0000-0000-0000-000000000001\",\"outcome\":\"applied\"},"
	    "{\"letter_id\":\"00000000-0000-0000-0000-000000000003\",\"outcome\":\"later\","
	    "\"error_reason\":\"the database is down\"}]}",
	    0, NULL);
	AUTO_FREE char *why = NULL, *damaged = NULL;

	(void)state;
	for (int i = 0; i < 3; i++)
		b.items[i].letter_id.b[15] = (uint8_t)(i + 1);
	why = runner_read_answer(&b, answer);
	assert_string_equal(b.items[0].outcome, "applied");
	assert_string_equal(b.items[1].outcome, "failed");
	assert_string_equal(b.items[1].error_code, "transient");
	assert_string_equal(b.items[1].failed_step, "charge");
	assert_null(b.items[2].outcome);
	assert_string_equal(why, "the database is down");
	damaged = runner_read_answer(&b, NULL);
	assert_non_null(damaged);
	assert_null(b.items[0].outcome);
}

static void base64_is_exact(void **state)
{
	AUTO_JSON json_t *j = json_object();
	CLEANUP(buf_done) struct buf out = {0};
	bool there;

	(void)state;
	json_object_set_new(j, "v", base64_json("\0\xff\n", 3));
	json_object_set_new(j, "empty", base64_json("", 0));
	json_object_set_new(j, "none", base64_json(NULL, 0));
	json_object_set_new(j, "bad", json_string("!"));
	assert_int_equal(base64_get(j, "v", &out, &there, NULL), 0);
	assert_true(there && out.len == 3);
	assert_memory_equal(out.data, "\0\xff\n", 3);
	assert_int_equal(base64_get(j, "empty", &out, &there, NULL), 0);
	assert_true(there && out.len == 3);
	assert_int_equal(base64_get(j, "none", &out, &there, NULL), 0);
	assert_false(there);
	assert_int_equal(base64_get(j, "bad", &out, &there, NULL), ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_is_as_specified),
	    cmocka_unit_test(words_go_both_ways),
	    cmocka_unit_test(failure_reopens_and_counts),
	    cmocka_unit_test(too_many_failures_quarantine),
	    cmocka_unit_test(success_resolves_unless_it_failed_anew),
	    cmocka_unit_test(release_counts_no_replay),
	    cmocka_unit_test(refusals_change_nothing),
	    cmocka_unit_test(fingerprints_tell_kinds_apart),
	    cmocka_unit_test(max_failures_are_numbers_or_shares),
	    cmocka_unit_test(headers_are_read),
	    cmocka_unit_test(what_cannot_be_read_is_kept),
	    cmocka_unit_test(merge_patches),
	    cmocka_unit_test(differences_are_named),
	    cmocka_unit_test(answers_are_matched_by_letter),
	    cmocka_unit_test(base64_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
