/*
 * Finding programs and the owners of ports.  No state; safe from every thread.
 */
#include "core/config/programs.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"

#define POSTGRES_FOLDERS "/usr/lib/postgresql"
#define JAVA_FOLDERS	 "/usr/lib/jvm"

static bool runnable(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       access(path, X_OK) == 0;
}

/* The first folder of PATH that has the program. */
static bool search_path(const char *name, char folder[PATH_MAX])
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t n = strcspn(path, ":");

		snprintf(folder, PATH_MAX, "%.*s", (int)n, path);
		if (n > 0 && runnable(folder, name))
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

/* The first line of a file, without its end; false when there is none. */
static bool first_line(FILE *f, char *text, size_t size)
{
	bool ok = f != NULL && fgets(text, (int)size, f) != NULL;

	if (ok)
		text[strcspn(text, "\n")] = '\0';
	return ok;
}

/* --- PostgreSQL --- */

/* The major version of the cluster we have; 0 for none. */
static int cluster_version(void)
{
	char path[PATH_MAX], text[32] = "";
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/PG_VERSION", paths_postgres()) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	if (!first_line(f, text, sizeof(text)))
		text[0] = '\0';
	if (f != NULL)
		fclose(f);
	return atoi(text);
}

/* The newest in /usr/lib/postgresql, or the one of the version wanted. */
static int search_versions(int wanted, char folder[PATH_MAX])
{
	DIR *d = opendir(POSTGRES_FOLDERS);
	struct dirent *e;
	int best = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char text[PATH_MAX];
		int version = atoi(e->d_name);

		snprintf(text, sizeof(text), "%s/%.64s/bin", POSTGRES_FOLDERS, e->d_name);
		if (version > best && (wanted == 0 || version == wanted) && runnable(text, "postgres") &&
		    runnable(text, "initdb")) {
			best = version;
			memcpy(folder, text, sizeof(text));
		}
	}
	if (d != NULL)
		closedir(d);
	return best;
}

static int ask_version(const char *folder)
{
	char command[PATH_MAX + 32], text[128] = "";
	FILE *p;
	const char *digits = text;

	snprintf(command, sizeof(command), "'%s/postgres' --version 2>/dev/null", folder);
	p = popen(command, "re");
	if (!first_line(p, text, sizeof(text)))
		text[0] = '\0';
	if (p != NULL)
		pclose(p);
	while (*digits != '\0' && !isdigit((unsigned char)*digits))
		digits++;
	return atoi(digits);
}

static bool ask_pg_config(char folder[PATH_MAX])
{
	FILE *p = popen("pg_config --bindir 2>/dev/null", "re");
	bool ok = first_line(p, folder, PATH_MAX);

	if (p != NULL)
		pclose(p);
	return ok && runnable(folder, "postgres") && runnable(folder, "initdb");
}

int programs_postgres(char folder[PATH_MAX], int *ret_major, struct error *err)
{
	int cluster = cluster_version();
	int version = search_versions(cluster, folder);

	if (version == 0 &&
	    (ask_pg_config(folder) || (search_path("postgres", folder) && runnable(folder, "initdb"))))
		version = ask_version(folder);
	if (cluster > 0 && version != cluster) {
		error_set(err, ERR_NOT_FOUND, "find PostgreSQL",
			  "the cluster in %.120s was made by PostgreSQL %d, which is not installed",
			  paths_postgres(), cluster);
		error_hint(err, "install postgresql-%d, or upgrade the cluster with pg_upgrade", cluster);
		return ERR_NOT_FOUND;
	}
	if (version >= POSTGRES_MINIMUM) {
		*ret_major = version;
		return 0;
	}
	if (version > 0)
		error_set(err, ERR_NOT_FOUND, "find PostgreSQL",
			  "%.120s has version %d; at least %d is needed", folder, version, POSTGRES_MINIMUM);
	else
		error_set(err, ERR_NOT_FOUND, "find PostgreSQL",
			  "its server programs are neither in %s nor in PATH", POSTGRES_FOLDERS);
	error_hint(err, "make deps installs it; or set database.url to use an existing server");
	return ERR_NOT_FOUND;
}

/* --- Java --- */

/* Major version of the runtime that owns a java program, from its file `release`; 0: not known. */
static int java_version(const char *java)
{
	char real[PATH_MAX], path[PATH_MAX + 16], line[256];
	int version = 0;
	FILE *f;

	if (realpath(java, real) == NULL)
		return 0;
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(real, '/');

		if (slash == NULL)
			return 0;
		*slash = '\0';
	}
	snprintf(path, sizeof(path), "%s/release", real);
	f = fopen(path, "re");
	while (f != NULL && version == 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "JAVA_VERSION=\"%d", &version) != 1)
			version = 0;
	if (f != NULL)
		fclose(f);
	return version == 1 ? 8 : version; /* "1.8.0" was the eighth */
}

static bool java_in(const char *folder, char path[PATH_MAX], int *ret_major)
{
	if (!runnable(folder, "java") || snprintf(path, PATH_MAX, "%s/java", folder) >= PATH_MAX)
		return false;
	*ret_major = java_version(path);
	return *ret_major == 0 || *ret_major >= JAVA_MINIMUM;
}

