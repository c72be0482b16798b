/*
 * The failure policy's decisions.
 */
#include "core/service/policy.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/config/config.h"
#include "core/http/retry.h"

#define DELAY_MAX_MS 3600000

/* The daemon's own key, or the fallback where it is not set. */
static int64_t own_or(const struct daemon_info *info, const char *name, int64_t unset,
		      enum config_key fallback)
{
	char text[64];
	enum config_key key;

	snprintf(text, sizeof(text), "%s.%s", info->service, name);
	if (config_find(text, &key) && config_int(key) != unset)
		return config_int(key);
	return config_int(fallback);
}

struct policy policy_of(const struct daemon_info *info)
{
	return (struct policy){
	    .retries = (int)own_or(info, "consumer_retries", -1, CONFIG_CONSUMER_RETRIES),
	    .base_ms = own_or(info, "consumer_backoff", 0, CONFIG_CONSUMER_BACKOFF),
	};
}

enum verdict policy_verdict(const struct policy *p, int code, int tries)
{
	if (code == ERR_UNKNOWN)
		return VERDICT_PAUSE;
	switch (error_class(code)) {
	case CLASS_DEPENDENCY:
		return VERDICT_PAUSE;
	case CLASS_PERMANENT:
		return VERDICT_BURY;
	case CLASS_TRANSIENT:
		break;
	}
	return tries > p->retries ? VERDICT_BURY : VERDICT_RETRY;
}

int64_t policy_delay_ms(const struct policy *p, int tries)
{
	const struct backoff backoff = {p->base_ms, p->base_ms > DELAY_MAX_MS ? p->base_ms : DELAY_MAX_MS};

	return backoff_ms(&backoff, tries);
}
