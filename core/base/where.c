/*
 * Reads conditions: a recursive descent over the text, which shows the place of a fault with a caret.
 *
 *     or   := and { "or" and }            and := not { "and" not }
 *     not  := "not" not | "(" or ")" | test
 *     test := column [ operator value | ["not"] "in" "(" value { "," value } ")" | "is" ["not"] "null" ]
 *
 * Invariant: depth and length are bounded, so that no text exhausts stack or memory.
 */
#include "core/base/where.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/nearest.h"
#include "core/base/where_internal.h"

#define TEXT_MAX   8000
#define DEPTH_MAX  100
#define VALUES_MAX 1000
#define NAMES_MAX  64
#define SHOWN_MAX  72 /* of the text, around a fault */

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_OPERATOR,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_BAD
};

struct parser {
	const char *text;
	size_t at;    /* behind the token */
	size_t start; /* of the token */
	enum token token;
	char *word; /* of words; owned */
	const struct where_column *columns;
	size_t column_count;
	int64_t now_us;
	int depth;
	struct error *err;
};

static const char operators_text[] = "= != < <= > >= ~ !~, in, not in, is null, is not null";

/* --- faults --- */

/* Characters, as far as a caret needs to know. */
static int width_of(const char *text, size_t n)
{
	int width = 0;

	for (size_t i = 0; i < n; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

/* "did you mean status?", the text around the place, and a caret below the place. */
static void point_at(struct parser *p, size_t at, const char *nearest)
{
	size_t from = text_whole(p->text, at > SHOWN_MAX / 2 ? at - SHOWN_MAX / 2 : 0);
	size_t len = text_whole(p->text + from, strnlen(p->text + from, SHOWN_MAX));

	error_hint(p->err, "%s%s%s%.*s\n%*s^", nearest != NULL ? "did you mean " : "",
		   nearest != NULL ? nearest : "", nearest != NULL ? "?\n" : "", (int)len, p->text + from,
		   width_of(p->text + from, at - from), "");
}

static int fault(struct parser *p, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fault(struct parser *p, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_setv(p->err, ERR_USAGE, "--where", fmt, ap);
	va_end(ap);
	point_at(p, at, NULL);
	return ERR_USAGE;
}

static int unknown_column(struct parser *p)
{
	CLEANUP(buf_done) struct buf valid = {0};
	const char *names[NAMES_MAX];
	const char *nearest;
	int n = 0;

	for (; (size_t)n < p->column_count && n < NAMES_MAX; n++) {
		names[n] = p->columns[n].name;
		buf_addf(&valid, "%s%s", n > 0 ? ", " : "", names[n]);
	}
	error_set(p->err, ERR_USAGE, "--where", "no column \"%.60s\"; there are %s", p->word,
		  buf_str(&valid));
	nearest = nearest_word(p->word, names, n);
	point_at(p, p->start, nearest);
	return ERR_USAGE;
}

/* --- tokens --- */

static bool is_bare(char c)
{
	return c != '\0' && !isspace((unsigned char)c) && strchr("()=!<>~,'\"", c) == NULL;
}

/* '…' or "…"; the quote itself is written twice. */
static void read_quoted(struct parser *p)
{
	CLEANUP(buf_done) struct buf word = {0};
	char quote = p->text[p->at++];

	for (; p->text[p->at] != '\0'; p->at++) {
		if (p->text[p->at] == quote && p->text[++p->at] != quote) {
			p->token = TOKEN_QUOTED;
			p->word = buf_take(&word);
			return;
		}
		buf_addc(&word, p->text[p->at]);
	}
	p->token = TOKEN_BAD;
}

static void read_operator(struct parser *p)
{
	static const char *const words[] = {"==", "!=", "<>", "<=", ">=", "!~", "=", "<", ">", "~"};

	p->token = TOKEN_BAD;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strncmp(p->text + p->at, words[i], strlen(words[i])) != 0)
			continue;
		p->token = TOKEN_OPERATOR;
		p->word = xstrdup(words[i]);
		p->at += strlen(words[i]);
		return;
	}
}

static void next_token(struct parser *p)
{
	size_t len = 0;
	char c;

	free(p->word);
	p->word = NULL;
	while (isspace((unsigned char)p->text[p->at]))
		p->at++;
	p->start = p->at;
	c = p->text[p->at];
	if (c == '\'' || c == '"') {
		read_quoted(p);
		return;
	}
	while (is_bare(p->text[p->at + len]))
		len++;
	if (len > 0) {
		p->token = TOKEN_WORD;
		p->word = xstrndup(p->text + p->at, len);
		p->at += len;
		return;
	}
	p->token = c == '\0' ? TOKEN_END : c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_COMMA;
	if (strchr("(),", c) == NULL)
		read_operator(p);
	else if (c != '\0')
		p->at++;
}

static bool is_keyword(const struct parser *p, const char *keyword)
{
	return p->token == TOKEN_WORD && strcasecmp(p->word, keyword) == 0;
}

/* What is said of a token that should not stand there. */
static int unexpected(struct parser *p, const char *wanted)
{
	if (p->token == TOKEN_BAD && (p->text[p->start] == '\'' || p->text[p->start] == '"'))
		return fault(p, p->start, "the quote is not closed");
	if (p->token == TOKEN_END)
		return fault(p, p->start, "it ends where %s is missing", wanted);
	return fault(p, p->start, "%s is wanted here", wanted);
}

/* --- the tree --- */

static void node_free(struct where_node *n)
{
	if (n == NULL)
		return;
	node_free(n->left);
	node_free(n->right);
	for (int i = 0; i < n->count; i++)
		free(n->values[i].text);
	free(n->values);
	free(n->path);
	free(n->array);
	if (n->compiled)
		regfree(&n->regex);
	free(n);
}

static struct where_node *node_new(enum where_op op, struct where_node *left, struct where_node *right)
{
	struct where_node *n = xcalloc(1, sizeof(*n));

	n->op = op;
	n->left = left;
	n->right = right;
	return n;
}

/* --- tests --- */

static int read_column(struct parser *p, struct where_node *n)
{
	size_t len;

	if (p->token != TOKEN_WORD)
		return unexpected(p, "a column");
	len = strcspn(p->word, ".");
	for (size_t i = 0; i < p->column_count && n->column == NULL; i++) {
		const struct where_column *c = &p->columns[i];

		if (strcmp(c->name, p->word) == 0)
			n->column = c;
		else if (c->kind == WHERE_JSON && strlen(c->name) == len &&
			 strncmp(c->name, p->word, len) == 0 &&
			 p->word[len + (p->word[len] != '\0')] != '\0') {
			n->column = c;
			n->path = xstrdup(p->word + len + 1);
		}
	}
	if (n->column == NULL)
		return unknown_column(p);
	next_token(p);
	return 0;
}

static int read_value(struct parser *p, struct where_node *n)
{
	const struct where_type *type = &where_types[n->column->kind];
	struct where_value v = {0};

	if (p->token != TOKEN_WORD && p->token != TOKEN_QUOTED)
		return unexpected(p, type->expects);
	if (n->count >= VALUES_MAX)
		return fault(p, p->start, "more than %d values", VALUES_MAX);
	if (!type->read(p->word, p->now_us, &v)) {
		free(v.text);
		return fault(p, p->start, "%s is %s, and \"%.60s\" is none", n->column->name, type->expects,
			     p->word);
	}
	n->values = xreallocarray(n->values, (size_t)n->count + 1, sizeof(v));
	n->values[n->count++] = v;
	next_token(p);
	return 0;
}

/* {"a","b"} */
static char *array_text(const struct where_node *n)
{
	struct buf text = {0};

	for (int i = 0; i < n->count; i++) {
		buf_adds(&text, i > 0 ? ",\"" : "{\"");
		for (const char *c = n->values[i].text; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				buf_addc(&text, '\\');
			buf_addc(&text, *c);
		}
		buf_addc(&text, '"');
	}
	buf_addc(&text, '}');
	return buf_take(&text);
}

static int read_in(struct parser *p, struct where_node *n)
{
	int rc;

	n->op = WHERE_EQ;
	next_token(p);
	if (p->token != TOKEN_OPEN)
		return unexpected(p, "(");
	do {
		next_token(p);
		rc = read_value(p, n);
		if (rc < 0)
			return rc;
	} while (p->token == TOKEN_COMMA);
	if (p->token != TOKEN_CLOSE)
		return unexpected(p, ", or )");
	n->array = array_text(n);
	next_token(p);
	return 0;
}

static int read_is(struct parser *p, struct where_node *n, bool *ret_not)
{
	n->op = WHERE_NULL;
	next_token(p);
	*ret_not = is_keyword(p, "not");
	if (*ret_not)
		next_token(p);
	if (!is_keyword(p, "null"))
		return unexpected(p, *ret_not ? "null" : "null or not null");
	next_token(p);
	return 0;
}

static int read_pattern(struct parser *p, struct where_node *n)
{
	const char *why;

	if (p->token != TOKEN_WORD && p->token != TOKEN_QUOTED)
		return unexpected(p, "a regular expression");
	if (!where_regex_compile(n, p->word, &why))
		return fault(p, p->start, "\"%.60s\" %s", p->word, why);
	next_token(p);
	return 0;
}

static int read_comparison(struct parser *p, struct where_node *n, bool *ret_not)
{
	static const struct {
		const char *word;
		enum where_op op;
		bool negative;
	} meanings[] = {{"=", WHERE_EQ, false},	  {"==", WHERE_EQ, false}, {"!=", WHERE_EQ, true},
			{"<>", WHERE_EQ, true},	  {"<", WHERE_LT, false},  {"<=", WHERE_LE, false},
			{">", WHERE_GT, false},	  {">=", WHERE_GE, false}, {"~", WHERE_REGEX, false},
			{"!~", WHERE_REGEX, true}};
	size_t at = p->start;

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (strcmp(meanings[i].word, p->word) != 0)
			continue;
		n->op = meanings[i].op;
		*ret_not = meanings[i].negative;
	}
	next_token(p);
	if (n->op == WHERE_REGEX)
		return read_pattern(p, n);
	if (n->op == WHERE_EQ && is_keyword(p, "null")) {
		n->op = WHERE_NULL;
		next_token(p);
		return 0;
	}
	if (n->op != WHERE_EQ && !where_types[n->column->kind].ordered)
		return fault(p, at, "%s is true or false: it takes = and != alone", n->column->name);
	return read_value(p, n);
}

