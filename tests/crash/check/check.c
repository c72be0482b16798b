/*
 * check: waits for quiescence, copies everything, and says of each invariant whether it holds.
 *
 *   check [--history FILE] [--live] [--quiet-timeout SECONDS] [--no-wait [--rebuild]]
 *
 * --live leaves out what holds only when nothing is on its way, and does not wait.  --no-wait takes it as
 * quiet and does without the rebuild of the read model.  The system is found by PIZZA_HOME and
 * PIZZA_PORT_BASE.  Prints one line per invariant, "invariant 06 held: …", "broken: …" with the first
 * offenders, or "not checked: …".  Exit status 0 when none is broken, 1 when one is, 2 for wrong usage, 7
 * when the system does not become quiet.
 */
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/contract/daemons.h"
#include "tests/crash/check/check.h"

#define OFFENDERS_SHOWN	   5
#define REBUILD_TIMEOUT_MS 300000
#define ADMIN_TIMEOUT_MS   10000

static const struct check_table *const tables[] = {
    &checks_of_orders, &checks_of_events, &checks_of_stock_and_money, &checks_of_letters, &checks_of_groups};

/* One line of counts per invariant. */
static const char *const counts[INVARIANTS + 1] = {
    [1] = "SELECT format('%s keys, %s orders, %s answers, %s of unknown outcome asked again', "
	  "(SELECT count(DISTINCT key) FROM history), (SELECT count(*) FROM orders), "
	  "(SELECT count(*) FROM history WHERE op = 'create' AND outcome = 'ok'), "
	  "(SELECT count(*) FROM history WHERE op = 'create' AND outcome = 'unknown'))",
    [2] = "SELECT format('%s events of %s orders, %s reservations, %s payments, %s recipients', "
	  "(SELECT count(*) FROM outbox), (SELECT count(*) FROM orders), "
	  "(SELECT count(*) FROM inventoryd.reservations), (SELECT count(*) FROM paymentd.payments), "
	  "(SELECT count(*) FROM notifyd.recipients))",
    [3] = "SELECT format('%s events in outboxes, %s records in topics, %s sent again by the relay, %s "
	  "injected', "
	  "(SELECT count(*) FROM outbox), count(*), count(*) FILTER (WHERE injected IS NULL) - "
	  "(SELECT count(*) FROM published), count(injected)) FROM messages",
    [4] = "SELECT format('%s aggregates in %s topics', count(*), count(DISTINCT topic)) FROM "
	  "(SELECT DISTINCT topic, aggregate_id FROM published) t",
    [5] = "SELECT format('%s events with a cause, %s messages to customers, %s reservations counted in the "
	  "stock', "
	  "(SELECT count(*) FROM outbox WHERE causation_id IS NOT NULL), "
	  "(SELECT count(*) FROM notifyd.notifications), (SELECT count(*) FROM inventoryd.reservations))",
    [6] = "SELECT format('%s orders, %s captures, %s refunds, %s declined', (SELECT count(*) FROM orders), "
	  "count(*) FILTER (WHERE kind = 'capture'), count(*) FILTER (WHERE kind = 'refund'), "
	  "count(*) FILTER (WHERE kind = 'decline')) FROM sandboxd.ledger",
    [7] =
	"SELECT format('%s ingredients, %s units on hand, %s reserved, %s consumed', count(*), sum(on_hand), "
	"sum(reserved), sum(consumed)) FROM inventoryd.stock_levels",
    [8] = "SELECT format('%s steps of orders, %s of payments, %s of reservations', "
	  "(SELECT count(*) FROM orderd.outbox), (SELECT count(*) FROM paymentd.outbox), "
	  "(SELECT count(*) FROM inventoryd.outbox))",
    [9] =
	"SELECT format('%s groups, %s messages below the committed offsets', count(DISTINCT consumer_group), "
	"sum(committed) FILTER (WHERE committed > 0)) FROM offsets",
    [10] = "SELECT format('%s dead letters of %s groups', count(DISTINCT letter_id), count(DISTINCT "
	   "consumer_group)) "
	   "FROM letters",
    [11] = "SELECT format('%s letters: %s; %s replays of %s jobs', (SELECT count(*) FROM dlqd.letters), "
	   "(SELECT string_agg(n || ' ' || state, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n "
	   "FROM dlqd.letters GROUP BY state) t), "
	   "(SELECT count(*) FROM dlqd.letter_history WHERE what = 'replayed'), (SELECT count(*) FROM "
	   "dlqd.jobs))",
    [12] =
	"SELECT format('%s replays: %s; %s events in effect handed over anew, all duplicates', count(*), "
	"(SELECT string_agg(n || ' ' || outcome, ', ' ORDER BY outcome) FROM (SELECT outcome, count(*) AS n "
	"FROM dlqd.job_letters WHERE outcome IS NOT NULL GROUP BY outcome) t), "
	"(SELECT count(*) FROM history WHERE op = 'replay')) FROM dlqd.letter_history WHERE what = "
	"'replayed'",
    [13] =
	"SELECT format('%s orders: %s', sum(n), string_agg(n || ' ' || status, ', ' ORDER BY status)) FROM "
	"(SELECT status, count(*) AS n FROM orders GROUP BY status) t",
    [14] = "SELECT format('%s sagas, %s events, %s figures equal after a rebuild', "
	   "(SELECT count(*) FROM aggregatord.sagas), (SELECT count(*) FROM aggregatord.events), "
	   "(SELECT count(*) FROM aggregatord.kpi_minutes))",
    [15] = "SELECT format('%s events, %s with a cause', count(*), count(causation_id)) FROM outbox",
};

