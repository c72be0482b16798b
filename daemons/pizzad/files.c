/*
 * Small files.  No state.
 */
#include "daemons/pizzad/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_error(struct error *err, const char *path)
{
	int full = errno == ENOSPC || errno == EDQUOT;
	int rc = error_errno(err, "write %s", path);

	if (full)
		error_hint(err, "the disk is full: free some space");
	return rc;
}

static int write_all(int fd, const char *path, const char *text, struct error *err)
{
	size_t n = strlen(text);
	int rc = 0;

	if (write(fd, text, n) != (ssize_t)n || fsync(fd) < 0)
		rc = write_error(err, path);
	close(fd);
	return rc;
}

static bool has_contents(const char *path, const char *text)
{
	char found[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, found, sizeof(found));
	close(fd);
	return n >= 0 && (size_t)n < sizeof(found) && (size_t)n == strlen(text) &&
	       memcmp(found, text, (size_t)n) == 0;
}

int file_write(const char *path, const char *text, struct error *err)
{
	char aside[PATH_MAX];
	int fd, rc;

	if (has_contents(path, text))
		return 0;
	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return error_set(err, ERR_INVALID, path, "its path is too long");
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return write_error(err, aside);
	rc = write_all(fd, aside, text, err);
	if (rc == 0 && rename(aside, path) < 0)
		rc = write_error(err, path);
	return rc;
}

int file_append(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	return fd < 0 ? write_error(err, path) : write_all(fd, path, text, err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int file_remove_tree(const char *path, struct error *err)
{
	if (access(path, F_OK) < 0)
		return 0;
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		return error_errno(err, "remove %s", path);
	return 0;
}
