/*
 * The kitchen's SQL.  What takes `tx` runs in the caller's open transaction.
 *
 * A job's row is locked before its number is drawn and before its tickets change with it; several are locked
 * in the order of their ids.
 */
#ifndef PIZZA_KITCHEN_STORE_H
#define PIZZA_KITCHEN_STORE_H

#include "core/db/db.h"
#include "daemons/kitchen/ticket.h"

/* --- reading tickets --- */

/* Fills in a ticket from a row of the statements below but for its station and timer, whose names are given
 * back. */
void store_read_ticket(const struct db_result *r, int row, struct ticket *t, const char **ret_device,
		       const char **ret_timer);

/* The highest number ever given. */
int store_last_ticket(struct db_conn *c, int64_t *ret, struct error *err) MUST_USE;
/* What is on a deck or waits for ingredients. */
int store_open_tickets(struct db_conn *c, struct db_result **ret, struct error *err) MUST_USE;
/* The head of the queue behind a promise and a number. */
int store_queue(struct db_conn *c, int64_t after_us, int64_t after_id, int limit, struct db_result **ret,
		struct error *err) MUST_USE;

/* The numbers in the first column of all rows. */
struct store_numbers {
	int64_t *list; /* ascending */
	size_t count;
};
struct store_numbers store_numbers(const struct db_result *r);
bool store_numbers_have(const struct store_numbers *n, int64_t number);
void store_numbers_done(struct store_numbers *n);

/* --- new orders and what becomes of them (the consumer) --- */

/* Columns of one row per order, ascending by order_id, and one per ticket. `struct store_orders o = {0};`
 * then store_orders_init. */
struct store_orders {
	struct db_array ids, firsts, counts, correlations, causes;
	struct db_array ticket_ids, ticket_orders, pizzas, sizes, versions, bakes, promises;
};
void store_orders_init(struct store_orders *o);
void store_orders_done(struct store_orders *o);
/* Inserts the jobs that were not heard of, and their tickets; the rows are the numbers of the tickets that
 * are new. */
int store_add_orders(struct db_conn *tx, const struct store_orders *o, struct db_result **ret,
		     struct error *err) MUST_USE;
/* Cancels the jobs and what is open of their tickets, or leaves tombstones; ids ascend. The rows are the
 * orders that had something to discard. */
int store_cancel(struct db_conn *tx, const struct db_array *ids, const struct db_array *correlations,
		 const struct db_array *causes, const struct db_array *reasons, struct db_result **ret,
		 struct error *err) MUST_USE;
/* Tickets whose ingredients are there again: from waiting to queued; the rows are those that were waiting. */
int store_supply(struct db_conn *tx, const struct db_array *ids, struct db_result **ret,
		 struct error *err) MUST_USE;

/* --- jobs and tickets as they go on --- */

struct job {
	struct uuid order_id;
	char state[16];
	int64_t seq, first_ticket;
	int tickets, pending;
	struct uuid correlation_id, cause;
	double cooking_s; /* since CookingStarted */
	bool changed, started, ended;
	char reason[200];
};
struct job_list {
	struct job *jobs; /* ascending by order_id */
	int count;
};
/* Locks the jobs; ids ascend, without duplicates. */
int store_lock_jobs(struct db_conn *tx, const struct db_array *ids, struct job_list *ret,
		    struct error *err) MUST_USE;
struct job *store_find_job(const struct job_list *list, struct uuid order_id);
bool store_job_open(const struct job *j);
void store_jobs_done(struct job_list *list);
/* Writes those that are changed, with the next statement. */
int store_write_jobs(struct db_conn *tx, const struct job_list *list, struct error *err) MUST_USE;
/* What is open of the tickets of these orders fails, with the next statement. */
int store_fail_tickets(struct db_conn *tx, const struct job_list *list, struct error *err) MUST_USE;

struct store_move {
	const struct ticket *ticket; /* as it was */
	enum ticket_state to;
	const char *device, *timer; /* NULL: none */
	int deck;		    /* from 0 */
	int remakes, moves;
	const char *reason; /* NULL or "": the last one stays */
};
/* `struct store_moves m = {0};` then store_moves_init. */
struct store_moves {
	struct db_array ids, from, to, devices, decks, timers, remakes, moves, reasons;
};
void store_moves_init(struct store_moves *m);
void store_moves_done(struct store_moves *m);
void store_add_move(struct store_moves *m, const struct store_move *row);
/* The rows are the numbers of the tickets that were as expected and have moved. */
int store_move_tickets(struct db_conn *tx, const struct store_moves *m, struct db_result **ret,
		       struct error *err) MUST_USE;

/* --- stations --- */

struct store_station {
	const char *device, *kind, *state, *mode, *faults;
};
/* device, mode, faults */
int store_stations(struct db_conn *c, struct db_result **ret, struct error *err) MUST_USE;
int store_save_stations(struct db_conn *c, const struct store_station *list, int n,
			struct error *err) MUST_USE;

/* --- what people ask --- */

struct ticket_query {
	const char *state; /* a state, "open", or NULL: all */
	const char *device;
	struct uuid order_id; /* nil: any */
	int64_t after;	      /* numbers below it; 0: from the newest */
	int64_t after_us;     /* open ones: behind this promise and number */
	int limit;
};
/* Newest first; open ones by their promises. */
int store_list(struct db_conn *c, const struct ticket_query *q, struct db_result **ret,
	       struct error *err) MUST_USE;
int store_show(struct db_conn *c, int64_t ticket_id, struct db_result **ret, struct error *err) MUST_USE;
enum {
	LIST_ID,
	LIST_ORDER,
	LIST_STATE,
	LIST_PIZZA,
	LIST_SIZE,
	LIST_BAKE,
	LIST_PROMISED,
	LIST_DEVICE,
	LIST_DECK,
	LIST_TIMER,
	LIST_REMAKES,
	LIST_MOVES,
	LIST_REASON,
	LIST_CREATED,
	LIST_STARTED,
	LIST_ENDED
};
/* Queued tickets behind a promise and a number, and how many there are in all. */
int store_queue_length(struct db_conn *c, int64_t *ret, struct error *err) MUST_USE;
int store_queue_before(struct db_conn *c, int64_t promised_us, int64_t id, int64_t *ret,
		       struct error *err) MUST_USE;

#endif
