/*
 * Test methods, test numbers, faults, refunds and the search language as tables and plain functions.
 */
#include "daemons/sandbox/rules.h"

#include <ctype.h>
#include <string.h>

#include "core/base/mem.h"

/* --- faults --- */

struct rate_row {
	const char *name;
	size_t offset;
};

static const struct rate_row rates[] = {
#define X(field, text) {#field, offsetof(struct fault_set, field)},
    FAULT_RATES(X)
#undef X
};

#define DELAY_MAX_MS 600000

static double *rate_field(struct fault_set *faults, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		if (strcmp(rates[i].name, name) == 0)
			return (double *)((char *)faults + rates[i].offset);
	return NULL;
}

static int read_member(struct fault_set *faults, const char *name, const json_t *value, struct error *err)
{
	double *rate = rate_field(faults, name);

	if (strcmp(name, "delay_ms") == 0) {
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    json_integer_value(value) > DELAY_MAX_MS)
			return error_set(err, ERR_INVALID, name, "must be 0 to %d milliseconds",
					 DELAY_MAX_MS);
		faults->delay_ms = json_integer_value(value);
		return 0;
	}
	if (rate == NULL) {
		error_set(err, ERR_INVALID, name, "is unknown");
		error_hint(err, "known: decline, error_5xx, error_5xx_after_charge, timeout_after_charge, "
				"delay_rate, delay_ms");
		return ERR_INVALID;
	}
	if (!json_is_number(value) || json_number_value(value) < 0 || json_number_value(value) > 1)
		return error_set(err, ERR_INVALID, name, "must be a rate from 0 to 1");
	*rate = json_number_value(value);
	return 0;
}

int faults_read(const json_t *object, struct fault_set *faults, struct error *err)
{
	struct fault_set changed = *faults;
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		int rc = read_member(&changed, name, value, err);

		if (rc < 0)
			return rc;
	}
	*faults = changed;
	return 0;
}

json_t *faults_json(const struct fault_set *faults)
{
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		double rate = *(const double *)((const char *)faults + rates[i].offset);

		json_object_set_new(j, rates[i].name, json_real(rate));
	}
	json_object_set_new(j, "delay_ms", json_integer(faults->delay_ms));
	return j;
}

struct fault_verdict faults_decide(const struct fault_set *faults, const struct fault_draws *draws)
{
	struct fault_verdict v = {0};

	v.broken = draws->error_5xx < faults->error_5xx;
	v.decline = !v.broken && draws->decline < faults->decline;
	v.broken_after =
	    !v.broken && !v.decline && draws->error_5xx_after_charge < faults->error_5xx_after_charge;
	v.lose_reply = !v.broken && draws->timeout_after_charge < faults->timeout_after_charge;
	if (draws->delay_rate < faults->delay_rate)
		v.delay_ms = faults->delay_ms;
	return v;
}

/* --- payment methods --- */

