/*
 * What becomes of a failed try, pure: classification by the error table, and delays.
 */
#ifndef PIZZA_SERVICE_POLICY_H
#define PIZZA_SERVICE_POLICY_H

#include <stdint.h>

#include "core/contract/daemons.h"

enum verdict {
	VERDICT_PAUSE, /* something we need is down, or the outcome is unknown: again soon, no try is consumed
			*/
	VERDICT_RETRY, /* after a delay */
	VERDICT_BURY,  /* a dead letter */
};

struct policy {
	int retries;	 /* tries after the first */
	int64_t base_ms; /* the first delay's upper bound; doubles */
};

/* As configured for a consumer now (consumer.retries, consumer.backoff, or its own keys). */
struct policy policy_of(const struct daemon_info *info);
/* Of a failure with this error code, after so many tries with it. */
enum verdict policy_verdict(const struct policy *p, int code, int tries);
/* Until the next try, with jitter. */
int64_t policy_delay_ms(const struct policy *p, int tries);

#endif
