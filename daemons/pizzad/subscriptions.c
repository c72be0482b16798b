/*
 * home/subscriptions: lines "orderd inventory-events payment-events …", what each consumer group read when
 * this installation last ran.
 *
 * A static member that comes back is given what it had before; Kafka's coordinator does not look at what it
 * subscribes to now (KIP-345: only a change of the group's protocol starts a rebalance).  So after an upgrade
 * that lets a daemon read another topic, its former members are removed before it starts, and it joins anew.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/paths.h"
#include "daemons/pizzad/files.h"
#include "daemons/pizzad/supervisor.h"

#define REMOVE_TRIES	10
#define REMOVE_PAUSE_MS 300

int subscriptions_remove_members(struct bus_admin *a, const struct daemon_info *info, int from, int to,
				 struct error *err)
{
	char instance[64];
	int rc = 0;

	for (int replica = from; rc == 0 && replica <= to; replica++) {
		snprintf(instance, sizeof(instance), "%s-%d", info->name, replica);
		rc = bus_admin_remove_member(a, info->name, instance, err);
		/* A coordinator that has just moved or started does not answer yet. */
		for (int i = 1; rc < 0 && error_class(rc) != CLASS_PERMANENT && i < REMOVE_TRIES; i++) {
			poll(NULL, 0, REMOVE_PAUSE_MS);
			rc = bus_admin_remove_member(a, info->name, instance, err);
		}
	}
	return rc;
}

static const char *file_path(char text[PATH_MAX])
{
	snprintf(text, PATH_MAX, "%s/subscriptions", paths_home());
	return text;
}

/* The daemon's line. */
static void describe(const struct daemon_info *info, struct buf *line)
{
	buf_addf(line, "%s", info->name);
	for (int i = 0; i < DAEMON_TOPICS_MAX && info->consumes[i] != NULL; i++)
		buf_addf(line, " %s", info->consumes[i]);
	buf_addf(line, "\n");
}

static void describe_all(struct buf *text)
{
	for (int i = 0; i < DAEMON_COUNT; i++)
		if (daemons[i].consumes[0] != NULL)
			describe(&daemons[i], text);
}

static void load(struct buf *text)
{
	char path[PATH_MAX], line[1024];
	FILE *f;

	f = fopen(file_path(path), "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		buf_addf(text, "%s", line);
	if (f != NULL)
		fclose(f);
}

/* Removes the members of groups whose line is not in the former text. */
static int part_changed(struct bus_admin *a, const char *former, struct error *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++) {
		CLEANUP(buf_done) struct buf line = {0};

		if (daemons[i].consumes[0] == NULL)
			continue;
		describe(&daemons[i], &line);
		if (strstr(former, buf_str(&line)) != NULL)
			continue;
		log_info("%s reads other topics than before and joins its group anew", daemons[i].name);
		rc = subscriptions_remove_members(a, &daemons[i], 1, daemons[i].replicas_max, err);
	}
	return rc;
}

int subscriptions_renew(struct bus_admin *a, bool fresh, struct error *err)
{
	CLEANUP(buf_done) struct buf former = {0}, now = {0};
	char path[PATH_MAX];
	int rc = 0;

	load(&former);
	describe_all(&now);
	if (strcmp(buf_str(&former), buf_str(&now)) == 0)
		return 0;
	if (!fresh)
		rc = part_changed(a, buf_str(&former), err);
	return rc < 0 ? rc : file_write(file_path(path), buf_str(&now), err);
}
