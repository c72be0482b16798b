/*
 * Data, views and effects.  Keys are in keys.c.
 *
 * Only the view on top is kept up to date; one that comes back to the top is brought up to date then.
 */
#include "tui/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/list.h"
#include "tui/note.h"
#include "tui/prompt.h"

#define MESSAGE_US INT64_C(6000000)

/* --- views --- */

struct view *model_view(struct model *m)
{
	return &m->views[m->depth - 1];
}

static void view_done(struct view *v)
{
	json_decref(v->rows);
	json_decref(v->row);
	free(v->order);
	map_done(&v->marks, NULL);
	*v = (struct view){0};
}

static void rewind_to_now(struct model *m);

static void set_subject(struct model *m, enum feed_id feed, const char *subject)
{
	struct panel *p;

	if (feed >= FEED_COUNT)
		return;
	p = &m->panels[feed];
	if (strcmp(p->subject, subject) == 0)
		return;
	json_decref(p->data);
	*p = (struct panel){0};
	snprintf(p->subject, sizeof(p->subject), "%s", subject);
	if (m->paused || m->replay)
		rewind_to_now(m);
}

/* The rows of the view on top, from its feeds; a screen without feeds keeps what it was opened with. */
static void update_view(struct model *m)
{
	struct view *v = model_view(m);
	const struct screen *s = v->screen;
	json_t *rows = NULL;

	if (s->rows != NULL)
		rows = s->rows(m);
	else if (s->main < FEED_COUNT && json_is_array(m->panels[s->main].data))
		rows = json_incref(m->panels[s->main].data);
	else if (s->main < FEED_COUNT && json_is_object(m->panels[s->main].data))
		rows = json_pack("[O]", m->panels[s->main].data);
	if (rows != NULL) {
		json_decref(v->rows);
		v->rows = rows;
	} else if (s->main < FEED_COUNT) {
		json_decref(v->rows);
		v->rows = json_array();
	}
	list_refresh(m, v);
}

static void enter_view(struct model *m, const struct screen *s, const char *subject, json_t *rows)
{
	struct view *v = model_view(m);

	view_done(v);
	*v = (struct view){.screen = s, .sort = -1, .follow = true, .rows = rows};
	snprintf(v->subject, sizeof(v->subject), "%s", subject);
	set_subject(m, s->main, subject);
	update_view(m);
	v->cursor = 0;
	list_go(v, s->main < FEED_COUNT && feeds[s->main].stream != NULL ? v->count - 1 : 0);
}

void model_open(struct model *m, const struct screen *s, const char *subject)
{
	const json_t *row = list_row(model_view(m));
	json_t *rows = s->main == FEED_NONE && row != NULL ? json_pack("[O]", row) : json_array();

	if (m->depth == VIEW_DEPTH) { /* the oldest but the first is forgotten */
		view_done(&m->views[1]);
		memmove(&m->views[1], &m->views[2], (VIEW_DEPTH - 2) * sizeof(m->views[0]));
		m->views[VIEW_DEPTH - 1] = (struct view){0};
	} else {
		m->depth++;
	}
	enter_view(m, s, subject, rows);
}

void model_show(struct model *m, const struct screen *s, const char *subject)
{
	while (m->depth > 1)
		view_done(&m->views[--m->depth]);
	enter_view(m, s, subject, json_array());
}

void model_narrow(struct model *m, const char *subject)
{
	struct view *v = model_view(m);

	snprintf(v->subject, sizeof(v->subject), "%s", subject);
	set_subject(m, v->screen->main, subject);
	v->follow = true;
	update_view(m);
}

void model_back(struct model *m)
{
	struct view *v;

	if (m->depth == 1)
		return;
	view_done(&m->views[--m->depth]);
	v = model_view(m);
	set_subject(m, v->screen->main, v->subject);
	if (v->screen->main < FEED_COUNT && m->panels[v->screen->main].data == NULL)
		return; /* what it showed stays until there is something newer */
	update_view(m);
}

