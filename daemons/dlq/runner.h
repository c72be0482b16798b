/*
 * Carries jobs out: a thread per unfinished job hands its letters to the group that failed
 * (POST /internal/v1/replay) and records what became of them.  A daemon that is down makes the job wait.
 */
#ifndef PIZZA_DLQ_RUNNER_H
#define PIZZA_DLQ_RUNNER_H

#include "core/service/service.h"

struct job_item;
struct job_batch;

struct runner;
/* Starts with the jobs that an earlier process left unfinished. */
int runner_new(struct service *s, struct runner **ret, struct error *err) MUST_USE;
/* Makes every thread look again: a job was made or cancelled. Thread safe. */
void runner_wake(struct runner *r);
/* Ends the threads after the batch under way; the jobs stay unfinished.  NULL is fine. */
void runner_free(struct runner *r);

/*
 * Fills in the outcomes of a batch from an answer.  Returns NULL when every letter has one, else why some
 * have none yet (owned): the group's words for "later", or what is wrong with the answer.
 */
char *runner_read_answer(struct job_batch *b, const json_t *answer);

#endif
