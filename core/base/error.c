/*
 * The error table and the functions that read it.  No state, safe from every thread.
 */
#include "core/base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

struct error_row {
	const char *word;
	enum error_class class;
	int exit_status;
	int http_status;
	const char *text;
};

static const struct error_row rows[ERR_NUMBER_COUNT] = {
    [ERR_NUMBER_NONE] = {"ok", CLASS_PERMANENT, 0, 200, "ok"},
#define X(symbol, word, class, exit, http, text) [symbol##_NUMBER] = {word, class, exit, http, text},
    ERROR_TABLE(X)
#undef X
};

static const struct error_row *row_of(int code)
{
	if (code > 0 || -code >= ERR_NUMBER_COUNT)
		code = ERR_BUG;
	return &rows[-code];
}

int error_setv(struct error *err, int code, const char *what, const char *why, va_list ap)
{
	if (err == NULL)
		return code;
	err->code = code;
	err->hint[0] = '\0';
	snprintf(err->what, sizeof(err->what), "%s", what);
	if (why == NULL)
		snprintf(err->why, sizeof(err->why), "%s", row_of(code)->text);
	else
		vsnprintf(err->why, sizeof(err->why), why, ap);
	return code;
}

int error_set(struct error *err, int code, const char *what, const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	error_setv(err, code, what, why, ap);
	va_end(ap);
	return code;
}

int error_errno(struct error *err, const char *what, ...)
{
	int saved = errno;
	int code = saved == ECONNREFUSED || saved == ECONNRESET ? ERR_UNAVAILABLE : ERR_IO;
	char subject[sizeof(err->what)];
	va_list ap;

	va_start(ap, what);
	vsnprintf(subject, sizeof(subject), what, ap);
	va_end(ap);
	return error_set(err, code, subject, "%s", strerror(saved));
}

void error_hint(struct error *err, const char *hint, ...)
{
	va_list ap;

	if (err == NULL)
		return;
	va_start(ap, hint);
	vsnprintf(err->hint, sizeof(err->hint), hint, ap);
	va_end(ap);
}

void error_clear(struct error *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

const char *error_line(const struct error *err, char text[ERROR_LINE_SIZE])
{
	snprintf(text, ERROR_LINE_SIZE, "%s: %s", err->what, err->why);
	text_mend(text);
	return text;
}

const char *error_word(int code)
{
	return row_of(code)->word;
}

enum error_class error_class(int code)
{
	return row_of(code)->class;
}

int error_exit_status(int code)
{
	return row_of(code)->exit_status;
}

int error_http_status(int code)
{
	return row_of(code)->http_status;
}

const char *error_text(int code)
{
	return row_of(code)->text;
}

const char *error_exit_text(int status)
{
	for (int i = 0; i < ERR_NUMBER_COUNT; i++)
		if (rows[i].exit_status == status)
			return rows[i].text;
	return "";
}
