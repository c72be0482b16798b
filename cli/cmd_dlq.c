/*
 * pizzactl dlq: dead letters.  The table of its commands; what they do is in dlq_*.c.
 */
#include "cli/commands.h"
#include "cli/dlq.h"

const struct column dlq_result_columns[] = {
    {.name = "letter_id", .title = "letter", .flags = COLUMN_ID, .text = "the letter's id"},
    {.name = "outcome",
     .kind = COLUMN_STATE,
     .text = "planned; applied, duplicate, failed, held or released; discarded, restored, unchanged"},
    {.name = "consumer_group", .title = "group", .text = "to whom it was handed"},
    {.name = "order_id", .title = "order", .text = "whose event it is"},
    {.name = "event_type", .title = "event", .text = "what happened"},
    {.name = "error_code", .title = "error", .text = "class of the failure"},
    {.name = "error_reason", .title = "why", .text = "the failure's own words"},
    {.name = "failed_step", .flags = COLUMN_MACHINE, .text = "what failed"},
    {.name = "replay_count", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "how often replayed"},
    {.name = NULL},
};

const struct column dlq_job_columns[] = {
    {.name = "job_id", .title = "job", .kind = COLUMN_INT, .flags = COLUMN_ID, .text = "its number"},
    {.name = "state", .kind = COLUMN_STATE, .text = "running, waiting, done, stopped or cancelled"},
    {.name = "done", .kind = COLUMN_INT, .text = "letters with a result"},
    {.name = "total", .kind = COLUMN_INT, .text = "letters in all"},
    {.name = "applied", .kind = COLUMN_INT, .text = "took effect"},
    {.name = "duplicate", .kind = COLUMN_INT, .text = "had taken effect before"},
    {.name = "failed", .kind = COLUMN_INT, .text = "failed again"},
    {.name = "held", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "behind a failed one of its order"},
    {.name = "released", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "not tried"},
    {.name = "created_at", .title = "started", .kind = COLUMN_TIME, .text = "when it was made"},
    {.name = "seconds",
     .title = "took",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "so far, or in all"},
    {.name = "actor", .text = "who started it"},
    {.name = "reason", .text = "why"},
    {.name = "waiting_for", .title = "waits for", .text = "what must be there first"},
    {.name = "lock", .flags = COLUMN_WIDE, .text = "its --lock"},
    {.name = "rate", .kind = COLUMN_REAL, .flags = COLUMN_WIDE, .text = "letters per second"},
    {.name = "max_failures", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "stops after more"},
    {.name = "finished_at", .kind = COLUMN_TIME, .flags = COLUMN_MACHINE, .text = "when it ended"},
    {.name = "selection", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "what was asked for"},
    {.name = NULL},
};

static const struct column edit_columns[] = {
    {.name = "letter_id", .title = "letter", .flags = COLUMN_ID, .text = "the letter's id"},
    {.name = "diff", .kind = COLUMN_JSON, .text = "path, before and after of what differs"},
    {.name = "value", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "the message as it becomes"},
    {.name = "job_id", .title = "job", .kind = COLUMN_INT, .text = "that replays it"},
    {.name = NULL},
};

static const struct column policy_columns[] = {
    {.name = "error_code", .title = "error", .flags = COLUMN_ID, .text = "* is for all others"},
    {.name = "replays", .kind = COLUMN_INT, .text = "failed ones before quarantine; none: as *"},
    {.name = "expiry_seconds", .title = "expires after", .kind = COLUMN_SECONDS, .text = "none: as *"},
    {.name = "auto_replay_seconds", .title = "replayed after", .kind = COLUMN_SECONDS, .text = "none: never"},
    {.name = "letters", .kind = COLUMN_INT, .text = "with this code"},
    {.name = "open", .kind = COLUMN_INT, .text = "of them unresolved or replaying"},
    {.name = NULL},
};

static const char *const state_words[] = {"unresolved", "replaying", "resolved", "discarded",
					  "expired",	"open",	     "any",	 NULL};

