/*
 * What the feeds gave.
 */
#include "tui/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/pack.h"

/*
 * A list has a row's text per line; rows that are those of another list in their places have one line
 * "@FROM COUNT" together.  Other data is its text.  What is short is not packed.
 */
struct tape_blob {
	int refs;
	struct tape_blob *base; /* the other list, owned; NULL */
	int depth;		/* so many others must be opened for it */
	bool list;
	uLong raw, crc;
	size_t size; /* raw: it is not packed */
	unsigned char data[];
};

#define SHORT_TEXT 256

/* --- packed data --- */

static void blob_unref(struct tape *t, struct tape_blob *b)
{
	while (b != NULL && --b->refs == 0) {
		struct tape_blob *base = b->base;

		t->bytes -= b->size;
		free(b);
		b = base;
	}
}

static struct tape_blob *blob_new(struct tape *t, const char *text, bool list)
{
	uLong raw = strlen(text);
	uLongf size = compressBound(raw);
	struct tape_blob *b = xcalloc(1, sizeof(*b) + size);

	if (raw <= SHORT_TEXT)
		memcpy(b->data, text, size = raw);
	else if (compress2(b->data, &size, (const Bytef *)text, raw, 1) != Z_OK)
		abort(); /* there is room enough, and memory */
	*b = (struct tape_blob){.refs = 1, .list = list, .raw = raw, .size = size};
	b->crc = crc32(0, (const Bytef *)text, (uInt)raw);
	t->bytes += size;
	return xreallocarray(b, 1, sizeof(*b) + size);
}

/* Owned. */
static char *blob_text(const struct tape_blob *b)
{
	uLongf size = b->raw;
	char *text = xcalloc(1, size + 1);

	if (b->raw <= SHORT_TEXT)
		memcpy(text, b->data, b->raw);
	else if (uncompress((Bytef *)text, &size, b->data, b->size) != Z_OK)
		text[0] = '\0';
	return text;
}

/* The rows of a list, packed; owned. */
static json_t *blob_rows(const struct tape_blob *b)
{
	AUTO_FREE char *text = blob_text(b);
	AUTO_JSON json_t *others = b->base != NULL ? blob_rows(b->base) : NULL;
	json_t *rows = json_array();
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		int from, count;

		if (*line != '@' && *line != '\0')
			json_array_append_new(rows, json_stringn_nocheck(line, strlen(line)));
		if (*line != '@' || sscanf(line, "@%d %d", &from, &count) != 2)
			continue;
		for (int k = from; k < from + count; k++)
			json_array_append(rows, json_array_get(others, (size_t)k));
	}
	return rows;
}

json_t *tape_data(const struct tape_entry *e)
{
	AUTO_JSON json_t *rows = NULL;
	AUTO_FREE char *text = NULL;
	json_t *data;

	if (e->blob == NULL)
		return NULL;
	if (e->blob->list) {
		rows = blob_rows(e->blob);
		return feeds[e->feed].packed ? json_incref(rows) : pack_open_all(rows, SIZE_MAX);
	}
	text = blob_text(e->blob);
	data = json_loads(text, JSON_DECODE_ANY, NULL);
	return data != NULL ? data : json_array();
}

/* --- long lists --- */

/* So many lists are opened for one at most. */
#define DEPTH_MAX 16

