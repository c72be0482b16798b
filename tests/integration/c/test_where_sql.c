/*
 * Conditions in PostgreSQL and in memory: random ones over random rows find the same rows both ways.
 * PIZZA_TEST_DATABASE="host=/run/postgresql user=root"; without it nothing is tested.  The seed is printed;
 * PIZZA_TEST_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/where.h"
#include "core/db/db.h"

#define ROWS	   80
#define CONDITIONS 3000
#define DEPTH	   3

static const struct where_column columns[] = {
    {"t", WHERE_TEXT, "t"},	   {"u", WHERE_TEXT, "u"},  {"i", WHERE_INT, "i"},
    {"r", WHERE_REAL, "r"},	   {"m", WHERE_MONEY, "m"}, {"b", WHERE_BOOL, "b"},
    {"at", WHERE_TIME, "at"},	   {"ms", WHERE_MS, "ms"},  {"s", WHERE_SECONDS, "s"},
    {"size", WHERE_BYTES, "size"},
};
static const char table_sql[] =
    "CREATE TEMP TABLE t (id int, t text, u text, i bigint, r float8, m bigint, b boolean, at timestamptz,"
    " ms float8, s float8, size bigint)";

static const char *const texts[] = {
    "",	    "a",    "b",  "ab",	  "aab", "A",	      "abc",   "é",   "Жё 東",	 "x\ny", "a.b", "it's",
    "q\"q", "a\\b", "10", "null", " a ", "\x01\x1b[", "{a,b}", "a,b", "pending", "😀",	 "-",	"a'; DROP"};
static const char *const integers[] = {"0",
				       "1",
				       "-1",
				       "2",
				       "100",
				       "-100",
				       "42",
				       "120000",
				       "9223372036854775807",
				       "9007199254740993",
				       "-9223372036854775808",
				       "9007199254740992"};
static const char *const integer_words[] = {
    "0.5", "-0.5", "-1.5", "9223372036854775808", "-9223372036854775809", "1.0", "41.999999999999999999",
    "+42"};
static const char *const reals[] = {
    "0", "0.1", "-0.1", "1.5", "1e3", "2.5", "1e300", "-1e-300", "0.30000000000000004"};
static const char *const money_words[] = {"1.00", "-1.00", "1200.00", "0.01", "1.5", "100"};
static const char *const duration_words[] = {"5m", "1h30m", "250ms", "0.1", "-1s", "2.5", "1500", "0"};
static const char *const size_words[] = {"1k", "1kB",  "10MiB", "100",
					 "-1", "0.5k", "1e",	"9223372036854775807"};
static const char *const times[] = {"2026-11-21T12:30:01.114000Z", "2026-11-21T12:30:01.114001Z",
				    "2026-11-21T00:00:00.000000Z", "1970-01-01T00:00:00.000000Z",
				    "1969-12-31T23:59:59.999999Z"};
static const char *const time_words[] = {"2026-11-21", "-5m", "now", "+1h", "1970-01-01T03:00:00+03:00",
					 "-52000w"};
static const char *const truths[] = {"true", "false", "yes", "no"};
static const char *const patterns[] = {
    "a",      "^a",	     "a$",	  "^a*b?$", ".",  "^.$",      "[ab]",	   "[^a-z]",
    "(a|b)+", "a{2}",	     "^.{2,3}$",  "\\.",    "ё",  "[é東]",    "x.y",	   "^$",
    "\\\\",   "[[:alpha:]]", "a**",	  "()",	    "a|", "^[a-c]+$", "\\ba",	   "[]a]",
    "[a-]",   "b{0,}",	     "(a(b)?)*c", "'",	    "{a", "[^]]",     "a{1,2}{2}", "+"};

static unsigned seed;

static int below(int n)
{
	return (int)(rand_r(&seed) % (unsigned)n);
}

#define PICK(list) ((list)[below((int)ARRAY_LEN(list))])

/* --- rows --- */

static json_t *literal(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(j);
	return j;
}

static json_t *random_member(int column)
{
	if (below(6) == 0)
		return json_null();
	switch (columns[column].kind) {
	case WHERE_TEXT:
		return json_string(PICK(texts));
	case WHERE_INT:
	case WHERE_MONEY:
	case WHERE_BYTES:
		return literal(PICK(integers));
	case WHERE_REAL:
	case WHERE_MS:
	case WHERE_SECONDS:
		return json_real(strtod(PICK(reals), NULL));
	case WHERE_BOOL:
		return json_boolean(below(2));
	case WHERE_TIME:
		return json_string(PICK(times));
	case WHERE_JSON:
		break;
	}
	return json_null();
}

