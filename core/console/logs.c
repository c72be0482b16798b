/*
 * Merging log files by time.  One thread.
 *
 * Each file has a cursor that always holds its next complete line, parsed; the earliest of them goes out
 * next.  A text line without a time belongs to the line before it in its file.
 */
#include "core/console/logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/guard.h"
#include "core/config/paths.h"
#include "core/console/logline.h"
#include "core/contract/daemons.h"

#define BLOCK	65536
#define WAKE_MS 500

struct log_file {
	char *service; /* the file's name without ".log" */
	int fd;
	off_t at;	 /* where the next block is read */
	struct buf text; /* read and not consumed */
	size_t used;	 /* consumed of it */
	int64_t last_us; /* of the line before */
	off_t next_end;	 /* where the line behind next begins */
	bool ready;	 /* next is a line */
	struct logline next;
};

struct log_files {
	struct log_file **files;
	int count;
};

/* --- one file --- */

static void file_free(struct log_file *f)
{
	if (f->ready)
		json_decref(f->next.row);
	if (f->fd >= 0)
		close(f->fd);
	buf_done(&f->text);
	free(f->service);
	free(f);
}

/* Reads one more block; false at the end for now.  A file that has shrunk is read from its start. */
static bool read_block(struct log_file *f)
{
	struct stat st;
	ssize_t n;

	if (fstat(f->fd, &st) == 0 && st.st_size < f->at)
		f->at = 0;
	if (f->used > 0) {
		memmove(f->text.data, f->text.data + f->used, f->text.len - f->used);
		f->text.len -= f->used;
		f->used = 0;
	}
	buf_reserve(&f->text, BLOCK);
	n = pread(f->fd, f->text.data + f->text.len, BLOCK, f->at);
	if (n <= 0)
		return false;
	f->text.len += (size_t)n;
	f->at += n;
	return true;
}

/* The next complete line, borrowed until the next call. */
static bool next_text(struct log_file *f, const char **ret, size_t *ret_len)
{
	const char *end;

	do {
		if (f->text.len > f->used) {
			end = memchr(f->text.data + f->used, '\n', f->text.len - f->used);
			if (end != NULL) {
				*ret = f->text.data + f->used;
				*ret_len = (size_t)(end - *ret);
				f->used += *ret_len + 1;
				return true;
			}
		}
	} while (read_block(f));
	return false;
}

static bool is_wanted(const struct logs_query *q, const char *text, size_t len)
{
	return len > 0 &&
	       (q->order_id == NULL || memmem(text, len, q->order_id, strlen(q->order_id)) != NULL);
}

/* Makes f->next the next line that the query asks for. */
static void advance(struct log_file *f, const struct logs_query *q)
{
	const char *text;
	size_t len;

	while (!f->ready && next_text(f, &text, &len)) {
		if (!is_wanted(q, text, len))
			continue;
		f->next = logline_parse(text, len, f->service);
		if (f->next.at_us == 0)
			f->next.at_us = f->last_us;
		f->last_us = f->next.at_us;
		f->next_end = f->at - (off_t)(f->text.len - f->used);
		f->ready = f->next.level >= q->level && f->next.at_us >= q->since_us;
		if (!f->ready)
			json_decref(f->next.row);
	}
}

/* --- where to begin --- */

/* The start of the line that contains offset `at`, looking back one block at most. */
static off_t line_start(int fd, off_t at)
{
	char block[4096];
	off_t from = at > (off_t)sizeof(block) ? at - (off_t)sizeof(block) : 0;
	ssize_t n = pread(fd, block, (size_t)(at - from), from);

	while (n > 0 && block[n - 1] != '\n')
		n--;
	return n > 0 ? from + n : from;
}

static int64_t time_at(int fd, off_t at)
{
	char block[512];
	ssize_t n = pread(fd, block, sizeof(block), at);
	const char *end = n > 0 ? memchr(block, '\n', (size_t)n) : NULL;

	return n <= 0 ? 0 : logline_time(block, end != NULL ? (size_t)(end - block) : (size_t)n);
}

