/*
 * Sagas drawn as text.
 */
#include "cli/timeline.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "cli/human.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"

#define BAR_MAX	   40
#define BAR_MIN	   8
#define DETAIL_MAX 60
#define BOLD	   "\033[1m"
#define DIM	   "\033[2m"
#define PLAIN	   "\033[0m"

static void pad(struct buf *out, int columns)
{
	for (int i = 0; i < columns; i++)
		buf_addc(out, ' ');
}

/* At most `most` columns, the end replaced by an ellipsis. */
static void add_cut(struct buf *out, const char *text, int most, bool utf8)
{
	CLEANUP(buf_done) struct buf kept = {0};
	mbstate_t state = {0};
	wchar_t c;
	size_t n;
	int columns = 0;

	if (human_width(text) <= most) {
		buf_adds(out, text);
		return;
	}
	while ((n = mbrtowc(&c, text, MB_LEN_MAX, &state)) > 0 && n < (size_t)-2) {
		columns += wcwidth(c) > 0 ? wcwidth(c) : 0;
		if (columns > most - 1)
			break;
		buf_add(out, text, n);
		text += n;
	}
	buf_adds(out, utf8 ? "…" : "~");
}

static void add_safe(struct buf *out, const char *text)
{
	human_safe(out, text, strlen(text));
}

/* --- bars --- */

void timeline_bar(struct buf *out, int64_t from_us, int64_t at_us, int64_t total_us, int cells, bool utf8)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	double scale = total_us > 0 ? (double)cells / (double)total_us : 0;
	int start = (int)((double)from_us * scale);
	int eighth, full;

	if (start > cells - 1)
		start = cells - 1;
	eighth = (int)((double)at_us * scale * 8 + 0.5) - start * 8;
	if (eighth > (cells - start) * 8)
		eighth = (cells - start) * 8;
	if (eighth < 1)
		eighth = 1;
	full = utf8 ? eighth / 8 : (eighth + 4) / 8;
	if (!utf8 && full == 0)
		full = 1;
	pad(out, start);
	for (int i = 0; i < full; i++)
		buf_adds(out, utf8 ? "█" : "=");
	if (utf8 && eighth % 8 != 0) {
		buf_adds(out, eighths[eighth % 8]);
		full++;
	}
	pad(out, cells - start - full);
}

/* --- the axis --- */

#define IDLE_US	   100000 /* shorter pauses are drawn as they are */
#define IDLE_SHARE 10	  /* and so are those under a tenth of the whole */

/* Time on the axis: pauses in which nothing was under way are taken out of it. */
struct axis {
	int64_t *pauses; /* before each step; owned */
	int64_t total_us;
};

static void axis_done(struct axis *a)
{
	free(a->pauses);
}

/* What lies between all steps before number `step` and the beginnings of it and all behind it. */
static int64_t pause_before(const struct saga *s, int step)
{
	int64_t before = s->started_us, after = INT64_MAX;

	for (int i = 0; i < s->steps.count; i++) {
		const struct saga_event *e = &s->steps.events[i];

		if (i < step && e->at_us > before)
			before = e->at_us;
		if (i >= step && e->from_us < after)
			after = e->from_us;
	}
	return after > before ? after - before : 0;
}

static struct axis make_axis(const struct saga *s)
{
	int64_t whole = saga_duration_us(s);
	struct axis a = {xcalloc((size_t)s->steps.count + 1, sizeof(*a.pauses)), whole};

	for (int i = 1; i < s->steps.count; i++) {
		int64_t pause = pause_before(s, i);

		if (pause < IDLE_US || pause * IDLE_SHARE < whole)
			continue;
		a.pauses[i] = pause;
		a.total_us -= pause;
	}
	return a;
}

/* Where a moment of a step lies on the axis. */
static int64_t axis_at(const struct axis *a, const struct saga *s, int step, int64_t us)
{
	int64_t at = us - s->started_us;

	for (int i = 0; i <= step; i++)
		at -= a->pauses[i];
	return at > 0 ? at : 0;
}

/* --- steps --- */

static void add_offset(struct buf *out, int64_t us)
{
	char text[DURATION_TEXT_SIZE], full[DURATION_TEXT_SIZE + 1];

	snprintf(full, sizeof(full), "+%s", us < 1000 ? "0 ms" : duration_format(us, text));
	buf_addf(out, "%9s", full);
}

