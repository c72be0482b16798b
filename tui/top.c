/*
 * The dashboard's loop: keys, results and signals go into the model, the model goes to the terminal.
 *
 * Signals only set flags and wake the loop by a pipe; the workers block them, so that they come here.
 */
#include "tui/top.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/console/context.h"
#include "core/console/editor.h"
#include "tui/display.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/pack.h"
#include "tui/rescue.h"
#include "tui/worker.h"

#define TRIM_MS	     10000 /* memory that is free goes back to the system that often */
#define TICK_MS	     1000
#define REDRAW_MS    50 /* between two screens at least, while results pour in */
#define KEYS_AT_ONCE 64 /* pasted text does not hold up the drawing */

struct top {
	struct model model;
	struct worker *worker; /* NULL: a recording is shown */
	char *context;	       /* of the recording; owned */
	struct grid grid;
	bool noted; /* what is not on screen is asked for as well */
	bool anew;  /* the next screen is drawn as a whole */
	bool quit;
	struct mono trimmed;
};

/* --- what both ways share --- */

static const char *subject_of(void *arg, enum feed_id feed)
{
	const struct model *m = arg;

	return m->panels[feed].subject;
}

static void take_result(struct model *m, struct worker_result *r)
{
	if (r->job != NULL) {
		model_job(m, r->job, r->rc, r->said, &r->err);
		r->job = NULL;
	} else if (r->rc < 0) {
		model_failed(m, r->feed, r->subject, &r->err);
	} else {
		model_data(m, r->feed, r->subject, r->data, r->append);
		r->data = NULL;
	}
	worker_result_done(r);
}

static void take_results(struct top *t)
{
	struct worker_result r;
	uint64_t count;

	if (t->worker == NULL || (read(worker_fd(t->worker), &count, sizeof(count)) < 0 && errno != EAGAIN))
		return;
	while (worker_take(t->worker, &r))
		take_result(&t->model, &r);
	if (mono_since_ms(t->trimmed) > TRIM_MS) {
		malloc_trim(0);
		t->trimmed = mono_now();
	}
}

static void want(struct top *t)
{
	if (t->worker != NULL)
		worker_want(t->worker, model_wanted(&t->model), t->noted ? model_noted(&t->model) : 0,
			    subject_of, &t->model);
}

static int begin_replay(struct top *t, const struct top_options *o, struct error *err)
{
	int rc;

	model_init(&t->model, "", true, false);
	model_clock(&t->model, clock_wall_us());
	rc = model_replay(&t->model, o->replay, &t->context, err);
	if (rc < 0)
		return rc;
	if (o->screen != NULL)
		model_show(&t->model, screen_find(o->screen), o->subject != NULL ? o->subject : "");
	return 0;
}

static int begin(struct top *t, struct console *c, const struct top_options *o, struct error *err)
{
	struct model *m = &t->model;
	enum context_choice choice = context_chosen();
	int rc;

	t->grid.utf8 = o->utf8;
	if (o->replay != NULL)
		return begin_replay(t, o, err);
	model_init(m, context_now()->name, o->readonly || context_is_readonly(), context_is_protected());
	if (choice == CHOICE_OPTION || choice == CHOICE_ENVIRONMENT)
		m->named = m->context;
	model_clock(m, clock_wall_us());
	if (o->screen != NULL)
		model_show(m, screen_find(o->screen), o->subject != NULL ? o->subject : "");
	rc = o->record != NULL ? tape_record(&m->tape, o->record, m->context, m->wall_us, err) : 0;
	if (rc == 0)
		rc = worker_new(c, &t->worker, err);
	if (rc == 0)
		want(t);
	return rc;
}

static void look(struct model *m, const struct top_options *o)
{
	m->mouse = o->mouse;
	if (o->theme != NULL)
		m->theme = theme_find(o->theme);
}

