/*
 * Contexts as the console sees them: which one is chosen, what it lays over the configuration, where daemons
 * are looked for, and what the guard lets happen.
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
#include "core/config/config.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/guard.h"

static char folder[] = "/tmp/pizza-context-XXXXXX";
static char file[80];

static void write_contexts(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(file, 0600), 0);
}

static int setup(void **state)
{
	static const char *const variables[] = {"PIZZA_HOME", "PIZZA_CONTEXT", "PIZZA_PORT_BASE",
						"PIZZA_DATABASE_URL", "PIZZA_CONFIG"};
	char below[64];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	setenv("XDG_CONFIG_HOME", folder, 1);
	setenv("XDG_STATE_HOME", folder, 1);
	snprintf(below, sizeof(below), "%s/pizza", folder);
	snprintf(file, sizeof(file), "%s/contexts.yaml", below);
	return mkdir(below, 0700);
}

static int teardown(void **state)
{
	char below[64];

	(void)state;
	snprintf(below, sizeof(below), "%s/pizza", folder);
	unlink(file);
	rmdir(below);
	return rmdir(folder);
}

static void use(const char *name)
{
	struct error err = {0};

	if (context_use(name, &err) < 0)
		fail_msg("%s: %s: %s", name != NULL ? name : "-", err.what, err.why);
}

static void assert_base(const char *daemon, const char *wanted)
{
	char base[API_BASE_SIZE];

	assert_string_equal(api_base(daemon, base, sizeof(base)), wanted);
}

static void test_daemons_are_looked_for_where_the_context_says(void **state)
{
	char base[API_BASE_SIZE];

	(void)state;
	write_contexts("contexts:\n"
		       "  plain: {api: 'http://10.0.0.7/', port_base: 6000}\n"
		       "  six: {api: 'http://[2001:db8::1]', port_base: 6000}\n"
		       "  gate: {api: 'https://shop.example.org:8443/pizza/'}\n"
		       "  path: {api: 'https://shop.example.org/pizza'}\n"
		       "  some: {api.orderd: 'http://orders:80'}\n"
		       "  here: {home: /srv/pizza, port_base: 7000}\n");
	use("plain");
	assert_false(context_is_local());
	assert_base("orderd", "http://10.0.0.7:6002");
	assert_base("order", "http://10.0.0.7:6002");
	assert_null(api_base("nosuchd", base, sizeof(base)));
	use("six");
	assert_base("menud", "http://[2001:db8::1]:6001");
	use("gate");
	assert_base("menud", "https://shop.example.org:8443/pizza");
	use("path");
	assert_base("menud", "https://shop.example.org/pizza");
	use("some");
	assert_base("orderd", "http://orders:80");
	assert_base("menud", "");
	use("here");
	assert_true(context_is_local());
	assert_base("menud", "http://127.0.0.1:7001");
	use("local");
	assert_base("menud", "http://127.0.0.1:5001"); /* nothing is left of the one before */
}

static void test_the_guard_asks_the_context(void **state)
{
	struct error err = {0};

	(void)state;
	write_contexts("contexts:\n"
		       "  ro: {api: 'http://a', readonly: true}\n"
		       "  both: {api: 'http://a', readonly: true, protected: true}\n"
		       "  prod: {api: 'http://a', protected: true}\n");
	use("local");
	assert_int_equal(guard_change("x", &err), 0);
	assert_int_equal(guard_local("x", &err), 0);
	use("ro");
	assert_int_equal(guard_change("x", &err), ERR_REFUSED);
	assert_int_equal(guard_local("x", &err), ERR_REFUSED);
	guard_agree(true);
	assert_int_equal(guard_change("x", &err), ERR_REFUSED);
	use("both");
	assert_int_equal(guard_change("x", NULL), ERR_REFUSED);
	use("prod");
	assert_int_equal(guard_change("x", &err), 0);
	guard_agree(false);
	assert_int_equal(guard_change("x", &err), ERR_REFUSED);
	assert_non_null(strstr(err.hint, "--yes"));
}

