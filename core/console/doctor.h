/*
 * What an installation needs, checked one by one, each with what mends it: `pizzactl doctor`.
 * Of a remote installation, what can be seen from here.  Nothing is changed.
 */
#ifndef PIZZA_CONSOLE_DOCTOR_H
#define PIZZA_CONSOLE_DOCTOR_H

#include "core/base/error.h"
#include "core/console/console.h"

enum doctor_ok { DOCTOR_BAD = 0, DOCTOR_OK = 1, DOCTOR_WARN = 2 };

struct doctor_check {
	char name[32]; /* "postgres", "port 5001" */
	enum doctor_ok ok;
	char detail[320]; /* what was found, or what is wrong */
	char hint[256];	  /* what mends it, "" when nothing has to be */
};

/* Runs all checks; the array (free() it) and its length.  Fails only when checking itself is impossible. */
int doctor_run(struct console *c, struct doctor_check **ret, int *ret_count, struct error *err) MUST_USE;
const char *doctor_ok_word(enum doctor_ok ok); /* "bad", "ok", "warn" */

#endif
