/*
 * The event loops: a thread each that drives one libmicrohttpd daemon from outside.
 *
 * libmicrohttpd's own threads may sleep on work: when epoll_wait fills its array of 128 events exactly, they
 * call it again with the full time-out before looking at any of them (up to 0.9.77 at least).  Driven by
 * MHD_run that second call returns at once.  A daemon driven so takes connections only from its own thread;
 * the acceptor hands them over here.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/http/private.h"

struct accepted {
	struct accepted *next;
	int fd;
	struct sockaddr_storage peer;
	socklen_t size;
};

struct http_loop {
	struct MHD_Daemon *daemon;
	int epoll_fd; /* the daemon's */
	int wake_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	struct accepted *accepted;
	bool stopping;
	atomic_bool woken; /* wake_fd is readable or about to be */
};

/* Takes what the acceptor left; false when stopping. */
static bool take_accepted(struct http_loop *l, struct accepted **ret)
{
	eventfd_t ignored;
	bool stopping;

	(void)eventfd_read(l->wake_fd, &ignored);
	atomic_store(&l->woken, false);
	pthread_mutex_lock(&l->lock);
	*ret = l->accepted;
	l->accepted = NULL;
	stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return !stopping;
}

static bool add_accepted(struct http_loop *l)
{
	struct accepted *list;
	bool going_on = take_accepted(l, &list);

	while (list != NULL) {
		struct accepted *a = list;

		list = a->next;
		MHD_add_connection(l->daemon, a->fd, (struct sockaddr *)&a->peer,
				   a->size); /* closes it when it fails */
		free(a);
	}
	return going_on;
}

static int timeout_ms(struct http_loop *l)
{
	unsigned long long ms;

	if (MHD_get_timeout(l->daemon, &ms) != MHD_YES)
		return -1;
	return ms < 60000 ? (int)ms : 60000;
}

static void *loop_main(void *arg)
{
	struct http_loop *l = arg;
	bool going_on = true;

	while (going_on) {
		struct pollfd fds[2] = {{.fd = l->epoll_fd, .events = POLLIN},
					{.fd = l->wake_fd, .events = POLLIN}};

		poll(fds, 2, timeout_ms(l));
		if (fds[1].revents != 0)
			going_on = add_accepted(l);
		MHD_run(l->daemon);
	}
	return NULL;
}

struct http_loop *http_loop_start(struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct http_loop *l = xcalloc(1, sizeof(*l));

	l->daemon = daemon;
	l->epoll_fd = info->epoll_fd;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&l->lock, NULL);
	if (l->wake_fd < 0 || pthread_create(&l->thread, NULL, loop_main, l) != 0)
		abort();
	return l;
}

void http_loop_wake(struct http_loop *l)
{
	if (!atomic_exchange(&l->woken, true))
		eventfd_write(l->wake_fd, 1);
}

struct http_loop *http_loop_of(const struct http_server *s, struct MHD_Connection *connection)
{
	struct MHD_Daemon *daemon = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;

	for (int i = 0; i < s->loop_count; i++)
		if (s->loops[i]->daemon == daemon)
			return s->loops[i];
	return NULL;
}

void http_loop_add(struct http_loop *l, int fd, const struct sockaddr_storage *peer, socklen_t size)
{
	struct accepted *a = xmalloc(sizeof(*a));

	*a = (struct accepted){.fd = fd, .peer = *peer, .size = size};
	pthread_mutex_lock(&l->lock);
	a->next = l->accepted;
	l->accepted = a;
	pthread_mutex_unlock(&l->lock);
	http_loop_wake(l);
}

void http_loop_stop(struct http_loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_mutex_unlock(&l->lock);
	http_loop_wake(l);
	pthread_join(l->thread, NULL);
	MHD_stop_daemon(l->daemon);
	close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
