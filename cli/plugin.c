/*
 * Plugins.  No state.
 */
#include "cli/plugin.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/context.h"

#define PREFIX "pizzactl-"

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n < 64 && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The next folder of PATH, owned, or NULL.  Relative ones do not count: what runs shall not depend on where
 * one is. */
static char *next_folder(const char **rest)
{
	while (**rest != '\0') {
		size_t n = strcspn(*rest, ":");
		const char *start = *rest;

		*rest += n + (start[n] == ':');
		if (start[0] == '/')
			return xstrndup(start, n);
	}
	return NULL;
}

static const char *path_variable(void)
{
	const char *path = getenv("PATH");

	return path != NULL ? path : "";
}

/* The program of a plugin, owned, or NULL. */
static char *find(const char *name)
{
	const char *rest = path_variable();
	char *folder;

	if (!is_name(name))
		return NULL;
	while ((folder = next_folder(&rest)) != NULL) {
		char *path = xasprintf("%s/" PREFIX "%s", folder, name);

		free(folder);
		if (is_program(path))
			return path;
		free(path);
	}
	return NULL;
}

/* --- running --- */

/* How many words an option with the context takes, 0 when the word is none. */
static int context_words(const char *word)
{
	if (strcmp(word, "-C") == 0 || strcmp(word, "--context") == 0)
		return 2;
	return strncmp(word, "-C", 2) == 0 || strncmp(word, "--context=", 10) == 0;
}

static void export_self(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = '\0';
	setenv("PIZZACTL", path, 1);
}

int plugin_run(int argc, char **argv, const struct invocation *given, struct error *err)
{
	AUTO_FREE char *program = given->unknown_at > 0 ? find(argv[given->unknown_at]) : NULL;
	AUTO_FREE char **words = NULL;
	int n = 0, rc;

	if (program == NULL)
		return ERR_NOT_FOUND;
	rc = context_use(invocation_text(given, "context"), err);
	if (rc < 0)
		return rc;
	context_export();
	export_self();
	words = xcalloc((size_t)argc + 1, sizeof(*words));
	words[n++] = program;
	for (int i = 1; i < argc; i++) {
		int skip = i < given->unknown_at ? context_words(argv[i]) : i == given->unknown_at;

		if (skip == 0)
			words[n++] = argv[i];
		else
			i += skip - 1;
	}
	signal(SIGPIPE, SIG_DFL);
	execv(program, words);
	return error_errno(err, "run %s", program);
}

/* --- listing --- */

/* What is in the way of a plugin, or NULL. */
static const char *hidden_by(const char *name)
{
	for (int i = 0; nouns[i] != NULL; i++)
		if (strncmp(nouns[i]->name, name, strlen(name)) == 0)
			return nouns[i]->name;
	return NULL;
}

static bool is_listed(const json_t *rows, const char *member, const char *text)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(json_string_or(json_array_get(rows, i), member, ""), text) == 0)
			return true;
	return false;
}

static void add_row(json_t *rows, const char *name, const char *path)
{
	const char *command = hidden_by(name);
	AUTO_FREE char *reason = NULL;

	if (command != NULL)
		reason = xasprintf("%s is a command of pizzactl's own", command);
	else if (is_listed(rows, "name", name))
		reason = xstrdup("one of this name stands earlier on PATH");
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "path", path, "state",
					      reason == NULL ? "ok" : "hidden", "reason",
					      reason == NULL ? "" : reason));
}

static int is_plugin(const struct dirent *e)
{
	return strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0 && is_name(e->d_name + strlen(PREFIX));
}

static void add_folder(json_t *rows, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_plugin, alphasort);

	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", folder, entries[i]->d_name);

		if (is_program(path) && !is_listed(rows, "path", path)) /* PATH may name a folder twice */
			add_row(rows, entries[i]->d_name + strlen(PREFIX), path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

json_t *plugin_list(void)
{
	json_t *rows = json_array();
	const char *rest = path_variable();
	char *folder;

	while ((folder = next_folder(&rest)) != NULL) {
		add_folder(rows, folder);
		free(folder);
	}
	return rows;
}

void plugin_overview(struct buf *out)
{
	AUTO_JSON json_t *rows = plugin_list();
	bool any = false;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (strcmp(json_string_or(row, "state", ""), "ok") != 0)
			continue;
		buf_addf(out, "%s  %-12s%s\n", any ? "" : "\nplugins\n", json_string_or(row, "name", ""),
			 json_string_or(row, "path", ""));
		any = true;
	}
}
