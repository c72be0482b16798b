/*
 * Delivery into a Maildir below the home folder: a message is written to tmp/ and, once it is on disk,
 * renamed to new/.
 *
 * One thread writes what waits as a batch: all files, then writeback of all at once, then one fsync each (the
 * first commits the file system's journal for all), the renames, one fsync of the folder.  The file's name
 * derives from the notification, so a message written again after a crash takes the place of the first.
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

#define BATCH_MAX 256
#define QUEUE_MAX 4096
#define PARALLEL  512

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

/* Writes the file and starts its way to the disk; its descriptor, or -1 with errno. */
static int write_file(struct maildir *m, const struct delivery *d)
{
	char name[64];
	int fd = openat(m->tmp_fd, delivery_name(d, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	compose_file(&m->text, d, name);
	if (write_all(fd, &m->text) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* only a hint */
	return fd;
}

static void failed(struct delivery *d)
{
	delivery_end(d, OUTCOME_UNREACHABLE, strerror(errno));
}

static void publish(struct maildir *m, struct delivery *d, int fd)
{
	char name[64];

	if (fsync(fd) < 0 || renameat(m->tmp_fd, delivery_name(d, name), m->new_fd, name) < 0)
		failed(d);
	else
		delivery_end(d, OUTCOME_SENT, NULL);
	close(fd);
}

static void write_batch(void *arg, int worker, void **items, int n)
{
	struct maildir *m = arg;
	int fds[BATCH_MAX];

	(void)worker;
	for (int i = 0; i < n; i++) {
		fds[i] = write_file(m, items[i]);
		if (fds[i] < 0)
			failed(items[i]);
	}
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			publish(m, items[i], fds[i]);
	if (fsync(m->new_fd) < 0)
		for (int i = 0; i < n; i++)
			failed(items[i]);
	for (int i = 0; i < n; i++)
		channel_done(m->channel, items[i]);
}

static void send_later(struct transport *t, struct channel *ch, struct delivery *d)
{
	struct maildir *m = (struct maildir *)t;

	m->channel = ch;
	if (group_add(m->writer, d, QUEUE_MAX))
		return;
	delivery_end(d, OUTCOME_UNREACHABLE, "the writer is stopping");
	channel_done(ch, d);
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
