/*
 * Reservations against a real PostgreSQL, in a database of its own that is dropped at the end: all or
 * nothing, tombstones, others changing the same ingredients at the same time, deliveries. PIZZA_TEST_DATABASE
 * says where the server is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "daemons/inventory/batch.c"
#include "daemons/inventory/need.c"
#include "daemons/inventory/rules.c"
#include "daemons/inventory/shelf.c"
#include "daemons/inventory/store.c"
#include "daemons/menu/rules.c"
#include "daemons/menu/seed.c"
#include "inventory_migrations.c"

extern const struct db_migration service_migrations[];
extern const int service_migration_count;

static struct db *admin, *db;
static char database[64];
static struct error err;

#define OK(call)                                               \
	do {                                                   \
		if ((call) < 0)                                \
			fail_msg("%s: %s", err.what, err.why); \
	} while (0)

/* --- the database --- */

static struct db *pool(const char *name)
{
	struct db_options o = {.application = "test", .pool_size = 6, .acquire_timeout_ms = 5000};

	snprintf(o.conninfo, sizeof(o.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(o.database, sizeof(o.database), "%s", name);
	return db_new(&o);
}

static struct db_conn *acquire(struct db *from)
{
	struct db_conn *c = NULL;

	OK(db_acquire(from, &c, &err));
	return c;
}

static void run_sql(struct db *where, const char *sql)
{
	struct db_conn *c = acquire(where);

	OK(db_run(c, sql, &err));
	db_release(c);
}

/* The single number that a query gives. */
static int64_t number(const char *sql)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_conn *c = acquire(db);
	int64_t n;

	OK(db_query(c, sql, NULL, &r, &err));
	n = db_int(r, 0, 0);
	db_release(c);
	return n;
}

static int open_database(void **state)
{
	char sql[128];
	struct db_conn *c = NULL;

	(void)state;
	if (getenv("PIZZA_TEST_DATABASE") == NULL) {
		fprintf(stderr, "PIZZA_TEST_DATABASE is not set\n");
		return -1;
	}
	snprintf(database, sizeof(database), "pizza_test_inventory_%d", (int)getpid());
	admin = pool("postgres");
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
	run_sql(admin, sql);
	db = pool(database);
	c = acquire(db);
	OK(db_migrate(c, "service", service_migrations, service_migration_count, &err));
	OK(db_migrate(c, "inventory", inventory_migrations, inventory_migration_count, &err));
	db_release(c);
	return 0;
}

static int drop_database(void **state)
{
	char sql[128];

	(void)state;
	db_free(db);
	snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", database);
	if (admin != NULL)
		run_sql(admin, sql);
	db_free(admin);
	return 0;
}

/* A small pantry instead of the seeded one. */
static int small_pantry(void **state)
{
	(void)state;
	run_sql(
	    db,
	    "TRUNCATE outbox, reservations, restocks, stock_levels, ingredients;"
	    "INSERT INTO ingredients (ingredient_id, name, unit, initial, low_threshold) VALUES "
	    "('basil', 'Basil', 'g', 10, 3), ('dough', 'Dough', 'g', 1000, 0), ('ham', 'Ham', 'g', 50, NULL);"
	    "INSERT INTO stock_levels (ingredient_id, initial, on_hand) "
	    "SELECT ingredient_id, initial, initial FROM ingredients");
	return 0;
}

static void assert_level(const char *ingredient_id, int64_t on_hand, int64_t reserved, int64_t consumed)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM stock_levels WHERE ingredient_id = '%s' AND on_hand = %lld AND "
		 "reserved = %lld "
		 "AND consumed = %lld",
		 ingredient_id, (long long)on_hand, (long long)reserved, (long long)consumed);
	if (number(sql) != 1)
		fail_msg("%s is not at %lld/%lld/%lld", ingredient_id, (long long)on_hand,
			 (long long)reserved, (long long)consumed);
}

/* Events of the order's key in the outbox: this many of the type, the last with this number. */
static void assert_told(const char *key, const char *type, int64_t count, int64_t last_seq)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM outbox WHERE aggregate_id = '%s' AND event_type = '%s'", key, type);
	assert_int_equal(number(sql), count);
	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(max(aggregate_seq), 0) FROM outbox WHERE aggregate_id = '%s' AND "
		 "event_type = '%s'",
		 key, type);
	assert_int_equal(number(sql), last_seq);
}

