/*
 * The life of a daemon.  The main thread waits for signals; everything else runs in threads that block them.
 */
#include "core/service/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/priority.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/service/letters.h"
#include "core/service/metrics.h"
#include "core/service/notify_socket.h"
#include "core/service/private.h"

#define HEALTH_INTERVAL_MS 2000
#define OPERATOR_BODY_MAX  ((size_t)32 << 20) /* replays carry whole messages */

extern const struct db_migration service_migrations[];
extern const int service_migration_count;

/* --- accessors --- */

struct db *service_db(struct service *s)
{
	return s->db;
}

const struct daemon_info *service_info(struct service *s)
{
	return s->info;
}

int service_replica(struct service *s)
{
	return s->replica;
}

void service_set_data(struct service *s, void *data)
{
	s->data = data;
}

void *service_data(struct service *s)
{
	return s->data;
}

bool service_stopping(struct service *s)
{
	return atomic_load_explicit(&s->stopping, memory_order_relaxed);
}

const char *service_client_id(struct service *s)
{
	return s->client_id;
}

const char *service_bootstrap(struct service *s)
{
	static char local[DAEMONS_BOOTSTRAP_SIZE];

	(void)s;
	return daemons_bootstrap(local);
}

void service_db_options(struct service *s, const struct daemon_info *owner, struct db_options *ret)
{
	struct db_options o = {0};

	if (config_string(CONFIG_DATABASE_URL)[0] != '\0') {
		snprintf(o.conninfo, sizeof(o.conninfo), "%s", config_string(CONFIG_DATABASE_URL));
		snprintf(o.role, sizeof(o.role), "%s", s->info->database);
	} else {
		snprintf(o.conninfo, sizeof(o.conninfo), "host='%s' user=%s", paths_run(), s->info->database);
	}
	snprintf(o.database, sizeof(o.database), "%s", owner->database);
	snprintf(o.application, sizeof(o.application), "%s", s->client_id);
	o.pool_size = (int)config_int(CONFIG_DATABASE_POOL);
	o.acquire_timeout_ms = 5000;
	o.answer_timeout_ms = 15000;
	o.prefer_indexes = true;
	o.nice = s->info->nice;
	*ret = o;
}

void service_fail(struct service *s, const struct error *err)
{
	pthread_mutex_lock(&s->lock);
	if (s->failure.code == 0)
		s->failure = *err;
	pthread_mutex_unlock(&s->lock);
	kill(getpid(), SIGTERM);
}

/* --- signals --- */

static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

static void reload(void)
{
	char skipped[512];
	struct error err;
	enum log_level level;

	if (config_reload(skipped, sizeof(skipped), &err) < 0) {
		log_err(LOG_ERROR, &err, "the configuration stays as it was");
		return;
	}
	if (log_level_parse(config_string(CONFIG_LOG_LEVEL), &level))
		log_set_level(level);
	if (skipped[0] != '\0')
		log_warn("configuration read again; these keys need a restart: %s", skipped);
	else
		log_info("configuration read again");
}

/* Waits for up to ms milliseconds (-1: for ever); true when the daemon is to stop. */
static bool wait_signal(int64_t ms)
{
	struct timespec timeout = {ms / 1000, ms % 1000 * 1000000};
	sigset_t set;
	int signal;

	signal_set(&set);
	signal = ms < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
	if (signal == SIGHUP)
		reload();
	return signal == SIGTERM || signal == SIGINT;
}

/* --- start --- */

static int migrate(struct service *s, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(s->db, &c, err);

	if (rc < 0)
		return rc;
	rc = db_migrate(c, "service", service_migrations, service_migration_count, err);
	if (rc == 0 && s->spec->migration_count > 0)
		rc = db_migrate(c, s->info->service, s->spec->migrations, s->spec->migration_count, err);
	db_release(c);
	return rc;
}

/* What consumers change may come after what requests ask for. */
static struct db *effects_pool(struct service *s)
{
	struct db_options o = s->db_options;

	if (s->info->consumer_nice <= s->info->nice)
		return s->db;
	o.nice = s->info->consumer_nice;
	return db_new(&o);
}

