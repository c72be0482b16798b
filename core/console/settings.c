/*
 * Changing and comparing the configuration.  One thread.
 */
#include "core/console/settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/edit.h"
#include "core/config/report.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/control.h"
#include "core/console/guard.h"
#include "core/contract/daemons.h"

#define EVERYTHING "pizzactl down && pizzactl up"

int settings_find(const char *name, enum config_key *ret, struct error *err)
{
	if (config_find(name, ret))
		return 0;
	(void)config_unknown_key(name, err);
	if (err != NULL)
		err->code = ERR_NOT_FOUND;
	return ERR_NOT_FOUND;
}

/* --- set, unset --- */

static void first_problem(void *arg, int line, const char *key, const struct error *err)
{
	struct error *first = arg;

	(void)line;
	(void)key;
	if (first->code == 0)
		*first = *err;
}

/* A file with a mistake would be refused by every program, so the mistake comes first. */
static int check_file(const char *file, struct error *err)
{
	struct error first = {0};
	int rc = config_validate_file(file, first_problem, &first, err);

	if (rc == 0 || first.code == 0)
		return rc;
	if (err != NULL)
		*err = first;
	return rc;
}

static int check_text(const char *file, const struct buf *text, struct error *err)
{
	AUTO_FREE char *aside = xasprintf("%s.%d.check", file, (int)getpid());
	int rc = edit_write(aside, text, 0600, err);

	if (rc == 0)
		rc = check_file(aside, err);
	unlink(aside);
	return rc;
}

static int remove_key(struct buf *text, const char *file, const char *name, struct error *err)
{
	int rc = edit_remove(text, name, err);

	if (rc != ERR_NOT_FOUND)
		return rc;
	error_set(err, rc, name, "is not set in %s", file);
	error_hint(err, "pizzactl config show --origin says where each value comes from");
	return rc;
}

/* value NULL: the key is taken out. */
static int change(const char *action, enum config_key key, const char *value, bool apply, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	const char *file = config_place(), *name = config_row(key)->name;
	bool there = access(file, F_OK) == 0;
	unsigned mode = there ? 0 : value != NULL && config_has_secret(key, value) ? 0600 : 0644;
	int rc = guard_local(action, err);

	if (rc == 0 && value != NULL)
		rc = config_check(key, value, err);
	if (rc == 0 && there)
		rc = check_file(file, err);
	if (rc == 0)
		rc = edit_read(file, &text, err);
	if (rc == 0)
		rc = value != NULL ? edit_set(&text, name, value, err) : remove_key(&text, file, name, err);
	if (rc < 0 || !apply)
		return rc;
	rc = guard_change(action, err);
	if (rc == 0)
		rc = check_text(file, &text, err);
	return rc < 0 ? rc : edit_write(file, &text, mode, err);
}

int settings_set(enum config_key key, const char *value, bool apply, struct error *err)
{
	return change("config set", key, value, apply, err);
}

int settings_unset(enum config_key key, bool apply, struct error *err)
{
	return change("config unset", key, NULL, apply, err);
}

/* --- who uses a key --- */

#define USER_PIZZAD DAEMON_COUNT /* beside the daemons */
#define ALL_DAEMONS ((1u << DAEMON_COUNT) - 1)
#define ALL	    (ALL_DAEMONS | 1u << USER_PIZZAD)

/* Programs by the beginning of a key's name; a daemon's own keys begin with its service. */
static unsigned users_of(enum config_key key)
{
	static const struct {
		const char *start;
		unsigned users;
	} rows[] = {
	    {"port_base", ALL},
	    {"database.url", ALL},
	    {"kafka.bootstrap", ALL},
	    {"log.", ALL},
	    {"postgres.", 1u << USER_PIZZAD},
	    {"kafka.", 1u << USER_PIZZAD},
	    {"breaker.", 1u << DAEMON_PAYMENT | 1u << DAEMON_NOTIFY},
	    {"mail.", 1u << DAEMON_NOTIFY},
	    {"sms.", 1u << DAEMON_NOTIFY},
	};
	const char *name = config_row(key)->name;
	AUTO_FREE char *service = xstrndup(name, strcspn(name, "."));
	const struct daemon_info *d = daemon_find(service);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(name, rows[i].start, strlen(rows[i].start)) == 0)
			return rows[i].users;
	return d != NULL ? 1u << d->id : ALL_DAEMONS;
}

static const char *user_name(int user)
{
	return user == USER_PIZZAD ? "pizzad" : daemons[user].name;
}

/* What makes programs take a key anew: " a b" are the daemons in question. */
static void add_command(struct buf *out, unsigned users)
{
	if ((users & 1u << USER_PIZZAD) != 0) {
		buf_adds(out, EVERYTHING);
		return;
	}
	buf_adds(out, "pizzactl restart");
	for (int d = 0; d < DAEMON_COUNT; d++)
		if ((users & 1u << d) != 0)
			buf_addf(out, " %s", daemons[d].name);
}

const char *settings_mend(enum config_key key, char *text, size_t size)
{
	CLEANUP(buf_done) struct buf command = {0};

	if (!config_row(key)->reloadable)
		add_command(&command, users_of(key));
	snprintf(text, size, "%s", buf_str(&command));
	return text;
}

/* --- what is configured --- */

struct wanted {
	const char *text[CONFIG_COUNT]; /* borrowed */
	json_t *file;			/* owner of the texts of a file */
};

static void take_file_value(void *arg, enum config_key key, const char *text)
{
	struct wanted *w = arg;

	json_object_set_new(w->file, config_row(key)->name, json_string(text));
	w->text[key] = json_string_value(json_object_get(w->file, config_row(key)->name));
}

