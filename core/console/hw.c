/*
 * Devices come from hwd, and what they bake from kitchend.
 */
#include "core/console/hw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/console/api.h"
#include "core/contract/hardware.h"
#include "core/contract/kitchen.h"

void hw_path(struct buf *path, const char *device, const char *action)
{
	buf_adds(path, "/api/v1/hw");
	if (device != NULL)
		api_segment(path, device);
	if (action != NULL)
		buf_addf(path, "/%s", action);
}

/* --- looking --- */

#define KITCHEN_MS 1000 /* the kitchen is not waited for longer */

/* The stations as the kitchen has them, owned; NULL: it cannot be asked. */
static json_t *kitchen_board(struct console *c)
{
	struct api_request r = {
	    .method = "GET", .daemon = "kitchend", .path = "/api/v1/kitchen", .timeout_ms = KITCHEN_MS};
	json_t *answer = NULL;

	return api_call(c, &r, &answer, NULL) == 0 ? answer : NULL;
}

/* The element whose member is as in row; NULL: none. */
static const json_t *counterpart(const json_t *list, const char *member, const json_t *row)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_object_get(json_array_get(list, i), member),
			       json_object_get(row, member)))
			return json_array_get(list, i);
	return NULL;
}

static void take_over(json_t *row, const json_t *from, const char *member)
{
	json_t *value = json_object_get(from, member);

	if (value != NULL)
		json_object_set(row, member, value);
}

static bool has_word(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	return false;
}

/* What the kitchen has found out that the device does not say of itself makes it faulted, too. */
static void add_findings(json_t *row, const json_t *station)
{
	const json_t *told = json_object_get(station, "faults");
	json_t *faults = json_object_get(row, "faults");

	for (int i = 0; i < STATION_FINDING_COUNT; i++) {
		if (!has_word(told, station_finding_words[i]))
			continue;
		json_array_append_new(faults, json_string(station_finding_words[i]));
		if (strcmp(json_string_or(row, "state", ""), "offline") != 0)
			json_object_set_new(row, "state", json_string("faulted"));
	}
}

/* Names what lies in the device and on each of its decks, or what a timer counts for, and what the kitchen
 * says is wrong with it. */
static void name_tickets(json_t *row, const json_t *board)
{
	const json_t *station = counterpart(json_object_get(board, "items"), "device", row);
	json_t *decks = json_object_get(row, "decks");

	if (station == NULL)
		station = counterpart(json_object_get(board, "timers"), "device", row);

	take_over(row, station, "ticket");
	take_over(row, station, "order_id");
	add_findings(row, station);
	for (size_t i = 0; i < json_array_size(decks); i++) {
		json_t *deck = json_array_get(decks, i);
		const json_t *there = counterpart(json_object_get(station, "decks"), "deck", deck);

		take_over(deck, there, "ticket");
		take_over(deck, there, "order_id");
		take_over(deck, there, "timer");
	}
}

struct listing {
	const json_t *board;
	console_row *row;
	void *arg;
};

static int list_row(void *arg, json_t *row, struct error *err)
{
	const struct listing *l = arg;

	name_tickets(row, l->board);
	return l->row(l->arg, row, err);
}

int hw_list(struct console *c, int64_t limit, console_row *row, void *arg, struct error *err)
{
	AUTO_JSON json_t *board = kitchen_board(c);
	struct listing l = {board, row, arg};
	CLEANUP(buf_done) struct buf path = {0};

	hw_path(&path, NULL, NULL);
	return api_list(c, HW_DAEMON, buf_str(&path), limit, list_row, &l, err);
}

int hw_show(struct console *c, const char *device, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = "GET", .daemon = HW_DAEMON};
	AUTO_JSON json_t *board = NULL;
	int rc;

	hw_path(&path, device, NULL);
	r.path = buf_str(&path);
	rc = api_call(c, &r, ret, err);
	if (rc < 0)
		return rc;
	board = kitchen_board(c);
	name_tickets(*ret, board);
	return 0;
}

/* --- settings --- */

/* Those of devices as a whole that are not faults; NULL past the last. */
static const struct hardware_register *setting_at(int *i)
{
	for (; *i < hardware_register_count; ++*i) {
		const struct hardware_register *r = &hardware_registers[*i];

		if (r->writable && r->stride == 0 && strcmp(r->name, "faults") != 0)
			return &hardware_registers[(*i)++];
	}
	return NULL;
}

static int unknown_setting(const char *name, struct error *err)
{
	const struct hardware_register *r;
	const char *names[16];
	int n = 0;

	for (int i = 0; (r = setting_at(&i)) != NULL && n < (int)ARRAY_LEN(names);)
		names[n++] = r->name;
	return nearest_refuse(ERR_USAGE, name, "is no setting of a device", names, n, err);
}

