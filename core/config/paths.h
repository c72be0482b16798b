/*
 * The places of one installation, all below its home folder (PIZZA_HOME, default $XDG_STATE_HOME/pizza, that
 * is
 * ~/.local/state/pizza).  Strings returned are static per process and stay valid.
 */
#ifndef PIZZA_CONFIG_PATHS_H
#define PIZZA_CONFIG_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"

/* Finds the home folder and checks that a Unix socket's path below it fits 107 bytes (ERR_INVALID with the
 * mend). */
int paths_init(struct error *err) MUST_USE;
/* Before paths_init: this home folder instead of the environment's; NULL: the environment's again. */
void paths_use_home(const char *home);
/* The user's configuration folder ($XDG_CONFIG_HOME/pizza, ~/.config/pizza) into text; false when too long.
 */
bool paths_config(char *text, size_t size);
const char *paths_home(void);
/* home/run: sockets, pid files; home/log; home/mail; home/postgres; home/kafka. */
const char *paths_run(void);
const char *paths_log(void);
const char *paths_mail(void);
const char *paths_postgres(void);
const char *paths_kafka(void);
/* home/run/NAME into text. */
const char *paths_run_file(const char *name, char *text, size_t size);
/* Creates the folders with mode 0700. */
int paths_create(struct error *err) MUST_USE;
/* The per-user cache ($XDG_CACHE_HOME/pizza, ~/.cache/pizza): Kafka's jar files. */
const char *paths_cache(void);
/* Folder of this program's executable: the daemons are its siblings. */
const char *paths_bin(void);
/*
 * The installation's operator token (home/operator.token, mode 0600), 64 hexadecimal digits.  create makes it
 * when it is not there.  Any other mode than 0600 or another owner is ERR_REFUSED with the mend.
 */
int paths_operator_token(bool create, char token[65], struct error *err) MUST_USE;
/* The token of a file with the same rules. */
int paths_read_token(const char *path, char token[65], struct error *err) MUST_USE;

#endif
