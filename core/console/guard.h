/*
 * What the context lets happen: one place for both faces.  Every function of core/console that changes an
 * installation asks guard_change first, every one that needs this machine guard_local.
 *
 * A context that is readonly refuses every change; one that is protected refuses those that its user has not
 * confirmed (guard_agree), which a face does in its own way: pizzactl by --yes and the typed name, the
 * dashboard by a dialogue.  What only says what it would do asks nothing.  One thread, before calls begin.
 */
#ifndef PIZZA_CONSOLE_GUARD_H
#define PIZZA_CONSOLE_GUARD_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/error.h"

/* The user knows that the context is protected, and wants what comes until the next guard_agree. */
void guard_agree(bool agreed);
/* Why the user makes changes: goes along with each of them, for the audit.  Copied; NULL: not told. */
void guard_reason(const char *reason);

/* 0, or ERR_REFUSED with what would let it happen. */
int guard_change(const char *what, struct error *err) MUST_USE;
/* ERR_REFUSED when the context is remote: what needs this machine. */
int guard_local(const char *what, struct error *err) MUST_USE;

/* Who makes changes, as the audit has it: "user@host". */
void guard_actor(struct buf *out);
/* The request headers of a change: "X-Pizza-Actor: user@host", and "X-Pizza-Reason: …" (percent-encoded)
 * or "" when there is no reason. */
void guard_actor_header(struct buf *out);
void guard_reason_header(struct buf *out);

#endif