/* A column of truth standing alone. */
static void set_truth(struct where_node *n)
{
	n->op = WHERE_EQ;
	n->values = xcalloc(1, sizeof(n->values[0]));
	n->count = 1;
	(void)where_types[WHERE_BOOL].read("true", 0, n->values);
}

static int read_condition(struct parser *p, struct where_node *n, bool *ret_not)
{
	*ret_not = false;
	if (p->token == TOKEN_OPERATOR)
		return read_comparison(p, n, ret_not);
	if (is_keyword(p, "is"))
		return read_is(p, n, ret_not);
	if (is_keyword(p, "not")) {
		next_token(p);
		*ret_not = true;
		return is_keyword(p, "in") ? read_in(p, n) : unexpected(p, "in");
	}
	if (is_keyword(p, "in"))
		return read_in(p, n);
	if (n->column->kind == WHERE_BOOL && (p->token == TOKEN_END || p->token == TOKEN_CLOSE ||
					      is_keyword(p, "and") || is_keyword(p, "or"))) {
		set_truth(n);
		return 0;
	}
	return fault(p, p->start, "an operator is wanted here; there are %s", operators_text);
}

static int read_test(struct parser *p, struct where_node **ret)
{
	struct where_node *n = node_new(WHERE_EQ, NULL, NULL);
	bool negative = false;
	int rc = read_column(p, n);

	if (rc == 0)
		rc = read_condition(p, n, &negative);
	if (rc < 0) {
		node_free(n);
		return rc;
	}
	*ret = negative ? node_new(WHERE_NOT, n, NULL) : n;
	return 0;
}