static bool is_long(const json_t *data)
{
	return json_array_size(data) > TAPE_LONG_ROWS;
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

/* Rows of the list before that follow each other in this one, too. */
struct run {
	int from, count;
};

static void add_run(struct buf *text, struct run *run)
{
	if (run->count > 0)
		buf_addf(text, "@%d %d\n", run->from, run->count);
	run->count = 0;
}

/* True when the row is the next one of the run, or begins another. */
static bool is_known(struct buf *text, struct run *run, const struct tape_rows *before, uint64_t hash)
{
	int next = run->from + run->count;

	if (run->count > 0 && next < before->count && before->hashes[next] == hash) {
		run->count++;
		return true;
	}
	add_run(text, run);
	for (int i = 0; i < before->count; i++)
		if (before->hashes[i] == hash) {
			*run = (struct run){i, 1};
			return true;
		}
	return false;
}

/* The list's text for a blob; answers how many of its rows are those before, which are replaced by these. */
static int long_text(struct tape_rows *before, const json_t *data, struct buf *text)
{
	struct tape_rows rows = {0};
	struct run run = {0};
	int known = 0;

	rows.hashes = xcalloc(TAPE_ROWS, sizeof(*rows.hashes));
	for (; rows.count < TAPE_ROWS && rows.count < (int)json_array_size(data); rows.count++) {
		AUTO_FREE char *row = pack_row_text(json_array_get(data, (size_t)rows.count));
		uint64_t hash = hash_of(row);

		rows.hashes[rows.count] = hash;
		if (is_known(text, &run, before, hash))
			known++;
		else
			buf_addf(text, "%s\n", row);
	}
	add_run(text, &run);
	free(before->hashes);
	*before = rows;
	return known;
}

/* A long list's data: those rows that are not the rows of the entry before. */
static struct tape_blob *blob_long(struct tape *t, const struct tape_entry *last, enum feed_id feed,
				   const json_t *data)
{
	struct tape_rows *before = &t->latest[feed];
	CLEANUP(buf_done) struct buf text = {0};
	struct tape_blob *base = last != NULL ? last->blob : NULL, *blob;
	int count, known;
	char same[32];

	if (base == NULL || base != before->blob || base->depth >= DEPTH_MAX)
		before->count = 0;
	count = before->count;
	known = long_text(before, data, &text);
	snprintf(same, sizeof(same), "@0 %d\n", count);
	if (count > 0 && count == before->count && strcmp(buf_str(&text), same) == 0) {
		base->refs++;
		before->blob = base;
		return base;
	}
	blob = blob_new(t, buf_str(&text), true);
	if (known > 0) {
		blob->base = base;
		blob->depth = base->depth + 1;
		base->refs++;
	}
	before->blob = blob;
	return blob;
}

/* --- entries --- */

static void entry_done(struct tape *t, struct tape_entry *e)
{
	blob_unref(t, e->blob);
	free(e->subject);
	free(e->error);
}

void tape_done(struct tape *t)
{
	for (int i = t->first; i < t->count; i++)
		entry_done(t, &t->entries[i]);
	free(t->entries);
	for (int i = 0; i < FEED_COUNT; i++)
		free(t->latest[i].hashes);
	if (t->file != NULL)
		fclose(t->file);
	*t = (struct tape){0};
}

/* The last of what this feed gave for the subject; NULL. */
static const struct tape_entry *last_of(const struct tape *t, enum feed_id feed, const char *subject)
{
	for (int i = t->count - 1; i >= t->first; i--)
		if (t->entries[i].feed == feed && strcmp(t->entries[i].subject, subject) == 0)
			return &t->entries[i];
	return NULL;
}

/* Room for one more: what is too old, or too much, is forgotten. */
static void make_room(struct tape *t, int64_t now_us)
{
	while (!t->endless && t->first < t->count &&
	       (t->entries[t->first].at_us < now_us - TAPE_US || t->bytes > TAPE_BYTES))
		entry_done(t, &t->entries[t->first++]);
	if (t->count < t->cap)
		return;
	if (t->first > t->cap / 2) {
		memmove(t->entries, t->entries + t->first,
			(size_t)(t->count - t->first) * sizeof(*t->entries));
		t->count -= t->first;
		t->first = 0;
		return;
	}
	t->cap = t->cap > 0 ? t->cap * 2 : 256;
	t->entries = xreallocarray(t->entries, (size_t)t->cap, sizeof(*t->entries));
}

/* A long list takes time and room, and was kept a moment ago. */
static bool is_too_soon(const struct tape_entry *before, int64_t at_us, const json_t *data)
{
	return is_long(data) && before != NULL && before->error == NULL && at_us >= before->at_us &&
	       at_us - before->at_us < TAPE_LONG_US;
}

static void add_error(struct buf *out, const struct error *e)
{
	const char *const parts[][2] = {{"code", error_word(e->code)}, {"what", e->what}, {"why", e->why}};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO_FREE char *text = text_mended(parts[i][1]);

		buf_addf(out, "%s\"%s\":", i > 0 ? "," : "{", parts[i][0]);
		buf_add_json(out, text, strlen(text));
	}
	buf_addc(out, '}');
}

