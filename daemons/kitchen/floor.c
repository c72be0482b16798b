/*
 * The floor's thread.  A round looks at everything, writes what has happened, and goes on until nothing
 * more does; then it waits for news or readings.
 */
#include "daemons/kitchen/floor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/cond.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "daemons/kitchen/inside.h"

#define IDLE_MS	    500 /* a silent station is noticed at the latest so much later */
#define ROUNDS_MAX  8
#define PAUSE_MS    500 /* while the database is away */
#define ANSWER_MS   400 /* of a device */
#define WINDOW_MIN  256
#define WINDOW_MAX  8192
#define WINDOW_DECK 8 /* tickets of the queue in memory for each deck */
#define BUSY_POLL_S 6 /* seconds of the kitchen between two readings of what bakes */

/* --- moves --- */

struct move *floor_move(struct floor *f, struct ticket *t, enum ticket_event event, const char *reason, ...)
{
	struct move *m;
	va_list ap;

	if (f->move_count == f->move_cap) {
		f->move_cap = f->move_cap > 0 ? 2 * f->move_cap : 64;
		f->moves = xreallocarray(f->moves, (size_t)f->move_cap, sizeof(*f->moves));
	}
	m = &f->moves[f->move_count++];
	*m = (struct move){.ticket = t, .event = event, .station = t->station, .deck = t->deck};
	m->to = (enum ticket_state)ticket_next(t->state, event);
	m->remakes = t->remakes + (event == TICKET_EVENT_BURNT);
	m->moves = t->moves + (event == TICKET_EVENT_MOVED);
	m->timer = t->timer >= 0 ? f->devices[t->timer].name : NULL;
	m->device = t->station >= 0 ? f->devices[t->station].name : NULL;
	if (!ticket_on_deck(m->to))
		m->station = m->deck = -1;
	va_start(ap, reason);
	vsnprintf(m->reason, sizeof(m->reason), reason, ap);
	va_end(ap);
	return m;
}

/* Takes a ticket off its deck; what lies there is taken out by the next look. */
static void clear_deck(struct floor *f, struct ticket *t)
{
	if (t->station >= 0 && f->stations[t->station].on[t->deck] == t) {
		f->stations[t->station].on[t->deck] = NULL;
		f->stations[t->station].ordered[t->deck] = (struct mono){0};
	}
	t->station = t->deck = -1;
	timers_release(f, t);
}

static void forget(struct floor *f, struct ticket *t)
{
	clear_deck(f, t);
	scheduler_remove(f->scheduler, &t->job);
	pool_drop(&f->tickets, t);
}

static void forget_orders(struct floor *f, struct uuid *orders, int n)
{
	struct ticket *t, *next;
	size_t cursor = 0;

	if (n == 0)
		return;
	qsort(orders, (size_t)n, sizeof(*orders), uuid_compare_at);
	for (t = pool_next(&f->tickets, &cursor, NULL); t != NULL; t = next) {
		next = pool_next(&f->tickets, &cursor, t);
		if (bsearch(&t->order_id, orders, (size_t)n, sizeof(*orders), uuid_compare_at) != NULL)
			forget(f, t);
	}
}

/* A deck is kept from the moment on at which it is decided, so that no other ticket gets it. */
static void place(struct floor *f)
{
	struct placement p;

	while (scheduler_next(f->scheduler, &p)) {
		struct ticket *t = (struct ticket *)p.ticket; /* its first member */
		struct move *m = floor_move(f, t, TICKET_EVENT_PLACED, "%s", "");

		m->station = p.station;
		m->deck = p.deck;
		m->device = f->devices[p.station].name;
		f->stations[p.station].on[p.deck] = t;
		f->stations[p.station].ordered[p.deck] = (struct mono){0};
	}
}

static void apply(struct floor *f, const struct move *m, struct uuid *failed, int *failed_count)
{
	struct ticket *t = m->ticket;

	if (m->event == TICKET_EVENT_PLACED) {
		t->station = m->station;
		t->deck = m->deck;
		t->started_us = clock_wall_us();
	}
	if (m->failed)
		failed[(*failed_count)++] = t->order_id;
	if (m->dropped || ticket_ended(m->to)) {
		forget(f, t);
		return;
	}
	t->state = m->to;
	t->remakes = m->remakes;
	t->moves = m->moves;
	if (ticket_on_deck(m->to))
		return;
	clear_deck(f, t);
	t->started_us = 0;
	if (m->to == TICKET_QUEUED)
		scheduler_add(f->scheduler, &t->job);
}

