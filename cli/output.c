/*
 * Choosing columns, holding rows for sorting, and giving what renderers write to the stream.  One thread.
 *
 * Invariant: renderers write into o->text only; flush_text alone touches the stream, so that a full disk and
 * a reader who has left are noticed in one place.
 */
#include "cli/output.h"

#include <errno.h>
#include <string.h>

#include "cli/changes.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"

#define FLUSH_AT  16384
#define NAMES_MAX 64

const char *const output_format_words[OUTPUT_FORMAT_COUNT + 1] = {
#define X(symbol, word, text) word,
    OUTPUT_FORMATS(X)
#undef X
};

const char *const output_time_words[OUTPUT_TIME_COUNT + 1] = {
#define X(symbol, word, text) word,
    OUTPUT_TIMES(X)
#undef X
};

static const struct renderer *const renderers[OUTPUT_FORMAT_COUNT] = {
    [OUTPUT_TABLE] = &render_table, [OUTPUT_WIDE] = &render_table, [OUTPUT_JSON] = &render_json,
    [OUTPUT_JSONL] = &render_jsonl, [OUTPUT_CSV] = &render_csv,	   [OUTPUT_YAML] = &render_yaml,
    [OUTPUT_NAME] = &render_name,   [OUTPUT_NONE] = &render_none,
};

bool output_is_human(enum output_format format)
{
	return renderers[format]->human;
}

static int column_count(const struct column *columns)
{
	int n = 0;

	while (columns[n].name != NULL)
		n++;
	return n;
}

static const struct column *find_column(const struct column *columns, const char *name, size_t len)
{
	for (const struct column *c = columns; c->name != NULL; c++)
		if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
			return c;
	return NULL;
}

static int unknown_column(const struct column *columns, const char *name, size_t len, struct error *err)
{
	const char *names[NAMES_MAX];
	AUTO_FREE char *word = xstrndup(name, len);
	int n = 0;

	for (; n < NAMES_MAX && columns[n].name != NULL; n++)
		names[n] = columns[n].name;
	return nearest_refuse(ERR_USAGE, word, "no such column", names, n, err);
}

static int choose_columns(struct output *o, const char *list, struct error *err)
{
	int n = 0, most = 1;

	for (const char *p = list; *p != '\0'; p++)
		most += *p == ',';
	o->shown = xcalloc((size_t)most + 1, sizeof(o->shown[0]));
	for (const char *p = list; *p != '\0';) {
		size_t len = strcspn(p, ",");
		const struct column *c = find_column(o->columns, p, len);

		if (c == NULL)
			return unknown_column(o->columns, p, len, err);
		o->shown[n++] = c;
		p += len + (p[len] == ',');
	}
	o->chosen = true;
	return n > 0 ? 0 : error_set(err, ERR_USAGE, "--columns", "names no column");
}

/* Tables leave columns out; the other forms have them all. */
static void default_columns(struct output *o)
{
	unsigned hidden = 0;
	int n = 0;

	if (o->settings.format == OUTPUT_TABLE)
		hidden = COLUMN_WIDE | COLUMN_MACHINE;
	else if (o->settings.format == OUTPUT_WIDE)
		hidden = COLUMN_MACHINE;
	if (!o->list)
		hidden &= ~(unsigned)COLUMN_WIDE;
	o->shown = xcalloc((size_t)column_count(o->columns) + 1, sizeof(o->shown[0]));
	for (const struct column *c = o->columns; c->name != NULL; c++)
		if ((c->flags & hidden) == 0)
			o->shown[n++] = c;
}

/* --- kinds --- */

static const struct {
	const char *word;
	enum where_kind where;
} kinds[] = {
    [COLUMN_TEXT] = {"text", WHERE_TEXT},	[COLUMN_STATE] = {"state", WHERE_TEXT},
    [COLUMN_INT] = {"int", WHERE_INT},		[COLUMN_REAL] = {"real", WHERE_REAL},
    [COLUMN_MONEY] = {"money", WHERE_MONEY},	[COLUMN_TIME] = {"time", WHERE_TIME},
    [COLUMN_MS] = {"milliseconds", WHERE_MS},	[COLUMN_SECONDS] = {"seconds", WHERE_SECONDS},
    [COLUMN_BYTES] = {"bytes", WHERE_BYTES},	[COLUMN_BOOL] = {"bool", WHERE_BOOL},
    [COLUMN_PERCENT] = {"percent", WHERE_REAL}, [COLUMN_JSON] = {"json", WHERE_JSON},
};

const char *column_kind_word(enum column_kind kind)
{
	return kinds[kind].word;
}

