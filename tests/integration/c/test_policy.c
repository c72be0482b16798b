/*
 * The failure policy on a real PostgreSQL and Kafka: a consumer of core/service runs in a process of its own
 * (this program again, with --consume), which may be killed by what it handles.
 *
 * PIZZA_TEST_DATABASE is the connection string of a server on which databases may be created,
 * PIZZA_TEST_KAFKA the bootstrap servers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/config.h"
#include "core/service/private.h"

#define DEADLINE_MS 20000

extern const struct db_migration service_migrations[];
extern const int service_migration_count;

/* --- the consumer's process --- */

/* What an event does is in its data: act "ok", "broken" (transient as long as its key stands in the table
 * broken), "refuse" (permanent), "crash" (ends the process as long as its key stands in broken). */
static int run_act(struct db_conn *tx, const struct event *e, bool broken, struct error *err)
{
	const char *act = json_string_or(e->data, "act", "ok");
	CLEANUP(db_params_done) struct db_params p = {0};

	if (strcmp(act, "refuse") == 0)
		return error_set(err, ERR_INVALID, "the rule", "says no");
	if (strcmp(act, "broken") == 0 && broken)
		return error_set(err, ERR_TRANSIENT, "the oven", "is cold \xc3"); /* no UTF-8 */
	if (strcmp(act, "crash") == 0 && broken)
		raise(SIGKILL);
	db_param_text(&p, e->aggregate_id);
	db_param_int(&p, json_int_or(e->data, "n", 0));
	return db_query(tx, "INSERT INTO effects (key, n) VALUES ($1, $2)", &p, NULL, err);
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	int rc = 0;

	(void)s;
	for (int i = 0; rc == 0 && i < b->count; i++) {
		CLEANUP(db_params_done) struct db_params p = {0};
		CLEANUP(db_result_auto) struct db_result *r = NULL;

		db_param_text(&p, b->events[i]->aggregate_id);
		rc = db_query(b->tx, "SELECT FROM broken WHERE key = $1", &p, &r, err);
		if (rc == 0)
			rc = run_act(b->tx, b->events[i], db_rows(r) > 0, err);
	}
	return rc;
}

static int consume(const char *database, const char *group, const char *topic)
{
	static const struct service_spec spec = {.handle = handle};
	struct daemon_info info = {.name = group, .service = "policy", .consumes = {topic}};
	struct service s = {.spec = &spec,
			    .info = &info,
			    .replica = 1,
			    .client_id = "policy.1",
			    .handling = PTHREAD_MUTEX_INITIALIZER,
			    .lock = PTHREAD_MUTEX_INITIALIZER};
	struct db_options o = {.pool_size = 4, .acquire_timeout_ms = 2000, .answer_timeout_ms = 5000};
	struct error err;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (log_init("policy", 1, NULL, &err) < 0 ||
	    config_override("kafka.bootstrap", getenv("PIZZA_TEST_KAFKA"), &err) < 0 ||
	    config_override("consumer.retries", "2", &err) < 0 ||
	    config_override("consumer.backoff", "1s", &err) < 0 || config_load("/dev/null", &err) < 0)
		return 1;
	snprintf(o.conninfo, sizeof(o.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(o.database, sizeof(o.database), "%s", database);
	s.db = s.effects = db_new(&o);
	if (consumer_start(&s, &s.consumer, &err) < 0) {
		log_err(LOG_ERROR, &err, "start");
		return 1;
	}
	sigwait(&set, &got);
	atomic_store(&s.stopping, true);
	consumer_stop(s.consumer);
	db_free(s.db);
	return 0;
}

/* --- the test's side --- */

static const struct bus_options options = {NULL, "test_policy"};
static struct bus_options bus;
static struct db *db;
static char database[64];
static int serial;

struct scene {
	char topic[96], letters[112], group[112];
	pid_t pid;
};

static void must(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%s: %s", err->what, err->why);
}

static int64_t ask(const char *sql)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_conn *c;
	struct error err;
	int64_t n;

	must(db_acquire(db, &c, &err), &err);
	must(db_query(c, sql, NULL, &r, &err), &err);
	n = db_rows(r) > 0 ? db_int(r, 0, 0) : 0;
	db_release(c);
	return n;
}

static void run_sql(const char *sql)
{
	struct db_conn *c;
	struct error err;

	must(db_acquire(db, &c, &err), &err);
	must(db_run(c, sql, &err), &err);
	db_release(c);
}

static void start(struct scene *s)
{
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "test_policy", "--consume", database, s->group, s->topic, NULL);
		_exit(127);
	}
	assert_true(s->pid > 0);
}

