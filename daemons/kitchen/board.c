/*
 * The floor as people see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "daemons/kitchen/inside.h"

static json_t *degrees(int tenths)
{
	return tenths == HARDWARE_NO_READING ? json_null() : json_real(tenths / 10.0);
}

static json_t *words(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		json_array_append_new(list, json_stringn(text, n));
		text += n + (text[n] == ' ');
	}
	return list;
}

/* How much longer it takes, by its timer if it has one. */
static int64_t left_us(const struct floor *f, const struct station *st, const struct ticket *t)
{
	int64_t left = timers_left_us(f, t);

	return left >= 0 ? left : station_left_us(f, st, t);
}

static json_t *timer_name(const struct floor *f, const struct ticket *t)
{
	return t != NULL && t->timer >= 0 ? json_string(f->devices[t->timer].name) : json_null();
}

static json_t *deck_json(const struct floor *f, int i, int deck)
{
	const struct station *st = &f->stations[i];
	const struct ticket *t = st->on[deck];
	const struct hardware_deck *now = &f->seen[i].reading.deck[deck];
	char id[UUID_TEXT_SIZE];
	json_t *j = json_pack("{s:i}", "deck", deck + 1);

	if (t == NULL) {
		json_object_set_new(j, "state", json_string(now->tag != 0 ? "unloading" : "empty"));
		return j;
	}
	json_object_set_new(j, "state", json_string(ticket_state_words[t->state]));
	json_object_set_new(j, "ticket", json_integer(t->job.id));
	json_object_set_new(j, "order_id", json_string(uuid_format(t->order_id, id)));
	json_object_set_new(j, "pizza_id", json_string(t->pizza_id));
	json_object_set_new(j, "size", json_string(pizza_sizes[t->job.size]));
	json_object_set_new(j, "remakes", json_integer(t->remakes));
	json_object_set_new(j, "left_ms", json_integer(left_us(f, st, t) / 1000));
	json_object_set_new(j, "timer", timer_name(f, t));
	if (station_fresh(st) && now->tag == ticket_tag(t)) {
		json_object_set_new(j, "core_c", json_real(now->core / 10.0));
		json_object_set_new(j, "browning", json_real(now->browning / 1000.0));
	}
	return j;
}

/* The ticket that will leave it first. */
static const struct ticket *first_ticket(const struct floor *f, const struct station *st)
{
	const struct ticket *first = NULL;

	for (int i = 0; i < st->info->decks; i++) {
		const struct ticket *t = st->on[i];

		if (t != NULL && (first == NULL || left_us(f, st, t) < left_us(f, st, first)))
			first = t;
	}
	return first;
}

static json_t *station_json(struct floor *f, int i)
{
	const struct station *st = &f->stations[i];
	const struct link_device *seen = &f->seen[i];
	const struct ticket *t = first_ticket(f, st);
	bool fresh = station_fresh(st);
	char faults[160], id[UUID_TEXT_SIZE];
	json_t *decks = json_array(), *j;
	int taken = 0;

	station_faults(st, seen, faults, sizeof(faults));
	for (int d = 0; d < st->info->decks; d++) {
		json_array_append_new(decks, deck_json(f, i, d));
		taken += st->on[d] != NULL;
	}
	j = json_pack(
	    "{s:s, s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:i, s:i, s:o, s:o, s:s?, s:o}", "device",
	    st->info->name, "kind", hardware_kinds[st->info->kind].word, "state",
	    station_state_words[st->state], "mode", station_mode_words[st->mode], "temperature_c",
	    fresh ? degrees(seen->reading.temperature) : json_null(), "setpoint_c", st->setpoint_c, "heater",
	    json_boolean(fresh && (seen->reading.status & HARDWARE_STATUS_BIT(HEATER)) != 0), "ticket",
	    t != NULL ? json_integer(t->job.id) : json_null(), "order_id",
	    t != NULL ? json_string(uuid_format(t->order_id, id)) : json_null(), "left_ms",
	    t != NULL ? json_integer(left_us(f, st, t) / 1000) : json_null(), "loaded", taken, "deck_count",
	    st->info->decks, "heartbeat_age_ms",
	    seen->at.ns != 0 ? json_integer(mono_since_ms(seen->beat)) : json_null(), "faults", words(faults),
	    "trouble", seen->trouble[0] != '\0' ? seen->trouble : NULL, "decks", decks);
	json_object_set_new(j, "timer", timer_name(f, t));
	return j;
}

