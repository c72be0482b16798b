/*
 * sd_notify: one datagram each, the sender's pid from the kernel (SO_PASSCRED), so that nobody speaks for
 * another. No state.
 */
#include "core/service/notify_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_WAIT_MS 1000
#define TEXT_MAX     4096

/* False when the path does not fit. */
static bool set_address(struct sockaddr_un *a, socklen_t *ret_len, const char *path)
{
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(a->sun_path))
		return false;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, len);
	if (path[0] == '@') /* the abstract name space, as sd_notify has it */
		a->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '@' ? 0 : 1));
	return true;
}

static bool send_text(int fd, const char *text)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0)
		return true;
	if (errno != EAGAIN)
		return false;
	poll(&p, 1, SEND_WAIT_MS);
	return send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
}

bool notify_socket_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t address_len;
	bool sent;
	int fd;

	if (path == NULL || !set_address(&address, &address_len, path))
		return true;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = connect(fd, (struct sockaddr *)&address, address_len) == 0 && send_text(fd, text);
	close(fd);
	return sent;
}

int notify_socket_listen(const char *path, int *ret_fd, struct error *err)
{
	struct sockaddr_un address;
	socklen_t address_len;
	int fd, on = 1;

	if (!set_address(&address, &address_len, path))
		return error_set(err, ERR_INVALID, "notification socket", "its path %.100s is too long",
				 path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, "make the notification socket");
	if (unlink(path) < 0 && errno != ENOENT)
		goto failed;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, address_len) < 0 || chmod(path, 0600) < 0)
		goto failed;
	*ret_fd = fd;
	return 0;
failed:
	error_errno(err, "make the notification socket %s", path);
	close(fd);
	return ERR_IO;
}

static void parse_line(const char *name, const char *value, struct notify_message *ret)
{
	if (strcmp(name, "READY") == 0) {
		ret->ready = strcmp(value, "1") == 0;
	} else if (strcmp(name, "STOPPING") == 0) {
		ret->stopping = strcmp(value, "1") == 0;
	} else if (strcmp(name, "STATUS") == 0) {
		ret->has_status = true;
		snprintf(ret->status, sizeof(ret->status), "%s", value);
	} else if (strcmp(name, "X_PIZZA_STATE") == 0) {
		ret->has_state = true;
		ret->degraded = strcmp(value, "degraded") == 0;
	} else if (strcmp(name, "X_PIZZA_PORT") == 0) {
		long port = strtol(value, NULL, 10);

		ret->port = port > 0 && port < 65536 ? (int)port : 0;
	}
}

void notify_socket_parse(char *text, struct notify_message *ret)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(line, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		parse_line(line, equals + 1, ret);
	}
}

static pid_t sender(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(c), sizeof(who));
		return who.pid;
	}
	return 0;
}

bool notify_socket_receive(int fd, struct notify_message *ret)
{
	char text[TEXT_MAX];
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control.space,
			   .msg_controllen = sizeof(control.space)};
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return false;
	text[n] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->pid = sender(&m);
	notify_socket_parse(text, ret);
	return true;
}