static int read_wanted(const char *file, struct wanted *w, struct error *err)
{
	for (int key = 0; key < CONFIG_COUNT; key++)
		w->text[key] = file == NULL ? config_text((enum config_key)key)
					    : config_row((enum config_key)key)->fallback;
	w->file = json_object();
	if (file != NULL) {
		int rc = check_file(file, err);

		return rc < 0 ? rc : config_read_file(file, take_file_value, w, err);
	}
	if (context_is_local() || context_value(CONTEXT_CONFIG) != NULL)
		return 0;
	error_set(err, ERR_USAGE, "config diff", "the configuration of the context %s is not on this machine",
		  context_now()->name);
	error_hint(err, "name a file to compare with: pizzactl config diff FILE");
	return ERR_USAGE;
}

/* --- what runs --- */

struct comparison {
	struct wanted wanted;
	char salt[65];
	json_t *rows;
};

/* True when the running value is another than the configured one. */
static bool differs(const struct comparison *c, enum config_key key, const json_t *running)
{
	const char *fingerprint = json_string_or(running, "fingerprint", NULL), *text = c->wanted.text[key];
	char own[33];

	if (fingerprint == NULL)
		return config_has_secret(key, text) ||
		       strcmp(json_string_or(running, "value", ""), text) != 0;
	return strcmp(config_fingerprint(c->salt, text, own), fingerprint) != 0;
}

static json_t *find_row(const struct comparison *c, const char *key, const json_t *running, const char *file)
{
	size_t i;
	json_t *row;

	json_array_foreach (c->rows, i, row)
		if (strcmp(json_string_or(row, "key", ""), key) == 0 &&
		    strcmp(json_string_or(row, "running", ""), json_string_or(running, "value", "")) == 0 &&
		    strcmp(json_string_or(row, "origin", ""), json_string_or(running, "origin", "")) == 0 &&
		    strcmp(json_string_or(row, "file", ""), file) == 0)
			return row;
	return NULL;
}

static void add_difference(struct comparison *c, enum config_key key, const json_t *running, const char *file,
			   int user)
{
	CLEANUP(buf_done) struct buf shown = {0};
	const char *name = config_row(key)->name;
	json_t *row = find_row(c, name, running, file);

	if (row == NULL) {
		config_add_shown(&shown, key, c->wanted.text[key]);
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "key", name, "configured", buf_str(&shown),
				"running", json_string_or(running, "value", ""), "origin",
				json_string_or(running, "origin", ""), "file", file, "programs");
		json_array_append_new(c->rows, row);
	}
	json_array_append_new(json_object_get(row, "programs"), json_string(user_name(user)));
}

static void compare(struct comparison *c, const json_t *report, int user)
{
	const json_t *values = json_object_get(report, "values"), *running;
	const char *file = json_string_or(report, "file", "");
	enum config_key key;
	size_t i;

	json_array_foreach (values, i, running)
		if (config_find(json_string_or(running, "key", ""), &key) &&
		    (users_of(key) & 1u << user) != 0 && differs(c, key, running))
			add_difference(c, key, running, file, user);
}

static int ask(struct console *c, int user, json_t **ret, struct error *err)
{
	struct api_request r = {.method = "GET", .path = "/api/v1/config"};

	if (user == USER_PIZZAD)
		return control_config(ret, err);
	r.daemon = daemons[user].name;
	return api_call(c, &r, ret, err);
}

/* What the environment of the programs says is not mended by reading a file again, nor by a restart in the
 * same environment. */
static void add_mend(json_t *row)
{
	CLEANUP(buf_done) struct buf command = {0};
	const json_t *programs = json_object_get(row, "programs"), *program;
	bool environment = strcmp(json_string_or(row, "origin", ""), "environment") == 0, reload;
	enum config_key key = CONFIG_PORT_BASE;
	unsigned users = 0;
	size_t i;

	(void)config_find(json_string_or(row, "key", ""), &key);
	json_array_foreach (programs, i, program) {
		const struct daemon_info *d = daemon_find(json_string_value(program));

		users |= 1u << (d != NULL ? (int)d->id : USER_PIZZAD);
	}
	reload = config_row(key)->reloadable && !environment;
	if (reload)
		buf_adds(&command, "pizzactl config reload");
	else
		add_command(&command, environment ? ALL : users);
	json_object_set_new(row, "mend", json_string(reload ? "reload" : "restart"));
	json_object_set_new(row, "command", json_string(buf_str(&command)));
}

int settings_diff(struct console *c, const char *file, json_t **ret, int *ret_asked,
		  void (*missing)(void *arg, const char *program, const struct error *err), void *arg,
		  struct error *err)
{
	struct comparison comparison = {.rows = json_array()};
	size_t i;
	json_t *row;
	int rc = read_wanted(file, &comparison.wanted, err);

	if (rc == 0)
		rc = context_token(comparison.salt, sizeof(comparison.salt), err);
	*ret_asked = 0;
	for (int user = 0; rc == 0 && user <= USER_PIZZAD; user++) {
		AUTO_JSON json_t *report = NULL;
		struct error why = {0};

		if (user == USER_PIZZAD && !context_is_local())
			break;
		if (ask(c, user, &report, &why) == 0) {
			compare(&comparison, report, user);
			(*ret_asked)++;
		} else if (missing != NULL) {
			missing(arg, user_name(user), &why);
		}
	}
	json_array_foreach (comparison.rows, i, row)
		add_mend(row);
	json_decref(comparison.wanted.file);
	if (rc < 0) {
		json_decref(comparison.rows);
		return rc;
	}
	*ret = comparison.rows;
	return 0;
}
