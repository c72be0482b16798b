/*
 * The forms of output: each renderer on the same rows, choosing and sorting columns, and text that must not
 * reach a terminal as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "cli/changes.c"
#include "cli/human.c"
#include "cli/output.c"
#include "cli/render_csv.c"
#include "cli/render_json.c"
#include "cli/render_name.c"
#include "cli/render_table.c"
#include "cli/render_yaml.c"

static const struct column part_columns[] = {
    {.name = "size"}, {.name = "count", .kind = COLUMN_INT}, {.name = NULL}};

static const struct column columns[] = {
    {.name = "id", .flags = COLUMN_ID},
    {.name = "name"},
    {.name = "amount", .kind = COLUMN_MONEY},
    {.name = "currency", .flags = COLUMN_MACHINE},
    {.name = "took_ms", .title = "took", .kind = COLUMN_MS, .flags = COLUMN_WIDE},
    {.name = "ok", .kind = COLUMN_BOOL},
    {.name = "parts", .kind = COLUMN_JSON, .nested = part_columns, .flags = COLUMN_MACHINE},
    {.name = NULL},
};

static json_t *row(const char *id, const char *name, int amount, int took)
{
	json_t *r = json_pack("{s:s, s:i, s:s, s:i, s:b}", "id", id, "amount", amount, "currency", "RUB",
			      "took_ms", took, "ok", 1);

	json_object_set_new(r, "name", name != NULL ? json_string(name) : json_null());
	return r;
}

/* Writes rows (taken, NULL-terminated) and gives what came out; the caller frees it. */
static char *render(const struct output_settings *settings, bool list, json_t *first, ...)
{
	struct output_settings s = *settings;
	struct output *o;
	char *text = NULL;
	size_t len;
	va_list ap;

	s.stream = open_memstream(&text, &len);
	assert_int_equal(output_open(&s, columns, list, &o, NULL), 0);
	va_start(ap, first);
	for (json_t *r = first; r != NULL; r = va_arg(ap, json_t *))
		assert_true(output_row(o, r, NULL) >= 0);
	va_end(ap);
	assert_int_equal(output_close(o, 0, NULL), 0);
	fclose(s.stream);
	return text;
}

static struct output_settings as(enum output_format format)
{
	return (struct output_settings){.format = format, .limit = -1, .headings = true, .utf8 = true};
}

static void check(char *got, const char *wanted)
{
	assert_string_equal(got, wanted);
	free(got);
}

static void test_json(void **state)
{
	struct output_settings s = as(OUTPUT_JSON);
	AUTO_JSON json_t *list = NULL;
	AUTO_FREE char *text = NULL;

	(void)state;
	text = render(&s, true, row("a", "A", 1, 2), row("b", NULL, 3, 4), NULL);
	list = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "name")), "A");
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "name")));
	/* What a row has not got is null, so that scripts always find it. */
	assert_true(json_is_null(json_object_get(json_array_get(list, 1), "parts")));
	check(render(&s, true, NULL), "[]\n");
	s.format = OUTPUT_JSONL;
	s.columns = "id,amount";
	check(render(&s, true, row("a", "A", 1, 2), row("b", "B", 3, 4), NULL),
	      "{\"id\":\"a\",\"amount\":1}\n{\"id\":\"b\",\"amount\":3}\n");
	check(render(&s, true, NULL), "");
}

static void test_json_show(void **state)
{
	struct output_settings s = as(OUTPUT_JSON);

	(void)state;
	s.columns = "id,amount";
	check(render(&s, false, row("a", "A", 1, 2), NULL), "{\n  \"id\": \"a\",\n  \"amount\": 1\n}\n");
}

static void test_fields_without_column(void **state)
{
	struct output_settings s = as(OUTPUT_JSONL);
	json_t *r = json_pack("{s:s, s:i}", "id", "a", "extra", 7);
	AUTO_FREE char *text = render(&s, true, r, NULL);

	(void)state;
	assert_non_null(strstr(text, "\"extra\":7"));
}

