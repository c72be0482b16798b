/*
 * Parameters: scalars as text, arrays and bytea in PostgreSQL's binary formats
 * (src/backend/utils/adt/arrayfuncs.c, array_recv).  Text lets the server find the type itself; binary arrays
 * spare quoting and parsing of many elements. Owned values live in one buffer and are kept as offsets until
 * execution, since the buffer moves when it grows.
 */
#include "core/db/internal.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"

/* PostgreSQL counts timestamps from 2000-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

/* Parameters that a condition leaves free for what its caller adds behind it. */
#define WHERE_LEAVES 8

/* Object identifiers of the element types: src/include/catalog/pg_type.dat. */
static const uint32_t element_oids[] = {
    [DB_UUID] = 2950, [DB_TEXT] = 25,	       [DB_INT4] = 23,	[DB_INT8] = 20,
    [DB_BOOL] = 16,   [DB_TIMESTAMPTZ] = 1184, [DB_BYTEA] = 17, [DB_JSON] = 114,
};

static void add_u32(struct buf *b, uint32_t value)
{
	uint32_t wire = htonl(value);

	buf_add(b, &wire, sizeof(wire));
}

void db_array_init(struct db_array *a, enum db_type type)
{
	*a = (struct db_array){.type = type};
}

void db_array_bytes(struct db_array *a, const void *data, size_t len)
{
	buf_reserve(&a->body, len + 4);
	add_u32(&a->body, (uint32_t)len);
	buf_add(&a->body, data, len);
	a->count++;
}

void db_array_null(struct db_array *a)
{
	add_u32(&a->body, UINT32_MAX);
	a->has_null = true;
	a->count++;
}

void db_array_uuid(struct db_array *a, const struct uuid *u)
{
	if (u == NULL)
		db_array_null(a);
	else
		db_array_bytes(a, u->b, sizeof(u->b));
}

void db_array_text(struct db_array *a, const char *text)
{
	if (text == NULL)
		db_array_null(a);
	else
		db_array_bytes(a, text, strlen(text));
}

/* A value too large for an int4 is sent with eight bytes, which the server refuses instead of storing another
 * value. */
void db_array_int(struct db_array *a, int64_t value)
{
	if (a->type == DB_INT4 && value >= INT32_MIN && value <= INT32_MAX) {
		uint32_t wire = htonl((uint32_t)value);

		db_array_bytes(a, &wire, sizeof(wire));
	} else {
		uint64_t wire = htobe64((uint64_t)value);

		db_array_bytes(a, &wire, sizeof(wire));
	}
}

void db_array_bool(struct db_array *a, bool value)
{
	char wire = value ? 1 : 0;

	db_array_bytes(a, &wire, 1);
}

void db_array_time(struct db_array *a, int64_t us)
{
	bool infinite = us == INT64_MAX || us < INT64_MIN + PG_EPOCH_US;
	uint64_t wire = htobe64((uint64_t)(us == INT64_MAX ? INT64_MAX
					   : infinite	   ? INT64_MIN
							   : us - PG_EPOCH_US));

	db_array_bytes(a, &wire, sizeof(wire));
}

void db_array_reset(struct db_array *a)
{
	a->count = 0;
	a->has_null = false;
	buf_reset(&a->body);
}

void db_array_done(struct db_array *a)
{
	buf_done(&a->body);
	a->count = 0;
	a->has_null = false;
}

/* More parameters than DB_PARAMS_MAX are counted and refused at execution. */
static int next_slot(struct db_params *p)
{
	int i = p->count++;

	if (i >= DB_PARAMS_MAX)
		return -1;
	p->values[i] = NULL;
	p->lengths[i] = 0;
	p->formats[i] = 0;
	p->owned[i] = false;
	return i;
}

void db_param_null(struct db_params *p)
{
	next_slot(p);
}

void db_param_text(struct db_params *p, const char *text)
{
	int i = next_slot(p);

	if (i >= 0)
		p->values[i] = text;
}

static void add_copy(struct db_params *p, const char *text)
{
	int i = next_slot(p);

	if (i < 0)
		return;
	p->owned[i] = true;
	p->offsets[i] = p->store.len;
	buf_add(&p->store, text, strlen(text) + 1);
}

void db_param_uuid(struct db_params *p, struct uuid u)
{
	char text[UUID_TEXT_SIZE];

	add_copy(p, uuid_format(u, text));
}

void db_param_int(struct db_params *p, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	add_copy(p, text);
}

void db_param_bool(struct db_params *p, bool value)
{
	db_param_text(p, value ? "t" : "f");
}

void db_param_time(struct db_params *p, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	if (us == INT64_MAX || us == INT64_MIN)
		db_param_text(p, us == INT64_MAX ? "infinity" : "-infinity");
	else
		add_copy(p, clock_format(us, text));
}

void db_param_bytes(struct db_params *p, const void *data, size_t len)
{
	int i = next_slot(p);

	if (i < 0)
		return;
	p->values[i] = data;
	p->lengths[i] = (int)len;
	p->formats[i] = 1;
}

/* One dimension, or none when empty; lower bound 1. */
void db_param_array(struct db_params *p, const struct db_array *a)
{
	int i = next_slot(p);

	if (i < 0)
		return;
	p->owned[i] = true;
	p->formats[i] = 1;
	p->offsets[i] = p->store.len;
	buf_reserve(&p->store, a->body.len + 20);
	add_u32(&p->store, a->count > 0 ? 1 : 0);
	add_u32(&p->store, a->has_null ? 1 : 0);
	add_u32(&p->store, element_oids[a->type]);
	if (a->count > 0) {
		add_u32(&p->store, (uint32_t)a->count);
		add_u32(&p->store, 1);
		buf_add(&p->store, a->body.data, a->body.len);
	}
	p->lengths[i] = (int)(p->store.len - p->offsets[i]);
}

static int add_where_text(void *arg, const char *text)
{
	struct db_params *p = arg;

	db_param_text(p, text);
	return p->count;
}

bool db_param_where(struct db_params *p, const struct where *w, struct buf *sql)
{
	struct where_params params = {
	    .room = DB_PARAMS_MAX - p->count - WHERE_LEAVES, .add = add_where_text, .arg = p};

	return where_sql(w, sql, &params);
}

void db_params_reset(struct db_params *p)
{
	p->count = 0;
	buf_reset(&p->store);
}

void db_params_done(struct db_params *p)
{
	buf_done(&p->store);
	p->count = 0;
}

int db_params_resolve(const struct db_params *p, const char *values[DB_PARAMS_MAX])
{
	int n = p != NULL ? p->count : 0;

	for (int i = 0; i < n && i < DB_PARAMS_MAX; i++)
		values[i] = p->owned[i] ? p->store.data + p->offsets[i] : p->values[i];
	return n;
}
