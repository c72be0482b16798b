/*
 * The table and what counts around it.
 */
#include "daemons/dlq/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/uuid.h"

static const char *const words[LETTER_STATE_COUNT] = {
#define X(symbol, word, text) [LETTER_##symbol] = word,
    LETTER_STATES(X)
#undef X
};

#define MOVE(state)                      \
	{                                \
		ACT_MOVE, LETTER_##state \
	}
#define NOTE                \
	{                   \
		ACT_NOTE, 0 \
	}
#define IGNORE                \
	{                     \
		ACT_IGNORE, 0 \
	}
#define REFUSE                \
	{                     \
		ACT_REFUSE, 0 \
	}

/* A result that comes late (its job was cancelled meanwhile, or the letter discarded) still counts as what it
 * is: an effect. */
static const struct letter_rule rules[LETTER_STATE_COUNT][LETTER_INPUT_COUNT] = {
    [LETTER_UNRESOLVED] =
	{
	    [INPUT_FAILED_ANEW] = NOTE,
	    [INPUT_CLAIM] = MOVE(REPLAYING),
	    [INPUT_SUCCEEDED] = MOVE(RESOLVED),
	    [INPUT_FAILED] = IGNORE,
	    [INPUT_RELEASE] = IGNORE,
	    [INPUT_DISCARD] = MOVE(DISCARDED),
	    [INPUT_RESTORE] = REFUSE,
	    [INPUT_EDIT] = NOTE,
	    [INPUT_EXPIRE] = MOVE(EXPIRED),
	},
    [LETTER_REPLAYING] =
	{
	    [INPUT_FAILED_ANEW] = NOTE,
	    [INPUT_CLAIM] = REFUSE,
	    [INPUT_SUCCEEDED] = MOVE(RESOLVED),
	    [INPUT_FAILED] = MOVE(UNRESOLVED),
	    [INPUT_RELEASE] = MOVE(UNRESOLVED),
	    [INPUT_DISCARD] = REFUSE,
	    [INPUT_RESTORE] = REFUSE,
	    [INPUT_EDIT] = REFUSE,
	    [INPUT_EXPIRE] = IGNORE,
	},
    [LETTER_RESOLVED] =
	{
	    [INPUT_FAILED_ANEW] = MOVE(UNRESOLVED),
	    [INPUT_CLAIM] = REFUSE,
	    [INPUT_SUCCEEDED] = IGNORE,
	    [INPUT_FAILED] = IGNORE,
	    [INPUT_RELEASE] = IGNORE,
	    [INPUT_DISCARD] = REFUSE,
	    [INPUT_RESTORE] = REFUSE,
	    [INPUT_EDIT] = REFUSE,
	    [INPUT_EXPIRE] = IGNORE,
	},
    [LETTER_DISCARDED] =
	{
	    [INPUT_FAILED_ANEW] = NOTE,
	    [INPUT_CLAIM] = REFUSE,
	    [INPUT_SUCCEEDED] = MOVE(RESOLVED),
	    [INPUT_FAILED] = IGNORE,
	    [INPUT_RELEASE] = IGNORE,
	    [INPUT_DISCARD] = IGNORE,
	    [INPUT_RESTORE] = MOVE(UNRESOLVED),
	    [INPUT_EDIT] = REFUSE,
	    [INPUT_EXPIRE] = MOVE(EXPIRED),
	},
    [LETTER_EXPIRED] =
	{
	    [INPUT_FAILED_ANEW] = MOVE(UNRESOLVED),
	    [INPUT_CLAIM] = REFUSE,
	    [INPUT_SUCCEEDED] = MOVE(RESOLVED),
	    [INPUT_FAILED] = IGNORE,
	    [INPUT_RELEASE] = IGNORE,
	    [INPUT_DISCARD] = REFUSE,
	    [INPUT_RESTORE] = REFUSE,
	    [INPUT_EDIT] = REFUSE,
	    [INPUT_EXPIRE] = IGNORE,
	},
};

const char *letter_state_word(enum letter_state s)
{
	return words[s];
}

bool letter_state_parse(const char *word, enum letter_state *ret)
{
	for (int i = 0; i < LETTER_STATE_COUNT; i++) {
		if (strcmp(words[i], word) == 0) {
			*ret = (enum letter_state)i;
			return true;
		}
	}
	return false;
}

struct letter_rule letter_rule(enum letter_state state, enum letter_input input)
{
	return rules[state][input];
}

enum letter_act letter_step(struct letter_standing *l, enum letter_input input, int replay_cap)
{
	struct letter_rule rule = rules[l->state][input];
	bool tried = l->state == LETTER_REPLAYING && (input == INPUT_SUCCEEDED || input == INPUT_FAILED);

	if (rule.act == ACT_IGNORE || rule.act == ACT_REFUSE)
		return rule.act;
	if (l->state == LETTER_REPLAYING && input == INPUT_FAILED_ANEW)
		l->refailed = true;
	if (rule.act == ACT_NOTE)
		return ACT_NOTE;
	if (l->state == LETTER_REPLAYING && input == INPUT_SUCCEEDED && l->refailed)
		rule.next = LETTER_UNRESOLVED;
	if (tried)
		l->replay_count++;
	if (tried && rule.next == LETTER_UNRESOLVED && l->replay_count >= replay_cap)
		l->quarantined = true;
	if (rule.next == LETTER_RESOLVED)
		l->quarantined = false;
	l->refailed = false;
	l->state = rule.next;
	return ACT_MOVE;
}

void letter_fingerprint(const char *error_code, const char *failed_step, char ret[FINGERPRINT_SIZE])
{
	char name[512];
	struct uuid id;

	snprintf(name, sizeof(name), "%s\n%s", error_code, failed_step);
	id = uuid_v5(UUID_NAMESPACE_PIZZA, name, strlen(name));
	snprintf(ret, FINGERPRINT_SIZE, "%02x%02x%02x%02x", id.b[0], id.b[1], id.b[2], id.b[3]);
}

bool max_failures_parse(const char *text, int64_t total, int64_t *ret)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9' || strlen(text) > 15)
		return false;
	n = strtoll(text, &end, 10);
	if (strcmp(end, "%") == 0 && n <= 100)
		*ret = total * n / 100;
	else if (*end == '\0')
		*ret = n;
	else
		return false;
	return true;
}