/* RFC 4180: CRLF, quotes doubled, fields with a comma, quote or line end quoted. */
static void test_csv(void **state)
{
	struct output_settings s = as(OUTPUT_CSV);

	(void)state;
	s.columns = "id,name,amount,ok";
	check(render(&s, true, row("a", "x,\"y\"\r\nz", -5, 0), row("b", NULL, 0, 0), NULL),
	      "id,name,amount,ok\r\na,\"x,\"\"y\"\"\r\nz\",-5,true\r\nb,,0,true\r\n");
	s.headings = false;
	check(render(&s, true, NULL), "");
	s.columns = "name"; /* an empty line is no record */
	check(render(&s, true, row("b", NULL, 0, 0), NULL), "\"\"\r\n");
}

static void test_csv_nested(void **state)
{
	struct output_settings s = as(OUTPUT_CSV);
	json_t *r = json_pack("{s:[{s:s}]}", "parts", "size", "large");

	(void)state;
	s.columns = "parts";
	check(render(&s, true, r, NULL), "parts\r\n\"[{\"\"size\"\":\"\"large\"\"}]\"\r\n");
}

/* Text that YAML 1.1 would take for something else is quoted. */
static void test_yaml(void **state)
{
	static const struct {
		const char *text, *yaml;
	} cases[] = {
	    {"plain-text", "name: plain-text\n"},
	    {"no", "name: \"no\"\n"},
	    {"Null", "name: \"Null\"\n"},
	    {"12", "name: \"12\"\n"},
	    {"2026-11-21T12:30:01.000000Z", "name: \"2026-11-21T12:30:01.000000Z\"\n"},
	    {"a: b # c", "name: \"a: b # c\"\n"},
	    {"\033[31m\"\\\n", "name: \"\\x1b[31m\\\"\\\\\\x0a\"\n"},
	    {"", "name: \"\"\n"},
	    {"Иван", "name: \"Иван\"\n"},
	    {"\xc2\x85\xe2\x80\xa8", "name: \"\\u0085\\u2028\"\n"},
	};
	struct output_settings s = as(OUTPUT_YAML);

	(void)state;
	s.columns = "name";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(render(&s, false, row("a", cases[i].text, 0, 0), NULL), cases[i].yaml);
}

static void test_yaml_nested(void **state)
{
	struct output_settings s = as(OUTPUT_YAML);
	json_t *r = json_pack("{s:s, s:[{s:s, s:i}, {s:[]}, [i, {}]]}", "id", "a", "parts", "size", "large",
			      "count", 2, "count", 1);

	(void)state;
	s.columns = "id,parts";
	check(render(&s, true, r, NULL), "- id: a\n"
					 "  parts:\n"
					 "    - size: large\n"
					 "      count: 2\n"
					 "    - count: []\n"
					 "    - \n"
					 "      - 1\n"
					 "      - {}\n");
	check(render(&s, true, NULL), "[]\n");
}

static void test_yaml_reals(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	AUTO_JSON json_t *list = json_pack("[f, f, f]", 1.0, 1e-7, 318.2);

	(void)state;
	yaml_value(&out, list, 0, false);
	assert_string_equal(buf_str(&out), "- 1.0\n- 1.0e-07\n- 318.2\n");
}

static void test_table(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);

	(void)state;
	check(render(&s, true, row("a", "Ivan", 120000, 1500), row("bb", NULL, 5, 1), NULL),
	      "ID  NAME        AMOUNT  OK\n"
	      "a   Ivan  1 200.00 RUB  yes\n"
	      "bb  -         0.05 RUB  yes\n");
	check(render(&s, true, NULL), "ID  NAME  AMOUNT  OK\n");
	s.headings = false;
	check(render(&s, true, NULL), "");
	s.format = OUTPUT_WIDE;
	s.columns = NULL;
	check(render(&s, true, row("a", "Ivan", 0, 1500), NULL), "a   Ivan  0.00 RUB  1.50 s  yes\n");
}

