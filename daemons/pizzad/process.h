/*
 * Internal to pizzad: starting a program, its pid file, and what it uses of the machine.
 */
#ifndef PIZZA_PIZZAD_PROCESS_H
#define PIZZA_PIZZAD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/clock.h"
#include "core/base/error.h"

#define LAUNCH_WORDS 40

/* A program to run.  Words are owned; `struct launch l = {0};` is an empty one. */
struct launch {
	char *argv[LAUNCH_WORDS + 1];
	char *env[LAUNCH_WORDS + 1]; /* "NAME=value", beside what pizzad's own environment has */
	int argc, envc;
	bool unprivileged; /* as root: in a user name space of its own, where it is not root */
	const char *text;  /* what it does, for progress; borrowed */
};

void launch_arg(struct launch *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void launch_env(struct launch *l, const char *name, const char *value);
void launch_done(struct launch *l);

/*
 * Starts it in a session of its own, stdout and stderr appended to log_path.  The child itself writes its pid
 * and start time to pid_path before the program runs, so that nobody can miss it.  A program that cannot be
 * run is an error here.
 */
int process_start(const struct launch *l, const char *pid_path, const char *log_path, pid_t *ret,
		  struct error *err) MUST_USE;
/* A process is the one that a pid file names: pid and start time agree.  The pid, or 0. */
pid_t process_from_file(const char *pid_path);
/* "status 1", "signal 9 (Killed)". */
const char *process_ending(int status, char *text, size_t size);
/*
 * The last line in a log file from an offset on that tells of an error, else the last at all: of a JSON line
 * its message.  "" when there is none.
 */
void process_last_line(const char *log_path, off_t from, char *text, size_t size);

struct process_usage {
	struct mono sampled;
	uint64_t ticks; /* CPU time so far, of the whole tree, also of children that have ended */
	double cpu_percent;
	int64_t rss_bytes;
};

/* All processes of the machine at one moment. */
struct process_table;
struct process_table *process_table_read(void);
void process_table_free(struct process_table *t);
/* Samples a process and its descendants; cpu_percent is since the sample before, unless that is very young.
 */
void process_sample(struct process_table *t, pid_t pid, struct process_usage *u);

#endif
