/*
 * {"for": "topic tail order-events", "places": {"order-events": {"0": 17, "1": 4}}}
 */
#include "core/console/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define FILE_MAX (1 << 20)

struct cursor {
	char *path;
	int fd;
	json_t *state; /* the file's object */
	json_t *staged;
};

void cursor_close(struct cursor *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	json_decref(c->state);
	json_decref(c->staged);
	free(c->path);
	free(c);
}

static int read_all(struct cursor *c, struct buf *text, struct error *err)
{
	ssize_t n;

	do {
		buf_reserve(text, 8192);
		n = pread(c->fd, text->data + text->len, 8192, (off_t)text->len);
		if (n < 0)
			return error_errno(err, "read the cursor %s", c->path);
		text->len += (size_t)n;
	} while (n > 0 && text->len < FILE_MAX);
	return 0;
}

static int damaged(const struct cursor *c, const char *why, struct error *err)
{
	error_set(err, ERR_INVALID, c->path, "is no cursor: %s", why);
	error_hint(err, "without the file the stream is read anew");
	return ERR_INVALID;
}

static int check_places(const struct cursor *c, struct error *err)
{
	const json_t *places = json_object_get(c->state, "places");
	const char *group, *part;
	json_t *parts, *place;

	if (!json_is_object(places))
		return damaged(c, "it has no \"places\"", err);
	json_object_foreach ((json_t *)places, group, parts) {
		if (!json_is_object(parts))
			return damaged(c, "a place is no object", err);
		json_object_foreach (parts, part, place)
			if (!json_is_integer(place))
				return damaged(c, "a place is no number", err);
	}
	return 0;
}

static int load(struct cursor *c, const char *what, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct error why = {0};
	const char *whose;
	int rc = read_all(c, &text, err);

	if (rc < 0)
		return rc;
	if (text.len == 0) {
		c->state = json_pack("{s:s, s:{}}", "for", what, "places");
		return 0;
	}
	if (json_parse_object(text.data, text.len, &c->state, &why) < 0)
		return damaged(c, why.why, err);
	whose = json_string_or(c->state, "for", "");
	if (strcmp(whose, what) == 0)
		return check_places(c, err);
	error_set(err, ERR_INVALID, c->path, "is the cursor of \"%s\", not of \"%s\"", whose, what);
	error_hint(err, "give each stream a file of its own");
	return ERR_INVALID;
}

int cursor_open(const char *path, const char *what, struct cursor **ret, struct error *err)
{
	struct cursor *c = xcalloc(1, sizeof(*c));
	int rc;

	c->path = xstrdup(path);
	c->staged = json_object();
	c->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (c->fd < 0)
		rc = error_errno(err, "open the cursor %s", path);
	else if (flock(c->fd, LOCK_EX | LOCK_NB) < 0)
		rc = error_set(err, ERR_CONFLICT, path, "another command follows with this cursor");
	else
		rc = load(c, what, err);
	if (rc < 0) {
		cursor_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

bool cursor_find(const struct cursor *c, const char *group, const char *part, int64_t *ret)
{
	const json_t *places = c != NULL ? json_object_get(c->state, "places") : NULL;
	const json_t *place = json_object_get(json_object_get(places, group), part);

	if (place == NULL)
		return false;
	*ret = json_integer_value(place);
	return true;
}

bool cursor_is_new(const struct cursor *c)
{
	return c == NULL || json_object_size(json_object_get(c->state, "places")) == 0;
}

void cursor_stage(struct cursor *c, const char *group, const char *part, int64_t place)
{
	json_t *parts;

	if (c == NULL)
		return;
	parts = json_object_get(c->staged, group);
	if (parts == NULL) {
		parts = json_object();
		json_object_set_new(c->staged, group, parts);
	}
	json_object_set_new(parts, part, json_integer(place));
}

int cursor_commit(struct cursor *c, struct error *err)
{
	AUTO_FREE char *text = NULL;
	const char *group;
	json_t *parts, *places;
	size_t len;

	if (c == NULL || json_object_size(c->staged) == 0)
		return 0;
	places = json_object_get(c->state, "places");
	json_object_foreach (c->staged, group, parts) {
		json_t *known = json_object_get(places, group);

		if (known != NULL)
			json_object_update(known, parts);
		else
			json_object_set(places, group, parts);
	}
	json_object_clear(c->staged);
	text = json_text(c->state);
	len = strlen(text);
	text[len] = '\n';
	if (pwrite(c->fd, text, len + 1, 0) != (ssize_t)len + 1 || ftruncate(c->fd, (off_t)len + 1) < 0)
		return error_errno(err, "write the cursor %s", c->path);
	return 0;
}