/* A wide character takes two columns. */
static void test_table_wide_characters(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);

	(void)state;
	s.columns = "name,id";
	check(render(&s, true, row("a", "ピザ", 0, 0), row("b", "Иван", 0, 0), NULL),
	      "NAME  ID\nピザ  a\nИван  b\n");
}

static void test_table_fits(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);
	AUTO_FREE char *text = NULL;

	(void)state;
	s.width = 40;
	text = render(&s, true, row("a", "a name that is much longer than any terminal is wide", 5, 0), NULL);
	for (const char *p = text; *p != '\0';) {
		size_t len = strcspn(p, "\n");

		assert_true(len <= 40);
		p += len + 1;
	}
	assert_non_null(strstr(text, "0.05 RUB"));
}

static void test_show(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);
	json_t *r = row("a", "Ivan", 100, 2);

	(void)state;
	s.columns = "id,name,parts";
	json_object_set_new(r, "parts", json_pack("[{s:s, s:i}]", "size", "large", "count", 12));
	check(render(&s, false, r, NULL), "ID    a\nNAME  Ivan\nPARTS\n  SIZE   COUNT\n  large     12\n");
}

static void test_name_and_none(void **state)
{
	struct output_settings s = as(OUTPUT_NAME);

	(void)state;
	check(render(&s, true, row("a", "A", 0, 0), row("b", "B", 0, 0), NULL), "a\nb\n");
	s.format = OUTPUT_NONE;
	check(render(&s, true, row("a", "A", 0, 0), NULL), "");
}

/* Nothing in the data can move the cursor, colour the terminal or turn the direction of writing. */
static void test_escapes(void **state)
{
	static const struct {
		const char *text, *safe;
	} cases[] = {
	    {"\033]0;title\007", "\\x1b]0;title\\x07"},
	    {"a\rb", "a\\x0db"},
	    {"\x7f", "\\x7f"},
	    {"\xc2\x9b"
	     "31m",
	     "\\x9b31m"},
	    {"bad \xff utf8", "bad \\xff utf8"},
	    {"\xe2\x80\xae"
	     "evil",
	     "\\u{202e}evil"},
	    {"\xc0\xaf", "\\xc0\\xaf"},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	    {"Иван ピザ 🍕", "Иван ピザ 🍕"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_done) struct buf out = {0};

		human_safe(&out, cases[i].text, strlen(cases[i].text));
		assert_string_equal(buf_str(&out), cases[i].safe);
	}
}

static void test_sort(void **state)
{
	struct output_settings s = as(OUTPUT_NAME);

	(void)state;
	s.sort = "amount";
	check(render(&s, true, row("a", "", 10, 0), row("b", "", 9, 0), row("c", "", 100, 0), NULL),
	      "b\na\nc\n");
	s.sort = "-amount";
	s.limit = 2;
	check(render(&s, true, row("a", "", 10, 0), row("b", "", 9, 0), row("c", "", 100, 0), NULL),
	      "c\na\n");
	s.sort = "-name"; /* rows without a value come last both ways */
	s.limit = -1;
	check(render(&s, true, row("a", NULL, 1, 0), row("b", "x", 1, 0), row("c", "y", 1, 0), NULL),
	      "c\nb\na\n");
}

static void test_limit(void **state)
{
	struct output_settings s = as(OUTPUT_NAME);
	struct output *o;
	char *text = NULL;
	size_t len;

	(void)state;
	s.limit = 1;
	s.stream = open_memstream(&text, &len);
	assert_int_equal(output_open(&s, columns, true, &o, NULL), 0);
	assert_int_equal(output_row(o, row("a", "", 0, 0), NULL), 1);
	assert_int_equal(output_row(o, row("b", "", 0, 0), NULL), 1);
	assert_int_equal(output_close(o, 0, NULL), 0);
	fclose(s.stream);
	check(text, "a\n");
}

