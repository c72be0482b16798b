/*
 * The letters owed, and the thread that sends them.
 */
#include "core/service/letters.h"

#include <string.h>

#include "core/base/cond.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/service/deadletter.h"
#include "core/service/private.h"

#define ADMIN_MS    5000
#define AGAIN_MS    5000     /* after a failure */
#define MARGIN_US   60000000 /* clocks differ */
#define HEADERS_MAX 64

struct letters {
	struct service *service;
	struct deadletter *sender;
	struct bus_admin *admin;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool due;
	bool stopping;
	volatile bool stop_reading; /* a topic can be long */
};

DB_STATEMENT(letter_insert,
	     "INSERT INTO letters_owed (topic, key, event_type, event_id, not_before, step, error_code,"
	     " error_reason, retries) VALUES ($1, $2, $3, $4::uuid, $5::timestamptz, $6, $7, $8, $9)");

int letters_owe(struct db_conn *tx, const struct letter_owed *l, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct error why = *l->why;
	char reason[ERROR_LINE_SIZE];

	why.what[0] = '\0'; /* the step says it */
	db_param_text(&p, topics[event_types[l->type].topic].name);
	db_param_text(&p, l->key);
	db_param_text(&p, event_types[l->type].name);
	if (uuid_is_nil(l->event_id))
		db_param_null(&p);
	else
		db_param_uuid(&p, l->event_id);
	db_param_time(&p, l->not_before_us - MARGIN_US);
	db_param_text(&p, l->step);
	db_param_text(&p, error_word(l->why->code));
	db_param_text(&p, error_line(&why, reason) + 2);
	db_param_int(&p, l->retries);
	return db_exec(tx, &letter_insert, &p, NULL, err);
}

/* --- one letter --- */

DB_STATEMENT(letter_next,
	     "SELECT id, topic, key, event_type, event_id, not_before, step, error_code, error_reason,"
	     " retries FROM letters_owed ORDER BY id LIMIT 1");
DB_STATEMENT(letter_delete, "DELETE FROM letters_owed WHERE id = $1");

enum { L_ID, L_TOPIC, L_KEY, L_TYPE, L_EVENT, L_NOT_BEFORE, L_STEP, L_CODE, L_REASON, L_RETRIES };

/* The search for the event; what was found is sent while the message is at hand. */
struct search {
	struct letters *letters;
	const struct db_result *row;
	struct error why;
	int sent; /* 1: it was found and sent; negative: the failure */
	struct error failure;
};

static bool is_wanted(const struct search *q, const struct bus_message *m, struct uuid *ret_id)
{
	struct event e = {0};
	struct error err;
	bool wanted;

	if (m->key == NULL || m->key_len != (size_t)db_length(q->row, 0, L_KEY) ||
	    memcmp(m->key, db_text(q->row, 0, L_KEY), m->key_len) != 0 ||
	    event_parse(m->value, m->value_len, &e, &err) < 0)
		return false;
	wanted = db_is_null(q->row, 0, L_EVENT)
		     ? strcmp(event_types[e.type].name, db_text(q->row, 0, L_TYPE)) == 0
		     : uuid_equal(e.id, db_uuid(q->row, 0, L_EVENT));
	*ret_id = e.id;
	event_done(&e);
	return wanted;
}

static int look_at(void *arg, const struct bus_message *m)
{
	struct search *q = arg;
	struct bus_header headers[HEADERS_MAX];
	struct letter letter = {.message = m,
				.headers = headers,
				.why = &q->why,
				.step = db_text(q->row, 0, L_STEP),
				.retries = (int)db_int(q->row, 0, L_RETRIES)};
	int n;

	if (!is_wanted(q, m, &letter.event_id))
		return 0;
	n = bus_message_headers(m, headers, HEADERS_MAX);
	letter.header_count = n < HEADERS_MAX ? n : HEADERS_MAX;
	q->sent = deadletter_send(q->letters->sender, &letter, &q->failure);
	if (q->sent == 0)
		q->sent = 1;
	return 1;
}

static int error_of_word(const char *word)
{
	for (int code = -1; code > -ERR_NUMBER_COUNT; code--)
		if (strcmp(error_word(code), word) == 0)
			return code;
	return ERR_FAILED;
}

