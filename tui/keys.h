/*
 * Keys: one table from which dispatch, help and the hint bar follow.
 */
#ifndef PIZZA_TUI_KEYS_H
#define PIZZA_TUI_KEYS_H

#include "tui/model.h"

/* Characters are themselves (Unicode); these stand behind them. */
enum keycode {
	KEYCODE_NONE = 0x110000,
	KEYCODE_UP,
	KEYCODE_DOWN,
	KEYCODE_LEFT,
	KEYCODE_RIGHT,
	KEYCODE_PAGE_UP,
	KEYCODE_PAGE_DOWN,
	KEYCODE_HOME,
	KEYCODE_END,
	KEYCODE_ENTER,
	KEYCODE_ESCAPE,
	KEYCODE_BACKSPACE,
	KEYCODE_TAB,
	KEYCODE_BACKTAB,
	KEYCODE_MOUSE,
};

#define KEYS_PER_BINDING 4
struct binding {
	int keys[KEYS_PER_BINDING]; /* 0 ends */
	const char *shown;	    /* "↑ k" */
	const char *hint;	    /* one word for the hint bar; NULL: not there */
	const char *text;
	void (*run)(struct model *m);
	bool (*fits)(const struct screen *s); /* whether it does anything there; NULL: always */
};
extern const struct binding bindings[]; /* shown NULL ends */

/* What a key does to the model; it never waits. */
void keys_press(struct model *m, int key);
/* The same for a click into what was drawn there (zone NULL: nothing), and for the wheel. */
void keys_click(struct model *m, const struct zone *zone);
void keys_wheel(struct model *m, int rows);
/* "r", "enter", "tab" */
const char *keys_name(int key, char text[8]);
/* Does what the user asks: opens, asks back, or leaves a job to be run. */
void keys_act(struct model *m, const struct action *a);

#endif
