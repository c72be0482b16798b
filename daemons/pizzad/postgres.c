/*
 * The private PostgreSQL: a cluster in home/postgres, reached by the Unix socket home/run/.s.PGSQL.5432.
 *
 * Whoever reaches the socket is trusted: the folder is 0700, so that is the owner of the home alone (and
 * root).  By TCP, which postgres.listen opens, a password is demanded.  The superuser role is named like the
 * operating system's user. Started as root, the server runs in a user name space of its own, where it is not
 * root (it refuses to be), and where root's files are its own.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/config/programs.h"
#include "daemons/pizzad/files.h"
#include "daemons/pizzad/supervisor.h"

#define CONF_NAME    "pizza.conf"
#define INCLUDE_LINE "include 'pizza.conf'"
#define STOP_MS	     20000
#define START_MS     300000 /* recovery after a crash reads up to max_wal_size */

/* Durable (fsync and synchronous_commit on) and tuned for many small transactions on few cores. */
static const char settings[] =
    "max_connections = 200\n"
    "fsync = on\n"
    "synchronous_commit = on\n"
    "wal_buffers = 16MB\n"
    "wal_compression = off\n"
    "# Zeroing a new WAL file holds every commit up for some 70 ms, allocating it as it is written hardly at "
    "all.\n"
    "wal_init_zero = off\n"
    "min_wal_size = 512MB\n"
    "max_wal_size = 4GB\n"
    "checkpoint_timeout = 15min\n"
    "checkpoint_completion_target = 0.9\n"
    "jit = off\n"
    "huge_pages = try\n"
    "max_worker_processes = 4\n"
    "max_parallel_workers_per_gather = 0\n"
    "random_page_cost = 1.1\n"
    "# Small hot tables (outboxes, work queues) must be vacuumed often; a fifth of a large one is too late.\n"
    "autovacuum_naptime = 10s\n"
    "autovacuum_max_workers = 2\n"
    "autovacuum_vacuum_scale_factor = 0.05\n"
    "autovacuum_vacuum_insert_scale_factor = 0.2\n"
    "autovacuum_analyze_scale_factor = 0.05\n"
    "autovacuum_vacuum_cost_limit = 1000\n"
    "# Plans go by the indexes; sampling 30,000 rows of every growing table took a tenth of the processors.\n"
    "default_statistics_target = 10\n"
    "update_process_title = off\n"
    "recovery_init_sync_method = syncfs\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "log_line_prefix = '%m [%p] %q%u@%d '\n"
    "log_checkpoints = on\n"
    "log_min_duration_statement = 2s\n"
    "log_parameter_max_length = 256\n" /* a batch has thousands of values */;

static bool exists(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user != NULL ? user->pw_name : "pizza";
}

/* initdb works aside and is moved into place when it has ended well, so that half a cluster never counts. */
static void aside_path(char text[PATH_MAX])
{
	snprintf(text, PATH_MAX, "%s.new", paths_postgres());
}

static int launch_initdb(struct launch *ret, const char *aside, struct error *err)
{
	char folder[PATH_MAX];
	int major, rc = programs_postgres(folder, &major, err);

	if (rc < 0)
		return rc;
	launch_arg(ret, "%s/initdb", folder);
	launch_arg(ret, "--pgdata=%s", aside);
	launch_arg(ret, "--username=%s", user_name());
	launch_arg(ret, "--auth-local=trust");
	launch_arg(ret, "--auth-host=scram-sha-256");
	launch_arg(ret, "--encoding=UTF8");
	launch_arg(ret, "--locale=C.UTF-8");
	launch_arg(ret, "--lc-collate=C");
	launch_arg(ret, "--no-instructions");
	ret->unprivileged = geteuid() == 0;
	ret->text = "creates the database cluster";
	return 1;
}

static int finish_initdb(const char *aside, struct error *err)
{
	char path[PATH_MAX + 32];
	int rc;

	snprintf(path, sizeof(path), "%s/postgresql.conf", aside);
	rc = file_append(path, "\n" INCLUDE_LINE " # rewritten by pizzad at each start\n", err);
	if (rc == 0) {
		snprintf(path, sizeof(path), "%s/pg_hba.conf", aside);
		rc = file_append(path, "\nhost all all all scram-sha-256\n", err);
	}
	if (rc == 0) {
		snprintf(path, sizeof(path), "%s/" CONF_NAME, aside);
		rc = file_write(path, "", err);
	}
	if (rc < 0)
		return rc;
	if (rename(aside, paths_postgres()) < 0)
		return error_errno(err, "move %s into place", aside);
	return 0;
}

static int prepare(struct instance *i, struct launch *ret, struct error *err)
{
	char aside[PATH_MAX];
	int rc;

	if (exists(paths_postgres(), "PG_VERSION"))
		return 0;
	aside_path(aside);
	if (i->prepared) {
		rc = finish_initdb(aside, err);
		return rc;
	}
	rc = file_remove_tree(aside, err);
	if (rc < 0)
		return rc;
	return launch_initdb(ret, aside, err);
}

/* A value in a configuration file: quotes are doubled. */
static void add_quoted(struct buf *text, const char *value)
{
	buf_addc(text, '\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			buf_addc(text, '\'');
		buf_addc(text, *value);
	}
	buf_adds(text, "'\n");
}

static int write_settings(struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	char path[PATH_MAX];

	buf_adds(&text, "# Written by pizzad at each start; what you add to postgresql.conf after its "
			"include line stays.\n"
			"unix_socket_directories = ");
	add_quoted(&text, paths_run());
	buf_adds(&text, "unix_socket_permissions = 0700\nlisten_addresses = ");
	add_quoted(&text, config_string(CONFIG_POSTGRES_LISTEN));
	buf_addf(&text, "shared_buffers = %lldkB\n",
		 (long long)(config_int(CONFIG_POSTGRES_SHARED_BUFFERS) / 1024));
	buf_adds(&text, settings);
	snprintf(path, sizeof(path), "%s/" CONF_NAME, paths_postgres());
	return file_write(path, buf_str(&text), err);
}

static int launch(struct instance *i, struct launch *ret, struct error *err)
{
	char folder[PATH_MAX];
	int major, rc = programs_postgres(folder, &major, err);

	if (rc == 0)
		rc = write_settings(err);
	if (rc < 0)
		return rc;
	launch_arg(ret, "%s/postgres", folder);
	launch_arg(ret, "-D");
	launch_arg(ret, "%s", paths_postgres());
	launch_env(ret, "NOTIFY_SOCKET",
		   i->unit->supervisor->notify_path); /* used when built with systemd's library */
	ret->unprivileged = geteuid() == 0;
	return 0;
}

static bool probe(struct instance *i)
{
	const char *const keywords[] = {"host", "dbname", "connect_timeout", NULL};
	const char *const values[] = {paths_run(), "postgres", "2", NULL};

	(void)i;
	return PQpingParams(keywords, values, 0) == PQPING_OK;
}

const struct unit_ops postgres_ops = {
    .stop_signal = SIGINT, /* fast: sessions are ended, then a checkpoint */
    .stop_ms = STOP_MS,
    .start_ms = START_MS,
    .probe_ms = 500, /* most builds say READY=1 by themselves */
    .prepare = prepare,
    .launch = launch,
    .probe = probe,
    .provision = provision_databases,
};