#define FILTER_OPTIONS(state_default)                                                              \
	{.name = "state",                                                                          \
	 .kind = VALUE_WORD,                                                                       \
	 .value = "STATE",                                                                         \
	 .text = "only letters in it",                                                             \
	 .fallback = state_default,                                                                \
	 .words = state_words},                                                                    \
	    {.name = "topic", .kind = VALUE_TEXT, .value = "TOPIC", .text = "from this topic"},    \
	    {.name = "group",                                                                      \
	     .kind = VALUE_TEXT,                                                                   \
	     .value = "GROUP",                                                                     \
	     .text = "of this daemon, or with this fingerprint"},                                  \
	    {.name = "code", .kind = VALUE_TEXT, .value = "CODE", .text = "with this error code"}, \
	    {.name = "type", .kind = VALUE_TEXT, .value = "TYPE", .text = "of this event type"},   \
	    OPTION_ORDER,                                                                          \
	{                                                                                          \
		.name = "age", .kind = VALUE_DURATION, .value = "D",                               \
		.text = "that failed so long ago or longer"                                        \
	}

static const struct option_def ls_options[] = {
    FILTER_OPTIONS("any"),
    {.name = "follow", .letter = 'f', .kind = VALUE_FLAG, .text = "go on with letters as they come"},
    {.name = "new", .kind = VALUE_FLAG, .text = "with --follow: only letters that come from now on"},
    {.name = NULL},
};

static const struct option_def group_options[] = {FILTER_OPTIONS("any"), {.name = NULL}};
static const struct option_def change_options[] = {FILTER_OPTIONS(NULL), {.name = NULL}};

static const struct option_def replay_options[] = {
    FILTER_OPTIONS(NULL),
    {.name = "limit", .kind = VALUE_INT, .value = "N", .text = "at most so many, the oldest first"},
    {.name = "rate", .kind = VALUE_TEXT, .value = "N", .text = "letters per second"},
    {.name = "max-failures",
     .kind = VALUE_TEXT,
     .value = "N|N%",
     .text = "stop when more fail again, of all if a share"},
    {.name = "lock",
     .kind = VALUE_TEXT,
     .value = "NAME",
     .text = "one job of this name at a time (status 9)"},
    {.name = "force", .kind = VALUE_FLAG, .text = "quarantined letters too"},
    {.name = "detach", .kind = VALUE_FLAG, .text = "start it and leave"},
    {.name = "wait", .kind = VALUE_DURATION, .value = "D", .text = "follow it so long, then status 7"},
    {.name = NULL},
};

static const struct option_def jobs_options[] = {
    {.name = "open", .kind = VALUE_FLAG, .text = "only those that are not finished"},
    {.name = "wait", .kind = VALUE_DURATION, .value = "D", .text = "follow it so long, then status 7"},
    {.name = NULL},
};

static const struct option_def edit_options[] = {
    {.name = "patch",
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "JSON Merge Patch (RFC 7396) instead of an editor; -: stdin"},
    {.name = "no-replay", .kind = VALUE_FLAG, .text = "keep the change, replay it later"},
    {.name = "force", .kind = VALUE_FLAG, .text = "replay it although it is quarantined"},
    {.name = NULL},
};

static const struct option_def policy_options[] = {
    {.name = "replays", .kind = VALUE_INT, .value = "N", .text = "failed replays before quarantine"},
    {.name = "expiry", .kind = VALUE_TEXT, .value = "D", .text = "letters expire after D; none: as *"},
    {.name = "auto-replay",
     .kind = VALUE_TEXT,
     .value = "D",
     .text = "dlqd replays letters by itself D after they failed; none: never"},
    {.name = NULL},
};

static const struct argument_def letter_argument[] = {
    {.name = "LETTER", .text = "a letter's id, or its first 8 characters or more"},
    {.name = NULL},
};

static const struct argument_def letters_argument[] = {
    {.name = "LETTER", .text = "ids, or - for ids on stdin", .optional = true, .repeat = true},
    {.name = NULL},
};

static const char *const jobs_words[] = {"ls", "show", "cancel", "follow", NULL};
static const char *const policy_words[] = {"ls", "set", "rm", NULL};

static const struct argument_def jobs_arguments[] = {
    {.name = "ACTION", .words = jobs_words, .text = "ls (default), show, cancel or follow", .optional = true},
    {.name = "JOB", .text = "a job's number", .optional = true},
    {.name = NULL},
};

