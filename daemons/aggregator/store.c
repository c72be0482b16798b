/*
 * The writer of the read model.
 *
 * sagas.state and its companions are functions of the bits seen, computed here (rules.c).  The bits of the
 * row before the batch are guessed from a small cache of recent rows and checked against what the upsert,
 * which locks the row, answers; the rare row whose guess was wrong is corrected in the same transaction.  So
 * the cache saves a read per row and can never make a row wrong.
 */
#include "daemons/aggregator/store.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

#define RECENT_ROWS 65536 /* a power of two */

enum event_column {
	E_ID,
	E_ORDER,
	E_CORRELATION,
	E_CAUSATION,
	E_AT,
	E_OFFSET,
	E_SEQ,
	E_PARTITION,
	E_TYPE,
	E_TOPIC,
	E_DAEMON,
	E_AGGREGATE,
	E_DATA,
	E_COUNT
};
static const enum db_type event_columns[E_COUNT] = {
    [E_ID] = DB_UUID,	     [E_ORDER] = DB_UUID,  [E_CORRELATION] = DB_UUID, [E_CAUSATION] = DB_UUID,
    [E_AT] = DB_TIMESTAMPTZ, [E_OFFSET] = DB_INT8, [E_SEQ] = DB_INT8,	      [E_PARTITION] = DB_INT4,
    [E_TYPE] = DB_TEXT,	     [E_TOPIC] = DB_TEXT,  [E_DAEMON] = DB_TEXT,      [E_AGGREGATE] = DB_TEXT,
    [E_DATA] = DB_TEXT,
};

enum saga_column {
	S_ORDER,
	S_SEEN,
	S_STEPS,
	S_STARTED,
	S_UPDATED,
	S_CREATED,
	S_PAID,
	S_COOKING,
	S_COOKED,
	S_READY,
	S_UNDONE,
	S_AMOUNT,
	S_ITEMS,
	S_CORRELATION,
	S_NAME,
	S_CURRENCY,
	S_METHOD,
	S_REASON,
	S_STATE,
	S_AWAITING,
	S_DAEMON,
	S_DUE,
	S_COUNT
};
static const enum db_type saga_columns[S_COUNT] = {
    [S_ORDER] = DB_UUID,	  [S_SEEN] = DB_INT8,
    [S_STEPS] = DB_INT4,	  [S_STARTED] = DB_TIMESTAMPTZ,
    [S_UPDATED] = DB_TIMESTAMPTZ, [S_CREATED] = DB_TIMESTAMPTZ,
    [S_PAID] = DB_TIMESTAMPTZ,	  [S_COOKING] = DB_TIMESTAMPTZ,
    [S_COOKED] = DB_TIMESTAMPTZ,  [S_READY] = DB_TIMESTAMPTZ,
    [S_UNDONE] = DB_TIMESTAMPTZ,  [S_AMOUNT] = DB_INT8,
    [S_ITEMS] = DB_INT4,	  [S_CORRELATION] = DB_UUID,
    [S_NAME] = DB_TEXT,		  [S_CURRENCY] = DB_TEXT,
    [S_METHOD] = DB_TEXT,	  [S_REASON] = DB_TEXT,
    [S_STATE] = DB_TEXT,	  [S_AWAITING] = DB_TEXT,
    [S_DAEMON] = DB_TEXT,	  [S_DUE] = DB_BOOL,
};

enum figure {
	FIGURE_AMOUNT,
	FIGURE_CANCELLED,
	FIGURE_COOKING,
	FIGURE_DELIVERY,
	FIGURE_END_TO_END,
	FIGURE_NOTIFICATIONS,
	FIGURE_ORDERS,
	FIGURE_PAID,
	FIGURE_READY,
};
static const char *const figure_names[] = {
    [FIGURE_AMOUNT] = "amount",		[FIGURE_CANCELLED] = "cancelled",
    [FIGURE_COOKING] = "cooking",	[FIGURE_DELIVERY] = "delivery",
    [FIGURE_END_TO_END] = "end_to_end", [FIGURE_NOTIFICATIONS] = "notifications",
    [FIGURE_ORDERS] = "orders",		[FIGURE_PAID] = "paid",
    [FIGURE_READY] = "ready",
};

