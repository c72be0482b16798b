/*
 * What the daemons find when they start: a role and a database each in PostgreSQL, the topics in Kafka.  The
 * same for private and for existing servers.  One look at what is there, then only what is missing is made.
 * Blocks; runs on a job's thread.
 */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/contract/topics.h"
#include "core/db/db.h"
#include "daemons/pizzad/supervisor.h"

#define KAFKA_TIMEOUT_MS  10000
#define KAFKA_WAIT_MS	  20000 /* for a first answer of a broker that listens */
#define KAFKA_RETRY_MS	  100
#define TOPICS_TIMEOUT_MS 60000
#define RELAY_ROLE	  "pizza_outbox"
#define RETENTION_SIZE	  24

/* --- PostgreSQL --- */

static atomic_bool created; /* databases were made in this run */

static void database_options(const char *database, struct db_options *ret)
{
	struct db_options o = {.pool_size = 1, .acquire_timeout_ms = 10000, .application = "pizzad"};
	const char *url = config_string(CONFIG_DATABASE_URL);

	if (url[0] != '\0')
		snprintf(o.conninfo, sizeof(o.conninfo), "%s", url);
	else
		snprintf(o.conninfo, sizeof(o.conninfo), "host='%s'", paths_run());
	snprintf(o.database, sizeof(o.database), "%s", database);
	*ret = o;
}

/* Runs SQL in a database on a connection of its own. */
static int run_in(const char *database, const char *sql, struct error *err)
{
	struct db_options o;
	struct db_conn *c;
	struct db *db;
	int rc;

	database_options(database, &o);
	db = db_new(&o);
	rc = db_acquire(db, &c, err);
	if (rc == 0) {
		rc = db_run(c, sql, err);
		db_release(c);
	}
	db_free(db);
	return rc;
}

/* The name, when a result with one column has it. */
static bool has_row(const struct db_result *r, const char *name)
{
	for (int i = 0; i < db_rows(r); i++)
		if (strcmp(db_text(r, i, 0), name) == 0)
			return true;
	return false;
}

static int create_role(struct db_conn *c, const struct db_result *roles, const char *name, struct error *err)
{
	char sql[256];

	if (has_row(roles, name))
		return 0;
	/* An existing server's user must be able to act as the role; the private one's is a superuser. */
	snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN; GRANT %s TO CURRENT_USER", name, name);
	return db_run(c, sql, err);
}

static int create_database(struct db_conn *c, const struct daemon_info *d, struct error *err)
{
	char sql[256];
	int rc;

	/* In template0 nothing can have been left by others, and its encoding can be chosen. */
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8'",
		 d->database, d->database);
	rc = db_run(c, sql, err);
	return rc;
}

/* Nobody but the owner, and the relay where there is an outbox, may connect.  Repeated when it was
 * interrupted. */
static int close_database(const struct daemon_info *d, struct error *err)
{
	char sql[512];
	int n;

	n = snprintf(sql, sizeof(sql),
		     "REVOKE ALL ON DATABASE %s FROM PUBLIC; GRANT CONNECT ON DATABASE %s TO %s;",
		     d->database, d->database, d->database);
	if (d->outbox)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n,
			      "GRANT CONNECT ON DATABASE %s TO " RELAY_ROLE ";"
			      "GRANT USAGE ON SCHEMA public TO " RELAY_ROLE ";",
			      d->database);
	snprintf(sql + n, sizeof(sql) - (size_t)n, "COMMENT ON DATABASE %s IS 'pizza: provisioned'",
		 d->database);
	return run_in(d->database, sql, err);
}

static const char roles_sql[] = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'pizza\\_%'";
static const char databases_sql[] = "SELECT datname FROM pg_database WHERE datname LIKE 'pizza\\_%'";
static const char finished_sql[] = "SELECT datname FROM pg_database WHERE datname LIKE 'pizza\\_%' "
				   "AND shobj_description(oid, 'pg_database') = 'pizza: provisioned'";

static int make_roles(struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *roles = NULL;
	int rc = db_query(c, roles_sql, NULL, &roles, err);

	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++)
		if (daemons[i].database != NULL)
			rc = create_role(c, roles, daemons[i].database, err);
	return rc;
}

static int make_databases(struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *there = NULL, *finished = NULL;
	int rc = db_query(c, databases_sql, NULL, &there, err);

	if (rc == 0)
		rc = db_query(c, finished_sql, NULL, &finished, err);
	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++) {
		const struct daemon_info *d = &daemons[i];

		if (d->database == NULL || has_row(finished, d->database))
			continue;
		if (!has_row(there, d->database))
			rc = create_database(c, d, err);
		atomic_store(&created, true);
		if (rc == 0)
			rc = close_database(d, err);
	}
	return rc;
}

int provision_flush(struct error *err)
{
	return atomic_load(&created) ? run_in("postgres", "CHECKPOINT", err) : 0;
}

int provision_databases(struct error *err)
{
	struct db_options o;
	struct db_conn *c;
	struct db *db;
	int rc;

	database_options("postgres", &o);
	db = db_new(&o);
	rc = db_acquire(db, &c, err);
	if (rc == 0) {
		rc = make_roles(c, err);
		if (rc == 0)
			rc = make_databases(c, err);
		db_release(c);
	}
	db_free(db);
	if (rc < 0 && config_string(CONFIG_DATABASE_URL)[0] != '\0')
		error_hint(err, "database.url must lead to a running server, as a user that may create roles "
				"and databases");
	return rc;
}

/* --- Kafka --- */