void model_init(struct model *m, const char *context, bool readonly, bool protected)
{
	*m = (struct model){
	    .context = context, .readonly = readonly, .protected = protected, .width = 80, .height = 24};
	m->theme = &themes[0];
	m->depth = 1;
	enter_view(m, screens[0], "", json_array());
}

void model_done(struct model *m)
{
	for (int i = 0; i < m->depth; i++)
		view_done(&m->views[i]);
	for (int i = 0; i < FEED_COUNT; i++)
		json_decref(m->panels[i].data);
	for (int i = 0; i < m->command_count; i++)
		free(m->commands[i]);
	for (int i = 0; i < m->effect_count; i++) {
		free(m->effects[i].text);
		job_free(m->effects[i].job);
	}
	job_free(m->asked);
	map_done(&m->histories, free);
	tape_done(&m->tape);
	*m = (struct model){0};
}

void model_resize(struct model *m, int width, int height)
{
	m->width = width;
	m->height = height;
}

/* --- data --- */

unsigned model_wanted(const struct model *m)
{
	return m->replay ? 0 : m->views[m->depth - 1].screen->feeds | FEED_BIT(STATUS);
}

unsigned model_noted(const struct model *m)
{
	return m->replay ? 0 : NOTE_FEEDS | FEED_BIT(SAGAS) | FEED_BIT(KITCHEN) | FEED_BIT(JOBS);
}

static bool is_shown(struct model *m, enum feed_id feed)
{
	return (model_view(m)->screen->feeds & 1u << feed) != 0;
}

/* A stream keeps its latest rows; each has a number, so that the cursor can stay on it. */
static void append(struct panel *p, json_t *rows)
{
	json_t *kept = json_array();
	size_t before = json_array_size(p->data), more = json_array_size(rows);
	size_t drop = before + more > FEED_STREAM_MAX ? before + more - FEED_STREAM_MAX : 0;
	char number[24];

	for (size_t i = drop; i < before; i++)
		json_array_append(kept, json_array_get(p->data, i));
	for (size_t i = 0; i < more; i++) {
		snprintf(number, sizeof(number), "%lld", (long long)p->count++);
		json_object_set_new(json_array_get(rows, i), "number", json_string(number));
		if (before + i >= drop)
			json_array_append(kept, json_array_get(rows, i));
	}
	json_decref(p->data);
	json_decref(rows);
	p->data = kept;
}

/* Data (taken) becomes what is known now. */
static void put_data(struct model *m, enum feed_id feed, json_t *data, bool more)
{
	struct panel *p = &m->panels[feed];

	if (feeds[feed].stream != NULL) {
		if (!more) {
			json_decref(p->data);
			p->data = NULL;
		}
		append(p, data);
	} else {
		json_decref(p->data);
		p->data = data;
	}
	p->looks++;
	p->at_us = m->now_us;
	p->error = (struct error){0};
	p->failed_at_us = 0;
	note_data(m, feed);
}

static void put_failure(struct model *m, enum feed_id feed, const struct error *err)
{
	struct panel *p = &m->panels[feed];

	if (p->error.code == 0)
		p->failed_at_us = m->now_us;
	p->error = *err;
	if (p->error.code == 0)
		p->error.code = ERR_FAILED;
}

void model_data(struct model *m, enum feed_id feed, const char *subject, json_t *data, bool more)
{
	tape_add(&m->tape, m->wall_us, feed, subject, more, data, NULL);
	if (m->paused || strcmp(m->panels[feed].subject, subject) != 0) {
		json_decref(data);
		return;
	}
	put_data(m, feed, data, more);
	if (is_shown(m, feed))
		update_view(m);
}

void model_failed(struct model *m, enum feed_id feed, const char *subject, const struct error *err)
{
	tape_add(&m->tape, m->wall_us, feed, subject, false, NULL, err);
	if (m->paused || strcmp(m->panels[feed].subject, subject) != 0)
		return;
	put_failure(m, feed, err);
	if (is_shown(m, feed))
		update_view(m);
}

/* --- other moments --- */

