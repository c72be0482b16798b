/*
 * A probe: an order placed from the moment something was struck, followed until it is paid.  Its time is how
 * long the saga took to flow again.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/crash/storm/storm.h"

#define DEADLINE_MS    150000
#define CALL_MS	       3000
#define LOOK_EVERY_MS  20
#define NUDGE_TRIES    1000
#define NUDGE_PAUSE_MS 100

struct probe {
	const struct storm *storm;
	pthread_t thread;
	char key[64];
	struct mono start;
	int64_t paid_ms;
};

/* A card, no contact: nothing but the saga itself. */
static const char body[] = "{\"items\":[{\"pizza_id\":\"margherita\",\"size\":\"small\",\"quantity\":1}],"
			   "\"delivery_address\":\"1 Probe Street\",\"payment_method\":\"card\"}";

static void *probe_main(void *arg)
{
	struct probe *p = arg;
	struct mono deadline = mono_add_ms(p->start, DEADLINE_MS);
	char id[UUID_TEXT_SIZE] = "", status[32] = "";

	while (mono_left_ms(deadline) > 0 &&
	       order_post(&p->storm->site, p->key, body, CALL_MS, id) != OUTCOME_OK)
		storm_sleep(LOOK_EVERY_MS);
	while (mono_left_ms(deadline) > 0 && id[0] != '\0') {
		if (order_status(&p->storm->site, id, CALL_MS, status, sizeof(status)) &&
		    strcmp(status, "pending") != 0 && strcmp(status, "reserved") != 0) {
			p->paid_ms = mono_since_ms(p->start);
			break;
		}
		storm_sleep(LOOK_EVERY_MS);
	}
	return NULL;
}

struct probe *probe_start(struct storm *s)
{
	struct probe *p = xcalloc(1, sizeof(*p));

	p->storm = s;
	p->start = mono_now();
	p->paid_ms = -1;
	snprintf(p->key, sizeof(p->key), "probe-%llu-%d", (unsigned long long)s->seed, ++s->probes);
	if (pthread_create(&p->thread, NULL, probe_main, p) != 0)
		abort();
	return p;
}

int64_t probe_end(struct probe *p)
{
	int64_t ms;

	pthread_join(p->thread, NULL);
	ms = p->paid_ms;
	free(p);
	return ms;
}

void probe_nudge(struct storm *s)
{
	CLEANUP(buf_done) struct buf text = {0};
	char key[64];

	snprintf(key, sizeof(key), "nudge-%llu-%d", (unsigned long long)s->seed, ++s->probes);
	order_body(&s->random, &text);
	for (int i = 0;
	     i < NUDGE_TRIES && order_post(&s->site, key, buf_str(&text), CALL_MS, NULL) != OUTCOME_OK; i++)
		storm_sleep(NUDGE_PAUSE_MS);
}