static void assert_state(const struct event *e, const char *word)
{
	char sql[300];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM reservations WHERE order_id = '%s' AND state = '%s'",
		 e->aggregate_id, word);
	if (number(sql) != 1)
		fail_msg("%s is not %s", e->aggregate_id, word);
}

/* --- the menu --- */

static struct recipe_line plain_lines[] = {{"dough", {10, 20, 30}}, {"basil", {1, 2, 3}}};
static struct recipe_line rich_lines[] = {{"basil", {9, 9, 9}}, {"ham", {51, 51, 51}}};
static const struct menu_pizza menu_pizzas[] = {
    {.pizza_id = "plain", .version = 1, .available = true, .line_count = 2, .lines = plain_lines},
    {.pizza_id = "rich", .version = 1, .available = true, .line_count = 2, .lines = rich_lines},
};

/* What others do while a batch is being decided, once. */
static void (*meanwhile)(void);
static char meanwhile_order[UUID_TEXT_SIZE];

static const struct menu_pizza *find_pizza(void *arg, const char *pizza_id)
{
	void (*others)(void) = meanwhile;

	(void)arg;
	meanwhile = NULL;
	if (others != NULL)
		others();
	for (size_t i = 0; i < ARRAY_LEN(menu_pizzas); i++)
		if (strcmp(menu_pizzas[i].pizza_id, pizza_id) == 0)
			return &menu_pizzas[i];
	return NULL;
}

static bool wait_always(void *arg, const char *pizza_id, int64_t version)
{
	(void)arg;
	(void)pizza_id;
	(void)version;
	return true;
}

static const struct menu_view menu = {.find = find_pizza, .wait = wait_always};

/* --- events --- */

static struct event new_event(enum event_type type, struct uuid order_id, const char *data)
{
	struct event e = {.id = uuid_v7(), .type = type, .version = 1, .correlation_id = order_id};

	uuid_format(order_id, e.aggregate_id);
	e.data = json_loads(data, 0, NULL);
	assert_non_null(e.data);
	return e;
}

static struct event new_order(const char *pizza_id)
{
	char data[160];

	snprintf(data, sizeof(data),
		 "{\"items\":[{\"pizza_id\":\"%s\",\"size\":\"small\",\"quantity\":1,\"menu_version\":1}]}",
		 pizza_id);
	return new_event(EVENT_ORDER_CREATED, uuid_v7(), data);
}

static struct event about(const struct event *order, enum event_type type, const char *data)
{
	return new_event(type, order->correlation_id, data);
}

static int handle_in(struct db_conn *c, const struct event *const *events, int n)
{
	int rc;

	OK(db_begin(c, &err));
	rc = batch_handle(c, events, n, &menu, 10, &err);
	if (rc == 0)
		rc = db_commit(c, &err);
	if (rc < 0)
		db_rollback(c);
	return rc;
}

static int handle(const struct event *const *events, int n)
{
	struct db_conn *c = acquire(db);
	int rc = handle_in(c, events, n);

	db_release(c);
	return rc;
}

static int handle_one(const struct event *e)
{
	return handle(&e, 1);
}

/* --- tests --- */

/* The seeded stock makes a million large pizzas of each seeded kind.  Runs before the pantry is emptied. */
static void test_seeded_stock_lasts(void **state)
{
	struct store_snapshot snap = {0};
	struct db_conn *c = acquire(db);

	(void)state;
	OK(store_load(c, NULL, 0, 10, &snap, &err));
	db_release(c);
	for (int i = 0; i < MENU_SEED_COUNT; i++) {
		CLEANUP(menu_item_done) struct menu_item item = {0};
		json_t *line;
		size_t n;

		menu_seed_item(i, "RUB", &item);
		json_array_foreach (item.recipe, n, line) {
			int level = stock_find(&snap.stock, json_string_or(line, "ingredient_id", ""));

			assert_true(level >= 0);
			assert_true(snap.stock.levels[level].on_hand >=
				    1000000 * json_int_or(json_object_get(line, "quantities"), "large", 0));
		}
	}
	store_snapshot_done(&snap);
}

