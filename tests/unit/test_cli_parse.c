/*
 * Command lines: prefixes, options in all their spellings, and every way to be wrong, on a small table of its
 * own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cli/parse.c"

static int never(struct cli *c, struct error *err)
{
	(void)c;
	(void)err;
	return 0;
}

static const char *const format_words[] = {"table", "json", NULL};
static const char *const state_words[] = {"paid", "ready", NULL};

static const struct argument_def one[] = {{.name = "ID", .text = "an id"}, {.name = NULL}};
static const struct argument_def many[] = {
    {.name = "NAME", .text = "a name", .optional = true, .repeat = true}, {.name = NULL}};

static const struct option_def ls_options[] = {
    {.name = "state", .kind = VALUE_WORD, .value = "STATE", .words = state_words},
    {.name = "stuck", .kind = VALUE_DURATION, .value = "D", .optional = true},
    {.name = "follow", .letter = 'f', .kind = VALUE_FLAG},
    {.name = "number", .letter = 'n', .kind = VALUE_INT, .value = "N", .fallback = "10"},
    {.name = "rate", .kind = VALUE_RATE, .value = "R"},
    {.name = NULL},
};

static const struct option_def wait_options[] = {
    {.name = "timeout", .kind = VALUE_DURATION, .value = "D", .fallback = "30s"},
    {.name = NULL},
};

static const struct noun saga = {
    .name = "saga",
    .commands =
	(const struct command[]){
	    {.verb = "ls", .options = ls_options, .run = never},
	    {.verb = "show", .arguments = one, .run = never},
	    {.verb = "wait", .arguments = one, .options = wait_options, .run = never},
	    {.verb = "watch", .run = never},
	    {.run = NULL},
	},
};
static const struct noun status = {
    .name = "status", .commands = (const struct command[]){{.arguments = many, .run = never}, {.run = NULL}}};
static const struct noun start = {
    .name = "start", .commands = (const struct command[]){{.arguments = one, .run = never}, {.run = NULL}}};
static const struct noun lag = {
    .name = "lag",
    .commands = (const struct command[]){{.options = ls_options, .run = never},
					 {.verb = "check", .run = never},
					 {.run = NULL}},
};

const struct noun *const nouns[] = {&saga, &status, &start, &lag, NULL};
const struct option_def global_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = VALUE_WORD,
     .value = "FORMAT",
     .fallback = "table",
     .words = format_words},
    {.name = "timeout", .kind = VALUE_DURATION, .value = "D", .fallback = "5s", .least_ms = 1},
    {.name = "every", .letter = 'e', .kind = VALUE_DURATION, .value = "D", .optional = true, .least_ms = 100},
    {.name = "sort", .kind = VALUE_TEXT, .value = "COLUMN"},
    {.name = "quiet", .letter = 'q', .kind = VALUE_FLAG},
    {.name = "help", .letter = 'h', .kind = VALUE_FLAG},
    {.name = NULL},
};

static struct invocation got;
static struct error err;

/* Parses a line split at blanks. */
static int parse(const char *line)
{
	static char copy[512];
	char *argv[32] = {"pizzactl"};
	int argc = 1;

	invocation_done(&got);
	memset(&err, 0, sizeof(err));
	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return command_parse(argc, argv, &got, &err);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(parse("saga ls"), 0);
	assert_string_equal(got.command->verb, "ls");
	assert_int_equal(parse("sa sh x"), 0);
	assert_string_equal(got.command->verb, "show");
	assert_string_equal(got.arguments[0], "x");
	assert_int_equal(parse("status a b"), 0);
	assert_int_equal(got.argument_count, 2);
	assert_int_equal(parse(""), 0);
	assert_null(got.noun);
	assert_int_equal(parse("saga"), 0);
	assert_null(got.command);
}

static void test_unknown_words(void **state)
{
	(void)state;
	assert_int_equal(parse("sgaa ls"), ERR_USAGE);
	assert_non_null(strstr(err.why, "saga, status, start, lag"));
	assert_string_equal(err.hint, "did you mean saga?");
	assert_int_equal(parse("saga lss"), ERR_USAGE);
	assert_non_null(strstr(err.why, "ls, show, wait, watch"));
	assert_int_equal(parse("sta"), ERR_USAGE);
	assert_string_equal(err.why, "is short for several: status, start");
	assert_int_equal(parse("saga wa x"), ERR_USAGE);
	assert_string_equal(err.why, "is short for several: wait, watch");
}

static void test_options(void **state)
{
	(void)state;
	assert_int_equal(parse("-o json saga ls --state paid -fn3"), 0);
	assert_string_equal(invocation_text(&got, "output"), "json");
	assert_string_equal(invocation_text(&got, "state"), "paid");
	assert_string_equal(invocation_text(&got, "number"), "3");
	assert_true(invocation_flag(&got, "follow"));
	assert_false(invocation_flag(&got, "quiet"));
	assert_int_equal(parse("saga -ojson ls --state=ready --number=4 -q"), 0);
	assert_string_equal(invocation_text(&got, "state"), "ready");
	assert_int_equal(parse("saga ls"), 0);
	assert_string_equal(invocation_text(&got, "output"), "table");
	assert_string_equal(invocation_text(&got, "number"), "10");
	assert_null(invocation_text(&got, "state"));
	assert_int_equal(parse("saga ls --sort -age"), 0);
	assert_string_equal(invocation_text(&got, "sort"), "-age");
	assert_int_equal(parse("saga ls -n 1 -n 2"), 0);
	assert_string_equal(invocation_text(&got, "number"), "2");
}

