/*
 * Blocking work on threads of its own.  A finished job goes into a list under a lock, and the loop is woken
 * through the supervisor's eventfd.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/config.h"
#include "daemons/pizzad/supervisor.h"

#define KAFKA_TIMEOUT_MS 5000

struct job {
	struct job *next;
	struct supervisor *supervisor;
	unsigned number;
	int (*work)(struct error *err); /* NULL: remove members */
	const struct daemon_info *info;
	int from, to;
	int rc;
	struct error err;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct job *finished;
static atomic_int running;
static unsigned last_number; /* the loop's thread alone */

static int remove_members(const struct job *j, struct error *err)
{
	char bootstrap[DAEMONS_BOOTSTRAP_SIZE];
	struct bus_options options = {.bootstrap = daemons_bootstrap(bootstrap), .client_id = "pizzad"};
	struct bus_admin *a;
	int rc = bus_admin_new(&options, KAFKA_TIMEOUT_MS, &a, err);

	if (rc < 0)
		return rc;
	rc = subscriptions_remove_members(a, j->info, j->from, j->to, err);
	bus_admin_free(a);
	return rc;
}

static void *run(void *arg)
{
	struct job *j = arg;
	struct supervisor *s = j->supervisor;
	uint64_t one = 1;

	j->rc = j->work != NULL ? j->work(&j->err) : remove_members(j, &j->err);
	pthread_mutex_lock(&lock);
	j->next = finished;
	finished = j;
	pthread_mutex_unlock(&lock);
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the loop");
	return NULL;
}

static unsigned start(struct job *j)
{
	pthread_attr_t attributes;
	pthread_t thread;

	j->number = ++last_number;
	atomic_fetch_add(&running, 1);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, run, j) != 0)
		abort();
	pthread_attr_destroy(&attributes);
	return j->number;
}

unsigned job_start(struct supervisor *s, int (*work)(struct error *err))
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->supervisor = s;
	j->work = work;
	return start(j);
}

void job_remove_members(struct supervisor *s, const struct unit *u, int from, int to)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->supervisor = s;
	j->info = u->info;
	j->from = from;
	j->to = to;
	start(j);
}

void job_collect(struct supervisor *s)
{
	struct job *list;

	pthread_mutex_lock(&lock);
	list = finished;
	finished = NULL;
	pthread_mutex_unlock(&lock);
	while (list != NULL) {
		struct job *j = list;

		list = j->next;
		atomic_fetch_sub(&running, 1);
		if (j->work != NULL)
			unit_provisioned(s, j->number, j->rc, &j->err);
		else if (j->rc < 0)
			log_err(LOG_WARN, &j->err,
				"%s: a replica that is gone stays in its group until its session ends",
				j->info->name);
		free(j);
	}
}

int job_count(void)
{
	return atomic_load(&running);
}
