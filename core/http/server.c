/*
 * Starts and stops the HTTP server, and the callbacks through which libmicrohttpd drives it.
 *
 * Stopping: accept no more, let what runs finish (replies then say "Connection: close"), answer 503 for what
 * is still deferred at the deadline, and only then stop libmicrohttpd, which demands that no connection is
 * suspended.
 */
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/http/private.h"

#define CONNECTION_MEMORY  ((size_t)16 << 10) /* request line, headers and a part of the body */
#define CONNECTION_TIMEOUT 60u		      /* seconds of silence */
#define FLUSH_MS	   100		      /* for the last replies, when the deadline has passed */

/* --- callbacks, all on an event loop --- */

static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct http_server *s = arg;
	struct http_request *r = http_request_new(s, connection, target);

	pthread_mutex_lock(&s->live_lock);
	r->next = s->live;
	if (s->live != NULL)
		s->live->prev = r;
	s->live = r;
	pthread_mutex_unlock(&s->live_lock);
	atomic_fetch_add(&s->live_count, 1);
	return r;
}

static void leave_live(struct http_server *s, struct http_request *r)
{
	pthread_mutex_lock(&s->live_lock);
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		s->live = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	pthread_mutex_unlock(&s->live_lock);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct http_server *s = arg;
	struct http_request *r = *context;

	(void)connection;
	(void)why;
	if (r == NULL)
		return;
	*context = NULL;
	leave_live(s, r);
	if (s->options.observe != NULL && r->queued)
		s->options.observe(s->options.arg, r->method, r->route != NULL ? r->route->pattern : "",
				   r->status, (double)mono_since_us(r->started) / 1e6);
	http_request_unref(r);
	atomic_fetch_sub(&s->live_count, 1);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;

	(void)connection;
	(void)context;
	atomic_fetch_add(&s->connections, what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

/* Paths and queries are decoded in request.c, which refuses what is not well-formed. */
static size_t keep_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

static void on_message(void *arg, const char *fmt, va_list ap)
{
	char text[512];

	(void)arg;
	if (!log_enabled(LOG_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", text);
}

static enum MHD_Result queue_reply(struct http_request *r)
{
	struct MHD_Response *response = r->response;
	enum MHD_Result queued;

	if (atomic_load(&r->server->stopping))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	queued = MHD_queue_response(r->connection, (unsigned int)r->status, response);
	r->queued = queued == MHD_YES;
	MHD_destroy_response(response);
	r->response = NULL;
	return queued;
}

/* Called with the headers, with each part of the body, at its end, and again after a resume. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data, size_t *size,
				  void **context)
{
	struct http_request *r = *context;

	(void)arg;
	(void)connection;
	(void)url;
	(void)version;
	if (!r->headers_read) {
		http_request_headers(r, method);
		/* Whoever asks first ("Expect: 100-continue") is told at once; others once they have sent it
		 * all. */
		if (!r->too_large || http_header(r, "Expect") == NULL)
			return MHD_YES;
	} else if (*size > 0) {
		bool more = http_request_upload(r, data, *size);

		*size = 0;
		return more ? MHD_YES : MHD_NO;
	}
	if (!r->dispatched) {
		http_request_dispatch(r);
		if (r->suspended)
			return MHD_YES;
	}
	return queue_reply(r);
}

/* --- life --- */

static void copy_options(const struct http_server_options *from, struct http_server_options *to)
{
	*to = *from;
	to->address = xstrdup(from->address);
	to->unix_path = xstrdup(from->unix_path);
	to->operator_token = xstrdup(from->operator_token);
	to->loops = from->loops > 0 ? from->loops : 1;
	to->workers = from->workers > 0 ? from->workers : 1;
}

static void free_server(struct http_server *s)
{
	http_listener_close(&s->listener);
	http_rules_done(&s->rules);
	pthread_mutex_destroy(&s->live_lock);
	free((char *)s->options.address);
	free((char *)s->options.unix_path);
	free((char *)s->options.operator_token);
	free(s->loops);
	free(s);
}

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
	/* The acceptor keeps to connections_max, so that no event loop has to refuse one. */
	unsigned limit = (unsigned)s->options.connections_max + 64;

	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
				    MHD_USE_TURBO | MHD_USE_ERROR_LOG,
				0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_message, s,
				MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED,
				on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
				limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
				MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT, MHD_OPTION_END);
}

static void stop_loops(struct http_server *s)
{
	while (s->loop_count > 0)
		http_loop_stop(s->loops[--s->loop_count]);
}

static int start_loops(struct http_server *s, struct error *err)
{
	s->loops = xcalloc((size_t)s->options.loops, sizeof(struct http_loop *));
	for (int i = 0; i < s->options.loops; i++) {
		struct MHD_Daemon *daemon = start_daemon(s);

		if (daemon == NULL) {
			stop_loops(s);
			return error_errno(err, "start the HTTP server");
		}
		s->loops[s->loop_count++] = http_loop_start(daemon);
	}
	return 0;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret, struct error *err)
{
	struct http_server *s = xcalloc(1, sizeof(*s));
	int rc;

	pthread_mutex_init(&s->live_lock, NULL);
	copy_options(options, &s->options);
	http_rules_compile(options->routes, options->route_count, &s->rules);
	rc = http_listener_open(&s->options, &s->listener, err);
	if (rc == 0)
		rc = start_loops(s, err);
	if (rc != 0) {
		free_server(s);
		return rc;
	}
	http_workers_start(&s->workers, s->options.workers);
	if (pthread_create(&s->acceptor, NULL, http_accept_loop, s) != 0)
		abort();
	*ret = s;
	return 0;
}

int http_server_port(const struct http_server *s)
{
	return s->listener.port;
}

static void pause_ms(int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Waits until no request is unanswered, up to ms. */
static void wait_for_requests(struct http_server *s, int64_t ms)
{
	struct mono deadline = mono_add_ms(mono_now(), ms);

	while (atomic_load(&s->live_count) > 0 && mono_left_ms(deadline) > 0)
		pause_ms(1);
}

/* Answers what is deferred with 503, until libmicrohttpd has no suspended connection. */
static void abandon_requests(struct http_server *s)
{
	atomic_store(&s->refusing, true);
	do {
		pthread_mutex_lock(&s->live_lock);
		for (struct http_request *r = s->live; r != NULL; r = r->next)
			http_abandon(r);
		pthread_mutex_unlock(&s->live_lock);
		if (atomic_load(&s->busy) > 0)
			pause_ms(1);
	} while (atomic_load(&s->busy) > 0);
}

void http_server_stop(struct http_server *s, int drain_ms)
{
	bool late;

	if (s == NULL)
		return;
	atomic_store(&s->stopping, true);
	eventfd_write(s->listener.stop_fd, 1);
	pthread_join(s->acceptor, NULL);
	/* From here on the port is free for another one. */
	http_listener_close(&s->listener);
	wait_for_requests(s, drain_ms);
	late = atomic_load(&s->live_count) > 0;
	abandon_requests(s);
	if (late)
		wait_for_requests(s, FLUSH_MS);
	stop_loops(s);
	http_workers_stop(&s->workers);
	free_server(s);
}