/* Graphs begin so long before the moment that is shown. */
#define GRAPHS_US INT64_C(300000000)

/* What the tape has becomes known at its moment; of other subjects, nothing does. */
static bool put_entry(struct model *m, const struct tape_entry *e)
{
	if (strcmp(m->panels[e->feed].subject, e->subject) != 0)
		return false;
	m->now_us = e->at_us;
	if (e->error != NULL)
		put_failure(m, e->feed, e->error);
	else
		put_data(m, e->feed, tape_data(e), e->append);
	return true;
}

static void forget(struct model *m)
{
	map_done(&m->histories, free);
	for (int i = 0; i < FEED_COUNT; i++) {
		struct panel *p = &m->panels[i], empty = {0};

		snprintf(empty.subject, sizeof(empty.subject), "%s", p->subject);
		json_decref(p->data);
		*p = empty;
	}
}

/* The last data and the last failure of a feed until a moment; -1: there is none. */
struct latest {
	int data, failure;
};

static void put_latest(struct model *m, const struct latest *l)
{
	if (l->data >= 0)
		put_entry(m, &m->tape.entries[l->data]);
	if (l->failure > l->data)
		put_entry(m, &m->tape.entries[l->failure]);
}

/* Puts what graphs are made of: no more of a feed than they have points. */
static void put_recent(struct model *m, int recent, int end)
{
	int left[FEED_COUNT] = {0};

	for (int i = recent; i < end; i++)
		left[m->tape.entries[i].feed]++;
	for (int i = recent; i < end; i++) {
		const struct tape_entry *e = &m->tape.entries[i];

		if ((NOTE_FEEDS & 1u << e->feed) != 0 && left[e->feed]-- <= HISTORY_POINTS)
			put_entry(m, e);
	}
}

/* Everything as it was known at now_us: streams from their beginning on, graphs some way back, and of all
 * else what came last. */
static void rewind_to_now(struct model *m)
{
	int64_t at_us = m->now_us;
	int end = tape_until(&m->tape, at_us), recent = tape_until(&m->tape, at_us - GRAPHS_US);
	struct latest latest[FEED_COUNT];

	forget(m);
	memset(latest, -1, sizeof(latest));
	for (int i = m->tape.first; i < end; i++) {
		const struct tape_entry *e = &m->tape.entries[i];
		struct latest *l = &latest[e->feed];

		if (feeds[e->feed].stream != NULL)
			put_entry(m, e);
		else if (i >= recent && (NOTE_FEEDS & 1u << e->feed) != 0)
			continue;
		else if (strcmp(m->panels[e->feed].subject, e->subject) == 0)
			*(e->error != NULL ? &l->failure : &l->data) = i;
	}
	for (int i = 0; i < FEED_COUNT; i++)
		put_latest(m, &latest[i]);
	put_recent(m, recent, end);
	m->now_us = at_us;
	update_view(m);
}

void model_pause(struct model *m)
{
	m->paused = !m->paused;
	if (!m->paused && !m->replay) {
		m->now_us = m->wall_us;
		rewind_to_now(m);
	}
	if (m->paused)
		model_say(m, STYLE_WARN, "stands still: [ ] 10 s, { } 1 min, p goes on");
	else
		model_say(m, STYLE_PLAIN, "goes on");
}

void model_wind(struct model *m, int64_t by_us)
{
	int64_t first, last, to = m->now_us + by_us;

	if (!tape_range(&m->tape, &first, &last))
		return;
	if (!m->replay)
		last = m->wall_us;
	m->paused = true;
	m->now_us = to < first ? first : to > last ? last : to;
	rewind_to_now(m);
	if (to < first)
		model_say(m, STYLE_WARN, "nothing is kept of what was before");
	else if (to >= last)
		model_say(m, STYLE_PLAIN, m->replay ? "the end of the recording" : "now; p goes on");
}

void model_replay(struct model *m)
{
	int64_t last;

	m->replay = m->readonly = true;
	if (tape_range(&m->tape, &m->now_us, &last))
		rewind_to_now(m);
}