static const char *source_sql(const struct where_column *source, const char *name)
{
	for (; source != NULL && source->name != NULL; source++)
		if (strcmp(source->name, name) == 0)
			return source->sql;
	return NULL;
}

static int choose_where(struct output *o, struct error *err)
{
	int n = column_count(o->columns);

	if (o->settings.where == NULL)
		return 0;
	if (!o->list) {
		error_set(err, ERR_USAGE, "--where", "chooses rows of a list, and this shows one thing");
		return ERR_USAGE;
	}
	o->where_columns = xcalloc((size_t)n + 1, sizeof(o->where_columns[0]));
	for (int i = 0; i < n; i++)
		o->where_columns[i] =
		    (struct where_column){.name = o->columns[i].name,
					  .kind = kinds[o->columns[i].kind].where,
					  .sql = source_sql(o->settings.source, o->columns[i].name)};
	return where_parse(o->settings.where, o->where_columns, (size_t)n, o->settings.now_us, &o->where,
			   err);
}

/* --- */

static int choose_sort(struct output *o, const char *sort, struct error *err)
{
	const char *name = sort + (*sort == '-');

	o->sort_down = *sort == '-';
	o->sort_column = find_column(o->columns, name, strlen(name));
	if (o->sort_column == NULL)
		return unknown_column(o->columns, name, strlen(name), err);
	o->held = json_array();
	return 0;
}

static void output_free(struct output *o)
{
	where_free(o->where);
	free(o->where_columns);
	json_decref(o->held);
	free(o->shown);
	buf_done(&o->text);
	free(o);
}

int output_open(const struct output_settings *settings, const struct column *columns, bool list,
		struct output **ret, struct error *err)
{
	struct output *o = xcalloc(1, sizeof(*o));
	int rc = 0;

	o->settings = *settings;
	o->renderer = renderers[settings->format];
	o->columns = columns;
	o->list = list;
	if (settings->columns != NULL)
		rc = choose_columns(o, settings->columns, err);
	else
		default_columns(o);
	if (rc == 0 && settings->sort != NULL && list)
		rc = choose_sort(o, settings->sort, err);
	if (rc == 0)
		rc = choose_where(o, err);
	if (settings->changes != NULL && o->held == NULL)
		o->held = json_array();
	if (rc < 0) {
		output_free(o);
		return rc;
	}
	*ret = o;
	return 0;
}

const struct where *output_where(const struct output *o)
{
	return o->where;
}

const char *output_delegate_sort(struct output *o)
{
	if (o->held == NULL || o->sort_column == NULL ||
	    source_sql(o->settings.source, o->sort_column->name) == NULL)
		return NULL;
	o->sort_column = NULL;
	if (o->settings.changes == NULL) {
		json_decref(o->held);
		o->held = NULL;
	}
	return o->settings.sort;
}

int64_t output_wanted(const struct output *o, bool filters)
{
	return (o->where == NULL || filters) && o->sort_column == NULL ? o->settings.limit : -1;
}

void output_discard(struct output *o)
{
	output_free(o);
}

void output_live(struct output *o)
{
	o->live = true;
}

void output_lines(struct output *o, void (*line)(void *arg, const json_t *row, struct buf *out), void *arg)
{
	if (!o->renderer->human || o->chosen)
		return;
	o->line = line;
	o->line_arg = arg;
}

static int flush_text(struct output *o, struct error *err)
{
	size_t len = o->text.len;

	if (len == 0 || o->closed) {
		buf_reset(&o->text);
		return 0;
	}
	if (fwrite(o->text.data, 1, len, o->settings.stream) == len && fflush(o->settings.stream) == 0) {
		buf_reset(&o->text);
		return 0;
	}
	o->closed = true;
	if (errno != EPIPE)
		return error_set(err, ERR_IO, "write the output", "%s", strerror(errno));
	clearerr(o->settings.stream);
	if (o->settings.unread != NULL)
		*o->settings.unread = true;
	return 0;
}

static int write_row(struct output *o, const json_t *row, struct error *err)
{
	int rc = 0;

	if (o->closed || (o->settings.limit >= 0 && o->rows >= o->settings.limit))
		return 1;
	if (!o->begun && o->line == NULL)
		o->renderer->begin(o);
	o->begun = true;
	if (o->line != NULL)
		o->line(o->line_arg, row, &o->text);
	else
		o->renderer->row(o, row);
	o->rows++;
	if (o->live || o->text.len >= FLUSH_AT)
		rc = flush_text(o, err);
	if (rc < 0)
		return rc;
	return o->closed || (o->settings.limit >= 0 && o->rows >= o->settings.limit);
}

