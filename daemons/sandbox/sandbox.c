/*
 * sandboxd: the payment and SMS providers' sandbox.  It keeps its own durable ledger, repeats stored answers
 * as Stripe does, and can be told to decline, delay, fail or lose replies.
 */
#include "daemons/sandbox/sandbox.h"

#include <string.h>
#include <sys/random.h>

#include "core/base/mem.h"

#define GROUP_WORKERS 2
#define GROUP_MAX     256
#define HELD_MAX      1024

extern const struct db_migration sandbox_migrations[];
extern const int sandbox_migration_count;

const char *const provider_names[PROVIDER_COUNT] = {"payment", "sms"};

struct sandbox *sandbox_of(void *arg)
{
	return service_data(arg);
}

/* --- faults at work --- */

/* [0, 1); splitmix64, seeded per thread. */
static double draw(void)
{
	static _Thread_local uint64_t state;
	uint64_t z;

	while (state == 0)
		if (getrandom(&state, sizeof(state), 0) != sizeof(state))
			state = 0;
	z = (state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

struct fault_verdict sandbox_verdict(struct sandbox *sb, enum provider provider)
{
	struct fault_draws draws;
	struct fault_set faults;

#define X(field, text) draws.field = draw();
	FAULT_RATES(X)
#undef X
	pthread_mutex_lock(&sb->fault_lock);
	faults = sb->faults[provider];
	pthread_mutex_unlock(&sb->fault_lock);
	return faults_decide(&faults, &draws);
}

/* --- replies, now or held back --- */

struct held_reply {
	struct http_request *request;
	int status;
	char *body;
};

void sandbox_release(void *item)
{
	struct held_reply *reply = item;

	http_reply_take(reply->request, reply->status, "application/json", reply->body, strlen(reply->body));
	free(reply);
}

void sandbox_reply(struct sandbox *sb, struct http_request *r, int status, char *body,
		   const struct fault_verdict *verdict)
{
	struct held_reply *reply;
	int64_t ms = verdict->lose_reply ? SANDBOX_HOLD_MS : verdict->delay_ms;

	if (ms == 0) {
		http_reply_take(r, status, "application/json", body, strlen(body));
		return;
	}
	reply = xcalloc(1, sizeof(*reply));
	*reply = (struct held_reply){r, status, body};
	if (verdict->lose_reply) {
		free(body);
		reply->status = 504;
		reply->body =
		    xstrdup("{\"error\":{\"type\":\"api_error\",\"message\":\"Gateway time-out\"}}");
	}
	hold_add(sb->hold, mono_add_ms(mono_now(), ms), reply);
}

static bool hurry(void *service)
{
	return service_stopping(service);
}

/* --- life --- */

static int start(struct service *s, struct error *err)
{
	struct sandbox *sb = xcalloc(1, sizeof(*sb));
	struct hold_options hold = {HELD_MAX, sandbox_release, hurry, s};
	int rc = 0;

	service_set_data(s, sb);
	sb->service = s;
	sb->db = service_db(s);
	sb->keys = keys_new();
	pthread_mutex_init(&sb->fault_lock, NULL);
	for (int i = 0; rc == 0 && i < PROVIDER_COUNT; i++)
		rc = store_faults_load(sb->db, provider_names[i], &sb->faults[i], err);
	if (rc == 0)
		rc = hold_new(&hold, &sb->hold, err);
	if (rc == 0)
		rc = group_new(GROUP_WORKERS, GROUP_MAX, stripe_charge_run, sb, &sb->charges, err);
	if (rc == 0)
		rc = group_new(GROUP_WORKERS, GROUP_MAX, sms_run, sb, &sb->sms, err);
	return rc;
}

/* The groups first: what they write may still have to be held for a moment. */
static void stop(struct service *s)
{
	struct sandbox *sb = service_data(s);

	group_free(sb->charges);
	group_free(sb->sms);
	hold_free(sb->hold);
	keys_free(sb->keys);
	pthread_mutex_destroy(&sb->fault_lock);
	free(sb);
}

static const struct http_route routes[] = {
    {"POST", "/v1/payment_intents", stripe_create, HTTP_CUSTOMER, false},
    {"GET", "/v1/payment_intents/search", stripe_search, HTTP_CUSTOMER, true},
    {"GET", "/v1/payment_intents/{id}", stripe_get, HTTP_CUSTOMER, true},
    {"POST", "/v1/payment_intents/{id}/cancel", stripe_cancel, HTTP_CUSTOMER, true},
    {"POST", "/v1/refunds", stripe_refund, HTTP_CUSTOMER, true},
    {"GET", "/v1/refunds", stripe_refund_list, HTTP_CUSTOMER, true},
    {"GET", "/v1/refunds/{id}", stripe_refund_get, HTTP_CUSTOMER, true},
    {"POST", "/2010-04-01/Accounts/{account}/Messages.json", sms_create, HTTP_CUSTOMER, false},
    {"GET", "/2010-04-01/Accounts/{account}/Messages.json", sms_list, HTTP_CUSTOMER, true},
    {"GET", "/2010-04-01/Accounts/{account}/Messages/{sid}", sms_get, HTTP_CUSTOMER, true},
    {"GET", "/sandbox/v1/faults", control_faults_get, HTTP_OPERATOR, false},
    {"PUT", "/sandbox/v1/faults", control_faults_put, HTTP_OPERATOR, true},
    {"GET", "/sandbox/v1/ledger", control_ledger, HTTP_CUSTOMER, true},
    {"GET", "/sandbox/v1/ledger/summary", control_summary, HTTP_CUSTOMER, true},
};

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_SANDBOX,
	    .migrations = sandbox_migrations,
	    .migration_count = sandbox_migration_count,
	    .routes = routes,
	    .route_count = ARRAY_LEN(routes),
	    .start = start,
	    .stop = stop,
	};

	return service_main(&spec, argc, argv);
}