/* "45 ms, attempt 1, pi_3Qabc": how long, where that is worth telling, and what the data says. */
static void add_detail(struct buf *out, const struct saga_event *e, int64_t total)
{
	CLEANUP(buf_done) struct buf detail = {0};
	int64_t took = e->at_us - e->from_us;
	char text[DURATION_TEXT_SIZE];

	saga_detail(e, &detail);
	if (took > 0 && took * 20 >= total)
		buf_addf(out, "%s%s", duration_format(took, text), detail.len > 0 ? ", " : "");
	add_safe(out, buf_str(&detail));
}

static const char *event_color(const char *type)
{
	size_t len = strlen(type);

	if (len >= 6 && (strcmp(type + len - 6, "Failed") == 0))
		return "\033[31m";
	if (len >= 8 && strcmp(type + len - 8, "Rejected") == 0)
		return "\033[31m";
	return len >= 9 && strcmp(type + len - 9, "Cancelled") == 0 ? "\033[31m" : BOLD;
}

struct layout {
	int event, daemon, bar, detail; /* columns of each */
	bool place;			/* the topic, partition and offset are shown */
};

static void add_pause(struct buf *out, int64_t us, const struct timeline_style *style)
{
	char text[DURATION_TEXT_SIZE];

	buf_addf(out, "%9s %s %s%s later%s\n", "", style->utf8 ? "┆" : ":", style->color ? DIM : "",
		 duration_format(us, text), style->color ? PLAIN : "");
}