static void end(struct top *t)
{
	worker_free(t->worker);
	model_done(&t->model);
	grid_done(&t->grid);
	free(t->context);
}

const char *top_screen(int i, const char **ret_text)
{
	for (int k = 0; screens[k] != NULL; k++)
		if (screen_is_named(screens[k]) && i-- == 0) {
			*ret_text = screens[k]->text;
			return screens[k]->name;
		}
	return NULL;
}

#define SCREENS_MAX 32

const char *top_theme(int i, const char **ret_text)
{
	if (themes[i].name == NULL)
		return NULL;
	*ret_text = themes[i].text;
	return themes[i].name;
}

int top_check(const struct top_options *o, struct error *err)
{
	const struct screen *s = screen_find(o->screen);
	const char *names[SCREENS_MAX], *text;
	int n = 0;

	if (s != NULL && !screen_is_named(s))
		s = NULL;
	if (o->screen == NULL || (s != NULL && (!s->detail || o->subject != NULL)))
		return 0;
	if (s != NULL) {
		error_set(err, ERR_USAGE, o->screen, "shows one thing: which?");
		error_hint(err, "pizzactl top %s ID", s->name);
		return ERR_USAGE;
	}
	while (n < SCREENS_MAX && (names[n] = top_screen(n, &text)) != NULL)
		n++;
	return nearest_refuse(ERR_NOT_FOUND, o->screen, "there is no such screen", names, n, err);
}

/* --- full screen --- */

static volatile sig_atomic_t ended, stopped, resized;
static int signal_pipe[2] = {-1, -1};

static void on_signal(int number)
{
	int before = errno;

	if (number == SIGWINCH || number == SIGCONT)
		resized = 1;
	else if (number == SIGTSTP)
		stopped = 1;
	else
		ended = number;
	if (write(signal_pipe[1], "", 1) < 0)
		resized = 1; /* it is full, and wakes us anyway */
	errno = before;
}

/* What has gone wrong cannot be mended, but the terminal can be given back. */
static void on_crash(int number)
{
	rescue_now();
	raise(number); /* the handler is gone: it ends as it would have */
}

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT};
static const int caught[] = {SIGWINCH, SIGCONT, SIGTSTP, SIGTERM, SIGHUP, SIGINT};

static int catch_signals(struct error *err)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction crash = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_errno(err, "dashboard");
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaction(caught[i], &action, NULL);
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &crash, NULL);
	return 0;
}

/* For the threads that are started meanwhile. */
static void block_signals(bool block)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaddset(&set, caught[i]);
	pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void release_signals(void)
{
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		signal(caught[i], SIG_DFL);
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		signal(crashes[i], SIG_DFL);
	close(signal_pipe[0]);
	close(signal_pipe[1]);
}

/* Stops as if the dashboard caught nothing, and goes on where it was. */
static void suspend(struct top *t)
{
	stopped = 0;
	display_leave();
	raise(SIGSTOP);
	display_return();
	resized = 1;
	t->anew = true;
}

static void save(struct top *t)
{
	CLEANUP(buf_done) struct buf text = {0};
	char name[96], clock[CLOCK_TEXT_SIZE];
	FILE *f;

	clock_format(t->model.now_us, clock);
	snprintf(name, sizeof(name), "pizza-%s-%.10sT%.2s%.2s%.2sZ.txt", model_view(&t->model)->screen->name,
		 clock, clock + 11, clock + 14, clock + 17);
	grid_dump(&t->grid, &text);
	f = fopen(name, "wxe");
	if (f == NULL || fwrite(buf_str(&text), 1, text.len, f) != text.len)
		model_say(&t->model, STYLE_BAD, "save: %s: %s", name, strerror(errno));
	else
		model_say(&t->model, STYLE_GOOD, "saved as %s", name);
	if (f != NULL && fclose(f) != 0)
		model_say(&t->model, STYLE_BAD, "save: %s: %s", name, strerror(errno));
}