/* --- and, or, not --- */

static int read_or(struct parser *p, struct where_node **ret);

static int read_group(struct parser *p, struct where_node **ret)
{
	int rc;

	next_token(p);
	rc = read_or(p, ret);
	if (rc < 0)
		return rc;
	if (p->token == TOKEN_CLOSE) {
		next_token(p);
		return 0;
	}
	node_free(*ret);
	*ret = NULL;
	return unexpected(p, "and, or, or )");
}

static int read_not(struct parser *p, struct where_node **ret)
{
	int rc;

	if (p->depth >= DEPTH_MAX)
		return fault(p, p->start, "it is nested more than %d deep", DEPTH_MAX);
	p->depth++;
	if (is_keyword(p, "not")) {
		next_token(p);
		rc = read_not(p, ret);
		if (rc == 0)
			*ret = node_new(WHERE_NOT, *ret, NULL);
	} else {
		rc = p->token == TOKEN_OPEN ? read_group(p, ret) : read_test(p, ret);
	}
	p->depth--;
	return rc;
}

static int read_chain(struct parser *p, enum where_op op, const char *keyword,
		      int (*part)(struct parser *p, struct where_node **ret), struct where_node **ret)
{
	struct where_node *left = NULL, *right = NULL;
	int rc = part(p, &left), links = 0;

	while (rc == 0 && is_keyword(p, keyword)) {
		next_token(p);
		rc = ++links > DEPTH_MAX ? fault(p, p->start, "more than %d times %s", DEPTH_MAX, keyword)
					 : part(p, &right);
		if (rc == 0)
			left = node_new(op, left, right);
	}
	if (rc < 0) {
		node_free(left);
		return rc;
	}
	*ret = left;
	return 0;
}

