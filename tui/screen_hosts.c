/*
 * The machine and the backing services: utilisation, saturation and errors of each resource, and the four
 * golden signals (latency, traffic, errors, saturation) of what runs on them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/red.h"
#include "tui/value.h"

#define GAUGE 10
#define TREND 16

/* --- resources --- */

/* Kafka's own processor time is what is known of its utilisation. */
static json_t *host_rows(const struct model *m)
{
	const json_t *all = m->panels[FEED_HOSTS].data;
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		json_t *row = json_copy((json_t *)each);
		const char *why = json_string_or(each, "why", NULL);
		bool bad = json_number_value(json_object_get(each, "errors")) > 0;

		if (strcmp(json_string_or(each, "resource", ""), "kafka") == 0)
			json_object_set(row, "used_percent",
					json_object_get(model_service(m, "kafka"), "cpu_percent"));
		json_object_set_new(row, "state",
				    json_string(why != NULL				 ? "unknown"
						: bad					 ? "errors"
						: json_bool_or(each, "saturated", false) ? "saturated"
											 : "ok"));
		json_array_append_new(rows, row);
	}
	return rows;
}

static void add_gauge(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *used = json_object_get(row, "used_percent");
	int full = (int)lround(json_number_value(used) / 100 * GAUGE);

	(void)m;
	for (int i = 0; i < GAUGE && json_is_number(used); i++)
		buf_adds(out, i < full ? "█" : "░");
}

static void add_trend(const struct model *m, const json_t *row, struct buf *out)
{
	char name[96];

	snprintf(name, sizeof(name), "used %s", json_string_or(row, "resource", ""));
	value_graph(out, model_history(m, name), TREND, 100);
}

static void add_traffic(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *value = json_object_get(row, "traffic");

	(void)m;
	if (json_is_number(value))
		value_count(out, llround(json_number_value(value)));
}

static void add_detail(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	buf_adds(out, json_string_or(row, "why", json_string_or(row, "detail", "")));
}

static const struct list_column columns[] = {
    {.name = "resource", .max = 12},
    {.name = "state", .format = VALUE_AS_STATE},
    {.name = "used_percent", .title = "used", .format = VALUE_AS_PERCENT},
    {.name = "gauge", .title = "", .human = add_gauge, .max = GAUGE, .drop = 5},
    {.name = "trend", .human = add_trend, .max = TREND, .drop = 7},
    {.name = "saturation", .max = 36, .drop = 1},
    {.name = "errors", .format = VALUE_AS_INT, .drop = 2},
    {.name = "latency_ms", .title = "latency", .format = VALUE_AS_MS, .drop = 6},
    {.name = "traffic", .title = "per s", .format = VALUE_AS_INT, .human = add_traffic, .drop = 6},
    {.name = "detail", .human = add_detail, .max = 80, .drop = 4},
    {.name = NULL},
};

/* --- golden signals --- */

struct signals {
	const char *name;
	double latency_ms, traffic, errors_percent; /* NAN: not known */
	struct buf saturation;
	bool bad;
};

static double figure(const struct model *m, const char *name)
{
	const struct history *h = model_history(m, name);

	return h != NULL && h->count > 0 ? h->points[h->count - 1] : NAN;
}

static void of_daemon(const struct model *m, const struct daemon_info *d, struct signals *s)
{
	struct red red = red_of(m, d->name);
	const json_t *row = red_row(m, d->name);

	s->latency_ms = red.p99_ms;
	s->traffic = red.rate;
	s->errors_percent = red.errors_percent;
	if (row != NULL)
		buf_addf(&s->saturation, "%lld parked, %lld of the database's connections in use",
			 (long long)json_int_or(row, "parked", 0),
			 (long long)json_int_or(row, "db_in_use", 0));
}

static void of_sagas(const struct model *m, struct signals *s)
{
	double paid = figure(m, "paid_percent"), stuck = figure(m, "stuck");

	s->latency_ms = figure(m, "end_to_end_p99_ms");
	s->traffic = figure(m, "orders_per_minute") / 60;
	s->errors_percent = isfinite(paid) ? fmax(100 - paid, 0) : NAN;
	if (isfinite(stuck))
		buf_addf(&s->saturation, "%.0f stuck", stuck);
	s->bad = stuck > 0;
}

static void of_events(const struct model *m, struct signals *s)
{
	double lag = figure(m, "lag"), unpublished = figure(m, "outbox");

	s->latency_ms = figure(m, "outbox_age_ms");
	s->traffic = model_rate(m, "messages");
	if (isfinite(lag))
		buf_addf(&s->saturation, "lag %.0f, ", lag);
	if (isfinite(unpublished))
		buf_addf(&s->saturation, "%.0f unpublished", unpublished);
}

