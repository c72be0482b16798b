/*
 * Configuration: precedence, nested and dotted keys, errors that name line and key, reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/config/report.h"

static char folder[] = "/tmp/pizza-config-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void assert_loads(const char *text)
{
	struct error err = {0};
	int rc;

	write_file(text);
	rc = config_load(path, &err);
	if (rc < 0)
		fail_msg("%s: %s", err.what, err.why);
}

/* The file is refused; where, why and the hint contain the words given. */
static void assert_refused(const char *text, const char *where, const char *why, const char *hint)
{
	struct error err = {0};

	write_file(text);
	assert_int_equal(config_load(path, &err), ERR_INVALID);
	if (strstr(err.what, where) == NULL || strstr(err.why, why) == NULL || strstr(err.hint, hint) == NULL)
		fail_msg("\"%s\" \"%s\" \"%s\" instead of %s, %s, %s", err.what, err.why, err.hint, where,
			 why, hint);
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pizza.yaml", folder);
	return unsetenv("PIZZA_PORT_BASE") | unsetenv("PIZZA_CONFIG");
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void test_defaults(void **state)
{
	(void)state;
	assert_int_equal(config_int(CONFIG_PORT_BASE), 5000);
	assert_int_equal(config_int(CONFIG_KAFKA_HEAP), 512 << 20);
	assert_int_equal(config_int(CONFIG_ORDER_DEADLINE), 900000);
	assert_string_equal(config_string(CONFIG_LOG_LEVEL), "info");
	assert_int_equal(config_origin(CONFIG_PORT_BASE), ORIGIN_DEFAULT);
	for (int i = 0; i < CONFIG_COUNT; i++)
		assert_int_equal(
		    config_check((enum config_key)i, config_row((enum config_key)i)->fallback, NULL), 0);
}

static void test_nested_and_dotted(void **state)
{
	(void)state;
	assert_loads("# comment\nport_base: 7000\nlog:\n  level: debug\nkafka.heap: 1GiB\n"
		     "order: {stuck: 45s, group: 12}\n\"mail.url\": \"smtp://localhost:25\"\nmail.user:\n");
	assert_int_equal(config_int(CONFIG_PORT_BASE), 7000);
	assert_string_equal(config_string(CONFIG_LOG_LEVEL), "debug");
	assert_int_equal(config_int(CONFIG_KAFKA_HEAP), 1 << 30);
	assert_int_equal(config_int(CONFIG_ORDER_STUCK), 45000);
	assert_string_equal(config_text(CONFIG_ORDER_STUCK), "45s");
	assert_int_equal(config_int(CONFIG_ORDER_GROUP), 12);
	assert_string_equal(config_string(CONFIG_MAIL_URL), "smtp://localhost:25");
	assert_string_equal(config_string(CONFIG_MAIL_USER), "");
	assert_int_equal(config_origin(CONFIG_MAIL_URL), ORIGIN_FILE);
	assert_int_equal(config_origin(CONFIG_MAIL_FROM), ORIGIN_DEFAULT);
	assert_string_equal(config_file(), path);
	assert_loads("");
	assert_int_equal(config_int(CONFIG_PORT_BASE), 5000);
	assert_loads("---\n# nothing\n...\n");
}

static void test_errors(void **state)
{
	(void)state;
	assert_refused("port_base: 7000\nlog:\n  levle: debug\n", "pizza.yaml:3: log.levle", "no such key",
		       "did you mean log.level?");
	assert_refused("xyzzy: 1\n", ":1: xyzzy", "no such key", "config show");
	assert_refused("\n\nport_base: 80\n", ":3: port_base", "an integer from 1024 to 64000", "");
	assert_refused("port_base: 5000x\n", ":1: port_base", "\"5000x\" is not allowed", "");
	assert_refused("order.stuck: soon\n", ":1: order.stuck", "a duration such as", "");
	assert_refused("kafka: {heap: 1}\n", ":1: kafka.heap", "from 128 MiB to 64 GiB", "");
	assert_refused("log.level: loud\n", ":1: log.level", "debug, info, warn or error", "");
	assert_refused("menu.currency: rubel\n", ":1: menu.currency", "ISO 4217", "");
	assert_refused("mail.url: localhost:25\n", ":1: mail.url", "smtp://", "");
	assert_refused("database.url: here\n", ":1: database.url", "postgresql://", "");
	assert_refused("port_base: 7000\nport_base: 7001\n", ":2: port_base", "twice, first in line 1", "");
	assert_refused("log: {level: info}\nlog.level: warn\n", ":2: log.level", "twice, first in line 1",
		       "");
	assert_refused("port_base: [1, 2]\n", ":1: port_base", "a list", "");
	assert_refused("- a\n", ":1", "must be a map", "");
	assert_refused("log.level: &a info\nmail.from: *a\n", ":2: mail.from", "alias", "");
	assert_refused("log: {level: info\n}}", ":2", "not valid YAML", "");
	assert_refused("? [a]\n: b\n", ":1", "not plain text", "");
}

static void test_failure_keeps_values(void **state)
{
	struct error err = {0};

	(void)state;
	assert_loads("port_base: 7100\n");
	assert_refused("port_base: nonsense\n", "port_base", "integer", "");
	assert_int_equal(config_int(CONFIG_PORT_BASE), 7100);
	assert_int_equal(config_load("/nonexistent/pizza.yaml", &err), ERR_NOT_FOUND);
}

static void test_precedence(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(setenv("PIZZA_PORT_BASE", "7200", 1), 0);
	assert_int_equal(setenv("PIZZA_LOG_LEVEL", "warn", 1), 0);
	assert_loads("port_base: 7100\nlog.level: debug\n");
	assert_int_equal(config_int(CONFIG_PORT_BASE), 7200);
	assert_int_equal(config_origin(CONFIG_PORT_BASE), ORIGIN_ENVIRONMENT);
	assert_string_equal(config_origin_word(config_origin(CONFIG_LOG_LEVEL)), "environment");
	assert_int_equal(config_override("port_base", "7300", &err), 0);
	assert_int_equal(config_int(CONFIG_PORT_BASE), 7300);
	assert_int_equal(config_origin(CONFIG_PORT_BASE), ORIGIN_OPTION);
	assert_int_equal(config_override("port_base", "1", &err), ERR_INVALID);
	assert_int_equal(config_override("portbase", "7300", &err), ERR_INVALID);
	assert_non_null(strstr(err.hint, "port_base"));
	assert_int_equal(setenv("PIZZA_PORT_BASE", "many", 1), 0);
	assert_int_equal(config_load(path, &err), ERR_INVALID);
	assert_non_null(strstr(err.what, "PIZZA_PORT_BASE"));
	assert_int_equal(unsetenv("PIZZA_PORT_BASE") | unsetenv("PIZZA_LOG_LEVEL"), 0);
}

static void test_reload(void **state)
{
	struct error err = {0};
	char skipped[200] = "unset";
	const char *before;

	(void)state;
	assert_loads("log.level: info\npayment.parallel: 7\n");
	before = config_string(CONFIG_LOG_LEVEL);
	write_file("log.level: debug\npayment.parallel: 8\nkafka.partitions: 4\norder.stuck: 1m\n");
	assert_int_equal(config_reload(skipped, sizeof(skipped), &err), 0);
	assert_string_equal(skipped, "kafka.partitions, payment.parallel");
	assert_string_equal(config_string(CONFIG_LOG_LEVEL), "debug");
	assert_int_equal(config_int(CONFIG_ORDER_STUCK), 60000);
	assert_int_equal(config_int(CONFIG_PAYMENT_PARALLEL), 7);
	assert_string_equal(before, "info"); /* strings handed out stay valid */
	write_file("log.level: nonsense\n");
	assert_int_equal(config_reload(skipped, sizeof(skipped), &err), ERR_INVALID);
	assert_string_equal(config_string(CONFIG_LOG_LEVEL), "debug");
}

static void count_problem(void *arg, int line, const char *key, const struct error *err)
{
	(void)key;
	assert_int_equal(err->code, ERR_INVALID);
	*(int *)arg = *(int *)arg * 10 + line;
}

static void test_validate_all(void **state)
{
	struct error err = {0};
	int lines = 0;

	(void)state;
	write_file("port_base: 1\nlog.level: info\nlog.leve: info\nkafka.heap: big\n");
	assert_int_equal(config_validate_file(path, count_problem, &lines, &err), ERR_INVALID);
	assert_int_equal(lines, 134);
	assert_non_null(strstr(err.why, "3 problems"));
	write_file("log.level: info\n");
	assert_int_equal(config_validate_file(path, count_problem, &lines, &err), 0);
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(config_check(CONFIG_KAFKA_HEAP, "1.5GiB", NULL), 0);
	assert_int_equal(config_check(CONFIG_KAFKA_HEAP, "512 MB", NULL), 0);
	assert_int_equal(config_check(CONFIG_KAFKA_HEAP, "512 furlongs", NULL), ERR_INVALID);
	assert_int_equal(config_check(CONFIG_KAFKA_HEAP, "-1GiB", NULL), ERR_INVALID);
	assert_int_equal(config_check(CONFIG_PORT_BASE, "99999999999999999999", NULL), ERR_INVALID);
	assert_int_equal(config_check(CONFIG_ORDER_STUCK, "1m30s", NULL), 0);
	assert_int_equal(config_check(CONFIG_ORDER_STUCK, "1ms", NULL), ERR_INVALID);
}

static const char *where(enum config_key key)
{
	return config_origin_word(config_origin(key));
}

static void test_context_is_between_file_and_environment(void **state)
{
	struct error err = {0};

	(void)state;
	write_file("log.level: warn\norder.group: 7\n");
	assert_int_equal(config_context("log.level", "debug", false, &err), 0);
	assert_int_equal(config_context("http.connections", "100", false, &err), 0);
	setenv("PIZZA_HTTP_CONNECTIONS", "200", 1);
	assert_int_equal(config_load(path, &err), 0);
	assert_string_equal(config_string(CONFIG_LOG_LEVEL), "debug");
	assert_string_equal(where(CONFIG_LOG_LEVEL), "context");
	assert_string_equal(where(CONFIG_ORDER_GROUP), "file");
	assert_int_equal(config_line(CONFIG_ORDER_GROUP), 2);
	assert_int_equal(config_line(CONFIG_LOG_LEVEL), 0);
	assert_int_equal(config_int(CONFIG_HTTP_CONNECTIONS), 200);
	assert_string_equal(where(CONFIG_HTTP_CONNECTIONS), "environment");
	/* Named by an option, it is stronger. */
	assert_int_equal(config_context("http.connections", "100", true, &err), 0);
	assert_int_equal(config_load(path, &err), 0);
	assert_int_equal(config_int(CONFIG_HTTP_CONNECTIONS), 100);
	assert_string_equal(where(CONFIG_HTTP_CONNECTIONS), "context");
	unsetenv("PIZZA_HTTP_CONNECTIONS");
	assert_int_equal(config_context("http.connections", "1", true, &err), ERR_INVALID);
	assert_int_equal(config_context("http.connection", "5000", true, &err), ERR_INVALID);
	assert_string_equal(err.hint, "did you mean http.connections?");
}

static void assert_shown(enum config_key key, const char *text, const char *wanted)
{
	struct buf shown = {0};

	config_add_shown(&shown, key, text);
	assert_string_equal(buf_str(&shown), wanted);
	buf_done(&shown);
}

static void test_secrets_are_not_shown(void **state)
{
	(void)state;
	assert_shown(CONFIG_PAYMENT_KEY, "sk_x", "(set)");
	assert_shown(CONFIG_PAYMENT_KEY, "", "");
	assert_shown(CONFIG_DATABASE_URL, "postgresql://u:pw@h:5432", "postgresql://u:***@h:5432");
	assert_shown(CONFIG_DATABASE_URL, "postgresql://u@h:5432", "postgresql://u@h:5432");
	assert_shown(CONFIG_DATABASE_URL, "postgresql://h:5432", "postgresql://h:5432");
	assert_shown(CONFIG_DATABASE_URL, "host=h password=x user=u", "host=h password=*** user=u");
	assert_shown(CONFIG_DATABASE_URL, "postgresql://h/?password=x&a=b",
		     "postgresql://h/?password=***&a=b");
	assert_true(config_has_secret(CONFIG_DATABASE_URL, "postgresql://u:p@h"));
	assert_false(config_has_secret(CONFIG_DATABASE_URL, "postgresql://u@h"));
	assert_false(config_has_secret(CONFIG_MAIL_PASSWORD, ""));
}

static void test_report_has_fingerprints_instead_of_secrets(void **state)
{
	char one[33] = "", other[33];
	json_t *report, *values, *v;
	char *text;
	size_t i;

	(void)state;
	assert_loads("payment.key: sk_hush\n");
	report = config_report("salt");
	text = json_dumps(report, 0);
	assert_null(strstr(text, "sk_hush"));
	free(text);
	values = json_object_get(report, "values");
	assert_int_equal(json_array_size(values), CONFIG_COUNT);
	json_array_foreach (values, i, v) {
		if (strcmp(json_string_value(json_object_get(v, "key")), "payment.key") == 0)
			assert_string_equal(json_string_value(json_object_get(v, "fingerprint")),
					    config_fingerprint("salt", "sk_hush", one));
	}
	assert_string_not_equal(one, "");
	assert_string_not_equal(one, config_fingerprint("salt", "sk_husj", other));
	assert_string_not_equal(one, config_fingerprint("pepper", "sk_hush", other));
	json_decref(report);
}

static void test_reload_finds_a_file_that_was_not_there(void **state)
{
	char skipped[200] = "", below[64], usual[96];
	struct error err = {0};

	(void)state;
	snprintf(below, sizeof(below), "%s/pizza", folder);
	snprintf(usual, sizeof(usual), "%s/pizza.yaml", below);
	setenv("XDG_CONFIG_HOME", folder, 1);
	assert_int_equal(config_load(NULL, &err), 0);
	assert_string_equal(config_file(), "");
	assert_string_equal(config_place(), usual);
	assert_int_equal(mkdir(below, 0700), 0);
	write_file("order.stuck: 40s\n");
	assert_int_equal(rename(path, usual), 0);
	assert_int_equal(config_reload(skipped, sizeof(skipped), &err), 0);
	assert_string_equal(config_file(), usual);
	assert_int_equal(config_int(CONFIG_ORDER_STUCK), 40000);
	unlink(usual);
	rmdir(below);
	unsetenv("XDG_CONFIG_HOME");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_nested_and_dotted),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_failure_keeps_values),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_validate_all),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_secrets_are_not_shown),
	    cmocka_unit_test(test_report_has_fingerprints_instead_of_secrets),
	    cmocka_unit_test(test_reload_finds_a_file_that_was_not_there),
	    cmocka_unit_test(test_precedence),				    /* its override stays */
	    cmocka_unit_test(test_context_is_between_file_and_environment), /* what it says stays: last */
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
