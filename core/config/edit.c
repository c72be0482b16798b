/*
 * Changing one value of a YAML text.  libyaml tells where everything stands; what is changed is the text
 * itself, and the result is parsed again before it counts.  No state.
 */
#include "core/config/edit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "core/base/mem.h"

#define INDENT 2

/* The place that a path leads to in a document. */
struct place {
	const yaml_node_t *map;	  /* the innermost map on the way; NULL: there is none at all */
	const yaml_node_t *key;	  /* the entry itself, NULL: not there */
	const yaml_node_t *value; /* of the entry */
	const char *rest;	  /* what of the path is missing */
	/* The outermost entry that would be empty without this one. */
	const yaml_node_t *only_key, *only_value;
};

static bool is_separator(char c)
{
	return c == '.' || c == '/';
}

/* How much of the path a key is: its length, or 0. */
static size_t match_key(const yaml_node_t *key, const char *path)
{
	const char *text = (const char *)key->data.scalar.value;
	size_t i = 0;

	if (key->type != YAML_SCALAR_NODE)
		return 0;
	for (; text[i] != '\0'; i++)
		if (text[i] != path[i] && !(is_separator(text[i]) && is_separator(path[i])))
			return 0;
	return path[i] == '\0' || is_separator(path[i]) ? i : 0;
}

static void find(yaml_document_t *d, const yaml_node_t *map, const char *path, struct place *p)
{
	p->map = map;
	p->rest = path;
	for (yaml_node_pair_t *i = map->data.mapping.pairs.start; i < map->data.mapping.pairs.top; i++) {
		const yaml_node_t *key = yaml_document_get_node(d, i->key);
		const yaml_node_t *value = yaml_document_get_node(d, i->value);
		size_t n = match_key(key, path);
		bool only = map->data.mapping.pairs.top - map->data.mapping.pairs.start == 1;

		if (n == 0 || (path[n] != '\0' && value->type != YAML_MAPPING_NODE))
			continue;
		if (!only || p->only_key == NULL) {
			p->only_key = key;
			p->only_value = value;
		}
		if (path[n] != '\0') {
			find(d, value, path + n + 1, p);
			return;
		}
		p->key = key;
		p->value = value;
		return;
	}
}

/* --- places in the text --- */

/* libyaml counts characters; a byte order mark does not count. */
static size_t offset_of(const struct buf *text, size_t index)
{
	size_t at = text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (; index > 0 && at < text->len; index--)
		for (at++; at < text->len && ((unsigned char)text->data[at] & 0xc0) == 0x80;)
			at++;
	return at;
}

static size_t line_start(const struct buf *text, size_t at)
{
	while (at > 0 && text->data[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the line's end. */
static size_t line_end(const struct buf *text, size_t at)
{
	while (at < text->len && text->data[at] != '\n')
		at++;
	return at < text->len ? at + 1 : at;
}

/* Behind the last line of a value: a block's own end lies behind the comments that follow it. */
static size_t value_end(yaml_document_t *d, const struct buf *text, const yaml_node_t *value)
{
	const yaml_node_t *last = NULL;
	size_t end;

	if (value->type == YAML_MAPPING_NODE && value->data.mapping.style != YAML_FLOW_MAPPING_STYLE &&
	    value->data.mapping.pairs.top > value->data.mapping.pairs.start)
		last = yaml_document_get_node(d, value->data.mapping.pairs.top[-1].value);
	else if (value->type == YAML_SEQUENCE_NODE &&
		 value->data.sequence.style != YAML_FLOW_SEQUENCE_STYLE &&
		 value->data.sequence.items.top > value->data.sequence.items.start)
		last = yaml_document_get_node(d, value->data.sequence.items.top[-1]);
	if (last != NULL)
		return value_end(d, text, last);
	end = offset_of(text, value->end_mark.index);
	/* A block scalar ends where the next line begins. */
	return end > 0 && text->data[end - 1] == '\n' && value->end_mark.index > value->start_mark.index
		   ? end
		   : line_end(text, end);
}

static void put(struct buf *text, size_t from, size_t to, const char *with)
{
	struct buf result = {0};

	buf_add(&result, text->data, from);
	buf_adds(&result, with);
	buf_add(&result, text->data + to, text->len - to);
	buf_done(text);
	*text = result;
}

/* --- writing values --- */

/* Text that means itself without quotes, wherever it stands. */
static bool is_plain(const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || (!isalnum((unsigned char)value[0]) && value[0] != '/') || value[n - 1] == ':')
		return false;
	return strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=-") ==
		   n &&
	       strcmp(value, "null") != 0;
}

static void add_value(struct buf *out, const char *value)
{
	if (is_plain(value)) {
		buf_adds(out, value);
		return;
	}
	buf_addc(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else if ((unsigned char)*value < 0x20 || *value == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned char)*value);
		else
			buf_addc(out, *value);
	}
	buf_addc(out, '"');
}

/* "a/b.c" with a value: nested lines from an indentation on. */
static void add_block(struct buf *out, const char *path, const char *value, size_t indent)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		buf_addf(out, "%*s%.*s:", (int)indent, "", (int)n, path);
		if (path[n] == '\0')
			break;
		buf_addc(out, '\n');
		path += n + 1;
		indent += INDENT;
	}
	buf_addc(out, ' ');
	add_value(out, value);
	buf_addc(out, '\n');
}

