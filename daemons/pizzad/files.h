/*
 * Internal to pizzad: small files written as a whole.  Thread safe.
 */
#ifndef PIZZA_PIZZAD_FILES_H
#define PIZZA_PIZZAD_FILES_H

#include "core/base/error.h"

/* Replaces a file (mode 0600), aside and renamed; unchanged contents leave it alone. */
int file_write(const char *path, const char *text, struct error *err) MUST_USE;
/* Adds to the end of an existing file. */
int file_append(const char *path, const char *text, struct error *err) MUST_USE;
/* Removes a folder and what it holds; one that is not there is fine. */
int file_remove_tree(const char *path, struct error *err) MUST_USE;

#endif
