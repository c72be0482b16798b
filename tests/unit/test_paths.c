/*
 * Paths: where the home folder is, its limits and modes, and the operator token.
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

#include "core/config/paths.h"

static char folder[] = "/tmp/pizza-paths-XXXXXX";

static void in_folder(char text[256], const char *name)
{
	snprintf(text, 256, "%s/%s", folder, name);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void use_home(const char *name)
{
	char home[256];
	struct error err = {0};

	in_folder(home, name);
	assert_int_equal(setenv("PIZZA_HOME", home, 1), 0);
	assert_int_equal(paths_init(&err), 0);
}

static void test_default_home(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(unsetenv("PIZZA_HOME"), 0);
	assert_int_equal(setenv("XDG_STATE_HOME", "/tmp/state", 1), 0);
	assert_int_equal(setenv("XDG_CACHE_HOME", "/tmp/cache", 1), 0);
	assert_int_equal(paths_init(&err), 0);
	assert_string_equal(paths_home(), "/tmp/state/pizza");
	assert_string_equal(paths_cache(), "/tmp/cache/pizza");
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0); /* to be ignored */
	assert_int_equal(setenv("HOME", "/tmp/me", 1), 0);
	assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
	assert_int_equal(paths_init(&err), 0);
	assert_string_equal(paths_home(), "/tmp/me/.local/state/pizza");
	assert_string_equal(paths_cache(), "/tmp/me/.cache/pizza");
}

static void test_home_from_environment(void **state)
{
	struct error err = {0};
	char text[300], here[256];

	(void)state;
	assert_int_equal(setenv("PIZZA_HOME", "/srv/pizza//", 1), 0);
	assert_int_equal(paths_init(&err), 0);
	assert_string_equal(paths_home(), "/srv/pizza");
	assert_string_equal(paths_run_file("pizzad.sock", text, sizeof(text)), "/srv/pizza/run/pizzad.sock");
	assert_string_equal(paths_log(), "/srv/pizza/log");
	assert_int_equal(chdir("/tmp"), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(setenv("PIZZA_HOME", "p", 1), 0);
	assert_int_equal(paths_init(&err), 0);
	strcat(here, "/p");
	assert_string_equal(paths_home(), here);
}

static void test_length(void **state)
{
	struct error err = {0};
	char home[128];

	(void)state;
	memset(home, 'x', sizeof(home));
	home[0] = '/';
	home[89] = '\0'; /* 89 + strlen("/run/.s.PGSQL.5432") = 107: the longest that fits */
	assert_int_equal(setenv("PIZZA_HOME", home, 1), 0);
	assert_int_equal(paths_init(&err), 0);
	home[89] = 'x';
	home[90] = '\0';
	assert_int_equal(setenv("PIZZA_HOME", home, 1), 0);
	assert_int_equal(paths_init(&err), ERR_INVALID);
	assert_non_null(strstr(err.hint, "PIZZA_HOME"));
	assert_non_null(strstr(err.hint, "89"));
}

static void test_create(void **state)
{
	struct error err = {0};
	struct stat st;

	(void)state;
	use_home("a/b/c");
	assert_int_equal(paths_create(&err), 0);
	assert_int_equal(stat(paths_run(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(chmod(paths_run(), 0755), 0);
	assert_int_equal(paths_create(&err), 0); /* again: closes what was open */
	assert_int_equal(stat(paths_run(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_create_fails(void **state)
{
	struct error err = {0};
	char file[256];
	FILE *f;

	(void)state;
	in_folder(file, "file");
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	use_home("file/home");
	assert_int_equal(paths_create(&err), ERR_IO);
	assert_non_null(strstr(err.hint, "PIZZA_HOME"));
}

static void test_token(void **state)
{
	struct error err = {0};
	char first[65], second[65], path[300];
	struct stat st;

	(void)state;
	use_home("token");
	assert_int_equal(paths_create(&err), 0);
	assert_int_equal(paths_operator_token(false, first, &err), ERR_NOT_FOUND);
	assert_int_equal(paths_operator_token(true, first, &err), 0);
	assert_int_equal(strlen(first), 64);
	assert_int_equal(paths_operator_token(true, second, &err), 0);
	assert_string_equal(first, second);
	snprintf(path, sizeof(path), "%s/operator.token", paths_home());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(paths_operator_token(true, second, &err), ERR_REFUSED);
	assert_non_null(strstr(err.hint, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(paths_operator_token(true, second, &err), ERR_MALFORMED);
}

static void test_bin(void **state)
{
	char exe[300];

	(void)state;
	snprintf(exe, sizeof(exe), "%s/test_paths", paths_bin());
	assert_int_equal(access(exe, X_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default_home), cmocka_unit_test(test_home_from_environment),
	    cmocka_unit_test(test_length),	 cmocka_unit_test(test_create),
	    cmocka_unit_test(test_create_fails), cmocka_unit_test(test_token),
	    cmocka_unit_test(test_bin),
	};

	return cmocka_run_group_tests_name("paths", tests, setup, teardown);
}
