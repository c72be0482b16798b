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

static void set_subject(struct model *m, enum feed_id feed, const char *subject)
{
	if (feed >= FEED_COUNT || strcmp(m->panels[feed].subject, subject) == 0)
		return;
	panel_clear(&m->panels[feed], subject);
	panel_clear(&m->latest[feed], subject);
}

static void remember_panels(struct model *m);

/* The rows of the view on top, from its feeds; a screen without feeds keeps what it was opened with. */
static void update_view(struct model *m)
{
	struct view *v = model_view(m);
	const struct screen *s = v->screen;
	json_t *rows = NULL;

	if (m->paused || m->replay)
		remember_panels(m);
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
	if (m->paused || m->replay)
		remember_panels(m);
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
	for (int i = 0; i < FEED_COUNT; i++) {
		json_decref(m->panels[i].data);
		json_decref(m->latest[i].data);
	}
	for (int i = 0; i < m->command_count; i++)
		free(m->commands[i]);
	for (int i = 0; i < m->effect_count; i++) {
		free(m->effects[i].text);
		job_free(m->effects[i].job);
	}
	job_free(m->asked);
	note_done(m);
	tape_done(&m->tape);
	*m = (struct model){0};
}

void model_resize(struct model *m, int width, int height)
{
	m->width = width;
	m->height = height;
}

/* --- data --- */

/* What is on screen: the state of the services always is. */
static unsigned shown_feeds(const struct model *m)
{
	return m->views[m->depth - 1].screen->feeds | FEED_BIT(STATUS);
}

unsigned model_wanted(const struct model *m)
{
	return m->replay ? 0 : shown_feeds(m);
}

unsigned model_noted(const struct model *m)
{
	return m->replay ? 0 : NOTE_FEEDS | FEED_BIT(SAGAS) | FEED_BIT(KITCHEN) | FEED_BIT(JOBS);
}

static bool is_shown(const struct model *m, enum feed_id feed)
{
	return (shown_feeds(m) & 1u << feed) != 0;
}

/* Where what comes from outside belongs. */
static struct panel *latest_panel(struct model *m, enum feed_id feed)
{
	return m->paused ? &m->latest[feed] : &m->panels[feed];
}

void model_data(struct model *m, enum feed_id feed, const char *subject, json_t *data, bool more)
{
	struct panel *p = latest_panel(m, feed);

	tape_add(&m->tape, m->wall_us, feed, subject, more, data, NULL);
	note_data(m, feed, m->wall_us, data);
	if (strcmp(p->subject, subject) != 0) {
		json_decref(data);
		return;
	}
	panel_put(p, feed, data, more, m->tape.entries[m->tape.count - 1].number, m->wall_us);
	if (!m->paused && is_shown(m, feed))
		update_view(m);
}

void model_failed(struct model *m, enum feed_id feed, const char *subject, const struct error *err)
{
	struct panel *p = latest_panel(m, feed);

	tape_add(&m->tape, m->wall_us, feed, subject, false, NULL, err);
	if (strcmp(p->subject, subject) != 0)
		return;
	panel_fail(p, err, m->wall_us);
	if (!m->paused && is_shown(m, feed))
		update_view(m);
}

/* --- other moments --- */

/* The index of a feed's entry that counts at a moment, before `end`; -1: there is none. */
struct found {
	int data, failure;
	int first; /* of a stream: the first one that is needed for its latest rows */
	int rows;
	bool complete;
};

static void find_entry(struct found *f, const struct tape_entry *e, int i)
{
	bool stream = feeds[e->feed].stream != NULL;

	if (e->error != NULL) {
		if (f->data < 0 && f->failure < 0)
			f->failure = i;
		return;
	}
	if (f->data < 0)
		f->data = i;
	f->first = i;
	f->rows += e->rows;
	f->complete = !stream || !e->append || f->rows >= FEED_STREAM_MAX;
}

/* A stream's rows are put all at once. */
static void put_stream(struct model *m, enum feed_id feed, const struct found *f)
{
	struct panel *p = &m->panels[feed];
	const struct tape_entry *first = &m->tape.entries[f->first];
	json_t *rows = json_array();

	for (int i = f->first; i <= f->data; i++) {
		const struct tape_entry *e = &m->tape.entries[i];
		AUTO_JSON json_t *more = NULL;

		if (e->feed != feed || e->error != NULL || strcmp(e->subject, p->subject) != 0)
			continue;
		more = tape_data(e);
		json_array_extend(rows, more);
	}
	panel_put(p, feed, rows, false, first->number, m->tape.entries[f->data].at_us);
	p->cut = p->cut || first->append;
}