/* The same inside braces. */
static void add_flow(struct buf *out, const char *path, const char *value)
{
	int depth = 0;

	for (;; depth++) {
		size_t n = strcspn(path, "/");

		buf_addf(out, "%.*s: ", (int)n, path);
		if (path[n] == '\0')
			break;
		buf_addc(out, '{');
		path += n + 1;
	}
	add_value(out, value);
	while (depth-- > 0)
		buf_addc(out, '}');
}

/* --- changing --- */

static int by_hand(struct error *err, const char *path, const char *why)
{
	error_set(err, ERR_INVALID, path, "%s", why);
	error_hint(err, "change it with an editor");
	return ERR_INVALID;
}

/* The text as a document; the parser is kept for its problem. */
static int load(const struct buf *text, yaml_document_t *ret, struct error *err)
{
	yaml_parser_t parser;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)buf_str(text), text->len);
	if (!yaml_parser_load(&parser, ret))
		rc = error_set(err, ERR_INVALID, "YAML", "line %d: %s", (int)parser.problem_mark.line + 1,
			       parser.problem != NULL ? parser.problem : "cannot be read");
	yaml_parser_delete(&parser);
	return rc;
}

static int locate(const struct buf *text, const char *path, yaml_document_t *d, struct place *ret,
		  struct error *err)
{
	const yaml_node_t *root;
	int rc = load(text, d, err);

	if (rc < 0)
		return rc;
	*ret = (struct place){.rest = path};
	root = yaml_document_get_root_node(d);
	if (root != NULL && root->type == YAML_MAPPING_NODE)
		find(d, root, path, ret);
	else if (root != NULL && (root->type != YAML_SCALAR_NODE || root->data.scalar.length > 0))
		rc = by_hand(err, path, "the file is no map of keys to values");
	if (rc < 0)
		yaml_document_delete(d);
	return rc;
}

static void replace(struct buf *text, const yaml_node_t *value, const char *with)
{
	CLEANUP(buf_done) struct buf new = {0};
	size_t from = offset_of(text, value->start_mark.index), to = offset_of(text, value->end_mark.index);
	bool block = to > from && text->data[to - 1] == '\n';

	if (from == to && from > 0 && text->data[from - 1] == ':')
		buf_addc(&new, ' ');
	add_value(&new, with);
	if (block)
		buf_addc(&new, '\n');
	put(text, from, to, buf_str(&new));
}

static void insert_flow(struct buf *text, const struct place *p, const char *value)
{
	const yaml_node_pair_t *first = p->map->data.mapping.pairs.start;
	CLEANUP(buf_done) struct buf new = {0};
	size_t at = offset_of(text, p->map->end_mark.index) - 1;

	while (at > 0 && text->data[at - 1] == ' ')
		at--;
	if (first < p->map->data.mapping.pairs.top)
		buf_adds(&new, ", ");
	add_flow(&new, p->rest, value);
	put(text, at, at, buf_str(&new));
}

/* Behind the comments that belong to the block before: they are indented more. */
static size_t skip_comments(const struct buf *text, size_t at, size_t indent)
{
	for (;;) {
		size_t spaces = strspn(text->data + at, " ");

		if (spaces <= indent || text->data[at + spaces] != '#')
			return at;
		at = line_end(text, at);
	}
}

static void insert_block(yaml_document_t *d, struct buf *text, const struct place *p, const char *value)
{
	CLEANUP(buf_done) struct buf new = {0};
	size_t at = text->len, indent = 0;

	if (p->map != NULL) {
		const yaml_node_pair_t *i = p->map->data.mapping.pairs.start;

		at = value_end(d, text, p->map);
		indent = yaml_document_get_node(d, i->key)->start_mark.column;
		at = skip_comments(text, at, indent);
	}
	if (at > 0 && text->data[at - 1] != '\n')
		buf_addc(&new, '\n');
	add_block(&new, p->rest, value, indent);
	put(text, at, at, buf_str(&new));
}