static json_t *timer_json(const struct floor *f, int i)
{
	const struct station *st = &f->stations[i];
	const struct link_device *seen = &f->seen[i];
	const struct ticket *t = f->timers[i].of;
	char faults[160], id[UUID_TEXT_SIZE];
	int64_t left = t != NULL ? timers_left_us(f, t) : -1;

	station_faults(st, seen, faults, sizeof(faults));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s?}", "device", st->info->name, "kind",
			 hardware_kinds[st->info->kind].word, "state", station_state_words[st->state],
			 "ticket", t != NULL ? json_integer(t->job.id) : json_null(), "order_id",
			 t != NULL ? json_string(uuid_format(t->order_id, id)) : json_null(), "left_ms",
			 left >= 0 ? json_integer(left / 1000) : json_null(), "heartbeat_age_ms",
			 seen->at.ns != 0 ? json_integer(mono_since_ms(seen->beat)) : json_null(), "faults",
			 words(faults), "trouble", seen->trouble[0] != '\0' ? seen->trouble : NULL);
}

json_t *floor_station(struct floor *f, const char *device)
{
	const struct hardware_device *d = hardware_find(f->devices, f->station_count, device);
	json_t *j = NULL;

	if (d == NULL)
		return NULL;
	pthread_mutex_lock(&f->lock);
	link_look(f->link, f->seen);
	j = station_json(f, (int)(d - f->devices));
	pthread_mutex_unlock(&f->lock);
	return j;
}

static void count_tickets(const struct floor *f, int counts[TICKET_STATE_COUNT])
{
	const struct ticket *t;
	size_t cursor = 0;

	for (t = pool_next(&f->tickets, &cursor, NULL); t != NULL; t = pool_next(&f->tickets, &cursor, t))
		counts[t->state]++;
}

json_t *floor_board(struct floor *f)
{
	json_t *stations = json_array(), *timers = json_array(), *j;
	int counts[TICKET_STATE_COUNT] = {0};

	pthread_mutex_lock(&f->lock);
	link_look(f->link, f->seen);
	for (int i = 0; i < f->station_count; i++)
		json_array_append_new(stations, station_json(f, i));
	for (int i = f->station_count; i < f->device_count; i++)
		json_array_append_new(timers, timer_json(f, i));
	count_tickets(f, counts);
	j = json_pack("{s:i, s:i, s:i, s:i, s:b, s:o, s:o}", "time_scale", f->time_scale, "baking",
		      counts[TICKET_PREPPING] + counts[TICKET_BAKING] + counts[TICKET_CHECKING], "waiting",
		      counts[TICKET_WAITING], "queued", counts[TICKET_QUEUED], "queue_complete",
		      (int)f->complete, "items", stations, "timers", timers);
	pthread_mutex_unlock(&f->lock);
	return j;
}

/* What the scheduler's estimate needs to know of the decks. */
static void foresee_decks(struct floor *f)
{
	for (int i = 0; i < f->station_count; i++) {
		const struct station *st = &f->stations[i];
		struct scheduler_station *row = scheduler_station(f->scheduler, i);

		row->hot_in_us = st->hot ? 0 : station_hot_in_us(f, i);
		for (int d = 0; d < st->info->decks; d++)
			row->free_in_us[d] = st->on[d] != NULL ? left_us(f, st, st->on[d]) : 0;
	}
}

static int64_t ready_us(const struct floor *f, int64_t id, int64_t now_us)
{
	const struct ticket *t = pool_find(&f->tickets, id);

	if (t == NULL)
		return 0;
	if (scheduled_queued(&t->job))
		return t->job.ready_us;
	if (t->station >= 0)
		return now_us + left_us(f, &f->stations[t->station], t);
	return t->state == TICKET_QUEUED ? now_us + f->times.oven_us[t->job.size]
					 : 0; /* it is being placed */
}

struct outlook floor_outlook(struct floor *f, const int64_t *ids, int n, int64_t *ret_ready_us)
{
	struct scheduler_outlook o;
	struct outlook ret = {.now_us = clock_wall_us()};

	pthread_mutex_lock(&f->lock);
	link_look(f->link, f->seen);
	foresee_decks(f);
	o = scheduler_estimate(f->scheduler, ret.now_us, &f->times);
	for (int i = 0; i < n; i++)
		ret_ready_us[i] = ready_us(f, ids[i], ret.now_us);
	ret.known = scheduler_queued(f->scheduler);
	ret.bake_us = f->times.oven_us[SIZE_MEDIUM];
	pthread_mutex_unlock(&f->lock);
	ret.turn_in_us = o.turn_in_us;
	ret.tickets_per_second = o.tickets_per_second;
	return ret;
}
