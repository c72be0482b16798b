/*
 * The console's connections.  One thread.
 */
#include "core/console/console.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/console/context.h"
#include "core/console/control.h"
#include "core/contract/daemons.h"

#define GRACE_MS 500 /* the server tells of its own time-out first */

struct console {
	int timeout_ms;
	struct db *db;
	struct db_conn *conn;
	struct bus_admin *bus;
	char bootstrap[DAEMONS_BOOTSTRAP_SIZE];
	char token[65];
};

int console_open(const char *context, int timeout_ms, struct console **ret, struct error *err)
{
	struct console *c = NULL;
	int rc = context_use(context, err);

	if (rc < 0)
		return rc;
	c = xcalloc(1, sizeof(*c));
	c->timeout_ms = timeout_ms;
	*ret = c;
	return 0;
}

struct console *console_another(const struct console *c)
{
	struct console *another = xcalloc(1, sizeof(*another));

	another->timeout_ms = c->timeout_ms;
	return another;
}

void console_close(struct console *c)
{
	if (c == NULL)
		return;
	db_release(c->conn);
	db_free(c->db);
	bus_admin_free(c->bus);
	free(c);
}

int console_timeout_ms(const struct console *c)
{
	return c->timeout_ms;
}

int console_not_named(const char *what, const char *key, struct error *err)
{
	const char *name = context_now()->name;

	error_set(err, ERR_USAGE, what, "the context %s names no %s", name, key);
	error_hint(err, "pizzactl context add %s %s=…", name, key);
	return ERR_USAGE;
}

/* What does not need a backend. */
static const char *still_works(const char *backend)
{
	if (strcmp(backend, "postgres") == 0)
		return "topics, lag, logs and status still work";
	if (strcmp(backend, "kafka") == 0)
		return "orders, sagas, the menu and status still work";
	return "lists, timelines, topics and the other daemons still work";
}

int console_explain(const char *backend, int rc, struct error *err)
{
	char option[64] = "";

	if (rc != ERR_UNAVAILABLE)
		return rc;
	if (context_chosen() == CHOICE_OPTION)
		snprintf(option, sizeof(option), " -C %s", context_now()->name);
	if (context_is_local() && !control_runs())
		error_hint(err, "nothing runs: pizzactl%s up starts it, pizzactl%s doctor says what it lacks",
			   option, option);
	else
		error_hint(err, "%s; pizzactl%s status %s shows why", still_works(backend), option, backend);
	return rc;
}

/* Time-outs stand in the connection string, as the form of the string (URL or keywords) wants them. */
void console_db_options(const struct console *c, struct db_options *ret)
{
	const char *url = config_string(CONFIG_DATABASE_URL);
	int seconds = (c->timeout_ms + 999) / 1000;

	memset(ret, 0, sizeof(*ret));
	if (strstr(url, "://") != NULL)
		snprintf(ret->conninfo, sizeof(ret->conninfo),
			 "%s%cconnect_timeout=%d&options=-c%%20statement_timeout%%3D%d", url,
			 strchr(url, '?') != NULL ? '&' : '?', seconds, c->timeout_ms);
	else if (*url != '\0')
		snprintf(ret->conninfo, sizeof(ret->conninfo),
			 "%s connect_timeout=%d options='-c statement_timeout=%d'", url, seconds,
			 c->timeout_ms);
	else
		snprintf(ret->conninfo, sizeof(ret->conninfo),
			 "host='%s' connect_timeout=%d options='-c statement_timeout=%d'", paths_run(),
			 seconds, c->timeout_ms);
	snprintf(ret->database, sizeof(ret->database), "%s", daemons[DAEMON_AGGREGATOR].database);
	snprintf(ret->application, sizeof(ret->application), "pizzactl");
	ret->pool_size = 1;
	ret->acquire_timeout_ms = c->timeout_ms;
	ret->answer_timeout_ms = c->timeout_ms + GRACE_MS;
}

int console_db(struct console *c, struct db_conn **ret, struct error *err)
{
	struct db_options options;
	int rc;

	if (!context_is_local() && config_string(CONFIG_DATABASE_URL)[0] == '\0')
		return console_not_named("read model", "database.url", err);
	if (c->conn == NULL) {
		console_db_options(c, &options);
		if (c->db == NULL)
			c->db = db_new(&options);
		rc = db_acquire(c->db, &c->conn, err);
		if (rc < 0) {
			c->conn = NULL;
			return console_explain("postgres", rc, err);
		}
	}
	*ret = c->conn;
	return 0;
}

void console_db_lost(struct console *c)
{
	db_release(c->conn);
	c->conn = NULL;
}

const char *console_bootstrap(struct console *c)
{
	return daemons_bootstrap(c->bootstrap);
}

/* Asks once whether a broker answers, so that every command on Kafka fails alike and in time. */
static int connect_bus(struct console *c, struct error *err)
{
	struct bus_options options = {.bootstrap = console_bootstrap(c), .client_id = "pizzactl"};
	int rc;

	if (!context_is_local() && config_string(CONFIG_KAFKA_BOOTSTRAP)[0] == '\0')
		return console_not_named("Kafka", "kafka.bootstrap", err);
	rc = bus_admin_new(&options, c->timeout_ms, &c->bus, err);
	if (rc < 0)
		return rc;
	rc = bus_admin_ping(c->bus, err);
	if (rc == 0)
		return 0;
	bus_admin_free(c->bus);
	c->bus = NULL;
	error_set(err, ERR_UNAVAILABLE, "Kafka", "cannot be reached at %s", options.bootstrap);
	return console_explain("kafka", ERR_UNAVAILABLE, err);
}

int console_bus(struct console *c, struct bus_admin **ret, struct error *err)
{
	int rc = c->bus == NULL ? connect_bus(c, err) : 0;

	*ret = c->bus;
	return rc;
}

void console_bus_lost(struct console *c)
{
	bus_admin_free(c->bus);
	c->bus = NULL;
}

int console_token(struct console *c, const char **ret, struct error *err)
{
	int rc = c->token[0] == '\0' ? context_token(c->token, sizeof(c->token), err) : 0;

	*ret = c->token;
	return rc;
}
