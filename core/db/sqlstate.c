/*
 * What PostgreSQL's errors mean here, decided once (PostgreSQL manual, Appendix A).  No state.
 */
#include "core/db/internal.h"

#include <string.h>

#include "core/base/mem.h"

/* The first row whose prefix matches decides: whole states before their class. */
static const struct {
	const char *prefix;
	int code;
} states[] = {
    {"40003", ERR_UNKNOWN},   /* statement completion unknown */
    {"40", ERR_TRANSIENT},    /* serialization failure, deadlock */
    {"55P03", ERR_TRANSIENT}, /* lock not available */
    {"25P03", ERR_TRANSIENT}, /* idle in transaction for too long */
    {"57014", ERR_TIMEOUT},   /* cancelled, statement time-out */
    {"57P", ERR_UNAVAILABLE}, /* shutting down, starting up, crashed */
    {"08", ERR_UNAVAILABLE},  /* connection */
    {"53", ERR_UNAVAILABLE},  /* disk full, out of memory, too many connections */
    {"58", ERR_UNAVAILABLE},  /* input/output errors of the server */
    {"23505", ERR_CONFLICT},  /* unique violation */
    {"23P01", ERR_CONFLICT},  /* exclusion violation */
    {"22", ERR_INVALID},      /* a value that its type refuses */
    {"42501", ERR_REFUSED},   /* insufficient privilege */
    {"42", ERR_BUG},	      /* syntax, unknown names */
    {"23", ERR_BUG},	      /* other constraints: rules must hold before the database has to say so */
    {"0A", ERR_BUG},	      /* feature not supported */
    {"26", ERR_BUG},	      /* unknown prepared statement */
    {"25", ERR_BUG},	      /* invalid transaction state */
};

int db_sqlstate_code(const char *sqlstate)
{
	if (sqlstate == NULL || sqlstate[0] == '\0')
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) == 0)
			return states[i].code;
	return ERR_FAILED;
}

int db_fail(struct db_conn *c, const PGresult *r, const char *what, struct error *err)
{
	const char *state = r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const char *severity = r != NULL ? PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
	int code = db_sqlstate_code(state);

	/* After FATAL and PANIC the server closes the connection. */
	if (PQstatus(c->pg) != CONNECTION_OK || state == NULL || (severity != NULL && severity[0] != 'E'))
		c->broken = true;
	if (text != NULL)
		return error_set(err, code, what, "%s%s%s%s", text, state != NULL ? " [" : "",
				 state != NULL ? state : "", state != NULL ? "]" : "");
	text = r != NULL ? PQresultErrorMessage(r) : PQerrorMessage(c->pg);
	if (text[0] == '\0')
		text = "the connection was lost";
	return error_set(err, code, what, "%.*s", (int)strcspn(text, "\n"), text);
}
