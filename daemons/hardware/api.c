/*
 * A change is checked, written into the audit, committed, and then made: making it cannot fail.
 */
#include "daemons/hardware/api.h"

#include <math.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "core/service/service.h"
#include "daemons/hardware/hardware.h"
#include "daemons/hardware/view.h"

#define LIST_LIMIT 1000

static struct plant *plant_of(void *arg)
{
	const struct hardware *hw = service_data(arg);

	return hw->plant;
}

/* The device of the path, or ERR_NOT_FOUND that names those there are. */
static int find_device(struct plant *p, const char *name, int *ret, struct error *err)
{
	const struct hardware_device *d = plant_find(p, name);

	if (d == NULL) {
		error_set(err, ERR_NOT_FOUND, name, "there is no device %s", name);
		error_hint(err, "pizzactl hw ls; the devices are %s to %s", plant_device(p, 0)->name,
			   plant_device(p, plant_count(p) - 1)->name);
		return ERR_NOT_FOUND;
	}
	*ret = d->unit - 1;
	return 0;
}

/* --- looking --- */

/* A page begins behind the device that the cursor names. */
static int read_page(struct plant *p, const struct http_request *r, int64_t *limit, int *first,
		     struct error *err)
{
	const char *cursor = http_query(r, "cursor"), *status = http_query(r, "status");
	int rc = http_query_int(r, "limit", 1, LIST_LIMIT, LIST_LIMIT, limit, err), state = 0;

	*first = 0;
	if (rc == 0 && cursor != NULL && *cursor != '\0') {
		if (find_device(p, cursor, first, NULL) < 0)
			return error_set(err, ERR_USAGE, "cursor", "must be the next_cursor of a page");
		++*first;
	}
	while (status != NULL && state < VIEW_STATE_COUNT && strcmp(view_state_words[state], status) != 0)
		state++;
	if (rc == 0 && state == VIEW_STATE_COUNT)
		rc = error_set(err, ERR_USAGE, "status",
			       "must be offline, faulted, in use, ready, heating or idle");
	return rc;
}

static void get_devices(struct http_request *r, void *arg)
{
	struct plant *p = plant_of(arg);
	const char *status = http_query(r, "status"), *next = NULL;
	json_t *items;
	struct error err;
	int64_t limit;
	int i;

	if (read_page(p, r, &limit, &i, &err) < 0) {
		http_reply_error(r, &err);
		return;
	}
	items = json_array();
	for (; i < plant_count(p) && (int64_t)json_array_size(items) < limit; i++) {
		json_t *row = view_json(p, i, false);

		if (status == NULL || strcmp(json_string_or(row, "state", ""), status) == 0)
			json_array_append_new(items, row);
		else
			json_decref(row);
	}
	if (i < plant_count(p) && i > 0)
		next = plant_device(p, i - 1)->name;
	http_reply_json(r, 200, json_pack("{s:o, s:s?}", "items", items, "next_cursor", next));
}

static void get_device(struct http_request *r, void *arg)
{
	struct plant *p = plant_of(arg);
	struct error err;
	int device = 0;

	if (find_device(p, http_path_param(r, 0), &device, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, view_json(p, device, true));
}

/* --- changing --- */

#define SETTINGS_MAX 8

struct change {
	int device;
	unsigned broken, mended;
	int count;
	const struct hardware_register *registers[SETTINGS_MAX];
	int raw[SETTINGS_MAX];
};

/* Reads the body into the change; nothing is done. */
typedef int change_reader(const struct hardware_device *d, const json_t *body, struct change *ret,
			  struct error *err);

/* The setting of that member; faults have routes of their own.  NULL: err lists what there is. */
static const struct hardware_register *find_setting(const struct hardware_device *d, const char *name,
						    struct error *err)
{
	CLEANUP(buf_done) struct buf valid = {0};

	for (int i = 0; i < hardware_register_count; i++) {
		const struct hardware_register *r = &hardware_registers[i];
		char member[HARDWARE_MEMBER_SIZE];

		if (hardware_setting_find(d->kind, r->name) != r || strcmp(r->name, "faults") == 0)
			continue;
		if (strcmp(hardware_member(r, member), name) == 0)
			return r;
		buf_addf(&valid, "%s%s", valid.len > 0 ? ", " : "", member);
	}
	error_set(err, ERR_INVALID, name, "cannot be set; of %s can be set %s", d->name, buf_str(&valid));
	return NULL;
}

static int read_value(const struct hardware_device *d, const struct hardware_register *r, const char *name,
		      const json_t *value, int *ret_raw, struct error *err)
{
	double number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value) * r->scale;
	int min, max;

	hardware_limits(r, d->kind, &min, &max);
	if (r->space == HARDWARE_COIL && !json_is_boolean(value))
		return error_set(err, ERR_INVALID, name, "must be true or false");
	if (r->space == HARDWARE_HOLDING && !json_is_number(value))
		return error_set(err, ERR_INVALID, name, "must be a number");
	if (!(number >= min && number <= max))
		return error_set(err, ERR_INVALID, name, "must be %g to %g %s", (double)min / r->scale,
				 (double)max / r->scale, r->unit);
	*ret_raw = (int)lround(number);
	return 0;
}