static const struct argument_def policy_arguments[] = {
    {.name = "ACTION", .words = policy_words, .text = "ls (default), set or rm", .optional = true},
    {.name = "CODE", .text = "an error code, such as transient", .optional = true},
    {.name = NULL},
};

static const struct argument_def file_argument[] = {
    {.name = "FILE", .text = "JSON Lines of dlq export; -: stdin", .optional = true},
    {.name = NULL},
};

const struct noun noun_dlq = {
    .name = "dlq",
    .group = "streams",
    .summary = "dead letters: what failed for good, and replaying it",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list dead letters, the latest failure first",
	     .options = ls_options,
	     .columns = dlq_letter_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl dlq ls --state open", "pizzactl dlq ls --where 'age_seconds > 1h'",
			  "pizzactl dlq ls --follow -o jsonl"},
	     .run = dlq_ls},
	    {.verb = "groups",
	     .summary = "group dead letters by what failed",
	     .options = group_options,
	     .columns = dlq_group_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl dlq groups --state open"},
	     .run = dlq_groups_ls},
	    {.verb = "show",
	     .summary = "show everything about one letter",
	     .arguments = letter_argument,
	     .columns = dlq_show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl dlq show 7d4ad12f"},
	     .run = dlq_show},
	    {.verb = "stats",
	     .summary = "figures per topic: letters, rate, oldest, share of traffic",
	     .columns = dlq_stats_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl dlq stats"},
	     .run = dlq_stats_ls},
	    {.verb = "replay",
	     .summary = "hand letters back to the group that failed, as a job",
	     .arguments = letters_argument,
	     .options = replay_options,
	     .columns = dlq_result_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples =
		 {"pizzactl dlq replay --group a41c77e0 --rate 50 --limit 1000",
		  "pizzactl dlq replay 7d4ad12f --yes --reason 'provider is back'",
		  "pizzactl dlq replay --code transient --age 10m --lock cron --max-failures 20% --yes -q"},
	     .run = dlq_replay},
	    {.verb = "jobs",
	     .summary = "list, show, cancel or follow replay jobs",
	     .arguments = jobs_arguments,
	     .options = jobs_options,
	     .columns = dlq_job_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES,
	     .changing = dlq_jobs_changing,
	     .examples = {"pizzactl dlq jobs", "pizzactl dlq jobs show 42", "pizzactl dlq jobs cancel 42"},
	     .run = dlq_jobs},
	    {.verb = "edit",
	     .summary = "change a letter's message, keep the original, and replay it",
	     .arguments = letter_argument,
	     .options = edit_options,
	     .columns = edit_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples = {"pizzactl dlq edit 7d4ad12f", "pizzactl dlq edit 7d4ad12f --patch fix.json --yes"},
	     .run = dlq_edit},
	    {.verb = "discard",
	     .summary = "give letters up; restore takes it back until they expire",
	     .arguments = letters_argument,
	     .options = change_options,
	     .columns = dlq_result_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples = {"pizzactl dlq discard --order 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --yes"},
	     .run = dlq_discard},
	    {.verb = "restore",
	     .summary = "take discarded letters back",
	     .arguments = letters_argument,
	     .options = change_options,
	     .columns = dlq_result_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples = {"pizzactl dlq restore 7d4ad12f --yes"},
	     .run = dlq_restore},
	    {.verb = "export",
	     .summary = "write letters as JSON Lines, byte for byte",
	     .arguments = letters_argument,
	     .options = group_options,
	     .shape = SHAPE_TEXT,
	     .examples = {"pizzactl dlq export --state open > letters.jsonl"},
	     .run = dlq_export},
	    {.verb = "import",
	     .summary = "read letters that were exported",
	     .arguments = file_argument,
	     .shape = SHAPE_TEXT,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples = {"pizzactl dlq import letters.jsonl --yes"},
	     .run = dlq_import},
	    {.verb = "policy",
	     .summary = "list, set or remove what dlqd does with an error code's letters",
	     .arguments = policy_arguments,
	     .options = policy_options,
	     .columns = policy_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES,
	     .changing = dlq_policy_changing,
	     .examples = {"pizzactl dlq policy",
			  "pizzactl dlq policy set transient --auto-replay 10m --replays 3"},
	     .run = dlq_policy},
	    {.run = NULL},
	},
};