static void stop(struct scene *s, int signal)
{
	int status;

	kill(s->pid, signal);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	if (signal == SIGTERM)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The process ended by itself meanwhile. */
static bool has_died(struct scene *s)
{
	if (s->pid == 0 || waitpid(s->pid, NULL, WNOHANG) != s->pid)
		return false;
	s->pid = 0;
	return true;
}

static void wait_sql(const char *sql, int64_t value)
{
	struct mono begin = mono_now();
	const struct timespec pause = {0, 20000000};

	while (ask(sql) != value) {
		if (mono_since_ms(begin) > DEADLINE_MS)
			fail_msg("%s is %lld, not %lld", sql, (long long)ask(sql), (long long)value);
		nanosleep(&pause, NULL);
	}
}

static void set_scene(struct scene *s)
{
	struct bus_admin *admin;
	struct error err;

	memset(s, 0, sizeof(*s));
	snprintf(s->topic, sizeof(s->topic), "pizza-test-policy-%d-%d", (int)getpid(), ++serial);
	snprintf(s->letters, sizeof(s->letters), "%s-dlq", s->topic);
	snprintf(s->group, sizeof(s->group), "%s-group", s->topic);
	must(bus_admin_new(&bus, 10000, &admin, &err), &err);
	must(bus_admin_create_topic(admin, s->topic, 1, 1, NULL, 0, &err), &err);
	must(bus_admin_create_topic(admin, s->letters, 1, 1, NULL, 0, &err), &err);
	bus_admin_free(admin);
	run_sql("TRUNCATE effects, broken, parked, inbox, consumer_attempts, consumer_runs");
}

static void end_scene(struct scene *s)
{
	if (s->pid > 0)
		stop(s, SIGTERM);
}

static void ignore_delivery(void *arg, void *message_arg, int code, const char *why, int32_t partition,
			    int64_t offset)
{
	(void)arg, (void)message_arg, (void)why, (void)partition, (void)offset;
	assert_int_equal(code, 0);
}

static void send_raw(const struct scene *s, const char *key, const char *value, size_t len)
{
	const struct bus_header headers[] = {{"ce_type", "OrderCreated", 12}, {"odd", NULL, 0}};
	struct bus_producer *p;
	struct error err;

	must(bus_producer_new(&bus, 10000, ignore_delivery, NULL, &p, &err), &err);
	must(bus_produce(p, s->topic, key, strlen(key), value, len, headers, 2, NULL, &err), &err);
	must(bus_producer_flush(p, 10000, &err), &err);
	bus_producer_free(p);
}

static void send(const struct scene *s, const char *key, int n, const char *act)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct uuid id = uuid_v7(), none = {0};
	char data[80];

	snprintf(data, sizeof(data), "{\"act\":\"%s\",\"n\":%d}", act, n);
	event_envelope(&text, &id, "OrderCreated", 1, key, n, clock_wall_us(), &id, &none, data,
		       strlen(data));
	send_raw(s, key, buf_str(&text), text.len);
}

/* Dead letters, and the reader that has to outlive them. */
struct letters {
	struct bus_reader *reader;
	struct bus_batch batch;
	struct bus_message *messages;
};

static void free_letters(struct letters *l)
{
	bus_batch_done(&l->batch);
	bus_reader_free(l->reader);
	*l = (struct letters){0};
}

/* Waits until there are n. */
static void read_letters(const struct scene *s, int n, struct letters *ret)
{
	struct mono begin = mono_now();
	struct error err;
	bool at_end;

	do {
		free_letters(ret);
		must(bus_reader_new(&bus, s->letters, &ret->reader, &err), &err);
		do {
			must(bus_reader_poll(ret->reader, n + 1, 300, &ret->batch, &at_end, &err), &err);
		} while (!at_end && ret->batch.count < n && mono_since_ms(begin) < DEADLINE_MS);
	} while (ret->batch.count < n && mono_since_ms(begin) < DEADLINE_MS);
	assert_int_equal(ret->batch.count, n);
	ret->messages = ret->batch.messages;
}

static void assert_header(const struct bus_message *m, const char *name, const char *value)
{
	size_t len;
	const char *found = bus_message_header(m, name, &len);
	char text[400] = "(none)";

	if (found != NULL)
		snprintf(text, sizeof(text), "%.*s", (int)len, found);
	assert_string_equal(text, value);
}

static int64_t effects_of(const char *key)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT coalesce(string_agg(n::text, '' ORDER BY id), '0')::int8 FROM effects"
		 " WHERE key = '%s'",
		 key);
	return ask(sql);
}

/* --- tests --- */