static int read_and(struct parser *p, struct where_node **ret)
{
	return read_chain(p, WHERE_AND, "and", read_not, ret);
}

static int read_or(struct parser *p, struct where_node **ret)
{
	return read_chain(p, WHERE_OR, "or", read_and, ret);
}

static int check_text(struct parser *p)
{
	json_t *text = json_string(p->text);

	json_decref(text);
	if (text == NULL)
		return error_set(p->err, ERR_USAGE, "--where", "is not UTF-8");
	if (strlen(p->text) > TEXT_MAX)
		return error_set(p->err, ERR_USAGE, "--where", "is longer than %d bytes", TEXT_MAX);
	if (p->text[strspn(p->text, " \t\r\n")] == '\0') {
		error_set(p->err, ERR_USAGE, "--where", "the condition is empty");
		error_hint(p->err, "such as %s = …; leave --where out to have all rows",
			   p->column_count > 0 ? p->columns[0].name : "status");
		return ERR_USAGE;
	}
	return 0;
}

int where_parse(const char *text, const struct where_column *columns, size_t n, int64_t now_us,
		struct where **ret, struct error *err)
{
	struct parser p = {.text = text, .columns = columns, .column_count = n, .now_us = now_us, .err = err};
	struct where_node *root = NULL;
	int rc = check_text(&p);

	if (rc < 0)
		return rc;
	next_token(&p);
	rc = read_or(&p, &root);
	if (rc == 0 && p.token != TOKEN_END) {
		rc = unexpected(&p, "and, or, or the end");
		node_free(root);
	}
	free(p.word);
	if (rc < 0)
		return rc;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->root = root;
	return 0;
}

void where_free(struct where *w)
{
	if (w == NULL)
		return;
	node_free(w->root);
	free(w);
}
