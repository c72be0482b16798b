/*
 * Crash points: named places at which a process kills itself, as if by `kill -9`, when a test asks for it.
 *
 * They exist only in programs built with -DPIZZA_CRASH_POINTS (make CRASH=1); release builds have nothing of
 * them. A point fires once for each time it is asked for, so that the restarted process goes on:
 *
 *   $PIZZA_HOME/run/crash/PROGRAM.NAME   a file, made at any time; it may hold a number n: at the n-th pass
 *                                        (default 1).  Firing removes it.
 *   CRASH_AT=PROGRAM/NAME[:n],…          in the environment of pizzad, for a crash after start.  Fires once
 *                                        per installation: $PIZZA_HOME/run/crash/PROGRAM.NAME.done is left.
 *
 * PROGRAM is the program's name ("orderd").  Passes are counted by each process, from when the point is
 * armed.
 */
#ifndef PIZZA_BASE_CRASH_H
#define PIZZA_BASE_CRASH_H

#ifdef PIZZA_CRASH_POINTS
/* Returns, or kills the process.  Thread safe. */
void crash_point(const char *name);
#define CRASH_POINT(name) crash_point(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
