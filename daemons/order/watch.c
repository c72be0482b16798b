/*
 * The watch.  Every replica has one; each sees the whole group's lag, the stretches of attention are the
 * database's, and the rows of overdue orders are locked, so several do no harm.
 */
#include "daemons/order/watch.h"

#include <pthread.h>
#include <string.h>

#include "core/base/cond.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/config.h"
#include "daemons/order/moves.h"
#include "daemons/order/store.h"

#define TICK_MS	      1000
#define SLACK_MS      5000 /* lag that is none; also a gap in attention that is none */
#define ADMIN_MS      3000 /* time-out of asking Kafka */
#define CANCEL_MAX    200  /* orders per transaction */
#define SAVE_EVERY_MS 60000
#define DEEP_EVERY_MS 600000 /* clocks may have been set back: now and then the search starts earlier */
#define DEEP_US	      7200000000

struct watch {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;

	struct bus_admin *admin;
	struct map targets;		  /* "topic/partition" → its end at target_at, plus 1 */
	struct mono target_at, caught_up; /* 0: not yet */
	int64_t stuck_ms, deadline_ms;	  /* as the database knows them */

	struct uuid settled_below;
	bool loaded;
	struct mono saved, deep;
};

/* --- attention --- */

static const char *target_key(const struct bus_lag *l, char text[300])
{
	snprintf(text, 300, "%s/%d", l->topic, (int)l->partition);
	return text;
}

/* Everything up to the ends noted at target_at has been handled. */
static bool reached(const struct watch *w, const struct bus_lag *list, int n)
{
	char key[300];

	for (int i = 0; i < n; i++) {
		intptr_t target = (intptr_t)map_gets(&w->targets, target_key(&list[i], key));

		if (list[i].state == BUS_LAG_UNKNOWN)
			return false;
		if (target > 1 && list[i].committed < target - 1)
			return false;
	}
	return true;
}

static void note_ends(struct watch *w, const struct bus_lag *list, int n)
{
	char key[300];

	map_done(&w->targets, NULL);
	w->target_at = mono_now();
	for (int i = 0; i < n; i++)
		if (list[i].end >= 0)
			map_puts(&w->targets, target_key(&list[i], key), (void *)(intptr_t)(list[i].end + 1));
}

static int look_at_lag(struct watch *w, struct error *err)
{
	const struct daemon_info *info = service_info(w->service);
	const struct bus_options options = {service_bootstrap(w->service), service_client_id(w->service)};
	struct bus_lag *list = NULL;
	int n = 0, topics_read = 0, rc = 0;

	while (topics_read < DAEMON_TOPICS_MAX && info->consumes[topics_read] != NULL)
		topics_read++;
	if (w->admin == NULL)
		rc = bus_admin_new_beside(&options, info->name, ADMIN_MS, &w->admin, err);
	if (rc == 0)
		rc = bus_admin_own_lag(w->admin, info->consumes, topics_read, &list, &n, err);
	if (rc < 0)
		return rc;
	if (n > 0 && w->target_at.ns != 0 && reached(w, list, n)) {
		w->caught_up = w->target_at;
		note_ends(w, list, n);
	} else if (n > 0 && w->target_at.ns == 0) {
		note_ends(w, list, n);
	}
	bus_lag_free(list, n);
	return 0;
}

static bool consumes_without_lag(struct watch *w)
{
	struct error err;

	if (look_at_lag(w, &err) < 0) {
		log_err(LOG_DEBUG, &err, "the group's lag is not known");
		return false;
	}
	return w->caught_up.ns != 0 && mono_since_ms(w->caught_up) <= SLACK_MS;
}

/* --- what is overdue --- */

/* The smallest version 7 UUID of a moment. */
static struct uuid uuid_floor(int64_t us)
{
	struct uuid u = {0};
	int64_t ms = us > 0 ? us / 1000 : 0;

	for (int i = 5; i >= 0; i--, ms >>= 8)
		u.b[i] = (uint8_t)(ms & 0xff);
	return u;
}

static struct uuid search_from(struct watch *w)
{
	if (w->deep.ns != 0 && mono_since_ms(w->deep) < DEEP_EVERY_MS)
		return w->settled_below;
	w->deep = mono_now();
	return uuid_floor(uuid_time_us(w->settled_below) - DEEP_US);
}

