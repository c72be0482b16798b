/*
 * Typed configuration.  The values in force are one immutable table reached through an atomic pointer:
 * readers never lock, loading builds a new table and publishes it.  Tables are never freed, because strings
 * handed out stay valid for the life of the process; they are few (one per reload).  One lock serialises
 * whoever builds tables.
 */
#include "core/config/config.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ctype.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/config/file.h"
#include "core/config/value.h"

struct table {
	struct config_value values[CONFIG_COUNT];
	int lines[CONFIG_COUNT]; /* of the file, where it sets the key; 0: it does not */
	struct table *older;	 /* keeps the strings handed out reachable */
};

static _Atomic(struct table *) in_force;
static pthread_mutex_t build_lock = PTHREAD_MUTEX_INITIALIZER;
static char *overrides[CONFIG_COUNT];  /* texts of options; under build_lock */
static char *contextual[CONFIG_COUNT]; /* texts of the context; under build_lock */
static bool context_chosen;	       /* they beat the environment */
static char file_path[PATH_MAX];       /* asked for, or found; written by those that load, under build_lock */
static bool file_found;
static bool file_searched; /* in the usual places: one may appear there later */

static void table_free(struct table *t)
{
	for (int i = 0; t != NULL && i < CONFIG_COUNT; i++)
		free(t->values[i].text);
	free(t);
}

static void set_value(struct table *t, enum config_key key, struct config_value v, enum config_origin origin)
{
	free(t->values[key].text);
	v.origin = origin;
	t->values[key] = v;
}

/* The key table is ours: a default that does not pass its own check is a bug that the tests find. */
static struct table *table_default(void)
{
	struct table *t = xcalloc(1, sizeof(*t));

	for (int i = 0; i < CONFIG_COUNT; i++) {
		struct config_value v;

		if (config_value_parse((enum config_key)i, config_row((enum config_key)i)->fallback, &v,
				       NULL) < 0)
			abort();
		set_value(t, (enum config_key)i, v, ORIGIN_DEFAULT);
	}
	return t;
}

/* Under build_lock. */
static void publish(struct table *t)
{
	t->older = atomic_load(&in_force);
	atomic_store(&in_force, t);
}

/* The table in force; before config_load that of the defaults. */
static const struct table *table_now(void)
{
	struct table *t = atomic_load_explicit(&in_force, memory_order_acquire);

	if (t != NULL)
		return t;
	pthread_mutex_lock(&build_lock);
	if (atomic_load(&in_force) == NULL)
		publish(table_default());
	pthread_mutex_unlock(&build_lock);
	return atomic_load(&in_force);
}

/* --- the file --- */

struct loading {
	const char *path;
	struct table *table;
	int problems;
	void (*problem)(void *arg, int line, const char *key, const struct error *err);
	void *arg;
	struct error first;
};

/* "FILE:LINE: key", the file cut from the left when it is long. */
static void locate(char *text, size_t size, const char *path, int line, const char *key)
{
	char tail[64];
	size_t room, len = strlen(path);

	snprintf(tail, sizeof(tail), ":%d%s%.48s", line, key[0] != '\0' ? ": " : "", key);
	room = size - 1 - strlen(tail);
	if (len <= room)
		snprintf(text, size, "%s%s", path, tail);
	else
		snprintf(text, size, "...%s%s", path + len - room + 3, tail);
}

static void add_problem(struct loading *l, int line, const char *key, const struct error *err)
{
	struct error e = *err;

	locate(e.what, sizeof(e.what), l->path, line, key);
	if (l->problems++ == 0)
		l->first = e;
	if (l->problem != NULL)
		l->problem(l->arg, line, key, &e);
}

static void take_entry(void *arg, int line, const char *name, const char *value, const char *problem)
{
	struct loading *l = arg;
	struct config_value v;
	struct error err = {0};
	enum config_key key;

	if (problem != NULL) {
		error_set(&err, ERR_INVALID, name, "%s", problem);
	} else if (!config_find(name, &key)) {
		config_unknown_key(name, &err);
	} else if (l->table->lines[key] > 0) {
		error_set(&err, ERR_INVALID, name, "is set twice, first in line %d", l->table->lines[key]);
	} else if (config_value_parse(key, value, &v, &err) == 0) {
		l->table->lines[key] = line;
		set_value(l->table, key, v, ORIGIN_FILE);
		return;
	}
	add_problem(l, line, name, &err);
}

/* --- the environment and options --- */

