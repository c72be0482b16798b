/*
 * Parameters in PostgreSQL's binary array format, time conversion, conninfo and error mapping: what needs no
 * server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/db/internal.h"

static uint32_t u32_at(const char *data, size_t offset)
{
	const unsigned char *p = (const unsigned char *)data + offset;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void array_has_header_and_elements(void **state)
{
	struct db_array a = {0};
	struct db_params p = {0};
	const char *values[DB_PARAMS_MAX];

	(void)state;
	db_array_init(&a, DB_TEXT);
	db_array_text(&a, "ab");
	db_array_text(&a, NULL);
	db_array_text(&a, "");
	db_param_array(&p, &a);
	assert_int_equal(db_params_resolve(&p, values), 1);
	assert_int_equal(p.lengths[0], 20 + 4 + 2 + 4 + 4);
	assert_int_equal(p.formats[0], 1);
	assert_int_equal(u32_at(values[0], 0), 1);  /* dimensions */
	assert_int_equal(u32_at(values[0], 4), 1);  /* has NULLs */
	assert_int_equal(u32_at(values[0], 8), 25); /* text */
	assert_int_equal(u32_at(values[0], 12), 3); /* elements */
	assert_int_equal(u32_at(values[0], 16), 1); /* lower bound */
	assert_int_equal(u32_at(values[0], 20), 2);
	assert_memory_equal(values[0] + 24, "ab", 2);
	assert_int_equal(u32_at(values[0], 26), UINT32_MAX);
	assert_int_equal(u32_at(values[0], 30), 0);
	db_array_done(&a);
	db_params_done(&p);
}

static void empty_array_has_no_dimension(void **state)
{
	struct db_array a = {0};
	struct db_params p = {0};
	const char *values[DB_PARAMS_MAX];

	(void)state;
	db_array_init(&a, DB_UUID);
	db_param_array(&p, &a);
	db_params_resolve(&p, values);
	assert_int_equal(p.lengths[0], 12);
	assert_int_equal(u32_at(values[0], 0), 0);
	assert_int_equal(u32_at(values[0], 8), 2950);
	db_array_done(&a);
	db_params_done(&p);
}

static void reset_array_starts_anew(void **state)
{
	struct db_array a = {0};
	struct db_params p = {0};
	const char *values[DB_PARAMS_MAX];

	(void)state;
	db_array_init(&a, DB_INT4);
	db_array_null(&a);
	db_array_reset(&a);
	db_array_int(&a, -2);
	db_param_array(&p, &a);
	db_params_resolve(&p, values);
	assert_int_equal(u32_at(values[0], 4), 0);
	assert_int_equal(u32_at(values[0], 20), 4);
	assert_int_equal((int32_t)u32_at(values[0], 24), -2);
	db_array_done(&a);
	db_params_done(&p);
}

/* A value beyond int4 must not be cut to another one: it is sent so that the server refuses it. */
static void int4_overflow_is_not_truncated(void **state)
{
	struct db_array a = {0};

	(void)state;
	db_array_init(&a, DB_INT4);
	db_array_int(&a, INT64_C(1) << 32);
	assert_int_equal(u32_at(a.body.data, 0), 8);
	db_array_done(&a);
}

static void time_counts_from_2000(void **state)
{
	struct db_array a = {0};

	(void)state;
	db_array_init(&a, DB_TIMESTAMPTZ);
	db_array_time(&a, INT64_C(946684800000000) + 5);
	db_array_time(&a, INT64_MAX);
	db_array_time(&a, INT64_MIN);
	assert_int_equal(u32_at(a.body.data, 4), 0);
	assert_int_equal(u32_at(a.body.data, 8), 5);
	assert_int_equal(u32_at(a.body.data, 16), 0x7fffffff);
	assert_int_equal(u32_at(a.body.data, 28), 0x80000000);
	assert_int_equal(u32_at(a.body.data, 32), 0);
	db_array_done(&a);
}

/* The store moves while it grows; values must still be right at execution. */
static void scalars_survive_growth_of_the_store(void **state)
{
	struct db_params p = {0};
	const char *values[DB_PARAMS_MAX];
	struct uuid u = {{0x01, 0x02, 0x03}};
	struct db_array a = {0};

	(void)state;
	db_param_int(&p, INT64_MIN);
	db_param_uuid(&p, u);
	db_param_text(&p, NULL);
	db_param_bool(&p, true);
	db_param_time(&p, 0);
	db_param_time(&p, INT64_MAX);
	db_param_bytes(&p, "\0x", 2);
	db_array_init(&a, DB_INT8);
	for (int i = 0; i < 10000; i++)
		db_array_int(&a, i);
	db_param_array(&p, &a);
	assert_int_equal(db_params_resolve(&p, values), 8);
	assert_string_equal(values[0], "-9223372036854775808");
	assert_string_equal(values[1], "01020300-0000-0000-0000-000000000000");
	assert_null(values[2]);
	assert_string_equal(values[3], "t");
	assert_string_equal(values[4], "1970-01-01T00:00:00.000000Z");
	assert_string_equal(values[5], "infinity");
	assert_int_equal(p.lengths[6], 2);
	assert_int_equal(p.formats[6], 1);
	db_params_reset(&p);
	db_param_text(&p, "x");
	assert_int_equal(db_params_resolve(&p, values), 1);
	assert_string_equal(values[0], "x");
	db_array_done(&a);
	db_params_done(&p);
}