static int cancel_some(struct watch *w, struct db_conn *c, const struct order_search *search, int *ret_count,
		       struct error *err)
{
	char limit[DURATION_TEXT_SIZE];
	int rc = db_begin(c, err);

	*ret_count = 0;
	if (rc == 0)
		rc = moves_cancel_overdue(c, search, duration_format(w->deadline_ms * 1000, limit), ret_count,
					  err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0)
		db_rollback(c);
	return rc;
}

static int save(struct watch *w, struct db_conn *c, struct error *err)
{
	int rc;

	if (w->saved.ns != 0 && mono_since_ms(w->saved) < SAVE_EVERY_MS)
		return 0;
	rc = store_search_save(c, w->settled_below, err);
	if (rc == 0)
		w->saved = mono_now();
	return rc;
}

/* Orders whose latest step lies before `before` have waited for too long. */
static int cancel_overdue(struct watch *w, struct db_conn *c, int64_t before_us, struct error *err)
{
	struct order_search search = {.from = search_from(w),
				      .below = uuid_floor(before_us),
				      .before_us = before_us,
				      .limit = CANCEL_MAX};
	int n = CANCEL_MAX, rc = 0;

	while (rc == 0 && n == CANCEL_MAX && !service_stopping(w->service)) {
		rc = cancel_some(w, c, &search, &n, err);
		if (rc == 0 && n > 0) {
			log_warn("%d orders have waited for too long and are cancelled", n);
			moves_cancelled(w->service, n);
		}
	}
	if (rc == 0)
		rc = store_search_settled(c, &search, &w->settled_below, err);
	return rc < 0 ? rc : save(w, c, err);
}

/* --- the tick --- */

/* Deadlines can be reloaded; the view order_timers shows them. */
static int tell_deadlines(struct watch *w, struct db_conn *c, struct error *err)
{
	int64_t stuck = config_int(CONFIG_ORDER_STUCK), deadline = config_int(CONFIG_ORDER_DEADLINE);
	int rc = 0;

	if (stuck != w->stuck_ms || deadline != w->deadline_ms)
		rc = store_deadlines(c, stuck, deadline, err);
	if (rc == 0) {
		w->stuck_ms = stuck;
		w->deadline_ms = deadline;
	}
	return rc;
}

static int work(struct watch *w, struct db_conn *c, struct error *err)
{
	int64_t before_us = 0;
	bool published = false;
	int rc = tell_deadlines(w, c, err);

	if (rc == 0 && !w->loaded)
		rc = store_search_load(c, &w->settled_below, err);
	if (rc < 0)
		return rc;
	w->loaded = true;
	if (!consumes_without_lag(w))
		return 0;
	rc = store_published(c, SLACK_MS, &published, err);
	if (rc < 0 || !published)
		return rc;
	rc = store_attend(c, SLACK_MS, w->deadline_ms, &before_us, err);
	return rc < 0 || before_us == 0 ? rc : cancel_overdue(w, c, before_us, err);
}

static void tick(struct watch *w)
{
	struct db_conn *c = NULL;
	struct error err;
	int rc = db_acquire(service_db(w->service), &c, &err);

	if (rc == 0)
		rc = work(w, c, &err);
	db_release(c);
	if (rc < 0)
		log_err(error_class(rc) == CLASS_DEPENDENCY ? LOG_DEBUG : LOG_WARN, &err, "deadlines wait");
}

static bool wait_tick(struct watch *w)
{
	struct mono until = mono_add_ms(mono_now(), TICK_MS);
	bool go_on;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping && cond_wait_until(&w->wake, &w->lock, until))
		;
	go_on = !w->stopping;
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

static void *watch_main(void *arg)
{
	while (wait_tick(arg))
		tick(arg);
	return NULL;
}

/* --- life --- */

int watch_start(struct service *s, struct watch **ret, struct error *err)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->service = s;
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->wake);
	if (pthread_create(&w->thread, NULL, watch_main, w) != 0) {
		free(w);
		return error_errno(err, "start the watch over deadlines");
	}
	*ret = w;
	return 0;
}

void watch_stop(struct watch *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	bus_admin_free(w->admin);
	map_done(&w->targets, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
