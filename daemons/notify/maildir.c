/*
 * Delivery into a Maildir below the home folder: messages are written to tmp/ and, once they are on disk,
 * renamed to new/.
 *
 * One thread writes what waits as a batch: all files, one syncfs, the renames, one fsync of the folder.
 * Syncing each file by itself costs a write and a flush of the device per message, many times the price.  The
 * file's name derives from the notification, so a message written again after a crash takes the place of the
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/service/group.h"
#include "daemons/notify/channel.h"
#include "daemons/notify/text.h"

#define BATCH_MAX 1024
#define PARALLEL  2048

struct maildir {
	struct transport transport;
	struct channel *channel; /* known with the first delivery */
	struct group *writer;
	int tmp_fd, new_fd;
	struct buf text; /* of the writer's thread */
};

static int write_all(int fd, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void compose_file(struct buf *out, const struct delivery *d, const char *name)
{
	char id[96];
	struct text_mail mail = {
	    .from = config_string(CONFIG_MAIL_FROM),
	    .to = d->address,
	    .message_id = id,
	    .subject = d->subject,
	    .body = d->body,
	    .date_us = d->created_us,
	};

	snprintf(id, sizeof(id), "%s@pizza", name);
	buf_reset(out);
	text_mail(out, &mail, "\n");
}

static void failed(struct delivery *d)
{
	delivery_end(d, OUTCOME_UNREACHABLE, strerror(errno));
}

/* False with errno. */
static bool write_file(struct maildir *m, const struct delivery *d)
{
	char name[64];
	int fd = openat(m->tmp_fd, delivery_name(d, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0)
		return false;
	compose_file(&m->text, d, name);
	ok = write_all(fd, &m->text) == 0;
	return close(fd) == 0 && ok;
}

static bool publish(struct maildir *m, const struct delivery *d)
{
	char name[64];

	return renameat(m->tmp_fd, delivery_name(d, name), m->new_fd, name) == 0;
}

/* Each step is taken for the messages that the step before did not fail. */
static void write_batch(void *arg, int worker, void **items, int n)
{
	struct maildir *m = arg;
	bool ok[BATCH_MAX];
	bool synced;

	(void)worker;
	for (int i = 0; i < n; i++)
		if (!(ok[i] = write_file(m, items[i])))
			failed(items[i]);
	synced = syncfs(m->tmp_fd) == 0;
	for (int i = 0; i < n; i++)
		if (ok[i] && !(ok[i] = synced && publish(m, items[i])))
			failed(items[i]);
	synced = fsync(m->new_fd) == 0;
	for (int i = 0; i < n; i++) {
		if (ok[i] && synced)
			delivery_end(items[i], OUTCOME_SENT, NULL);
		else if (ok[i])
			failed(items[i]);
		channel_done(m->channel, items[i]);
	}
}

static void send_later(struct transport *t, struct channel *ch, struct delivery *d)
{
	struct maildir *m = (struct maildir *)t;

	m->channel = ch;
	channel_queue(ch, m->writer, d);
}

static void free_maildir(struct transport *t, int drain_ms)
{
	struct maildir *m = (struct maildir *)t;

	(void)drain_ms;
	group_free(m->writer);
	close(m->tmp_fd);
	close(m->new_fd);
	buf_done(&m->text);
	free(m);
}

static int open_folder(const char *name, int *ret_fd, struct error *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", paths_mail(), name);

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "create %s", path);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? error_errno(err, "open %s", path) : 0;
}

int maildir_new(struct transport **ret, struct error *err)
{
	struct maildir *m = xcalloc(1, sizeof(*m));
	int cur_fd = -1, rc;

	m->transport = (struct transport){
	    .name = "maildir", .parallel = PARALLEL, .send = send_later, .free = free_maildir};
	m->tmp_fd = m->new_fd = -1;
	rc = open_folder("tmp", &m->tmp_fd, err);
	if (rc == 0)
		rc = open_folder("new", &m->new_fd, err);
	if (rc == 0)
		rc = open_folder("cur", &cur_fd, err);
	if (cur_fd >= 0)
		close(cur_fd);
	if (rc == 0)
		rc = group_new(1, BATCH_MAX, write_batch, m, &m->writer, err);
	if (rc < 0) {
		close(m->tmp_fd);
		close(m->new_fd);
		free(m);
		return rc;
	}
	*ret = &m->transport;
	return 0;
}