static void add_row(struct buf *out, const struct saga *s, const struct axis *a, int step,
		    const struct layout *l, const struct timeline_style *style)
{
	const struct saga_event *e = &s->steps.events[step];
	CLEANUP(buf_done) struct buf detail = {0}, cut = {0};

	add_offset(out, e->at_us - s->started_us);
	buf_adds(out, style->utf8 ? " │ " : " | ");
	buf_addf(out, "%s%-*s%s  %-*s  ", style->color ? event_color(e->event_type) : "", l->event,
		 e->event_type, style->color ? PLAIN : "", l->daemon, e->daemon);
	if (l->bar > 0) {
		buf_adds(out, style->color ? "\033[36m" : "");
		timeline_bar(out, axis_at(a, s, step, e->from_us), axis_at(a, s, step, e->at_us), a->total_us,
			     l->bar, style->utf8);
		buf_adds(out, style->color ? PLAIN "  " : "  ");
	}
	add_detail(&detail, e, a->total_us);
	add_cut(&cut, buf_str(&detail), l->detail, style->utf8);
	buf_adds(out, buf_str(&cut));
	if (l->place) {
		pad(out, l->detail - human_width(buf_str(&cut)));
		buf_addf(out, "  %s%s/%d@%lld%s", style->color ? DIM : "", e->topic, (int)e->partition,
			 (long long)e->offset, style->color ? PLAIN : "");
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	buf_addc(out, '\n');
}

static int widest(int a, size_t b)
{
	return (int)b > a ? (int)b : a;
}

/* What is left of the width goes to the bar, then to details; where it is narrow the place in Kafka goes
 * first. */
static struct layout make_layout(const struct saga *s, const struct axis *a, int width)
{
	struct layout l = {.place = true};
	int place = 0, fixed;

	for (int i = 0; i < s->steps.count; i++) {
		const struct saga_event *e = &s->steps.events[i];
		CLEANUP(buf_done) struct buf detail = {0};
		char where[160];

		add_detail(&detail, e, a->total_us);
		snprintf(where, sizeof(where), "%s/%d@%lld", e->topic, (int)e->partition,
			 (long long)e->offset);
		l.event = widest(l.event, strlen(e->event_type));
		l.daemon = widest(l.daemon, strlen(e->daemon));
		l.detail = widest(l.detail, (size_t)human_width(buf_str(&detail)));
		place = widest(place, strlen(where) + 2);
	}
	if (l.detail > DETAIL_MAX)
		l.detail = DETAIL_MAX;
	l.bar = BAR_MAX;
	fixed = 12 + l.event + 2 + l.daemon + 2;
	if (width == 0 || fixed + l.bar + 2 + l.detail + place <= width)
		return l;
	l.bar = width - fixed - 2 - l.detail - place;
	if (l.bar >= BAR_MIN)
		return l;
	l.place = false;
	l.bar = width - fixed - 2 - l.detail;
	if (l.bar < BAR_MIN)
		l.bar = width - fixed >= BAR_MIN + 2 ? BAR_MIN : 0;
	if (l.bar > BAR_MAX)
		l.bar = BAR_MAX;
	l.detail = width - fixed - (l.bar > 0 ? l.bar + 2 : 0);
	if (l.detail < 2)
		l.detail = 2;
	return l;
}

void timeline_step(struct buf *out, const struct saga *s, int step, const struct timeline_style *style)
{
	struct layout l = {.event = 16, .daemon = 11, .bar = 0, .detail = 32, .place = true};

	CLEANUP(axis_done) struct axis a = make_axis(s);

	add_row(out, s, &a, step, &l, style);
}

/* --- around them --- */

static void add_header(struct buf *out, const struct saga *s, const struct timeline_style *style)
{
	char id[UUID_TEXT_SIZE], time[CLOCK_TEXT_SIZE], took[DURATION_TEXT_SIZE], money[MONEY_TEXT_SIZE];
	const char *name = json_string_or(s->row, "customer_name", NULL);
	const char *reason = json_string_or(s->row, "reason", NULL);
	const char *color = style->color ? human_state_color(s->state) : NULL;
	int64_t count = json_int_or(s->row, "item_count", -1);

	buf_addf(out, "Order %s%s%s   %s%s%s", style->color ? BOLD : "", uuid_format(s->order_id, id),
		 style->color ? PLAIN : "", color != NULL ? color : "", s->state, color != NULL ? PLAIN : "");
	if (name != NULL) {
		buf_adds(out, "   ");
		add_safe(out, name);
	}
	if (count >= 0)
		buf_addf(out, "   %lld pizza%s", (long long)count, count == 1 ? "" : "s");
	if (json_is_integer(json_object_get(s->row, "total_amount")))
		buf_addf(out, "   %s",
			 money_format(json_int_or(s->row, "total_amount", 0),
				      json_string_or(s->row, "currency", ""), money));
	clock_format(s->started_us, time);
	buf_addf(out, "\nstarted %.10s %.12sZ   took %s   correlation %s\n", time, time + 11,
		 duration_format(saga_duration_us(s), took), json_string_or(s->row, "correlation_id", "-"));
	if (reason != NULL) {
		buf_adds(out, "because ");
		add_safe(out, reason);
		buf_addc(out, '\n');
	}
}

static void add_waiting(struct buf *out, const struct saga *s, int64_t now_us, const char *why,
			const struct timeline_style *style)
{
	char text[DURATION_TEXT_SIZE];

	if (s->awaiting == NULL)
		return;
	if (!s->due) {
		buf_addf(out, "%10snext: %s from %s", "", s->awaiting, s->daemon != NULL ? s->daemon : "?");
	} else {
		buf_addf(out, "%10s%swaiting %s for %s from %s", "", style->color ? "\033[33m" : "",
			 duration_format(now_us > s->updated_us ? now_us - s->updated_us : 0, text),
			 s->awaiting, s->daemon != NULL ? s->daemon : "?");
	}
	if (*why != '\0')
		buf_addf(out, " (%s)", why);
	buf_adds(out, s->due && style->color ? PLAIN "\n" : "\n");
}

void timeline_draw(struct buf *out, const struct saga *s, int64_t now_us, const char *waiting_why,
		   const struct timeline_style *style)
{
	CLEANUP(axis_done) struct axis a = make_axis(s);
	struct layout l = make_layout(s, &a, style->width);
	CLEANUP(buf_done) struct buf messages = {0};

	add_header(out, s, style);
	buf_addc(out, '\n');
	for (int i = 0; i < s->steps.count; i++) {
		if (a.pauses[i] > 0)
			add_pause(out, a.pauses[i], style);
		add_row(out, s, &a, i, &l, style);
	}
	saga_notifications(s, style->utf8, &messages);
	if (messages.len > 0) {
		buf_addf(out, "%10snotifications: ", "");
		add_safe(out, buf_str(&messages));
		buf_addc(out, '\n');
	}
	add_waiting(out, s, now_us, waiting_why, style);
}
