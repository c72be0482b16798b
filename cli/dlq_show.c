/*
 * One dead letter as an operator at three in the morning wants it: what failed and why first, then what it
 * was, what has happened to it, and what can be done now.
 */
#include <stdio.h>
#include <string.h>

#include "cli/dlq.h"
#include "cli/human.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

struct page {
	struct buf *out;
	const json_t *letter;
	const struct cli *cli;
};

static void paint(const struct page *p, const char *code)
{
	if (p->cli->color)
		buf_adds(p->out, code);
}

static void say(const struct page *p, const char *text)
{
	human_safe(p->out, text, strlen(text));
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_or(object, name, "-");
}

/* "07:03:35.812Z" of a moment of today, else with its date. */
static void moment(const struct page *p, const char *rfc3339)
{
	struct output_settings settings = {.time = OUTPUT_TIME_ISO, .now_us = clock_wall_us()};

	human_time(p->out, rfc3339, &settings);
}

static void ago(const struct page *p, const char *rfc3339)
{
	char text[DURATION_TEXT_SIZE];
	int64_t us;

	if (!clock_parse(rfc3339, &us))
		return;
	us = clock_wall_us() - us;
	buf_addf(p->out, us >= 0 ? " (%s ago)" : " (in %s)", duration_format(us >= 0 ? us : -us, text));
}

static void label(const struct page *p, const char *name)
{
	buf_adds(p->out, "  ");
	paint(p, DIM);
	buf_addf(p->out, "%-12s", name);
	paint(p, PLAIN);
}

static void draw_title(const struct page *p)
{
	const char *state = text_of(p->letter, "state");
	const char *color = human_state_color(state);

	paint(p, BOLD);
	buf_adds(p->out, "Letter ");
	say(p, text_of(p->letter, "letter_id"));
	paint(p, PLAIN);
	buf_adds(p->out, "   ");
	paint(p, color != NULL ? color : "");
	say(p, state);
	paint(p, PLAIN);
	if (json_bool_or(p->letter, "quarantined", false)) {
		paint(p, RED);
		buf_adds(p->out, "   quarantined");
		paint(p, PLAIN);
	}
	if (json_bool_or(p->letter, "edited", false))
		buf_adds(p->out, "   edited");
	buf_addc(p->out, '\n');
}

static void draw_failure(const struct page *p)
{
	int64_t retries = json_int_or(p->letter, "retry_count", 0);
	int64_t replays = json_int_or(p->letter, "replay_count", 0);
	const char *group = json_string_or(p->letter, "consumer_group", "");

	label(p, "failed");
	paint(p, BOLD);
	say(p, *group != '\0' ? group : "nobody");
	buf_adds(p->out, ", ");
	say(p, text_of(p->letter, "failed_step"));
	buf_adds(p->out, ": ");
	say(p, text_of(p->letter, "error_code"));
	paint(p, PLAIN);
	buf_adds(p->out, "   fingerprint ");
	say(p, text_of(p->letter, "fingerprint"));
	buf_addc(p->out, '\n');
	label(p, "why");
	say(p, text_of(p->letter, "error_reason"));
	buf_addc(p->out, '\n');
	label(p, "when");
	moment(p, text_of(p->letter, "failed_at"));
	ago(p, text_of(p->letter, "failed_at"));
	if (strcmp(text_of(p->letter, "failed_at"), text_of(p->letter, "first_failed_at")) != 0) {
		buf_adds(p->out, ", first ");
		moment(p, text_of(p->letter, "first_failed_at"));
	}
	buf_addc(p->out, '\n');
	label(p, "tries");
	buf_addf(p->out, "%lld when it came", (long long)retries + 1);
	if (replays > 0)
		buf_addf(p->out, ", replayed %lld time%s (quarantined after %lld)", (long long)replays,
			 replays == 1 ? "" : "s", (long long)json_int_or(p->letter, "replay_cap", 0));
	buf_addc(p->out, '\n');
}