static const struct test_method methods[] = {
    {.name = "pm_card_visa"},
    {.name = "pm_card_visa_debit"},
    {.name = "pm_card_mastercard"},
    {.name = "pm_card_mastercard_debit"},
    {.name = "pm_card_amex"},
    {.name = "pm_card_discover"},
    {.name = "pm_card_unionpay"},
    {.name = "pm_card_jcb"},
    {.name = "pm_usBankAccount", .processing = true},
    {"pm_card_chargeDeclined", "card_declined", "generic_decline", "Your card was declined.", false},
    {"pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "Your card was declined.", false},
    {"pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds",
     "Your card has insufficient funds.", false},
    {"pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds",
     "Your card has insufficient funds.", false},
    {"pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "Your card was declined.", false},
    {"pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "Your card was declined.",
     false},
    {"pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent", "Your card was declined.", false},
    {"pm_card_chargeDeclinedExpiredCard", "expired_card", NULL, "Your card has expired.", false},
    {"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", NULL, "Your card's security code is incorrect.",
     false},
    {"pm_card_chargeDeclinedProcessingError", "processing_error", NULL,
     "An error occurred while processing your card. Try again in a little bit.", false},
    {"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded",
     "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
     false},
};

const struct test_method *test_method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

const struct test_method *test_method_declined(void)
{
	return test_method_find("pm_card_chargeDeclined");
}

const char *intent_status(const struct test_method *method, bool declined)
{
	if (declined || method->code != NULL)
		return "requires_payment_method";
	return method->processing ? "processing" : "succeeded";
}

/* --- refunds --- */

enum refund_verdict refund_decide(const char *status, int64_t captured, int64_t refunded, int64_t amount,
				  int64_t *ret_amount)
{
	if (strcmp(status, "succeeded") != 0)
		return REFUND_UNPAID;
	if (refunded >= captured)
		return REFUND_ALREADY;
	if (amount > captured - refunded)
		return REFUND_TOO_MUCH;
	*ret_amount = amount > 0 ? amount : captured - refunded;
	return REFUND_OK;
}

/* --- search --- */

static const char *skip_space(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* A value in single or double quotes into text; NULL when there is none or it is too long. */
static const char *quoted(const char *p, char *text, size_t size)
{
	char quote = *p;
	const char *end;

	if (quote != '\'' && quote != '"')
		return NULL;
	end = strchr(++p, quote);
	if (end == NULL || (size_t)(end - p) >= size)
		return NULL;
	memcpy(text, p, (size_t)(end - p));
	text[end - p] = '\0';
	return end + 1;
}

/* Reads the field name; 'o' for the order's metadata, 's' for status, 0 for anything else. */
static char search_field(const char **p)
{
	static const struct {
		const char *text;
		char field;
	} fields[] = {{"metadata['order_id']", 'o'}, {"metadata[\"order_id\"]", 'o'}, {"status", 's'}};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		size_t n = strlen(fields[i].text);

		if (strncmp(*p, fields[i].text, n) == 0) {
			*p = skip_space(*p + n);
			return fields[i].field;
		}
	}
	return 0;
}

int search_parse(const char *query, char *order_id, size_t order_size, char *status, size_t status_size,
		 struct error *err)
{
	const char *p = skip_space(query);

	order_id[0] = status[0] = '\0';
	while (*p != '\0') {
		char field = search_field(&p);

		if (field == 0 || *p != ':')
			return error_set(err, ERR_INVALID, "query",
					 "only metadata['order_id']:'…' and status:'…' are understood");
		p = skip_space(p + 1);
		p = field == 'o' ? quoted(p, order_id, order_size) : quoted(p, status, status_size);
		if (p == NULL)
			return error_set(err, ERR_INVALID, "query", "a quoted value was expected");
		p = skip_space(p);
		if (*p == '\0')
			break;
		if (strncmp(p, "AND ", 4) != 0)
			return error_set(err, ERR_INVALID, "query", "AND was expected");
		p = skip_space(p + 4);
	}
	if (order_id[0] == '\0')
		return error_set(err, ERR_INVALID, "query", "metadata['order_id'] is missing");
	return 0;
}

/* --- SMS --- */

struct sms_number {
	const char *number;
	struct sms_refusal refusal;
};

/* https://www.twilio.com/docs/iam/test-credentials */
static const struct sms_number bad_to[] = {
    {"+15005550001", {21211, "The 'To' number +15005550001 is not a valid phone number."}},
    {"+15005550002",
     {21612, "The 'To' phone number is not currently reachable using the 'From' phone number via SMS."}},
    {"+15005550003",
     {21408, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number."}},
    {"+15005550004", {21610, "Attempt to send to unsubscribed recipient"}},
    {"+15005550009", {21614, "'To' number is not a valid mobile number"}},
};

static const struct sms_number bad_from[] = {
    {"+15005550001",
     {21212,
      "The 'From' number +15005550001 is not a valid phone number, shortcode, or alphanumeric sender ID."}},
    {"+15005550007",
     {21606,
      "The 'From' phone number provided is not a valid message-capable phone number for this destination."}},
    {"+15005550008", {21611, "This 'From' number has exceeded the maximum number of queued messages"}},
};

/* E.164: a plus and 7 to 15 digits, the first not 0. */
static bool phone_valid(const char *number)
{
	size_t n = 0;

	if (number[0] != '+' || number[1] == '0')
		return false;
	while (isdigit((unsigned char)number[1 + n]))
		n++;
	return number[1 + n] == '\0' && n >= 7 && n <= 15;
}

static struct sms_refusal sms_number_check(const struct sms_number *bad, size_t n, const char *number)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(bad[i].number, number) == 0)
			return bad[i].refusal;
	if (!phone_valid(number))
		return (struct sms_refusal){bad[0].refusal.code,
					    "The phone number is not valid (E.164: +, country, number)."};
	return (struct sms_refusal){0};
}

struct sms_refusal sms_check(const char *to, const char *from, const char *body)
{
	struct sms_refusal refusal;

	if (to == NULL || to[0] == '\0')
		return (struct sms_refusal){21604, "A 'To' phone number is required."};
	if (from == NULL || from[0] == '\0')
		return (struct sms_refusal){21603, "A 'From' phone number is required."};
	if (body == NULL || body[0] == '\0')
		return (struct sms_refusal){21602, "Message body is required."};
	if (strlen(body) > 1600)
		return (struct sms_refusal){
		    21617, "The concatenated message body exceeds the 1600 character limit."};
	refusal = sms_number_check(bad_to, ARRAY_LEN(bad_to), to);
	return refusal.code != 0 ? refusal : sms_number_check(bad_from, ARRAY_LEN(bad_from), from);
}

struct sms_refusal sms_declined(void)
{
	return bad_to[3].refusal;
}
