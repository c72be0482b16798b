/*
 * What the dashboard knows and where its user is: data, keys and the clock change it, and nothing else.  It
 * neither draws on a terminal nor asks a backend: what it wants done goes out as effects and as wanted feeds.
 * One thread.
 */
#ifndef PIZZA_TUI_MODEL_H
#define PIZZA_TUI_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/map.h"
#include "tui/action.h"
#include "tui/feed.h"
#include "tui/grid.h"
#include "tui/panel.h"
#include "tui/screen.h"
#include "tui/tape.h"
#include "tui/theme.h"

#define VIEW_DEPTH 8
#define INPUT_MAX  256

/* A screen that is open, with what its user has chosen there. */
struct view {
	const struct screen *screen;
	char subject[FEED_SUBJECT_MAX];
	json_t *rows;		  /* an array of objects, which may be packed; owned */
	json_t *row;		  /* the one under the cursor, open; owned; NULL: there is none */
	int *order;		  /* of the rows that are shown; owned */
	int count;		  /* of them */
	int cursor;		  /* among them */
	int top;		  /* the first one to be seen */
	bool follow;		  /* a stream: the cursor stays at its end */
	char selected[INPUT_MAX]; /* the id under the cursor: it stays there when rows change */
	char filter[INPUT_MAX];
	int sort; /* column; -1: as the rows come */
	bool downwards;
	struct map marks; /* ids */
};

enum mode {
	MODE_NORMAL,
	MODE_FILTER,  /* types a filter */
	MODE_COMMAND, /* types a command */
	MODE_VALUE,   /* types an action's value */
	MODE_REASON,  /* types why */
	MODE_CONFIRM, /* answers yes or no */
	MODE_NAME,    /* types the context's name */
	MODE_HELP,    /* reads the keys */
	MODE_ACTIONS, /* reads the actions' commands */
};

/* What the model wants done outside. */
enum effect_kind {
	EFFECT_QUIT,
	EFFECT_SUSPEND,
	EFFECT_REDRAW,
	EFFECT_COPY,
	EFFECT_SAVE,
	EFFECT_RUN,
	EFFECT_EDIT, /* the text in the user's editor, for model_edited */
};
struct effect {
	enum effect_kind kind;
	char *text;	 /* EFFECT_COPY, EFFECT_EDIT; owned */
	struct job *job; /* EFFECT_RUN, EFFECT_EDIT; owned */
};

#define HISTORY_POINTS 120
/* A figure over time, one point per look, until the moment that is shown; the next note may end it. */
struct history {
	const double *points;
	const int64_t *at_us;
	int count; /* HISTORY_POINTS at most, and at least 1 */
};

#define COMMANDS_KEPT 16

struct model {
	int width, height;
	int64_t now_us;	     /* the moment that is shown */
	int64_t wall_us;     /* the moment that it is */
	const char *context; /* borrowed */
	const char *named;   /* the same where commands must name it; NULL: they need not */
	bool readonly, protected;
	const struct theme *theme;
	bool mouse;  /* clicks are ours, and not the terminal's */
	bool paused; /* now_us stands still: it is wound back, or about to be */
	bool replay; /* a recording is shown, and nothing else */
	struct tape tape;
	struct panel panels[FEED_COUNT];
	struct panel latest[FEED_COUNT]; /* while paused: what has come meanwhile */
	struct map histories;		 /* by the figure's name; note.c knows them */
	struct view views[VIEW_DEPTH];
	int depth; /* views open, at least 1 */

	enum mode mode;
	char input[INPUT_MAX];
	char before[INPUT_MAX]; /* the filter that typing replaces; the command that history replaces */
	int choice;		/* of MODE_ACTIONS */
	struct job *asked;	/* what is to be confirmed; owned */
	char *commands[COMMANDS_KEPT];
	int command_count, command_at;
	bool offering;	       /* tab goes through words */
	int offer;	       /* the one that stands in the input */
	char begun[INPUT_MAX]; /* what was typed before */

	char message[INPUT_MAX];
	enum style message_style;
	int64_t message_until_us; /* 0: until a key comes */

	struct effect effects[8];
	int effect_count;
};

/* Starts at the first screen.  context is borrowed. */
void model_init(struct model *m, const char *context, bool readonly, bool protected);
void model_done(struct model *m);

void model_resize(struct model *m, int width, int height);
void model_clock(struct model *m, int64_t now_us);
/* What a feed gave for a subject (taken): it replaces what was there, or is appended to it. */
void model_data(struct model *m, enum feed_id feed, const char *subject, json_t *data, bool append);
void model_failed(struct model *m, enum feed_id feed, const char *subject, const struct error *err);
/* How a job (taken) ended: it may have been a plan, which is asked about now. */
void model_job(struct model *m, struct job *job, int rc, const char *said, const struct error *err);

/* What the user made of a job's (taken) text (taken); NULL: err says why there is none. */
void model_edited(struct model *m, struct job *job, char *text, const struct error *err);

/* Feeds whose data is on screen, as bits; the subject of one is panels[feed].subject. */
unsigned model_wanted(const struct model *m);
/* Those that are noted whatever is on screen, for graphs and for winding back. */
unsigned model_noted(const struct model *m);
/* Shows a recording from its beginning on; *ret_context is owned, as the model borrows it. */
int model_replay(struct model *m, const char *path, char **ret_context, struct error *err) MUST_USE;
/* The next thing to be done; false when there is none. */
bool model_effect(struct model *m, struct effect *ret);

/* --- for keys.c and the screens --- */

struct view *model_view(struct model *m);
/* Opens a screen on top of the others, or in their place. */
void model_open(struct model *m, const struct screen *s, const char *subject);
void model_show(struct model *m, const struct screen *s, const char *subject);
/* Other data in the same view. */
void model_narrow(struct model *m, const char *subject);
void model_back(struct model *m);
/* Stands still, or goes on. */
void model_pause(struct model *m);
/* Stands still so much earlier or later than what is shown. */
void model_wind(struct model *m, int64_t by_us);
void model_do(struct model *m, enum effect_kind kind, const char *text, struct job *job);
void model_say(struct model *m, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Seconds since the feed's data was fetched; -1: there is none. */
int64_t model_age_seconds(const struct model *m, enum feed_id feed);
/* The data is older than it should be, or the backend is lost. */
bool model_is_stale(const struct model *m, enum feed_id feed);
/* A service as the status has it; NULL: nothing is known of it. */
const json_t *model_service(const struct model *m, const char *name);
/* The points of a figure; NULL: there are none. */
const struct history *model_history(const struct model *m, const char *name);
/* Change per second over the last points; 0 when there are too few. */
double model_rate(const struct model *m, const char *name);

#endif