/* Something to add to a row of kpi_minutes. */
struct increment {
	int64_t minute;
	enum figure figure;
	int bucket;
	int64_t value;
};

struct step {
	struct uuid order_id;
	const struct event *event;
};

struct recent {
	struct uuid order_id;
	int64_t seen;
};

struct store {
	struct db_array events[E_COUNT];
	struct db_array sagas[S_COUNT];
	struct db_array figures[4];
	struct db_params params;
	struct step *steps; /* of the batch, by order */
	struct saga *adds;  /* per order, what the batch adds */
	int64_t *guesses;   /* per order, the bits seen before the batch */
	struct increment *increments;
	int step_count, add_count, increment_count;
	int event_cap, increment_cap;
	struct recent *recent; /* RECENT_ROWS slots */
	struct store_effect effect;
};

static void init_arrays(struct db_array *arrays, const enum db_type *types, int n)
{
	for (int i = 0; i < n; i++)
		db_array_init(&arrays[i], types[i]);
}

struct store *store_new(void)
{
	static const enum db_type figure_columns[] = {DB_TIMESTAMPTZ, DB_TEXT, DB_INT4, DB_INT8};
	struct store *s = xcalloc(1, sizeof(*s));

	init_arrays(s->events, event_columns, E_COUNT);
	init_arrays(s->sagas, saga_columns, S_COUNT);
	init_arrays(s->figures, figure_columns, ARRAY_LEN(figure_columns));
	s->recent = xcalloc(RECENT_ROWS, sizeof(*s->recent));
	return s;
}

static void free_arrays(struct db_array *arrays, int n)
{
	for (int i = 0; i < n; i++)
		db_array_done(&arrays[i]);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	free_arrays(s->events, E_COUNT);
	free_arrays(s->sagas, S_COUNT);
	free_arrays(s->figures, ARRAY_LEN(s->figures));
	db_params_done(&s->params);
	free(s->steps);
	free(s->adds);
	free(s->guesses);
	free(s->increments);
	free(s->recent);
	free(s->effect.ended);
	free(s);
}

const struct store_effect *store_effect(const struct store *s)
{
	return &s->effect;
}

static void reset_arrays(struct db_array *arrays, int n)
{
	for (int i = 0; i < n; i++)
		db_array_reset(&arrays[i]);
}

static void begin_batch(struct store *s, int n)
{
	size_t cap = (size_t)n;

	if (n > s->event_cap) {
		s->steps = xreallocarray(s->steps, cap, sizeof(*s->steps));
		s->adds = xreallocarray(s->adds, cap, sizeof(*s->adds));
		s->guesses = xreallocarray(s->guesses, cap, sizeof(*s->guesses));
		s->effect.ended = xreallocarray(s->effect.ended, 2 * cap, sizeof(*s->effect.ended));
		s->event_cap = n;
	}
	s->step_count = 0;
	s->add_count = 0;
	s->increment_count = 0;
	s->effect = (struct store_effect){.ended = s->effect.ended};
}

static void add_params(struct store *s, const struct db_array *arrays, int n)
{
	db_params_reset(&s->params);
	for (int i = 0; i < n; i++)
		db_param_array(&s->params, &arrays[i]);
}

/* --- figures --- */

static void count(struct store *s, int64_t at_us, enum figure figure, int bucket, int64_t value)
{
	if (s->increment_count == s->increment_cap) {
		s->increment_cap = s->increment_cap > 0 ? 2 * s->increment_cap : 256;
		s->increments =
		    xreallocarray(s->increments, (size_t)s->increment_cap, sizeof(*s->increments));
	}
	s->increments[s->increment_count++] = (struct increment){
	    .minute = minute_of(at_us), .figure = figure, .bucket = bucket, .value = value};
}

