/*
 * LISTEN on a connection of its own, which must stay in the main loop of one thread; db_listen_wake alone may
 * be called from anywhere, signal handlers included: it writes to an eventfd.
 */
#include "core/db/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

struct db_listener {
	PGconn *pg;
	int wake_fd;
};

static int lost(struct db_listener *l, struct error *err)
{
	const char *why = PQerrorMessage(l->pg);

	if (why[0] == '\0')
		why = "the connection was lost";
	return error_set(err, ERR_UNAVAILABLE, "listen", "%.*s", (int)strcspn(why, "\n"), why);
}

static int listen_on(struct db_listener *l, const char *channel, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	char *quoted = PQescapeIdentifier(l->pg, channel, strlen(channel));
	PGresult *r;
	int rc = 0;

	if (quoted == NULL)
		return lost(l, err);
	buf_addf(&sql, "LISTEN %s", quoted);
	PQfreemem(quoted);
	r = PQexec(l->pg, buf_str(&sql));
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		rc = lost(l, err);
	PQclear(r);
	return rc;
}

int db_listen(const struct db_options *options, const char *channel, struct db_listener **ret,
	      struct error *err)
{
	struct db_listener *l = xcalloc(1, sizeof(*l));
	int rc;

	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = l->wake_fd >= 0 ? db_connect(options, &l->pg, err) : error_errno(err, "eventfd");
	if (rc == 0)
		rc = listen_on(l, channel, err);
	if (rc < 0) {
		db_listen_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

/* Takes all notifications that are here; true when there was any. */
static bool take_notifications(struct db_listener *l)
{
	PGnotify *n;
	bool any = false;

	while ((n = PQnotifies(l->pg)) != NULL) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

static bool take_wake(struct db_listener *l)
{
	uint64_t count;

	return read(l->wake_fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

int db_listen_wait(struct db_listener *l, int timeout_ms, struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);

	for (;;) {
		struct pollfd p[2] = {{.fd = PQsocket(l->pg), .events = POLLIN},
				      {.fd = l->wake_fd, .events = POLLIN}};
		int n;

		if (PQstatus(l->pg) != CONNECTION_OK || p[0].fd < 0)
			return lost(l, err);
		if (take_notifications(l))
			return 1;
		n = poll(p, 2, timeout_ms < 0 ? -1 : (int)mono_left_ms(deadline));
		if (n < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (n == 0)
			return 0;
		if (p[1].revents != 0 && take_wake(l))
			return 1;
		if (p[0].revents != 0 && PQconsumeInput(l->pg) == 0)
			return lost(l, err);
	}
}

void db_listen_wake(struct db_listener *l)
{
	uint64_t one = 1;
	int saved = errno;

	/* A full counter has woken already. */
	if (write(l->wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void db_listen_free(struct db_listener *l)
{
	if (l == NULL)
		return;
	PQfinish(l->pg);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	free(l);
}
