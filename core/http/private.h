/*
 * What the files of the HTTP server share; nobody else includes this.
 *
 * A request has up to two owners: its connection (from the request line until libmicrohttpd reports it
 * completed) and, once deferred, whoever is to reply.  It therefore holds copies of everything it got from
 * the connection.  `state` decides who replies: the one that moves it to REQUEST_CLAIMED, the replier or the
 * server that stops.
 */
#ifndef PIZZA_HTTP_PRIVATE_H
#define PIZZA_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "core/http/server.h"

#define HTTP_SEGMENTS_MAX 12 /* of a path */
#define HTTP_PARAMS_MAX	  4
#define HTTP_PAIRS_MAX	  256 /* of a query or a form */

struct http_pair {
	const char *name;
	const char *value;
};

struct http_pairs {
	struct http_pair *list; /* one allocation of the request */
	int count;
};

struct http_segment {
	const char *text; /* decoded; NULL in a pattern's parameter */
	size_t len;
};

struct http_path {
	struct http_segment segments[HTTP_SEGMENTS_MAX];
	int count; /* -1: more than fit, matches nothing */
};

/* A row of the caller's table, its pattern cut into segments. */
struct http_rule {
	const struct http_route *route;
	struct http_path path;
};

struct http_rules {
	struct http_rule *list; /* literal segments before parameters, so that the first match is the best */
	int count;
};

enum http_request_state { REQUEST_RUNNING, REQUEST_DEFERRED, REQUEST_CLAIMED };

struct http_extra_header {
	struct http_extra_header *next;
	char *value; /* behind the name, in the same allocation */
	char name[];
};

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection; /* valid until the reply has been handed over */
	struct http_request *prev, *next;  /* the server's live requests */
	struct http_request *waiting;	   /* the worker pool's queue */
	atomic_int state;		   /* enum http_request_state */
	atomic_int refs;
	struct mono started;

	const char *method;
	char *method_copy; /* NULL for the usual ones */
	char *raw_path;	   /* within target */
	struct http_path path;
	struct http_pairs query;
	struct http_pairs headers;
	struct buf body;
	const struct http_route *route; /* NULL: none matched */
	const char *params[HTTP_PARAMS_MAX];
	const char *refused; /* why the request is malformed; NULL: it is not */
	size_t body_max;     /* bytes */
	size_t discarded;    /* bytes of a body that is too large */
	bool headers_read;
	bool too_large;
	bool handed_on; /* a blocking handler has deferred */
	bool suspended; /* the reply comes after a resume */
	bool dispatched;
	bool queued; /* libmicrohttpd has the response */

	struct http_extra_header *extra;
	struct MHD_Response *response;
	int status;
	char target[]; /* the target twice: raw, and cut up and decoded in place */
};

struct http_workers {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct http_request *first, *last;
	int idle;
	bool stopping;
	int count;
	pthread_t *threads;
};

struct http_listener {
	int fd;
	int stop_fd; /* eventfd: ends the accept thread */
	int port;
	char *unix_path; /* NULL for TCP */
	dev_t device;	 /* of the socket file, so that only our own is removed */
	ino_t inode;
};

struct http_server {
	struct http_server_options options; /* strings copied */
	struct http_rules rules;
	struct http_listener listener;
	struct http_workers workers;
	struct http_loop **loops;
	int loop_count;
	pthread_t acceptor;
	atomic_int connections;
	atomic_int busy; /* dispatches under way and suspended connections: 0 before libmicrohttpd may stop */
	atomic_bool stopping; /* no new connections; replies close theirs */
	atomic_bool refusing; /* what comes now is answered 503 */
	pthread_mutex_t live_lock;
	struct http_request *live;
	atomic_int live_count;
};

/* listen.c: opens the socket and fills in ret; http_listener_close closes it and removes a socket file of
 * ours. */
int http_listener_open(const struct http_server_options *options, struct http_listener *ret,
		       struct error *err) MUST_USE;
void http_listener_close(struct http_listener *l);
/* Accepts into the server until stop_fd is readable; then takes what waits in the backlog and returns. A
 * thread. */
void *http_accept_loop(void *server);

/* route.c */
void http_rules_compile(const struct http_route *routes, int count, struct http_rules *ret);
void http_rules_done(struct http_rules *rules);
/*
 * The rule for method and path, or NULL; then *ret_allow lists the methods that the path has, or is empty.
 */
const struct http_rule *http_rules_match(const struct http_rules *rules, const char *method,
					 const struct http_path *path, struct buf *ret_allow);
bool http_operator_allowed(const struct http_request *r);

/* request.c */
struct http_request *http_request_new(struct http_server *s, struct MHD_Connection *connection,
				      const char *target);
/* Copies method and headers; finds out what is wrong with them. */
void http_request_headers(struct http_request *r, const char *method);
/* More of the body. False when the client sends so much that the connection had better be closed. */
bool http_request_upload(struct http_request *r, const char *data, size_t len);
void http_request_unref(struct http_request *r);
/* Finds the rule and runs its handler, or replies with what is wrong. */
void http_request_dispatch(struct http_request *r);

/* reply.c */
/* Suspends on behalf of the worker pool or a handler. */
void http_suspend(struct http_request *r);
/* Replies 503 to a deferred request that nobody has replied to; what comes later is dropped. */
void http_abandon(struct http_request *r);

/* workers.c */
void http_workers_start(struct http_workers *w, int count);
void http_workers_add(struct http_workers *w, struct http_request *r);
/* Runs what waits, joins. */
void http_workers_stop(struct http_workers *w);

/* form.c */
/* Decodes %XX (and '+' as a space) in place; false when an escape is broken, or NUL or invalid UTF-8 comes
 * out. */
bool http_decode(char *text, size_t *ret_len, bool plus);
/* Cuts "a=1&b=2" up in place; ret->list is owned by the caller. */
bool http_pairs_parse(char *text, struct http_pairs *ret);
const char *http_pairs_get(const struct http_pairs *pairs, const char *name); /* case matters */

/* loop.c: a thread that drives the daemon, which it takes. */
struct http_loop;
struct http_loop *http_loop_start(struct MHD_Daemon *daemon);
/* Gives it a connection, from any thread. */
void http_loop_add(struct http_loop *l, int fd, const struct sockaddr_storage *peer, socklen_t size);
/* Makes it look for resumed connections. */
void http_loop_wake(struct http_loop *l);
struct http_loop *http_loop_of(const struct http_server *s, struct MHD_Connection *connection);
/* Joins the thread and stops the daemon; no connection may be suspended. */
void http_loop_stop(struct http_loop *l);

#endif