static void apply_all(struct floor *f)
{
	AUTO_FREE struct uuid *failed = xcalloc((size_t)f->move_count + 1, sizeof(*failed));
	int n = 0;

	for (int i = 0; i < f->move_count; i++)
		apply(f, &f->moves[i], failed, &n);
	forget_orders(f, failed, n);
}

/* --- news --- */

static void take_news(struct floor *f)
{
	struct news **box;
	int n;

	pthread_mutex_lock(&f->box_lock);
	box = f->box;
	n = f->box_count;
	f->box = NULL;
	f->box_count = f->box_cap = 0;
	f->stirred = false;
	pthread_mutex_unlock(&f->box_lock);
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < box[i]->count; k++)
			queue_take(f, box[i]->tickets[k]);
		box[i]->count = 0;
		forget_orders(f, box[i]->gone, box[i]->gone_count);
		news_free(box[i]);
	}
	free(box);
}

/* --- what the database knows --- */

static void empty(struct floor *f)
{
	struct ticket *t;
	size_t cursor = 0;

	for (t = pool_next(&f->tickets, &cursor, NULL); t != NULL; t = pool_next(&f->tickets, &cursor, t))
		scheduler_remove(f->scheduler, &t->job);
	pool_done(&f->tickets);
	for (int i = 0; i < f->station_count; i++)
		memset(f->stations[i].on, 0, sizeof(f->stations[i].on));
	timers_forget(f);
	f->move_count = 0;
	f->tail_us = INT64_MIN;
	f->tail_id = 0;
	f->complete = false;
}

static void take_open(struct floor *f, const struct db_result *r, int row)
{
	struct ticket *t = xcalloc(1, sizeof(*t));
	const struct hardware_device *d;
	const char *device, *timer;

	store_read_ticket(r, row, t, &device, &timer);
	d = hardware_find(f->devices, f->station_count, device);
	pool_take(&f->tickets, t);
	if (d == NULL || t->deck < 0 || t->deck >= d->decks || !ticket_on_deck(t->state)) {
		t->deck = -1;
		f->orphans = true; /* the kitchen may have become smaller */
		return;
	}
	t->station = (int)(d - f->devices);
	f->stations[t->station].on[t->deck] = t;
	timers_adopt(f, t, timer);
}

/* Tickets on decks that do not exist any more go elsewhere. */
static void move_orphans(struct floor *f)
{
	struct ticket *t;
	size_t cursor = 0;

	if (!f->orphans)
		return;
	f->orphans = false;
	for (t = pool_next(&f->tickets, &cursor, NULL); t != NULL; t = pool_next(&f->tickets, &cursor, t))
		if (ticket_on_deck(t->state) && t->station < 0)
			floor_move(f, t, TICKET_EVENT_MOVED, "its station is gone");
}

static int read_all(struct floor *f, struct db_result **tickets, struct db_result **modes, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(service_db(f->service), &c, err);

	if (rc < 0)
		return rc;
	rc = store_open_tickets(c, tickets, err);
	if (rc == 0)
		rc = store_stations(c, modes, err);
	db_release(c);
	return rc;
}

/* Memory as the database has it; the hardware is compared with it afterwards. */
static int load(struct floor *f, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *tickets = NULL, *modes = NULL;
	int rc = read_all(f, &tickets, &modes, err);

	if (rc < 0)
		return rc;
	empty(f);
	for (int i = 0; i < db_rows(tickets); i++)
		take_open(f, tickets, i);
	for (int i = 0; i < db_rows(modes); i++) {
		const struct hardware_device *d =
		    hardware_find(f->devices, f->station_count, db_text(modes, i, 0));
		int mode = station_mode_parse(db_text(modes, i, 1));

		if (d != NULL && mode >= 0)
			f->stations[d - f->devices].mode = (enum station_mode)mode;
	}
	return queue_refill(f, err);
}

/* What was found out about the devices before: nobody has to bake there for it to be found out again. */
static int load_findings(struct floor *f, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_conn *c;
	int rc = db_acquire(service_db(f->service), &c, err);

	if (rc < 0)
		return rc;
	rc = store_stations(c, &r, err);
	db_release(c);
	for (int i = 0; i < db_rows(r); i++) {
		const struct hardware_device *d =
		    hardware_find(f->devices, f->device_count, db_text(r, i, 0));
		unsigned findings = station_findings(db_text(r, i, 2));

		if (d == NULL)
			continue;
		f->stations[d - f->devices].diagnosis.findings = findings;
		f->timers[d - f->devices].keeping.wrong = (findings & STATION_FINDING_BIT(WRONG_TIME)) != 0;
	}
	return rc;
}

