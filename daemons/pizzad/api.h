/*
 * Internal to pizzad: the control API on the Unix socket.  Handlers run on the server's loops; they only put
 * a command into a queue.  The supervisor's loop takes it, carries it out step by step, and replies when it
 * is done.
 */
#ifndef PIZZA_PIZZAD_API_H
#define PIZZA_PIZZAD_API_H

#include "daemons/pizzad/supervisor.h"

struct api;

/* Listens on home/run/pizzad.sock. */
int api_start(struct supervisor *s, struct api **ret, struct error *err) MUST_USE;
/* Takes new commands, goes on with those under way, replies to those that are done. */
void api_tick(struct api *a);
/* Milliseconds until a command's deadline; at most 1000. */
int api_next_ms(const struct api *a);
/* Answers what is still under way, removes the socket.  NULL is fine. */
void api_stop(struct api *a);

#endif
