/*
 * Completion of what is typed after ":", from the tables of screens, actions and themes and from what the
 * panels know; and of values that an action asks for.
 */
#ifndef PIZZA_TUI_COMPLETE_H
#define PIZZA_TUI_COMPLETE_H

#include "tui/model.h"

#define COMPLETE_MAX 64

/* What may stand where the last word is. */
struct completions {
	size_t from; /* where that word begins */
	int count;
	bool more;		   /* there are others */
	char *words[COMPLETE_MAX]; /* owned */
};
void complete_find(const struct model *m, const char *text, struct completions *ret);
void complete_done(struct completions *c);

/*
 * A command in full: as it is typed, or the only one that begins so; screens of one thing come after the
 * others, and actions are never guessed.  NULL: there is none, or there are several.
 */
const char *complete_command(const struct model *m, const char *word);

/*
 * The tab key: completes the input as far as all words agree that fit, then goes through them, forwards
 * (step 1) or backwards (-1).
 */
void complete_step(struct model *m, int step);
/* Something else was typed. */
void complete_stop(struct model *m);
/* The words that fit in one line; the one that stands in the input is under the cursor. */
void complete_draw(const struct model *m, struct grid *g, int y);

#endif
