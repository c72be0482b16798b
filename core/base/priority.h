/*
 * Scheduling priority of processes, so that what somebody waits for comes before what can be done later.
 *
 * Linux shares the processors among sessions first where autogroup scheduling is on (sched(7), "The autogroup
 * feature"): a nice value then counts only against threads of the same session, and a process that leads a
 * session of its own, as daemons and PostgreSQL's backends do, needs its session's value set as well.  Then
 * its threads get the policy SCHED_IDLE, too: they give way at once to whatever is not so and do not push one
 * another aside, while the session's value alone says how much they get.  Where control groups share the
 * processors that policy would starve them; there the nice value alone counts.
 */
#ifndef PIZZA_BASE_PRIORITY_H
#define PIZZA_BASE_PRIORITY_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Lowers a process with all its threads to a nice value (1..19); with it the session it leads.  False: the
 * kernel wants to be asked again later (it lets ordinary users change one session in 100 ms).  True: done, or
 * it never will be (another user's process).  Does not block.
 */
bool priority_lower(pid_t pid, int nice);
/* Whether sessions share the processors: autogroups are on, and no control group counts for the process. */
bool priority_by_session(pid_t pid);
/* The nice value for the calling thread alone. */
void priority_lower_thread(int nice);

#endif
