/*
 * Conditions: what each operator and each kind of value means on rows, what NULL does, the SQL they become,
 * and how faults are shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/where.h"

#define NOW INT64_C(1795000000000000)

static const struct where_column columns[] = {
    {"order_id", WHERE_TEXT, "order_id"},
    {"status", WHERE_TEXT, "state"},
    {"count", WHERE_INT, "item_count"},
    {"rate", WHERE_REAL, NULL},
    {"total_amount", WHERE_MONEY, "total_amount"},
    {"due", WHERE_BOOL, "due"},
    {"created_at", WHERE_TIME, "created_at"},
    {"took_ms", WHERE_MS, "took"},
    {"age_seconds", WHERE_SECONDS, "age"},
    {"size", WHERE_BYTES, NULL},
    {"value", WHERE_JSON, NULL},
};

static const char row_text[] =
    "{\"order_id\":\"01939b1c\",\"status\":\"cancelled\",\"count\":3,\"rate\":0.1,\"total_amount\":120050,"
    "\"due\":true,\"took_ms\":250,\"age_seconds\":90.5,\"size\":10485760,\"nothing\":null,"
    "\"value\":{\"a\":{\"b\":7,\"c\":\"x y\",\"e\":1.5},\"list\":[{\"n\":1},{\"n\":2}],\"flag\":false}}";

static bool matches(const char *text)
{
	AUTO_JSON json_t *row = json_loads(row_text, 0, NULL);
	struct where *w = NULL;
	struct error err = {0};
	char at[CLOCK_TEXT_SIZE];
	bool found;

	assert_non_null(row);
	json_object_set_new(row, "created_at", json_string(clock_format(NOW - 60 * INT64_C(1000000), at)));
	if (where_parse(text, columns, ARRAY_LEN(columns), NOW, &w, &err) < 0)
		fail_msg("%s: %s\n%s", text, err.why, err.hint);
	found = where_match(w, row);
	where_free(w);
	return found;
}

static void check(const char *const *yes, const char *const *no)
{
	for (; *yes != NULL; yes++)
		if (!matches(*yes))
			fail_msg("should match: %s", *yes);
	for (; *no != NULL; no++)
		if (matches(*no))
			fail_msg("should not match: %s", *no);
}

static void test_text(void **state)
{
	static const char *const yes[] = {"status = cancelled",
					  "status == 'cancelled'",
					  "status != paid",
					  "status <> \"paid\"",
					  "status > cancelle",
					  "status < d",
					  "status >= cancelled",
					  "status <= cancelled",
					  "status ~ cancel",
					  "status ~ '^c.*(led|x)$'",
					  "status !~ ^C",
					  "status in (paid, 'cancelled')",
					  "status NOT IN (paid,ready)",
					  "status is not null",
					  "status=cancelled",
					  NULL};
	static const char *const no[] = {"status = 'Cancelled'",
					 "status != cancelled",
					 "status in (paid)",
					 "status is null",
					 "status = 'cancelled '",
					 "status > cancelledx",
					 NULL};

	(void)state;
	check(yes, no);
}

static void test_numbers(void **state)
{
	static const char *const yes[] = {"count = 3",
					  "count < 3.5",
					  "count > 2.5",
					  "count > -9223372036854775809",
					  "count < 99999999999999999999",
					  "count in (1,2,3)",
					  "rate = 0.1",
					  "rate < 1e-0",
					  "total_amount = 120050",
					  "total_amount = 1200.50",
					  "total_amount > 1200.4",
					  "took_ms = 250ms",
					  "took_ms < 1s",
					  "took_ms = 250",
					  "took_ms = .25s",
					  "age_seconds > 1m",
					  "age_seconds < 1m31s",
					  "age_seconds = 90.5",
					  "size = 10MiB",
					  "size = 10M",
					  "size < 10.5m",
					  "size > 10MB",
					  "size >= 10485760",
					  "size >= 1b",
					  NULL};
	static const char *const no[] = {
	    "count = 3.5",     "count >= 3.1",	   "rate != 0.1",  "total_amount = 1200.51",
	    "took_ms > 250ms", "age_seconds > 2m", "size > 10MiB", NULL};

	(void)state;
	check(yes, no);
}

static void test_times_and_truth(void **state)
{
	static const char *const yes[] = {"created_at > -5m",
					  "created_at < -30s",
					  "created_at < now",
					  "created_at < +1h",
					  "created_at > 2026-11-01",
					  "created_at >= 2026-11-01T00:00:00+03:00",
					  "created_at < '2027-01-01 00:00:00Z'",
					  "due",
					  "due = true",
					  "due != no",
					  "(due)",
					  "due and not (not due)",
					  NULL};
	static const char *const no[] = {"created_at > -30s", "not due", "due = false", "created_at = now",
					 NULL};

	(void)state;
	check(yes, no);
}

static void test_joints(void **state)
{
	static const char *const yes[] = {"status = paid or count = 3",
					  "status = paid or count = 3 and due",
					  "(status = paid or count = 3) and due",
					  "not status = paid",
					  "not not due",
					  "NOT (status = paid AND due) OR count = 9",
					  NULL};
	static const char *const no[] = {"(status = cancelled or due) and count = 4",
					 "status = cancelled and not due", NULL};

	(void)state;
	check(yes, no);
}

/* A missing value answers no comparison, and the negative operators are exact opposites. */
static void test_missing(void **state)
{
	static const struct where_column few[] = {{"a", WHERE_TEXT, NULL}, {"b", WHERE_INT, NULL}};
	static const struct {
		const char *text;
		bool found;
	} cases[] = {{"a = x", false},	     {"a != x", true},	   {"not a = x", true},
		     {"a ~ .", false},	     {"a !~ .", true},	   {"b < 1", false},
		     {"not b < 1", true},    {"b >= 1", false},	   {"a in (x)", false},
		     {"a not in (x)", true}, {"a is null", true},  {"b is not null", false},
		     {"a = null", true},     {"a != null", false}, {"a = 'null'", false}};
	AUTO_JSON json_t *row = json_pack("{s:n}", "a");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct where *w = NULL;

		assert_int_equal(where_parse(cases[i].text, few, 2, NOW, &w, NULL), 0);
		if (where_match(w, row) != cases[i].found)
			fail_msg("%s", cases[i].text);
		where_free(w);
	}
}

