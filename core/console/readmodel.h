/*
 * The read model (database pizza_console): lists of orders and sagas, key figures.  Rows have the members of
 * contract.md and arrive one by one, newest first, so memory stays flat.  Each call blocks for at most the
 * console's time-out.
 */
#ifndef PIZZA_CONSOLE_READMODEL_H
#define PIZZA_CONSOLE_READMODEL_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"
#include "core/db/db.h"

#define READMODEL_STUCK_MAX 10000

struct readmodel_filter {
	const char *state; /* NULL: any */
	int64_t stuck_ms;  /* at least so long without a step that is due; -1: any */
	int64_t since_ms;  /* started within; -1: any */
	int64_t limit;	   /* -1: all */
	/* Over the list's columns; what SQL cannot say of it is not asked, and then the limit neither.  NULL.
	 */
	const struct where *where;
	const char *sort; /* "column" or "-column" of the list's columns; NULL: newest first */
	const struct readmodel_mark *since; /* only rows that have changed since then; NULL: all */
	const char *from_id;		    /* and no order before this one; NULL */
};

/* A moment in the life of the read model: what a list did not show then has changed since. */
struct readmodel_mark {
	char life[64]; /* differs when lists must be read anew */
	char xid[24];
};

/* The members of each list's rows, and what they are in SQL; name NULL ends. */
extern const struct where_column readmodel_order_columns[], readmodel_saga_columns[];

/* order_id, status, customer_name, total_amount, currency, created_at, updated_at … */
int readmodel_orders(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		     struct error *err) MUST_USE;
/* order_id, state, awaiting, daemon, started_at, updated_at, age_seconds, steps … */
int readmodel_sagas(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		    struct error *err) MUST_USE;
/* {"stuck"}: how many sagas have had no step that is due for so long; counted up to READMODEL_STUCK_MAX. */
int readmodel_stuck(struct console *c, int64_t stuck_ms, json_t **ret, struct error *err) MUST_USE;
/* What is asked after this shows at least what was there at the mark. */
int readmodel_now(struct console *c, struct readmodel_mark *ret, struct error *err) MUST_USE;
/* The figures of the last since_ms (-1: of all). */
int readmodel_kpi(struct console *c, int64_t since_ms, json_t **ret, struct error *err) MUST_USE;
/* The one order whose id begins so; ERR_NOT_FOUND, or ERR_INVALID when there are several. */
int readmodel_complete_id(struct console *c, const char *prefix, struct uuid *ret,
			  struct error *err) MUST_USE;

/*
 * A row as a JSON object.  kinds has a letter per column: s text, i integer, d number, t time, b boolean, j
 * JSON.
 */
json_t *readmodel_json(const struct db_result *r, int row, const char *kinds);
/* Runs a query on the read model, once more on a new connection when the old one had broken. */
int readmodel_query(struct console *c, const char *sql, const struct db_params *params,
		    struct db_result **ret, struct error *err) MUST_USE;

#endif