static void of_provider(const struct model *m, struct signals *s)
{
	const char *name = daemons[DAEMON_PAYMENT].name, *breaker = red_breaker(m, name);
	const json_t *row = red_row(m, name);
	double calls = json_number_value(json_object_get(row, "calls"));
	struct red red = red_of(m, name);

	s->latency_ms = red.call_p99_ms;
	s->traffic = red.calls;
	if (calls > 0)
		s->errors_percent = 100 * json_number_value(json_object_get(row, "call_errors")) / calls;
	if (breaker != NULL)
		buf_addf(&s->saturation, "breaker %s", breaker);
	s->bad = breaker != NULL && strcmp(breaker, "closed") != 0;
}

/* With a decimal below ten. */
static void add_number(struct buf *out, double value, const char *unit)
{
	if (isfinite(value))
		buf_addf(out, "%.*f%s", fabs(value) < 9.95 ? 1 : 0, value, unit);
	else
		buf_addc(out, '-');
}

static void draw_signals(struct grid *g, struct rect r, struct signals *s)
{
	CLEANUP(buf_done) struct buf traffic = {0}, errors = {0};
	char latency[DURATION_TEXT_SIZE] = "-";
	enum style style = s->bad || s->errors_percent >= 1 ? STYLE_WARN : STYLE_PLAIN;

	if (isfinite(s->latency_ms))
		duration_format((int64_t)llround(s->latency_ms) * 1000, latency);
	add_number(&traffic, s->traffic, "/s");
	add_number(&errors, s->errors_percent, " %");
	grid_text(g, r.x, r.y, 18, STYLE_STRONG, s->name);
	grid_right(g, r.x + 18, r.y, 10, STYLE_PLAIN, latency);
	grid_right(g, r.x + 28, r.y, 11, STYLE_PLAIN, buf_str(&traffic));
	grid_right(g, r.x + 39, r.y, 9, style, buf_str(&errors));
	grid_text(g, r.x + 50, r.y, r.w - 50, s->bad ? STYLE_WARN : STYLE_DIM, buf_str(&s->saturation));
	buf_done(&s->saturation);
}

#define SIGNAL_ROWS 7

static void draw_golden(const struct model *m, struct grid *g, struct rect r)
{
	struct signals s[SIGNAL_ROWS] = {{.name = "orders (API)"}, {.name = "sagas"}, {.name = "events"},
					 {.name = "provider"},	   {.name = "stock"}, {.name = "messages"},
					 {.name = "read model"}};

	for (int i = 0; i < SIGNAL_ROWS; i++)
		s[i].latency_ms = s[i].traffic = s[i].errors_percent = NAN;
	of_daemon(m, &daemons[DAEMON_ORDER], &s[0]);
	of_sagas(m, &s[1]);
	of_events(m, &s[2]);
	of_provider(m, &s[3]);
	of_daemon(m, &daemons[DAEMON_INVENTORY], &s[4]);
	of_daemon(m, &daemons[DAEMON_NOTIFY], &s[5]);
	of_daemon(m, &daemons[DAEMON_AGGREGATOR], &s[6]);
	grid_printf(g, r.x, r.y, r.w, STYLE_TITLE, "%-18s%10s%11s%9s  %s", "", "LATENCY", "TRAFFIC", "ERRORS",
		    "SATURATION");
	for (int i = 0; i < SIGNAL_ROWS; i++) {
		if (i + 1 < r.h)
			draw_signals(g, (struct rect){r.x, r.y + 1 + i, r.w, 1}, &s[i]);
		else
			buf_done(&s[i].saturation);
	}
}

static struct rect draw_hosts(const struct model *m, struct grid *g, struct rect r)
{
	int rows = m->views[m->depth - 1].count + 1, below;

	below = r.h - rows - 1;
	if (below < 4 || rows < 2)
		return r;
	below = below < SIGNAL_ROWS + 3 ? below : SIGNAL_ROWS + 3;
	draw_golden(m, g,
		    draw_panel(m, g, (struct rect){r.x, r.y + rows + 1, r.w, below},
			       "latency, traffic, errors, "
			       "saturation",
			       FEED_METRICS));
	return (struct rect){r.x, r.y, r.w, rows};
}

static const struct action actions[] = {{.name = "services",
					 .text = "the daemons that use them",
					 .command = "status",
					 .opens = "services",
					 .member = "none"},
					{.name = NULL}};

const struct screen screen_hosts = {
    .name = "hosts",
    .text = "the machine, PostgreSQL and Kafka: utilisation, saturation, errors",
    .key = '9',
    .feeds = FEED_BIT(HOSTS) | FEED_BIT(METRICS) | FEED_BIT(KPI) | FEED_BIT(STUCK) | FEED_BIT(LAG) |
	     FEED_BIT(OUTBOX) | FEED_BIT(TOPICS),
    .main = FEED_HOSTS,
    .id = "resource",
    .columns = columns,
    .empty = "nothing is known",
    .rows = host_rows,
    .draw = draw_hosts,
    .actions = actions,
};
