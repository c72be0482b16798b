/*
 * The fields are the ones clients of the Stripe API read; written as text because it is the hot path.
 */
#include "daemons/sandbox/body.h"

#include <string.h>

#include "core/base/mem.h"
#include "daemons/sandbox/ledger.h"

static void add_string(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, ",\"%s\":", name);
	if (value == NULL)
		buf_adds(out, "null");
	else
		buf_add_json(out, value, strlen(value));
}

/* reason is "code" or "code/decline_code", as the store keeps it. */
static void add_last_error(struct buf *out, const char *reason)
{
	const char *slash = reason != NULL ? strchr(reason, '/') : NULL;

	if (reason == NULL) {
		buf_adds(out, ",\"last_payment_error\":null");
		return;
	}
	buf_adds(out, ",\"last_payment_error\":{\"type\":\"card_error\",\"code\":");
	buf_add_json(out, reason, slash != NULL ? (size_t)(slash - reason) : strlen(reason));
	add_string(out, "decline_code", slash != NULL ? slash + 1 : NULL);
	buf_addc(out, '}');
}

void body_intent(struct buf *out, const struct intent *in)
{
	bool paid = strcmp(in->status, "succeeded") == 0;
	char id[OBJECT_ID_SIZE], charge[OBJECT_ID_SIZE];

	object_id("pi_", in->id, id);
	object_id("ch_", in->id, charge);
	buf_addf(out, "{\"id\":\"%s\",\"object\":\"payment_intent\",\"amount\":%lld,\"amount_received\":%lld",
		 id, (long long)in->amount, (long long)(paid ? in->amount : 0));
	buf_addf(out, ",\"created\":%lld,\"livemode\":false,\"confirmation_method\":\"automatic\"",
		 (long long)(in->created_us / 1000000));
	buf_addf(out, ",\"capture_method\":\"automatic\",\"client_secret\":\"%s_secret_sandbox\"", id);
	add_string(out, "currency", in->currency);
	add_last_error(out, paid ? NULL : in->reason);
	add_string(out, "latest_charge", charge);
	buf_addf(out, ",\"metadata\":%s", in->metadata);
	add_string(out, "payment_method", in->reason == NULL ? in->method : NULL);
	buf_adds(out, ",\"payment_method_types\":[\"card\"]");
	add_string(out, "status", in->status);
	buf_addc(out, '}');
}

void body_refund(struct buf *out, const struct refund *refund)
{
	char id[OBJECT_ID_SIZE], intent[OBJECT_ID_SIZE], charge[OBJECT_ID_SIZE];

	buf_addf(out, "{\"id\":\"%s\",\"object\":\"refund\",\"amount\":%lld",
		 object_id("re_", refund->id, id), (long long)refund->amount);
	add_string(out, "charge", object_id("ch_", refund->intent, charge));
	buf_addf(out, ",\"created\":%lld", (long long)(refund->created_us / 1000000));
	add_string(out, "currency", refund->currency);
	buf_addf(out, ",\"metadata\":%s", refund->metadata);
	add_string(out, "payment_intent", object_id("pi_", refund->intent, intent));
	buf_adds(out, ",\"reason\":null");
	add_string(out, "status", refund->status);
	buf_addc(out, '}');
}

char *body_error(const char *type, const char *code, const char *message)
{
	struct buf out = {0};

	buf_adds(&out, "{\"error\":{\"type\":");
	buf_add_json(&out, type, strlen(type));
	if (code != NULL)
		add_string(&out, "code", code);
	add_string(&out, "message", message);
	buf_adds(&out, "}}");
	return buf_take(&out);
}

char *body_decline(const struct intent *intent, const struct test_method *why)
{
	struct buf out = {0};
	char charge[OBJECT_ID_SIZE];

	buf_addf(&out, "{\"error\":{\"type\":\"card_error\",\"charge\":\"%s\"",
		 object_id("ch_", intent->id, charge));
	add_string(&out, "code", why->code);
	if (why->decline_code != NULL)
		add_string(&out, "decline_code", why->decline_code);
	add_string(&out, "message", why->message);
	buf_adds(&out, ",\"payment_intent\":");
	body_intent(&out, intent);
	buf_adds(&out, "}}");
	return buf_take(&out);
}
