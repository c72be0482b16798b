/*
 * Lines of JSON for whoever started pizzad and waits: {"service","state","elapsed_ms","detail"}, and at the
 * end
 * {"done":true,"elapsed_ms"} or {"error":{"code","what","why","hint"}}.  A reader that has gone is no
 * failure.
 */
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "daemons/pizzad/supervisor.h"

static void end(struct supervisor *s)
{
	if (s->progress_fd >= 0)
		close(s->progress_fd);
	s->progress_fd = -1;
}

/* Takes line. */
static void send_line(struct supervisor *s, json_t *line)
{
	char *text = json_text(line);
	size_t n = strlen(text);

	text[n] = '\n'; /* in place of the NUL: written with one call */
	if (s->progress_fd >= 0 && write(s->progress_fd, text, n + 1) != (ssize_t)n + 1)
		end(s);
	free(text);
	json_decref(line);
}

static void send_state(struct supervisor *s, const struct unit *u, enum unit_state state, const char *detail)
{
	if (s->progress_fd < 0)
		return;
	send_line(s, json_pack("{s:s,s:s,s:I,s:s}", "service", u->name, "state", unit_state_words[state],
			       "elapsed_ms", (json_int_t)mono_since_ms(u->start_began), "detail", detail));
}

void progress_state(struct supervisor *s, const struct unit *u, enum unit_state state, const char *detail)
{
	send_state(s, u, state, detail);
}

void progress_detail(struct supervisor *s, const struct unit *u, const char *detail)
{
	send_state(s, u, STATE_STARTING, detail);
}

void progress_done(struct supervisor *s)
{
	if (s->progress_fd >= 0)
		send_line(s, json_pack("{s:b,s:I}", "done", true, "elapsed_ms",
				       (json_int_t)mono_since_ms(s->started)));
	end(s);
}

void progress_error(struct supervisor *s, const struct error *err)
{
	if (s->progress_fd >= 0)
		send_line(s, json_pack("{s:{s:s,s:s,s:s,s:s}}", "error", "code", error_word(err->code),
				       "what", err->what, "why", err->why, "hint", err->hint));
	end(s);
}