static int save_stations(struct floor *f, struct error *err)
{
	AUTO_FREE struct store_station *list = xcalloc((size_t)f->device_count + 1, sizeof(*list));
	AUTO_FREE char(*faults)[160] = xcalloc((size_t)f->device_count + 1, sizeof(*faults));
	struct db_conn *c;
	int n = 0, rc;

	for (int i = 0; i < f->device_count; i++) {
		struct station *st = &f->stations[i];

		if (!st->dirty)
			continue;
		st->dirty = false;
		station_faults(st, &f->seen[i], faults[n], sizeof(faults[n]));
		list[n] = (struct store_station){st->info->name, hardware_kinds[st->info->kind].word,
						 station_state_words[station_kept(st, st->state)],
						 station_mode_words[st->mode], faults[n]};
		n++;
	}
	if (n == 0)
		return 0;
	pthread_mutex_unlock(&f->lock);
	rc = db_acquire(service_db(f->service), &c, err);
	if (rc == 0) {
		rc = store_save_stations(c, list, n, err);
		db_release(c);
	}
	pthread_mutex_lock(&f->lock);
	for (int i = 0; rc < 0 && i < f->device_count; i++)
		f->stations[i].dirty = true;
	return rc;
}

/* --- rounds --- */

static int write_moves(struct floor *f, struct error *err)
{
	int rc;

	pthread_mutex_unlock(&f->lock);
	rc = ledger_write(f->service, f->moves, f->move_count, err);
	pthread_mutex_lock(&f->lock);
	return rc;
}

static int run_round(struct floor *f, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < ROUNDS_MAX && rc == 0; i++) {
		f->move_count = 0;
		move_orphans(f);
		link_look(f->link, f->seen);
		stations_look(f);
		timers_look(f);
		stations_order(f);
		place(f);
		if (f->move_count == 0)
			break;
		rc = write_moves(f, err);
		if (rc == 0)
			apply_all(f);
		if (rc == 0)
			rc = queue_refill(f, err);
	}
	if (rc == 0)
		rc = queue_refill(f, err);
	return rc < 0 ? rc : save_stations(f, err);
}

/* Until there is something, or it is time to look whether everybody still answers. */
static bool wait_for_news(struct floor *f, int64_t ms)
{
	struct mono until = mono_add_ms(mono_now(), ms);
	bool go_on;

	pthread_mutex_lock(&f->box_lock);
	while (!f->stopping && !f->stirred && f->box_count == 0 &&
	       cond_wait_until(&f->box_wake, &f->box_lock, until))
		;
	go_on = !f->stopping;
	pthread_mutex_unlock(&f->box_lock);
	return go_on;
}

/* What was about to be written may be, or not: memory starts afresh. */
static void recover(struct floor *f, struct error *why)
{
	struct error err = *why;
	struct timespec pause = {0, PAUSE_MS * 1000000};

	do {
		log_err(LOG_WARN, &err, "the floor waits");
		pthread_mutex_unlock(&f->lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&f->lock);
		take_news(f); /* the database has them */
	} while (load(f, &err) < 0 && !service_stopping(f->service));
}

static void tell_readiness(struct floor *f)
{
	int fresh = 0;

	for (int i = 0; i < f->station_count; i++)
		fresh += station_fresh(&f->stations[i]);
	service_condition(f->service, "hardware", false, fresh > 0, "no oven and no pan answers");
}

