/*
 * Lag from Kafka, messages parked from the daemons' metrics, which are asked while Kafka answers.
 */
#include "core/console/lag.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/guard.h"
#include "core/bus/admin.h"
#include "core/console/api.h"
#include "core/console/metrics.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"

#define METRICS_MS 300

/* --- parked messages --- */

/* The consuming daemons' figures by id, asked side by side until the client ends. */
struct parked {
	struct http_client *client; /* NULL: there is none, nobody is asked */
	struct metrics_figures *figures;
};

static void parked_ask(struct parked *p, const char *group)
{
	p->figures = xcalloc(DAEMON_COUNT, sizeof(*p->figures));
	if (http_client_new(DAEMON_COUNT, &p->client, NULL) < 0)
		return;
	for (int i = 0; i < DAEMON_COUNT; i++) {
		const struct daemon_info *d = &daemons[i];
		char base[API_BASE_SIZE];

		if (d->consumes[0] != NULL && (group == NULL || strcmp(group, d->name) == 0) &&
		    api_base(d->name, base, sizeof(base)) != NULL && base[0] != '\0')
			metrics_ask(p->client, base, METRICS_MS, &p->figures[i]);
	}
}

static void parked_wait(struct parked *p)
{
	http_client_free(p->client, METRICS_MS);
	p->client = NULL;
}

/* -1: its daemon did not answer, or it is no daemon's. */
static int64_t parked_in(const struct parked *p, const char *group)
{
	const struct daemon_info *d = daemon_find(group);

	return d != NULL && p->figures[d->id].answered > 0 ? (int64_t)p->figures[d->id].parked : -1;
}

/* --- rows --- */

static const char *state_word(enum bus_lag_state state)
{
	switch (state) {
	case BUS_LAG_OK:
		return "ok";
	case BUS_LAG_NO_COMMIT:
		return "no-commit";
	case BUS_LAG_UNKNOWN:
		return "unknown";
	}
	return "unknown";
}

static json_t *known(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

struct total {
	const struct bus_lag *first;
	int64_t committed, end, lag;
	double seconds;
	enum bus_lag_state state; /* the worst */
	int members;
};

static int64_t add_known(int64_t sum, int64_t n)
{
	return sum < 0 || n < 0 ? -1 : sum + n;
}

/* A partition that nobody has committed in counts as read up to where its lag begins; an empty one is as good
 * as read. */
static void add_partition(struct total *t, const struct bus_lag *l)
{
	bool empty = l->state == BUS_LAG_NO_COMMIT && l->lag == 0;
	int64_t read_to = l->state == BUS_LAG_NO_COMMIT && l->lag >= 0 ? l->end - l->lag : l->committed;

	t->committed = add_known(t->committed, read_to);
	t->end = add_known(t->end, l->end);
	t->lag = add_known(t->lag, l->lag);
	if (t->seconds >= 0 && (l->lag_seconds < 0 || l->lag_seconds > t->seconds))
		t->seconds = l->lag_seconds;
	if (l->state > t->state && !empty)
		t->state = l->state;
}

static struct total add_up(const struct bus_lag *list, int n)
{
	struct total t = {.first = list};

	for (int i = 0; i < n; i++) {
		bool seen = list[i].member == NULL || list[i].member[0] == '\0';

		add_partition(&t, &list[i]);
		for (int k = 0; k < i && !seen; k++)
			seen = list[k].member != NULL && strcmp(list[k].member, list[i].member) == 0;
		t.members += !seen;
	}
	if (n == 1) {
		t.committed = list->committed;
		t.state = list->state;
	}
	return t;
}

static json_t *row_json(const struct bus_lag *list, int n, enum lag_by by, int64_t parked)
{
	struct total t = add_up(list, n);
	bool partition = by == LAG_BY_PARTITION;
	const char *member =
	    partition && t.first->member != NULL && t.first->member[0] != '\0' ? t.first->member : NULL;

	return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s?, s:i}", "group", t.first->group,
			 "topic", by == LAG_BY_GROUP ? NULL : t.first->topic, "partition",
			 partition ? json_integer(t.first->partition) : json_null(), "committed",
			 known(t.committed), "end", known(t.end), "lag", known(t.lag), "lag_seconds",
			 t.seconds < 0 ? json_null() : json_real(t.seconds), "parked", known(parked), "state",
			 state_word(t.state), "member", member, "members", t.members);
}