static void a_failing_key_waits_and_the_others_go_on(void **state)
{
	struct scene s;

	(void)state;
	set_scene(&s);
	run_sql("INSERT INTO broken VALUES ('a')");
	send(&s, "a", 1, "broken");
	send(&s, "b", 1, "ok");
	send(&s, "a", 2, "ok");
	send(&s, "b", 2, "ok");
	start(&s);
	wait_sql("SELECT count(*) FROM effects WHERE key = 'b'", 2);
	wait_sql("SELECT count(*) FROM parked", 2);
	send(&s, "a", 3, "ok"); /* comes in a later batch */
	send(&s, "b", 3, "ok");
	wait_sql("SELECT count(*) FROM parked", 3);
	assert_int_equal(effects_of("a"), 0);
	wait_sql("SELECT count(*) FROM effects WHERE key = 'b'", 3);
	run_sql("DELETE FROM broken");
	wait_sql("SELECT count(*) FROM parked", 0);
	assert_int_equal(effects_of("a"), 123);
	assert_int_equal(effects_of("b"), 123);
	send(&s, "a", 4, "ok");
	wait_sql("SELECT count(*) FROM effects WHERE key = 'a'", 4);
	end_scene(&s);
}

static void after_its_tries_it_is_a_dead_letter_and_the_key_goes_on(void **state)
{
	struct letters letters = {0};
	struct scene s;

	(void)state;
	set_scene(&s);
	run_sql("INSERT INTO broken VALUES ('a')");
	send(&s, "a", 1, "broken");
	send(&s, "a", 2, "ok");
	start(&s);
	wait_sql("SELECT count(*) FROM effects WHERE key = 'a' AND n = 2", 1);
	assert_int_equal(effects_of("a"), 2);
	wait_sql("SELECT count(*) FROM parked", 0);
	read_letters(&s, 1, &letters);
	assert_header(&letters.messages[0], "dlq_error_code", "transient");
	assert_header(&letters.messages[0], "dlq_error_reason", "the oven: is cold ?");
	assert_header(&letters.messages[0], "dlq_failed_step", "OrderCreated");
	assert_header(&letters.messages[0], "dlq_retry_count", "2");
	assert_header(&letters.messages[0], "dlq_replay_count", "0");
	assert_header(&letters.messages[0], "dlq_original_topic", s.topic);
	assert_header(&letters.messages[0], "dlq_original_offset", "0");
	assert_header(&letters.messages[0], "dlq_consumer_group", s.group);
	assert_header(&letters.messages[0], "ce_type", "OrderCreated");
	assert_memory_equal(letters.messages[0].key, "a", 1);
	free_letters(&letters);
	end_scene(&s);
}

static void what_is_permanent_is_a_dead_letter_at_once(void **state)
{
	struct letters letters = {0};
	struct scene s;

	(void)state;
	set_scene(&s);
	send(&s, "a", 1, "refuse");
	send_raw(&s, "p", "not\0JSON", 8);
	send(&s, "a", 2, "ok");
	start(&s);
	wait_sql("SELECT count(*) FROM effects WHERE key = 'a' AND n = 2", 1);
	read_letters(&s, 2, &letters);
	assert_header(&letters.messages[0], "dlq_error_code", "invalid");
	assert_header(&letters.messages[0], "dlq_retry_count", "0");
	assert_header(&letters.messages[1], "dlq_failed_step", "parse");
	assert_int_equal(letters.messages[1].value_len, 8);
	assert_memory_equal(letters.messages[1].value, "not\0JSON", 8);
	assert_int_equal(ask("SELECT count(*) FROM parked"), 0);
	free_letters(&letters);
	end_scene(&s);
}

static void what_is_parked_survives_a_kill(void **state)
{
	struct scene s;

	(void)state;
	set_scene(&s);
	run_sql("INSERT INTO broken VALUES ('a')");
	send(&s, "a", 1, "broken");
	send(&s, "a", 2, "ok");
	start(&s);
	wait_sql("SELECT count(*) FROM parked", 2);
	stop(&s, SIGKILL);
	run_sql("DELETE FROM broken");
	start(&s);
	wait_sql("SELECT count(*) FROM effects", 2);
	assert_int_equal(effects_of("a"), 12);
	wait_sql("SELECT count(*) FROM parked", 0);
	end_scene(&s);
}

/* Restarts the consumer whenever it dies, until the SQL gives the value; how often it died. */
static int nurse(struct scene *s, const char *sql, int64_t value)
{
	struct mono begin = mono_now();
	const struct timespec pause = {0, 20000000};
	int deaths = 0;

	start(s);
	while (ask(sql) != value) {
		if (mono_since_ms(begin) > 2 * DEADLINE_MS)
			fail_msg("%s is not %lld after %d deaths", sql, (long long)value, deaths);
		if (has_died(s)) {
			deaths++;
			start(s);
		}
		nanosleep(&pause, NULL);
	}
	return deaths;
}