/* The database may come up after us; anything else than its absence is final. */
static int open_database(struct service *s, struct error *err)
{
	bool said = false;
	int rc;

	service_db_options(s, s->info, &s->db_options);
	s->db = db_new(&s->db_options);
	s->effects = effects_pool(s);
	for (;;) {
		rc = migrate(s, err);
		if (rc != ERR_UNAVAILABLE)
			return rc;
		if (!said)
			log_err(LOG_WARN, err, "waiting for the database");
		said = true;
		service_condition(s, "database", true, false, "the database cannot be reached: %.100s",
				  err->why);
		if (wait_signal(200))
			return error_set(err, ERR_FAILED, "start", "stopped while waiting for the database");
	}
}

static void observe_request(void *arg, const char *method, const char *route, int status, double seconds)
{
	char text[12];

	(void)arg;
	snprintf(text, sizeof(text), "%d", status);
	metric_observe(metric_series(METRIC_HTTP_SECONDS, method, route, text), seconds);
}

static void add_routes(struct http_route *all, int *n, const struct http_route *routes, int count)
{
	if (count > 0)
		memcpy(all + *n, routes, (size_t)count * sizeof(*routes));
	*n += count;
}

static int start_http(struct service *s, struct error *err)
{
	const struct service_spec *spec = s->spec;
	size_t room = (size_t)health_route_count + (size_t)replay_route_count + (size_t)spec->route_count;
	struct http_route *routes = xcalloc(room, sizeof(*routes));
	int n = 0, rc;
	struct http_server_options o = {
	    .address = config_string(CONFIG_BIND_ADDRESS),
	    .port = daemon_port(s->info),
	    .reuse_port = true,
	    .loops = 2,
	    .workers = 4,
	    .body_max = (size_t)config_int(CONFIG_HTTP_BODY_MAX),
	    .operator_body_max = OPERATOR_BODY_MAX,
	    .connections_max = (int)config_int(CONFIG_HTTP_CONNECTIONS),
	    .operator_token = s->token,
	    .routes = routes,
	    .arg = s,
	    .observe = observe_request,
	};

	s->routes = routes;
	add_routes(routes, &n, health_routes, health_route_count);
	if (spec->handle != NULL)
		add_routes(routes, &n, replay_routes, replay_route_count);
	add_routes(routes, &n, spec->routes, spec->route_count);
	o.route_count = n;
	rc = http_server_start(&o, &s->shared, err);
	if (rc < 0)
		return rc;
	o.port = 0;
	o.reuse_port = false;
	o.loops = 1;
	o.workers = 1;
	o.connections_max = 64;
	return http_server_start(&o, &s->own, err);
}

static int start_parts(struct service *s, struct error *err)
{
	int rc = open_database(s, err);

	if (rc < 0)
		return rc;
	service_condition(s, "database", true, true, "%s", "");
	if (s->info->outbox && (rc = outbox_notifier_start(s, &s->notifier, err)) < 0)
		return rc;
	if (s->spec->start != NULL && (rc = s->spec->start(s, err)) < 0)
		return rc;
	if ((rc = start_http(s, err)) < 0)
		return rc;
	if (s->spec->requeue != NULL && (rc = letters_start(s, &s->letters, err)) < 0)
		return rc;
	if (s->spec->handle != NULL && (rc = consumer_start(s, &s->consumer, err)) < 0)
		return rc;
	atomic_store(&s->serving, true);
	health_tell(s);
	return 0;
}

static void stop_parts(struct service *s, bool started)
{
	int drain_ms = (int)config_int(CONFIG_DRAIN_TIMEOUT);

	atomic_store(&s->stopping, true);
	atomic_store(&s->serving, false);
	notify_socket_send("STOPPING=1\n");
	consumer_stop(s->consumer);
	http_server_stop(s->shared, drain_ms);
	http_server_stop(s->own, 0);
	free(s->routes);
	if (started && s->spec->stop != NULL)
		s->spec->stop(s);
	letters_stop(s->letters);
	outbox_notifier_stop(s->notifier);
	if (s->effects != s->db)
		db_free(s->effects);
	db_free(s->db);
}

/* --- main --- */

static int load(struct service *s, struct error *err)
{
	const char *replica = getenv("PIZZA_REPLICA");
	enum log_level level;
	int rc;

	s->replica = replica != NULL && atoi(replica) > 0 ? atoi(replica) : 1;
	snprintf(s->client_id, sizeof(s->client_id), "%s.%d", s->info->name, s->replica);
	if ((rc = log_init(s->info->name, s->replica, NULL, err)) < 0 || (rc = config_load(NULL, err)) < 0 ||
	    (rc = paths_init(err)) < 0 || (rc = paths_create(err)) < 0 ||
	    (rc = paths_operator_token(true, s->token, err)) < 0)
		return rc;
	if (log_level_parse(config_string(CONFIG_LOG_LEVEL), &level))
		log_set_level(level);
	return 0;
}

