/*
 * libcurl says which sockets it wants to hear of, and when it wants to be called at the latest.
 */
#include "core/http/poller.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define EVENTS_MAX 128

struct http_poller {
	CURLM *multi;
	int epoll_fd, wake_fd;
	bool timer; /* `due` counts */
	struct mono due;
};

static void watch(const struct http_poller *p, int fd, uint32_t events, bool known)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	if (epoll_ctl(p->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) < 0)
		abort();
}

/* CURLMOPT_SOCKETFUNCTION; `known` is what was assigned to the socket: NULL until it is watched. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http_poller *p = arg;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		events |= EPOLLOUT;
	watch(p, fd, events, known != NULL);
	if (known == NULL)
		curl_multi_assign(p->multi, fd, p);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct http_poller *p = arg;

	(void)multi;
	p->timer = ms >= 0;
	if (p->timer)
		p->due = mono_add_ms(mono_now(), ms);
	return 0;
}

struct http_poller *http_poller_new(CURLM *multi)
{
	struct http_poller *p = xcalloc(1, sizeof(*p));

	p->multi = multi;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->epoll_fd < 0 || p->wake_fd < 0)
		abort();
	watch(p, p->wake_fd, EPOLLIN, false);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, p);
	return p;
}

void http_poller_free(struct http_poller *p)
{
	if (p == NULL)
		return;
	close(p->wake_fd);
	close(p->epoll_fd);
	free(p);
}

static int wait_time(const struct http_poller *p, int ms)
{
	int64_t left = p->timer ? mono_left_ms(p->due) : ms;

	return left < ms ? (int)left : ms;
}

static void act(struct http_poller *p, const struct epoll_event *e)
{
	eventfd_t ignored;
	int what = 0, running;

	if (e->data.fd == p->wake_fd) {
		(void)eventfd_read(p->wake_fd, &ignored);
		return;
	}
	what |= e->events & EPOLLIN ? CURL_CSELECT_IN : 0;
	what |= e->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= e->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(p->multi, e->data.fd, what, &running);
}

void http_poller_wait(struct http_poller *p, int ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(p->epoll_fd, events, EVENTS_MAX, wait_time(p, ms)), running;

	for (int i = 0; i < n; i++)
		act(p, &events[i]);
	if (p->timer && mono_left_ms(p->due) == 0) {
		p->timer = false;
		curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

void http_poller_wake(struct http_poller *p)
{
	eventfd_write(p->wake_fd, 1);
}
