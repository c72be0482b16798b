/*
 * A ring of the versions waited for.  A version that came needs no care: nobody asks for it again, and its
 * slot is overwritten some day.  One that never came stays given up until then.  Not thread safe; one owner.
 */
#include "core/service/patience.h"

#include <stdio.h>
#include <string.h>

static struct patience_slot *slot_of(struct patience *p, const char *pizza_id, int64_t version)
{
	for (int i = 0; i < PATIENCE_SLOTS; i++) {
		struct patience_slot *s = &p->slots[i];

		if (s->since.ns != 0 && s->version == version &&
		    strncmp(s->pizza_id, pizza_id, sizeof(s->pizza_id) - 1) == 0)
			return s;
	}
	return NULL;
}

bool patience_wait(struct patience *p, const char *pizza_id, int64_t version, struct mono now)
{
	struct patience_slot *s = slot_of(p, pizza_id, version);

	if (s == NULL) {
		s = &p->slots[p->next];
		p->next = (p->next + 1) % PATIENCE_SLOTS;
		snprintf(s->pizza_id, sizeof(s->pizza_id), "%s", pizza_id);
		s->version = version;
		s->since = now;
	}
	return mono_diff_ms(now, s->since) < PATIENCE_MS;
}
