/*
 * Reading rows.  Values come in text format; a struct db_result is libpq's own result.  A result may be read
 * by several threads at once.
 */
#include "core/db/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

void db_result_free(struct db_result *r)
{
	PQclear(result_pg(r));
}

void db_result_auto(struct db_result **r)
{
	db_result_free(*r);
	*r = NULL;
}

int db_rows(const struct db_result *r)
{
	return PQntuples(result_pg(r));
}

int db_columns(const struct db_result *r)
{
	return PQnfields(result_pg(r));
}

const char *db_column_name(const struct db_result *r, int column)
{
	const char *name = PQfname(result_pg(r), column);

	return name != NULL ? name : "";
}

int64_t db_affected(const struct db_result *r)
{
	return strtoll(PQcmdTuples(result_pg(r)), NULL, 10);
}

bool db_is_null(const struct db_result *r, int row, int column)
{
	return PQgetisnull(result_pg(r), row, column) != 0;
}

const char *db_text(const struct db_result *r, int row, int column)
{
	const char *text = PQgetvalue(result_pg(r), row, column);

	return text != NULL ? text : "";
}

int db_length(const struct db_result *r, int row, int column)
{
	return PQgetlength(result_pg(r), row, column);
}

int64_t db_int(const struct db_result *r, int row, int column)
{
	return strtoll(db_text(r, row, column), NULL, 10);
}

double db_double(const struct db_result *r, int row, int column)
{
	return strtod(db_text(r, row, column), NULL);
}

bool db_bool(const struct db_result *r, int row, int column)
{
	return db_text(r, row, column)[0] == 't';
}

struct uuid db_uuid(const struct db_result *r, int row, int column)
{
	struct uuid u;

	if (!uuid_parse(db_text(r, row, column), &u))
		return (struct uuid){0};
	return u;
}

void *db_bytes(const struct db_result *r, int row, int column, size_t *ret_len)
{
	unsigned char *raw;
	char *copy;

	*ret_len = 0;
	if (db_is_null(r, row, column))
		return NULL;
	raw = PQunescapeBytea((const unsigned char *)db_text(r, row, column), ret_len);
	copy = xmalloc(*ret_len + 1);
	if (raw != NULL)
		memcpy(copy, raw, *ret_len);
	copy[*ret_len] = '\0';
	PQfreemem(raw);
	return copy;
}

int64_t db_time(const struct db_result *r, int row, int column)
{
	const char *text = db_text(r, row, column);
	int64_t us = 0;

	if (clock_parse(text, &us))
		return us;
	if (strcmp(text, "infinity") == 0)
		return INT64_MAX;
	return strcmp(text, "-infinity") == 0 ? INT64_MIN : 0;
}
