/*
 * The key table as rows, and validation of values.  No state; safe from every thread.
 */
#include "core/config/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "core/base/nearest.h"

static const struct config_row rows[CONFIG_COUNT] = {
#define X(symbol, key_name, key_type, key_fallback, key_min, key_max, key_reloadable, key_text) \
	[CONFIG_##symbol] = {.name = (key_name),                                                \
			     .type = CONFIG_##key_type,                                         \
			     .fallback = (key_fallback),                                        \
			     .min = (key_min),                                                  \
			     .max = (key_max),                                                  \
			     .reloadable = (key_reloadable),                                    \
			     .text = (key_text)},
    CONFIG_KEYS(X)
#undef X
};

const struct config_row *config_row(enum config_key key)
{
	return &rows[key];
}

bool config_find(const char *name, enum config_key *ret)
{
	for (int i = 0; i < CONFIG_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = (enum config_key)i;
			return true;
		}
	}
	return false;
}

int config_unknown_key(const char *name, struct error *err)
{
	const char *names[CONFIG_COUNT];
	int rc = error_set(err, ERR_INVALID, name, "there is no such key");

	for (int i = 0; i < CONFIG_COUNT; i++)
		names[i] = rows[i].name;
	if (!nearest_hint(name, names, CONFIG_COUNT, err))
		error_hint(err, "`pizzactl config show` lists all keys");
	return rc;
}

const char *config_type_word(enum config_type type)
{
	static const char *const words[] = {"string", "integer", "boolean", "duration", "size", "rate"};

	return words[type];
}

const char *config_origin_word(enum config_origin origin)
{
	static const char *const words[] = {"default", "file", "context", "environment", "option"};

	return words[origin];
}

/* --- secrets --- */

bool config_secret(enum config_key key)
{
	return key == CONFIG_PAYMENT_KEY || key == CONFIG_MAIL_PASSWORD || key == CONFIG_SMS_TOKEN;
}

/* The password within text and its length: "scheme://user:PASSWORD@…" or "password=PASSWORD"; 0: none. */
static size_t find_password(const char *text, const char **ret)
{
	const char *scheme = strstr(text, "://"), *word = strcasestr(text, "password=");
	const char *host = scheme != NULL ? strchr(scheme, '@') : NULL, *colon;

	if (host != NULL) {
		colon = memchr(scheme + 3, ':', (size_t)(host - scheme - 3));
		if (colon != NULL) {
			*ret = colon + 1;
			return (size_t)(host - colon - 1);
		}
	}
	if (word == NULL)
		return 0;
	*ret = word + strlen("password=");
	return strcspn(*ret, " &");
}

bool config_has_secret(enum config_key key, const char *text)
{
	const char *password;

	return config_secret(key) ? text[0] != '\0' : find_password(text, &password) > 0;
}

void config_add_shown(struct buf *out, enum config_key key, const char *text)
{
	const char *password = NULL;
	size_t n = find_password(text, &password);

	if (config_secret(key)) {
		buf_adds(out, text[0] != '\0' ? "(set)" : "");
	} else if (n > 0) {
		buf_add(out, text, (size_t)(password - text));
		buf_addf(out, "***%s", password + n);
	} else {
		buf_adds(out, text);
	}
}

/* --- parsing --- */

static bool parse_integer(const char *text, int64_t *ret)
{
	char *end;
	long long value;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-' && text[0] != '+')
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return false;
	*ret = value;
	return true;
}

static bool parse_boolean(const char *text, int64_t *ret)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = (int64_t)(i % 2);
			return true;
		}
	}
	return false;
}

/* 0 when the unit is none. */
static double size_unit(const char *unit)
{
	static const struct {
		const char *word;
		double bytes;
	} units[] = {{"", 1},	    {"B", 1},	     {"K", 1024},     {"KiB", 1024}, {"kB", 1e3},
		     {"M", 0x1p20}, {"MiB", 0x1p20}, {"MB", 1e6},     {"G", 0x1p30}, {"GiB", 0x1p30},
		     {"GB", 1e9},   {"T", 0x1p40},   {"TiB", 0x1p40}, {"TB", 1e12}};

	while (*unit == ' ')
		unit++;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcasecmp(unit, units[i].word) == 0)
			return units[i].bytes;
	return 0;
}

static bool parse_size(const char *text, int64_t *ret)
{
	char *end;
	double value;

	if (!isdigit((unsigned char)text[0]))
		return false;
	value = strtod(text, &end);
	value *= size_unit(end);
	if (size_unit(end) <= 0 || !isfinite(value) || value > 9e18)
		return false;
	*ret = (int64_t)value;
	return true;
}