static void count_duration(struct store *s, enum figure figure, int64_t from_us, int64_t to_us)
{
	count(s, to_us, figure, latency_bucket(to_us - from_us), 1);
}

static void count_event(struct store *s, const struct event *e)
{
	int64_t at = e->timestamp_us;

	s->effect.by_type[e->type]++;
	if (e->type == EVENT_ORDER_CREATED) {
		count(s, at, FIGURE_ORDERS, 0, 1);
		count(s, at, FIGURE_AMOUNT, 0, json_int_or(e->data, "total_amount", 0));
	} else if (e->type == EVENT_ORDER_PAID) {
		count(s, at, FIGURE_PAID, 0, 1);
	} else if (e->type == EVENT_ORDER_CANCELLED) {
		count(s, at, FIGURE_CANCELLED, 0, 1);
	} else if (e->type == EVENT_NOTIFICATION_SENT) {
		count(s, at, FIGURE_NOTIFICATIONS, 0, 1);
		count(s, at, FIGURE_DELIVERY, latency_bucket(1000 * json_int_or(e->data, "latency_ms", 0)),
		      1);
	}
}

static int compare_increments(const void *left, const void *right)
{
	const struct increment *a = left, *b = right;

	if (a->minute != b->minute)
		return a->minute < b->minute ? -1 : 1;
	if (a->figure != b->figure)
		return a->figure < b->figure ? -1 : 1;
	return (a->bucket > b->bucket) - (a->bucket < b->bucket);
}

/* Sorts, and sums what belongs to one row. */
static void fold_increments(struct store *s)
{
	int n = 0;

	qsort(s->increments, (size_t)s->increment_count, sizeof(*s->increments), compare_increments);
	for (int i = 0; i < s->increment_count; i++) {
		if (n > 0 && compare_increments(&s->increments[n - 1], &s->increments[i]) == 0)
			s->increments[n - 1].value += s->increments[i].value;
		else
			s->increments[n++] = s->increments[i];
	}
	s->increment_count = n;
}

DB_STATEMENT(figures_add,
	     "INSERT INTO kpi_minutes AS k (minute, figure, bucket, value)"
	     " SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::int[], $4::bigint[])"
	     " ON CONFLICT (minute, figure, bucket) DO UPDATE SET value = k.value + excluded.value");

static int write_figures(struct store *s, struct db_conn *tx, struct error *err)
{
	if (s->increment_count == 0)
		return 0;
	fold_increments(s);
	reset_arrays(s->figures, ARRAY_LEN(s->figures));
	for (int i = 0; i < s->increment_count; i++) {
		const struct increment *k = &s->increments[i];

		db_array_time(&s->figures[0], k->minute);
		db_array_text(&s->figures[1], figure_names[k->figure]);
		db_array_int(&s->figures[2], k->bucket);
		db_array_int(&s->figures[3], k->value);
	}
	add_params(s, s->figures, ARRAY_LEN(s->figures));
	return db_queue(tx, &figures_add, &s->params, err);
}

/* --- events --- */

static void add_data(struct db_array *column, const struct event *e)
{
	if (e->data_text != NULL) {
		db_array_bytes(column, e->data_text, e->data_len);
	} else {
		AUTO_FREE char *copy = json_text(e->data);

		db_array_text(column, copy);
	}
}

static void add_event(struct db_array *c, const struct event *e)
{
	struct uuid order_id;

	db_array_uuid(&c[E_ID], &e->id);
	db_array_uuid(&c[E_ORDER], event_order(e, &order_id) ? &order_id : NULL);
	db_array_uuid(&c[E_CORRELATION], &e->correlation_id);
	db_array_uuid(&c[E_CAUSATION], uuid_is_nil(e->causation_id) ? NULL : &e->causation_id);
	db_array_time(&c[E_AT], e->timestamp_us);
	db_array_int(&c[E_OFFSET], e->offset);
	db_array_int(&c[E_SEQ], e->aggregate_seq);
	db_array_int(&c[E_PARTITION], e->partition);
	db_array_text(&c[E_TYPE], event_types[e->type].name);
	db_array_text(&c[E_TOPIC], e->topic);
	db_array_text(&c[E_DAEMON], event_types[e->type].owner);
	db_array_text(&c[E_AGGREGATE], e->aggregate_id);
	add_data(&c[E_DATA], e);
}