int output_row(struct output *o, json_t *row, struct error *err)
{
	AUTO_JSON json_t *owned = row;

	if (!where_match(o->where, row))
		return 0;
	if (o->held != NULL) {
		json_array_append(o->held, row);
		return 0;
	}
	return write_row(o, row, err);
}

static int compare_values(const json_t *a, const json_t *b)
{
	double x, y;

	if (json_is_string(a) && json_is_string(b))
		return strcmp(json_string_value(a), json_string_value(b));
	x = json_is_true(a) ? 1 : json_number_value(a);
	y = json_is_true(b) ? 1 : json_number_value(b);
	return (x > y) - (x < y);
}

struct sort_key {
	const json_t *row, *value; /* value NULL: none, such rows come last */
	size_t place;
	bool down;
};

/* Equal rows stay in the order they came in. */
static int compare_keys(const void *left, const void *right)
{
	const struct sort_key *a = left, *b = right;
	int c;

	if (a->value == NULL || b->value == NULL)
		c = (a->value == NULL) - (b->value == NULL);
	else
		c = a->down ? compare_values(b->value, a->value) : compare_values(a->value, b->value);
	return c != 0 ? c : (a->place > b->place) - (a->place < b->place);
}

/* The held rows in the order asked for; owned. */
static json_t *sorted(struct output *o)
{
	size_t n = json_array_size(o->held);
	AUTO_FREE struct sort_key *keys = xcalloc(n + 1, sizeof(*keys));
	json_t *rows = json_array();

	for (size_t i = 0; i < n; i++) {
		keys[i].row = json_array_get(o->held, i);
		keys[i].value = json_object_get(keys[i].row, o->sort_column->name);
		if (json_is_null(keys[i].value))
			keys[i].value = NULL;
		keys[i].place = i;
		keys[i].down = o->sort_down;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		json_array_append(rows, (json_t *)keys[i].row);
	return rows;
}

static void keep_first(json_t *rows, int64_t limit)
{
	for (size_t n = json_array_size(rows); limit >= 0 && n > (size_t)limit; n--)
		json_array_remove(rows, n - 1);
}

static int write_held(struct output *o, struct error *err)
{
	json_t *rows = o->sort_column != NULL ? sorted(o) : json_incref(o->held), *changed;
	int rc = 0;

	if (o->settings.changes != NULL) {
		keep_first(rows, o->settings.limit);
		o->settings.limit = -1;
		changed = changes_update(o->settings.changes, o->columns, rows, o->settings.now_us);
		json_decref(rows);
		rows = changed;
	}
	for (size_t i = 0; i < json_array_size(rows) && rc == 0; i++)
		rc = write_row(o, json_array_get(rows, i), err);
	json_decref(rows);
	return rc < 0 ? rc : 0;
}

json_t *output_pick(const struct output *o, const json_t *row)
{
	json_t *picked = json_object();
	const char *name;
	json_t *value;

	if (o->settings.changes != NULL) {
		json_object_set(picked, "change", json_object_get(row, "change"));
		json_object_set(picked, "change_at", json_object_get(row, "change_at"));
	}
	for (int i = 0; o->shown[i] != NULL; i++) {
		value = json_object_get(row, o->shown[i]->name);
		json_object_set_new(picked, o->shown[i]->name,
				    value != NULL ? json_incref(value) : json_null());
	}
	if (o->chosen)
		return picked;
	json_object_foreach ((json_t *)row, name, value)
		if (json_object_get(picked, name) == NULL)
			json_object_set(picked, name, value);
	return picked;
}

int output_close(struct output *o, int rc, struct error *err)
{
	if (o == NULL)
		return rc;
	if (rc >= 0 && o->held != NULL)
		rc = write_held(o, err);
	if (rc >= 0 && !o->begun && o->line == NULL)
		o->renderer->begin(o);
	o->begun = o->begun || rc >= 0;
	if (o->begun && o->line == NULL)
		o->renderer->end(o, rc < 0);
	if (rc >= 0)
		rc = flush_text(o, err);
	else
		(void)flush_text(o, NULL);
	output_free(o);
	return rc < 0 ? rc : 0;
}

const char *output_kind_word(enum column_kind kind)
{
	static const char *const words[] = {
	    [COLUMN_TEXT] = "text",	     [COLUMN_STATE] = "word",	     [COLUMN_INT] = "integer",
	    [COLUMN_REAL] = "number",	     [COLUMN_MONEY] = "minor units", [COLUMN_TIME] = "time",
	    [COLUMN_MS] = "milliseconds",    [COLUMN_SECONDS] = "seconds",   [COLUMN_BYTES] = "bytes",
	    [COLUMN_BOOL] = "true or false", [COLUMN_PERCENT] = "percent",   [COLUMN_JSON] = "JSON",
	};

	return words[kind];
}
