/*
 * priority_lower: the process and the session it leads, nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/priority.h"

/* A process with a session of its own that waits to be killed. */
static pid_t leader(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setsid();
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The session's value as the kernel tells it: "/autogroup-93 nice 7"; false where there are no autogroups. */
static bool session_nice(pid_t pid, int *ret)
{
	char path[64];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%ld/autogroup", (long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	ok = fscanf(f, "/autogroup-%*d nice %d", ret) == 1;
	fclose(f);
	return ok;
}

static void a_session_is_lowered_with_its_leader(void **state)
{
	pid_t pid = leader();
	int nice = 0;

	(void)state;
	/* An ordinary user may have to wait its turn: 100 ms after anybody's last change. */
	for (int i = 0; i < 200 && !priority_lower(pid, 7); i++)
		usleep(20000);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), 7);
	if (session_nice(pid, &nice))
		assert_int_equal(nice, 7);
	assert_int_equal(sched_getscheduler(pid), priority_by_session(pid) ? SCHED_IDLE : SCHED_OTHER);
	end(pid);
}

static void a_member_leaves_its_session_alone(void **state)
{
	pid_t pid = fork();
	int before = 0, after = 0;
	bool known = session_nice(getpid(), &before);

	(void)state;
	if (pid == 0) {
		pause();
		_exit(1);
	}
	assert_true(priority_lower(pid, 9));
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), 9);
	assert_int_equal(sched_getscheduler(pid),
			 SCHED_OTHER); /* beside others of its session it would starve */
	assert_int_equal(session_nice(getpid(), &after), known);
	assert_int_equal(before, after);
	end(pid);
}

static void a_process_that_is_gone_is_done(void **state)
{
	pid_t pid = leader();

	(void)state;
	end(pid);
	assert_true(priority_lower(pid, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_session_is_lowered_with_its_leader),
	    cmocka_unit_test(a_member_leaves_its_session_alone),
	    cmocka_unit_test(a_process_that_is_gone_is_done),
	};

	return cmocka_run_group_tests_name("priority", tests, NULL, NULL);
}