struct options {
	struct checker checker;
	int quiet_ms;
	bool wait, rebuild;
};

static void report(const struct error *err)
{
	fprintf(stderr, "check: %s: %s%s%s\n", err->what, err->why, *err->hint != '\0' ? "\n  " : "",
		err->hint);
}

/* --- one invariant --- */

static void print_offenders(const struct check *check, const struct db_result *r)
{
	printf("  %s: %d", check->what, db_rows(r));
	for (int i = 0; i < db_rows(r) && i < OFFENDERS_SHOWN; i++)
		printf("%s%s", i == 0 ? ": " : ", ", db_text(r, i, 0));
	puts(db_rows(r) > OFFENDERS_SHOWN ? ", …" : "");
}

static bool is_there(struct checker *c, const char *relation)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_text(&p, relation);
	return db_query(c->conn, "SELECT to_regclass($1) IS NOT NULL", &p, &r, NULL) == 0 && db_bool(r, 0, 0);
}

struct verdict {
	int run, broken;
	const char *lacking; /* the first relation that some check needs and that is not there */
	struct db_result *offenders[16];
	const struct check *of[16];
};

static int run_check(struct checker *c, const struct check *check, struct verdict *v, struct error *err)
{
	struct db_result *r = NULL;
	int rc;

	if (c->live && !check->live)
		return 0;
	if (check->needs != NULL && !is_there(c, check->needs)) {
		v->lacking = check->needs;
		return 0;
	}
	rc = db_query(c->conn, check->sql, NULL, &r, err);
	if (rc < 0) {
		fprintf(stderr, "check: invariant %02d, %s:\n", check->invariant, check->what);
		return rc;
	}
	v->run++;
	if (db_rows(r) > 0 && v->broken < (int)ARRAY_LEN(v->of)) {
		v->of[v->broken] = check;
		v->offenders[v->broken++] = r;
	} else {
		db_result_free(r);
	}
	return 0;
}

static void print_counts(struct checker *c, int invariant)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;

	if (db_query(c->conn, counts[invariant], NULL, &r, NULL) == 0)
		printf(": %s", db_text(r, 0, 0));
	puts("");
}