/* --check-sql: prepares every statement of the program against its migrated database and looks at its plan.
 */
static int check_sql(struct service *s, struct error *err)
{
	struct db_conn *c = NULL;
	int count = 0, rc;

	service_db_options(s, s->info, &s->db_options);
	s->db = db_new(&s->db_options);
	rc = migrate(s, err);
	if (rc == 0)
		rc = db_acquire(s->db, &c, err);
	if (rc < 0)
		return rc;
	rc = db_prepare_all(c, &count, err);
	if (rc == 0)
		rc = db_check_plans(c, err);
	db_release(c);
	db_free(s->db);
	if (rc == 0)
		printf("%s: %d statements prepared\n", s->info->name, count);
	return rc;
}

/* Readiness knows of an outage also when nothing else asks the database. */
static void check_database(struct service *s)
{
	struct db_conn *c;
	struct error err;
	int rc = db_acquire(s->db, &c, &err);

	if (rc == 0) {
		rc = db_run(c, "SELECT 1", &err);
		db_release(c);
	}
	if (rc == 0)
		service_condition(s, "database", true, true, "%s", "");
	else if (rc == ERR_UNAVAILABLE)
		service_condition(s, "database", true, false, "the database cannot be reached: %.100s",
				  err.why);
}

static int run(struct service *s, struct error *err)
{
	bool lowered = s->info->nice <= 0 || priority_lower(getpid(), s->info->nice);
	int rc;

	log_info("%s %s starts", s->info->name, PIZZA_VERSION);
	rc = start_parts(s, err);
	if (rc == 0) {
		while (!wait_signal(HEALTH_INTERVAL_MS)) {
			check_database(s);
			health_tell_again(s);
			lowered = lowered || priority_lower(getpid(), s->info->nice);
		}
		log_info("stopping");
	}
	stop_parts(s, rc == 0);
	if (rc == 0 && s->failure.code < 0) {
		*err = s->failure;
		rc = err->code;
	}
	if (rc == 0)
		log_info("stopped");
	return rc;
}

/* --routes: what the program serves beyond health and metrics, for the manual. */
static int print_routes(const struct service_spec *spec)
{
	for (int i = 0; i < spec->route_count; i++)
		printf("%s %s%s\n", spec->routes[i].method, spec->routes[i].pattern,
		       spec->routes[i].access == HTTP_OPERATOR ? " (operator)" : "");
	return 0;
}

static int usage(const struct service_spec *spec, const char *option)
{
	const struct daemon_info *info = &daemons[spec->id];

	if (strcmp(option, "--routes") == 0)
		return print_routes(spec);
	if (strcmp(option, "--version") == 0) {
		printf("%s %s\n", info->name, PIZZA_VERSION);
		return 0;
	}
	fprintf(strcmp(option, "--help") == 0 ? stdout : stderr,
		"%s: %s\nusage: %s [--help | --version | --check-sql | --routes]\n"
		"It is started by pizzad; see pizzad(8) and %s(8).\n",
		info->name, info->text, info->name, info->name);
	return strcmp(option, "--help") == 0 ? 0 : error_exit_status(ERR_USAGE);
}

int service_main(const struct service_spec *spec, int argc, char **argv)
{
	struct service s = {.spec = spec,
			    .info = &daemons[spec->id],
			    .handling = PTHREAD_MUTEX_INITIALIZER,
			    .lock = PTHREAD_MUTEX_INITIALIZER};
	bool check = argc == 2 && strcmp(argv[1], "--check-sql") == 0;
	struct error err;
	sigset_t set;
	int rc;

	if (argc > 1 && !check)
		return usage(spec, argv[1]);
	signal(SIGPIPE, SIG_IGN);
	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	rc = load(&s, &err);
	if (rc == 0)
		rc = check ? check_sql(&s, &err) : run(&s, &err);
	if (rc < 0)
		log_err(LOG_ERROR, &err, "%s ends", s.info->name);
	return error_exit_status(rc);
}
