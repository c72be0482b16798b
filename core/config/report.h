/*
 * The configuration in force as a program tells it to others: every key with its value and origin, and no
 * secret.
 */
#ifndef PIZZA_CONFIG_REPORT_H
#define PIZZA_CONFIG_REPORT_H

#include <jansson.h>

#include "core/config/config.h"

/*
 * {"file", "values": [{"key", "value", "origin"}]}, owned.  Of a value with a secret in it, "value" is what
 * may be shown, and "fingerprint" tells whether two programs have the same (BLAKE2b keyed with salt, which
 * only they know).
 */
json_t *config_report(const char *salt);
/* The fingerprint of a text. */
const char *config_fingerprint(const char *salt, const char *text, char ret[33]);

#endif
