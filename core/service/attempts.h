/*
 * Tries that ended their process, counted durably.  One thread.
 *
 * As long as every process of a replica ends in order, nothing is written.  After one that did not, the next
 * marks for a while what it works on before it begins (one small transaction per batch); a mark that its
 * process did not survive is one try of each message in it, and these then run one by one.
 */
#ifndef PIZZA_SERVICE_ATTEMPTS_H
#define PIZZA_SERVICE_ATTEMPTS_H

#include "core/bus/bus.h"
#include "core/service/service.h"

struct attempts;

/* Notes that this replica's process begins, counts what the last one left. */
int attempts_new(struct service *s, struct attempts **ret, struct error *err) MUST_USE;
/* Says goodbye.  NULL is fine. */
void attempts_free(struct attempts *a);
/* Reads the marks again: others may have left some on the partitions that we have by now. */
int attempts_look(struct attempts *a, struct error *err) MUST_USE;
/* Something we need was down: what was under way has still to come. */
void attempts_paused(struct attempts *a);

/* True while marks are to be written. */
bool attempts_careful(const struct attempts *a);
/* How often a process has ended in the middle of this message. */
int attempts_of(const struct attempts *a, const struct bus_message *m);
/* True when a process has ended in the middle of one of them. */
bool attempts_suspect(const struct attempts *a, const struct bus_message *messages, int n);
/* Marks n messages as being worked on; commits. */
int attempts_mark(struct attempts *a, const struct bus_message *messages, int n, struct error *err) MUST_USE;
/* In the transaction that advances past them: the marks up to them are done with. */
int attempts_clear(struct attempts *a, struct db_conn *tx, const struct bus_message *messages, int n,
		   struct error *err) MUST_USE;
/* After its commit. */
void attempts_cleared(struct attempts *a, const struct bus_message *messages, int n);

#endif
