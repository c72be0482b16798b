/*
 * core/base: errors, buffers, clocks, durations, UUIDs, money, maps, JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "core/base/text.h"
#include "core/base/uuid.h"

static void errors_follow_their_table(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, ERR_NOT_FOUND, "order", "no order %d", 7), ERR_NOT_FOUND);
	assert_string_equal(err.why, "no order 7");
	assert_string_equal(err.hint, "");
	error_hint(&err, "try %s", "this");
	assert_string_equal(err.hint, "try this");
	assert_int_equal(error_exit_status(ERR_NOT_FOUND), 3);
	assert_int_equal(error_exit_status(ERR_UNAVAILABLE), 5);
	assert_int_equal(error_exit_status(0), 0);
	assert_int_equal(error_http_status(ERR_CONFLICT), 409);
	assert_int_equal(error_class(ERR_UNAVAILABLE), CLASS_DEPENDENCY);
	assert_int_equal(error_class(ERR_MALFORMED), CLASS_PERMANENT);
	assert_string_equal(error_word(-9999), error_word(ERR_BUG));
	assert_int_equal(error_set(NULL, ERR_FAILED, "x", NULL), ERR_FAILED);
}

static void buffers_grow_and_escape(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	assert_int_equal(b.len, 3890);
	assert_int_equal(b.data[b.len], '\0');
	buf_reset(&b);
	buf_add_json(&b, "a\"b\\c\n\x01\xd0\xb6", 9);
	assert_string_equal(buf_str(&b), "\"a\\\"b\\\\c\\n\\u0001\xd0\xb6\"");
	buf_done(&b);
}

static void times_go_both_ways(void **state)
{
	static const int64_t moments[] = {
	    0, 1, -1, 951782400000000, 1763728201114000, 4102444799999999, -62135596800000000};
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		int64_t back;

		assert_true(clock_parse(clock_format(moments[i], text), &back));
		assert_int_equal(back, moments[i]);
	}
	assert_string_equal(clock_format(1763728201114000, text), "2025-11-21T12:30:01.114000Z");
}

static void times_are_refused(void **state)
{
	static const char *const bad[] = {"",
					  "2026",
					  "2026-13-01T00:00:00Z",
					  "2026-01-01T24:00:00Z",
					  "2026-01-01T00:00:00",
					  "2026-01-01T00:00:00.Z",
					  "2026-01-01T00:00:00Zx",
					  "x026-01-01T00:00:00Z"};
	int64_t us, utc;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(clock_parse(bad[i], &us));
	assert_true(clock_parse("2026-01-01T03:00:00.5+03:00", &us));
	assert_true(clock_parse("2026-01-01 00:00:00.500000Z", &utc));
	assert_int_equal(us, utc);
}

static void durations(void **state)
{
	int64_t ms;
	char text[DURATION_TEXT_SIZE];

	(void)state;
	assert_true(duration_parse("250ms", &ms) && ms == 250);
	assert_true(duration_parse("1h30m", &ms) && ms == 5400000);
	assert_true(duration_parse("1.5s", &ms) && ms == 1500);
	assert_true(duration_parse("7", &ms) && ms == 7000);
	assert_false(duration_parse("", &ms));
	assert_false(duration_parse("5x", &ms));
	assert_false(duration_parse("-5s", &ms));
	assert_false(duration_parse("5s7", &ms));
	assert_string_equal(duration_format(9410000, text), "9.41 s");
	assert_string_equal(duration_format(11000, text), "11 ms");
	assert_string_equal(duration_format(8040000000, text), "2h14m");
}

static void uuids(void **state)
{
	struct uuid a = uuid_v7(), b, dns;
	char text[UUID_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 300000; i++) {
		b = uuid_v7();
		assert_true(uuid_compare(a, b) < 0);
		a = b;
	}
	assert_int_equal(a.b[6] >> 4, 7);
	assert_int_equal(a.b[8] >> 6, 2);
	assert_true(uuid_parse(uuid_format(a, text), &b));
	assert_true(uuid_equal(a, b));
	assert_false(uuid_parse("01939b1c-7f3a-7c22-9a54-2f1e0c5d8b1", &b));
	assert_false(uuid_parse("01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11x", &b));
	assert_false(uuid_parse("01939b1c_7f3a-7c22-9a54-2f1e0c5d8b11", &b));
	assert_true(uuid_range("01939B1C-7f3", &a, &b));
	assert_string_equal(uuid_format(a, text), "01939b1c-7f30-0000-0000-000000000000");
	assert_string_equal(uuid_format(b, text), "01939b1c-7f3f-ffff-ffff-ffffffffffff");
	assert_true(uuid_range("01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11", &a, &b));
	assert_true(uuid_equal(a, b));
	assert_false(uuid_range("", &a, &b));
	assert_false(uuid_range("01939b1", &a, &b));
	assert_false(uuid_range("--------", &a, &b));
	assert_false(uuid_range("01939b1x", &a, &b));
	assert_false(uuid_range("01939b1c-7f3a-7c22-9a54-2f1e0c5d8b111", &a, &b));
	/* RFC 9562, A.4: version 5 of "www.example.com" in the DNS namespace. */
	assert_true(uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", &dns));
	assert_string_equal(uuid_format(uuid_v5(dns, "www.example.com", 15), text),
			    "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void money(void **state)
{
	char text[MONEY_TEXT_SIZE];
	int64_t sum;

	(void)state;
	assert_string_equal(money_format(120000, "RUB", text), "1 200.00 RUB");
	assert_string_equal(money_format(-5, "EUR", text), "-0.05 EUR");
	assert_string_equal(money_format(1200, "JPY", text), "1 200 JPY");
	assert_true(money_multiply(100, 3, &sum) && sum == 300);
	assert_false(money_multiply(MONEY_MAX, 2, &sum));
	assert_false(money_add(MONEY_MAX, 1, &sum));
	assert_false(money_multiply(-1, 1, &sum));
	assert_true(money_currency_valid("EUR"));
	assert_false(money_currency_valid("eur"));
}

static void maps(void **state)
{
	struct map m = {0};
	static int values[5000];
	char key[16];
	size_t cursor = 0, seen = 0;
	const char *k;
	void *v;

	(void)state;
	assert_null(map_gets(&m, "x"));
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_null(map_puts(&m, key, &values[i]));
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_ptr_equal(map_gets(&m, key), &values[i]);
	}
	while (map_next(&m, &cursor, &k, &v))
		seen++;
	assert_int_equal(seen, 5000);
	assert_ptr_equal(map_puts(&m, "key1", &values[0]), &values[1]);
	map_done(&m, NULL);
}

static void reals_are_as_short_as_they_can_be(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {{318.2, "318.2"},
		     {0.1 + 0.2, "0.30000000000000004"},
		     {-0.7, "-0.7"},
		     {100, "100.0"},
		     {1e300, "1.0e+300"},
		     {1.5e-7, "1.5e-07"},
		     {99.999999999999986, "99.99999999999999"},
		     {0, "0.0"}};
	AUTO_JSON json_t *row = json_pack("{s:f, s:s, s:[f, f, i], s:s}", "a", 318.2, "318.19999999999999",
					  "\"318.19999999999999 \\", "c", -0.7, 100.0, 3, "d", "");
	AUTO_FREE char *text = json_text(row), *null = json_text(NULL);
	char real[JSON_REAL_SIZE];
	uint64_t bits = 88172645463325252U;

	(void)state;
	assert_string_equal(text, "{\"a\":318.2,\"318.19999999999999\":\"\\\"318.19999999999999 \\\\\","
				  "\"c\":[-0.7,100.0,3],\"d\":\"\"}");
	assert_string_equal(null, "null");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(json_real_text(cases[i].value, real), cases[i].text);
	for (int i = 0; i < 20000; i++) {
		AUTO_JSON json_t *number = NULL;
		AUTO_FREE char *dumped = NULL;
		double value;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof(value));
		number = json_real(value); /* NULL: not a number */
		dumped = json_text(number);
		if (number != NULL)
			assert_true(strtod(dumped, NULL) == value);
	}
}

