/*
 * pizzactl sandbox: the providers' sandbox and its faults.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource.h"
#include "core/base/mem.h"
#include "core/console/api.h"

#define FAULTS "/sandbox/v1/faults"

/* {"payment":{…},"sms":{…}} as one row per provider. */
static json_t *provider_rows(const json_t *faults)
{
	json_t *rows = json_array(), *settings;
	const char *provider;

	json_object_foreach ((json_t *)faults, provider, settings) {
		json_t *row = json_pack("{s:s}", "provider", provider);

		json_object_update(row, settings);
		json_array_append_new(rows, row);
	}
	return rows;
}

static int call(struct cli *c, const char *method, const json_t *body, struct error *err)
{
	struct api_request r = {.method = method, .daemon = "sandboxd", .path = FAULTS, .body = body};
	struct console *console = NULL;
	json_t *faults = NULL, *rows = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = api_call(console, &r, &faults, err);
	if (rc < 0)
		return rc;
	rows = provider_rows(faults);
	json_decref(faults);
	return cli_list(c, rows, err);
}

static int sandbox_show(struct cli *c, struct error *err)
{
	return call(c, "GET", NULL, err);
}

/* The rates that were given; --clear first sets all to zero. */
static json_t *settings_of(const struct cli *c)
{
	static const struct {
		const char *option, *member;
	} rates[] = {{"decline", "decline"},
		     {"error-5xx", "error_5xx"},
		     {"error-5xx-after-charge", "error_5xx_after_charge"},
		     {"timeout-after-charge", "timeout_after_charge"},
		     {"delay-rate", "delay_rate"}};
	json_t *settings = json_object();
	bool clear = cli_flag(c, "clear");

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		const char *text = cli_text(c, rates[i].option);

		if (text != NULL || clear)
			json_object_set_new(settings, rates[i].member,
					    json_real(text != NULL ? strtod(text, NULL) : 0));
	}
	if (cli_given(c, "delay") || clear)
		json_object_set_new(settings, "delay_ms", json_integer(cli_ms(c, "delay", 0)));
	if (cli_given(c, "delay") && !cli_given(c, "delay-rate"))
		json_object_set_new(settings, "delay_rate", json_real(cli_ms(c, "delay", 0) > 0 ? 1 : 0));
	return settings;
}

static int sandbox_set(struct cli *c, struct error *err)
{
	json_t *body = json_object(), *settings = settings_of(c);
	int rc;

	if (json_object_size(settings) == 0) {
		json_decref(settings);
		json_decref(body);
		error_set(err, ERR_USAGE, "sandbox set", "nothing to set");
		error_hint(err, "such as --decline 0.1, --delay 2s or --clear");
		return ERR_USAGE;
	}
	json_object_set_new(body, cli_text(c, "provider"), settings);
	if (cli_flag(c, "dry-run"))
		return cli_change(c, "PUT", "sandboxd", FAULTS, body, err);
	rc = call(c, "PUT", body, err);
	json_decref(body);
	return rc;
}

static int sandbox_ledger(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc;

	buf_adds(&path, "/sandbox/v1/ledger");
	rc = cli_order_query(c, &path, err);
	return rc < 0 ? rc : resource_list(c, "sandboxd", buf_str(&path), err);
}

static const struct column fault_columns[] = {
    {.name = "provider", .flags = COLUMN_ID, .text = "payment or sms"},
    {.name = "decline", .kind = COLUMN_TEXT, .text = "rate of refusals"},
    {.name = "error_5xx", .title = "5xx", .text = "rate of errors without effect"},
    {.name = "error_5xx_after_charge",
     .title = "5xx after charge",
     .text = "rate of errors after the effect"},
    {.name = "timeout_after_charge", .title = "lost reply", .text = "rate of replies that never come"},
    {.name = "delay_rate", .title = "delayed", .text = "rate of late replies"},
    {.name = "delay_ms", .title = "by", .kind = COLUMN_MS, .text = "how late"},
    {.name = NULL},
};

static const struct column ledger_columns[] = {
    {.name = "at", .kind = COLUMN_TIME, .text = "when"},
    {.name = "kind", .text = "capture, refund, decline or sms"},
    {.name = "id", .flags = COLUMN_ID, .text = "the provider's id"},
    {.name = "order_id", .title = "order", .text = "for which order"},
    {.name = "amount", .kind = COLUMN_MONEY, .text = "in the currency's minor unit"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "status", .kind = COLUMN_STATE, .text = "as the provider says it"},
    {.name = NULL},
};

static const char *const provider_words[] = {"payment", "sms", NULL};

static const struct option_def set_options[] = {
    {.name = "provider",
     .kind = VALUE_WORD,
     .value = "NAME",
     .text = "whose faults",
     .fallback = "payment",
     .words = provider_words},
    {.name = "decline", .kind = VALUE_RATE, .value = "RATE", .text = "refuse this share (0 to 1)"},
    {.name = "error-5xx", .kind = VALUE_RATE, .value = "RATE", .text = "answer 500 and do nothing"},
    {.name = "error-5xx-after-charge", .kind = VALUE_RATE, .value = "RATE", .text = "do it, but answer 500"},
    {.name = "timeout-after-charge", .kind = VALUE_RATE, .value = "RATE", .text = "do it, but never answer"},
    {.name = "delay", .kind = VALUE_DURATION, .value = "D", .text = "answer so much later"},
    {.name = "delay-rate", .kind = VALUE_RATE, .value = "RATE", .text = "this share (default: all)"},
    {.name = "clear", .kind = VALUE_FLAG, .text = "no faults but those given"},
    {.name = NULL},
};

static const struct option_def ledger_options[] = {
    OPTION_ORDER,
    {.name = NULL},
};

const struct noun noun_sandbox = {
    .name = "sandbox",
    .group = "data",
    .summary = "the payment and SMS providers' sandbox: faults and ledger",
    .commands =
	(const struct command[]){
	    {.verb = "show",
	     .summary = "show the programmed faults",
	     .columns = fault_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl sandbox show"},
	     .run = sandbox_show},
	    {.verb = "set",
	     .summary = "program faults",
	     .options = set_options,
	     .columns = fault_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl sandbox set --decline 0.1",
			  "pizzactl sandbox set --timeout-after-charge 0.05", "pizzactl sandbox set --clear"},
	     .run = sandbox_set},
	    {.verb = "ledger",
	     .summary = "list what the providers have in their books, newest first",
	     .options = ledger_options,
	     .columns = ledger_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl sandbox ledger --limit 10"},
	     .run = sandbox_ledger},
	    {.run = NULL},
	},
};
