/*
 * The file with the contexts: reading, checking, changing.  No state.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/config/config.h"
#include "core/config/edit.h"
#include "core/config/file.h"
#include "core/config/paths.h"
#include "core/console/context.h"

#define NAME_MAX_LENGTH 40

static const struct {
	const char *name, *text;
} keys[CONTEXT_KEY_COUNT] = {
#define X(symbol, key_name, key_text) [CONTEXT_##symbol] = {key_name, key_text},
    CONTEXT_KEYS(X)
#undef X
};

const char *context_key_name(enum context_key key)
{
	return keys[key].name;
}

const char *context_key_text(enum context_key key)
{
	return keys[key].text;
}

static void context_done(struct context *c)
{
	free(c->name);
	for (int i = 0; i < CONTEXT_KEY_COUNT; i++)
		free(c->values[i]);
	for (int i = 0; i < DAEMON_COUNT; i++)
		free(c->urls[i]);
}

void contexts_done(struct contexts *list)
{
	for (int i = 0; i < list->count; i++)
		context_done(&list->items[i]);
	free(list->items);
	free(list->current);
	memset(list, 0, sizeof(*list));
}

const struct context *contexts_find(const struct contexts *list, const char *name)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

int contexts_need(const struct contexts *list, const char *name, const struct context **ret,
		  struct error *err)
{
	AUTO_FREE const char **names = xcalloc((size_t)list->count, sizeof(*names));

	*ret = contexts_find(list, name);
	if (*ret != NULL)
		return 0;
	for (int i = 0; i < list->count; i++)
		names[i] = list->items[i].name;
	nearest_refuse(ERR_USAGE, name, "no such context", names, list->count, err);
	if (err->hint[0] == '\0')
		error_hint(err, "pizzactl context add makes one");
	return ERR_USAGE;
}

/* --- what is allowed --- */

static int check_name(const char *name, struct error *err)
{
	size_t n = strlen(name);

	if (n > 0 && n <= NAME_MAX_LENGTH && name[0] != '-' &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n)
		return 0;
	return error_set(err, ERR_INVALID, name,
			 "is no name for a context: letters, digits, - and _, at most %d", NAME_MAX_LENGTH);
}

static int check_url(const char *what, const char *url, struct error *err)
{
	const char *host = strstr(url, "://");

	if ((strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) && host[3] != '\0' &&
	    host[3] != '/' && strpbrk(url, " \t\"'?#") == NULL)
		return 0;
	return error_set(err, ERR_INVALID, what,
			 "\"%.80s\" is not allowed: must be a URL such as http://10.0.0.7", url);
}

static int check_value(enum context_key key, const char *value, struct error *err)
{
	const char *name = keys[key].name;
	enum config_key same;

	switch (key) {
	case CONTEXT_HOME:
	case CONTEXT_CONFIG:
		return value[0] == '/'
			   ? 0
			   : error_set(err, ERR_INVALID, name,
				       "\"%.80s\" is not allowed: must be an absolute path", value);
	case CONTEXT_API:
		return check_url(name, value, err);
	case CONTEXT_PORT_BASE:
	case CONTEXT_DATABASE_URL:
	case CONTEXT_KAFKA_BOOTSTRAP:
		return config_find(name, &same) ? config_check(same, value, err) : ERR_BUG;
	case CONTEXT_TOKEN_FILE:
		return value[0] != '\0' ? 0 : error_set(err, ERR_INVALID, name, "must be a path");
	case CONTEXT_TOKEN:
		return strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64
			   ? 0
			   : error_set(err, ERR_INVALID, name, "must have 64 hexadecimal digits");
	case CONTEXT_READONLY:
	case CONTEXT_PROTECTED:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0
			   ? 0
			   : error_set(err, ERR_INVALID, name,
				       "\"%.40s\" is not allowed: must be true or false", value);
	case CONTEXT_KEY_COUNT:
		break;
	}
	return 0;
}

