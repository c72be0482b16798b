/*
 * Long lists: what is asked for again, and what becomes of the rows that were there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/base/uuid.h"
#include "tui/feed.h"
#include "tui/longlist.h"
#include "tui/pack.h"

static struct {
	const char *life;
	int first, count; /* of the orders there are */
	int changed;	  /* this one has another state */
	bool lost;
	bool changes; /* nothing but the changes was asked for */
	char from[UUID_TEXT_SIZE];
} model;

static int tell_now(struct console *c, struct readmodel_mark *ret, struct error *err)
{
	(void)c;
	(void)err;
	snprintf(ret->life, sizeof(ret->life), "%s", model.life);
	snprintf(ret->xid, sizeof(ret->xid), "7");
	return 0;
}

static const char *id_of(int i)
{
	static char id[UUID_TEXT_SIZE];

	snprintf(id, sizeof(id), "01939b1c-7f3a-7c22-9a54-%012d", i);
	return id;
}

static int tell(struct console *c, const struct readmodel_filter *f, console_row *row, void *arg,
		struct error *err)
{
	(void)c;
	model.changes = f->since != NULL;
	snprintf(model.from, sizeof(model.from), "%s", f->from_id != NULL ? f->from_id : "");
	if (model.lost)
		return error_set(err, ERR_UNAVAILABLE, "postgres", "gone");
	for (int i = model.first + model.count - 1; i >= model.first; i--)
		if (f->since == NULL || i == model.changed)
			assert_int_equal(row(arg,
					     json_pack("{s:s, s:s, s:s}", "order_id", id_of(i), "state",
						       i == model.changed ? "ready" : "paid", "other", "x"),
					     err),
					 0);
	return 0;
}

static const char *const members[] = {"order_id", "state", NULL};

static json_t *fetch(struct longlist *l, const char *state)
{
	struct readmodel_filter f = {.state = state, .stuck_ms = -1, .since_ms = -1, .limit = FEED_ROWS_MAX};
	struct error err;
	json_t *rows = NULL;

	assert_int_equal(longlist_fetch(l, NULL, &f, &rows, &err), 0);
	return rows;
}

static void assert_row(const json_t *rows, size_t at, int number, const char *state)
{
	json_t *row = pack_open(json_array_get(rows, at));

	assert_string_equal(json_string_value(json_object_get(row, "order_id")), id_of(number));
	assert_string_equal(json_string_value(json_object_get(row, "state")), state);
	assert_null(json_object_get(row, "other"));
	json_decref(row);
}

/* A change replaces its row, a new order comes first, and all other rows are those that were there. */
static void test_changes(void **state)
{
	struct longlist l = {.ask = tell, .now = tell_now, .members = members};
	json_t *before, *after;

	(void)state;
	model = (typeof(model)){.life = "a", .count = 100, .changed = -1};
	before = fetch(&l, NULL);
	assert_false(model.changes);
	after = fetch(&l, NULL);
	assert_true(model.changes);
	assert_ptr_equal(after, before);
	json_decref(after);
	model.changed = 40;
	after = fetch(&l, NULL);
	assert_int_equal(json_array_size(after), 100);
	assert_row(after, 59, 40, "ready");
	assert_row(before, 59, 40, "paid");
	assert_ptr_equal(json_array_get(after, 58), json_array_get(before, 58));
	assert_ptr_equal(json_array_get(after, 99), json_array_get(before, 99));
	json_decref(before);
	json_decref(after);
	model.changed = model.count++;
	after = fetch(&l, NULL);
	assert_int_equal(json_array_size(after), 101);
	assert_row(after, 0, 100, "ready");
	assert_row(after, 1, 99, "paid");
	assert_string_equal(model.from, "");
	json_decref(after);
	json_decref(l.rows);
}

/* Another server or table, a failure, and a list of some states are read as a whole. */
static void test_anew(void **state)
{
	struct longlist l = {.ask = tell, .now = tell_now, .members = members};
	struct readmodel_filter f = {.stuck_ms = -1, .since_ms = -1, .limit = FEED_ROWS_MAX};
	struct error err;
	json_t *rows;

	(void)state;
	model = (typeof(model)){.life = "a", .count = 10, .changed = -1};
	json_decref(fetch(&l, NULL));
	model.life = "b";
	model.count = 5;
	rows = fetch(&l, NULL);
	assert_false(model.changes);
	assert_int_equal(json_array_size(rows), 5);
	json_decref(rows);
	json_decref(fetch(&l, "paid"));
	assert_false(model.changes);
	json_decref(fetch(&l, NULL));
	assert_false(model.changes);
	model.lost = true;
	assert_int_equal(longlist_fetch(&l, NULL, &f, &rows, &err), ERR_UNAVAILABLE);
	model.lost = false;
	json_decref(fetch(&l, NULL));
	assert_false(model.changes);
	json_decref(l.rows);
}

/* A full list stays as long as it is: the oldest order goes, and what is older is not asked for. */
static void test_full(void **state)
{
	struct longlist l = {.ask = tell, .now = tell_now, .members = members};
	json_t *rows;

	(void)state;
	model = (typeof(model)){.life = "a", .first = 50, .count = FEED_ROWS_MAX, .changed = -1};
	json_decref(fetch(&l, NULL));
	model.changed = model.first + model.count++;
	rows = fetch(&l, NULL);
	assert_string_equal(model.from, id_of(50));
	assert_int_equal(json_array_size(rows), FEED_ROWS_MAX);
	assert_row(rows, 0, FEED_ROWS_MAX + 50, "ready");
	assert_row(rows, FEED_ROWS_MAX - 1, 51, "paid");
	json_decref(rows);
	json_decref(l.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_anew),
	    cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
