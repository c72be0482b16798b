/*
 * Time.  Durations come from the monotonic clock (struct mono cannot be mixed up with wall time); moments are
 * int64_t microseconds since 1970-01-01T00:00:00Z.  Deadlines that matter to the business use the database's
 * clock instead (reliability.md).  Thread safe.
 */
#ifndef PIZZA_BASE_CLOCK_H
#define PIZZA_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE	   32 /* room for "2026-11-21T12:30:01.114000Z" */
#define DURATION_TEXT_SIZE 24

struct mono {
	int64_t ns; /* CLOCK_MONOTONIC; 0 means "never" */
};

struct mono mono_now(void);
struct mono mono_add_ms(struct mono m, int64_t ms);
/* later - earlier, in milliseconds or microseconds; negative when `later` is earlier. */
int64_t mono_diff_ms(struct mono later, struct mono earlier);
int64_t mono_diff_us(struct mono later, struct mono earlier);
/* Milliseconds (microseconds) since m. */
int64_t mono_since_ms(struct mono m);
int64_t mono_since_us(struct mono m);
/* Milliseconds left until the deadline, never below 0. */
int64_t mono_left_ms(struct mono deadline);

/* Wall clock, microseconds since the epoch. */
int64_t clock_wall_us(void);
/* RFC 3339 in UTC with six decimals and 'Z'; returns text. */
const char *clock_format(int64_t us, char text[CLOCK_TEXT_SIZE]);
/* Parses RFC 3339 with 0 to 9 decimals, 'Z' or an offset, 'T' or a space.  False when it is none. */
bool clock_parse(const char *text, int64_t *ret_us);

/* "250ms", "5s", "1.5m", "2h", "3d", "1h30m", or a bare number of seconds, to milliseconds.  False when it is
 * none. */
bool duration_parse(const char *text, int64_t *ret_ms);
/* Short for people: "11 ms", "9.41 s", "4m02s", "2h14m", "3d4h"; returns text. */
const char *duration_format(int64_t us, char text[DURATION_TEXT_SIZE]);

#endif
