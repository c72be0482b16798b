/*
 * The rules of reservations.  Release and consume of one reservation exclude each other, the first wins;
 * consumed stays consumed; what comes late does nothing.  No state; thread safe.
 */
#include "daemons/inventory/rules.h"

#include <stdlib.h>
#include <string.h>

const char *const reservation_words[RESERVATION_STATE_COUNT] = {
#define X(symbol, word) [RESERVATION_##symbol] = (word),
    RESERVATION_STATES(X)
#undef X
};

bool reservation_state_parse(const char *word, enum reservation_state *ret)
{
	for (int i = RESERVATION_NONE + 1; i < RESERVATION_STATE_COUNT; i++) {
		if (strcmp(word, reservation_words[i]) == 0) {
			*ret = (enum reservation_state)i;
			return true;
		}
	}
	return false;
}

bool stock_cause_of(enum event_type type, enum stock_cause *ret)
{
	static const struct {
		enum event_type type;
		enum stock_cause cause;
	} causes[CAUSE_COUNT] = {
	    {EVENT_ORDER_CREATED, CAUSE_ORDER_CREATED},
	    {EVENT_ORDER_CANCELLED, CAUSE_ORDER_CANCELLED},
	    {EVENT_COOKING_STARTED, CAUSE_COOKING_STARTED},
	    {EVENT_TICKET_REMADE, CAUSE_TICKET_REMADE},
	};

	for (int i = 0; i < CAUSE_COUNT; i++) {
		if (causes[i].type == type) {
			*ret = causes[i].cause;
			return true;
		}
	}
	return false;
}

static enum stock_act rule_created(enum reservation_state state)
{
	switch (state) {
	case RESERVATION_NONE:
		return ACT_RESERVE;
	case RESERVATION_RESERVED:
	case RESERVATION_REJECTED:
	case RESERVATION_RELEASED:
	case RESERVATION_CONSUMED:
	case RESERVATION_CANCELLED:
	case RESERVATION_STATE_COUNT:
		return ACT_IGNORE;
	}
	return ACT_IGNORE;
}

static enum stock_act rule_cancelled(enum reservation_state state)
{
	switch (state) {
	case RESERVATION_NONE:
		return ACT_TOMBSTONE;
	case RESERVATION_RESERVED:
		return ACT_RELEASE;
	case RESERVATION_REJECTED:
	case RESERVATION_RELEASED:
	case RESERVATION_CONSUMED:
	case RESERVATION_CANCELLED:
	case RESERVATION_STATE_COUNT:
		return ACT_IGNORE;
	}
	return ACT_IGNORE;
}

/* The kitchen's events come by another topic: they may be read before the order was. */
static enum stock_act rule_cooking(enum reservation_state state)
{
	switch (state) {
	case RESERVATION_NONE:
		return ACT_WAIT;
	case RESERVATION_RESERVED:
		return ACT_CONSUME;
	case RESERVATION_REJECTED:
	case RESERVATION_RELEASED:
	case RESERVATION_CONSUMED:
	case RESERVATION_CANCELLED:
	case RESERVATION_STATE_COUNT:
		return ACT_IGNORE;
	}
	return ACT_IGNORE;
}

static enum stock_act rule_remade(enum reservation_state state)
{
	switch (state) {
	case RESERVATION_NONE:
		return ACT_WAIT;
	case RESERVATION_RESERVED:
	case RESERVATION_CONSUMED:
		return ACT_CONSUME_MORE;
	case RESERVATION_REJECTED:
	case RESERVATION_RELEASED:
	case RESERVATION_CANCELLED:
	case RESERVATION_STATE_COUNT:
		return ACT_IGNORE;
	}
	return ACT_IGNORE;
}

enum stock_act stock_rule(enum reservation_state state, enum stock_cause cause)
{
	switch (cause) {
	case CAUSE_ORDER_CREATED:
		return rule_created(state);
	case CAUSE_ORDER_CANCELLED:
		return rule_cancelled(state);
	case CAUSE_COOKING_STARTED:
		return rule_cooking(state);
	case CAUSE_TICKET_REMADE:
		return rule_remade(state);
	case CAUSE_COUNT:
		break;
	}
	return ACT_IGNORE;
}

static int compare_level(const void *id, const void *level)
{
	return strcmp(id, ((const struct stock_level *)level)->ingredient_id);
}

int stock_find(const struct stock *s, const char *ingredient_id)
{
	const struct stock_level *l;

	if (s->count == 0)
		return -1;
	l = bsearch(ingredient_id, s->levels, (size_t)s->count, sizeof(*s->levels), compare_level);
	return l == NULL ? -1 : (int)(l - s->levels);
}

/* The level of a need's i-th quantity, marked as about to change; NULL when the quantity is 0. */
static struct stock_level *level_to_change(struct stock *s, const int64_t *need, int i)
{
	if (need[i] == 0)
		return NULL;
	s->levels[i].mentioned = true;
	s->levels[i].changed = true;
	return &s->levels[i];
}

bool stock_reserve(struct stock *s, const int64_t *need, int *ret_short)
{
	int lacking = -1;

	for (int i = s->count - 1; i >= 0; i--) {
		if (need[i] == 0)
			continue;
		s->levels[i].mentioned = true;
		if (s->levels[i].on_hand < need[i])
			lacking = i;
	}
	if (lacking >= 0) {
		*ret_short = lacking;
		return false;
	}
	for (int i = 0; i < s->count; i++) {
		struct stock_level *l = level_to_change(s, need, i);

		if (l == NULL)
			continue;
		l->on_hand -= need[i];
		l->reserved += need[i];
	}
	return true;
}

void stock_release(struct stock *s, const int64_t *need)
{
	for (int i = 0; i < s->count; i++) {
		struct stock_level *l = level_to_change(s, need, i);

		if (l == NULL)
			continue;
		l->reserved -= need[i];
		l->on_hand += need[i];
	}
}

void stock_consume(struct stock *s, const int64_t *need)
{
	for (int i = 0; i < s->count; i++) {
		struct stock_level *l = level_to_change(s, need, i);

		if (l == NULL)
			continue;
		l->reserved -= need[i];
		l->consumed += need[i];
	}
}

bool stock_consume_more(struct stock *s, const int64_t *need, int *ret_short)
{
	if (!stock_reserve(s, need, ret_short))
		return false;
	stock_consume(s, need);
	return true;
}

bool stock_fell_low(struct stock_level *level)
{
	if (level->low || level->on_hand >= level->low_threshold)
		return false;
	level->low = true;
	level->seq++;
	level->changed = true;
	return true;
}
