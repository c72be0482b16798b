/*
 * The YAML reader: libyaml's event parser, which knows the line of everything.  One owner at a time.
 */
#include "core/config/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

#define DEPTH_MAX 16

struct reader {
	yaml_parser_t parser;
	config_file_entry *entry;
	void *arg;
	struct buf key; /* dotted path of where we are */
	int depth;
};

static int line_of(const yaml_event_t *e)
{
	return (int)e->start_mark.line + 1;
}

static void report(struct reader *r, int line, const char *problem)
{
	r->entry(r->arg, line, buf_str(&r->key), NULL, problem);
}

/* False after a syntax error, which has been reported. */
static bool next(struct reader *r, yaml_event_t *e)
{
	char text[200];

	if (yaml_parser_parse(&r->parser, e))
		return true;
	snprintf(text, sizeof(text), "is not valid YAML: %s",
		 r->parser.problem != NULL ? r->parser.problem : "cannot be read");
	buf_reset(&r->key);
	report(r, (int)r->parser.problem_mark.line + 1, text);
	return false;
}

/* Skips what a start event opened. */
static bool skip(struct reader *r)
{
	int depth = 1;

	while (depth > 0) {
		yaml_event_t e;

		if (!next(r, &e))
			return false;
		if (e.type == YAML_MAPPING_START_EVENT || e.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT)
			depth--;
		yaml_event_delete(&e);
	}
	return true;
}

static const char *scalar_text(const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return text;
	return strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ? "" : text;
}

static bool read_map(struct reader *r);

/* The value of the key in r->key. */
static bool read_value(struct reader *r)
{
	yaml_event_t e;
	int line;
	bool ok = true;

	if (!next(r, &e))
		return false;
	line = line_of(&e);
	switch (e.type) {
	case YAML_SCALAR_EVENT:
		if (strlen((const char *)e.data.scalar.value) != e.data.scalar.length)
			report(r, line, "contains a NUL character");
		else
			r->entry(r->arg, line, buf_str(&r->key), scalar_text(&e), NULL);
		break;
	case YAML_MAPPING_START_EVENT:
		ok = read_map(r);
		break;
	case YAML_SEQUENCE_START_EVENT:
		report(r, line, "is a list, and must be a single value");
		ok = skip(r);
		break;
	default:
		report(r, line, "is an alias; aliases are not supported");
		break;
	}
	yaml_event_delete(&e);
	return ok;
}

/* Key and value of one entry; e is the key's event. */
static bool read_entry(struct reader *r, const yaml_event_t *e)
{
	size_t keep = r->key.len;
	bool ok;

	if (e->type != YAML_SCALAR_EVENT) {
		report(r, line_of(e), "has a key that is not plain text");
		return false;
	}
	if (keep > 0)
		buf_addc(&r->key, '.');
	buf_adds(&r->key, (const char *)e->data.scalar.value);
	ok = read_value(r);
	if (ok) {
		r->key.len = keep;
		if (r->key.data != NULL)
			r->key.data[keep] = '\0';
	}
	return ok;
}

static bool read_map(struct reader *r)
{
	bool ok = true;

	if (++r->depth > DEPTH_MAX) {
		report(r, (int)r->parser.mark.line + 1, "is nested too deeply");
		return false;
	}
	while (ok) {
		yaml_event_t e;
		bool end;

		if (!next(r, &e))
			return false;
		end = e.type == YAML_MAPPING_END_EVENT;
		if (!end)
			ok = read_entry(r, &e);
		yaml_event_delete(&e);
		if (end)
			break;
	}
	r->depth--;
	return ok;
}

/* The first document's root: a map, or nothing at all. */
static void read_root(struct reader *r)
{
	for (bool more = true; more;) {
		yaml_event_t e;

		if (!next(r, &e))
			return;
		switch (e.type) {
		case YAML_MAPPING_START_EVENT:
			more = read_map(r);
			break;
		case YAML_STREAM_END_EVENT:
			more = false;
			break;
		case YAML_SCALAR_EVENT:
			if (scalar_text(&e)[0] == '\0')
				break;
			__attribute__((fallthrough));
		case YAML_SEQUENCE_START_EVENT:
			report(r, line_of(&e), "must be a map of keys to values");
			more = false;
			break;
		default:
			break;
		}
		yaml_event_delete(&e);
	}
}

int config_file_read(const char *path, config_file_entry *entry, void *arg, struct error *err)
{
	struct reader r = {.entry = entry, .arg = arg};
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		int missing = errno == ENOENT || errno == ENOTDIR;
		int rc = error_errno(err, "read the configuration %s", path);

		if (missing)
			rc = error_set(err, ERR_NOT_FOUND, "configuration", "%.200s does not exist", path);
		return rc;
	}
	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_input_file(&r.parser, f);
	read_root(&r);
	yaml_parser_delete(&r.parser);
	buf_done(&r.key);
	fclose(f);
	return 0;
}
