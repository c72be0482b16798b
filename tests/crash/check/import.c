/*
 * The import.  Databases come by postgres_fdw, all tables of one in one transaction and so of one snapshot;
 * causes are read before effects, so that what is imported from a running system never misses an effect's
 * cause: history, dead letters, topics, databases.
 */
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "core/contract/daemons.h"
#include "core/contract/events.h"
#include "tests/crash/check/check.h"

#define SCRATCH	      "pizza_check"
#define ROWS_A_TIME   2000
#define READ_PATIENCE 60000
#define HEADERS_MAX   64

/* The mark that the harness puts on every message of its own. */
#define INJECTED_HEADER "pizza_injected"

void import_options(const char *database, struct db_options *ret)
{
	*ret = (struct db_options){.pool_size = 2, .acquire_timeout_ms = 10000};
	snprintf(ret->conninfo, sizeof(ret->conninfo), "host='%s' connect_timeout=10", paths_run());
	snprintf(ret->database, sizeof(ret->database), "%s", database);
	snprintf(ret->application, sizeof(ret->application), "check");
}

/* --- the scratch database --- */

static const char schema[] =
    "SET synchronous_commit = off;"
    "CREATE EXTENSION postgres_fdw;"
    "CREATE TABLE history (op text, at bigint, key text, outcome text, status int, order_id text, total "
    "bigint, "
    "reply text);"
    "CREATE TABLE messages (topic text, partition int, \"offset\" bigint, key bytea, value bytea, headers "
    "json, "
    "injected text, event_id uuid, event_type text, aggregate_id text, aggregate_seq bigint, "
    "correlation_id uuid, causation_id uuid);"
    "CREATE TABLE offsets (consumer_group text, topic text, partition int, committed bigint, \"end\" "
    "bigint);";

static int make_scratch(struct checker *c, struct error *err)
{
	struct db_options options;
	struct db_conn *conn;
	struct db *admin;
	int rc;

	import_options("postgres", &options);
	admin = db_new(&options);
	rc = db_acquire(admin, &conn, err);
	if (rc == 0) {
		rc = db_run(conn, "DROP DATABASE IF EXISTS " SCRATCH " WITH (FORCE)", err);
		if (rc == 0)
			rc = db_run(conn, "CREATE DATABASE " SCRATCH, err);
		db_release(conn);
	}
	db_free(admin);
	if (rc < 0)
		return rc;
	import_options(SCRATCH, &options);
	c->db = db_new(&options);
	rc = db_acquire(c->db, &c->conn, err);
	return rc < 0 ? rc : db_run(c->conn, schema, err);
}

/* --- history --- */

static int import_history(struct checker *c, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_array_done) struct db_array lines;
	FILE *f = fopen(c->history, "re");
	char *line = NULL;
	size_t cap = 0;
	int rc = 0;

	if (f == NULL)
		return error_errno(err, "open the history %s", c->history);
	db_array_init(&lines, DB_JSON);
	while (getline(&line, &cap, f) > 0)
		db_array_text(&lines, line);
	free(line);
	fclose(f);
	db_param_array(&p, &lines);
	rc = db_query(c->conn,
		      "INSERT INTO history SELECT r.* FROM unnest($1::json[]) AS l (line), "
		      "json_populate_record(NULL::history, l.line) r",
		      &p, NULL, err);
	return rc;
}

/* --- topics --- */

struct rows {
	struct db_array partitions, offsets, keys, values, headers, injected, ids, types, aggregates, seqs,
	    correlations, causations;
	int count;
};

static const enum db_type row_types[] = {DB_INT4, DB_INT8, DB_BYTEA, DB_BYTEA, DB_JSON, DB_TEXT,
					 DB_UUID, DB_TEXT, DB_TEXT,  DB_INT8,  DB_UUID, DB_UUID};

static struct db_array *row_column(struct rows *r, size_t i)
{
	struct db_array *all[] = {&r->partitions, &r->offsets,	&r->keys,	  &r->values,
				  &r->headers,	  &r->injected, &r->ids,	  &r->types,
				  &r->aggregates, &r->seqs,	&r->correlations, &r->causations};

	_Static_assert(ARRAY_LEN(all) == ARRAY_LEN(row_types), "one type per column");
	return all[i];
}

static json_t *headers_json(const struct bus_message *m)
{
	struct bus_header h[HEADERS_MAX];
	int n = bus_message_headers(m, h, HEADERS_MAX);
	json_t *all = json_object();

	for (int i = 0; i < n && i < HEADERS_MAX; i++) {
		json_t *value = h[i].value != NULL ? json_stringn(h[i].value, h[i].len) : json_null();

		json_object_set_new(all, h[i].name, value != NULL ? value : json_string("(not text)"));
	}
	return all;
}

static void add_event(struct rows *r, const struct event *e)
{
	db_array_uuid(&r->ids, &e->id);
	db_array_text(&r->types, event_types[e->type].name);
	db_array_text(&r->aggregates, e->aggregate_id);
	db_array_int(&r->seqs, e->aggregate_seq);
	db_array_uuid(&r->correlations, &e->correlation_id);
	db_array_uuid(&r->causations, uuid_is_nil(e->causation_id) ? NULL : &e->causation_id);
}

