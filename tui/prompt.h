/*
 * What is typed, asked and chosen: filters, commands, values, confirmations.
 */
#ifndef PIZZA_TUI_PROMPT_H
#define PIZZA_TUI_PROMPT_H

#include "tui/model.h"

void prompt_begin(struct model *m, enum mode mode, const char *text);
/* A key in any mode but MODE_NORMAL. */
void prompt_press(struct model *m, int key);
/* The job that stands in m->asked: asks what has to be asked, then lets it run. */
void prompt_decide(struct model *m);
/* A command as typed after ":". */
void prompt_command(struct model *m, const char *text);

#endif