static void too_many_parameters_are_counted_only(void **state)
{
	struct db_params p = {0};
	const char *values[DB_PARAMS_MAX];

	(void)state;
	for (int i = 0; i < DB_PARAMS_MAX + 2; i++)
		db_param_int(&p, i);
	assert_int_equal(db_params_resolve(&p, values), DB_PARAMS_MAX + 2);
	db_params_done(&p);
}

static const char *value_of(const struct db_keywords *k, const char *keyword)
{
	for (int i = 0; i < k->count; i++)
		if (strcmp(k->keywords[i], keyword) == 0)
			return k->values[i];
	return NULL;
}

static void conninfo_is_overridden_where_it_must(void **state)
{
	struct db_options o = {
	    .conninfo = "host=/run/x user=root dbname=other connect_timeout=9 client_encoding=LATIN1",
	    .database = "pizza_order",
	    .application = "orderd.1"};
	struct db_keywords k;
	struct error err;

	(void)state;
	assert_int_equal(db_keywords_make(&o, &k, &err), 0);
	assert_string_equal(value_of(&k, "host"), "/run/x");
	assert_string_equal(value_of(&k, "user"), "root");
	assert_string_equal(value_of(&k, "dbname"), "pizza_order");
	assert_string_equal(value_of(&k, "application_name"), "orderd.1");
	assert_string_equal(value_of(&k, "connect_timeout"), "9");
	assert_string_equal(value_of(&k, "client_encoding"), "UTF8");
	assert_null(k.keywords[k.count]);
	db_keywords_done(&k);
}

static void url_is_understood_and_nonsense_refused(void **state)
{
	struct db_options o = {.conninfo = "postgresql://me@db.example:5433/?sslmode=require",
			       .database = "d"};
	struct db_keywords k;
	struct error err;

	(void)state;
	assert_int_equal(db_keywords_make(&o, &k, &err), 0);
	assert_string_equal(value_of(&k, "host"), "db.example");
	assert_string_equal(value_of(&k, "port"), "5433");
	assert_string_equal(value_of(&k, "connect_timeout"), "3");
	assert_string_equal(value_of(&k, "dbname"), "d");
	db_keywords_done(&k);
	strcpy(o.conninfo, "host");
	assert_int_equal(db_keywords_make(&o, &k, &err), ERR_INVALID);
	assert_non_null(strstr(err.why, "host"));
	db_keywords_done(&k);
}

static void sqlstates_are_classed(void **state)
{
	static const struct {
		const char *sqlstate;
		int code;
	} cases[] = {
	    {NULL, ERR_UNAVAILABLE},	{"", ERR_UNAVAILABLE},	    {"57P01", ERR_UNAVAILABLE},
	    {"57P03", ERR_UNAVAILABLE}, {"53100", ERR_UNAVAILABLE}, {"08006", ERR_UNAVAILABLE},
	    {"40001", ERR_TRANSIENT},	{"40P01", ERR_TRANSIENT},   {"55P03", ERR_TRANSIENT},
	    {"40003", ERR_UNKNOWN},	{"23505", ERR_CONFLICT},    {"22P02", ERR_INVALID},
	    {"57014", ERR_TIMEOUT},	{"42P01", ERR_BUG},	    {"42501", ERR_REFUSED},
	    {"P0001", ERR_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(db_sqlstate_code(cases[i].sqlstate), cases[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(array_has_header_and_elements),
	    cmocka_unit_test(empty_array_has_no_dimension),
	    cmocka_unit_test(reset_array_starts_anew),
	    cmocka_unit_test(int4_overflow_is_not_truncated),
	    cmocka_unit_test(time_counts_from_2000),
	    cmocka_unit_test(scalars_survive_growth_of_the_store),
	    cmocka_unit_test(too_many_parameters_are_counted_only),
	    cmocka_unit_test(conninfo_is_overridden_where_it_must),
	    cmocka_unit_test(url_is_understood_and_nonsense_refused),
	    cmocka_unit_test(sqlstates_are_classed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