static bool belongs(const struct bus_lag *a, const struct bus_lag *b, enum lag_by by)
{
	return strcmp(a->group, b->group) == 0 && by != LAG_BY_PARTITION &&
	       (by == LAG_BY_GROUP || strcmp(a->topic, b->topic) == 0);
}

static int fetch(struct console *c, const char *group, bool seconds, struct bus_lag **ret, int *ret_count,
		 struct error *err)
{
	struct bus_admin *bus = NULL;
	int rc = console_bus(c, &bus, err);

	if (rc == 0)
		rc = bus_admin_lag(bus, group != NULL ? &group : NULL, group != NULL, seconds, ret, ret_count,
				   err);
	return rc;
}

int lag_list(struct console *c, const char *group, enum lag_by by, json_t **ret, struct error *err)
{
	struct parked parked = {0};
	struct bus_lag *list = NULL;
	json_t *rows = json_array();
	int n = 0, rc;

	parked_ask(&parked, group);
	rc = fetch(c, group, true, &list, &n, err);
	parked_wait(&parked);
	for (int i = 0, len; i < n && rc == 0; i += len) {
		for (len = 1; i + len < n && belongs(&list[i], &list[i + len], by); len++)
			;
		json_array_append_new(rows, row_json(list + i, len, by, parked_in(&parked, list[i].group)));
	}
	bus_lag_free(list, n);
	free(parked.figures);
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	*ret = rows;
	return 0;
}

enum lag_verdict lag_judge(const json_t *row, int64_t warn, int64_t crit)
{
	const char *state = json_string_or(row, "state", "unknown");
	int64_t lag = json_int_or(row, "lag", -1);

	if (strcmp(state, "unknown") == 0 || (lag < 0 && strcmp(state, "no-commit") != 0))
		return LAG_CRIT;
	if (crit >= 0 && lag >= crit)
		return LAG_CRIT;
	return warn >= 0 && lag >= warn ? LAG_WARN : LAG_FINE;
}

/* --- reset --- */

static json_t *target(int64_t offset)
{
	if (offset == -2)
		return json_string("beginning");
	return offset == -1 ? json_string("end") : json_integer(offset);
}

static int reset_one(struct console *c, const struct bus_lag *l, int64_t offset, bool apply, json_t *rows,
		     struct error *err)
{
	struct bus_admin *bus = NULL;
	int rc = console_bus(c, &bus, err);

	if (rc == 0 && apply)
		rc = bus_admin_reset(bus, l->group, l->topic, l->partition, offset, err);
	if (rc < 0)
		return rc;
	json_array_append_new(rows, json_pack("{s:s, s:s, s:i, s:o, s:o}", "group", l->group, "topic",
					      l->topic, "partition", l->partition, "from",
					      known(l->committed), "to", target(offset)));
	return 0;
}

int lag_reset(struct console *c, const char *group, const char *topic, int64_t offset, bool apply,
	      json_t **ret, struct error *err)
{
	struct bus_lag *list = NULL;
	json_t *rows = json_array();
	int n = 0, found = 0, rc = apply ? guard_change("lag reset", err) : 0;

	if (rc == 0)
		rc = fetch(c, group, false, &list, &n, err);
	for (int i = 0; i < n && rc == 0; i++) {
		if (topic != NULL && strcmp(list[i].topic, topic) != 0)
			continue;
		found++;
		rc = reset_one(c, &list[i], offset, apply, rows, err);
	}
	bus_lag_free(list, n);
	if (rc == 0 && found == 0) {
		rc = error_set(err, ERR_NOT_FOUND, group, "has no committed offsets%s%s",
			       topic != NULL ? " in " : "", topic != NULL ? topic : "");
		error_hint(err, "pizzactl lag lists the groups");
	}
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	*ret = rows;
	return 0;
}
