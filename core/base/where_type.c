/*
 * How the values of each kind of column are written and compared.  No state.
 */
#include "core/base/where_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

static int three_way(double a, double b)
{
	return (a > b) - (a < b);
}

/* --- text --- */

static bool read_text(const char *text, int64_t now_us, struct where_value *ret)
{
	(void)now_us;
	ret->text = xstrdup(text);
	return true;
}

static bool compare_text(const json_t *value, const struct where_value *v, int *ret)
{
	AUTO_FREE char *other = NULL;

	if (json_is_string(value)) {
		*ret = strcmp(json_string_value(value), v->text);
		return true;
	}
	other = json_text(value);
	*ret = strcmp(other, v->text);
	return true;
}

/* --- whole numbers --- */

/* "-12.50": sign, digits, decimals; ret_point is at the point or at the end. */
static bool is_decimal(const char *text, const char **ret_point)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t digits = strspn(p, "0123456789"), decimals = 0;

	*ret_point = p + digits;
	if (p[digits] == '.')
		decimals = strspn(p + digits + 1, "0123456789");
	return digits > 0 && (p[digits] == '\0' || (decimals > 0 && p[digits + 1 + decimals] == '\0'));
}

static bool read_int(const char *text, int64_t now_us, struct where_value *ret)
{
	const char *point;
	int sign = *text == '-' ? -1 : 1;

	(void)now_us;
	if (!is_decimal(text, &point))
		return false;
	errno = 0;
	ret->integer = strtoll(text, NULL, 10);
	ret->over = errno == ERANGE ? sign : 0;
	ret->fraction = strpbrk(point, "123456789") != NULL ? sign : 0;
	ret->real = strtod(text, NULL);
	ret->text = xstrdup(text);
	return true;
}

static bool compare_int(const json_t *value, const struct where_value *v, int *ret)
{
	int64_t x = json_integer_value(value);

	if (!json_is_number(value))
		return false;
	if (json_is_real(value))
		*ret = three_way(json_real_value(value), v->real);
	else if (v->over != 0)
		*ret = -v->over;
	else
		*ret = x != v->integer ? (x > v->integer) - (x < v->integer) : -v->fraction;
	return true;
}

/* Minor units, or with one or two decimals the currency's own. */
static bool read_money(const char *text, int64_t now_us, struct where_value *ret)
{
	AUTO_FREE char *minor = NULL;
	const char *point;

	if (!is_decimal(text, &point))
		return false;
	if (*point == '\0')
		return read_int(text, now_us, ret);
	if (strlen(point) > 3)
		return false;
	minor = xasprintf("%.*s%s%s", (int)(point - text), text, point + 1, strlen(point) == 2 ? "0" : "");
	return read_int(minor, now_us, ret);
}

static bool read_bytes(const char *text, int64_t now_us, struct where_value *ret)
{
	static const char units[] = "kmgtpe";
	AUTO_FREE char *digits = NULL;
	char *end;
	double value = strtod(text, &end), step = 1024;
	const char *unit = units;

	if (end == text || !isdigit((unsigned char)text[*text == '-' || *text == '+']) ||
	    strpbrk(text, "xXnN") != NULL)
		return false;
	if (*end == '\0')
		return read_int(text, now_us, ret);
	if (strcasecmp(end, "b") != 0) {
		unit = strchr(units, tolower((unsigned char)*end));
		if (unit == NULL ||
		    (strcasecmp(end + 1, "ib") != 0 && strcasecmp(end + 1, "b") != 0 && end[1] != '\0'))
			return false;
		step = strcasecmp(end + 1, "b") == 0 ? 1000 : 1024;
		value *= pow(step, (double)(unit - units) + 1);
	}
	digits = xasprintf("%.0f", value);
	return isfinite(value) && read_int(digits, now_us, ret);
}

/* --- real numbers and durations --- */

static bool set_real(double value, struct where_value *ret)
{
	ret->real = value;
	ret->text = xasprintf("%.17g", value);
	return isfinite(value);
}

static bool is_real(const char *text, double *ret)
{
	char *end;

	if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
		return false;
	*ret = strtod(text, &end);
	return *end == '\0';
}

static bool read_real(const char *text, int64_t now_us, struct where_value *ret)
{
	double value;

	(void)now_us;
	return is_real(text, &value) && set_real(value, ret);
}

static bool compare_real(const json_t *value, const struct where_value *v, int *ret)
{
	if (!json_is_number(value))
		return false;
	*ret = three_way(json_number_value(value), v->real);
	return true;
}