static void write_line(struct tape *t, const struct tape_entry *e, const json_t *data, bool same)
{
	CLEANUP(buf_done) struct buf head = {0};
	AUTO_FREE char *text = NULL;
	char at[CLOCK_TEXT_SIZE];

	if (t->file == NULL)
		return;
	buf_addf(&head, "{\"at\":\"%s\",\"feed\":\"%s\",\"subject\":", clock_format(e->at_us, at),
		 feeds[e->feed].name);
	buf_add_json(&head, e->subject, strlen(e->subject));
	buf_adds(&head, e->append ? ",\"append\":true" : "");
	if (e->error != NULL) {
		buf_adds(&head, ",\"error\":");
		add_error(&head, e->error);
	} else {
		buf_adds(&head, same ? ",\"same\":true" : ",\"data\":");
	}
	text = e->error == NULL && !same ? pack_text(data, TAPE_ROWS) : NULL;
	fprintf(t->file, "%s%s}\n", buf_str(&head), text != NULL ? text : "");
	fflush(t->file);
}

/* The text of data for a blob, owned. */
static char *short_text(const json_t *data)
{
	struct buf text = {0};

	if (!json_is_array(data))
		return json_text(data);
	for (size_t i = 0; i < json_array_size(data) && i < TAPE_ROWS; i++) {
		AUTO_FREE char *row = pack_row_text(json_array_get(data, i));

		buf_addf(&text, "%s\n", row);
	}
	return buf_take(&text);
}

static struct tape_blob *blob_of(struct tape *t, const struct tape_entry *last, enum feed_id feed,
				 bool append, const json_t *data)
{
	AUTO_FREE char *text = NULL;
	uLong raw;

	if (is_long(data) && !append)
		return blob_long(t, last, feed, data);
	t->latest[feed].blob = NULL;
	text = short_text(data);
	raw = strlen(text);
	if (last == NULL || last->blob == NULL || last->append != append || last->blob->base != NULL ||
	    last->blob->list != json_is_array(data) || last->blob->raw != raw ||
	    last->blob->crc != crc32(0, (const Bytef *)text, (uInt)raw))
		return blob_new(t, text, json_is_array(data));
	last->blob->refs++;
	return last->blob;
}

void tape_add(struct tape *t, int64_t at_us, enum feed_id feed, const char *subject, bool append,
	      const json_t *data, const struct error *err)
{
	const struct tape_entry *last = last_of(t, feed, subject);
	struct tape_entry e = {.at_us = at_us, .feed = feed, .append = append};
	bool same;

	if (!append && is_too_soon(last, at_us, data))
		return;
	e.subject = xstrdup(subject);
	e.number = last != NULL ? last->number + last->rows : 0;
	if (data != NULL) {
		e.rows = (int)json_array_size(data);
		e.blob = blob_of(t, last, feed, append, data);
	} else {
		e.error = xcalloc(1, sizeof(*e.error));
		if (err != NULL)
			*e.error = *err;
		else
			error_set(e.error, ERR_FAILED, subject, "could not be kept");
	}
	same = last != NULL && e.blob != NULL && last->blob == e.blob;
	make_room(t, at_us);
	t->entries[t->count++] = e;
	write_line(t, &e, data, same);
}