static void test_unknown_column(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);
	struct output *o;
	struct error err;

	(void)state;
	s.columns = "id,amonut";
	assert_int_equal(output_open(&s, columns, true, &o, &err), ERR_USAGE);
	assert_string_equal(err.what, "amonut");
	assert_non_null(strstr(err.why, "id, name, amount"));
	assert_non_null(strstr(err.hint, "amount"));
}

/* A failure in the middle leaves no text that could be taken for a whole list. */
static void test_failure(void **state)
{
	struct output_settings s = as(OUTPUT_JSON);
	struct output *o;
	char *text = NULL;
	size_t len;

	(void)state;
	s.stream = open_memstream(&text, &len);
	assert_int_equal(output_open(&s, columns, true, &o, NULL), 0);
	assert_int_equal(output_close(o, ERR_UNAVAILABLE, NULL), ERR_UNAVAILABLE);
	fclose(s.stream);
	check(text, "");
	s.stream = open_memstream(&text, &len);
	assert_int_equal(output_open(&s, columns, true, &o, NULL), 0);
	assert_int_equal(output_row(o, row("a", "", 0, 0), NULL), 0);
	assert_int_equal(output_close(o, ERR_UNAVAILABLE, NULL), ERR_UNAVAILABLE);
	fclose(s.stream);
	assert_null(json_loads(text, 0, NULL));
	free(text);
}

static void test_full_disk(void **state)
{
	struct output_settings s = as(OUTPUT_JSONL);
	struct output *o;
	struct error err = {0};

	(void)state;
	s.stream = fopen("/dev/full", "w");
	assert_non_null(s.stream);
	assert_int_equal(output_open(&s, columns, true, &o, NULL), 0);
	assert_int_equal(output_row(o, row("a", "", 0, 0), NULL), 0);
	assert_int_equal(output_close(o, 0, &err), ERR_IO);
	assert_non_null(strstr(err.why, "No space left"));
	fclose(s.stream);
}

static void test_where(void **state)
{
	static const struct where_column source[] = {{"id", WHERE_TEXT, "x.id"}, {0}};
	struct output_settings s = as(OUTPUT_NAME);
	struct output *o;
	struct error err = {0};

	(void)state;
	s.where = "amount >= 0.03 and took_ms < 1s";
	check(render(&s, true, row("a", "", 2, 5), row("b", "", 3, 5), row("c", "", 3, 1000),
		     row("d", "", 9, 5), NULL),
	      "b\nd\n");
	s.limit = 1;
	check(render(&s, true, row("a", "", 2, 5), row("b", "", 3, 5), row("d", "", 9, 5), NULL), "b\n");
	assert_int_equal(output_open(&s, columns, false, &o, &err),
			 ERR_USAGE); /* a show has no rows to choose */
	s.where = "nmae = x";
	assert_int_equal(output_open(&s, columns, true, &o, &err), ERR_USAGE);
	assert_string_equal(err.hint, "did you mean name?\nnmae = x\n^");
	/* What the source is told: the limit only when it filters and sorts as well. */
	s.where = "id = x";
	s.sort = "-id";
	s.source = source;
	assert_int_equal(output_open(&s, columns, true, &o, &err), 0);
	assert_int_equal(output_wanted(o, true), -1);
	assert_string_equal(output_delegate_sort(o), "-id");
	assert_int_equal(output_wanted(o, false), -1);
	assert_int_equal(output_wanted(o, true), 1);
	assert_null(output_delegate_sort(o));
	assert_int_equal(output_close(o, ERR_FAILED, NULL), ERR_FAILED);
}