static bool read_duration(const char *text, double unit_ms, struct where_value *ret)
{
	bool minus = *text == '-';
	double value;
	int64_t ms;

	if (is_real(text, &value))
		return set_real(value, ret);
	if (!duration_parse(text + minus, &ms))
		return false;
	return set_real((double)(minus ? -ms : ms) / unit_ms, ret);
}

static bool read_ms(const char *text, int64_t now_us, struct where_value *ret)
{
	(void)now_us;
	return read_duration(text, 1, ret);
}

static bool read_seconds(const char *text, int64_t now_us, struct where_value *ret)
{
	(void)now_us;
	return read_duration(text, 1000, ret);
}

/* --- truth --- */

static bool read_bool(const char *text, int64_t now_us, struct where_value *ret)
{
	(void)now_us;
	ret->integer = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
	ret->text = xstrdup(ret->integer ? "t" : "f");
	return ret->integer || strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0;
}

static bool compare_bool(const json_t *value, const struct where_value *v, int *ret)
{
	if (!json_is_boolean(value))
		return false;
	*ret = json_is_true(value) - (int)v->integer;
	return true;
}

/* --- times --- */

#define TIME_LEAST (-INT64_C(62135596800) * 1000000) /* year 1 */
#define TIME_MOST  (INT64_C(253402300799) * 1000000) /* year 9999 */

/* An age: -5m, or +5m for what is to come. */
static bool read_age(const char *text, int64_t now_us, int64_t *ret_us)
{
	int64_t ms;

	if ((*text != '-' && *text != '+') || !duration_parse(text + 1, &ms) || ms > TIME_MOST / 1000)
		return false;
	*ret_us = *text == '-' ? now_us - ms * 1000 : now_us + ms * 1000;
	return true;
}

static bool read_time(const char *text, int64_t now_us, struct where_value *ret)
{
	char formatted[CLOCK_TEXT_SIZE];
	AUTO_FREE char *midnight = xasprintf("%sT00:00:00Z", text);

	if (strcasecmp(text, "now") == 0)
		ret->integer = now_us;
	else if (!read_age(text, now_us, &ret->integer) && !clock_parse(text, &ret->integer) &&
		 !clock_parse(midnight, &ret->integer))
		return false;
	if (ret->integer < TIME_LEAST || ret->integer > TIME_MOST)
		return false;
	ret->text = xstrdup(clock_format(ret->integer, formatted));
	return true;
}

static bool compare_time(const json_t *value, const struct where_value *v, int *ret)
{
	int64_t us;

	if (!json_is_string(value) || !clock_parse(json_string_value(value), &us))
		return false;
	*ret = (us > v->integer) - (us < v->integer);
	return true;
}

/* --- JSON: whatever the row's value is --- */

static bool read_json(const char *text, int64_t now_us, struct where_value *ret)
{
	ret->number = read_int(text, now_us, ret);
	if (!ret->number && is_real(text, &ret->real)) {
		ret->number = true;
		ret->over = ret->real < 0 ? -1 : 1; /* with an exponent: compares as a real number */
	}
	free(ret->text);
	ret->text = xstrdup(text);
	return true;
}

static bool compare_json(const json_t *value, const struct where_value *v, int *ret)
{
	if (json_is_number(value) && v->number)
		return v->over != 0 ? compare_real(value, v, ret) : compare_int(value, v, ret);
	if (json_is_number(value))
		return false;
	return compare_text(value, v, ret);
}

const struct where_type where_types[] = {
    [WHERE_TEXT] = {"text", "text", true, read_text, compare_text},
    [WHERE_INT] = {"a whole number", "numeric", true, read_int, compare_int},
    [WHERE_REAL] = {"a number", "float8", true, read_real, compare_real},
    [WHERE_MONEY] = {"an amount: minor units, or with two decimals such as 1200.00", "numeric", true,
		     read_money, compare_int},
    [WHERE_BOOL] = {"true or false", "boolean", false, read_bool, compare_bool},
    [WHERE_TIME] = {"a time: RFC 3339, a date, now, or an age such as -5m", "timestamptz", true, read_time,
		    compare_time},
    [WHERE_MS] = {"a duration such as 250ms or 5m, or milliseconds", "float8", true, read_ms, compare_real},
    [WHERE_SECONDS] = {"a duration such as 90s or 1h30m, or seconds", "float8", true, read_seconds,
		       compare_real},
    [WHERE_BYTES] = {"a size such as 10MiB or 64k, or bytes", "numeric", true, read_bytes, compare_int},
    [WHERE_JSON] = {"a value", NULL, true, read_json, compare_json},
};