const char *config_variable(enum config_key key, char *text, size_t size)
{
	size_t n;

	snprintf(text, size, "PIZZA_%s", config_row(key)->name);
	n = strlen(text);
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] == '.' ? '_' : (char)toupper((unsigned char)text[i]);
	return text;
}

static int apply_environment(struct table *t, struct error *err)
{
	for (int i = 0; i < CONFIG_COUNT; i++) {
		char name[64];
		const char *text;
		struct config_value v;
		int rc;

		text = getenv(config_variable((enum config_key)i, name, sizeof(name)));
		if (text == NULL || text[0] == '\0')
			continue;
		rc = config_value_parse((enum config_key)i, text, &v, err);
		if (rc < 0) {
			if (err != NULL)
				snprintf(err->what, sizeof(err->what), "environment variable %.60s", name);
			return rc;
		}
		set_value(t, (enum config_key)i, v, ORIGIN_ENVIRONMENT);
	}
	return 0;
}

/* Texts of options or of the context, which were validated when they were given. */
static int apply_texts(struct table *t, char *const texts[CONFIG_COUNT], enum config_origin origin,
		       struct error *err)
{
	for (int i = 0; i < CONFIG_COUNT; i++) {
		struct config_value v;
		int rc;

		if (texts[i] == NULL)
			continue;
		rc = config_value_parse((enum config_key)i, texts[i], &v, err);
		if (rc < 0)
			return rc;
		set_value(t, (enum config_key)i, v, origin);
	}
	return 0;
}

static int apply_file(struct table *t, const char *path, struct error *err)
{
	struct loading l = {.path = path, .table = t};
	int rc = config_file_read(path, take_entry, &l, err);

	if (rc < 0)
		return rc;
	if (l.problems > 0) {
		if (err != NULL)
			*err = l.first;
		return l.first.code;
	}
	return 0;
}

static int table_build(struct table **ret, struct error *err)
{
	struct table *t = table_default();
	int rc = file_found ? apply_file(t, file_path, err) : 0;

	if (rc == 0 && !context_chosen)
		rc = apply_texts(t, contextual, ORIGIN_CONTEXT, err);
	if (rc == 0)
		rc = apply_environment(t, err);
	if (rc == 0 && context_chosen)
		rc = apply_texts(t, contextual, ORIGIN_CONTEXT, err);
	if (rc == 0)
		rc = apply_texts(t, overrides, ORIGIN_OPTION, err);
	if (rc < 0) {
		table_free(t);
		return rc;
	}
	*ret = t;
	return 0;
}

/* --- loading --- */

static bool try_path(const char *folder, const char *name)
{
	snprintf(file_path, sizeof(file_path), "%s%s", folder, name);
	return access(file_path, F_OK) == 0;
}

/* A relative path is taken from where the program was started, also when it is read again later. */
static void make_absolute(void)
{
	char full[PATH_MAX];

	if (file_found && file_path[0] != '/' && realpath(file_path, full) != NULL)
		memcpy(file_path, full, sizeof(full));
}

/* The user's own file; where there is none, the machine's; and if that is not there either, the first place
 * is kept in mind. */
static bool find_usual(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char own[PATH_MAX];
	bool has_own = true;

	if (folder != NULL && folder[0] == '/')
		snprintf(own, sizeof(own), "%s/pizza/pizza.yaml", folder);
	else if (home != NULL)
		snprintf(own, sizeof(own), "%s/.config/pizza/pizza.yaml", home);
	else
		has_own = false;
	if ((has_own && try_path(own, "")) || try_path("/etc", "/pizza/pizza.yaml"))
		return true;
	if (has_own)
		(void)try_path(own, "");
	return false;
}

/* Which file to read.  One that was named by an argument must exist; the usual places need not have one. */
static void find_file(const char *file)
{
	const char *named = getenv("PIZZA_CONFIG");

	file_searched = file == NULL;
	if (file != NULL) {
		snprintf(file_path, sizeof(file_path), "%s", file);
		file_found = file[0] != '\0';
	} else if (named != NULL && named[0] != '\0') {
		file_found = try_path(named, "");
	} else {
		file_found = find_usual();
	}
	make_absolute();
}

int config_load(const char *file, struct error *err)
{
	struct table *t = NULL;
	int rc;

	pthread_mutex_lock(&build_lock);
	find_file(file);
	rc = table_build(&t, err);
	if (rc == 0)
		publish(t);
	pthread_mutex_unlock(&build_lock);
	return rc;
}

