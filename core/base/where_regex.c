/*
 * Patterns of --where: POSIX extended regular expressions by code points whatever the process's locale is,
 * and the question whether PostgreSQL means the same by one.
 *
 * Invariant: a pattern that is called portable has one meaning in regcomp and in PostgreSQL; when in doubt it
 * is not, and the condition is asked in memory.
 */
#include "core/base/where_internal.h"

#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define PATTERN_MAX 1000
#define REPEAT_MAX  255
#define REPEAT_TOTAL_MAX                                                                   \
	2000 /* the product of all repetitions: memory of a compiled pattern grows with it \
	      */

static locale_t utf8;

static void make_locale(void)
{
	utf8 = newlocale(LC_CTYPE_MASK | LC_COLLATE_MASK, "C.UTF-8", (locale_t)0);
}

/* LC_GLOBAL_LOCALE where there is no C.UTF-8. */
static locale_t enter_locale(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_locale);
	return uselocale(utf8);
}

/* --- reading a pattern --- */

struct scan {
	const char *start, *p;
	int open;	   /* parentheses */
	long repeats;	   /* the product */
	bool quantifiable; /* something stands before that can be repeated */
	bool portable;
};

/* [abc], [^a-z0-9]: one meaning as long as ranges stay within digits or ASCII letters of one case. */
static void scan_bracket(struct scan *s)
{
	const char *p = s->p + 1;
	const char *first;

	p += *p == '^';
	first = p;
	for (p += *p == ']'; *p != '\0' && *p != ']'; p++) {
		if (*p == '[' || *p == '\\')
			s->portable = false;
		if (*p == '[' && p[1] != '\0' && strchr(":.=", p[1]) != NULL) {
			const char *end = strstr(p + 2, "]");

			p = end != NULL ? end : p;
		}
		if (*p == '-' && p > first && p[1] != ']' &&
		    !((isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1])) ||
		      (islower((unsigned char)p[-1]) && islower((unsigned char)p[1])) ||
		      (isupper((unsigned char)p[-1]) && isupper((unsigned char)p[1]))))
			s->portable = false;
	}
	s->p = *p == ']' ? p : p - 1;
	s->quantifiable = true;
}

/* {m}, {m,}, {m,n} */
static void scan_interval(struct scan *s)
{
	char *end;
	long low = strtol(s->p + 1, &end, 10), high = low;

	if (!isdigit((unsigned char)s->p[1])) {
		s->portable = false;
		return;
	}
	if (*end == ',')
		high = isdigit((unsigned char)end[1]) ? strtol(end + 1, &end, 10) : (end++, low);
	if (*end != '}' || low > high || high > REPEAT_MAX || !s->quantifiable)
		s->portable = false;
	if (high > REPEAT_MAX)
		s->repeats = REPEAT_TOTAL_MAX + 1;
	else if (high > 1 && s->repeats <= REPEAT_TOTAL_MAX)
		s->repeats *= high;
	s->p = *end == '}' ? end : end - 1;
	s->quantifiable = false;
}

/* One of more than an atom is compiled twice: of a repetition of a repetition, twice as often. */
static void scan_plus(struct scan *s)
{
	if ((!s->quantifiable || (s->p > s->start && s->p[-1] == ')')) && s->repeats <= REPEAT_TOTAL_MAX)
		s->repeats *= 2;
	s->portable = s->portable && s->quantifiable;
	s->quantifiable = false;
}

static void scan_escape(struct scan *s)
{
	s->p++;
	if (*s->p == '\0' || strchr(".[](){}*+?|^$\\", *s->p) == NULL)
		s->portable = false;
	if (*s->p == '\0')
		s->p--;
	s->quantifiable = true;
}

static void scan_one(struct scan *s)
{
	switch (*s->p) {
	case '[':
		scan_bracket(s);
		return;
	case '{':
		scan_interval(s);
		return;
	case '\\':
		scan_escape(s);
		return;
	case '+':
		scan_plus(s);
		return;
	case '*':
	case '?':
		s->portable = s->portable && s->quantifiable;
		s->quantifiable = false;
		return;
	case '(':
		s->open++;
		s->quantifiable = false;
		s->portable = s->portable && s->p[1] != '\0' && strchr(")|", s->p[1]) == NULL;
		return;
	case ')':
		s->portable = s->portable && s->open-- > 0;
		s->quantifiable = true;
		return;
	case '|':
		s->portable = s->portable && s->p[1] != '\0' && strchr(")|", s->p[1]) == NULL;
		s->quantifiable = false;
		return;
	case '^':
		s->portable = s->portable && s->open == 0 && (s->p == s->start || s->p[-1] == '|');
		s->quantifiable = false;
		return;
	case '$':
		s->portable = s->portable && s->open == 0 && (s->p[1] == '\0' || s->p[1] == '|');
		s->quantifiable = false;
		return;
	case '}':
		s->portable = false;
		return;
	default:
		s->quantifiable = true;
	}
}

static struct scan scan_pattern(const char *pattern)
{
	struct scan s = {.start = pattern, .p = pattern, .repeats = 1};

	s.portable = *pattern != '\0' && *pattern != '|' && strlen(pattern) <= PATTERN_MAX / 4;
	for (; *s.p != '\0'; s.p++)
		scan_one(&s);
	s.portable = s.portable && s.open == 0;
	return s;
}

/* --- */

static bool has_back_reference(const char *pattern)
{
	for (const char *p = pattern; (p = strchr(p, '\\')) != NULL; p += 2) {
		if (isdigit((unsigned char)p[1]))
			return true;
		if (p[1] == '\0')
			break;
	}
	return false;
}

bool where_regex_compile(struct where_node *n, const char *pattern, const char **ret_why)
{
	struct scan s = scan_pattern(pattern);
	locale_t before;
	int rc;

	n->portable = s.portable;
	*ret_why = "is too large a regular expression";
	if (strlen(pattern) > PATTERN_MAX || s.repeats > REPEAT_TOTAL_MAX)
		return false;
	*ret_why = "is no regular expression that can be searched for: it refers back to a group";
	if (has_back_reference(pattern))
		return false;
	*ret_why = "is no regular expression (POSIX, extended)";
	before = enter_locale();
	rc = regcomp(&n->regex, pattern, REG_EXTENDED | REG_NOSUB);
	uselocale(before);
	n->compiled = rc == 0;
	n->array = xstrdup(pattern);
	return rc == 0;
}

bool where_regex_match(const struct where_node *n, const char *text)
{
	locale_t before = enter_locale();
	bool found = regexec(&n->regex, text, 0, NULL, 0) == 0;

	uselocale(before);
	return found;
}