static int unknown_key(const char *key, struct error *err)
{
	CLEANUP(buf_done) struct buf list = {0};
	const char *names[CONTEXT_KEY_COUNT];

	for (int i = 0; i < CONTEXT_KEY_COUNT; i++) {
		names[i] = keys[i].name;
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	error_set(err, ERR_INVALID, key, "there is no such key; there are %s and api.DAEMON", buf_str(&list));
	(void)nearest_hint(key, names, CONTEXT_KEY_COUNT, err);
	return ERR_INVALID;
}

/* Where a key's value belongs: ERR_INVALID when there is no such key, or the value is not allowed. */
static int find_slot(struct context *c, const char *key, const char *value, char ***ret, struct error *err)
{
	const struct daemon_info *d;

	for (int i = 0; i < CONTEXT_KEY_COUNT; i++) {
		if (strcmp(keys[i].name, key) != 0)
			continue;
		*ret = &c->values[i];
		return check_value((enum context_key)i, value, err);
	}
	if (strncmp(key, "api.", 4) != 0)
		return unknown_key(key, err);
	d = daemon_find(key + 4);
	if (d == NULL)
		return error_set(err, ERR_INVALID, key, "there is no such daemon");
	*ret = &c->urls[d->id];
	return check_url(key, value, err);
}

/* --- reading --- */

struct reading {
	struct contexts *list;
	int rc;
	struct error *err;
	bool secret;
};

static struct context *context_of(struct contexts *list, const char *name, int line)
{
	struct context *c = (struct context *)contexts_find(list, name);

	if (c == NULL) {
		list->items = xreallocarray(list->items, (size_t)list->count + 1, sizeof(list->items[0]));
		c = &list->items[list->count++];
		*c = (struct context){.name = xstrdup(name)};
	}
	if (c->line == 0)
		c->line = line;
	return c;
}

static int take_value(struct reading *r, int line, const char *rest, const char *value)
{
	AUTO_FREE char *name = xstrndup(rest, strcspn(rest, "."));
	const char *key = rest + strlen(name);
	struct context *c;
	char **slot = NULL;
	enum config_key database = CONFIG_DATABASE_URL;
	int rc = check_name(name, r->err);

	if (rc < 0)
		return rc;
	c = context_of(r->list, name, line);
	if (*key == '\0')
		return value[0] == '\0' ? 0 : error_set(r->err, ERR_INVALID, name, "must be a map of keys");
	rc = find_slot(c, key + 1, value, &slot, r->err);
	if (rc < 0)
		return rc;
	if (*slot != NULL)
		return error_set(r->err, ERR_INVALID, key + 1, "is set twice");
	if (c == r->list->items && (slot == &c->values[CONTEXT_HOME] || slot == &c->values[CONTEXT_API]))
		return error_set(r->err, ERR_INVALID, key + 1,
				 "local is the installation in PIZZA_HOME, and can have no other");
	*slot = xstrdup(value);
	r->secret |= slot == &c->values[CONTEXT_TOKEN] ||
		     (slot == &c->values[CONTEXT_DATABASE_URL] && config_has_secret(database, value));
	return 0;
}

static void take_entry(void *arg, int line, const char *key, const char *value, const char *problem)
{
	struct reading *r = arg;
	char what[96];

	if (r->rc < 0)
		return;
	if (problem != NULL) {
		r->rc = error_set(r->err, ERR_INVALID, key, "%s", problem);
	} else if (strcmp(key, "current") == 0) {
		free(r->list->current);
		r->list->current = value[0] != '\0' ? xstrdup(value) : NULL;
	} else if (strncmp(key, "contexts.", 9) == 0) {
		r->rc = take_value(r, line, key + 9, value);
	} else if (strcmp(key, "contexts") != 0 || value[0] != '\0') {
		r->rc = error_set(r->err, ERR_INVALID, key,
				  "there is no such key; there are current and contexts");
	}
	if (r->rc == 0 || r->err == NULL)
		return;
	snprintf(what, sizeof(what), "contexts.yaml:%d%s%.60s", line, r->err->what[0] != '\0' ? ": " : "",
		 r->err->what);
	snprintf(r->err->what, sizeof(r->err->what), "%s", what);
	if (r->err->hint[0] == '\0')
		error_hint(r->err, "mend that line of %.200s", r->list->file);
}

/* Who may write to the file decides where changes go and with which token. */
static int check_mode(const char *file, bool secret, struct error *err)
{
	struct stat st;
	const char *why = NULL;

	if (stat(file, &st) < 0)
		return 0;
	if (st.st_uid != geteuid() && st.st_uid != 0)
		why = "belongs to another user";
	else if ((st.st_mode & 0022) != 0)
		why = "can be written to by others";
	else if (secret && (st.st_mode & 0004) != 0)
		why = "has a secret in it, and can be read by others";
	if (why == NULL)
		return 0;
	error_set(err, ERR_REFUSED, "contexts", "%.200s %s", file, why);
	error_hint(err,
		   st.st_uid != geteuid() && st.st_uid != 0 ? "chown it to yourself and chmod 600 %s"
							    : "chmod 600 %s",
		   file);
	return ERR_REFUSED;
}

/* A context must say where its installation is. */
static int check_complete(const struct contexts *list, struct error *err)
{
	for (int i = 1; i < list->count; i++) {
		const struct context *c = &list->items[i];
		bool any = c->values[CONTEXT_HOME] != NULL || c->values[CONTEXT_API] != NULL;

		for (int d = 0; d < DAEMON_COUNT; d++)
			any |= c->urls[d] != NULL;
		if (any)
			continue;
		error_set(err, ERR_INVALID, c->name, "%s:%d: names neither home nor api", "contexts.yaml",
			  c->line);
		error_hint(err, "give it the home folder of an installation on this machine, or an api URL");
		return ERR_INVALID;
	}
	return 0;
}

static int read_file(const char *file, struct contexts *ret, bool *ret_secret, struct error *err)
{
	struct reading r = {.list = ret, .err = err};
	int rc = config_file_read(file, take_entry, &r, err);

	*ret_secret = r.secret;
	if (rc < 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	return r.rc < 0 ? r.rc : check_complete(ret, err);
}

static int start_list(struct contexts *ret, struct error *err)
{
	char folder[PATH_MAX - 32];

	memset(ret, 0, sizeof(*ret));
	(void)context_of(ret, "local", 0);
	if (!paths_config(folder, sizeof(folder)))
		return error_set(err, ERR_INVALID, "contexts", "the path of the file is too long");
	snprintf(ret->file, sizeof(ret->file), "%s/contexts.yaml", folder);
	return 0;
}

int contexts_read(struct contexts *ret, struct error *err)
{
	bool secret = false;
	int rc = start_list(ret, err);

	if (rc == 0)
		rc = check_mode(ret->file, false, err);
	if (rc == 0)
		rc = read_file(ret->file, ret, &secret, err);
	if (rc == 0)
		rc = check_mode(ret->file, secret, err);
	return rc;
}

/* --- changing --- */

/* Writes the new text, once it has been read as contexts. */
static int store(const struct contexts *list, const struct buf *text, bool apply, struct error *err)
{
	CLEANUP(contexts_done) struct contexts fresh;
	AUTO_FREE char *aside = xasprintf("%s.%d.check", list->file, (int)getpid());
	bool secret;
	int rc = start_list(&fresh, err);

	if (rc == 0)
		rc = edit_write(aside, text, 0600, err);
	if (rc == 0)
		rc = read_file(aside, &fresh, &secret, err);
	unlink(aside);
	if (rc == 0 && fresh.current != NULL) {
		const struct context *c;

		rc = contexts_need(&fresh, fresh.current, &c, err);
	}
	return rc < 0 || !apply ? rc : edit_write(list->file, text, 0600, err);
}

static int set_one(struct buf *text, const char *name, const char *pair, struct error *err)
{
	struct context scratch = {0};
	const char *equals = strchr(pair, '=');
	AUTO_FREE char *key = NULL, *path = NULL;
	char **slot;
	int rc;

	if (equals == NULL || equals == pair) {
		error_set(err, ERR_USAGE, pair, "is not KEY=VALUE");
		error_hint(err, "such as api=http://10.0.0.7 or readonly=true");
		return ERR_USAGE;
	}
	key = xstrndup(pair, (size_t)(equals - pair));
	rc = find_slot(&scratch, key, equals + 1, &slot, err);
	if (rc < 0)
		return rc;
	path = xasprintf("contexts/%s/%s", name, key);
	return edit_set(text, path, equals + 1, err);
}

int contexts_set(const char *name, const char *const *values, int count, bool apply, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	CLEANUP(buf_done) struct buf text = {0};
	int rc = contexts_read(&list, err);

	if (rc == 0)
		rc = check_name(name, err);
	if (rc == 0)
		rc = edit_read(list.file, &text, err);
	for (int i = 0; rc == 0 && i < count; i++)
		rc = set_one(&text, name, values[i], err);
	return rc < 0 ? rc : store(&list, &text, apply, err);
}

int contexts_remove(const char *name, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_FREE char *path = xasprintf("contexts/%s", name);
	const struct context *c = NULL;
	int rc = contexts_read(&list, err);

	if (rc == 0)
		rc = contexts_need(&list, name, &c, err);
	if (rc == 0 && c->line == 0)
		rc = error_set(err, ERR_REFUSED, name, "is always there");
	if (rc == 0)
		rc = edit_read(list.file, &text, err);
	if (rc == 0)
		rc = edit_remove(&text, path, err);
	if (rc == 0 && list.current != NULL && strcmp(list.current, name) == 0)
		rc = edit_remove(&text, "current", err);
	return rc < 0 ? rc : store(&list, &text, true, err);
}

int contexts_make_current(const char *name, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	CLEANUP(buf_done) struct buf text = {0};
	const struct context *c = NULL;
	int rc = contexts_read(&list, err);

	if (rc == 0)
		rc = contexts_need(&list, name, &c, err);
	if (rc == 0)
		rc = edit_read(list.file, &text, err);
	if (rc == 0)
		rc = edit_set(&text, "current", name, err);
	return rc < 0 ? rc : store(&list, &text, true, err);
}