static void test_reserves(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain"), b = new_order("plain");
	const struct event *both[] = {&a, &b};
	char sql[400], id[UUID_TEXT_SIZE];

	(void)state;
	OK(handle(both, 2));
	assert_level("basil", 8, 2, 0);
	assert_level("dough", 980, 20, 0);
	assert_level("ham", 50, 0, 0);
	assert_state(&a, "reserved");
	assert_told(a.aggregate_id, "StockReserved", 1, 1);
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM outbox WHERE aggregate_id = '%s' AND causation_id = '%s' AND topic = "
		 "'inventory-events' AND correlation_id = aggregate_id::uuid",
		 a.aggregate_id, uuid_format(a.id, id));
	assert_int_equal(number(sql), 1);
	snprintf(
	    sql, sizeof(sql),
	    "SELECT (event_data::json->'lines'->1->>'quantity')::int FROM outbox WHERE aggregate_id = '%s' "
	    "AND event_data::json->>'order_id' = aggregate_id AND "
	    "event_data::json->'lines'->1->>'ingredient_id' = 'dough'",
	    a.aggregate_id);
	assert_int_equal(number(sql), 10);
}

static void test_all_or_nothing(void **state)
{
	CLEANUP(event_done) struct event rich = new_order("rich"), plain = new_order("plain");
	const struct event *both[] = {&rich, &plain};
	char sql[400];

	(void)state;
	OK(handle(both, 2));
	assert_state(&rich, "rejected");
	assert_state(&plain, "reserved");
	assert_level("basil", 9, 1, 0);
	assert_level("ham", 50, 0, 0);
	assert_told(rich.aggregate_id, "StockRejected", 1, 1);
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM outbox WHERE aggregate_id = '%s' AND event_data::json->>'reason' = "
		 "'out of stock: ham'",
		 rich.aggregate_id);
	assert_int_equal(number(sql), 1);
}

static void test_second_order_created_does_nothing(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain"), again = about(&a, EVENT_ORDER_CREATED, "{}");

	(void)state;
	OK(handle_one(&a));
	OK(handle_one(&again));
	assert_level("basil", 9, 1, 0);
	assert_told(a.aggregate_id, "StockReserved", 1, 1);
}

static void test_release(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");
	CLEANUP(event_done)
	struct event cancel = about(&a, EVENT_ORDER_CANCELLED, "{\"reason\":\"no appetite\"}");

	(void)state;
	OK(handle_one(&a));
	OK(handle_one(&cancel));
	OK(handle_one(&cancel));
	assert_state(&a, "released");
	assert_level("basil", 10, 0, 0);
	assert_level("dough", 1000, 0, 0);
	assert_told(a.aggregate_id, "StockReleased", 1, 2);
	OK(handle_one(&a));
	assert_state(&a, "released");
	assert_level("basil", 10, 0, 0);
	assert_int_equal(number("SELECT count(*) FROM outbox"), 2);
}

static void test_tombstone(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");
	CLEANUP(event_done) struct event cancel = about(&a, EVENT_ORDER_CANCELLED, "{}");

	(void)state;
	OK(handle_one(&cancel));
	assert_state(&a, "cancelled");
	OK(handle_one(&a));
	assert_state(&a, "cancelled");
	assert_level("basil", 10, 0, 0);
	assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
}

static void test_consumed_stays_consumed(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");
	CLEANUP(event_done) struct event cooking = about(&a, EVENT_COOKING_STARTED, "{}");
	CLEANUP(event_done) struct event cancel = about(&a, EVENT_ORDER_CANCELLED, "{}");
	CLEANUP(event_done)
	struct event remade =
	    about(&a, EVENT_TICKET_REMADE,
		  "{\"items\":[{\"pizza_id\":\"plain\",\"size\":\"small\",\"quantity\":1}]}");

	(void)state;
	assert_int_equal(handle_one(&cooking), ERR_NOT_YET);
	OK(handle_one(&a));
	OK(handle_one(&cooking));
	OK(handle_one(&cancel));
	assert_state(&a, "consumed");
	assert_level("basil", 9, 0, 1);
	OK(handle_one(&remade));
	assert_level("basil", 8, 0, 2);
	assert_level("dough", 980, 0, 20);
	assert_told(a.aggregate_id, "StockConsumed", 2, 3);
}

static void test_low_is_told_once(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		CLEANUP(event_done) struct event a = new_order("plain");

		OK(handle_one(&a));
		assert_told("basil", "StockLow", i >= 7, i >= 7);
	}
	assert_int_equal(
	    number("SELECT (event_data::json->>'available')::int FROM outbox WHERE event_type = 'StockLow'"),
	    2);
}

