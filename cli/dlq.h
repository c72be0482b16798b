/*
 * The commands of pizzactl dlq, and what their files share.
 */
#ifndef PIZZA_CLI_DLQ_H
#define PIZZA_CLI_DLQ_H

#include "cli/cli.h"
#include "core/console/dlq.h"

/* dlq_choose.c: the filter that the options ask for. */
int dlq_filter_of(struct cli *c, struct dlq_filter *ret, struct error *err) MUST_USE;
/*
 * The letters that arguments (ids, or - for ids on stdin) and filter options choose, as a selection (owned).
 * ERR_USAGE when nothing is chosen.
 */
int dlq_chosen(struct cli *c, json_t **ret, struct error *err) MUST_USE;
/* True when the change is to be made, not only told. */
bool dlq_serious(const struct cli *c);
/* cmd_dlq.c */
extern const struct column dlq_result_columns[];

/* dlq_list.c */
int dlq_ls(struct cli *c, struct error *err);
int dlq_groups_ls(struct cli *c, struct error *err);
int dlq_stats_ls(struct cli *c, struct error *err);
int dlq_show(struct cli *c, struct error *err);
extern const struct column dlq_letter_columns[], dlq_group_columns[], dlq_stats_columns[], dlq_show_columns[];

/* dlq_show.c: one letter for people. */
void dlq_draw(struct buf *out, const json_t *letter, const struct cli *c);
/* The rows of a diff, as - and + lines. */
void dlq_draw_diff(struct buf *out, const json_t *diff, bool color, const char *indent);

/* dlq_replay.c */
int dlq_replay(struct cli *c, struct error *err);
int dlq_jobs(struct cli *c, struct error *err);
bool dlq_jobs_changing(const struct cli *c);
/* Follows a job to its end, shows its results, and answers with how it went. */
int dlq_follow_job(struct cli *c, int64_t job, struct error *err) MUST_USE;
extern const struct column dlq_job_columns[];

/* dlq_change.c */
int dlq_discard(struct cli *c, struct error *err);
int dlq_restore(struct cli *c, struct error *err);
int dlq_edit(struct cli *c, struct error *err);
int dlq_policy(struct cli *c, struct error *err);
bool dlq_policy_changing(const struct cli *c);

/* dlq_transfer.c */
int dlq_export(struct cli *c, struct error *err);
int dlq_import(struct cli *c, struct error *err);

#endif
