/*
 * The places of one installation.  Everything is worked out once by paths_init into static memory and only
 * read afterwards, so all other functions are safe from every thread.
 */
#include "core/config/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define LONGEST_SOCKET	"/run/.s.PGSQL.5432"
#define TOKEN_FILE	"operator.token"
#define TOKEN_BYTES	32

static struct {
	char home[PATH_MAX];
	char run[PATH_MAX];
	char log[PATH_MAX];
	char mail[PATH_MAX];
	char postgres[PATH_MAX];
	char kafka[PATH_MAX];
	char cache[PATH_MAX];
	char bin[PATH_MAX];
} paths;

/* False when it does not fit. */
static bool join(char text[PATH_MAX], const char *folder, const char *name)
{
	return snprintf(text, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static const char *user_folder(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home != NULL && home[0] == '/')
		return home;
	user = getpwuid(geteuid()); /* only from paths_init, before there are threads */
	return user != NULL && user->pw_dir != NULL ? user->pw_dir : "/";
}

/* An XDG base folder; relative ones are to be ignored (XDG Base Directory Specification 0.8). */
static bool xdg_folder(char text[PATH_MAX], const char *variable, const char *fallback)
{
	const char *folder = getenv(variable);
	char base[PATH_MAX];

	if (folder != NULL && folder[0] == '/')
		return join(text, folder, "pizza");
	return join(base, user_folder(), fallback) && join(text, base, "pizza");
}

static const char *home_in_use; /* of the context */

void paths_use_home(const char *home)
{
	home_in_use = home;
}

bool paths_config(char *text, size_t size)
{
	char folder[PATH_MAX];

	return xdg_folder(folder, "XDG_CONFIG_HOME", ".config") &&
	       snprintf(text, size, "%s", folder) < (int)size;
}

static bool find_home(char text[PATH_MAX])
{
	const char *home = home_in_use != NULL ? home_in_use : getenv("PIZZA_HOME");
	char here[PATH_MAX];

	if (home == NULL || home[0] == '\0')
		return xdg_folder(text, "XDG_STATE_HOME", ".local/state");
	if (home[0] == '/')
		return snprintf(text, PATH_MAX, "%s", home) < PATH_MAX;
	return getcwd(here, sizeof(here)) != NULL && join(text, here, home);
}

static void strip_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

static int find_bin(struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", paths.bin, sizeof(paths.bin) - 1);
	char *slash;

	if (n < 0)
		return error_errno(err, "find this program's folder");
	paths.bin[n] = '\0';
	slash = strrchr(paths.bin, '/');
	if (slash != NULL && slash != paths.bin)
		*slash = '\0';
	return 0;
}

static int check_length(struct error *err)
{
	size_t longest = strlen(paths.home) + strlen(LONGEST_SOCKET);
	int rc;

	if (longest <= SOCKET_PATH_MAX)
		return 0;
	rc = error_set(err, ERR_INVALID, "home folder",
		       "%.150s is too long: the path of a Unix socket below it would have %zu bytes, and %zu "
		       "are possible",
		       paths.home, longest, SOCKET_PATH_MAX);
	error_hint(err, "set PIZZA_HOME to a folder whose path has at most %zu bytes",
		   SOCKET_PATH_MAX - strlen(LONGEST_SOCKET));
	return rc;
}

int paths_init(struct error *err)
{
	int rc;

	if (!find_home(paths.home) || !xdg_folder(paths.cache, "XDG_CACHE_HOME", ".cache"))
		return error_set(err, ERR_INVALID, "home folder", "its path is longer than %d bytes",
				 PATH_MAX - 1);
	strip_slashes(paths.home);
	rc = check_length(err);
	if (rc < 0)
		return rc;
	if (!join(paths.run, paths.home, "run") || !join(paths.log, paths.home, "log") ||
	    !join(paths.mail, paths.home, "mail") || !join(paths.postgres, paths.home, "postgres") ||
	    !join(paths.kafka, paths.home, "kafka"))
		return error_set(err, ERR_INVALID, "home folder", "its path is too long");
	return find_bin(err);
}

const char *paths_home(void)
{
	return paths.home;
}

const char *paths_run(void)
{
	return paths.run;
}

const char *paths_log(void)
{
	return paths.log;
}

const char *paths_mail(void)
{
	return paths.mail;
}

const char *paths_postgres(void)
{
	return paths.postgres;
}

const char *paths_kafka(void)
{
	return paths.kafka;
}

const char *paths_cache(void)
{
	return paths.cache;
}

const char *paths_bin(void)
{
	return paths.bin;
}

const char *paths_run_file(const char *name, char *text, size_t size)
{
	snprintf(text, size, "%s/%s", paths.run, name);
	return text;
}

/* --- making the folders --- */

static int folder_error(struct error *err, const char *path)
{
	int rc = error_errno(err, "create the folder %s", path);

	error_hint(err, errno == ENOSPC ? "free some space, or set PIZZA_HOME to a folder on another disk"
					: "set PIZZA_HOME to a folder that you may write to");
	return rc;
}

/* Makes a folder and its parents; what exists stays as it is. */
static int make_parents(const char *path, struct error *err)
{
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "%s", path);
	for (char *slash = strchr(text + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(text, 0700) < 0 && errno != EEXIST && access(text, F_OK) < 0)
			return folder_error(err, text);
		*slash = '/';
	}
	if (mkdir(text, 0700) < 0 && errno != EEXIST)
		return folder_error(err, text);
	return 0;
}