static void put_found(struct model *m, enum feed_id feed, const struct found *f)
{
	struct panel *p = &m->panels[feed];
	const struct tape_entry *entries = m->tape.entries;

	if (f->data >= 0 && feeds[feed].stream != NULL)
		put_stream(m, feed, f);
	else if (f->data >= 0)
		panel_put(p, feed, tape_data(&entries[f->data]), false, 0, entries[f->data].at_us);
	if (f->failure >= 0)
		panel_fail(p, entries[f->failure].error, entries[f->failure].at_us);
}

/* What is on screen and not known, as it was at the moment that is shown; nothing else is opened. */
static void remember_panels(struct model *m)
{
	struct found found[FEED_COUNT];
	unsigned missing = 0;

	for (int i = 0; i < FEED_COUNT; i++) {
		found[i] = (struct found){.data = -1, .failure = -1};
		if (is_shown(m, (enum feed_id)i) && m->panels[i].data == NULL && m->panels[i].error.code == 0)
			missing |= 1u << i;
	}
	for (int i = tape_until(&m->tape, m->now_us) - 1; i >= m->tape.first; i--) {
		const struct tape_entry *e = &m->tape.entries[i];

		if ((missing & 1u << e->feed) != 0 && !found[e->feed].complete &&
		    strcmp(m->panels[e->feed].subject, e->subject) == 0)
			find_entry(&found[e->feed], e, i);
	}
	for (int i = 0; i < FEED_COUNT; i++)
		put_found(m, (enum feed_id)i, &found[i]);
}

/* Everything as it was known at now_us. */
static void rewind_to_now(struct model *m)
{
	for (int i = 0; i < FEED_COUNT; i++)
		panel_clear(&m->panels[i], m->panels[i].subject);
	update_view(m);
}

/* What comes from now on is kept apart from what is shown. */
static void stand_still(struct model *m)
{
	for (int i = 0; i < FEED_COUNT && !m->paused && !m->replay; i++) {
		m->latest[i] = m->panels[i];
		json_incref(m->latest[i].data);
	}
	m->paused = true;
}

static void go_on(struct model *m)
{
	m->paused = false;
	if (m->replay)
		return;
	m->now_us = m->wall_us;
	for (int i = 0; i < FEED_COUNT; i++) {
		json_decref(m->panels[i].data);
		m->panels[i] = m->latest[i];
		m->latest[i] = (struct panel){0};
	}
	remember_panels(m);
	update_view(m);
}

void model_pause(struct model *m)
{
	if (m->paused) {
		go_on(m);
		model_say(m, STYLE_PLAIN, "goes on");
	} else {
		stand_still(m);
		model_say(m, STYLE_WARN, "stands still: [ ] 10 s, { } 1 min, p goes on");
	}
}

void model_wind(struct model *m, int64_t by_us)
{
	int64_t first, last, to = m->now_us + by_us;

	if (!tape_range(&m->tape, &first, &last))
		return;
	if (!m->replay)
		last = m->wall_us;
	stand_still(m);
	m->now_us = to < first ? first : to > last ? last : to;
	rewind_to_now(m);
	if (to < first)
		model_say(m, STYLE_WARN, "nothing is kept of what was before");
	else if (to >= last)
		model_say(m, STYLE_PLAIN, m->replay ? "the end of the recording" : "now; p goes on");
}

static void note_loaded(void *arg, enum feed_id feed, int64_t at_us, const json_t *data)
{
	note_data(arg, feed, at_us, data);
}

int model_replay(struct model *m, const char *path, char **ret_context, struct error *err)
{
	int64_t last;
	int rc;

	m->replay = m->readonly = m->tape.endless = true;
	rc = tape_load(&m->tape, path, note_loaded, m, ret_context, err);
	if (rc < 0)
		return rc;
	m->context = *ret_context;
	if (tape_range(&m->tape, &m->now_us, &last))
		rewind_to_now(m);
	return 0;
}

/* What was recorded next; of what is not on screen nothing is known until it is. */
static void put_entry(struct model *m, const struct tape_entry *e)
{
	struct panel *p = &m->panels[e->feed];

	if (strcmp(p->subject, e->subject) != 0)
		return;
	if (!is_shown(m, e->feed)) {
		panel_clear(p, e->subject);
		return;
	}
	if (e->error != NULL)
		panel_fail(p, e->error, e->at_us);
	else
		panel_put(p, e->feed, tape_data(e), e->append, e->number, e->at_us);
}

/* A recording plays. */
static void play(struct model *m, int64_t passed_us)
{
	int64_t first, last, to = m->now_us + passed_us;
	int from = tape_until(&m->tape, m->now_us), end;

	if (m->paused || !tape_range(&m->tape, &first, &last))
		return;
	end = tape_until(&m->tape, to);
	for (int i = from; i < end; i++)
		put_entry(m, &m->tape.entries[i]);
	m->now_us = to < last ? to : last;
	if (end > from)
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

	if (p->error.code != 0 || m->paused || m->replay) /* what was noted then came more rarely */
		return p->error.code != 0;
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
