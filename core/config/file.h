/*
 * A YAML file as a list of dotted keys with their lines.
 */
#ifndef PIZZA_CONFIG_FILE_H
#define PIZZA_CONFIG_FILE_H

#include "core/base/error.h"

/* One key with a value, or (problem != NULL) something that is not one: a list, an alias, a syntax error. */
typedef void config_file_entry(void *arg, int line, const char *key, const char *value, const char *problem);

/*
 * Calls entry for each scalar of the file in its order.  Nested maps and dotted keys are the same.
 * ERR_NOT_FOUND when there is no such file; syntax errors are reported through entry, and end the reading.
 */
int config_file_read(const char *path, config_file_entry *entry, void *arg, struct error *err) MUST_USE;

#endif