static void take_event(struct store *s, const struct event *e)
{
	struct uuid order_id;

	s->effect.fresh++;
	count_event(s, e);
	if (saga_bit(e->type) != 0 && event_order(e, &order_id))
		s->steps[s->step_count++] = (struct step){.order_id = order_id, .event = e};
}

DB_STATEMENT(
    events_insert,
    "INSERT INTO events (event_id, order_id, correlation_id, causation_id, at, \"offset\", aggregate_seq,"
    " partition, event_type, topic, daemon, aggregate_id, data)"
    " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::bigint[],"
    " $7::bigint[], $8::int[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])"
    " ON CONFLICT (event_id) DO NOTHING RETURNING event_id");

/* Stores the events; those that are new are taken on into steps and figures. */
static int write_events(struct store *s, struct db_conn *tx, const struct event *const *events, int n,
			struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *inserted = NULL;
	int rc, row = 0;

	reset_arrays(s->events, E_COUNT);
	for (int i = 0; i < n; i++)
		add_event(s->events, events[i]);
	add_params(s, s->events, E_COUNT);
	rc = db_exec(tx, &events_insert, &s->params, &inserted, err);
	if (rc < 0)
		return rc;
	/* Rows come back in the order of the input. */
	for (int i = 0; i < n && row < db_rows(inserted); i++) {
		if (uuid_equal(events[i]->id, db_uuid(inserted, row, 0))) {
			take_event(s, events[i]);
			row++;
		}
	}
	if (row < db_rows(inserted))
		return error_set(err, ERR_BUG, "store events", "rows came back in another order");
	return 0;
}

/* --- sagas --- */

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	return uuid_compare(a->order_id, b->order_id);
}

static struct recent *recent_of(struct store *s, struct uuid order_id)
{
	uint32_t hash;

	memcpy(&hash, order_id.b + 12, sizeof(hash));
	return &s->recent[hash & (RECENT_ROWS - 1)];
}

/* One row per order, ascending, so that two writers lock them in the same order. */
static void collect_sagas(struct store *s)
{
	qsort(s->steps, (size_t)s->step_count, sizeof(*s->steps), compare_steps);
	for (int i = 0; i < s->step_count; i++) {
		const struct step *p = &s->steps[i];

		if (i == 0 || !uuid_equal(p[-1].order_id, p->order_id)) {
			const struct recent *r = recent_of(s, p->order_id);

			s->guesses[s->add_count] = uuid_equal(r->order_id, p->order_id) ? r->seen : 0;
			s->adds[s->add_count++] = (struct saga){.order_id = p->order_id};
		}
		saga_add(&s->adds[s->add_count - 1], p->event);
	}
}

static void add_moment(struct db_array *column, int64_t us)
{
	if (us == 0)
		db_array_null(column);
	else
		db_array_time(column, us);
}

static void add_stage(struct db_array *c, int64_t seen)
{
	struct saga_stage stage = saga_stage(seen);

	db_array_text(&c[S_STATE], saga_states[stage.state]);
	db_array_text(&c[S_AWAITING], stage.awaiting);
	db_array_text(&c[S_DAEMON], stage.daemon);
	db_array_bool(&c[S_DUE], stage.due);
}

