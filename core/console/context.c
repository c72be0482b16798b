/*
 * The context in use.
 */
#include "core/console/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"

static struct contexts all;
static const struct context *now;
static enum context_choice choice;

const char *context_choice_word(enum context_choice c)
{
	static const char *const words[] = {"default", "contexts.yaml", "PIZZA_HOME", "PIZZA_CONTEXT",
					    "option"};

	return words[c];
}

static const char *variable(const char *name)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* PIZZA_HOME names the local installation, so that what is written for it never reaches another one. */
static const char *choose(const char *option)
{
	choice = CHOICE_OPTION;
	if (option != NULL)
		return option;
	choice = CHOICE_ENVIRONMENT;
	if (variable("PIZZA_CONTEXT") != NULL)
		return variable("PIZZA_CONTEXT");
	choice = CHOICE_HOME;
	if (variable("PIZZA_HOME") != NULL)
		return "local";
	choice = all.current != NULL ? CHOICE_CURRENT : CHOICE_LOCAL;
	return all.current != NULL ? all.current : "local";
}

/* What the context says of configuration keys. */
static int apply_keys(struct error *err)
{
	static const enum context_key keys[] = {CONTEXT_PORT_BASE, CONTEXT_DATABASE_URL,
						CONTEXT_KAFKA_BOOTSTRAP};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(keys); i++)
		if (now->values[keys[i]] != NULL)
			rc = config_context(context_key_name(keys[i]), now->values[keys[i]],
					    choice == CHOICE_OPTION, err);
	return rc;
}

/* A remote installation has nothing to do with this machine's configuration file. */
static const char *config_of(const struct context *c)
{
	if (c->values[CONTEXT_CONFIG] != NULL)
		return c->values[CONTEXT_CONFIG];
	return context_is_local() ? NULL : "";
}

int context_use(const char *option, struct error *err)
{
	int rc;

	now = NULL;
	contexts_done(&all);
	config_context_forget();
	rc = contexts_read(&all, err);
	if (rc == 0)
		rc = contexts_need(&all, choose(option), &now, err);
	if (rc < 0)
		return rc;
	paths_use_home(now->values[CONTEXT_HOME]);
	rc = paths_init(err);
	if (rc == 0)
		rc = apply_keys(err);
	return rc < 0 ? rc : config_load(config_of(now), err);
}

const struct context *context_now(void)
{
	static const struct context local = {.name = (char *)"local"};

	return now != NULL ? now : &local;
}

enum context_choice context_chosen(void)
{
	return choice;
}

bool context_is_local(void)
{
	return context_value(CONTEXT_HOME) != NULL || strcmp(context_now()->name, "local") == 0;
}

static bool is_true(enum context_key key)
{
	const char *text = context_value(key);

	return text != NULL && strcmp(text, "true") == 0;
}

bool context_is_readonly(void)
{
	return is_true(CONTEXT_READONLY);
}

bool context_is_protected(void)
{
	return is_true(CONTEXT_PROTECTED);
}

const char *context_value(enum context_key key)
{
	return context_now()->values[key];
}

/* Absolute, below the user's home folder, or beside the file with the contexts. */
static char *token_path(const char *text)
{
	const char *home = getenv("HOME");

	if (text[0] == '/')
		return xstrdup(text);
	if (strncmp(text, "~/", 2) == 0 && home != NULL)
		return xasprintf("%s%s", home, text + 1);
	return xasprintf("%.*s%s", (int)(strrchr(all.file, '/') + 1 - all.file), all.file, text);
}

int context_token(char *token, size_t size, struct error *err)
{
	AUTO_FREE char *path = NULL;
	char read[65] = "";
	int rc = 0;

	if (context_value(CONTEXT_TOKEN) != NULL) {
		snprintf(token, size, "%s", context_value(CONTEXT_TOKEN));
		return 0;
	}
	if (context_value(CONTEXT_TOKEN_FILE) != NULL) {
		path = token_path(context_value(CONTEXT_TOKEN_FILE));
		rc = paths_read_token(path, read, err);
		if (rc == ERR_NOT_FOUND)
			error_hint(err, "the context %s names it as its token_file", context_now()->name);
	} else if (context_is_local()) {
		rc = paths_operator_token(false, read, err);
		if (rc == ERR_NOT_FOUND)
			rc = 0;
	}
	if (rc == 0)
		snprintf(token, size, "%s", read);
	return rc;
}

void context_export(void)
{
	char name[64];

	setenv("PIZZA_CONTEXT", context_now()->name, 1);
	if (context_is_local())
		setenv("PIZZA_HOME", paths_home(), 1);
	if (context_value(CONTEXT_CONFIG) != NULL)
		setenv("PIZZA_CONFIG", config_file(), 1);
	for (int key = 0; key < CONFIG_COUNT; key++)
		if (config_origin((enum config_key)key) == ORIGIN_CONTEXT)
			setenv(config_variable((enum config_key)key, name, sizeof(name)),
			       config_text((enum config_key)key), 1);
}
