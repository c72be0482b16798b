/*
 * JSON and text that commands read from files or stdin ("-").  At most 1 MiB: what the daemons accept.
 */
#ifndef PIZZA_CLI_INPUT_H
#define PIZZA_CLI_INPUT_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/error.h"

#define INPUT_MAX (1 << 20)

/* Appends the file's contents. */
int input_read(const char *file, struct buf *out, struct error *err) MUST_USE;
/* The file as one JSON object, owned by the caller. */
int input_object(const char *file, json_t **ret, struct error *err) MUST_USE;

#endif
