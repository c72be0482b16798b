/*
 * The configuration as operators change and compare it: one key in the file, and what is configured against
 * what the programs run with.
 */
#ifndef PIZZA_CONSOLE_SETTINGS_H
#define PIZZA_CONSOLE_SETTINGS_H

#include <jansson.h>

#include "core/config/config.h"
#include "core/console/console.h"

/* ERR_NOT_FOUND with the nearest when there is no such key. */
int settings_find(const char *name, enum config_key *ret, struct error *err) MUST_USE;

/*
 * Writes one key into the configuration file (config_place), whose comments and layout stay; the value is
 * validated, and so is the file.  Without apply nothing is written.  Asks the guard.
 */
int settings_set(enum config_key key, const char *value, bool apply, struct error *err) MUST_USE;
/* Takes it out of the file, so that its default holds; ERR_NOT_FOUND when it is not set there. */
int settings_unset(enum config_key key, bool apply, struct error *err) MUST_USE;

/*
 * What the programs run with otherwise than it is configured: rows {key, configured, running, origin, file,
 * programs, mend, command}, an owned array; mend is "reload" or "restart", command what does it.  file: what
 * is configured stands in this file alone; NULL: it is what holds here.  *ret_asked counts the programs that
 * answered; what could not be asked is told to `missing` (may be NULL).
 */
int settings_diff(struct console *c, const char *file, json_t **ret, int *ret_asked,
		  void (*missing)(void *arg, const char *program, const struct error *err), void *arg,
		  struct error *err) MUST_USE;
/* How a change of the key takes effect: "" when reading the file again does, else the command. Into text. */
const char *settings_mend(enum config_key key, char *text, size_t size);

#endif
