/*
 * Members that a kind of device does not have are left out; those of contract.md are always there.
 */
#include "daemons/hardware/view.h"

#include <stdio.h>
#include <string.h>

const char *const view_state_words[VIEW_STATE_COUNT] = {
#define X(symbol, word) word,
    VIEW_STATES(X)
#undef X
};

static bool has(const struct hardware_reading *r, unsigned status_bit)
{
	return (r->status & status_bit) != 0;
}

static int loaded(const struct hardware_reading *r)
{
	int n = 0;

	for (int i = 0; i < r->decks; i++)
		n += r->deck[i].state != HARDWARE_DECK_EMPTY;
	return n;
}

enum view_state view_state(const struct plant_view *view)
{
	const struct hardware_reading *r = &view->reading;

	if (!view->reachable)
		return VIEW_OFFLINE;
	if (r->faults != 0 || has(r, HARDWARE_STATUS_BIT(CUTOUT)))
		return VIEW_FAULTED;
	if (loaded(r) > 0 || has(r, HARDWARE_STATUS_BIT(RUNNING)))
		return VIEW_IN_USE;
	if (has(r, HARDWARE_STATUS_BIT(READY)))
		return VIEW_READY;
	return has(r, HARDWARE_STATUS_BIT(POWER)) ? VIEW_HEATING : VIEW_IDLE;
}

/* --- JSON --- */

/* Tenths of a degree. */
static json_t *celsius(int tenths)
{
	return tenths == HARDWARE_NO_READING ? json_null() : json_real(tenths / 10.0);
}

static json_t *fault_names(unsigned faults)
{
	json_t *names = json_array();

	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		if ((faults & 1u << i) != 0)
			json_array_append_new(names, json_string(hardware_faults[i].name));
	return names;
}

static json_t *deck_json(int number, const struct hardware_deck *k)
{
	bool empty = k->state == HARDWARE_DECK_EMPTY;

	return json_pack("{s:i, s:s, s:s?, s:o, s:o, s:o, s:o, s:i}", "deck", number, "state",
			 hardware_deck_states[k->state].word, "product",
			 empty ? NULL : hardware_products[k->product].word, "tag",
			 empty ? json_null() : json_integer(k->tag), "core_c",
			 empty ? json_null() : celsius(k->core), "browning",
			 empty ? json_null() : json_integer(k->browning), "seconds",
			 empty ? json_null() : json_integer(k->seconds), "loads", k->loads);
}

/* The status bits that this kind of device has. */
static void add_status(json_t *row, enum hardware_kind kind, unsigned status)
{
	for (int i = 0; i < HARDWARE_STATUS_COUNT; i++) {
		char member[HARDWARE_MEMBER_SIZE];

		if ((hardware_statuses[i].kinds & 1u << kind) == 0)
			continue;
		snprintf(member, sizeof(member), "%s", hardware_statuses[i].name);
		for (char *p = member; *p != '\0'; p++)
			if (*p == '-')
				*p = '_';
		json_object_set_new(row, member, json_boolean(status >> i & 1));
	}
}

static void add_decks(json_t *row, const struct hardware_reading *r)
{
	json_t *decks = json_array();

	for (int i = 0; i < r->decks; i++)
		json_array_append_new(decks, deck_json(i + 1, &r->deck[i]));
	json_object_set_new(row, "decks", decks);
}

static void add_timer(json_t *row, const struct hardware_reading *r)
{
	json_object_set_new(row, "left_seconds", json_integer(r->left));
	json_object_set_new(row, "duration_seconds", json_integer(r->duration));
}

static void add_heated(json_t *row, const struct hardware_reading *r)
{
	json_object_set_new(row, "deck_count", json_integer(r->decks));
	json_object_set_new(row, "loaded", json_integer(loaded(r)));
	json_object_set_new(row, "energy_wh", json_integer(r->energy));
	json_object_set_new(row, "trips", json_integer(r->trips));
}

json_t *view_json(struct plant *p, int device, bool decks)
{
	const struct hardware_device *d = plant_device(p, device);
	struct plant_view view;
	const struct hardware_reading *r = &view.reading;
	json_t *row;

	plant_read(p, device, &view);
	row = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:n, s:n, s:I, s:o}", "device", d->name, "kind",
			hardware_kinds[d->kind].word, "unit", d->unit, "state",
			view_state_words[view_state(&view)], "temperature_c", celsius(r->temperature),
			"setpoint_c", d->decks > 0 ? celsius(r->setpoint) : json_null(), "ticket", "order_id",
			"heartbeat_age_ms", (json_int_t)view.heartbeat_age_ms, "faults",
			fault_names(r->faults));
	add_status(row, d->kind, r->status);
	if (d->kind == HARDWARE_TIMER)
		add_timer(row, r);
	else
		add_heated(row, r);
	if (decks && d->decks > 0)
		add_decks(row, r);
	return row;
}
