/*
 * Memory and scope-end cleanup.  Running out of memory aborts: no caller can do better.
 */
#ifndef PIZZA_BASE_MEM_H
#define PIZZA_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* count * size, checked for overflow. */
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * AUTO_FREE char *s = ...;                    frees s at scope end
 * CLEANUP(buf_done) struct buf text = {0};    calls buf_done(&text) at scope end
 */
#define AUTO_FREE	  __attribute__((cleanup(auto_free)))
#define CLEANUP(function) __attribute__((cleanup(function)))

void auto_free(void *pointer_to_pointer);

#endif
