/*
 * The announcer's thread.
 */
#include "daemons/aggregator/announce.h"

#include <pthread.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/service.h"

#define INTERVAL_NS 20000000

struct announcer {
	struct db *db; /* one connection */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool pending;
	bool stopping;
};

static void send_notify(struct announcer *a)
{
	struct db_conn *c;
	struct error err;

	if (db_acquire(a->db, &c, &err) < 0)
		return; /* readers look by themselves from time to time */
	if (db_run(c, "SET synchronous_commit = off; NOTIFY saga", &err) < 0)
		log_debug("saga notification: %s", err.why);
	db_release(c);
}

static void *announcer_main(void *arg)
{
	const struct timespec interval = {0, INTERVAL_NS};
	struct announcer *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->stopping) {
		if (!a->pending) {
			pthread_cond_wait(&a->wake, &a->lock);
			continue;
		}
		a->pending = false;
		pthread_mutex_unlock(&a->lock);
		send_notify(a);
		nanosleep(&interval, NULL);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int announcer_new(struct service *s, struct announcer **ret, struct error *err)
{
	struct announcer *a = xcalloc(1, sizeof(*a));
	struct db_options options;

	service_db_options(s, service_info(s), &options);
	options.pool_size = 1;
	a->db = db_new(&options);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wake, NULL);
	if (pthread_create(&a->thread, NULL, announcer_main, a) != 0) {
		error_errno(err, "start the announcer");
		db_free(a->db);
		free(a);
		return ERR_IO;
	}
	*ret = a;
	return 0;
}

void announce(struct announcer *a)
{
	pthread_mutex_lock(&a->lock);
	if (!a->pending) {
		a->pending = true;
		pthread_cond_signal(&a->wake);
	}
	pthread_mutex_unlock(&a->lock);
}

void announcer_free(struct announcer *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	db_free(a->db);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->wake);
	free(a);
}