static void test_times(void **state)
{
	static const struct {
		const char *at, *relative;
	} cases[] = {{"2026-11-21T12:30:01.000000Z", "now"},
		     {"2026-11-21T12:29:59.5Z", "1s ago"},
		     {"2026-11-21T12:25:00Z", "5m ago"},
		     {"2026-11-21T09:30:01Z", "3h ago"},
		     {"2026-11-11T12:30:01Z", "10d ago"},
		     {"2026-11-21T12:40:02Z", "in 10m"},
		     {"no time", "no time"}};
	struct output_settings s = as(OUTPUT_TABLE);
	CLEANUP(buf_done) struct buf out = {0};

	(void)state;
	assert_true(clock_parse("2026-11-21T12:30:01Z", &s.now_us));
	s.time = OUTPUT_TIME_RELATIVE;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&out);
		human_time(&out, cases[i].at, &s);
		assert_string_equal(buf_str(&out), cases[i].relative);
	}
	s.time = OUTPUT_TIME_RAW;
	buf_reset(&out);
	human_time(&out, "2026-11-21T12:30:01.123456Z", &s);
	assert_string_equal(buf_str(&out), "2026-11-21T12:30:01.123456Z");
}

/* One look of --watch elsewhere than on a terminal. */
static char *look(struct changes *c, json_t *first, json_t *second)
{
	struct output_settings s = as(OUTPUT_JSONL);

	s.columns = "id,name";
	s.changes = c;
	return render(&s, true, first, second, NULL);
}

static void test_changes(void **state)
{
	struct changes *c = changes_new();

	(void)state;
	check(
	    look(c, row("a", "A", 1, 1), row("b", "B", 1, 1)),
	    "{\"change\":\"new\",\"change_at\":\"1970-01-01T00:00:00.000000Z\",\"id\":\"a\",\"name\":\"A\"}\n"
	    "{\"change\":\"new\",\"change_at\":\"1970-01-01T00:00:00.000000Z\",\"id\":\"b\",\"name\":\"B\"}"
	    "\n");
	check(look(c, row("b", "B", 1, 1), row("a", "A", 1, 1)), "");
	check(
	    look(c, row("b", "B2", 1, 1), row("c", "C", 1, 1)),
	    "{\"change\":\"changed\",\"change_at\":\"1970-01-01T00:00:00.000000Z\",\"id\":\"b\",\"name\":"
	    "\"B2\"}\n"
	    "{\"change\":\"new\",\"change_at\":\"1970-01-01T00:00:00.000000Z\",\"id\":\"c\",\"name\":\"C\"}\n"
	    "{\"change\":\"gone\",\"change_at\":\"1970-01-01T00:00:00.000000Z\",\"id\":\"a\",\"name\":\"A\"}"
	    "\n");
	changes_free(c);
}

static void add_name(void *arg, const json_t *row_, struct buf *out)
{
	buf_addf(out, "%s%s\n", (const char *)arg, json_string_or(row_, "name", "?"));
}

/* Streams write lines for people, and what was asked for otherwise. */
static void test_lines(void **state)
{
	struct output_settings s = as(OUTPUT_TABLE);
	char *text = NULL;
	size_t len;

	(void)state;
	for (int chosen = 0; chosen < 2; chosen++) {
		struct output *o;

		s.columns = chosen ? "id" : NULL;
		s.where = "name != B";
		s.stream = open_memstream(&text, &len);
		assert_int_equal(output_open(&s, columns, true, &o, NULL), 0);
		output_lines(o, add_name, "> ");
		assert_int_equal(output_row(o, row("a", "A", 1, 1), NULL), 0);
		assert_int_equal(output_row(o, row("b", "B", 1, 1), NULL), 0);
		assert_int_equal(output_close(o, 0, NULL), 0);
		fclose(s.stream);
		check(text, chosen ? "ID\na\n" : "> A\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_show),
	    cmocka_unit_test(test_fields_without_column),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_csv_nested),
	    cmocka_unit_test(test_yaml),
	    cmocka_unit_test(test_yaml_nested),
	    cmocka_unit_test(test_yaml_reals),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_table_wide_characters),
	    cmocka_unit_test(test_table_fits),
	    cmocka_unit_test(test_show),
	    cmocka_unit_test(test_name_and_none),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_sort),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_unknown_column),
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_where),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_lines),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