/* 1, 0, or -1 when it is neither. */
static int truth(const char *text)
{
	static const char *const words[][2] = {
	    {"off", "on"}, {"closed", "open"}, {"false", "true"}, {"no", "yes"}, {"0", "1"}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int value = 0; value < 2; value++)
			if (strcmp(words[i][value], text) == 0)
				return value;
	return -1;
}

static int read_value(const struct hardware_register *r, const char *text, json_t **ret, struct error *err)
{
	char *end;
	double number;

	if (r->space == HARDWARE_COIL) {
		if (truth(text) < 0)
			return error_set(err, ERR_USAGE, r->name, "\"%s\" is neither on nor off", text);
		*ret = json_boolean(truth(text));
		return 0;
	}
	number = strtod(text, &end);
	*ret = *text != '\0' && *end == '\0' ? json_real(number) : NULL; /* none for infinities either */
	return *ret != NULL ? 0
			    : error_set(err, ERR_USAGE, r->name, "\"%s\" is no number (%s)", text, r->unit);
}

int hw_setting(json_t *body, const char *name, const char *value, struct error *err)
{
	const struct hardware_register *r;

	for (int i = 0; (r = setting_at(&i)) != NULL;) {
		char member[HARDWARE_MEMBER_SIZE];
		json_t *read = NULL;
		int rc;

		if (strcmp(r->name, name) != 0 && strcmp(hardware_member(r, member), name) != 0)
			continue;
		rc = read_value(r, value, &read, err);
		if (rc == 0)
			json_object_set_new(body, hardware_member(r, member), read);
		return rc;
	}
	return unknown_setting(name, err);
}

/* What the kitchen holds against the body; NULL: nothing. */
static const json_t *contradicted(const json_t *body, const json_t *station, bool *ret_power)
{
	const json_t *setpoint = json_object_get(body, "setpoint_c"), *power = json_object_get(body, "power");
	const json_t *kept = json_object_get(station, "setpoint_c");
	bool heated = strcmp(json_string_or(station, "mode", ""), "drained") != 0 ||
		      json_int_or(station, "loaded", 0) > 0;

	*ret_power = power != NULL && json_is_true(power) != heated;
	if (*ret_power)
		return power;
	return setpoint != NULL && json_is_number(kept) &&
		       fabs(json_number_value(setpoint) - json_number_value(kept)) >= 0.05
		   ? kept
		   : NULL;
}

int hw_check(struct console *c, const char *device, const json_t *body, struct error *err)
{
	AUTO_JSON json_t *wanted = json_pack("{s:s}", "device", device);
	AUTO_JSON json_t *board = NULL;
	const json_t *station, *kept;
	bool power;

	if (json_object_get(body, "setpoint_c") == NULL && json_object_get(body, "power") == NULL)
		return 0;
	board = kitchen_board(c);
	station = counterpart(json_object_get(board, "items"), "device", wanted);
	kept = station != NULL ? contradicted(body, station, &power) : NULL;
	if (kept == NULL)
		return 0;
	if (power) {
		error_set(err, ERR_REFUSED, device,
			  "the kitchen switches it, and would switch it back at once");
		error_hint(err, "pizzactl kitchen drain %s takes it out of service, resume brings it back",
			   device);
	} else {
		error_set(err, ERR_REFUSED, device,
			  "the kitchen keeps it at %d degrees for its tickets, and would set it back at once",
			  (int)json_number_value(kept));
		error_hint(err,
			   "pizzactl kitchen drain %s lets it go off; setpoints are yours while kitchend is "
			   "stopped",
			   device);
	}
	return ERR_REFUSED;
}

json_t *hw_faults(const char *const *names, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:o}", "faults", list);
}

/* --- in order or not --- */

static void add_reason(struct buf *why, const char *text)
{
	buf_addf(why, "%s%s", why->len > 0 ? ", " : "", text);
}

void hw_judge(const json_t *row, int64_t max_age_ms, struct buf *why)
{
	const json_t *faults = json_object_get(row, "faults");
	int64_t age_ms = json_int_or(row, "heartbeat_age_ms", 0);
	char age[DURATION_TEXT_SIZE];

	for (size_t i = 0; i < json_array_size(faults); i++)
		add_reason(why, json_string_value(json_array_get(faults, i)));
	if (json_bool_or(row, "cutout", false))
		add_reason(why, "the cut-out has tripped");
	if (age_ms >= max_age_ms) {
		add_reason(why, "not heard for ");
		buf_adds(why, duration_format(age_ms * 1000, age));
	}
}