static bool java_newest(char path[PATH_MAX], int *ret_major)
{
	DIR *d = opendir(JAVA_FOLDERS);
	struct dirent *e;
	int best = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char folder[PATH_MAX], text[PATH_MAX];
		int major;

		snprintf(folder, sizeof(folder), "%s/%.128s/bin", JAVA_FOLDERS, e->d_name);
		if (java_in(folder, text, &major) && major > best) {
			best = major;
			memcpy(path, text, sizeof(text));
		}
	}
	if (d != NULL)
		closedir(d);
	*ret_major = best;
	return best > 0;
}

int programs_java(char path[PATH_MAX], int *ret_major, struct error *err)
{
	const char *home = getenv("JAVA_HOME");
	char folder[PATH_MAX];

	if (home != NULL && home[0] != '\0') {
		snprintf(folder, sizeof(folder), "%s/bin", home);
		if (java_in(folder, path, ret_major))
			return 0;
	}
	if (search_path("java", folder) && java_in(folder, path, ret_major))
		return 0;
	if (java_newest(path, ret_major))
		return 0;
	error_set(err, ERR_NOT_FOUND, "find Java",
		  "there is no java of version %d or later, and Kafka runs on it", JAVA_MINIMUM);
	error_hint(err, "make deps installs it (default-jre-headless); or set kafka.bootstrap to use an "
			"existing cluster");
	return ERR_NOT_FOUND;
}

/* --- Kafka --- */

/* Installed, the script that fetches the jar files lies beside the programs. */
static void hint_fetch(struct error *err)
{
	char script[PATH_MAX];

	if (snprintf(script, sizeof(script), "%s/kafka/fetch.sh", paths_bin()) >= (int)sizeof(script) ||
	    access(script, X_OK) < 0)
		snprintf(script, sizeof(script), "make kafka");
	error_hint(err,
		   "%.120s fetches them; or set kafka.libs to their folder, or kafka.bootstrap to an "
		   "existing cluster",
		   script);
}

static bool has_kafka(const char *folder)
{
	char jar[PATH_MAX];

	return snprintf(jar, sizeof(jar), "%s/kafka_2.13-%s.jar", folder, KAFKA_VERSION) < (int)sizeof(jar) &&
	       access(jar, R_OK) == 0;
}

int programs_kafka(char folder[PATH_MAX], struct error *err)
{
	const char *named = config_string(CONFIG_KAFKA_LIBS);

	if (named[0] != '\0') {
		snprintf(folder, PATH_MAX, "%s", named);
	} else {
		snprintf(folder, PATH_MAX, "%.3900s/kafka/kafka-%s", paths_bin(), KAFKA_VERSION);
		if (has_kafka(folder))
			return 0;
		snprintf(folder, PATH_MAX, "%.3900s/kafka-%s", paths_cache(), KAFKA_VERSION);
	}
	if (has_kafka(folder))
		return 0;
	error_set(err, ERR_NOT_FOUND, "find Kafka", "%.200s does not have the jar files of Kafka %s", folder,
		  KAFKA_VERSION);
	hint_fetch(err);
	return ERR_NOT_FOUND;
}

/* --- ports --- */

/* The inode of the socket that listens on a port, from one of /proc/net/tcp and tcp6; 0 when there is none.
 */
static unsigned long listening_inode(const char *table, int port)
{
	FILE *f = fopen(table, "re");
	char line[512];
	unsigned long found = 0;

	while (f != NULL && found == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned local, state;
		unsigned long inode;

		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
			   &local, &state, &inode) == 3 &&
		    (int)local == port && state == 0x0A)
			found = inode;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static bool process_has_socket(const char *pid, unsigned long inode)
{
	char folder[64], path[400], target[64], wanted[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(folder, sizeof(folder), "/proc/%.20s/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	d = opendir(folder);
	while (d != NULL && !found && (e = readdir(d)) != NULL) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (d != NULL)
		closedir(d);
	return found;
}

/* "java (pid 123)"; "another program" when we may not look. */
static void port_owner(int port, char *text, size_t size)
{
	unsigned long inode = listening_inode("/proc/net/tcp", port);
	DIR *d = opendir("/proc");
	struct dirent *e;

	snprintf(text, size, "another program");
	if (inode == 0)
		inode = listening_inode("/proc/net/tcp6", port);
	while (d != NULL && inode != 0 && (e = readdir(d)) != NULL) {
		char path[64], name[32] = "?";
		FILE *f;

		if (!isdigit((unsigned char)e->d_name[0]) || !process_has_socket(e->d_name, inode))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (!first_line(f, name, sizeof(name)))
			snprintf(name, sizeof(name), "a program");
		if (f != NULL)
			fclose(f);
		snprintf(text, size, "%s (pid %.20s)", name, e->d_name);
		break;
	}
	if (d != NULL)
		closedir(d);
}

int programs_port_free(int port, const char *what, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char owner[80];
	bool busy;

	if (fd < 0)
		return error_errno(err, "look whether port %d is free", port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	busy = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == EADDRINUSE;
	close(fd);
	if (!busy)
		return 0;
	port_owner(port, owner, sizeof(owner));
	error_set(err, ERR_CONFLICT, "use the ports", "port %d (%s) is in use by %s", port, what, owner);
	error_hint(
	    err, "end that program, or choose other ports: PIZZA_PORT_BASE=%d, or port_base in pizza.yaml",
	    (int)config_int(CONFIG_PORT_BASE) <= 54000 ? (int)config_int(CONFIG_PORT_BASE) + 1000 : 5000);
	return ERR_CONFLICT;
}