static void add_saga(struct db_array *c, const struct saga *a)
{
	bool created = (a->seen & SAW_ORDER_CREATED) != 0;

	db_array_uuid(&c[S_ORDER], &a->order_id);
	db_array_int(&c[S_SEEN], a->seen);
	db_array_int(&c[S_STEPS], a->steps);
	db_array_time(&c[S_STARTED], a->started_us);
	db_array_time(&c[S_UPDATED], a->updated_us);
	add_moment(&c[S_CREATED], a->created_us);
	add_moment(&c[S_PAID], a->paid_us);
	add_moment(&c[S_COOKING], a->cooking_us);
	add_moment(&c[S_COOKED], a->cooked_us);
	add_moment(&c[S_READY], a->ready_us);
	add_moment(&c[S_UNDONE], a->undone_us);
	if (created) {
		db_array_int(&c[S_AMOUNT], a->total_amount);
		db_array_int(&c[S_ITEMS], a->item_count);
	} else {
		db_array_null(&c[S_AMOUNT]);
		db_array_null(&c[S_ITEMS]);
	}
	db_array_uuid(&c[S_CORRELATION], &a->correlation_id);
	db_array_text(&c[S_NAME], a->customer_name);
	db_array_text(&c[S_CURRENCY], a->currency);
	db_array_text(&c[S_METHOD], a->payment_method);
	db_array_text(&c[S_REASON], a->reason);
}

/* True when `add` brought the last of the bits. */
static bool completed(int64_t bits, int64_t seen, int64_t before)
{
	return (seen & bits) == bits && (before & bits) != bits;
}

static void ended(struct store *s, const char *state, int64_t us)
{
	s->effect.ended[s->effect.ended_count++] = (struct store_ended){.state = state, .us = us};
}

/* Columns of the upsert's answer. */
enum { R_ORDER, R_SEEN, R_CREATED, R_PAID, R_COOKING, R_COOKED, R_READY, R_UNDONE };

/* Durations are counted by the batch that brings the second of their two moments. */
static void count_durations(struct store *s, const struct db_result *r, int row, int64_t seen, int64_t before)
{
	if (completed(SAW_ORDER_CREATED | SAW_ORDER_PAID, seen, before)) {
		count_duration(s, FIGURE_END_TO_END, db_time(r, row, R_CREATED), db_time(r, row, R_PAID));
		ended(s, "paid", db_time(r, row, R_PAID) - db_time(r, row, R_CREATED));
	}
	if (completed(SAW_ORDER_CREATED | SAW_ORDER_READY, seen, before)) {
		count_duration(s, FIGURE_READY, db_time(r, row, R_CREATED), db_time(r, row, R_READY));
		ended(s, "ready", db_time(r, row, R_READY) - db_time(r, row, R_CREATED));
	}
	if (completed(SAW_COOKING_STARTED | SAW_COOKING_COMPLETED, seen, before))
		count_duration(s, FIGURE_COOKING, db_time(r, row, R_COOKING), db_time(r, row, R_COOKED));
	if (saga_stage(seen).state == SAGA_CANCELLED && saga_stage(before).state != SAGA_CANCELLED &&
	    (seen & SAW_ORDER_CREATED) != 0)
		ended(s, "cancelled", db_time(r, row, R_UNDONE) - db_time(r, row, R_CREATED));
}

DB_STATEMENT(sagas_restage,
	     "UPDATE sagas s SET state = v.state, awaiting = v.awaiting, daemon = v.daemon, due = v.due"
	     " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[])"
	     " AS v (order_id, state, awaiting, daemon, due) WHERE s.order_id = v.order_id");

/* Corrects the rows whose bits before the batch were guessed wrong. */
static int restage(struct store *s, struct db_conn *tx, struct error *err)
{
	if (s->sagas[S_ORDER].count == 0)
		return 0;
	db_params_reset(&s->params);
	db_param_array(&s->params, &s->sagas[S_ORDER]);
	for (int i = S_STATE; i <= S_DUE; i++)
		db_param_array(&s->params, &s->sagas[i]);
	return db_queue(tx, &sagas_restage, &s->params, err);
}