/* Bisects, as lines are in order of time; lands at or a little before the first line of since_us. */
static off_t find_time(int fd, off_t size, int64_t since_us)
{
	off_t low = 0, high = size;

	while (high - low > BLOCK) {
		off_t middle = line_start(fd, low + (high - low) / 2);
		int64_t us = middle > low ? time_at(fd, middle) : 0;

		if (us == 0)
			break;
		if (us < since_us)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The start of the last n lines. */
static off_t find_tail(int fd, off_t size, int64_t n)
{
	char block[BLOCK / 8];
	off_t at = size;
	int64_t seen = 0;

	while (at > 0) {
		off_t from = at > (off_t)sizeof(block) ? at - (off_t)sizeof(block) : 0;
		ssize_t got = pread(fd, block, (size_t)(at - from), from);

		for (ssize_t i = got - 1; i >= 0; i--)
			if (block[i] == '\n' && from + i + 1 < size && ++seen >= n)
				return from + i + 1;
		if (got <= 0)
			break;
		at = from;
	}
	return 0;
}

/* The same file is read on; another one of that name, or one that was cut, from its start. */
static void start_at_place(struct log_file *f, const struct cursor *c, const struct stat *st)
{
	int64_t inode, offset;

	if (cursor_find(c, f->service, "inode", &inode) && cursor_find(c, f->service, "offset", &offset) &&
	    inode == (int64_t)st->st_ino && offset <= st->st_size)
		f->at = offset;
}

static void find_start(struct log_file *f, const struct logs_query *q)
{
	struct stat st;
	bool filtered = q->order_id != NULL || q->level > LOG_DEBUG;

	if (fstat(f->fd, &st) < 0)
		return;
	if (!cursor_is_new(q->cursor)) {
		start_at_place(f, q->cursor, &st);
		return;
	}
	if (q->since_us > 0)
		f->at = find_time(f->fd, st.st_size, q->since_us);
	else if (q->tail == 0)
		f->at = st.st_size;
	else if (q->tail > 0 && !filtered)
		f->at = find_tail(f->fd, st.st_size, q->tail);
}

/* --- all files --- */

static bool names_service(const struct logs_query *q, const char *stem)
{
	const struct daemon_info *d;

	for (int i = 0; i < q->service_count; i++) {
		d = daemon_find(q->services[i]);
		if (strcmp(d != NULL ? d->name : q->services[i], stem) == 0)
			return true;
	}
	return q->service_count == 0;
}

static bool is_open(const struct log_files *all, const char *stem)
{
	for (int i = 0; i < all->count; i++)
		if (strcmp(all->files[i]->service, stem) == 0)
			return true;
	return false;
}

static void open_file(struct log_files *all, const char *name, const struct logs_query *q, bool from_start)
{
	size_t len = strlen(name);
	AUTO_FREE char *stem =
	    len > 4 && strcmp(name + len - 4, ".log") == 0 ? xstrndup(name, len - 4) : NULL;
	AUTO_FREE char *path = xasprintf("%s/%s", paths_log(), name);
	struct log_file *f;
	int fd;

	if (stem == NULL || !names_service(q, stem) || is_open(all, stem))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	f = xcalloc(1, sizeof(*f));
	f->fd = fd;
	f->service = xstrdup(stem);
	if (!from_start)
		find_start(f, q);
	all->files = xreallocarray(all->files, (size_t)all->count + 1, sizeof(struct log_file *));
	all->files[all->count++] = f;
}

static int open_files(struct log_files *all, const struct logs_query *q, bool from_start, struct error *err)
{
	DIR *folder = opendir(paths_log());
	struct dirent *entry;

	if (folder == NULL) {
		error_set(err, ERR_NOT_FOUND, paths_log(), "%s", strerror(errno));
		error_hint(err, "nothing has run here yet; pizzactl up starts it");
		return ERR_NOT_FOUND;
	}
	while ((entry = readdir(folder)) != NULL)
		open_file(all, entry->d_name, q, from_start);
	closedir(folder);
	return 0;
}

static int check_services(const struct log_files *all, const struct logs_query *q, struct error *err)
{
	for (int i = 0; i < q->service_count; i++) {
		const struct daemon_info *d = daemon_find(q->services[i]);

		if (is_open(all, d != NULL ? d->name : q->services[i]))
			continue;
		error_set(err, ERR_NOT_FOUND, q->services[i], "has no log in %.200s", paths_log());
		error_hint(err, "pizzactl status lists the services");
		return ERR_NOT_FOUND;
	}
	return 0;
}

static struct log_file *earliest(struct log_files *all, const struct logs_query *q)
{
	struct log_file *first = NULL;

	for (int i = 0; i < all->count; i++) {
		struct log_file *f = all->files[i];

		advance(f, q);
		if (f->ready && (first == NULL || f->next.at_us < first->next.at_us))
			first = f;
	}
	return first;
}

static void stage(const struct log_file *f, struct cursor *c, off_t place)
{
	struct stat st;

	if (c == NULL || fstat(f->fd, &st) < 0)
		return;
	cursor_stage(c, f->service, "inode", (int64_t)st.st_ino);
	cursor_stage(c, f->service, "offset", place);
}

/* Once all that is there has gone out: also the places in files that had nothing to tell. */
static int keep_places(const struct log_files *all, const struct logs_query *q, struct error *err)
{
	for (int i = 0; i < all->count; i++) {
		const struct log_file *f = all->files[i];

		stage(f, q->cursor, f->at - (off_t)(f->text.len - f->used));
	}
	return cursor_commit(q->cursor, err);
}

static json_t *take_next(struct log_files *all, const struct logs_query *q)
{
	struct log_file *f = earliest(all, q);

	if (f == NULL)
		return NULL;
	if (q->tail < 0 || !cursor_is_new(q->cursor))
		stage(f, q->cursor, f->next_end);
	f->ready = false;
	return f->next.row;
}

/* What is there already: all of it, or the last `tail` rows. */
static int hand_out_past(struct log_files *all, const struct logs_query *q, console_row *row, void *arg,
			 struct error *err)
{
	AUTO_JSON json_t *kept = json_array();
	json_t *next;
	int rc = 0;

	while (rc == 0 && (next = take_next(all, q)) != NULL) {
		if (q->tail < 0) {
			rc = row(arg, next, err);
			continue;
		}
		json_array_append_new(kept, next);
		if ((int64_t)json_array_size(kept) > 2 * q->tail + 1000)
			for (int64_t drop = (int64_t)json_array_size(kept) - q->tail; drop > 0; drop--)
				json_array_remove(kept, 0);
	}
	for (size_t i = 0, n = json_array_size(kept); i < n && rc == 0; i++)
		if ((int64_t)(n - i) <= q->tail)
			rc = row(arg, json_incref(json_array_get(kept, i)), err);
	return rc;
}

/* Waits until a file in the folder may have changed. */
static void wait_for_change(int watch)
{
	struct pollfd p = {.fd = watch, .events = POLLIN};
	char events[4096];

	if (poll(&p, 1, WAKE_MS) > 0 && read(watch, events, sizeof(events)) < 0)
		return;
}

static int hand_out_future(struct log_files *all, const struct logs_query *q, int watch, console_row *row,
			   void *arg, struct error *err)
{
	json_t *next;
	int rc = 0;

	while (rc == 0 && (q->stop == NULL || !*q->stop)) {
		wait_for_change(watch);
		rc = open_files(all, q, true, err);
		while (rc == 0 && (next = take_next(all, q)) != NULL)
			rc = row(arg, next, err);
	}
	return rc;
}

int logs_read(const struct logs_query *asked, console_row *row, void *arg, struct error *err)
{
	struct logs_query own = *asked;
	const struct logs_query *query = &own;
	struct log_files all = {0};
	int watch = -1, rc = guard_local("logs", err);

	if (rc < 0)
		return rc;
	if (query->follow) /* watched before it is read, so that nothing falls between */
		watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!cursor_is_new(own.cursor))
		own.since_us = own.tail = -1;
	if (watch >= 0)
		(void)inotify_add_watch(watch, paths_log(), IN_MODIFY | IN_CREATE);
	rc = open_files(&all, query, false, err);
	if (rc == 0 && !query->follow)
		rc = check_services(&all, query, err);
	if (rc == 0)
		rc = hand_out_past(&all, query, row, arg, err);
	if (rc == 0)
		rc = keep_places(&all, query, err);
	if (rc == 0 && query->follow)
		rc = hand_out_future(&all, query, watch, row, arg, err);
	for (int i = 0; i < all.count; i++)
		file_free(all.files[i]);
	free(all.files);
	if (watch >= 0)
		close(watch);
	return rc < 0 ? rc : 0;
}
