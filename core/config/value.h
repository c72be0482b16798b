/*
 * Internal to core/config: the key table as rows, and text as a validated value of a key.
 */
#ifndef PIZZA_CONFIG_VALUE_H
#define PIZZA_CONFIG_VALUE_H

#include "core/config/config.h"

struct config_value {
	char *text;	/* as written; owned */
	int64_t number; /* INT, BOOL, DURATION (ms), SIZE (bytes) */
	double rate;
	enum config_origin origin;
};

/*
 * Validates text and fills ret (text is copied).  ERR_INVALID with the key as `what`, and what is allowed in
 * `why`.
 */
int config_value_parse(enum config_key key, const char *text, struct config_value *ret,
		       struct error *err) MUST_USE;

#endif