static int check_sagas(struct store *s, struct db_conn *tx, const struct db_result *r, struct error *err)
{
	reset_arrays(s->sagas, S_COUNT);
	if (db_rows(r) != s->add_count)
		return error_set(err, ERR_BUG, "write sagas", "%d rows for %d orders", db_rows(r),
				 s->add_count);
	for (int i = 0; i < s->add_count; i++) {
		const struct saga *a = &s->adds[i];
		int64_t seen = db_int(r, i, R_SEEN);

		if (!uuid_equal(a->order_id, db_uuid(r, i, R_ORDER)))
			return error_set(err, ERR_BUG, "write sagas", "rows came back in another order");
		count_durations(s, r, i, seen, seen & ~a->seen);
		if (seen != (s->guesses[i] | a->seen)) {
			db_array_uuid(&s->sagas[S_ORDER], &a->order_id);
			add_stage(s->sagas, seen);
		}
		*recent_of(s, a->order_id) = (struct recent){.order_id = a->order_id, .seen = seen};
	}
	return restage(s, tx, err);
}

DB_STATEMENT(
    sagas_upsert,
    "INSERT INTO sagas AS s (order_id, seen, steps, started_at, updated_at, created_at, paid_at, cooking_at, "
    "cooked_at,"
    " ready_at, undone_at, total_amount, item_count, correlation_id, customer_name, currency, "
    "payment_method, reason,"
    " state, awaiting, daemon, due)"
    " SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::timestamptz[], $5::timestamptz[],"
    " $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],"
    " $11::timestamptz[], $12::bigint[], $13::int[], $14::uuid[], $15::text[], $16::text[], $17::text[], "
    "$18::text[],"
    " $19::text[], $20::text[], $21::text[], $22::boolean[])"
    " ON CONFLICT (order_id) DO UPDATE SET seen = s.seen | excluded.seen, steps = s.steps + excluded.steps,"
    " started_at = least(s.started_at, excluded.started_at), updated_at = greatest(s.updated_at, "
    "excluded.updated_at),"
    " created_at = least(s.created_at, excluded.created_at), paid_at = least(s.paid_at, excluded.paid_at),"
    " cooking_at = least(s.cooking_at, excluded.cooking_at), cooked_at = least(s.cooked_at, "
    "excluded.cooked_at),"
    " ready_at = least(s.ready_at, excluded.ready_at), undone_at = greatest(s.undone_at, excluded.undone_at),"
    " total_amount = coalesce(s.total_amount, excluded.total_amount),"
    " item_count = coalesce(s.item_count, excluded.item_count),"
    " correlation_id = least(s.correlation_id, excluded.correlation_id),"
    " customer_name = coalesce(s.customer_name, excluded.customer_name),"
    " currency = coalesce(s.currency, excluded.currency),"
    " payment_method = coalesce(s.payment_method, excluded.payment_method),"
    " reason = coalesce(s.reason, excluded.reason), state = excluded.state, awaiting = excluded.awaiting,"
    " daemon = excluded.daemon, due = excluded.due"
    " RETURNING order_id, seen, created_at, paid_at, cooking_at, cooked_at, ready_at, undone_at");

static int write_sagas(struct store *s, struct db_conn *tx, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	int rc;

	collect_sagas(s);
	s->effect.sagas = s->add_count;
	if (s->add_count == 0)
		return 0;
	reset_arrays(s->sagas, S_COUNT);
	for (int i = 0; i < s->add_count; i++) {
		add_saga(s->sagas, &s->adds[i]);
		add_stage(s->sagas, s->guesses[i] | s->adds[i].seen);
	}
	add_params(s, s->sagas, S_COUNT);
	rc = db_exec(tx, &sagas_upsert, &s->params, &rows, err);
	return rc < 0 ? rc : check_sagas(s, tx, rows, err);
}

int store_apply(struct store *s, struct db_conn *tx, const struct event *const *events, int n,
		struct error *err)
{
	int rc;

	begin_batch(s, n);
	rc = write_events(s, tx, events, n, err);
	if (rc == 0)
		rc = write_sagas(s, tx, err);
	if (rc == 0)
		rc = write_figures(s, tx, err);
	return rc;
}