static void test_newer_menu_waits(void **state)
{
	CLEANUP(event_done)
	struct event a =
	    new_event(EVENT_ORDER_CREATED, uuid_v7(),
		      "{\"items\":[{\"pizza_id\":\"plain\",\"quantity\":1,\"menu_version\":2}]}");

	(void)state;
	assert_int_equal(handle_one(&a), ERR_NOT_YET);
	assert_int_equal(number("SELECT count(*) FROM reservations"), 0);
}

static void test_unknown_pizza_is_rejected(void **state)
{
	CLEANUP(event_done)
	struct event a = new_event(EVENT_ORDER_CREATED, uuid_v7(),
				   "{\"items\":[{\"pizza_id\":\"x\\\"y\",\"quantity\":1}]}");

	(void)state;
	OK(handle_one(&a));
	assert_state(&a, "rejected");
	assert_told(a.aggregate_id, "StockRejected", 1, 1);
	assert_int_equal(
	    number("SELECT count(*) FROM outbox WHERE event_data::json->>'reason' = 'unknown pizza: x\"y'"),
	    1);
}

static void test_bad_key_is_malformed(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");

	(void)state;
	strcpy(a.aggregate_id, "not-a-uuid");
	assert_int_equal(handle_one(&a), ERR_MALFORMED);
}

/* --- others at the same time --- */

static void deliver_basil(void)
{
	const struct restock d = {
	    .ingredient_id = "basil", .quantity = 5, .reason = "", .correlation_id = uuid_v7()};
	struct db_conn *c = acquire(db);
	char *reply = NULL;

	OK(shelf_restock(c, &d, 10, &reply, &err));
	free(reply);
	db_release(c);
}

static void test_delivery_while_deciding(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");

	(void)state;
	meanwhile = deliver_basil;
	OK(handle_one(&a));
	assert_level("basil", 14, 1, 0);
	assert_told(a.aggregate_id, "StockReserved", 1, 1);
}

static void take_all_basil(void)
{
	for (int i = 0; i < 10; i++) {
		CLEANUP(event_done) struct event other = new_order("plain");

		OK(handle_one(&other));
	}
}

static void test_last_one_is_taken_while_deciding(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");

	(void)state;
	meanwhile = take_all_basil;
	OK(handle_one(&a));
	assert_state(&a, "rejected");
	assert_level("basil", 0, 10, 0);
	assert_told(a.aggregate_id, "StockRejected", 1, 1);
	assert_told(a.aggregate_id, "StockReserved", 0, 0);
}

static void write_same_order(void)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO reservations (order_id, state, lines, seq) VALUES ('%s', 'cancelled', '[]', 0)",
		 meanwhile_order);
	run_sql(db, sql);
}

static void test_same_order_while_deciding(void **state)
{
	CLEANUP(event_done) struct event a = new_order("plain");

	(void)state;
	strcpy(meanwhile_order, a.aggregate_id);
	meanwhile = write_same_order;
	assert_int_equal(handle_one(&a), ERR_TRANSIENT);
	assert_level("basil", 10, 0, 0);
	OK(handle_one(&a));
	assert_state(&a, "cancelled");
	assert_int_equal(number("SELECT count(*) FROM outbox"), 0);
}

#define THREADS		 3
#define BATCHES		 30
#define ORDERS_PER_BATCH 20
#define ORDERS_THERE_ARE 500 /* of 1800 */

/* Batches against the shared pantry; returns how many of them failed. */
static void *many_batches(void *arg)
{
	static const struct menu_view plain_menu = {.find = find_pizza, .wait = wait_always};
	intptr_t failed = 0;
	struct db_conn *c = NULL;
	struct error why;

	(void)arg;
	if (db_acquire(db, &c, &why) < 0)
		return (void *)1;
	for (int i = 0; i < BATCHES; i++) {
		struct event orders[ORDERS_PER_BATCH];
		const struct event *events[ORDERS_PER_BATCH];
		int rc;

		for (int n = 0; n < ORDERS_PER_BATCH; n++) {
			orders[n] = new_order("plain");
			events[n] = &orders[n];
		}
		rc = db_begin(c, &why);
		if (rc == 0)
			rc = batch_handle(c, events, ORDERS_PER_BATCH, &plain_menu, 10, &why);
		if (rc == 0)
			rc = db_commit(c, &why);
		if (rc < 0)
			db_rollback(c);
		failed += rc < 0;
		for (int n = 0; n < ORDERS_PER_BATCH; n++)
			event_done(&orders[n]);
	}
	db_release(c);
	return (void *)failed;
}

