/*
 * The menu copy.  One thread reads menu-events from the beginning, writes what is newer into menu_copy, and
 * then changes the map in memory under the write lock; readers hold the read lock.  Versions only rise, so
 * reading the topic again after a restart changes nothing.
 */
#include "core/service/menucopy.h"

#include <string.h>
#include <time.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/bus/bus.h"
#include "core/service/private.h"

#define POLL_TIMEOUT_MS 500
#define BATCH_MAX	500

struct menucopy {
	struct service *service;
	pthread_t thread;
	pthread_rwlock_t lock;
	struct map pizzas; /* pizza_id → struct menu_pizza */
	size_t expected;   /* as many has the catalogue: one that is just being published comes in pieces */
};

static const struct db_migration migrations[] = {
    {1, "0001_menu_copy.sql",
     "CREATE TABLE menu_copy (pizza_id text PRIMARY KEY, version bigint NOT NULL, item json NOT NULL,"
     " received_at timestamptz NOT NULL DEFAULT clock_timestamp())"},
};

static void free_pizza(void *p)
{
	struct menu_pizza *pizza = p;

	if (pizza == NULL)
		return;
	free(pizza->lines);
	free(pizza);
}

/* --- reading event_data of MenuItemChanged --- */

static int parse_sizes(const json_t *object, int64_t values[SIZE_COUNT], struct error *err)
{
	for (int i = 0; i < SIZE_COUNT; i++) {
		int rc = json_get_int(object, pizza_sizes[i], &values[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int parse_recipe(const json_t *recipe, struct menu_pizza *p, struct error *err)
{
	if (!json_is_array(recipe))
		return error_set(err, ERR_MALFORMED, "recipe", "must be an array");
	p->line_count = (int)json_array_size(recipe);
	p->lines = xcalloc((size_t)p->line_count, sizeof(*p->lines));
	for (int i = 0; i < p->line_count; i++) {
		const json_t *line = json_array_get(recipe, (size_t)i);
		const char *id;
		int rc = json_get_string(line, "ingredient_id", &id, err);

		if (rc == 0)
			rc = parse_sizes(json_object_get(line, "quantities"), p->lines[i].quantity, err);
		if (rc < 0)
			return rc;
		snprintf(p->lines[i].ingredient_id, sizeof(p->lines[i].ingredient_id), "%s", id);
	}
	return 0;
}

static int parse_fields(const json_t *data, struct menu_pizza *p, struct error *err)
{
	const char *id, *name, *currency;
	int rc;

	if ((rc = json_get_string(data, "pizza_id", &id, err)) < 0 ||
	    (rc = json_get_string(data, "name", &name, err)) < 0 ||
	    (rc = json_get_string(data, "currency", &currency, err)) < 0 ||
	    (rc = json_get_int(data, "menu_version", &p->version, err)) < 0 ||
	    (rc = parse_sizes(json_object_get(data, "prices"), p->price, err)) < 0)
		return rc;
	snprintf(p->pizza_id, sizeof(p->pizza_id), "%s", id);
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->currency, sizeof(p->currency), "%.3s", currency);
	p->bake_c = (int)json_int_or(data, "bake_temperature_c", MENU_BAKE_C);
	p->available = json_bool_or(data, "available", true) && !json_bool_or(data, "deleted", false);
	return parse_recipe(json_object_get(data, "recipe"), p, err);
}

static struct menu_pizza *parse_pizza(struct menucopy *m, const json_t *data, struct error *err)
{
	struct menu_pizza *p = xcalloc(1, sizeof(*p));
	int64_t size = json_int_or(data, "catalogue_size", 0);

	if (parse_fields(data, p, err) == 0) {
		m->expected = size > 0 && (size_t)size > m->expected ? (size_t)size : m->expected;
		return p;
	}
	free_pizza(p);
	return NULL;
}

static void remember(struct menucopy *m, struct menu_pizza *p)
{
	const struct menu_pizza *known = map_gets(&m->pizzas, p->pizza_id);

	if (known != NULL && known->version >= p->version)
		free_pizza(p);
	else
		free_pizza(map_puts(&m->pizzas, p->pizza_id, p));
}

/* --- the table --- */

DB_STATEMENT(menu_copy_load, "SELECT item FROM menu_copy");

static int load_table(struct menucopy *m, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_conn *c;
	int rc = db_acquire(service_db(m->service), &c, err);

	if (rc < 0)
		return rc;
	rc = db_migrate(c, "menu_copy", migrations, ARRAY_LEN(migrations), err);
	if (rc == 0)
		rc = db_exec(c, &menu_copy_load, NULL, &r, err);
	db_release(c);
	for (int i = 0; rc == 0 && i < db_rows(r); i++) {
		AUTO_JSON json_t *item = NULL;
		struct menu_pizza *p;

		rc = json_parse_object(db_text(r, i, 0), (size_t)db_length(r, i, 0), &item, err);
		p = rc == 0 ? parse_pizza(m, item, err) : NULL;
		if (p != NULL)
			remember(m, p);
	}
	return rc;
}

DB_STATEMENT(
    menu_copy_save,
    "INSERT INTO menu_copy (pizza_id, version, item) VALUES ($1, $2, $3) ON CONFLICT (pizza_id) DO UPDATE "
    "SET version = EXCLUDED.version, item = EXCLUDED.item, received_at = clock_timestamp() "
    "WHERE menu_copy.version < EXCLUDED.version");

static int save(struct menucopy *m, const struct menu_pizza *p, const json_t *data, struct error *err)
{
	AUTO_FREE char *text = json_text(data);
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_text(&params, p->pizza_id);
	db_param_int(&params, p->version);
	db_param_text(&params, text);
	return db_once(service_db(m->service), &menu_copy_save, &params, NULL, err);
}

/* --- the reader's thread --- */

static bool is_newer(struct menucopy *m, const struct menu_pizza *p)
{
	const struct menu_pizza *known = map_gets(&m->pizzas, p->pizza_id); /* only this thread writes */

	return known == NULL || known->version < p->version;
}

static void sleep_ms(int64_t ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

/* Saves and remembers one change; waits while the database is down. */
static void take_change(struct menucopy *m, struct menu_pizza *p, const json_t *data)
{
	struct error err;

	if (!is_newer(m, p)) {
		free_pizza(p);
		return;
	}
	while (save(m, p, data, &err) < 0) {
		if (service_stopping(m->service))
			break;
		log_err(LOG_WARN, &err, "menu copy of %s", p->pizza_id);
		sleep_ms(500);
	}
	pthread_rwlock_wrlock(&m->lock);
	remember(m, p);
	pthread_rwlock_unlock(&m->lock);
}

static void take_message(struct menucopy *m, const struct bus_message *msg)
{
	struct event e;
	struct error err;
	struct menu_pizza *p;

	if (event_parse(msg->value, msg->value_len, &e, &err) < 0) {
		log_err(LOG_WARN, &err, "menu-events/%d@%lld is passed over", (int)msg->partition,
			(long long)msg->offset);
		return;
	}
	p = e.type == EVENT_MENU_ITEM_CHANGED ? parse_pizza(m, e.data, &err) : NULL;
	if (p != NULL)
		take_change(m, p, e.data);
	else
		log_warn("menu-events/%d@%lld is passed over", (int)msg->partition, (long long)msg->offset);
	event_done(&e);
}

static bool is_complete(const struct menucopy *m)
{
	return m->pizzas.len > 0 && m->pizzas.len >= m->expected;
}

static void read_topic(struct menucopy *m, struct bus_reader *reader)
{
	struct bus_batch batch = {0};
	bool at_end = false, complete = false;

	while (!service_stopping(m->service)) {
		struct error err;
		int rc = bus_reader_poll(reader, BATCH_MAX, POLL_TIMEOUT_MS, &batch, &at_end, &err);

		if (rc == ERR_CONFLICT)
			break;
		for (int i = 0; i < batch.count; i++)
			take_message(m, &batch.messages[i]);
		if (!complete && at_end && is_complete(m)) {
			complete = true;
			service_condition(m->service, "menu", true, true, "%s", "");
		}
		bus_batch_reset(&batch);
	}
	bus_batch_done(&batch);
}

static void *reader_main(void *arg)
{
	struct menucopy *m = arg;
	const struct bus_options options = {service_bootstrap(m->service), service_client_id(m->service)};

	while (!service_stopping(m->service)) {
		struct bus_reader *reader;
		struct error err;

		if (bus_reader_new(&options, topics[TOPIC_MENU].name, &reader, &err) < 0) {
			log_err(LOG_WARN, &err, "read the menu");
			sleep_ms(1000);
			continue;
		}
		read_topic(m, reader);
		bus_reader_free(reader);
	}
	return NULL;
}

int menucopy_start(struct service *s, struct menucopy **ret, struct error *err)
{
	struct menucopy *m = xcalloc(1, sizeof(*m));
	int rc;

	m->service = s;
	pthread_rwlock_init(&m->lock, NULL);
	rc = load_table(m, err);
	if (rc == 0)
		service_condition(s, "menu", true, is_complete(m),
				  "menu-events has not been read to its end");
	if (rc == 0 && pthread_create(&m->thread, NULL, reader_main, m) != 0)
		rc = error_errno(err, "start the menu reader");
	if (rc < 0) {
		map_done(&m->pizzas, free_pizza);
		free(m);
		return rc;
	}
	*ret = m;
	return 0;
}

void menucopy_lock(struct menucopy *m)
{
	pthread_rwlock_rdlock(&m->lock);
}

const struct menu_pizza *menucopy_find(const struct menucopy *m, const char *pizza_id)
{
	return map_gets(&m->pizzas, pizza_id);
}

const char *menucopy_nearest(const struct menucopy *m, const char *pizza_id)
{
	size_t cursor = 0;
	int n = 0;
	const char *id, *near;
	void *pizza;
	const char **ids = xcalloc(m->pizzas.len + 1, sizeof(*ids));

	while (map_next(&m->pizzas, &cursor, &id, &pizza))
		if (((const struct menu_pizza *)pizza)->available)
			ids[n++] = id;
	near = nearest_word(pizza_id, ids, n);
	free(ids);
	return near;
}

void menucopy_unlock(struct menucopy *m)
{
	pthread_rwlock_unlock(&m->lock);
}

void menucopy_stop(struct menucopy *m)
{
	if (m == NULL)
		return;
	pthread_join(m->thread, NULL);
	map_done(&m->pizzas, free_pizza);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}