static void add_bytes(struct db_array *a, const void *data, size_t len)
{
	if (data == NULL)
		db_array_null(a);
	else
		db_array_bytes(a, data, len);
}

static void add_message(struct rows *r, const struct bus_message *m)
{
	AUTO_JSON json_t *headers = headers_json(m);
	AUTO_FREE char *text = json_text(headers);
	struct event e = {0};

	db_array_int(&r->partitions, m->partition);
	db_array_int(&r->offsets, m->offset);
	add_bytes(&r->keys, m->key, m->key_len);
	add_bytes(&r->values, m->value, m->value_len);
	db_array_text(&r->headers, text);
	db_array_text(&r->injected, json_string_or(headers, INJECTED_HEADER, NULL));
	if (event_parse(m->value, m->value_len, &e, NULL) == 0)
		add_event(r, &e);
	else
		for (size_t i = 6; i < ARRAY_LEN(row_types); i++)
			db_array_null(row_column(r, i));
	event_done(&e);
	r->count++;
}

static int write_rows(struct checker *c, const char *topic, struct rows *r, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc = 0;

	if (r->count == 0)
		return 0;
	db_param_text(&p, topic);
	for (size_t i = 0; i < ARRAY_LEN(row_types); i++)
		db_param_array(&p, row_column(r, i));
	rc =
	    db_query(c->conn,
		     "INSERT INTO messages SELECT $1, u.* FROM unnest($2::int4[], $3::int8[], $4::bytea[], "
		     "$5::bytea[], $6::json[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::int8[], "
		     "$12::uuid[], $13::uuid[]) u",
		     &p, NULL, err);
	for (size_t i = 0; i < ARRAY_LEN(row_types); i++)
		db_array_reset(row_column(r, i));
	r->count = 0;
	return rc;
}

static int read_topic(struct checker *c, struct bus_reader *reader, const char *topic, struct rows *rows,
		      struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), READ_PATIENCE);
	struct bus_batch batch = {0};
	bool at_end = false;
	int rc = 0;

	while (rc == 0 && !at_end) {
		rc = bus_reader_poll(reader, ROWS_A_TIME, 1000, &batch, &at_end, err);
		for (int i = 0; rc == 0 && i < batch.count; i++) {
			add_message(rows, &batch.messages[i]);
			/* Large ones by themselves, so that a statement's parameters stay small. */
			if (batch.messages[i].value_len > 100000)
				rc = write_rows(c, topic, rows, err);
		}
		if (rc == 0)
			rc = write_rows(c, topic, rows, err);
		if (rc == ERR_UNAVAILABLE && mono_left_ms(deadline) > 0)
			rc = 0; /* the broker may be on its way back */
		else if (rc == 0 && mono_left_ms(deadline) == 0)
			rc = error_set(err, ERR_TIMEOUT, topic, "could not be read to its end");
	}
	bus_batch_done(&batch);
	return rc;
}

static int import_topic(struct checker *c, struct bus_reader *reader, const char *topic, struct error *err)
{
	struct rows rows = {0};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(row_types); i++)
		db_array_init(row_column(&rows, i), row_types[i]);
	rc = read_topic(c, reader, topic, &rows, err);
	for (size_t i = 0; i < ARRAY_LEN(row_types); i++)
		db_array_done(row_column(&rows, i));
	return rc;
}

/* Dead letters first.  The readers fetch side by side. */
static int import_topics(struct checker *c, struct error *err)
{
	struct bus_reader *readers[2 * TOPIC_COUNT] = {NULL};
	const char *names[2 * TOPIC_COUNT];
	int rc = 0;

	for (int i = 0; i < TOPIC_COUNT; i++) {
		names[i] = topics[i].dead_letters;
		names[TOPIC_COUNT + i] = topics[i].name;
	}
	for (int i = 0; rc == 0 && i < 2 * TOPIC_COUNT; i++) {
		if (i == TOPIC_COUNT) /* all dead letters are there before the first source is asked */
			for (int k = 0; rc == 0 && k < TOPIC_COUNT; k++)
				rc = import_topic(c, readers[k], names[k], err);
		if (rc == 0)
			rc = bus_reader_new(&c->bus, names[i], &readers[i], err);
	}
	for (int i = TOPIC_COUNT; rc == 0 && i < 2 * TOPIC_COUNT; i++)
		rc = import_topic(c, readers[i], names[i], err);
	for (int i = 0; i < 2 * TOPIC_COUNT; i++)
		bus_reader_free(readers[i]);
	return rc;
}