static void assert_refused(const char *text, const char *what, const char *why)
{
	struct error err = {0};
	struct contexts list;

	write_contexts(text);
	assert_int_equal(contexts_read(&list, &err), ERR_INVALID);
	if (strstr(err.what, what) == NULL || strstr(err.why, why) == NULL)
		fail_msg("\"%s\" \"%s\" instead of %s, %s", err.what, err.why, what, why);
	contexts_done(&list);
	assert_int_equal(contexts_read(&list, NULL), ERR_INVALID);
	contexts_done(&list);
}

static void test_mistakes_are_told_with_their_line(void **state)
{
	(void)state;
	assert_refused("contexts:\n  a:\n    api: http://x\n    color: red\n", "contexts.yaml:4: color",
		       "there are home, config, api");
	assert_refused("contexts:\n  a:\n    api: x\n", "contexts.yaml:3: api", "must be a URL");
	assert_refused("contexts:\n  a:\n    api.x: http://x\n", "contexts.yaml:3: api.x", "no such daemon");
	assert_refused("contexts:\n  a b: {api: http://x}\n", "contexts.yaml:2: a b",
		       "no name for a context");
	assert_refused("contexts:\n  a: yes\n", "contexts.yaml:2: a", "must be a map");
	assert_refused("contexts:\n  a: {api: http://x, api: http://y}\n", "contexts.yaml:2", "twice");
	assert_refused("contexts:\n  local: {home: /x}\n", "contexts.yaml:2: home", "PIZZA_HOME");
	assert_refused("current: a\nprevious: b\n", "contexts.yaml:2: previous", "current and contexts");
	assert_refused("contexts:\n  a: {api: http://x, database.url: nowhere}\n", "contexts.yaml:2",
		       "postgresql://");
}

static void test_changes_are_checked_before_they_are_written(void **state)
{
	const char *good[] = {"api=http://x", "readonly=true"}, *bad[] = {"port_base=80"};
	struct contexts list;
	struct error err = {0};
	struct stat st;

	(void)state;
	unlink(file);
	assert_int_equal(contexts_set("shop", good, 2, false, &err), 0);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(contexts_set("shop", good, 2, true, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(contexts_set("shop", bad, 1, true, &err), ERR_INVALID);
	assert_int_equal(contexts_make_current("shop", &err), 0);
	assert_int_equal(contexts_make_current("shopp", &err), ERR_USAGE);
	assert_string_equal(err.hint, "did you mean shop?");
	assert_int_equal(contexts_read(&list, &err), 0);
	assert_string_equal(list.current, "shop");
	assert_int_equal(list.count, 2);
	contexts_done(&list);
	assert_int_equal(contexts_remove("shop", &err), 0);
	assert_int_equal(contexts_remove("shop", &err), ERR_USAGE);
	assert_int_equal(contexts_remove("local", &err), ERR_REFUSED);
	assert_int_equal(contexts_read(&list, &err), 0);
	assert_null(list.current);
	contexts_done(&list);
}

static void test_headers_are_encoded(void **state)
{
	CLEANUP(buf_done) struct buf actor = {0}, reason = {0};

	(void)state;
	guard_reason(NULL);
	guard_reason_header(&reason);
	assert_int_equal(reason.len, 0);
	guard_reason("zu spät\r\nX-Evil: 1");
	guard_reason_header(&reason);
	guard_reason(NULL);
	assert_string_equal(buf_str(&reason), "X-Pizza-Reason: zu%20sp%C3%A4t%0D%0AX-Evil%3A%201");
	guard_actor_header(&actor);
	assert_int_equal(strncmp(buf_str(&actor), "X-Pizza-Actor: ", 15), 0);
	assert_non_null(strchr(buf_str(&actor), '@'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_daemons_are_looked_for_where_the_context_says),
	    cmocka_unit_test(test_the_guard_asks_the_context),
	    cmocka_unit_test(test_mistakes_are_told_with_their_line),
	    cmocka_unit_test(test_changes_are_checked_before_they_are_written),
	    cmocka_unit_test(test_headers_are_encoded),
	};

	return cmocka_run_group_tests_name("contexts", tests, setup, teardown);
}
