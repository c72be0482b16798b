/*
 * Typed configuration: the key table (keys.h), a YAML file (libyaml), environment overrides, validation that
 * names line and key, reload.
 *
 * Precedence: option (config_override) > environment > context (config_context) > file > default; a context
 * that was named by an option counts as one.  Every key has an environment name:
 * PIZZA_ and the key in capitals with '.' as '_' (port_base → PIZZA_PORT_BASE, log.level → PIZZA_LOG_LEVEL).
 * In the file, nested maps and dotted keys are the same: {log: {level: debug}} = {"log.level": debug}.
 * Reading is lock-free and safe from every thread; strings stay valid for the life of the process.
 */
#ifndef PIZZA_CONFIG_CONFIG_H
#define PIZZA_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/config/keys.h"

enum config_key {
#define X(symbol, name, type, fallback, min, max, reloadable, text) CONFIG_##symbol,
	CONFIG_KEYS(X)
#undef X
	    CONFIG_COUNT
};

enum config_type { CONFIG_STRING, CONFIG_INT, CONFIG_BOOL, CONFIG_DURATION, CONFIG_SIZE, CONFIG_RATE };
enum config_origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_CONTEXT, ORIGIN_ENVIRONMENT, ORIGIN_OPTION };

struct config_row {
	const char *name;
	enum config_type type;
	const char *fallback;
	int64_t min, max;
	bool reloadable;
	const char *text;
};
const struct config_row *config_row(enum config_key key);
/* False when there is no such key. */
bool config_find(const char *name, enum config_key *ret);
/* ERR_INVALID: there is no such key, with the nearest as a hint. */
int config_unknown_key(const char *name, struct error *err);
const char *config_type_word(enum config_type type);
const char *config_origin_word(enum config_origin origin);

/*
 * Loads the configuration: file = path, "" for none, or NULL for $PIZZA_CONFIG, then
 * $XDG_CONFIG_HOME/pizza/pizza.yaml, then /etc/pizza/pizza.yaml (none of these need exist).  ERR_INVALID
 * names file, line, key, and what is allowed; unknown keys are refused with the nearest valid one.  May be
 * called once more only through config_reload.
 */
int config_load(const char *file, struct error *err) MUST_USE;
/*
 * Reads the file again.  Reloadable keys take effect; changed keys that are not are listed by name in
 * `skipped` (comma separated). On an error the old configuration stays.
 */
int config_reload(char *skipped, size_t size, struct error *err) MUST_USE;
/* Sets one key from an option, before or after config_load; validated. */
int config_override(const char *name, const char *value, struct error *err) MUST_USE;
/*
 * What the context in use says of a key, before config_load; validated.  It beats the file, and with `chosen`
 * (the context was named by an option) the environment as well.
 */
int config_context(const char *name, const char *value, bool chosen, struct error *err) MUST_USE;
/* Forgets what a context said: another one is chosen. */
void config_context_forget(void);
/* The file that was read, "" for none. */
const char *config_file(void);
/* The file that is read, or would be if it were there: where `config set` writes.  After config_load. */
const char *config_place(void);
/* Line of the file in which a key of ORIGIN_FILE is set; 0 otherwise. */
int config_line(enum config_key key);
/* The environment's name of a key: "PIZZA_LOG_LEVEL". */
const char *config_variable(enum config_key key, char *text, size_t size);
/* A key whose value is a secret. */
bool config_secret(enum config_key key);
/* True when text, as a value of the key, is a secret or has a password in it. */
bool config_has_secret(enum config_key key, const char *text);
/* Appends the value as it may be shown to anybody: "(set)" for secrets, *** for a password in a URL. */
void config_add_shown(struct buf *out, enum config_key key, const char *text);
/* Validates text as a value of the key without using it. */
int config_check(enum config_key key, const char *text, struct error *err) MUST_USE;
/* Reads and validates a file without using it: every problem is reported, not just the first. */
int config_validate_file(const char *file,
			 void (*problem)(void *arg, int line, const char *key, const struct error *err),
			 void *arg, struct error *err) MUST_USE;

/* Gives the keys that a valid file sets, with their texts, without using it. */
int config_read_file(const char *file, void (*value)(void *arg, enum config_key key, const char *text),
		     void *arg, struct error *err) MUST_USE;

const char *config_string(enum config_key key);
int64_t config_int(enum config_key key); /* INT; DURATION in ms; SIZE in bytes */
bool config_bool(enum config_key key);
double config_rate(enum config_key key);
enum config_origin config_origin(enum config_key key);
/* The value as it was written ("5s"), for people. */
const char *config_text(enum config_key key);

#endif
