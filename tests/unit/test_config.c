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
#include <unistd.h>

#include "core/config/config.h"

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
	write_file("log.level: debug\npayment.parallel: 8\nkafka.partitions: 3\norder.stuck: 1m\n");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults), cmocka_unit_test(test_nested_and_dotted),
	    cmocka_unit_test(test_errors),   cmocka_unit_test(test_failure_keeps_values),
	    cmocka_unit_test(test_reload),   cmocka_unit_test(test_validate_all),
	    cmocka_unit_test(test_values),   cmocka_unit_test(test_precedence), /* its override stays: last */
	};

	return cmocka_run_group_tests_name("config", tests, setup, teardown);
}
