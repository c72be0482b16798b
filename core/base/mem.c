/*
 * Allocation that aborts when memory is out.  Thread safe.
 */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *check(void *p)
{
	if (p == NULL) {
		static const char text[] = "out of memory\n";

		fwrite(text, 1, sizeof(text) - 1, stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return check(malloc(size > 0 ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return check(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return check(realloc(p, size > 0 ? size : 1));
}

void *xreallocarray(void *p, size_t count, size_t size)
{
	if (size > 0 && count > SIZE_MAX / size)
		abort();
	return xrealloc(p, count * size);
}

char *xstrdup(const char *s)
{
	return s == NULL ? NULL : check(strdup(s));
}

char *xstrndup(const char *s, size_t n)
{
	return check(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return check(s);
}

void auto_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