static void *floor_main(void *arg)
{
	struct floor *f = arg;

	while (wait_for_news(f, IDLE_MS)) {
		struct error err;

		pthread_mutex_lock(&f->lock);
		take_news(f);
		if (run_round(f, &err) < 0)
			recover(f, &err);
		tell_readiness(f);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

/* --- for the others --- */

static void stir(void *arg)
{
	struct floor *f = arg;

	pthread_mutex_lock(&f->box_lock);
	f->stirred = true;
	pthread_cond_signal(&f->box_wake);
	pthread_mutex_unlock(&f->box_lock);
}

void floor_tell(struct floor *f, struct news *news)
{
	pthread_mutex_lock(&f->box_lock);
	if (f->box_count == f->box_cap) {
		f->box_cap = f->box_cap > 0 ? 2 * f->box_cap : 16;
		f->box = xreallocarray(f->box, (size_t)f->box_cap, sizeof(struct news *));
	}
	f->box[f->box_count++] = news;
	pthread_cond_signal(&f->box_wake);
	pthread_mutex_unlock(&f->box_lock);
}

static struct station *find_station(struct floor *f, const char *device)
{
	const struct hardware_device *d = hardware_find(f->devices, f->station_count, device);

	return d != NULL ? &f->stations[d - f->devices] : NULL;
}

bool floor_has(struct floor *f, const char *device)
{
	return find_station(f, device) != NULL;
}

void floor_set_mode(struct floor *f, const char *device, enum station_mode mode)
{
	struct station *st = find_station(f, device);

	pthread_mutex_lock(&f->lock);
	if (st != NULL)
		st->mode = mode;
	pthread_mutex_unlock(&f->lock);
	stir(f);
}

/* --- life --- */

static void find_devices(struct floor *f)
{
	f->device_count = hardware_devices(f->devices);
	while (f->station_count < f->device_count && f->devices[f->station_count].decks > 0)
		f->decks += f->devices[f->station_count++].decks;
	f->stations = xcalloc((size_t)f->device_count + 1, sizeof(*f->stations));
	f->timers = xcalloc((size_t)f->device_count + 1, sizeof(*f->timers));
	f->seen = xcalloc((size_t)f->device_count + 1, sizeof(*f->seen));
	f->scheduler = scheduler_new(f->station_count);
	for (int i = 0; i < f->device_count; i++) {
		f->stations[i].info = &f->devices[i];
		f->stations[i].state = STATION_OFFLINE;
		f->stations[i].offline = mono_now();
		f->stations[i].dirty = true;
	}
	for (int i = 0; i < f->station_count; i++) {
		struct station *st = &f->stations[i];
		struct scheduler_station *row = scheduler_station(f->scheduler, i);

		st->setpoint_c = hardware_kinds[st->info->kind].setpoint_first / 10;
		row->pan = st->info->kind == HARDWARE_PAN;
		row->decks = st->info->decks;
		row->setpoint_c = row->target_c = st->setpoint_c;
	}
	f->window = WINDOW_DECK * f->decks;
	f->window = f->window < WINDOW_MIN ? WINDOW_MIN : f->window > WINDOW_MAX ? WINDOW_MAX : f->window;
}

static int start_link(struct floor *f, struct error *err)
{
	int poll_ms = (int)config_int(CONFIG_KITCHEN_POLL), busy_ms = BUSY_POLL_S * 1000 / f->time_scale;
	const struct link_options options = {
	    .address = hardware_address(),
	    .port = hardware_port(),
	    .devices = f->devices,
	    .count = f->device_count,
	    .poll_ms = poll_ms,
	    .busy_poll_ms = busy_ms < 5		? 5
			    : busy_ms > poll_ms ? poll_ms
						: busy_ms,
	    .answer_ms = ANSWER_MS,
	    .changed = stir,
	    .arg = f,
	};

	return link_start(&options, &f->link, err);
}

static void free_floor(struct floor *f)
{
	link_stop(f->link);
	empty(f);
	scheduler_free(f->scheduler);
	for (int i = 0; i < f->box_count; i++)
		news_free(f->box[i]);
	free(f->box);
	free(f->moves);
	free(f->stations);
	free(f->timers);
	free(f->seen);
	free(f);
}

int floor_start(struct service *s, struct floor **ret, struct error *err)
{
	struct floor *f = xcalloc(1, sizeof(*f));
	int rc;

	f->service = s;
	f->time_scale = (int)config_int(CONFIG_KITCHEN_TIME_SCALE);
	for (int i = 0; i < HARDWARE_KIND_COUNT; i++)
		f->pace[i] = 1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_mutex_init(&f->box_lock, NULL);
	cond_init(&f->box_wake);
	find_devices(f);
	floor_times(f);
	pthread_mutex_lock(&f->lock);
	rc = load(f, err);
	pthread_mutex_unlock(&f->lock);
	if (rc == 0)
		rc = load_findings(f, err);
	if (rc == 0)
		rc = start_link(f, err);
	if (rc == 0 && pthread_create(&f->thread, NULL, floor_main, f) != 0)
		rc = error_errno(err, "start the kitchen's floor");
	if (rc < 0) {
		free_floor(f);
		return rc;
	}
	*ret = f;
	return 0;
}

void floor_stop(struct floor *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->box_lock);
	f->stopping = true;
	pthread_cond_signal(&f->box_wake);
	pthread_mutex_unlock(&f->box_lock);
	pthread_join(f->thread, NULL);
	free_floor(f);
}
