/*
 * Clocks, RFC 3339 and durations.  No state.
 */
#include "core/base/clock.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)

struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

struct mono mono_add_ms(struct mono m, int64_t ms)
{
	return (struct mono){m.ns + ms * 1000000};
}

int64_t mono_diff_us(struct mono later, struct mono earlier)
{
	return (later.ns - earlier.ns) / 1000;
}

int64_t mono_diff_ms(struct mono later, struct mono earlier)
{
	return (later.ns - earlier.ns) / 1000000;
}

int64_t mono_since_ms(struct mono m)
{
	return mono_diff_ms(mono_now(), m);
}

int64_t mono_since_us(struct mono m)
{
	return mono_diff_us(mono_now(), m);
}

int64_t mono_left_ms(struct mono deadline)
{
	int64_t left = mono_diff_ms(deadline, mono_now());

	return left > 0 ? left : 0;
}

int64_t clock_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

/* Days since 1970-01-01 to a civil date, and back: proleptic Gregorian, eras of 400 years. */
static void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = (int)(yoe + era * 400 + (*ret_month <= 2));
}

static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

static char *put_digits(char *p, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return p + width;
}

/* Written digit by digit: it runs once per published event. */
const char *clock_format(int64_t us, char text[CLOCK_TEXT_SIZE])
{
	int64_t seconds = us >= 0 ? us / US_PER_S : (us - US_PER_S + 1) / US_PER_S;
	int64_t days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400;
	int64_t rest = seconds - days * 86400;
	int year, month, day;
	char *p = text;

	civil_from_days(days, &year, &month, &day);
	p = put_digits(p, year, 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	p = put_digits(p, day, 2);
	*p++ = 'T';
	p = put_digits(p, rest / 3600, 2);
	*p++ = ':';
	p = put_digits(p, rest / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, rest % 60, 2);
	*p++ = '.';
	p = put_digits(p, us - seconds * US_PER_S, 6);
	*p++ = 'Z';
	*p = '\0';
	return text;
}

/* `width` digits at *p; advances *p. */
static bool take_digits(const char **p, int width, int *ret)
{
	int value = 0;

	for (int i = 0; i < width; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += width;
	*ret = value;
	return true;
}

static bool take_char(const char **p, const char *allowed)
{
	if (**p == '\0' || strchr(allowed, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

static bool take_fraction(const char **p, int64_t *ret_us)
{
	int64_t scale = US_PER_S / 10, us = 0;
	int digits = 0;

	*ret_us = 0;
	if (**p != '.')
		return true;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++, digits++) {
		us += (**p - '0') * scale;
		scale /= 10;
	}
	*ret_us = us;
	return digits > 0 && digits <= 9;
}

static bool take_offset(const char **p, int64_t *ret_seconds)
{
	int sign = **p == '-' ? -1 : 1;
	int hours, minutes;

	*ret_seconds = 0;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hours))
		return false;
	take_char(p, ":");
	if (**p == '\0')
		minutes = 0;
	else if (!take_digits(p, 2, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

bool clock_parse(const char *text, int64_t *ret_us)
{
	const char *p = text;
	int year, month, day, hour, minute, second;
	int64_t fraction, offset;

	if (!take_digits(&p, 4, &year) || !take_char(&p, "-") || !take_digits(&p, 2, &month) ||
	    !take_char(&p, "-") || !take_digits(&p, 2, &day) || !take_char(&p, "Tt ") ||
	    !take_digits(&p, 2, &hour) || !take_char(&p, ":") || !take_digits(&p, 2, &minute) ||
	    !take_char(&p, ":") || !take_digits(&p, 2, &second))
		return false;
	if (!take_fraction(&p, &fraction) || !take_offset(&p, &offset) || *p != '\0')
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_us = (days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset) *
		      US_PER_S +
		  fraction;
	return true;
}

static double unit_ms(const char *unit, size_t len)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"us", 0.001}, {"ms", 1},	    {"s", 1000},    {"m", 60e3},
		     {"h", 3600e3}, {"d", 86400e3}, {"w", 604800e3}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == len && strncmp(units[i].name, unit, len) == 0)
			return units[i].ms;
	return 0;
}

bool duration_parse(const char *text, int64_t *ret_ms)
{
	double total = 0;
	const char *p = text;

	if (!isdigit((unsigned char)*p) && *p != '.')
		return false;
	while (*p != '\0') {
		char *end;
		double value;
		size_t len = 0;

		if (!isdigit((unsigned char)*p) && *p != '.')
			return false;
		value = strtod(p, &end);
		if (end == p)
			return false;
		while (isalpha((unsigned char)end[len]))
			len++;
		if (len == 0 && (*end != '\0' || p != text))
			return false;
		if (len > 0 && unit_ms(end, len) == 0)
			return false;
		total += value * (len == 0 ? 1000 : unit_ms(end, len));
		p = end + len;
	}
	if (!isfinite(total) || total > 9e15)
		return false;
	*ret_ms = (int64_t)llround(total);
	return true;
}

const char *duration_format(int64_t us, char text[DURATION_TEXT_SIZE])
{
	int64_t s = us / US_PER_S;

	if (us < 1000)
		snprintf(text, DURATION_TEXT_SIZE, "%lld us", (long long)us);
	else if (us < US_PER_S)
		snprintf(text, DURATION_TEXT_SIZE, "%lld ms", (long long)(us / 1000));
	else if (s < 10)
		snprintf(text, DURATION_TEXT_SIZE, "%.2f s", (double)us / 1e6);
	else if (s < 60)
		snprintf(text, DURATION_TEXT_SIZE, "%.1f s", (double)us / 1e6);
	else if (s < 3600)
		snprintf(text, DURATION_TEXT_SIZE, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60));
	else if (s < 86400)
		snprintf(text, DURATION_TEXT_SIZE, "%lldh%02lldm", (long long)(s / 3600),
			 (long long)(s / 60 % 60));
	else
		snprintf(text, DURATION_TEXT_SIZE, "%lldd%lldh", (long long)(s / 86400),
			 (long long)(s / 3600 % 24));
	return text;
}
