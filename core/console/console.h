/*
 * One installation as its operator sees it, for both faces: the read model (PostgreSQL), the daemons' APIs
 * (HTTP) and the topics (Kafka).  Each connection is made when it is first needed, so that a command pays for
 * nothing else. Nothing in core/console prints or exits.  A row is a JSON object with the members of
 * contract.md.  One thread.
 */
#ifndef PIZZA_CONSOLE_CONSOLE_H
#define PIZZA_CONSOLE_CONSOLE_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/bus/admin.h"
#include "core/db/db.h"

struct console;

/*
 * Chooses the context (context.h; NULL: none is named by an option) and loads the configuration; connects
 * nothing.  timeout_ms bounds each call to a backend.
 */
int console_open(const char *context, int timeout_ms, struct console **ret, struct error *err) MUST_USE;
/* A handle of its own on the same installation, for another thread; owned. */
struct console *console_another(const struct console *c);
void console_close(struct console *c);
int console_timeout_ms(const struct console *c);

/* The read model's connection, kept until console_close; a broken one is made anew.  ERR_UNAVAILABLE says
 * which. */
int console_db(struct console *c, struct db_conn **ret, struct error *err) MUST_USE;
/* Tells that the connection failed: the next console_db makes a new one. */
void console_db_lost(struct console *c);
/* How to reach the read model, for a listener of its own. */
void console_db_options(const struct console *c, struct db_options *ret);
/* The Kafka handle, kept until console_close. */
int console_bus(struct console *c, struct bus_admin **ret, struct error *err) MUST_USE;
/* Tells that Kafka failed: the next console_bus makes a new handle.  A kept one would spin while no broker is
 * there. */
void console_bus_lost(struct console *c);
/* "127.0.0.1:5092", or kafka.bootstrap. */
const char *console_bootstrap(struct console *c);
/* ERR_USAGE: the context in use does not name `key`, which `what` needs. */
int console_not_named(const char *what, const char *key, struct error *err);
/*
 * Completes the error of a backend ("postgres", "kafka", a daemon) that cannot be reached: what still works,
 * and the command that shows why.  Errors of other kinds stay as they are.  Returns rc.
 */
int console_explain(const char *backend, int rc, struct error *err);
/* The operator token, "" when there is none; a token with wrong permissions is ERR_REFUSED. */
int console_token(struct console *c, const char **ret, struct error *err) MUST_USE;

/* What is called with each row of a list (taken): 0 to go on, 1 when there are enough, or an error. */
typedef int console_row(void *arg, json_t *row, struct error *err);

#endif
