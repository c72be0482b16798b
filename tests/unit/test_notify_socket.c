/*
 * The notification protocol: what is sent arrives with its sender, and odd input does no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/service/notify_socket.h"

static char folder[] = "/tmp/pizza-notify-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/notify", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void test_round_trip(void **state)
{
	struct error err = {0};
	struct notify_message m;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(notify_socket_listen(path, &fd, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(notify_socket_receive(fd, &m));
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	notify_socket_send("READY=1\nSTATUS=\nX_PIZZA_STATE=up\nX_PIZZA_PORT=41234\n");
	notify_socket_send("STATUS=waits for Kafka\nX_PIZZA_STATE=degraded");
	assert_true(notify_socket_receive(fd, &m));
	assert_int_equal(m.pid, getpid());
	assert_true(m.ready && m.has_status && m.has_state && !m.degraded && !m.stopping);
	assert_int_equal(m.port, 41234);
	assert_string_equal(m.status, "");
	assert_true(notify_socket_receive(fd, &m));
	assert_true(!m.ready && m.degraded);
	assert_string_equal(m.status, "waits for Kafka");
	assert_int_equal(m.port, 0);
	assert_false(notify_socket_receive(fd, &m));
	/* A receiver that takes nothing is full some time: then nobody has heard. */
	for (int n = 0; notify_socket_send("STATUS=again"); n++)
		assert_true(n < 100000);
	assert_true(notify_socket_receive(fd, &m));
	assert_true(notify_socket_send("STATUS=heard"));
	close(fd);
	assert_int_equal(notify_socket_listen(path, &fd, &err), 0); /* replaces the one left behind */
	close(fd);
}

static void test_without_receiver(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_true(notify_socket_send("READY=1\n"));
	assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1), 0);
	assert_false(notify_socket_send("READY=1\n"));
	assert_int_equal(setenv("NOTIFY_SOCKET", "", 1), 0);
	assert_true(notify_socket_send("READY=1\n"));
}

static void test_odd_input(void **state)
{
	struct notify_message m = {0};
	char text[] = "\n\n=\nREADY\nREADY=yes\nX_PIZZA_PORT=99999\nUNKNOWN=1\nSTATUS=a=b\nSTOPPING=1";
	char longest[600] = "STATUS=";

	(void)state;
	notify_socket_parse(text, &m);
	assert_false(m.ready);
	assert_true(m.stopping);
	assert_int_equal(m.port, 0);
	assert_string_equal(m.status, "a=b");
	memset(longest + 7, 'x', 500);
	notify_socket_parse(longest, &m);
	assert_int_equal(strlen(m.status), sizeof(m.status) - 1);
}

static void test_path_too_long(void **state)
{
	struct error err = {0};
	char longest[200];
	int fd;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(notify_socket_listen(longest, &fd, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_without_receiver),
	    cmocka_unit_test(test_odd_input),
	    cmocka_unit_test(test_path_too_long),
	};

	return cmocka_run_group_tests_name("notify_socket", tests, setup, teardown);
}