static bool parse_rate(const char *text, double *ret)
{
	char *end;
	double value;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	value = strtod(text, &end);
	if (*end == '%' && end[1] == '\0')
		value /= 100;
	else if (*end != '\0')
		return false;
	if (!(value >= 0 && value <= 1))
		return false;
	*ret = value;
	return true;
}

/* --- what is allowed --- */

static const char *size_text(int64_t bytes, char text[32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (unit + 1 < ARRAY_LEN(units) && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, "%lld %s", (long long)bytes, units[unit]);
	return text;
}

static const char *range_text(const struct config_row *row, char *text, size_t size)
{
	char low[32], high[32];

	switch (row->type) {
	case CONFIG_STRING:
		snprintf(text, size, "text");
		break;
	case CONFIG_INT:
		snprintf(text, size, "an integer from %lld to %lld", (long long)row->min,
			 (long long)row->max);
		break;
	case CONFIG_BOOL:
		snprintf(text, size, "true or false");
		break;
	case CONFIG_DURATION:
		snprintf(text, size, "a duration such as 250ms, 5s or 2h, from %s to %s",
			 duration_format(row->min * 1000, low), duration_format(row->max * 1000, high));
		break;
	case CONFIG_SIZE:
		snprintf(text, size, "a size such as 64KiB or 512MiB, from %s to %s",
			 size_text(row->min, low), size_text(row->max, high));
		break;
	case CONFIG_RATE:
		snprintf(text, size, "a number from 0 to 1");
		break;
	}
	return text;
}

static bool starts_with_any(const char *text, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++)
		if (strncasecmp(text, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

/* What text keys demand beyond being text; NULL when it is fine. */
static const char *string_problem(enum config_key key, const char *text)
{
	static const char *const http[] = {"http://", "https://", NULL};
	static const char *const smtp[] = {"smtp://", "smtps://", NULL};
	static const char *const postgres[] = {"postgresql://", "postgres://", NULL};
	enum log_level level;

	if (key == CONFIG_LOG_LEVEL)
		return log_level_parse(text, &level) ? NULL : "debug, info, warn or error";
	if (key == CONFIG_MENU_CURRENCY)
		return money_currency_valid(text) ? NULL : "three capital letters such as EUR (ISO 4217)";
	if (key == CONFIG_BIND_ADDRESS)
		return text[0] != '\0' ? NULL : "an address such as 127.0.0.1";
	if (text[0] == '\0')
		return NULL;
	if (key == CONFIG_PAYMENT_URL || key == CONFIG_SMS_URL)
		return starts_with_any(text, http) ? NULL : "a URL that starts with http:// or https://";
	if (key == CONFIG_MAIL_URL)
		return starts_with_any(text, smtp) ? NULL : "a URL that starts with smtp:// or smtps://";
	if (key == CONFIG_DATABASE_URL)
		return starts_with_any(text, postgres) || strchr(text, '=') != NULL
			   ? NULL
			   : "a URL that starts with postgresql://";
	return NULL;
}

static bool parse_number(const struct config_row *row, const char *text, struct config_value *v)
{
	bool ok = false;

	switch (row->type) {
	case CONFIG_STRING:
		return true;
	case CONFIG_BOOL:
		return parse_boolean(text, &v->number);
	case CONFIG_RATE:
		return parse_rate(text, &v->rate);
	case CONFIG_INT:
		ok = parse_integer(text, &v->number);
		break;
	case CONFIG_DURATION:
		ok = duration_parse(text, &v->number);
		break;
	case CONFIG_SIZE:
		ok = parse_size(text, &v->number);
		break;
	}
	return ok && v->number >= row->min && v->number <= row->max;
}

int config_value_parse(enum config_key key, const char *text, struct config_value *ret, struct error *err)
{
	const struct config_row *row = config_row(key);
	struct config_value v = {.text = NULL};
	const char *problem = NULL;
	char allowed[160] = "";

	if (row->type == CONFIG_STRING)
		problem = string_problem(key, text);
	else if (!parse_number(row, text, &v))
		problem = range_text(row, allowed, sizeof(allowed));
	if (problem != NULL)
		return error_set(err, ERR_INVALID, row->name, "\"%.80s\" is not allowed: must be %s", text,
				 problem);
	v.text = xstrdup(text);
	*ret = v;
	return 0;
}

int config_check(enum config_key key, const char *text, struct error *err)
{
	struct config_value v = {.text = NULL};
	int rc = config_value_parse(key, text, &v, err);

	if (rc == 0)
		free(v.text);
	return rc;
}
