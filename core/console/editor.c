/*
 * The user's editor.
 */
#include "core/console/editor.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"

static int write_all(int fd, const char *text, struct error *err)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return error_errno(err, "write the file to edit");
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int run_editor(const char *editor, const char *file, struct error *err)
{
	AUTO_FREE char *command = xasprintf("%s \"$1\"", editor);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, "sh", file, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_errno(err, "run the editor");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, ERR_FAILED, editor, "ended with a failure: nothing was sent");
	return 0;
}

static const char *editor_of(void)
{
	const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");

	return visual != NULL && *visual != '\0' ? visual : editor != NULL && *editor != '\0' ? editor : "vi";
}

static int read_back(const char *file, struct buf *ret, struct error *err)
{
	FILE *f = fopen(file, "re");
	char block[4096];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return error_errno(err, "read what was edited");
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(ret, block, n);
	if (ferror(f) != 0)
		rc = error_errno(err, "read what was edited");
	fclose(f);
	return rc;
}

int editor_edit(const char *text, struct buf *ret, struct error *err)
{
	const char *folder = getenv("TMPDIR");
	AUTO_FREE char *file =
	    xasprintf("%s/pizzactl-letter-XXXXXX.json", folder != NULL && *folder != '\0' ? folder : "/tmp");
	int fd = mkostemps(file, 5, O_CLOEXEC), rc;

	if (fd < 0)
		return error_errno(err, "make a file to edit");
	rc = write_all(fd, text, err);
	close(fd);
	if (rc == 0)
		rc = run_editor(editor_of(), file, err);
	if (rc == 0)
		rc = read_back(file, ret, err);
	unlink(file);
	return rc;
}