static void test_members(void **state)
{
	static const char *const yes[] = {"value.a.b = 7",
					  "value.a.b > 6.5",
					  "value.a.c = 'x y'",
					  "value.a.c ~ ^x",
					  "value.list.n = 2",
					  "value.list.n in (5, 1)",
					  "value.flag = false",
					  "value.none is null",
					  "value.a.e = 1.5",
					  "value.a.e < 1e1",
					  "value.list is not null",
					  "value ~ '\"b\":7'",
					  NULL};
	static const char *const no[] = {"value.a.b = x",
					 "value.list.n = 3",
					 "value.a is null",
					 "value.a.b.c = 1",
					 "value.list.n > 2",
					 "value.list.x = 1",
					 NULL};

	(void)state;
	check(yes, no);
}

static void test_unicode(void **state)
{
	static const struct where_column one[] = {{"name", WHERE_TEXT, NULL}};
	AUTO_JSON json_t *row = json_pack("{s:s}", "name", "Жё 东");
	static const char *const yes[] = {"name ~ '^....$'", "name ~ ё", "name = 'Жё 东'", "name > Ж",
					  "name ~ [ё]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		struct where *w = NULL;

		assert_int_equal(where_parse(yes[i], one, 1, NOW, &w, NULL), 0);
		if (!where_match(w, row))
			fail_msg("%s", yes[i]);
		where_free(w);
	}
}

/* --- SQL --- */

struct collected {
	int count;
	char text[200];
};

static int collect(void *arg, const char *text)
{
	struct collected *c = arg;

	snprintf(c->text + strlen(c->text), sizeof(c->text) - strlen(c->text), "[%s]", text);
	return ++c->count;
}

static bool sql_of(const char *text, int room, struct buf *sql, struct collected *c)
{
	struct where_params params = {.room = room, .add = collect, .arg = c};
	struct where *w = NULL;
	bool all;

	assert_int_equal(where_parse(text, columns, ARRAY_LEN(columns), NOW, &w, NULL), 0);
	buf_reset(sql);
	memset(c, 0, sizeof(*c));
	all = where_sql(w, sql, &params);
	where_free(w);
	return all;
}

static void test_sql(void **state)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct collected c;

	(void)state;
	assert_true(sql_of("status = 'it''s' and count > 2", 9, &sql, &c));
	assert_string_equal(buf_str(&sql), "(TRUE AND ((state)::text COLLATE \"C\" = $1::text)"
					   " AND ((item_count)::numeric > $2::numeric))");
	assert_string_equal(c.text, "[it's][2]");
}

static void test_sql_negation(void **state)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct collected c;

	(void)state;
	assert_true(sql_of("status not in (a, 'b\"\\') or created_at is not null", 9, &sql, &c));
	assert_string_equal(buf_str(&sql),
			    "(TRUE AND (((NOT (((state)::text COLLATE \"C\" = ANY ($1::text[])) IS TRUE)))"
			    " OR ((NOT ((created_at) IS NULL)))))");
	assert_string_equal(c.text, "[{\"a\",\"b\\\"\\\\\"}]");
}