static void test_threads_share_the_stock(void **state)
{
	pthread_t threads[THREADS];
	void *failed;

	(void)state;
	run_sql(db, "TRUNCATE stock_levels, ingredients CASCADE;"
		    "INSERT INTO ingredients VALUES ('basil', 'Basil', 'g', 500, 0), ('dough', 'Dough', 'g', "
		    "1000000, 0);"
		    "INSERT INTO stock_levels (ingredient_id, initial, on_hand) "
		    "SELECT ingredient_id, initial, initial FROM ingredients");
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_batches, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_level("basil", 0, ORDERS_THERE_ARE, 0);
	assert_level("dough", 1000000 - 10 * ORDERS_THERE_ARE, 10 * ORDERS_THERE_ARE, 0);
	assert_int_equal(number("SELECT count(*) FROM reservations WHERE state = 'reserved'"),
			 ORDERS_THERE_ARE);
	assert_int_equal(number("SELECT count(*) FROM reservations"), THREADS * BATCHES * ORDERS_PER_BATCH);
	assert_int_equal(number("SELECT count(*) FROM outbox"), THREADS * BATCHES * ORDERS_PER_BATCH);
}

static void test_the_database_holds_the_balance(void **state)
{
	struct db_conn *c = acquire(db);

	(void)state;
	assert_true(db_run(c, "UPDATE stock_levels SET on_hand = on_hand - 1", &err) < 0);
	assert_true(db_run(c, "UPDATE stock_levels SET on_hand = -1, reserved = initial + 1", &err) < 0);
	assert_true(db_run(c, "UPDATE ingredients SET initial = initial + 1", &err) < 0);
	db_release(c);
}

/* --- deliveries and lists --- */

static int deliver(const struct restock *d, char **reply)
{
	struct db_conn *c = acquire(db);
	int rc = shelf_restock(c, d, 10, reply, &err);

	db_release(c);
	return rc;
}

static void test_delivery(void **state)
{
	struct restock d = {
	    .ingredient_id = "ham", .quantity = 7, .reason = "monday", .idempotency_key = "k1"};
	AUTO_FREE char *first = NULL, *second = NULL, *third = NULL;

	(void)state;
	d.correlation_id = uuid_v7();
	OK(deliver(&d, &first));
	OK(deliver(&d, &second));
	assert_string_equal(first, second);
	assert_level("ham", 57, 0, 0);
	assert_told("ham", "StockRestocked", 1, 1);
	d.quantity = 8;
	assert_int_equal(deliver(&d, &third), ERR_INVALID);
	d.idempotency_key = NULL;
	d.ingredient_id = "eel";
	assert_int_equal(deliver(&d, &third), ERR_NOT_FOUND);
	d.ingredient_id = "ham";
	OK(deliver(&d, &third));
	assert_level("ham", 65, 0, 0);
	assert_told("ham", "StockRestocked", 2, 2);
}

static void test_delivery_whose_first_is_running(void **state)
{
	const struct restock d = {
	    .ingredient_id = "ham", .quantity = 7, .reason = "", .idempotency_key = "k2"};
	struct db_conn *first = acquire(db);
	char *reply = NULL, *again = NULL;

	(void)state;
	OK(db_begin(first, &err));
	OK(restock_in(first, &d, 10, &reply, &err));
	assert_int_equal(deliver(&d, &again), ERR_CONFLICT);
	OK(db_commit(first, &err));
	db_release(first);
	OK(deliver(&d, &again));
	assert_string_equal(reply, again);
	free(reply);
	free(again);
	assert_level("ham", 57, 0, 0);
}

static void test_delivery_ends_low(void **state)
{
	(void)state;
	test_low_is_told_once(state);
	assert_int_equal(number("SELECT count(*) FROM stock_levels WHERE low"), 1);
	deliver_basil();
	assert_int_equal(number("SELECT count(*) FROM stock_levels WHERE low"), 0);
	assert_told("basil", "StockRestocked", 1, 2);
	for (int i = 0; i < 4; i++) {
		CLEANUP(event_done) struct event a = new_order("plain");

		OK(handle_one(&a));
	}
	assert_told("basil", "StockLow", 2, 3);
}

