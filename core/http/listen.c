/*
 * The listening socket and the thread that accepts from it.
 *
 * libmicrohttpd is given connections instead of the socket: that spreads them evenly over the event loops,
 * and stopping can first take what waits in the backlog, so that a client whose connection was made is
 * served.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/http/private.h"

#define BACKLOG 1024

static int bind_error(int port, struct error *err)
{
	char what[64];

	snprintf(what, sizeof(what), "listen on port %d", port);
	if (errno != EADDRINUSE)
		return error_errno(err, "%s", what);
	error_set(err, ERR_CONFLICT, what, "port %d is in use by another program", port);
	error_hint(err, "ss -ltnp 'sport = :%d' shows which; use another PIZZA_PORT_BASE or end that program",
		   port);
	return ERR_CONFLICT;
}

static int open_tcp(const struct http_server_options *options, struct http_listener *l, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
	socklen_t size = sizeof(address);
	int on = 1;

	if (inet_pton(AF_INET, options->address, &address.sin_addr) != 1)
		return error_set(err, ERR_USAGE, "listen", "%s is not an IPv4 address", options->address);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return error_errno(err, "open a socket");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (options->reuse_port && setsockopt(l->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return error_errno(err, "share port %d", options->port);
	if (bind(l->fd, (struct sockaddr *)&address, size) != 0 || listen(l->fd, BACKLOG) != 0)
		return bind_error(options->port, err);
	if (getsockname(l->fd, (struct sockaddr *)&address, &size) != 0)
		return error_errno(err, "ask for the port");
	l->port = ntohs(address.sin_port);
	return 0;
}

/* Removes a socket file on which nobody listens any more. */
static int remove_stale(const char *path, const struct sockaddr_un *address, struct error *err)
{
	struct stat st;
	int probe, rc;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : error_errno(err, "look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERR_CONFLICT, "listen", "%s exists and is no socket", path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return error_errno(err, "open a socket");
	rc = connect(probe, (const struct sockaddr *)address, sizeof(*address));
	close(probe);
	if (rc == 0 || errno != ECONNREFUSED)
		return error_set(err, ERR_CONFLICT, "listen", "another program listens on %s", path);
	if (unlink(path) != 0 && errno != ENOENT)
		return error_errno(err, "remove %s", path);
	return 0;
}

static int open_unix(const char *path, struct http_listener *l, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int rc;

	if (strlen(path) >= sizeof(address.sun_path)) {
		error_set(err, ERR_USAGE, "listen", "%s is too long for a socket (%zu bytes at most)", path,
			  sizeof(address.sun_path) - 1);
		error_hint(err, "set PIZZA_HOME to a shorter path");
		return ERR_USAGE;
	}
	memcpy(address.sun_path, path, strlen(path));
	rc = remove_stale(path, &address, err);
	if (rc != 0)
		return rc;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return error_errno(err, "open a socket");
	if (bind(l->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return error_errno(err, "create %s", path);
	/* Nobody can connect before listen(). */
	if (chmod(path, 0600) != 0 || lstat(path, &st) != 0 || listen(l->fd, BACKLOG) != 0)
		return error_errno(err, "listen on %s", path);
	l->unix_path = xstrdup(path);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return 0;
}

int http_listener_open(const struct http_server_options *options, struct http_listener *ret,
		       struct error *err)
{
	int rc;

	*ret = (struct http_listener){.fd = -1, .stop_fd = -1};
	ret->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ret->stop_fd < 0)
		return error_errno(err, "open an eventfd");
	rc = options->unix_path != NULL ? open_unix(options->unix_path, ret, err)
					: open_tcp(options, ret, err);
	if (rc != 0)
		http_listener_close(ret);
	return rc;
}

void http_listener_close(struct http_listener *l)
{
	struct stat st;

	if (l->unix_path != NULL && lstat(l->unix_path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		unlink(l->unix_path);
	free(l->unix_path);
	l->unix_path = NULL;
	if (l->fd >= 0)
		close(l->fd);
	if (l->stop_fd >= 0)
		close(l->stop_fd);
	l->fd = l->stop_fd = -1;
}

/* Takes all that waits; false when descriptors or connections have run out. */
static bool accept_waiting(struct http_server *s)
{
	static _Thread_local unsigned next; /* event loop */

	while (atomic_load(&s->connections) < s->options.connections_max) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int fd =
		    accept4(s->listener.fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			http_loop_add(s->loops[next++ % (unsigned)s->loop_count], fd, &peer, size);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return true;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return false;
	}
	return false;
}

void *http_accept_loop(void *server)
{
	struct http_server *s = server;
	bool full = false;

	while (!atomic_load(&s->stopping)) {
		struct pollfd fds[2] = {{.fd = s->listener.stop_fd, .events = POLLIN},
					{.fd = s->listener.fd, .events = POLLIN}};

		/* When full, look again in a moment whether a connection has ended. */
		poll(fds, full ? 1 : 2, full ? 10 : -1);
		full = !accept_waiting(s);
	}
	accept_waiting(s);
	return NULL;
}