/* A command's own option hides the global one of the same name. */
static void test_hidden_option(void **state)
{
	(void)state;
	assert_int_equal(parse("saga ls"), 0);
	assert_string_equal(invocation_text(&got, "timeout"), "5s");
	assert_int_equal(parse("saga wait x"), 0);
	assert_string_equal(invocation_text(&got, "timeout"), "30s");
	assert_int_equal(parse("saga wait x --timeout 1m"), 0);
	assert_string_equal(invocation_text(&got, "timeout"), "1m");
}

static void test_optional_value(void **state)
{
	(void)state;
	assert_int_equal(parse("saga ls --stuck"), 0);
	assert_true(invocation_flag(&got, "stuck"));
	assert_null(invocation_text(&got, "stuck"));
	assert_int_equal(parse("saga ls --stuck 5m"), 0);
	assert_string_equal(invocation_text(&got, "stuck"), "5m");
	assert_int_equal(parse("saga ls --stuck -o json"), 0);
	assert_null(invocation_text(&got, "stuck"));
	assert_string_equal(invocation_text(&got, "output"), "json");
	assert_int_equal(parse("saga ls --stuck=xyz"), ERR_USAGE);
}

static void test_wrong_options(void **state)
{
	static const struct {
		const char *line, *what;
	} cases[] = {
	    {"saga ls --sate paid", "--sate"},	 {"saga ls --state bad", "--state"},
	    {"saga ls -n x", "--number"},	 {"saga ls -n -1", "--number"},
	    {"saga ls --rate 1.5", "--rate"},	 {"saga ls --rate x", "--rate"},
	    {"saga ls --stuck=5x", "--stuck"},	 {"saga ls --follow=1", "--follow=1"},
	    {"saga ls -o", "--output"},		 {"saga ls -x", "-x"},
	    {"--state paid saga ls", "--state"}, {"saga ls -o xml", "--output"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(cases[i].line), ERR_USAGE);
		assert_string_equal(err.what, cases[i].what);
	}
	assert_int_equal(parse("saga ls --sate paid"), ERR_USAGE);
	assert_string_equal(err.hint, "did you mean --state?");
	assert_int_equal(parse("saga ls -o jsn"), ERR_USAGE);
	assert_non_null(strstr(err.why, "\"jsn\" is none of table, "));
	assert_string_equal(err.hint, "did you mean json?");
}

static void test_arguments(void **state)
{
	(void)state;
	assert_int_equal(parse("saga show"), ERR_USAGE);
	assert_non_null(strstr(err.why, "needs ID: an id"));
	assert_int_equal(parse("saga show a b"), ERR_USAGE);
	assert_non_null(strstr(err.why, "\"b\" is one argument too many"));
	assert_int_equal(parse("saga show -- -a"), 0);
	assert_string_equal(got.arguments[0], "-a");
	assert_int_equal(parse("saga show -"), 0);
	assert_string_equal(got.arguments[0], "-");
	assert_int_equal(parse("status"), 0);
}

/* What is too short is no missing value: it is refused. */
static void test_least(void **state)
{
	(void)state;
	assert_int_equal(parse("status --timeout 1ms"), 0);
	assert_int_equal(parse("status --timeout 0"), ERR_INVALID);
	assert_string_equal(err.what, "--timeout");
	assert_non_null(strstr(err.why, "1 ms at least"));
	assert_int_equal(parse("status -e a"), 0);
	assert_int_equal(got.argument_count, 1);
	assert_int_equal(parse("status -e 100ms"), 0);
	assert_int_equal(got.argument_count, 0);
	assert_int_equal(parse("status -e 0"), ERR_INVALID);
}

static void test_negative_and_empty(void **state)
{
	char *argv[] = {"pizzactl", "saga", "show", ""};

	(void)state;
	assert_int_equal(parse("saga show -5"), 0);
	assert_string_equal(got.arguments[0], "-5");
	invocation_done(&got);
	assert_int_equal(command_parse(4, argv, &got, &err), ERR_USAGE);
	assert_non_null(strstr(err.why, " is empty"));
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(parse("saga show --help"), 0);
	assert_true(got.help);
	assert_int_equal(parse("-h"), 0);
	assert_true(got.help);
	assert_int_equal(parse("saga -h"), 0);
	assert_null(got.command);
}

static const char *parsed_verb(void)
{
	return got.command != NULL ? got.command->verb : "no command";
}

/* A noun that also stands alone takes the options of that command without a verb. */
static void test_noun_alone(void **state)
{
	(void)state;
	assert_int_equal(parse("lag"), 0);
	assert_null(parsed_verb());
	assert_int_equal(parse("lag -n 3"), 0);
	assert_null(parsed_verb());
	assert_int_equal(parse("lag -o json check"), 0);
	assert_string_equal(parsed_verb(), "check");
	assert_int_equal(parse("lag nonsense"), ERR_USAGE);
}

static int teardown(void **state)
{
	(void)state;
	invocation_done(&got);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),	   cmocka_unit_test(test_unknown_words),
	    cmocka_unit_test(test_options),	   cmocka_unit_test(test_hidden_option),
	    cmocka_unit_test(test_optional_value), cmocka_unit_test(test_wrong_options),
	    cmocka_unit_test(test_arguments),	   cmocka_unit_test(test_help),
	    cmocka_unit_test(test_least),	   cmocka_unit_test(test_negative_and_empty),
	    cmocka_unit_test(test_noun_alone),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