/* 1 when it is broken. */
static int judge(struct checker *c, int invariant, struct error *err)
{
	struct verdict v = {0};
	int rc = 0;

	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (int i = 0; rc == 0 && i < tables[t]->count; i++)
			if (tables[t]->checks[i].invariant == invariant)
				rc = run_check(c, &tables[t]->checks[i], &v, err);
	if (rc < 0)
		return rc;
	if (v.broken > 0)
		printf("invariant %02d broken", invariant);
	else if (v.lacking != NULL)
		printf("invariant %02d not checked: there is no %s\n", invariant, v.lacking);
	else if (v.run == 0)
		printf("invariant %02d not checked: %s\n", invariant,
		       c->live ? "it holds only when nothing is on its way" : "nothing to check it by");
	else
		printf("invariant %02d held", invariant);
	if (v.broken > 0 || (v.lacking == NULL && v.run > 0))
		print_counts(c, invariant);
	for (int i = 0; i < v.broken; i++) {
		print_offenders(v.of[i], v.offenders[i]);
		db_result_free(v.offenders[i]);
	}
	fflush(stdout);
	return v.broken > 0;
}

/* --- all of them --- */

static int prepare(struct options *o, struct error *err)
{
	struct checker *c = &o->checker;
	int rc = bus_admin_new(&c->bus, ADMIN_TIMEOUT_MS, &c->admin, err);

	if (rc == 0 && !c->live && o->wait)
		rc = quiet_wait(c, o->quiet_ms, err);
	if (rc == 0)
		rc = import_all(c, err);
	if (rc == 0 && !c->live && o->rebuild)
		rc = rebuild_and_import(c, REBUILD_TIMEOUT_MS, err);
	return rc;
}

static int run(struct options *o, struct error *err)
{
	int broken = 0, rc = prepare(o, err);

	for (int i = 1; rc == 0 && i <= INVARIANTS; i++) {
		int answer = judge(&o->checker, i, err);

		if (answer < 0)
			rc = answer;
		else
			broken += answer;
	}
	if (rc == 0)
		printf(broken == 0 ? "no invariant is broken\n" : "%d invariants are broken\n", broken);
	db_release(o->checker.conn);
	db_free(o->checker.db);
	bus_admin_free(o->checker.admin);
	return rc < 0 ? rc : broken;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
	    {"history", 1, NULL, 'h'}, {"live", 0, NULL, 'l'},	  {"quiet-timeout", 1, NULL, 'q'},
	    {"no-wait", 0, NULL, 'n'}, {"rebuild", 0, NULL, 'r'}, {NULL, 0, NULL, 0},
	};
	int c;

	/* Longer than the longest pause before the next try of anything (a message, 5 minutes). */
	*o = (struct options){.quiet_ms = 400000, .wait = true, .rebuild = true};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'h':
			o->checker.history = optarg;
			break;
		case 'l':
			o->checker.live = true;
			break;
		case 'q':
			o->quiet_ms = atoi(optarg) * 1000;
			break;
		case 'n':
			o->wait = o->rebuild = false;
			break;
		case 'r':
			o->rebuild = true;
			break;
		default:
			fprintf(stderr, "usage: check [--history FILE] [--live] [--quiet-timeout SECONDS] "
					"[--no-wait [--rebuild]]\n");
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	char bootstrap[DAEMONS_BOOTSTRAP_SIZE];
	struct options o;
	struct error err;
	int rc;

	read_options(&o, argc, argv);
	if (sodium_init() < 0)
		return 1;
	rc = paths_init(&err);
	if (rc == 0)
		rc = config_load(NULL, &err);
	if (rc == 0) {
		o.checker.bus = (struct bus_options){daemons_bootstrap(bootstrap), "check"};
		rc = run(&o, &err);
	}
	if (rc < 0) {
		report(&err);
		return error_exit_status(rc);
	}
	return rc > 0;
}