static void draw_saga(const struct page *p)
{
	const json_t *saga = json_object_get(p->letter, "saga");
	const char *order = json_string_or(p->letter, "order_id", NULL);

	if (order == NULL)
		return;
	label(p, "order");
	say(p, order);
	if (json_is_object(saga)) {
		const char *awaiting = json_string_or(saga, "awaiting", NULL);

		buf_adds(p->out, ": ");
		say(p, text_of(saga, "state"));
		if (awaiting != NULL) {
			buf_adds(p->out, ", waits for ");
			say(p, awaiting);
			buf_adds(p->out, " from ");
			say(p, text_of(saga, "daemon"));
		}
	} else {
		buf_adds(p->out, ": no saga of it is known");
	}
	buf_addc(p->out, '\n');
}

static void draw_place(const struct page *p)
{
	label(p, "event");
	if (json_string_or(p->letter, "event_type", NULL) != NULL) {
		say(p, text_of(p->letter, "event_type"));
		buf_addc(p->out, ' ');
		say(p, text_of(p->letter, "event_id"));
	} else {
		buf_adds(p->out, "cannot be read");
	}
	buf_addc(p->out, '\n');
	draw_saga(p);
	label(p, "from");
	say(p, text_of(p->letter, "topic"));
	if (json_bool_or(p->letter, "readable", true))
		buf_addf(p->out, "/%lld@%lld", (long long)json_int_or(p->letter, "partition", -1),
			 (long long)json_int_or(p->letter, "offset", -1));
	buf_adds(p->out, ", kept in ");
	say(p, text_of(p->letter, "dlq_topic"));
	buf_addf(p->out, "/%lld@%lld\n", (long long)json_int_or(p->letter, "dlq_partition", -1),
		 (long long)json_int_or(p->letter, "dlq_offset", -1));
	if (json_string_or(p->letter, "expires_at", NULL) != NULL) {
		label(p, "expires");
		moment(p, text_of(p->letter, "expires_at"));
		ago(p, text_of(p->letter, "expires_at"));
		buf_addc(p->out, '\n');
	}
}

static void heading(const struct page *p, const char *text)
{
	buf_addc(p->out, '\n');
	paint(p, BOLD);
	buf_adds(p->out, text);
	paint(p, PLAIN);
	buf_addc(p->out, '\n');
}