int tape_until(const struct tape *t, int64_t at_us)
{
	int low = t->first, high = t->count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (t->entries[middle].at_us <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool tape_range(const struct tape *t, int64_t *ret_first_us, int64_t *ret_last_us)
{
	if (t->first == t->count)
		return false;
	*ret_first_us = t->entries[t->first].at_us;
	*ret_last_us = t->entries[t->count - 1].at_us;
	return true;
}

/* --- files --- */

#define RECORD_VERSION 1

int tape_record(struct tape *t, const char *path, const char *context, int64_t at_us, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	AUTO_JSON json_t *head = NULL;
	AUTO_FREE char *text = NULL;
	char at[CLOCK_TEXT_SIZE];

	if (fd < 0 && errno == EEXIST) {
		error_set(err, ERR_CONFLICT, path, "is there already");
		error_hint(err, "a recording is written to a new file");
		return ERR_CONFLICT;
	}
	t->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (t->file == NULL)
		return error_errno(err, "%s", path);
	head = json_pack("{s:i, s:s, s:s}", "pizza_record", RECORD_VERSION, "context", context, "at",
			 clock_format(at_us, at));
	text = json_text(head);
	fprintf(t->file, "%s\n", text);
	return 0;
}

int tape_finish(struct tape *t, struct error *err)
{
	bool bad = t->file != NULL && ferror(t->file) != 0;

	if (t->file != NULL && fclose(t->file) != 0)
		bad = true;
	t->file = NULL;
	return bad ? error_set(err, ERR_IO, "recording", "not all of it could be written") : 0;
}

static bool find_feed(const char *name, enum feed_id *ret)
{
	for (int i = 0; i < FEED_COUNT; i++)
		if (strcmp(feeds[i].name, name) == 0) {
			*ret = (enum feed_id)i;
			return true;
		}
	return false;
}

/* A line of the file; feeds of other versions are left out. */
static int load_line(struct tape *t, const json_t *line, tape_each *each, void *arg, struct error *err)
{
	const char *subject = json_string_or(line, "subject", "");
	const json_t *data = json_object_get(line, "data"), *why = json_object_get(line, "error");
	AUTO_JSON json_t *same = NULL;
	const struct tape_entry *before;
	enum feed_id feed;
	int64_t at_us = 0;
	int rc = json_get_time(line, "at", &at_us, err);

	if (rc < 0 || !find_feed(json_string_or(line, "feed", ""), &feed))
		return rc;
	if (t->count > 0 && at_us < t->entries[t->count - 1].at_us)
		at_us = t->entries[t->count - 1].at_us; /* the clock was set back */
	if (json_bool_or(line, "same", false)) {
		before = last_of(t, feed, subject);
		same = before != NULL ? tape_data(before) : json_array();
		data = same;
	}
	if (data == NULL) {
		struct error e;

		error_set(&e, ERR_UNAVAILABLE, json_string_or(why, "what", "?"), "%s",
			  json_string_or(why, "why", "?"));
		tape_add(t, at_us, feed, subject, false, NULL, &e);
		return 0;
	}
	tape_add(t, at_us, feed, subject, json_bool_or(line, "append", false), data, NULL);
	each(arg, feed, at_us, data);
	return 0;
}

static int load_lines(struct tape *t, FILE *f, const char *path, tape_each *each, void *arg,
		      struct error *err)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;

	for (int number = 2; rc == 0 && (n = getline(&line, &size, f)) > 0; number++) {
		AUTO_JSON json_t *entry = NULL;

		if (line[n - 1] != '\n')
			break; /* whoever wrote it was killed */
		rc = json_parse_object(line, (size_t)n, &entry, err);
		if (rc == 0)
			rc = load_line(t, entry, each, arg, err);
		if (rc < 0)
			error_set(err, ERR_MALFORMED, path, "line %d is none of a recording", number);
	}
	return rc;
}

int tape_load(struct tape *t, const char *path, tape_each *each, void *arg, char **ret_context,
	      struct error *err)
{
	AUTO_FREE char *line = NULL;
	AUTO_JSON json_t *head = NULL;
	size_t size = 0;
	ssize_t n;
	int rc = 0;
	FILE *f = fopen(path, "re");

	if (f == NULL && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, path, "there is no such file");
	if (f == NULL)
		return error_errno(err, "%s", path);
	t->endless = true;
	n = getline(&line, &size, f);
	if (n <= 0 || json_parse_object(line, (size_t)n, &head, NULL) < 0 ||
	    json_int_or(head, "pizza_record", 0) != RECORD_VERSION) {
		rc = error_set(err, ERR_MALFORMED, path, "is no recording of this version");
		error_hint(err, "pizzactl top --record FILE writes one");
	} else {
		*ret_context = xstrdup(json_string_or(head, "context", "?"));
		rc = load_lines(t, f, path, each, arg, err);
	}
	if (rc == 0 && t->count == 0)
		rc = error_set(err, ERR_NOT_FOUND, path, "nothing was recorded");
	fclose(f);
	return rc;
}
