/*
 * Changing one value of a YAML text: what stays, what is added where, and what is refused.
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

#include "core/base/mem.h"
#include "core/config/edit.h"

static void assert_text(const struct buf *text, const char *wanted)
{
	assert_string_equal(buf_str(text), wanted);
}

static void assert_set(const char *before, const char *path, const char *value, const char *after)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct error err = {0};

	buf_adds(&text, before);
	if (edit_set(&text, path, value, &err) < 0)
		fail_msg("%s: %s: %s", path, err.what, err.why);
	assert_text(&text, after);
}

static void assert_removed(const char *before, const char *path, const char *after)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct error err = {0};

	buf_adds(&text, before);
	if (edit_remove(&text, path, &err) < 0)
		fail_msg("%s: %s: %s", path, err.what, err.why);
	assert_text(&text, after);
}

static void test_replaces_in_place(void **state)
{
	(void)state;
	assert_set("# mine\nlog:\n  level: info   # loud\nport_base: 5000\n", "log.level", "debug",
		   "# mine\nlog:\n  level: debug   # loud\nport_base: 5000\n");
	assert_set("log.level: 'info' # é\n", "log.level", "warn", "log.level: warn # é\n");
	assert_set("# Größe\nlog: {level: info, x: 1}\n", "log.level", "warn",
		   "# Größe\nlog: {level: warn, x: 1}\n");
	assert_set("log:\n  level:\nb: 1\n", "log.level", "warn", "log:\n  level: warn\nb: 1\n");
	assert_set("a: |\n  long\n  text\nb: 1\n", "a", "x", "a: x\nb: 1\n");
	assert_set("a: 1\r\nb: 2\r\n", "b", "3", "a: 1\r\nb: 3\r\n");
}

static void test_adds_beside_its_siblings(void **state)
{
	(void)state;
	assert_set("", "log.level", "debug", "log.level: debug\n");
	assert_set("# only this", "log.level", "debug", "# only this\nlog.level: debug\n");
	assert_set("log:\n    x: 1 # one\n\n# about b\nb: 2\n", "log.level", "debug",
		   "log:\n    x: 1 # one\n    level: debug\n\n# about b\nb: 2\n");
	assert_set("log:\n  x: 1\n  # of log\n# of all\n", "b", "2",
		   "log:\n  x: 1\n  # of log\nb: 2\n# of all\n");
	assert_set("log: {}\n", "log.level", "debug", "log: {level: debug}\n");
	assert_set("log: { x: 1 }\n", "log.level", "debug", "log: { x: 1, level: debug }\n");
	assert_set("a: 1", "b", "2", "a: 1\nb: 2\n");
	assert_set("contexts:\n  shop:\n    api: http://a\ncurrent: shop\n", "contexts/shop/database.url",
		   "x", "contexts:\n  shop:\n    api: http://a\n    database.url: x\ncurrent: shop\n");
	assert_set("", "contexts/shop/api", "http://a:1", "contexts:\n  shop:\n    api: http://a:1\n");
}

static void test_quotes_what_needs_it(void **state)
{
	(void)state;
	assert_set("", "a", "", "a: \"\"\n");
	assert_set("", "a", "null", "a: \"null\"\n");
	assert_set("", "a", "x # y: \"z\"\\", "a: \"x # y: \\\"z\\\"\\\\\"\n");
	assert_set("", "a", "h:1,h:2", "a: \"h:1,h:2\"\n");
	assert_set("", "a", "été", "a: \"été\"\n");
}

static void test_removes_with_what_would_be_empty(void **state)
{
	static const char two[] = "contexts:\n  # the shop\n  shop:\n    api: x\n    readonly: true\n  b:\n"
				  "    home: /b\ncurrent: b\n";

	(void)state;
	assert_removed(two, "contexts/shop", "contexts:\n  # the shop\n  b:\n    home: /b\ncurrent: b\n");
	assert_removed("a: 1\ncontexts:\n  b:\n    home: /b\n# end\n", "contexts/b", "a: 1\n# end\n");
	assert_removed("c: {a: 1, b: 2}\n", "c.a", "c: {b: 2}\n");
	assert_removed("c: {a: 1, b: 2}\n", "c.b", "c: {a: 1}\n");
	assert_removed("a: 1\n", "a", "");
}

static void test_refuses_and_leaves_the_text(void **state)
{
	static const char *const bad[] = {"- a\n- b\n", "just text\n", "a: [1\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_done) struct buf text = {0};
		struct error err = {0};

		buf_adds(&text, bad[i]);
		assert_int_equal(edit_set(&text, "b", "1", &err), ERR_INVALID);
		assert_text(&text, bad[i]);
	}
}

static void test_writes_at_once(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};
	CLEANUP(buf_done) struct buf back = {0};
	char folder[] = "/tmp/pizza-edit-XXXXXX", file[80], deep[80];
	struct error err = {0};
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(deep, sizeof(deep), "%s/a", folder);
	snprintf(file, sizeof(file), "%s/a/f.yaml", folder);
	buf_adds(&text, "a: 1\n");
	assert_int_equal(edit_write(file, &text, 0600, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(edit_write(file, &text, 0, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(edit_read(file, &back, &err), 0);
	assert_text(&back, "a: 1\n");
	unlink(file);
	assert_int_equal(rmdir(deep), 0); /* nothing is left aside */
	rmdir(folder);
	assert_true(edit_write("/proc/nowhere/f", &text, 0, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_replaces_in_place),
	    cmocka_unit_test(test_adds_beside_its_siblings),
	    cmocka_unit_test(test_quotes_what_needs_it),
	    cmocka_unit_test(test_removes_with_what_would_be_empty),
	    cmocka_unit_test(test_refuses_and_leaves_the_text),
	    cmocka_unit_test(test_writes_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