static void json_errors_name_the_field(void **state)
{
	static const char text[] = "{\"a\":1,\"b\":\"x\",\"t\":\"2026-01-01T00:00:00Z\"}";
	json_t *j;
	const char *s;
	int64_t i;
	struct uuid u;
	struct error err;

	(void)state;
	assert_int_equal(json_parse_object(text, strlen(text), &j, &err), 0);
	assert_int_equal(json_get_string(j, "a", &s, &err), ERR_MALFORMED);
	assert_string_equal(err.what, "a");
	assert_int_equal(json_get_int(j, "c", &i, &err), ERR_MALFORMED);
	assert_string_equal(err.why, "is missing");
	assert_int_equal(json_get_uuid(j, "b", &u, &err), ERR_MALFORMED);
	assert_int_equal(json_get_time(j, "t", &i, &err), 0);
	json_decref(j);
	assert_int_equal(json_parse_object("[1]", 3, &j, &err), ERR_MALFORMED);
	assert_int_equal(json_parse_object("{\"a\":1,\"a\":2}", 13, &j, &err), ERR_MALFORMED);
	assert_int_equal(json_parse_object("{\"a\":\"\xff\"}", 9, &j, &err), ERR_MALFORMED);
	assert_int_equal(json_parse_object("{\"a\":\"\\u0000\"}", 14, &j, &err), ERR_MALFORMED);
	assert_int_equal(json_parse_object("", 0, &j, &err), ERR_MALFORMED);
}