static int import_offsets(struct checker *c, struct error *err)
{
	struct bus_lag *lag = NULL;
	int n = 0, rc = bus_admin_lag(c->admin, NULL, 0, false, &lag, &n, err);

	for (int i = 0; rc == 0 && i < n; i++) {
		CLEANUP(db_params_done) struct db_params p = {0};

		db_param_text(&p, lag[i].group);
		db_param_text(&p, lag[i].topic);
		db_param_int(&p, lag[i].partition);
		db_param_int(&p, lag[i].committed);
		db_param_int(&p, lag[i].end);
		rc = db_query(c->conn, "INSERT INTO offsets VALUES ($1, $2, $3, $4, $5)", &p, NULL, err);
	}
	bus_lag_free(lag, n);
	return rc;
}

/* --- databases --- */

static int import_database(struct checker *c, const struct daemon_info *d, struct error *err)
{
	AUTO_FREE char *sql = xasprintf(
	    "CREATE SERVER %1$s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%2$s', dbname '%3$s', "
	    "fetch_size '10000');"
	    "CREATE SCHEMA %1$s; CREATE SCHEMA remote_%1$s;"
	    "DO $$ DECLARE t text; BEGIN "
	    "EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER %1$s OPTIONS (user %%L)', "
	    "current_user);"
	    "IMPORT FOREIGN SCHEMA public EXCEPT (outbox_events, order_items) FROM SERVER %1$s "
	    "INTO remote_%1$s;"
	    "FOR t IN SELECT foreign_table_name FROM information_schema.foreign_tables "
	    "WHERE foreign_table_schema = 'remote_%1$s' LOOP "
	    "EXECUTE format('CREATE TABLE %1$s.%%I AS SELECT * FROM remote_%1$s.%%I', t, t); "
	    "END LOOP; END $$;",
	    d->name, paths_run(), d->database);

	return db_run(c->conn, sql, err);
}

/* What the checks have in common. */
static const char derived[] =
    "CREATE TABLE orders AS SELECT order_id::text AS order_id, status, version, total_amount, correlation_id "
    "FROM orderd.orders;"
    /* Letters: what the dead-letter topics say. */
    "CREATE TABLE letters AS SELECT headers ->> 'dlq_id' AS letter_id, "
    "headers ->> 'dlq_original_topic' AS original_topic, "
    "(headers ->> 'dlq_original_partition')::int AS original_partition, "
    "(headers ->> 'dlq_original_offset')::bigint AS original_offset, "
    "headers ->> 'dlq_consumer_group' AS consumer_group, headers ->> 'dlq_failed_step' AS failed_step, "
    "topic, "
    "partition, \"offset\", key, value, event_id, event_type FROM messages WHERE topic LIKE '%-dlq';"
    "DELETE FROM messages WHERE topic LIKE '%-dlq';"
    /* First occurrences of what the relay has published. */
    "CREATE TABLE published AS SELECT topic, event_id, min(partition) AS partition, "
    "max(partition) AS last_partition, min(\"offset\") AS \"offset\", min(event_type) AS event_type, "
    "min(aggregate_id) AS aggregate_id, min(aggregate_seq) AS aggregate_seq, count(*) AS copies "
    "FROM messages WHERE injected IS NULL AND event_id IS NOT NULL GROUP BY topic, event_id;"
    "CREATE INDEX ON orders (order_id); CREATE INDEX ON published (event_id);"
    "CREATE INDEX ON messages (topic, partition, \"offset\"); CREATE INDEX ON outbox (id);"
    "CREATE INDEX ON outbox (aggregate_id);"
    "ANALYZE;";

static int join_inboxes(struct checker *c, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};

	buf_adds(
	    &sql,
	    "CREATE TABLE seen AS SELECT 'aggregatord' AS consumer_group, event_id FROM aggregatord.events");
	for (int i = 0; i < DAEMON_COUNT; i++)
		if (daemons[i].consumes[0] != NULL)
			buf_addf(&sql, " UNION ALL SELECT consumer, event_id FROM %s.inbox", daemons[i].name);
	buf_addc(&sql, ';');
	return db_run(c->conn, buf_str(&sql), err);
}

static int join_outboxes(struct checker *c, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};

	buf_adds(&sql, "CREATE TABLE outbox AS ");
	for (int i = 0, n = 0; i < DAEMON_COUNT; i++)
		if (daemons[i].outbox)
			buf_addf(&sql,
				 "%sSELECT '%s' AS owner, id, seq, topic, event_type, aggregate_id, "
				 "aggregate_seq, created_at, correlation_id, causation_id, event_data "
				 "FROM %s.outbox",
				 n++ > 0 ? " UNION ALL " : "", daemons[i].name, daemons[i].name);
	buf_addc(&sql, ';');
	return db_run(c->conn, buf_str(&sql), err);
}

int import_all(struct checker *c, struct error *err)
{
	int rc = make_scratch(c, err);

	if (rc == 0 && c->history != NULL)
		rc = import_history(c, err);
	if (rc == 0)
		rc = import_topics(c, err);
	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++)
		if (daemons[i].database != NULL)
			rc = import_database(c, &daemons[i], err);
	if (rc == 0)
		rc = import_offsets(c, err);
	if (rc == 0)
		rc = join_outboxes(c, err);
	if (rc == 0)
		rc = join_inboxes(c, err);
	return rc < 0 ? rc : db_run(c->conn, derived, err);
}
