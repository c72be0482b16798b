/*
 * Reading log lines.  No state.
 */
#include "core/console/logline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define TIME_LEN 23 /* "2026-11-21 12:30:01,114" */

/* "[2026-11-21 12:30:01,114] …" or "2026-11-21 12:30:01.114 UTC …"; *ret_rest is what follows. */
static int64_t text_time(const char *text, size_t len, const char **ret_rest)
{
	char time[TIME_LEN + 2];
	const char *p = text;
	int64_t us;

	*ret_rest = text;
	if (len > 0 && *p == '[')
		p++;
	if (len - (size_t)(p - text) < TIME_LEN || !isdigit((unsigned char)*p))
		return 0;
	memcpy(time, p, TIME_LEN);
	strcpy(time + TIME_LEN, "Z");
	if (time[19] == ',')
		time[19] = '.';
	if (!clock_parse(time, &us))
		return 0;
	*ret_rest = p + TIME_LEN;
	return us;
}

/* The first word in capitals that is a level's name, as log4j and PostgreSQL write them. */
static enum log_level text_level(const char *text, size_t len)
{
	static const struct {
		const char *word;
		enum log_level level;
	} words[] = {{"ERROR", LOG_ERROR}, {"FATAL", LOG_ERROR}, {"PANIC", LOG_ERROR}, {"WARN", LOG_WARN},
		     {"INFO", LOG_INFO},   {"LOG:", LOG_INFO},	 {"DEBUG", LOG_DEBUG}, {"TRACE", LOG_DEBUG}};
	size_t most = len < 48 ? len : 48;

	for (size_t at = 0; at < most; at++)
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (len - at >= strlen(words[i].word) &&
			    memcmp(text + at, words[i].word, strlen(words[i].word)) == 0)
				return words[i].level;
	return LOG_INFO;
}

static json_t *safe_string(const char *text, size_t len)
{
	json_t *j = json_stringn(text, len);
	CLEANUP(buf_done) struct buf ascii = {0};

	if (j != NULL)
		return j;
	for (size_t i = 0; i < len; i++)
		buf_addc(&ascii, (unsigned char)text[i] < 0x80 && text[i] != '\0' ? text[i] : '?');
	return json_string(buf_str(&ascii));
}

static struct logline parse_text(const char *text, size_t len, const char *service)
{
	struct logline line;
	char time[CLOCK_TEXT_SIZE];
	const char *rest;

	line.at_us = text_time(text, len, &rest);
	len -= (size_t)(rest - text);
	while (len > 0 && (*rest == ' ' || *rest == ']')) {
		rest++;
		len--;
	}
	if (line.at_us != 0 && len > 4 && memcmp(rest, "UTC ", 4) == 0) { /* as all times are */
		rest += 4;
		len -= 4;
	}
	line.level = text_level(rest, len);
	line.row =
	    json_pack("{s:o, s:s, s:s, s:o}", "ts",
		      line.at_us != 0 ? json_string(clock_format(line.at_us, time)) : json_null(), "level",
		      log_level_word(line.level), "service", service, "msg", safe_string(rest, len));
	return line;
}

struct logline logline_parse(const char *text, size_t len, const char *service)
{
	struct logline line = {.level = LOG_INFO};

	line.row = len > 0 && *text == '{' ? json_loadb(text, len, 0, NULL) : NULL;
	if (!json_is_object(line.row)) {
		json_decref(line.row);
		return parse_text(text, len, service);
	}
	if (!clock_parse(json_string_or(line.row, "ts", ""), &line.at_us))
		line.at_us = 0;
	if (!log_level_parse(json_string_or(line.row, "level", "info"), &line.level))
		line.level = LOG_INFO;
	if (json_object_get(line.row, "service") == NULL)
		json_object_set_new(line.row, "service", json_string(service));
	return line;
}

int64_t logline_time(const char *text, size_t len)
{
	static const char member[] = "\"ts\":\"";
	char time[CLOCK_TEXT_SIZE];
	const char *rest, *p;
	size_t n = 0;
	int64_t us;

	if (len == 0 || *text != '{')
		return text_time(text, len, &rest);
	p = memmem(text, len < 200 ? len : 200, member, sizeof(member) - 1);
	if (p == NULL)
		return 0;
	for (p += sizeof(member) - 1; p < text + len && *p != '"' && n + 1 < sizeof(time); p++)
		time[n++] = *p;
	time[n] = '\0';
	return clock_parse(time, &us) ? us : 0;
}