static void test_error_text_is_utf8(void **state)
{
	struct error err;
	char text[ERROR_LINE_SIZE];

	(void)state;
	error_set(&err, ERR_INVALID, "the oven", "is %s", "k\xc3\xbchl");
	assert_string_equal(error_line(&err, text), "the oven: is k\xc3\xbchl");
	error_set(&err, ERR_INVALID, "cut", "%.2s", "k\xc3\xbchl"); /* within a character */
	assert_string_equal(error_line(&err, text), "cut: k?");
	error_set(&err, ERR_INVALID, "x", "%s", "\xff\xe2\x82\xac\xc0\xaf\xed\xa0\x80\xf0\x9f\x8d\x95");
	assert_string_equal(error_line(&err, text), "x: ?\xe2\x82\xac?????\xf0\x9f\x8d\x95");
}

static void what_is_no_utf8_is_mended(void **state)
{
	static const struct {
		const char *text, *mended;
	} cases[] = {
	    {"", ""},
	    {"Zo\xc3\xab", "Zo\xc3\xab"},
	    {"Zo\xc3", "Zo?"},				/* cut off */
	    {"\xf0\x9f\x8d\x95!", "\xf0\x9f\x8d\x95!"}, /* four bytes */
	    {"\xf0\x9f\x8d", "???"},			/* cut off */
	    {"a\xff\xfe"
	     "b",
	     "a??b"},
	    {"\xc0\xaf", "??"},		  /* overlong */
	    {"\xed\xa0\x80", "???"},	  /* a surrogate */
	    {"\xf4\x90\x80\x80", "????"}, /* beyond U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *mended = text_mended(cases[i].text);

		assert_string_equal(mended, cases[i].mended);
		assert_int_equal(text_is_utf8(cases[i].text, strlen(cases[i].text)),
				 strcmp(cases[i].text, cases[i].mended) == 0);
	}
}

static void texts_are_cut_between_characters(void **state)
{
	static const char text[] = "aя€"; /* 1, 2 and 3 bytes */
	static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(whole); n++)
		assert_int_equal(text_whole(text, n), whole[n]);
	assert_int_equal(text_whole("\x80\x80\x80", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_no_utf8_is_mended),
	    cmocka_unit_test(texts_are_cut_between_characters),
	    cmocka_unit_test(test_error_text_is_utf8),
	    cmocka_unit_test(errors_follow_their_table),
	    cmocka_unit_test(buffers_grow_and_escape),
	    cmocka_unit_test(times_go_both_ways),
	    cmocka_unit_test(times_are_refused),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(uuids),
	    cmocka_unit_test(money),
	    cmocka_unit_test(maps),
	    cmocka_unit_test(json_errors_name_the_field),
	    cmocka_unit_test(reals_are_as_short_as_they_can_be),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
