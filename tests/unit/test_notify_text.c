/*
 * notifyd's texts: templates, and e-mail that no subject, name or body can break out of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemons/notify/text.c"

static void assert_rendered(const char *template, const char *expected)
{
	const struct text_values values = {.name = "Ivan", .total = "1 200.00 RUB", .reason = "{{name}}"};
	struct buf out = {0};

	text_render(&out, template, &values);
	assert_string_equal(buf_str(&out), expected);
	buf_done(&out);
}

static void test_placeholders(void **state)
{
	(void)state;
	assert_rendered("", "");
	assert_rendered("Hello {{name}}!", "Hello Ivan!");
	assert_rendered("{{name}}{{name}}: {{total}}", "IvanIvan: 1 200.00 RUB");
	assert_rendered("[{{items}}]", "[]");
	assert_rendered("{{reason}}", "{{name}}"); /* values are not looked into */
	assert_rendered("{{nobody}} {{name", "{{nobody}} {{name");
	assert_rendered("{{{name}}}", "{Ivan}");
	assert_rendered("}} {{ {{}} {", "}} {{ {{}} {");
}

static void test_unknown_placeholders_are_named(void **state)
{
	char word[8];

	(void)state;
	assert_false(text_unknown_placeholder("{{name}} {{order_id}} {x} {{", word, sizeof(word)));
	assert_true(text_unknown_placeholder("{{name}} {{nmae}}", word, sizeof(word)));
	assert_string_equal(word, "nmae");
	assert_true(text_unknown_placeholder("{{averylongword}}", word, sizeof(word)));
	assert_string_equal(word, "averylo");
}

static char *mail(const char *subject, const char *body, const char *eol)
{
	const struct text_mail m = {
	    .from = "pizza@localhost",
	    .to = "ivan@example.com",
	    .message_id = "1.email@pizza",
	    .subject = subject,
	    .body = body,
	    .date_us = INT64_C(1763728201114000),
	};
	struct buf out = {0};

	text_mail(&out, &m, eol);
	return buf_take(&out);
}

static void test_a_plain_mail(void **state)
{
	char *text = mail("Your order is in", "Hello\n\nBye\n", "\n");

	(void)state;
	assert_string_equal(text, "Date: Fri, 21 Nov 2025 12:30:01 +0000\n"
				  "From: pizza@localhost\n"
				  "To: ivan@example.com\n"
				  "Subject: Your order is in\n"
				  "Message-ID: <1.email@pizza>\n"
				  "Auto-Submitted: auto-generated\n"
				  "MIME-Version: 1.0\n"
				  "Content-Type: text/plain; charset=us-ascii\n"
				  "Content-Transfer-Encoding: 7bit\n"
				  "\n"
				  "Hello\n\nBye\n");
	free(text);
}

static void test_subject_beyond_ascii_is_encoded(void **state)
{
	char *text = mail("\xd0\x9f\xd0\xb8\xd1\x86\xd1\x86\xd0\xb0", "x", "\n");

	(void)state;
	assert_non_null(strstr(text, "\nSubject: =?UTF-8?B?0J/QuNGG0YbQsA==?=\n"));
	free(text);
}

static void test_body_beyond_ascii_is_quoted(void **state)
{
	char *text = mail("s", "1 = \xe2\x82\xac \n", "\r\n");

	(void)state;
	assert_non_null(strstr(text, "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
				     "1 =3D =E2=82=AC=20\r\n"));
	free(text);
}

/* Splits at eol and checks each line; the number of header lines that start with `name`. */
static int check_lines(const char *text, const char *name)
{
	int found = 0;
	bool header = true;

	while (*text != '\0') {
		const char *end = strstr(text, "\r\n");

		assert_non_null(end);
		assert_true(end - text <= 998);
		for (const char *p = text; p < end; p++)
			assert_true(*p != '\r' && *p != '\n' && *p != '\0');
		if (end == text)
			header = false;
		if (header) {
			assert_true(end - text <= 78);
			found += strncasecmp(text, name, strlen(name)) == 0;
		}
		text = end + 2;
	}
	return found;
}

static void test_no_header_can_be_smuggled_in(void **state)
{
	static const char *const subjects[] = {
	    "hello\r\nBcc: all@example.com",
	    "hello\nBcc: all@example.com",
	    "\r\n\r\nbody\r\nBcc: x",
	    "=?UTF-8?B?DQpCY2M6IHg=?=",
	    "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd\r\nBcc: all@example.com",
	    "Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x Bcc: x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		char *text = mail(subjects[i], "hello", "\r\n");

		assert_int_equal(check_lines(text, "bcc"), 0);
		assert_int_equal(check_lines(text, "subject:"), 1);
		assert_null(strstr(text, "=?UTF-8?B?DQpCY2M6IHg=?=\r\nMessage"));
		free(text);
	}
}

/* Random bytes: lines stay legal, the header stays one header. */
static void test_random_texts(void **state)
{
	(void)state;
	srandom(4711);
	for (int round = 0; round < 3000; round++) {
		char subject[300], body[2500], *text;
		size_t n = (size_t)random() % sizeof(subject), m = (size_t)random() % sizeof(body);

		for (size_t i = 0; i < n; i++)
			subject[i] =
			    (char)(random() % 4 == 0 ? random() % 255 + 1 : "a \r\n=?"[random() % 6]);
		subject[n > 0 ? n - 1 : 0] = '\0';
		for (size_t i = 0; i < m; i++)
			body[i] = (char)(random() % 50 == 0 ? random() % 255 + 1 : 'a' + random() % 26);
		body[m > 0 ? m - 1 : 0] = '\0';
		text = mail(subject, body, "\r\n");
		assert_int_equal(check_lines(text, "subject:"), 1);
		assert_int_equal(check_lines(text, "message-id:"), 1);
		free(text);
	}
}

static void test_words_are_whole_characters(void **state)
{
	char subject[4 * 60 + 1] = "";
	struct buf out = {0};

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(subject, "\xf0\x9f\x8d\x95"); /* a pizza */
	add_encoded(&out, subject, "\r\n");
	/* 36 bytes, nine pizzas, in all words but the last: each decodes alone. */
	assert_int_equal(strstr(buf_str(&out), "?=") - buf_str(&out), 10 + 48);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_placeholders),
	    cmocka_unit_test(test_unknown_placeholders_are_named),
	    cmocka_unit_test(test_a_plain_mail),
	    cmocka_unit_test(test_subject_beyond_ascii_is_encoded),
	    cmocka_unit_test(test_body_beyond_ascii_is_quoted),
	    cmocka_unit_test(test_no_header_can_be_smuggled_in),
	    cmocka_unit_test(test_random_texts),
	    cmocka_unit_test(test_words_are_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
