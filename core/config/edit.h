/*
 * Changing one value of a YAML text: comments, order and layout of everything else stay as they are.
 *
 * A path names a value with '/' between the steps that become nested maps where they are not there yet
 * ("contexts/shop/database.url"); dots and nesting are the same when it is looked for, as in the
 * configuration (config.h).
 */
#ifndef PIZZA_CONFIG_EDIT_H
#define PIZZA_CONFIG_EDIT_H

#include "core/base/buf.h"
#include "core/base/error.h"

/*
 * Sets the value at path, adding it when it is not there.  ERR_INVALID when the text is no YAML map, or
 * cannot be changed in this way (the text is unchanged then); the hint says to do it by hand.
 */
int edit_set(struct buf *text, const char *path, const char *value, struct error *err) MUST_USE;
/* Removes the entry at path with all below it; ERR_NOT_FOUND when it is not there. */
int edit_remove(struct buf *text, const char *path, struct error *err) MUST_USE;
/* Reads a whole file; a missing one is empty. */
int edit_read(const char *file, struct buf *ret, struct error *err) MUST_USE;
/*
 * Replaces a file at once (written aside, flushed, renamed): a reader finds the old text or the new one.  Its
 * folders are made.  A symbolic link stays one.  mode 0: that of the file as it was, or 0644.
 */
int edit_write(const char *file, const struct buf *text, unsigned mode, struct error *err) MUST_USE;

#endif