/* True when the path has the value in the text: the change was right. */
static bool has_value(const struct buf *text, const char *path, const char *value)
{
	yaml_document_t d;
	struct place p;
	bool same;

	if (locate(text, path, &d, &p, NULL) < 0)
		return false;
	same = value == NULL ? p.key == NULL
			     : p.value != NULL && p.value->type == YAML_SCALAR_NODE &&
				   strcmp((const char *)p.value->data.scalar.value, value) == 0;
	yaml_document_delete(&d);
	return same;
}

static int conclude(struct buf *text, struct buf *copy, const char *path, const char *value,
		    struct error *err)
{
	if (!has_value(copy, path, value))
		return by_hand(err, path, "its place in the file is too unusual for being changed here");
	buf_done(text);
	*text = *copy;
	*copy = (struct buf){0};
	return 0;
}

int edit_set(struct buf *text, const char *path, const char *value, struct error *err)
{
	CLEANUP(buf_done) struct buf copy = {0};
	yaml_document_t d;
	struct place p;
	int rc;

	buf_add(&copy, buf_str(text), text->len);
	rc = locate(&copy, path, &d, &p, err);
	if (rc < 0)
		return rc;
	if (p.value != NULL)
		replace(&copy, p.value, value);
	else if (p.map != NULL && p.map->data.mapping.style == YAML_FLOW_MAPPING_STYLE)
		insert_flow(&copy, &p, value);
	else
		insert_block(&d, &copy, &p, value);
	yaml_document_delete(&d);
	return conclude(text, &copy, path, value, err);
}

/* Between braces, with the comma that goes with it. */
static void remove_flow(struct buf *text, size_t from, size_t to)
{
	size_t after = to + strspn(text->data + to, " \n");

	if (text->data[after] == ',') {
		to = after + 1 + strspn(text->data + after + 1, " ");
	} else {
		size_t before = from;

		while (before > 0 && isspace((unsigned char)text->data[before - 1]))
			before--;
		if (before > 0 && text->data[before - 1] == ',')
			from = before - 1;
	}
	put(text, from, to, "");
}

int edit_remove(struct buf *text, const char *path, struct error *err)
{
	CLEANUP(buf_done) struct buf copy = {0};
	yaml_document_t d;
	struct place p;
	size_t from, to;
	int rc;

	buf_add(&copy, buf_str(text), text->len);
	rc = locate(&copy, path, &d, &p, err);
	if (rc < 0)
		return rc;
	if (p.key == NULL) {
		yaml_document_delete(&d);
		return error_set(err, ERR_NOT_FOUND, path, "is not there");
	}
	from = offset_of(&copy, p.only_key->start_mark.index);
	to = value_end(&d, &copy, p.only_value);
	if (p.map->data.mapping.style == YAML_FLOW_MAPPING_STYLE)
		remove_flow(&copy, offset_of(&copy, p.key->start_mark.index),
			    offset_of(&copy, p.value->end_mark.index));
	else
		put(&copy, line_start(&copy, from), to, "");
	yaml_document_delete(&d);
	return conclude(text, &copy, path, NULL, err);
}

/* --- files --- */

int edit_read(const char *file, struct buf *ret, struct error *err)
{
	FILE *f = fopen(file, "re");
	char chunk[4096];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return errno == ENOENT ? 0 : error_errno(err, "read %s", file);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(ret, chunk, n);
	if (ferror(f))
		rc = error_errno(err, "read %s", file);
	fclose(f);
	return rc;
}

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700); /* opening the file says what is wrong */
		*slash = '/';
	}
}

static int write_aside(const char *aside, const struct buf *text, unsigned mode, struct error *err)
{
	int rc = 0, fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t done = 0;

	if (fd < 0)
		return error_errno(err, "create %s", aside);
	while (rc == 0 && done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0)
			rc = error_errno(err, "write %s", aside);
		else
			done += (size_t)n;
	}
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = error_errno(err, "write %s", aside);
	if (close(fd) < 0 && rc == 0)
		rc = error_errno(err, "write %s", aside);
	return rc;
}

int edit_write(const char *file, const struct buf *text, unsigned mode, struct error *err)
{
	AUTO_FREE char *target = realpath(file, NULL);
	AUTO_FREE char *aside = NULL;
	struct stat st;
	int rc;

	if (target == NULL)
		target = xstrdup(file);
	aside = xasprintf("%s.%d.new", target, (int)getpid());
	make_folders(aside);
	if (mode == 0)
		mode = stat(target, &st) == 0 ? st.st_mode & 07777 : 0644;
	rc = write_aside(aside, text, mode, err);
	if (rc == 0 && rename(aside, target) < 0)
		rc = error_errno(err, "replace %s", target);
	if (rc < 0)
		unlink(aside);
	return rc;
}
