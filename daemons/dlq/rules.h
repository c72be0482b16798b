/*
 * What becomes of a dead letter: a total table state × input.  Pure; thread safe.
 */
#ifndef PIZZA_DLQ_RULES_H
#define PIZZA_DLQ_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* X(symbol, "word", text) */
#define LETTER_STATES(X)                                                      \
	X(UNRESOLVED, "unresolved", "nobody has dealt with it")               \
	X(REPLAYING, "replaying", "a job has it")                             \
	X(RESOLVED, "resolved", "its event has taken effect in the group")    \
	X(DISCARDED, "discarded", "given up by an operator; can be restored") \
	X(EXPIRED, "expired", "nobody dealt with it in time; its evidence is kept")

enum letter_state {
#define X(symbol, word, text) LETTER_##symbol,
	LETTER_STATES(X)
#undef X
	    LETTER_STATE_COUNT
};

enum letter_input {
	INPUT_FAILED_ANEW, /* a newer dead letter of the same identity came */
	INPUT_CLAIM,	   /* a job takes it */
	INPUT_SUCCEEDED,   /* the group applied it, or had done so before */
	INPUT_FAILED,	   /* the group tried and failed */
	INPUT_RELEASE,	   /* the job gives it back untried */
	INPUT_DISCARD,
	INPUT_RESTORE,
	INPUT_EDIT,
	INPUT_EXPIRE,
	LETTER_INPUT_COUNT
};

enum letter_act {
	ACT_MOVE,   /* to the next state */
	ACT_NOTE,   /* the state stays; what is told is kept */
	ACT_IGNORE, /* nothing to do: it is so already, or too late */
	ACT_REFUSE, /* not possible in this state */
};

struct letter_rule {
	enum letter_act act;
	enum letter_state next; /* of ACT_MOVE */
};

/* The part of a letter that decides. */
struct letter_standing {
	enum letter_state state;
	bool quarantined;
	bool refailed;
	int replay_count;
};

const char *letter_state_word(enum letter_state s);
/* False when the word is none. */
bool letter_state_parse(const char *word, enum letter_state *ret);
struct letter_rule letter_rule(enum letter_state state, enum letter_input input);
/*
 * Applies the rule: counts replays, quarantines after replay_cap failed ones, reopens what failed anew during
 * its replay.  Returns the act; the standing is unchanged for ACT_IGNORE and ACT_REFUSE.
 */
enum letter_act letter_step(struct letter_standing *l, enum letter_input input, int replay_cap);

/* Eight hexadecimal digits that derive from error code and failing step. */
#define FINGERPRINT_SIZE 9
void letter_fingerprint(const char *error_code, const char *failed_step, char ret[FINGERPRINT_SIZE]);

/* "25" or "25%" of total letters as the number that may fail; false when it is neither. */
bool max_failures_parse(const char *text, int64_t total, int64_t *ret);

#endif