static bool topic_there(const struct bus_partition_info *p, int n, const char *topic)
{
	for (int i = 0; i < n; i++)
		if (strcmp(p[i].topic, topic) == 0)
			return true;
	return false;
}

static int create_topic(struct bus_admin *a, const char *name, bool compacted, struct error *err)
{
	char retention[RETENTION_SIZE];
	int64_t ms = config_int(CONFIG_KAFKA_RETENTION);
	struct bus_topic_config config[] = {
	    {"retention.ms", retention},
	    {"cleanup.policy", compacted ? "compact" : "delete"},
	    {"max.message.bytes", "4194304"}, /* a dead letter is its message and what happened to it */
	};

	snprintf(retention, sizeof(retention), "%lld", ms > 0 ? (long long)ms : -1LL);
	return bus_admin_create_topic(a, name, (int)config_int(CONFIG_KAFKA_PARTITIONS), -1, config,
				      ARRAY_LEN(config), err);
}

/* *ret_fresh: none was there. */
static int make_topics(struct bus_admin *a, bool *ret_fresh, struct error *err)
{
	struct bus_partition_info *there = NULL;
	int n = 0, rc = bus_admin_partitions(a, NULL, 0, false, &there, &n, err);

	*ret_fresh = true;
	for (int i = 0; rc == 0 && i < TOPIC_COUNT; i++) {
		if (topic_there(there, n, topics[i].name))
			*ret_fresh = false;
		else
			rc = create_topic(a, topics[i].name, topics[i].compacted, err);
		/* Evidence is never thrown away by key. */
		if (rc == 0 && !topic_there(there, n, topics[i].dead_letters))
			rc = create_topic(a, topics[i].dead_letters, false, err);
	}
	bus_partitions_free(there, n);
	return rc;
}

static bool topic_ready(const struct bus_partition_info *p, int n, const char *topic)
{
	bool there = false;

	for (int i = 0; i < n; i++) {
		if (strcmp(p[i].topic, topic) != 0)
			continue;
		if (p[i].leader < 0)
			return false;
		there = true;
	}
	return there;
}

static bool all_ready(const struct bus_partition_info *p, int n)
{
	for (int i = 0; i < TOPIC_COUNT; i++)
		if (!topic_ready(p, n, topics[i].name) || !topic_ready(p, n, topics[i].dead_letters))
			return false;
	return true;
}

/* By topic and, behind them, by topic of dead letters. */
static atomic_int partitions[2 * TOPIC_COUNT];

static const char *partitions_topic(int i)
{
	return i < TOPIC_COUNT ? topics[i].name : topics[i - TOPIC_COUNT].dead_letters;
}

static void remember_partitions(const struct bus_partition_info *p, int n)
{
	for (int i = 0; i < 2 * TOPIC_COUNT; i++) {
		int count = 0;

		for (int k = 0; k < n; k++)
			count += strcmp(p[k].topic, partitions_topic(i)) == 0;
		atomic_store(&partitions[i], count);
	}
}

int provision_partitions(const char *topic)
{
	for (int i = 0; i < 2 * TOPIC_COUNT; i++)
		if (strcmp(partitions_topic(i), topic) == 0)
			return atomic_load(&partitions[i]);
	return 0;
}

/* The controller answers before the broker has the topics; a consumer that asks in between waits for long. */
static int await_topics(struct bus_admin *a, struct error *err)
{
	static const struct timespec pause = {0, 50000000};
	struct mono deadline = mono_add_ms(mono_now(), TOPICS_TIMEOUT_MS);

	for (;;) {
		struct bus_partition_info *there = NULL;
		int n = 0, rc = bus_admin_partitions(a, NULL, 0, false, &there, &n, err);
		bool complete = rc == 0 && all_ready(there, n);

		if (complete)
			remember_partitions(there, n);
		bus_partitions_free(there, n);
		if (rc < 0 || complete)
			return rc;
		if (mono_left_ms(deadline) == 0)
			return error_set(err, ERR_TIMEOUT, "Kafka", "new topics have no leader after %d s",
					 TOPICS_TIMEOUT_MS / 1000);
		nanosleep(&pause, NULL);
	}
}

/* A broker that has just opened its port may still close connections. */
static int await_broker(struct bus_admin *a, struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), KAFKA_WAIT_MS);
	int rc;

	while ((rc = bus_admin_ping(a, err)) < 0 && mono_left_ms(deadline) > 0)
		poll(NULL, 0, KAFKA_RETRY_MS);
	return rc;
}

/* A member that stays costs an upgraded daemon its new topics, not the start. */
static void renew_subscriptions(struct bus_admin *a, bool fresh)
{
	struct error err;

	if (subscriptions_renew(a, fresh, &err) < 0)
		log_err(LOG_WARN, &err, "groups may not be given topics they did not read before");
}

int provision_topics(struct error *err)
{
	char bootstrap[DAEMONS_BOOTSTRAP_SIZE];
	struct bus_options options = {.bootstrap = daemons_bootstrap(bootstrap), .client_id = "pizzad"};
	struct bus_admin *a;
	bool fresh = false;
	int rc = bus_admin_new(&options, KAFKA_TIMEOUT_MS, &a, err);

	if (rc < 0)
		return rc;
	rc = await_broker(a, err);
	if (rc == 0)
		rc = make_topics(a, &fresh, err);
	if (rc == 0)
		rc = await_topics(a, err);
	if (rc == 0)
		renew_subscriptions(a, fresh);
	bus_admin_free(a);
	if (rc < 0 && config_string(CONFIG_KAFKA_BOOTSTRAP)[0] != '\0')
		error_hint(err, "kafka.bootstrap must lead to a running cluster where topics may be created");
	return rc;
}