static json_t *random_rows(void)
{
	json_t *rows = json_array();

	for (int i = 0; i < ROWS; i++) {
		json_t *row = json_pack("{s:i}", "id", i);

		for (size_t c = 0; c < ARRAY_LEN(columns); c++)
			json_object_set_new(row, columns[c].name, random_member((int)c));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* --- conditions --- */

static void add_quoted(struct buf *out, const char *text)
{
	char quote = below(2) ? '\'' : '"';

	buf_addc(out, quote);
	for (; *text != '\0'; text++) {
		if (*text == quote)
			buf_addc(out, quote);
		buf_addc(out, *text);
	}
	buf_addc(out, quote);
}

static const char *random_word(enum where_kind kind)
{
	switch (kind) {
	case WHERE_TEXT:
	case WHERE_JSON:
		return PICK(texts);
	case WHERE_INT:
		return below(2) ? PICK(integers) : PICK(integer_words);
	case WHERE_MONEY:
		return below(2) ? PICK(integers) : PICK(money_words);
	case WHERE_BYTES:
		return below(2) ? PICK(integers) : PICK(size_words);
	case WHERE_REAL:
		return PICK(reals);
	case WHERE_MS:
	case WHERE_SECONDS:
		return below(2) ? PICK(reals) : PICK(duration_words);
	case WHERE_BOOL:
		return PICK(truths);
	case WHERE_TIME:
		return below(2) ? PICK(times) : PICK(time_words);
	}
	return "";
}

/* Half of the patterns are put together at random: many are none, and then nothing is compared. */
static void add_pattern(struct buf *out)
{
	static const char *const pieces[] = {"a", "b", ".", "*", "+", "?", "|", "(", ")",  "^",	 "$", "[",
					     "]", "-", "c", "{", "2", ",", "}", "é", "\\", "[^", "1"};
	CLEANUP(buf_done) struct buf pattern = {0};

	for (int n = below(7); n >= 0; n--)
		buf_adds(&pattern, PICK(pieces));
	add_quoted(out, below(2) ? PICK(patterns) : buf_str(&pattern));
}

static void add_test(struct buf *out)
{
	static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">=", "==", "<>"};
	const struct where_column *c = &columns[below((int)ARRAY_LEN(columns))];
	int form = below(8);

	buf_adds(out, c->name);
	if (c->kind == WHERE_TEXT && form < 3) {
		buf_adds(out, below(2) ? " ~ " : " !~ ");
		add_pattern(out);
	} else if (form == 3) {
		buf_adds(out, below(2) ? " is null" : " is not null");
	} else if (form == 4) {
		buf_adds(out, below(2) ? " in (" : " not in (");
		for (int n = below(4); n >= 0; n--) {
			add_quoted(out, random_word(c->kind));
			buf_adds(out, n > 0 ? ", " : ")");
		}
	} else {
		buf_addf(out, " %s ",
			 operators[c->kind == WHERE_BOOL ? below(2) : below((int)ARRAY_LEN(operators))]);
		add_quoted(out, random_word(c->kind));
	}
}

static void add_condition(struct buf *out, int depth)
{
	int form = depth > 0 ? below(5) : 4;

	if (form == 4) {
		add_test(out);
		return;
	}
	buf_adds(out, form == 0 ? "not (" : "(");
	add_condition(out, depth - 1);
	if (form > 0) {
		buf_adds(out, form == 1 ? " or " : " and ");
		add_condition(out, depth - 1);
	}
	buf_addc(out, ')');
}

/* --- both ways --- */

static void must(int rc, const struct error *err, const char *text)
{
	if (rc < 0)
		fail_msg("%s: %s: %s", text, err->what, err->why);
}

static void find_in_sql(struct db_conn *c, const struct where *w, const char *text, bool found[ROWS],
			bool *ret_all)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct error err;

	buf_adds(&sql, "SELECT id FROM t WHERE ");
	*ret_all = db_param_where(&params, w, &sql);
	must(db_query(c, buf_str(&sql), &params, &r, &err), &err, text);
	for (int i = 0; i < db_rows(r); i++)
		found[db_int(r, i, 0)] = true;
}

/* 1 when SQL said all of it, 0 when memory had to help, -1 when the condition is none. */
static int compare_one(struct db_conn *c, const json_t *rows)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct where *w = NULL;
	bool found[ROWS] = {false}, all = false;

	add_condition(&text, DEPTH);
	if (where_parse(buf_str(&text), columns, ARRAY_LEN(columns), clock_wall_us(), &w, NULL) < 0)
		return -1;
	find_in_sql(c, w, buf_str(&text), found, &all);
	for (int i = 0; i < ROWS; i++) {
		const json_t *row = json_array_get(rows, (size_t)i);
		bool here = where_match(w, row);

		if (here ? !found[i] : (all && found[i])) {
			AUTO_FREE char *shown = json_text(row);

			fail_msg("%s: memory says %d, SQL %d, of %s", buf_str(&text), here, found[i], shown);
		}
	}
	where_free(w);
	return all;
}

static void memory_and_sql_agree(void **state)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	AUTO_JSON json_t *rows = random_rows();
	AUTO_FREE char *text = json_text(rows);
	struct db *db = *state;
	struct db_conn *c = NULL;
	struct error err;
	int whole = 0, part = 0;

	must(db_acquire(db, &c, &err), &err, "connect");
	must(db_run(c, table_sql, &err), &err, "create");
	db_param_text(&params, text);
	must(db_query(c, "INSERT INTO t SELECT * FROM json_populate_recordset(NULL::t, $1::json)", &params,
		      NULL, &err),
	     &err, "insert");
	for (int i = 0; i < CONDITIONS; i++) {
		int rc = compare_one(c, rows);

		whole += rc == 1;
		part += rc == 0;
	}
	db_release(c);
	print_message("%d conditions wholly in SQL, %d in part\n", whole, part);
	assert_true(whole > CONDITIONS / 2); /* else little was compared */
	assert_true(part > CONDITIONS / 100);
}

int main(void)
{
	struct db_options options = {
	    .pool_size = 1, .acquire_timeout_ms = 2000, .application = "test_where_sql"};
	const char *repeat = getenv("PIZZA_TEST_SEED");
	struct CMUnitTest tests[] = {cmocka_unit_test(memory_and_sql_agree)};
	int rc;

	if (getenv("PIZZA_TEST_DATABASE") == NULL) {
		puts("skipped: PIZZA_TEST_DATABASE is not set");
		return 0;
	}
	seed = repeat != NULL ? (unsigned)strtoul(repeat, NULL, 10) : (unsigned)clock_wall_us();
	printf("seed: PIZZA_TEST_SEED=%u\n", seed);
	snprintf(options.conninfo, sizeof(options.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(options.database, sizeof(options.database), "postgres");
	tests[0].initial_state = db_new(&options);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	db_free(tests[0].initial_state);
	return rc;
}