/* A recording plays. */
static void play(struct model *m, int64_t passed_us)
{
	int64_t first, last, to = m->now_us + passed_us;
	bool changed = false;
	int from = tape_until(&m->tape, m->now_us), end;

	if (m->paused || !tape_range(&m->tape, &first, &last))
		return;
	end = tape_until(&m->tape, to);
	for (int i = from; i < end; i++)
		changed = put_entry(m, &m->tape.entries[i]) || changed;
	m->now_us = to < last ? to : last;
	if (changed)
		update_view(m);
	if (to >= last) {
		m->paused = true;
		model_say(m, STYLE_WARN, "the end of the recording; { winds it back");
	}
}

void model_clock(struct model *m, int64_t wall_us)
{
	int64_t passed_us = m->wall_us > 0 && wall_us > m->wall_us ? wall_us - m->wall_us : 0;

	m->wall_us = wall_us;
	if (m->replay)
		play(m, passed_us);
	else if (!m->paused)
		m->now_us = wall_us;
	if (m->message_until_us != 0 && wall_us > m->message_until_us)
		m->message[0] = '\0';
}

int64_t model_age_seconds(const struct model *m, enum feed_id feed)
{
	const struct panel *p = &m->panels[feed];

	return p->data == NULL ? -1 : m->now_us > p->at_us ? (m->now_us - p->at_us) / 1000000 : 0;
}

bool model_is_stale(const struct model *m, enum feed_id feed)
{
	const struct panel *p = &m->panels[feed];

	if (p->error.code != 0)
		return true;
	return feeds[feed].period_ms > 0 && p->data != NULL &&
	       m->now_us - p->at_us > (int64_t)feeds[feed].period_ms * 3000 + INT64_C(10000000);
}

const json_t *model_service(const struct model *m, const char *name)
{
	const json_t *all = m->panels[FEED_STATUS].data;

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(json_string_or(json_array_get(all, i), "name", ""), name) == 0)
			return json_array_get(all, i);
	return NULL;
}

/* --- effects --- */

void model_do(struct model *m, enum effect_kind kind, const char *text, struct job *job)
{
	if (m->effect_count == (int)ARRAY_LEN(m->effects)) {
		job_free(job);
		return;
	}
	m->effects[m->effect_count++] = (struct effect){kind, xstrdup(text), job};
}

bool model_effect(struct model *m, struct effect *ret)
{
	if (m->effect_count == 0)
		return false;
	*ret = m->effects[0];
	m->effect_count--;
	memmove(m->effects, m->effects + 1, (size_t)m->effect_count * sizeof(m->effects[0]));
	return true;
}

void model_say(struct model *m, enum style style, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->message, sizeof(m->message), fmt, ap);
	va_end(ap);
	m->message_style = style;
	m->message_until_us = style == STYLE_BAD ? 0 : m->wall_us + MESSAGE_US;
}

void model_job(struct model *m, struct job *job, int rc, const char *said, const struct error *err)
{
	if (rc < 0) {
		model_say(m, STYLE_BAD, "%s: %.80s: %.300s", job->action->name, err->what, err->why);
	} else if (job->plan && m->asked == NULL && m->mode == MODE_NORMAL) {
		job->plan = false;
		m->asked = job;
		m->mode = MODE_CONFIRM;
		free(job->told);
		job->told = xstrdup(said);
		return;
	} else if (job->plan) {
		model_say(m, STYLE_WARN, "%s: something else was asked meanwhile; nothing was done",
			  job->action->name);
	} else {
		model_say(m, STYLE_GOOD, "%s%s%s", job->action->name, *said != '\0' ? ": " : " done", said);
	}
	job_free(job);
}

void model_edited(struct model *m, struct job *job, char *text, const struct error *err)
{
	if (text == NULL) {
		model_say(m, STYLE_BAD, "%s: %.80s: %.300s", job->action->name, err->what, err->why);
		job_free(job);
		return;
	}
	job->edited = text;
	job_free(m->asked);
	m->asked = job;
	prompt_decide(m);
}
