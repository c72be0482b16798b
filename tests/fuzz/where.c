/*
 * Conditions (--where): what is read is evaluated on rows and becomes SQL without touching the parameters'
 * places; what is not, says where.
 */
#include "core/base/mem.h"
#include "core/base/where.h"
#include "tests/fuzz/fuzz.h"

static const struct where_column columns[] = {
    {"name", WHERE_TEXT, "name"},      {"n", WHERE_INT, "n"},	     {"rate", WHERE_REAL, NULL},
    {"amount", WHERE_MONEY, "amount"}, {"due", WHERE_BOOL, "due"},   {"at", WHERE_TIME, "at"},
    {"wait_ms", WHERE_MS, "wait_ms"},  {"age", WHERE_SECONDS, NULL}, {"size", WHERE_BYTES, "size"},
    {"value", WHERE_JSON, "value"},
};

static int add(void *arg, const char *text)
{
	FUZZ_ASSERT(text != NULL);
	return ++*(int *)arg;
}

static void evaluate(const struct where *w)
{
	static const char *const rows[] = {
	    "{}",
	    "{\"name\":\"Ivan\",\"n\":3,\"rate\":0.5,\"amount\":120000,\"due\":true,\"at\":"
	    "\"2026-11-21T12:00:00Z\",\"wait_ms\":250,\"age\":90,\"size\":1048576,\"value\":{\"a\":[1,{\"b\":"
	    "null}]}}",
	    "{\"name\":null,\"n\":\"three\",\"rate\":[],\"amount\":-1,\"due\":0,\"at\":\"yesterday\","
	    "\"value\":7}"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *row = json_loads(rows[i], 0, NULL);

		FUZZ_ASSERT(where_match(w, row) == where_match(w, row));
		json_decref(row);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct buf sql = {0};
	struct where *w;
	struct error err;
	int used = 0;

	if (where_parse(text, columns, ARRAY_LEN(columns), INT64_C(1790000000000000), &w, &err) == 0) {
		const struct where_params params = {.room = 8, .add = add, .arg = &used};

		evaluate(w);
		where_sql(w, &sql, &params);
		FUZZ_ASSERT(used <= 8 && sql.len >= 2 && buf_str(&sql)[0] == '(');
		where_free(w);
	} else {
		FUZZ_ASSERT(err.code == ERR_USAGE && err.why[0] != '\0');
	}
	buf_done(&sql);
	free(text);
	return 0;
}