/* Keeps what may not change while running, and lists it. */
static void keep_fixed(struct table *fresh, const struct table *old, struct buf *skipped)
{
	for (int i = 0; i < CONFIG_COUNT; i++) {
		const struct config_row *row = config_row((enum config_key)i);
		struct config_value v = old->values[i];

		if (row->reloadable || strcmp(fresh->values[i].text, v.text) == 0)
			continue;
		buf_addf(skipped, "%s%s", skipped->len > 0 ? ", " : "", row->name);
		v.text = xstrdup(v.text);
		set_value(fresh, (enum config_key)i, v, v.origin);
	}
}

int config_reload(char *skipped, size_t size, struct error *err)
{
	CLEANUP(buf_done) struct buf list = {0};
	struct table *t = NULL;
	int rc;

	(void)table_now();
	pthread_mutex_lock(&build_lock);
	if (!file_found && file_searched)
		find_file(NULL);
	rc = table_build(&t, err);
	if (rc == 0) {
		keep_fixed(t, atomic_load(&in_force), &list);
		publish(t);
		if (size > 0)
			snprintf(skipped, size, "%s", buf_str(&list));
	}
	pthread_mutex_unlock(&build_lock);
	return rc;
}

static int check_pair(const char *name, const char *value, enum config_key *ret, struct error *err)
{
	return config_find(name, ret) ? config_check(*ret, value, err) : config_unknown_key(name, err);
}

int config_context(const char *name, const char *value, bool chosen, struct error *err)
{
	enum config_key key = CONFIG_PORT_BASE;
	int rc = check_pair(name, value, &key, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&build_lock);
	free(contextual[key]);
	contextual[key] = xstrdup(value);
	context_chosen = chosen;
	pthread_mutex_unlock(&build_lock);
	return 0;
}

void config_context_forget(void)
{
	pthread_mutex_lock(&build_lock);
	for (int i = 0; i < CONFIG_COUNT; i++) {
		free(contextual[i]);
		contextual[i] = NULL;
	}
	context_chosen = false;
	pthread_mutex_unlock(&build_lock);
}

int config_override(const char *name, const char *value, struct error *err)
{
	struct table *t;
	enum config_key key = CONFIG_PORT_BASE;
	int rc = check_pair(name, value, &key, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&build_lock);
	free(overrides[key]);
	overrides[key] = xstrdup(value);
	if (atomic_load(&in_force) != NULL) {
		rc = table_build(&t, err);
		if (rc == 0)
			publish(t);
	}
	pthread_mutex_unlock(&build_lock);
	return rc;
}

const char *config_file(void)
{
	return file_found ? file_path : "";
}

const char *config_place(void)
{
	return file_path;
}

int config_validate_file(const char *file,
			 void (*problem)(void *arg, int line, const char *key, const struct error *err),
			 void *arg, struct error *err)
{
	struct loading l = {.path = file, .table = table_default(), .problem = problem, .arg = arg};
	int rc = config_file_read(file, take_entry, &l, err);

	table_free(l.table);
	if (rc < 0 || l.problems == 0)
		return rc;
	rc = error_set(err, ERR_INVALID, "configuration", "%.200s has %d problem%s", file, l.problems,
		       l.problems > 1 ? "s" : "");
	return rc;
}

int config_read_file(const char *file, void (*value)(void *arg, enum config_key key, const char *text),
		     void *arg, struct error *err)
{
	struct table *t = table_default();
	int rc = apply_file(t, file, err);

	for (int i = 0; rc == 0 && i < CONFIG_COUNT; i++)
		if (t->values[i].origin == ORIGIN_FILE)
			value(arg, (enum config_key)i, t->values[i].text);
	table_free(t);
	return rc;
}

/* --- reading --- */

const char *config_string(enum config_key key)
{
	return table_now()->values[key].text;
}

int64_t config_int(enum config_key key)
{
	return table_now()->values[key].number;
}

bool config_bool(enum config_key key)
{
	return table_now()->values[key].number != 0;
}

double config_rate(enum config_key key)
{
	return table_now()->values[key].rate;
}

int config_line(enum config_key key)
{
	const struct table *t = table_now();

	return t->values[key].origin == ORIGIN_FILE ? t->lines[key] : 0;
}

enum config_origin config_origin(enum config_key key)
{
	return table_now()->values[key].origin;
}

const char *config_text(enum config_key key)
{
	return table_now()->values[key].text;
}