/* The database trusts whoever reaches its socket, so our folders are closed to others also when they were
 * there. */
static int make_private(const char *path, struct error *err)
{
	struct stat st;
	int rc;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return folder_error(err, path);
	if (stat(path, &st) < 0)
		return folder_error(err, path);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return folder_error(err, path);
	}
	if (st.st_uid != geteuid()) {
		rc = error_set(err, ERR_REFUSED, "home folder", "%.200s belongs to another user", path);
		error_hint(err, "run as that user, or set PIZZA_HOME to a folder of your own");
		return rc;
	}
	if ((st.st_mode & 0777) != 0700 && chmod(path, 0700) < 0)
		return error_errno(err, "close the folder %s to others", path);
	return 0;
}

int paths_create(struct error *err)
{
	const char *const folders[] = {paths.run, paths.log, paths.mail, paths.postgres, paths.kafka};
	int rc = make_parents(paths.home, err);

	for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		rc = make_private(folders[i], err);
	return rc;
}

/* --- the operator token --- */

int paths_read_token(const char *path, char token[65], struct error *err)
{
	struct stat st;
	ssize_t n;
	int rc, fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT)
			return error_errno(err, "read %s", path);
		rc = error_set(err, ERR_NOT_FOUND, "operator token", "%.200s does not exist", path);
		error_hint(err, "it is made by the first `pizzactl up`");
		return rc;
	}
	if (fstat(fd, &st) < 0 || (st.st_mode & 07777) != 0600 || st.st_uid != geteuid()) {
		close(fd);
		rc = error_set(err, ERR_REFUSED, "operator token",
			       "%.200s must belong to the user who reads it and have the mode 0600", path);
		error_hint(err, "chmod 600 %s (and chown it), or remove it so that a new one is made", path);
		return rc;
	}
	n = read(fd, token, 64);
	close(fd);
	if (n != 64 || strspn(token, "0123456789abcdef") < 64) {
		rc = error_set(err, ERR_MALFORMED, "operator token",
			       "%.200s does not hold 64 hexadecimal digits", path);
		error_hint(err, "remove it and run `pizzactl restart` for all daemons: a new one is made");
		return rc;
	}
	token[64] = '\0';
	return 0;
}

/* Written aside and linked into place, so that of two makers one wins and nobody reads half a token. */
static int token_create(const char *path, struct error *err)
{
	unsigned char random[TOKEN_BYTES];
	char aside[PATH_MAX], text[2 * TOKEN_BYTES + 2];
	int fd, rc = 0;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_errno(err, "draw random bytes");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	memcpy(text + 64, "\n", 2);
	if (snprintf(aside, sizeof(aside), "%s.%d", path, (int)getpid()) >= (int)sizeof(aside))
		return error_set(err, ERR_INVALID, "operator token", "its path is too long");
	unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, "create %s", aside);
	if (fchmod(fd, 0600) < 0 || write(fd, text, 65) != 65 || fsync(fd) < 0)
		rc = error_errno(err, "write %s", aside);
	close(fd);
	if (rc == 0 && link(aside, path) < 0 && errno != EEXIST)
		rc = error_errno(err, "create %s", path);
	unlink(aside);
	return rc;
}

int paths_operator_token(bool create, char token[65], struct error *err)
{
	char path[PATH_MAX];
	int rc;

	if (!join(path, paths.home, TOKEN_FILE))
		return error_set(err, ERR_INVALID, "operator token", "its path is too long");
	if (create && access(path, F_OK) < 0) {
		rc = token_create(path, err);
		if (rc < 0)
			return rc;
	}
	return paths_read_token(path, token, err);
}
