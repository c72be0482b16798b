/*
 * The checker of the fifteen invariants (README, "Nothing lost, nothing charged twice").
 *
 * Everything there is to know about an installation (every daemon's database, every topic, the committed
 * offsets, the provider's ledger, the client's history) is copied into one scratch database of the same
 * server, one schema per daemon named like it, and each invariant is one or more queries over it that name
 * offenders. The checks share no code with what they check, but for reading the envelope.  One thread.
 */
#ifndef PIZZA_CRASH_CHECK_H
#define PIZZA_CRASH_CHECK_H

#include "core/bus/admin.h"
#include "core/db/db.h"

#define INVARIANTS 15

/* What must not be: each row of the query names one offender in its first column. */
struct check {
	int invariant;
	bool live;	   /* holds also while faults run */
	const char *needs; /* a relation without which it cannot be checked; NULL */
	const char *what;  /* "an acknowledged order is not there" */
	const char *sql;
};

struct check_table {
	const struct check *checks;
	int count;
};
extern const struct check_table checks_of_orders, checks_of_events, checks_of_stock_and_money,
    checks_of_letters, checks_of_groups;

struct checker {
	struct bus_options bus;
	struct bus_admin *admin;
	struct db *db; /* the scratch database */
	struct db_conn *conn;
	const char *history; /* file, or NULL */
	bool live;
};

/* Waits until nothing is on its way any more; ERR_TIMEOUT says what still is. */
int quiet_wait(struct checker *c, int timeout_ms, struct error *err) MUST_USE;

/* Makes the scratch database anew and copies everything into it. */
int import_all(struct checker *c, struct error *err) MUST_USE;
/* Options for a database of the installation, as its owner. */
void import_options(const char *database, struct db_options *ret);

/*
 * Has the read model rebuilt and copies it, as schema `rebuilt`, beside the one there was.
 */
int rebuild_and_import(struct checker *c, int timeout_ms, struct error *err) MUST_USE;

#endif