/* Each line of text indented and harmless. */
static void draw_block(const struct page *p, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		buf_adds(p->out, "  ");
		human_safe(p->out, text, n);
		buf_addc(p->out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void draw_json(const struct page *p, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	if (json_is_string(value)) {
		draw_block(p, json_string_length(value) > 0 ? json_string_value(value) : "(empty)");
		return;
	}
	text = json_pretty(value);
	draw_block(p, text);
}

static void draw_message(const struct page *p)
{
	const json_t *headers = json_object_get(p->letter, "headers");
	const json_t *value = json_object_get(p->letter, "value");
	const json_t *key = json_object_get(p->letter, "key");
	const char *name, *raw = json_string_or(p->letter, "value_base64", NULL);
	json_t *header;

	heading(p, "Key and headers");
	label(p, "key");
	if (json_is_string(key))
		say(p, json_string_value(key));
	else
		buf_adds(p->out, json_is_null(key) ? "none" : "not text");
	buf_addc(p->out, '\n');
	json_object_foreach ((json_t *)headers, name, header) {
		CLEANUP(buf_done) struct buf safe = {0};

		human_safe(&safe, name, strlen(name));
		label(p, buf_str(&safe));
		buf_addc(p->out, ' ');
		say(p, json_is_string(header) ? json_string_value(header) : "(none)");
		buf_addc(p->out, '\n');
	}
	heading(p, json_bool_or(p->letter, "edited", false) ? "Message, as it came" : "Message");
	if (!json_is_null(value))
		draw_json(p, value);
	else if (raw == NULL)
		buf_adds(p->out, "  none: a tombstone\n");
	else
		buf_addf(p->out, "  not text: %lld bytes; -o json has them as value_base64\n",
			 (long long)json_int_or(p->letter, "value_bytes", 0));
	if (json_bool_or(p->letter, "edited", false)) {
		heading(p, "Message, as it will be replayed");
		draw_json(p, json_object_get(p->letter, "edited_value"));
	}
}

void dlq_draw_diff(struct buf *out, const json_t *diff, bool color, const char *indent)
{
	for (size_t i = 0; i < json_array_size(diff); i++) {
		const json_t *row = json_array_get(diff, i);
		const char *path = json_string_or(row, "path", "");

		for (int after = 0; after < 2; after++) {
			const json_t *value = json_object_get(row, after ? "after" : "before");
			AUTO_FREE char *text = NULL;

			if (value == NULL)
				continue;
			text = json_text(value);
			buf_addf(out, "%s%s%c ", indent,
				 !color	 ? ""
				 : after ? GREEN
					 : RED,
				 after ? '+' : '-');
			human_safe(out, *path != '\0' ? path : "/", *path != '\0' ? strlen(path) : 1);
			buf_adds(out, ": ");
			human_safe(out, text, strlen(text));
			buf_addf(out, "%s\n", color ? PLAIN : "");
		}
	}
}

static void draw_event(const struct page *p, const json_t *h)
{
	const json_t *detail = json_object_get(h, "detail");
	const char *what = text_of(h, "what");

	buf_adds(p->out, "  ");
	moment(p, text_of(h, "at"));
	buf_adds(p->out, "  ");
	say(p, what);
	if (json_string_or(detail, "outcome", NULL) != NULL) {
		buf_adds(p->out, ": ");
		say(p, text_of(detail, "outcome"));
	}
	buf_adds(p->out, " by ");
	say(p, text_of(h, "actor"));
	if (json_is_integer(json_object_get(h, "job_id")))
		buf_addf(p->out, ", job %lld", (long long)json_int_or(h, "job_id", 0));
	if (json_string_or(h, "reason", NULL) != NULL) {
		buf_adds(p->out, ", \"");
		say(p, text_of(h, "reason"));
		buf_addc(p->out, '"');
	}
	buf_addc(p->out, '\n');
	if (json_string_or(detail, "error_reason", NULL) != NULL) {
		buf_adds(p->out, "      ");
		say(p, text_of(detail, "failed_step"));
		buf_adds(p->out, ": ");
		say(p, text_of(detail, "error_reason"));
		buf_addc(p->out, '\n');
	}
	dlq_draw_diff(p->out, json_object_get(detail, "diff"), p->cli->color, "      ");
}

static void draw_history(const struct page *p)
{
	const json_t *history = json_object_get(p->letter, "history");

	heading(p, "History");
	for (size_t i = 0; i < json_array_size(history); i++)
		draw_event(p, json_array_get(history, i));
}

/* The commands that make sense now. */
static void draw_next(const struct page *p)
{
	const char *id = text_of(p->letter, "letter_id"), *state = text_of(p->letter, "state");

	heading(p, "What next");
	if (!json_bool_or(p->letter, "readable", true)) {
		buf_addf(p->out, "  pizzactl dlq discard %.8s --yes            it cannot be replayed\n", id);
	} else if (strcmp(state, "unresolved") == 0) {
		buf_addf(p->out, "  pizzactl dlq replay %.8s --yes%s\n", id,
			 json_bool_or(p->letter, "quarantined", false) ? " --force   (it is quarantined)"
								       : "");
		buf_addf(p->out,
			 "  pizzactl dlq edit %.8s                     change it, then replay it\n"
			 "  pizzactl dlq replay --group %s           all letters of this kind\n"
			 "  pizzactl dlq discard %.8s --yes            give it up\n",
			 id, text_of(p->letter, "fingerprint"), id);
	} else if (strcmp(state, "replaying") == 0) {
		buf_addf(p->out, "  pizzactl dlq jobs follow %lld\n",
			 (long long)json_int_or(p->letter, "job_id", 0));
	} else if (strcmp(state, "discarded") == 0) {
		buf_addf(p->out, "  pizzactl dlq restore %.8s --yes\n", id);
	} else {
		buf_adds(p->out, "  nothing: it has been dealt with\n");
	}
}

void dlq_draw(struct buf *out, const json_t *letter, const struct cli *c)
{
	const struct page p = {out, letter, c};

	draw_title(&p);
	draw_failure(&p);
	draw_place(&p);
	draw_message(&p);
	draw_history(&p);
	draw_next(&p);
}
