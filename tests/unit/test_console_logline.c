/*
 * Log lines of daemons, PostgreSQL and Kafka as rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/json.h"
#include "core/console/logline.h"

#define AT INT64_C(1795264201114000) /* 2026-11-21T12:30:01.114Z */

static void check(const char *text, int64_t at_us, enum log_level level, const char *service, const char *msg)
{
	struct logline line = logline_parse(text, strlen(text), "file");

	assert_int_equal(line.at_us, at_us);
	assert_int_equal(logline_time(text, strlen(text)), at_us);
	assert_int_equal(line.level, level);
	assert_string_equal(json_string_or(line.row, "service", ""), service);
	assert_string_equal(json_string_or(line.row, "msg", ""), msg);
	json_decref(line.row);
}

static void test_lines(void **state)
{
	(void)state;
	check("{\"ts\":\"2026-11-21T12:30:01.114000Z\",\"level\":\"warn\",\"service\":\"orderd\",\"msg\":"
	      "\"m\"}",
	      AT, LOG_WARN, "orderd", "m");
	check("[2026-11-21 12:30:01,114] ERROR broken (kafka.x)", AT, LOG_ERROR, "file",
	      "ERROR broken (kafka.x)");
	check("2026-11-21 12:30:01.114 UTC [7] LOG:  ready", AT, LOG_INFO, "file", "[7] LOG:  ready");
	check("2026-11-21 12:30:01.114 UTC [7] u@d FATAL:  no", AT, LOG_ERROR, "file", "[7] u@d FATAL:  no");
	check("\tat a stack", 0, LOG_INFO, "file", "\tat a stack");
	check("{\"no\": json", 0, LOG_INFO, "file", "{\"no\": json");
	check("[2026-13-41 12:30:01,114] x", 0, LOG_INFO, "file", "[2026-13-41 12:30:01,114] x");
	check("2026", 0, LOG_INFO, "file", "2026");
	check("bad \xff", 0, LOG_INFO, "file", "bad ?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
