/*
 * Rendering of templates and of e-mail.
 */
#include "daemons/notify/text.h"

#include <string.h>
#include <time.h>

#include "core/base/mem.h"

#define LINE_MAX_PLAIN 900 /* RFC 5322 allows 998 */
#define ENCODED_LINE   75  /* of quoted-printable, with the soft break */
#define ENCODED_WORD   39  /* bytes of UTF-8 in one encoded word, in base64 52 characters */

/* --- templates --- */

/* The value of a placeholder of n characters; NULL when it is none. */
static const char *value_of(const struct text_values *values, const char *name, size_t n)
{
#define X(field)                                                     \
	if (n == sizeof(#field) - 1 && memcmp(name, #field, n) == 0) \
		return values->field != NULL ? values->field : "";
	TEXT_VALUES(X)
#undef X
	return NULL;
}

/* The next {{name}} at or after p; its name and length; NULL when there is none. */
static const char *next_placeholder(const char *p, const char **ret_name, size_t *ret_len)
{
	while ((p = strstr(p, "{{")) != NULL) {
		size_t n = strcspn(p + 2, "{}");

		if (strncmp(p + 2 + n, "}}", 2) == 0) {
			*ret_name = p + 2;
			*ret_len = n;
			return p;
		}
		p++;
	}
	return NULL;
}

void text_render(struct buf *out, const char *template, const struct text_values *values)
{
	const char *name, *at;
	size_t n;

	while ((at = next_placeholder(template, &name, &n)) != NULL) {
		const char *value = value_of(values, name, n);
		const char *end = name + n + 2;

		buf_add(out, template, (size_t)(at - template));
		if (value != NULL)
			buf_adds(out, value);
		else
			buf_add(out, at, (size_t)(end - at));
		template = end;
	}
	buf_adds(out, template);
}

bool text_unknown_placeholder(const char *template, char *word, size_t size)
{
	const struct text_values none = {0};
	const char *name;
	size_t n;

	while (next_placeholder(template, &name, &n) != NULL) {
		if (value_of(&none, name, n) == NULL) {
			if (n >= size)
				n = size - 1;
			memcpy(word, name, n);
			word[n] = '\0';
			return true;
		}
		template = name + n + 2;
	}
	return false;
}

/* --- header fields --- */

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The subject on one line: runs of white space and controls become one space. */
static void flatten(struct buf *out, const char *text)
{
	bool gap = false;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c == 0x7f) {
			gap = out->len > 0;
			continue;
		}
		if (gap)
			buf_addc(out, ' ');
		gap = false;
		buf_addc(out, *text);
	}
}

static void add_base64(struct buf *out, const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);

		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, left > 1 ? digits[v >> 6 & 63] : '=');
		buf_addc(out, left > 2 ? digits[v & 63] : '=');
	}
}

/* Encoded words of whole characters, each on a line of its own. */
static void add_encoded(struct buf *out, const char *text, const char *eol)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = left < ENCODED_WORD ? left : ENCODED_WORD;

		while (n < left && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		buf_adds(out, "=?UTF-8?B?");
		add_base64(out, (const unsigned char *)text, n);
		buf_adds(out, "?=");
		text += n;
		left -= n;
		if (left > 0)
			buf_addf(out, "%s ", eol);
	}
}

/* ASCII, folded at spaces; a word too long for a line is encoded, so that it can be split. */
static void add_folded(struct buf *out, const char *text, const char *eol)
{
	size_t column = sizeof("Subject:");

	while (*text != '\0') {
		size_t n = strcspn(text + 1, " ") + 1;

		if (column + n > 76 && column > sizeof("Subject: ")) {
			buf_adds(out, eol);
			column = 0;
		}
		buf_add(out, text, n);
		column += n;
		text += n;
	}
}

static bool needs_encoding(const char *text)
{
	size_t word = 0;

	if (!is_ascii(text) || strstr(text, "=?") != NULL)
		return true;
	for (; *text != '\0'; text++) {
		word = *text == ' ' ? 0 : word + 1;
		if (word > 60)
			return true;
	}
	return false;
}

static void add_subject(struct buf *out, const char *subject, const char *eol)
{
	CLEANUP(buf_done) struct buf flat = {0};

	flatten(&flat, subject);
	buf_adds(out, "Subject: ");
	if (needs_encoding(buf_str(&flat)))
		add_encoded(out, buf_str(&flat), eol);
	else
		add_folded(out, buf_str(&flat), eol);
	buf_adds(out, eol);
}

static void add_date(struct buf *out, int64_t us, const char *eol)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm); /* strftime would speak the locale's language */
	buf_addf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000%s", days + (size_t)tm.tm_wday * 3,
		 tm.tm_mday, months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		 tm.tm_sec, eol);
}

/* --- the body --- */

/* Lines that go as they are: printable ASCII and tabs, not too long. */
static bool is_plain(const char *body)
{
	size_t column = 0;

	for (; *body != '\0'; body++) {
		unsigned char c = (unsigned char)*body;

		column = c == '\n' ? 0 : column + 1;
		if (column > LINE_MAX_PLAIN || c >= 0x7f || (c < ' ' && c != '\n' && c != '\t'))
			return false;
	}
	return true;
}

static void add_plain(struct buf *out, const char *body, const char *eol)
{
	while (*body != '\0') {
		size_t n = strcspn(body, "\n");

		buf_add(out, body, n);
		buf_adds(out, eol);
		body += n + (body[n] == '\n');
	}
}

static void add_quoted_byte(struct buf *out, const char *p, size_t *column, const char *eol)
{
	unsigned char c = (unsigned char)*p;
	bool blank_at_end = (c == ' ' || c == '\t') && (p[1] == '\n' || p[1] == '\0');
	bool literal = (c >= '!' && c <= '~' && c != '=') || ((c == ' ' || c == '\t') && !blank_at_end);
	size_t width = literal ? 1 : 3;

	if (*column + width > ENCODED_LINE) {
		buf_addf(out, "=%s", eol);
		*column = 0;
	}
	if (literal)
		buf_addc(out, *p);
	else
		buf_addf(out, "=%02X", c);
	*column += width;
}

static void add_quoted(struct buf *out, const char *body, const char *eol)
{
	size_t column = 0;

	for (; *body != '\0'; body++) {
		if (*body == '\n') {
			buf_adds(out, eol);
			column = 0;
		} else {
			add_quoted_byte(out, body, &column, eol);
		}
	}
	if (column > 0)
		buf_adds(out, eol);
}

void text_mail(struct buf *out, const struct text_mail *m, const char *eol)
{
	bool plain = is_plain(m->body);

	add_date(out, m->date_us, eol);
	buf_addf(out, "From: %s%sTo: %s%s", m->from, eol, m->to, eol);
	add_subject(out, m->subject, eol);
	buf_addf(out, "Message-ID: <%s>%s", m->message_id, eol);
	buf_addf(out, "Auto-Submitted: auto-generated%sMIME-Version: 1.0%s", eol, eol);
	buf_addf(out, "Content-Type: text/plain; charset=%s%s", plain ? "us-ascii" : "utf-8", eol);
	buf_addf(out, "Content-Transfer-Encoding: %s%s%s", plain ? "7bit" : "quoted-printable", eol, eol);
	if (plain)
		add_plain(out, m->body, eol);
	else
		add_quoted(out, m->body, eol);
}