/* From where the event should be, else from the beginning. */
static int find_and_send(struct search *q, struct error *err)
{
	struct letters *l = q->letters;
	const char *topic = db_text(q->row, 0, L_TOPIC);
	int rc = bus_admin_read(l->admin, topic, db_time(q->row, 0, L_NOT_BEFORE), -1, false, NULL,
				&l->stop_reading, look_at, q, err);

	if (rc == 0 && q->sent == 0)
		rc = bus_admin_read(l->admin, topic, -1, -1, false, NULL, &l->stop_reading, look_at, q, err);
	if (rc < 0)
		return rc;
	if (q->sent < 0)
		*err = q->failure;
	if (l->stop_reading && q->sent == 0)
		return error_set(err, ERR_NOT_YET, "find the event", "the daemon is stopping");
	if (q->sent == 0)
		log_error("the dead letter of %s %s, step %s, cannot be sent: the event is gone from %s",
			  db_text(q->row, 0, L_TYPE), db_text(q->row, 0, L_KEY), db_text(q->row, 0, L_STEP),
			  topic);
	return q->sent < 0 ? q->sent : 0;
}

static int ensure_admin(struct letters *l, struct error *err)
{
	const struct bus_options options = {service_bootstrap(l->service), l->service->client_id};

	return l->admin != NULL ? 0 : bus_admin_new(&options, ADMIN_MS, &l->admin, err);
}

/* 1: there was one, and it is sent.  Another replica may send it as well: it is the same letter. */
static int send_next(struct letters *l, struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct search q = {.letters = l};
	int rc = db_exec(c, &letter_next, NULL, &r, err);

	if (rc < 0 || db_rows(r) == 0)
		return rc;
	q.row = r;
	error_set(&q.why, error_of_word(db_text(r, 0, L_CODE)), db_text(r, 0, L_STEP), "%s",
		  db_text(r, 0, L_REASON));
	rc = ensure_admin(l, err);
	if (rc == 0)
		rc = find_and_send(&q, err);
	if (rc < 0)
		return rc;
	db_param_int(&p, db_int(r, 0, L_ID));
	rc = db_exec(c, &letter_delete, &p, NULL, err);
	return rc < 0 ? rc : 1;
}

static int send_one(struct letters *l, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(l->service->db, &c, err);

	if (rc < 0)
		return rc;
	rc = send_next(l, c, err);
	db_release(c);
	return rc;
}

/* --- the thread --- */

/* Waits until letters are owed; after a failure for a while. False when stopping. */
static bool wait_due(struct letters *l, bool failed)
{
	struct mono until = mono_add_ms(mono_now(), AGAIN_MS);
	bool go_on;

	pthread_mutex_lock(&l->lock);
	while (!l->stopping && failed && cond_wait_until(&l->wake, &l->lock, until))
		;
	while (!l->stopping && !failed && !l->due)
		pthread_cond_wait(&l->wake, &l->lock);
	l->due = false;
	go_on = !l->stopping;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

static void *letters_main(void *arg)
{
	struct letters *l = arg;
	bool failed = false;

	while (wait_due(l, failed)) {
		struct error err;
		int rc;

		do {
			rc = send_one(l, &err);
		} while (rc == 1 && !service_stopping(l->service));
		failed = rc < 0;
		if (failed)
			log_err(LOG_WARN, &err, "dead letters of the work queue wait");
	}
	return NULL;
}

int letters_start(struct service *s, struct letters **ret, struct error *err)
{
	struct letters *l = xcalloc(1, sizeof(*l));

	l->service = s;
	l->sender = deadletter_new(s);
	l->due = true; /* what an earlier process left */
	pthread_mutex_init(&l->lock, NULL);
	cond_init(&l->wake);
	if (pthread_create(&l->thread, NULL, letters_main, l) != 0) {
		deadletter_free(l->sender);
		free(l);
		return error_errno(err, "start the sender of dead letters");
	}
	*ret = l;
	return 0;
}

void letters_wake(struct service *s)
{
	struct letters *l = s->letters;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->due = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

void letters_stop(struct letters *l)
{
	if (l == NULL)
		return;
	l->stop_reading = true;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	bus_admin_free(l->admin);
	deadletter_free(l->sender);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
