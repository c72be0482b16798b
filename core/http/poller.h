/*
 * Drives libcurl's multi handle by epoll: a wait costs what has happened, however many calls are in flight
 * (https://curl.se/libcurl/c/libcurl-multi.html, "multi_socket").
 */
#ifndef PIZZA_HTTP_POLLER_H
#define PIZZA_HTTP_POLLER_H

#include <curl/curl.h>

struct http_poller;

/* Takes over the handle's sockets and its timer; the handle stays the caller's, who must clean it up first.
 */
struct http_poller *http_poller_new(CURLM *multi);
void http_poller_free(struct http_poller *p);

/*
 * Waits up to ms for sockets, time-outs or a wake, and goes on with the transfers that are concerned; not at
 * all when some were added since the last call, which it begins.
 */
void http_poller_wait(struct http_poller *p, int ms);
/* Ends the wait that is under way, or else the next one.  From any thread. */
void http_poller_wake(struct http_poller *p);

#endif
