/*
 * Contexts: the installations that a user talks to, by name.
 *
 * $XDG_CONFIG_HOME/pizza/contexts.yaml holds them:
 *
 *   current: shop
 *   contexts:
 *     shop:
 *       api: http://10.0.0.7
 *       database.url: postgresql://reader@10.0.0.7
 *       kafka.bootstrap: 10.0.0.7:5092
 *       token_file: shop.token
 *       protected: true
 *
 * "local" is always there: the installation whose home folder PIZZA_HOME names.  A context with a home (or
 * local) lies on this machine and can be started and stopped; one with an api alone is remote.
 *
 * Which one is used: the option (-C), then PIZZA_CONTEXT, then local where PIZZA_HOME is set, then `current`
 * of the file, then local.  One context per process; context_use comes before there are threads, and
 * everything else only reads.
 */
#ifndef PIZZA_CONSOLE_CONTEXT_H
#define PIZZA_CONSOLE_CONTEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/contract/daemons.h"

/* X(symbol, "key", "text") */
#define CONTEXT_KEYS(X)                                                                                     \
	X(HOME, "home", "home folder of an installation on this machine")                                   \
	X(CONFIG, "config", "configuration file of that installation")                                      \
	X(API, "api",                                                                                       \
	  "URL of the daemons: http://HOST, each at port_base plus its offset; with a port or path: all "   \
	  "there")                                                                                          \
	X(PORT_BASE, "port_base", "first port of the installation")                                         \
	X(DATABASE_URL, "database.url", "PostgreSQL server with the read model, as a URL without database") \
	X(KAFKA_BOOTSTRAP, "kafka.bootstrap", "Kafka cluster, host:port,...")                               \
	X(TOKEN_FILE, "token_file",                                                                         \
	  "file with the operator token (mode 0600), absolute, ~/... or beside contexts.yaml")              \
	X(TOKEN, "token", "the operator token itself")                                                      \
	X(READONLY, "readonly", "true: every change is refused")                                            \
	X(PROTECTED, "protected", "true: changes are announced, and need --yes and the typed name")

enum context_key {
#define X(symbol, name, text) CONTEXT_##symbol,
	CONTEXT_KEYS(X)
#undef X
	    CONTEXT_KEY_COUNT
};
const char *context_key_name(enum context_key key);
const char *context_key_text(enum context_key key);

struct context {
	char *name;
	int line;			 /* in the file; 0: it is not there */
	char *values[CONTEXT_KEY_COUNT]; /* as written; NULL: not named */
	char *urls[DAEMON_COUNT];	 /* api.DAEMON: a URL of its own; NULL */
};

struct contexts {
	char file[PATH_MAX];
	char *current;	       /* of the file; NULL: none */
	struct context *items; /* the first one is local */
	int count;
};

/*
 * Reads the file; none is none.  ERR_REFUSED with the mend when others may write to it, or read a secret in
 * it; ERR_INVALID names the line.
 */
int contexts_read(struct contexts *ret, struct error *err) MUST_USE;
void contexts_done(struct contexts *list);
/* NULL when there is none. */
const struct context *contexts_find(const struct contexts *list, const char *name);
/* ERR_USAGE lists the names, with the nearest as a hint. */
int contexts_need(const struct contexts *list, const char *name, const struct context **ret,
		  struct error *err) MUST_USE;

/*
 * Changes of the file: everything else in it stays as it is, the result is validated, written at once with
 * the mode 0600.  `values` are "key=value" (also api.DAEMON=URL); an existing context keeps what is not
 * named.  Without apply it is only checked.
 */
int contexts_set(const char *name, const char *const *values, int count, bool apply,
		 struct error *err) MUST_USE;
int contexts_remove(const char *name, struct error *err) MUST_USE;
int contexts_make_current(const char *name, struct error *err) MUST_USE;

/* How the context in use was chosen. */
enum context_choice { CHOICE_LOCAL, CHOICE_CURRENT, CHOICE_HOME, CHOICE_ENVIRONMENT, CHOICE_OPTION };
const char *context_choice_word(enum context_choice choice); /* "default", "contexts.yaml", "PIZZA_HOME" … */

/*
 * Chooses the context and lays it over paths and configuration, which it initialises (paths_init,
 * config_load).  option: the name given with -C, or NULL.
 */
int context_use(const char *option, struct error *err) MUST_USE;
/* The one in use; local before context_use. */
const struct context *context_now(void);
enum context_choice context_chosen(void);
/* True when it lies on this machine. */
bool context_is_local(void);
bool context_is_readonly(void);
bool context_is_protected(void);
/* A value of the one in use, NULL when it names none. */
const char *context_value(enum context_key key);
/* The operator token into token, "" when the context has none; wrong permissions are ERR_REFUSED. */
int context_token(char *token, size_t size, struct error *err) MUST_USE;
/* Puts the context and what it names into the environment, for programs that are started. */
void context_export(void);

#endif