static void what_ends_the_daemon_is_counted_and_buried(void **state)
{
	struct letters letters = {0};
	struct scene s;
	int deaths;

	(void)state;
	set_scene(&s);
	run_sql("INSERT INTO broken VALUES ('c')");
	send(&s, "a", 1, "ok");
	send(&s, "c", 1, "crash");
	send(&s, "c", 2, "ok");
	send(&s, "b", 1, "ok");
	deaths = nurse(&s, "SELECT count(*) FROM effects WHERE key = 'c' AND n = 2", 1);
	assert_in_range(deaths, 2, 5);
	wait_sql("SELECT count(*) FROM effects", 3);
	read_letters(&s, 1, &letters);
	assert_header(&letters.messages[0], "dlq_error_code", "internal");
	assert_header(&letters.messages[0], "dlq_failed_step", "OrderCreated");
	assert_header(&letters.messages[0], "dlq_original_offset", "1");
	wait_sql("SELECT count(*) FROM consumer_attempts WHERE attempts > 0", 0);
	free_letters(&letters);
	end_scene(&s);
}

static void a_parked_one_that_ends_the_daemon_is_counted(void **state)
{
	struct letters letters = {0};
	struct scene s;

	(void)state;
	set_scene(&s);
	run_sql("INSERT INTO broken VALUES ('a'), ('c')");
	send(&s, "c", 1, "broken");
	send(&s, "c", 2, "crash");
	send(&s, "c", 3, "ok");
	/* The first is buried after its tries; then the second, parked behind it, ends process after process.
	 */
	(void)nurse(&s, "SELECT count(*) FROM effects WHERE key = 'c' AND n = 3", 1);
	read_letters(&s, 2, &letters);
	assert_header(&letters.messages[0], "dlq_error_code", "transient");
	assert_header(&letters.messages[1], "dlq_error_code", "internal");
	wait_sql("SELECT count(*) FROM parked", 0);
	free_letters(&letters);
	end_scene(&s);
}

static void a_process_that_ends_in_order_writes_no_marks(void **state)
{
	struct scene s;

	(void)state;
	set_scene(&s);
	send(&s, "a", 1, "ok");
	start(&s);
	wait_sql("SELECT count(*) FROM effects", 1);
	stop(&s, SIGTERM);
	assert_int_equal(ask("SELECT count(*) FROM consumer_runs WHERE clean"), 1);
	start(&s);
	send(&s, "a", 2, "ok");
	wait_sql("SELECT count(*) FROM effects", 2);
	assert_int_equal(ask("SELECT count(*) FROM consumer_attempts"), 0);
	end_scene(&s);
}

/* --- life --- */

static struct db *open_db(const char *which)
{
	struct db_options o = {.pool_size = 4, .acquire_timeout_ms = 5000};

	snprintf(o.conninfo, sizeof(o.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(o.database, sizeof(o.database), "%s", which);
	return db_new(&o);
}

static void administer(const char *verb, const char *options_text)
{
	struct db *own = db;
	char sql[160];

	snprintf(sql, sizeof(sql), "%s DATABASE %s %s", verb, database, options_text);
	db = open_db("postgres");
	run_sql(sql);
	db_free(db);
	db = own;
}

static int set_up(void **state)
{
	struct db_conn *c;
	struct error err;

	(void)state;
	bus = options;
	bus.bootstrap = getenv("PIZZA_TEST_KAFKA");
	snprintf(database, sizeof(database), "pizza_test_policy_%d", (int)getpid());
	administer("CREATE", "");
	db = open_db(database);
	must(db_acquire(db, &c, &err), &err);
	must(db_migrate(c, "service", service_migrations, service_migration_count, &err), &err);
	db_release(c);
	run_sql("CREATE TABLE effects (id serial, key text, n int); CREATE TABLE broken (key text)");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	db_free(db);
	db = NULL;
	administer("DROP", "WITH (FORCE)");
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failing_key_waits_and_the_others_go_on),
	    cmocka_unit_test(after_its_tries_it_is_a_dead_letter_and_the_key_goes_on),
	    cmocka_unit_test(what_is_permanent_is_a_dead_letter_at_once),
	    cmocka_unit_test(what_is_parked_survives_a_kill),
	    cmocka_unit_test(what_ends_the_daemon_is_counted_and_buried),
	    cmocka_unit_test(a_parked_one_that_ends_the_daemon_is_counted),
	    cmocka_unit_test(a_process_that_ends_in_order_writes_no_marks),
	};

	if (argc == 5 && strcmp(argv[1], "--consume") == 0)
		return consume(argv[2], argv[3], argv[4]);
	if (getenv("PIZZA_TEST_DATABASE") == NULL || getenv("PIZZA_TEST_KAFKA") == NULL) {
		printf("PIZZA_TEST_DATABASE or PIZZA_TEST_KAFKA is not set: nothing is tested\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
