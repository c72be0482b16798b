/*
 * Both ends of the service manager's notification protocol (sd_notify(3)): datagrams of NAME=VALUE lines to
 * the Unix socket named by NOTIFY_SOCKET.  Beyond READY, STOPPING and STATUS our daemons send X_PIZZA_STATE
 * (up, degraded) and X_PIZZA_PORT (the replica's own port).
 */
#ifndef PIZZA_SERVICE_NOTIFY_SOCKET_H
#define PIZZA_SERVICE_NOTIFY_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * Sends lines such as "READY=1\nSTATUS=\n"; waits up to a second for a receiver that is busy, then gives up:
 * false, nobody has heard.  True without NOTIFY_SOCKET, when nobody listens.  Thread safe.
 */
bool notify_socket_send(const char *text);

struct notify_message {
	pid_t pid; /* who sent it, as the kernel says */
	bool ready, stopping;
	bool has_status, has_state;
	bool degraded;	  /* with has_state */
	char status[256]; /* with has_status */
	int port;	  /* 0: not told */
};

/* Makes the receiving end (mode 0600), replacing what is left of an earlier one; non-blocking. */
int notify_socket_listen(const char *path, int *ret_fd, struct error *err) MUST_USE;
/* Takes one message; false when none is waiting. */
bool notify_socket_receive(int fd, struct notify_message *ret);
/* Reads the text of a message into ret (all but pid); unknown names are skipped. */
void notify_socket_parse(char *text, struct notify_message *ret);

#endif
