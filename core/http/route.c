/*
 * The route table: patterns are cut into segments once, requests are compared with them segment by segment.
 * Literal segments win over parameters, whatever the order of the table.  Read only after http_rules_compile.
 */
#include <sodium.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/http/private.h"

static void compile_pattern(const char *pattern, struct http_path *ret)
{
	const char *p = pattern;

	ret->count = 0;
	while (*p == '/' && ret->count < HTTP_SEGMENTS_MAX) {
		size_t len = strcspn(p + 1, "/");
		bool param = p[1] == '{';

		ret->segments[ret->count++] = (struct http_segment){param ? NULL : p + 1, len};
		p += 1 + len;
	}
}

/* Literals before parameters at the first segment where two patterns differ in that. */
static int compare_rules(const void *a, const void *b)
{
	const struct http_path *left = &((const struct http_rule *)a)->path;
	const struct http_path *right = &((const struct http_rule *)b)->path;

	for (int i = 0; i < left->count && i < right->count; i++) {
		int order = (left->segments[i].text == NULL) - (right->segments[i].text == NULL);

		if (order != 0)
			return order;
	}
	return left->count - right->count;
}

void http_rules_compile(const struct http_route *routes, int count, struct http_rules *ret)
{
	ret->count = count;
	ret->list = xcalloc((size_t)count + 1, sizeof(*ret->list));
	for (int i = 0; i < count; i++) {
		ret->list[i].route = &routes[i];
		compile_pattern(routes[i].pattern, &ret->list[i].path);
	}
	qsort(ret->list, (size_t)count, sizeof(*ret->list), compare_rules);
}

void http_rules_done(struct http_rules *rules)
{
	free(rules->list);
	*rules = (struct http_rules){0};
}

static bool path_matches(const struct http_path *pattern, const struct http_path *path)
{
	if (pattern->count != path->count)
		return false;
	for (int i = 0; i < path->count; i++) {
		const struct http_segment *want = &pattern->segments[i], *have = &path->segments[i];

		if (want->text == NULL
			? have->len == 0
			: want->len != have->len || memcmp(want->text, have->text, want->len) != 0)
			return false;
	}
	return true;
}

static bool method_matches(const char *want, const char *have)
{
	return strcmp(want, have) == 0 || (strcmp(have, "HEAD") == 0 && strcmp(want, "GET") == 0);
}

const struct http_rule *http_rules_match(const struct http_rules *rules, const char *method,
					 const struct http_path *path, struct buf *ret_allow)
{
	for (int i = 0; i < rules->count; i++) {
		const struct http_rule *rule = &rules->list[i];

		if (!path_matches(&rule->path, path))
			continue;
		if (method_matches(rule->route->method, method)) {
			buf_reset(ret_allow);
			return rule;
		}
		if (strstr(buf_str(ret_allow), rule->route->method) != NULL)
			continue;
		buf_addf(ret_allow, "%s%s", ret_allow->len > 0 ? ", " : "", rule->route->method);
		if (strcmp(rule->route->method, "GET") == 0)
			buf_adds(ret_allow, ", HEAD");
	}
	return NULL;
}

bool http_operator_allowed(const struct http_request *r)
{
	const char *token = r->server->options.operator_token;
	const char *given = http_header(r, "Authorization");
	size_t len;

	if (token == NULL || token[0] == '\0' || given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
		return false;
	given += 7;
	given += strspn(given, " ");
	len = strlen(token);
	return strlen(given) == len && sodium_memcmp(given, token, len) == 0;
}