static void edit(struct top *t, struct job *job, const char *text)
{
	struct buf edited = {0};
	struct error err = {0};
	int rc;

	display_leave();
	rc = editor_edit(text, &edited, &err);
	display_return();
	resized = 1;
	t->anew = true;
	if (ended == SIGINT) /* it was the editor's */
		ended = 0;
	if (rc < 0)
		buf_done(&edited);
	model_edited(&t->model, job, rc < 0 ? NULL : buf_take(&edited), &err);
}

static void carry_out(struct top *t)
{
	struct effect e;

	while (model_effect(&t->model, &e)) {
		switch (e.kind) {
		case EFFECT_QUIT:
			t->quit = true;
			break;
		case EFFECT_SUSPEND:
			suspend(t);
			break;
		case EFFECT_REDRAW:
			t->anew = true;
			break;
		case EFFECT_COPY:
			display_copy(e.text);
			break;
		case EFFECT_EDIT:
			edit(t, e.job, e.text);
			e.job = NULL;
			break;
		case EFFECT_SAVE:
			save(t);
			break;
		case EFFECT_RUN:
			if (t->worker != NULL) {
				worker_do(t->worker, e.job);
				e.job = NULL;
			}
			break;
		}
		free(e.text);
		job_free(e.job);
	}
}

static void take_click(struct top *t)
{
	int x, y, wheel;

	if (!display_mouse(&x, &y, &wheel))
		return;
	if (wheel != 0)
		keys_wheel(&t->model, wheel);
	else
		keys_click(&t->model, grid_zone_at(&t->grid, x, y));
}

static void take_keys(struct top *t)
{
	int key = KEYCODE_NONE;

	for (int i = 0; i < KEYS_AT_ONCE && !t->quit; i++) {
		if (!display_key(&key))
			t->quit = true;
		if (key == KEYCODE_NONE)
			break;
		if (key == KEYCODE_MOUSE)
			take_click(t);
		else
			keys_press(&t->model, key);
		carry_out(t);
	}
}

static void take_signals(struct top *t)
{
	char drop[64];
	int width, height;

	while (read(signal_pipe[0], drop, sizeof(drop)) > 0)
		;
	if (stopped != 0)
		suspend(t);
	if (resized != 0) {
		resized = 0;
		display_size(&width, &height);
		model_resize(&t->model, width, height);
	}
}

static void show(struct top *t)
{
	model_clock(&t->model, clock_wall_us());
	draw_model(&t->model, &t->grid);
	display_face(t->model.theme, t->model.mouse);
	display_show(&t->grid, t->anew);
	t->anew = false;
}

/* Results that pour in are drawn at most every REDRAW_MS; a key is answered at once. */
static void loop(struct top *t)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = t->worker != NULL ? worker_fd(t->worker) : -1, .events = POLLIN},
			       {.fd = signal_pipe[0], .events = POLLIN}};

	resized = 1;
	while (!t->quit && ended == 0) {
		struct mono next;
		bool key;
		int n;

		take_signals(t);
		want(t);
		show(t);
		next = mono_add_ms(mono_now(), REDRAW_MS);
		n = poll(fds, ARRAY_LEN(fds), TICK_MS);
		key = n > 0 && fds[0].revents != 0;
		if (!key && mono_left_ms(next) > 0)
			poll(fds, 1, (int)mono_left_ms(next));
		model_clock(&t->model, clock_wall_us());
		take_results(t);
		take_keys(t);
	}
}

int top_run(struct console *c, const struct top_options *o, struct error *err)
{
	struct top t = {.noted = true};
	int rc = catch_signals(err);

	if (rc < 0)
		return rc;
	mallopt(M_ARENA_MAX, 1); /* threads are not to have a heap each */
	block_signals(true);
	rc = begin(&t, c, o, err);
	block_signals(false);
	look(&t.model, o);
	if (rc == 0)
		rc = display_open(o->color, err);
	if (rc == 0)
		loop(&t);
	display_close();
	if (rc == 0)
		rc = tape_finish(&t.model.tape, err);
	end(&t);
	release_signals();
	if (rc == 0 && ended != 0 && ended != SIGHUP)
		raise(ended);
	return rc;
}

