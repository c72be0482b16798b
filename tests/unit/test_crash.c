/*
 * Crash points: each fires at the pass asked for, once for each time it is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef PIZZA_CRASH_POINTS
#define PIZZA_CRASH_POINTS
#endif
#include "core/base/crash.c"

static char home[] = "/tmp/pizza-crash-point.XXXXXX";

static void path_of(const char *name, const char *suffix, char *path, size_t size)
{
	assert_true(point_path(name, suffix, path, size));
}

/* At how many passes, of at most three, a process of its own dies; 0: at none. */
static int dies_at(const char *name)
{
	int pipes[2], status, passes = 0;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++) {
			if (write(pipes[1], "x", 1) != 1)
				_exit(1);
			crash_point(name);
		}
		_exit(0);
	}
	close(pipes[1]);
	while (read(pipes[0], &byte, 1) == 1)
		passes++;
	close(pipes[0]);
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return WIFSIGNALED(status) ? passes : 0;
}

static void arm(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(name, "", path, sizeof(path));
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_not_armed(void **state)
{
	(void)state;
	assert_int_equal(dies_at("here"), 0);
}

static void test_file(void **state)
{
	(void)state;
	arm("here", "2\n");
	assert_int_equal(dies_at("there"), 0);
	assert_int_equal(dies_at("here"), 2);
	assert_int_equal(dies_at("here"), 0); /* it has fired */
	arm("here", "");
	assert_int_equal(dies_at("here"), 1);
}

static void test_environment(void **state)
{
	char text[512], path[PATH_MAX];

	(void)state;
	snprintf(text, sizeof(text), "other/here,%s/here-not,%s/here:3,%s/last",
		 program_invocation_short_name, program_invocation_short_name, program_invocation_short_name);
	setenv("CRASH_AT", text, 1);
	assert_int_equal(dies_at("here"), 3);
	assert_int_equal(dies_at("here"), 0); /* once per installation */
	assert_int_equal(dies_at("last"), 1);
	unsetenv("CRASH_AT");
	path_of("here", ".done", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	path_of("last", ".done", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
}

static int make_home(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (mkdtemp(home) == NULL || setenv("PIZZA_HOME", home, 1) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/run", home);
	if (mkdir(path, 0700) < 0)
		return -1;
	strcat(path, "/crash");
	return mkdir(path, 0700);
}

static int remove_home(void **state)
{
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/run/crash", home);
	rmdir(path);
	path[strlen(path) - strlen("/crash")] = '\0';
	rmdir(path);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_not_armed),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, make_home, remove_home);
}
