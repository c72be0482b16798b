/*
 * Connecting: the caller's conninfo with database, application and time-outs laid over it, then the session's
 * settings and role in one round trip.  No state; thread safe.
 */
#include "core/db/internal.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/priority.h"

/* Used unless the conninfo says otherwise. */
static const struct {
	const char *keyword;
	const char *value;
} fallbacks[] = {
    {"connect_timeout", "3"},
    {"keepalives_idle", "30"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
};

static void keyword_set(struct db_keywords *k, const char *keyword, const char *value)
{
	for (int i = 0; i < k->count; i++) {
		if (strcmp(k->keywords[i], keyword) == 0) {
			free(k->values[i]);
			k->values[i] = xstrdup(value);
			return;
		}
	}
	if (k->count + 1 >= (int)ARRAY_LEN(k->keywords))
		return;
	k->keywords[k->count] = xstrdup(keyword);
	k->values[k->count++] = xstrdup(value);
	k->keywords[k->count] = NULL;
	k->values[k->count] = NULL;
}

int db_keywords_make(const struct db_options *options, struct db_keywords *ret, struct error *err)
{
	char *why = NULL;
	PQconninfoOption *given = PQconninfoParse(options->conninfo, &why);

	*ret = (struct db_keywords){0};
	if (given == NULL) {
		error_set(err, ERR_INVALID, "database URL", "%s", why != NULL ? why : "cannot be parsed");
		PQfreemem(why);
		return ERR_INVALID;
	}
	for (size_t i = 0; i < ARRAY_LEN(fallbacks); i++)
		keyword_set(ret, fallbacks[i].keyword, fallbacks[i].value);
	for (PQconninfoOption *o = given; o->keyword != NULL; o++)
		if (o->val != NULL)
			keyword_set(ret, o->keyword, o->val);
	PQconninfoFree(given);
	if (options->database[0] != '\0')
		keyword_set(ret, "dbname", options->database);
	if (options->application[0] != '\0')
		keyword_set(ret, "application_name", options->application);
	keyword_set(ret, "client_encoding", "UTF8");
	return 0;
}

void db_keywords_done(struct db_keywords *k)
{
	for (int i = 0; i < k->count; i++) {
		free(k->keywords[i]);
		free(k->values[i]);
	}
	*k = (struct db_keywords){0};
}

static void on_notice(void *arg, const PGresult *r)
{
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	log_debug("database: %s", text != NULL ? text : "notice without text");
}

/* Messages of libpq end in a newline and may have several lines. */
static int connect_failed(PGconn *pg, const struct db_options *options, struct error *err)
{
	AUTO_FREE char *why = xstrdup(PQerrorMessage(pg));
	size_t n = strlen(why);

	while (n > 0 && why[n - 1] == '\n')
		why[--n] = '\0';
	for (char *p = why; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	error_set(err, ERR_UNAVAILABLE, "connect to PostgreSQL", "%s: %s",
		  options->database[0] != '\0' ? options->database : PQdb(pg), why);
	return ERR_UNAVAILABLE;
}

static int session_set_up(PGconn *pg, const struct db_options *options, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	PGresult *r;
	int rc = 0;

	buf_adds(&sql, "SET idle_in_transaction_session_timeout = 60000; SET TIME ZONE 'UTC';"
		       " SET DateStyle = 'ISO, YMD'; SET jit = off");
	if (options->prefer_indexes)
		buf_adds(&sql,
			 "; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off");
	if (options->async_commit)
		buf_adds(&sql, "; SET synchronous_commit = off");
	if (options->role[0] != '\0' && strcmp(options->role, PQuser(pg)) != 0) {
		char *role = PQescapeIdentifier(pg, options->role, strlen(options->role));

		if (role == NULL)
			return connect_failed(pg, options, err);
		buf_addf(&sql, "; SET ROLE %s", role);
		PQfreemem(role);
	}
	r = PQexec(pg, buf_str(&sql));
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		rc = connect_failed(pg, options, err);
	PQclear(r);
	return rc;
}

/* A backend reached by Unix socket runs on this machine. */
bool db_set_priority(PGconn *pg, const struct db_options *options)
{
	const char *host = PQhost(pg);

	return options->nice <= 0 || host == NULL || host[0] != '/' ||
	       priority_lower(PQbackendPID(pg), options->nice);
}

int db_connect(const struct db_options *options, PGconn **ret, struct error *err)
{
	CLEANUP(db_keywords_done) struct db_keywords k;
	PGconn *pg;
	int rc = db_keywords_make(options, &k, err);

	if (rc < 0)
		return rc;
	pg = PQconnectdbParams((const char *const *)k.keywords, (const char *const *)k.values, 0);
	if (pg == NULL)
		return error_set(err, ERR_UNAVAILABLE, "connect to PostgreSQL", "out of memory");
	PQsetNoticeReceiver(pg, on_notice, NULL);
	rc = PQstatus(pg) == CONNECTION_OK ? session_set_up(pg, options, err)
					   : connect_failed(pg, options, err);
	if (rc == 0 && PQsetnonblocking(pg, 1) != 0)
		rc = connect_failed(pg, options, err);
	if (rc < 0) {
		PQfinish(pg);
		return rc;
	}
	*ret = pg;
	return 0;
}