/* --- once --- */

/* Streams have no end: what has come after a moment is enough of them. */
#define STREAM_MS 700

static bool has_all(const struct model *m, int64_t waited_ms)
{
	unsigned wanted = model_wanted(m);

	for (int i = 0; i < FEED_COUNT; i++) {
		const struct panel *p = &m->panels[i];

		if ((wanted & 1u << i) == 0 || p->error.code != 0)
			continue;
		if (p->data == NULL || p->looks < feeds[i].looks ||
		    (feeds[i].stream != NULL && waited_ms < STREAM_MS))
			return false;
	}
	return true;
}

static void gather(struct top *t, int timeout_ms)
{
	struct pollfd p = {.fd = worker_fd(t->worker), .events = POLLIN};
	struct mono begun = mono_now();

	while (!has_all(&t->model, mono_since_ms(begun)) && mono_since_ms(begun) < timeout_ms) {
		if (poll(&p, 1, 100) > 0)
			take_results(t);
		model_clock(&t->model, clock_wall_us());
	}
}

/* {"screen", "subject", "at", "panels": {"lag": {"data", "error"}, …}, "rows": of a screen that makes its
 * own} */
static json_t *data_of(const struct model *m)
{
	const struct view *v = &m->views[m->depth - 1];
	json_t *panels = json_object();
	char at[CLOCK_TEXT_SIZE];

	for (int i = 0; i < FEED_COUNT; i++) {
		const struct panel *p = &m->panels[i];

		if ((v->screen->feeds & 1u << i) == 0)
			continue;
		json_object_set_new(
		    panels, feeds[i].name,
		    json_pack("{s:o?, s:o}", "data", pack_open_all(p->data, SIZE_MAX), "error",
			      p->error.code == 0
				  ? json_null()
				  : json_pack("{s:s, s:s, s:s}", "code", error_word(p->error.code), "what",
					      p->error.what, "why", p->error.why)));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:O*}", "screen", v->screen->name, "subject", v->subject, "at",
			 clock_format(m->now_us, at), "panels", panels, "rows",
			 v->screen->rows != NULL ? v->rows : NULL);
}

/* The first failure, when no feed of the screen has any data. */
static int judge(const struct model *m, struct error *err)
{
	const struct screen *s = m->views[m->depth - 1].screen;
	const struct error *first = NULL;

	for (int i = 0; i < FEED_COUNT; i++) {
		if ((s->feeds & 1u << i) == 0)
			continue;
		if (m->panels[i].data != NULL && (s->main == FEED_NONE || s->main == (enum feed_id)i))
			return 0;
		if (first == NULL && m->panels[i].error.code != 0)
			first = &m->panels[i].error;
	}
	if (first == NULL)
		return 0;
	if (err != NULL)
		*err = *first;
	return first->code;
}

int top_once(struct console *c, const struct top_options *o, struct buf *text, json_t **ret_data,
	     struct error *err)
{
	struct top t = {0};
	int rc = begin(&t, c, o, err);

	if (rc == 0) {
		model_resize(&t.model, o->width, o->height);
		if (o->replay == NULL)
			gather(&t, console_timeout_ms(c) * 2);
		else
			model_wind(&t.model, INT64_MAX / 4);
		if (ret_data != NULL)
			*ret_data = data_of(&t.model);
		draw_model(&t.model, &t.grid);
		look(&t.model, o);
		if (o->ansi)
			theme_dump(t.model.theme, &t.grid, o->color, text);
		else
			grid_dump(&t.grid, text);
		rc = judge(&t.model, err);
	}
	end(&t);
	return rc;
}