static int read_settings(const struct hardware_device *d, const json_t *body, struct change *ret,
			 struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)body, name, value) {
		const struct hardware_register *r;
		int rc, raw = 0;

		if (strcmp(name, "reason") == 0)
			continue;
		r = find_setting(d, name, err);
		rc = r != NULL ? read_value(d, r, name, value, &raw, err) : ERR_INVALID;
		if (rc < 0)
			return rc;
		ret->registers[ret->count] = r;
		ret->raw[ret->count++] = raw;
	}
	return ret->count > 0 ? 0 : error_set(err, ERR_INVALID, d->name, "there is nothing to set");
}

static int read_fault(const struct hardware_device *d, const json_t *value, unsigned *bits, struct error *err)
{
	const char *name = json_string_value(value);
	int fault = name != NULL ? hardware_fault_find(name) : -1;
	CLEANUP(buf_done) struct buf valid = {0};

	if (fault >= 0 && (hardware_faults_of(d->kind) & 1u << fault) != 0) {
		*bits |= 1u << fault;
		return 0;
	}
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		if ((hardware_faults_of(d->kind) & 1u << i) != 0)
			buf_addf(&valid, "%s%s", valid.len > 0 ? ", " : "", hardware_faults[i].name);
	return error_set(err, ERR_INVALID, "faults", "%s is no fault of %s, which can have %s",
			 name != NULL ? name : "this", d->name, buf_str(&valid));
}

/* Of a body {"faults": ["heater-dead", …]}; absent: 0. */
static int read_faults(const struct hardware_device *d, const json_t *body, unsigned *ret, struct error *err)
{
	const json_t *list = json_object_get(body, "faults");
	int rc = 0;

	*ret = 0;
	if (list != NULL && !json_is_array(list))
		return error_set(err, ERR_INVALID, "faults", "must be a list of names");
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = read_fault(d, json_array_get(list, i), ret, err);
	return rc;
}

static int read_broken(const struct hardware_device *d, const json_t *body, struct change *ret,
		       struct error *err)
{
	int rc = read_faults(d, body, &ret->broken, err);

	if (rc == 0 && ret->broken == 0)
		rc = error_set(err, ERR_INVALID, "faults", "none is named");
	return rc;
}

/* None named: all. */
static int read_mended(const struct hardware_device *d, const json_t *body, struct change *ret,
		       struct error *err)
{
	int rc = read_faults(d, body, &ret->mended, err);

	if (rc == 0 && ret->mended == 0)
		ret->mended = hardware_faults_of(d->kind);
	return rc;
}

static int write_audit(struct service *s, const struct http_request *r, const char *action,
		       const char *target, const json_t *body, struct error *err)
{
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc == 0)
		rc = audit_write(c, r, action, target, body, "ok", err);
	db_release(c);
	return rc;
}

static void make(struct plant *p, const struct change *change)
{
	for (int i = 0; i < change->count; i++)
		plant_write(p, change->device, change->registers[i], change->raw[i]);
	if ((change->broken | change->mended) != 0)
		plant_change_faults(p, change->device, change->broken, change->mended);
}

/* A bad field is named as such. */
static void reply_failure(struct http_request *r, const struct error *err)
{
	struct http_problems problems = {0};

	if (err->code != ERR_INVALID) {
		http_reply_error(r, err);
		return;
	}
	http_problem(&problems, err->what, "%s", err->why);
	http_reply_problems(r, "the device cannot be changed so", &problems);
}

static void change_device(struct http_request *r, struct service *s, const char *action, change_reader *read)
{
	struct plant *p = plant_of(s);
	const char *name = http_path_param(r, 0);
	AUTO_JSON json_t *body = NULL;
	struct change change = {0};
	struct error err;
	int rc = find_device(p, name, &change.device, &err);

	if (rc == 0)
		rc = http_body_json(r, &body, &err);
	if (rc == 0)
		rc = read(plant_device(p, change.device), body, &change, &err);
	if (rc == 0)
		rc = write_audit(s, r, action, name, body, &err);
	if (rc < 0) {
		audit_refused(s, r, action, name, body, &err);
		reply_failure(r, &err);
		return;
	}
	make(p, &change);
	log_info("%s of %s", action, name);
	http_reply_json(r, 200, view_json(p, change.device, true));
}

static void put_device(struct http_request *r, void *arg)
{
	change_device(r, arg, "hw.set", read_settings);
}

static void post_fault(struct http_request *r, void *arg)
{
	change_device(r, arg, "hw.fault", read_broken);
}

static void post_clear(struct http_request *r, void *arg)
{
	change_device(r, arg, "hw.clear", read_mended);
}

const struct http_route api_routes[] = {
    {"GET", "/api/v1/hw", get_devices, HTTP_CUSTOMER, false},
    {"GET", "/api/v1/hw/{device}", get_device, HTTP_CUSTOMER, false},
    {"PUT", "/api/v1/hw/{device}", put_device, HTTP_OPERATOR, true},
    {"POST", "/api/v1/hw/{device}/fault", post_fault, HTTP_OPERATOR, true},
    {"POST", "/api/v1/hw/{device}/clear", post_clear, HTTP_OPERATOR, true},
};
const int api_route_count = ARRAY_LEN(api_routes);