/* What SQL cannot say is left to memory: the rest is pushed down all the same, but never half of an OR. */
static void test_sql_in_part(void **state)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct collected c;

	(void)state;
	assert_false(sql_of("rate > 1 and count = 1", 9, &sql, &c));
	assert_string_equal(buf_str(&sql), "(TRUE AND ((item_count)::numeric = $1::numeric))");
	assert_false(sql_of("rate > 1 or count = 1", 9, &sql, &c));
	assert_string_equal(buf_str(&sql), "(TRUE)");
	assert_false(sql_of("count = 1 and count = 2 and count = 3", 2, &sql, &c));
	assert_int_equal(c.count, 2);
	assert_false(sql_of("status ~ '[[:alpha:]]'", 9, &sql, &c));
	assert_false(sql_of("status ~ 'a\\b'", 9, &sql, &c));
	assert_false(sql_of("status ~ 'a**'", 9, &sql, &c));
	assert_true(sql_of("status ~ '^a{2,3}(b|c)*[x-z]?\\.$'", 9, &sql, &c));
	assert_true(where_sql(NULL, &sql, &(struct where_params){0}));
}

/* --- faults --- */

static void fault(const char *text, const char *why, const char *hint)
{
	struct where *w = NULL;
	struct error err = {0};

	assert_int_equal(where_parse(text, columns, ARRAY_LEN(columns), NOW, &w, &err), ERR_USAGE);
	assert_null(w);
	assert_string_equal(err.what, "--where");
	if (strstr(err.why, why) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.why, why);
	if (hint != NULL)
		assert_string_equal(err.hint, hint);
}

static void test_faults(void **state)
{
	(void)state;
	fault("statsu = paid", "no column \"statsu\"; there are order_id, status, count",
	      "did you mean status?\nstatsu = paid\n^");
	fault("due and count = x", "count is a whole number, and \"x\" is none",
	      "due and count = x\n                ^");
	fault("", "the condition is empty", "such as order_id = …; leave --where out to have all rows");
	fault(" \t ", "the condition is empty", NULL);
	fault("status = paid and", "it ends where a column is missing", NULL);
	fault("status", "there are = != < <= > >= ~ !~, in", "status\n      ^");
	fault("status paid", "an operator is wanted here", NULL);
	fault("status =", "it ends where text is missing", NULL);
	fault("status = 'x", "the quote is not closed", NULL);
	fault("(status = x", "it ends where and, or, or ) is missing", NULL);
	fault("status = x)", "and, or, or the end is wanted here", NULL);
	fault("status in x", "( is wanted here", NULL);
	fault("status in (x", "missing", NULL);
	fault("status in ()", "text is wanted here", NULL);
	fault("status ~ '('", "is no regular expression", NULL);
	fault("status ~ '(a)\\1'", "refers back", NULL);
	fault("status ~ '((a{1,99}){1,99}){1,99}'", "too large", NULL);
	fault("status ~ 'a++++++++++++++++++++'", "too large", NULL);
	fault("status ~ 'a{2}{9223372036854775807}'", "too large", NULL);
	fault("status ~ '((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+'", "too large", NULL);
	fault("due < true", "= and != alone", NULL);
	fault("created_at > 5m", "an age such as -5m", NULL);
	fault("took_ms > 5x", "a duration such as", NULL);
	fault("size > 5x", "a size such as", NULL);
	fault("status is x", "null or not null", NULL);
	fault("status.x = 1", "no column", NULL);
	fault("status = \xff", "is not UTF-8", NULL);
	fault("имя = 1", "no column", "имя = 1\n^");
	fault("status = ж & x", "wanted here", "status = ж & x\n           ^");
}

static void test_bounds(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};

	(void)state;
	for (int i = 0; i < 3000; i++)
		buf_addc(&text, '(');
	fault(buf_str(&text), "nested more than", NULL);
	buf_reset(&text);
	for (int i = 0; i < 9000; i++)
		buf_addc(&text, ' ');
	fault(buf_str(&text), "longer than", NULL);
	buf_reset(&text);
	buf_adds(&text, "due");
	for (int i = 0; i < 300; i++)
		buf_adds(&text, " and due");
	fault(buf_str(&text), "more than 100 times and", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_times_and_truth),
	    cmocka_unit_test(test_joints),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_unicode),
	    cmocka_unit_test(test_sql),
	    cmocka_unit_test(test_sql_negation),
	    cmocka_unit_test(test_sql_in_part),
	    cmocka_unit_test(test_faults),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