static json_t *page_of(const char *status, const char *cursor, int limit, bool *ret_more)
{
	const struct shelf_page page = {status, cursor, limit};
	struct db_conn *c = acquire(db);
	json_t *list = NULL;

	OK(shelf_reservations(c, &page, &list, ret_more, &err));
	db_release(c);
	return list;
}

static void test_lists(void **state)
{
	CLEANUP(event_done) struct event rich = new_order("rich");
	const struct shelf_page low = {"low", "", 50};
	AUTO_JSON json_t *two = NULL, *rest = NULL, *rejected = NULL, *levels = NULL, *one = NULL;
	struct db_conn *c = NULL;
	bool more = false;

	(void)state;
	OK(handle_one(&rich));
	test_low_is_told_once(state);
	two = page_of("reserved", "", 2, &more);
	assert_true(more);
	assert_int_equal(json_array_size(two), 2);
	rest = page_of(NULL, json_string_or(json_array_get(two, 1), "order_id", ""), 50, &more);
	assert_false(more);
	assert_int_equal(json_array_size(rest), 8);
	rejected = page_of("rejected", "", 50, &more);
	assert_int_equal(json_array_size(rejected), 1);
	assert_string_equal(json_string_or(json_array_get(rejected, 0), "order_id", ""), rich.aggregate_id);
	c = acquire(db);
	OK(shelf_list(c, &low, 10, &levels, &more, &err));
	OK(shelf_get(c, "ham", 10, &one, &err));
	db_release(c);
	assert_int_equal(json_array_size(levels), 1);
	assert_string_equal(json_string_or(json_array_get(levels, 0), "ingredient_id", ""), "basil");
	assert_int_equal(json_int_or(one, "low_threshold", 0), 5);
	assert_int_equal(json_int_or(one, "available", 0), 50);
}

/* Not a check: what a large batch costs here. */
static void test_cost_of_a_large_batch(void **state)
{
	static struct event orders[500];
	static const struct event *events[500];
	struct mono started;

	(void)state;
	run_sql(db, "UPDATE stock_levels SET restocked = 100000000, on_hand = on_hand + 100000000");
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 500; i++) {
			orders[i] = new_order("plain");
			events[i] = &orders[i];
		}
		started = mono_now();
		OK(handle(events, 500));
		if (round == 11)
			print_message("500 orders in one transaction: %.1f us each\n",
				      (double)mono_since_us(started) / 500);
		for (int i = 0; i < 500; i++)
			event_done(&orders[i]);
	}
	assert_int_equal(number("SELECT count(*) FROM reservations WHERE state = 'reserved'"), 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seeded_stock_lasts),
	    cmocka_unit_test_setup(test_reserves, small_pantry),
	    cmocka_unit_test_setup(test_all_or_nothing, small_pantry),
	    cmocka_unit_test_setup(test_second_order_created_does_nothing, small_pantry),
	    cmocka_unit_test_setup(test_release, small_pantry),
	    cmocka_unit_test_setup(test_tombstone, small_pantry),
	    cmocka_unit_test_setup(test_consumed_stays_consumed, small_pantry),
	    cmocka_unit_test_setup(test_low_is_told_once, small_pantry),
	    cmocka_unit_test_setup(test_newer_menu_waits, small_pantry),
	    cmocka_unit_test_setup(test_unknown_pizza_is_rejected, small_pantry),
	    cmocka_unit_test_setup(test_bad_key_is_malformed, small_pantry),
	    cmocka_unit_test_setup(test_delivery_while_deciding, small_pantry),
	    cmocka_unit_test_setup(test_last_one_is_taken_while_deciding, small_pantry),
	    cmocka_unit_test_setup(test_same_order_while_deciding, small_pantry),
	    cmocka_unit_test_setup(test_threads_share_the_stock, small_pantry),
	    cmocka_unit_test_setup(test_the_database_holds_the_balance, small_pantry),
	    cmocka_unit_test_setup(test_delivery, small_pantry),
	    cmocka_unit_test_setup(test_delivery_whose_first_is_running, small_pantry),
	    cmocka_unit_test_setup(test_delivery_ends_low, small_pantry),
	    cmocka_unit_test_setup(test_lists, small_pantry),
	    cmocka_unit_test_setup(test_cost_of_a_large_batch, small_pantry),
	};

	return cmocka_run_group_tests(tests, open_database, drop_database);
}
