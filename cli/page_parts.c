/*
 * Parts of pages that are written from the tables: what "@name" stands for in their prose.
 */
#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/contract/events.h"
#include "core/contract/kitchen.h"
#include "core/contract/metrics.h"

static void commands(struct doc *d)
{
	const char *group = "";

	for (int i = 0; nouns[i] != NULL; i++) {
		CLEANUP(buf_done) struct buf text = {0};

		if (strcmp(group, nouns[i]->group) != 0) {
			group = nouns[i]->group;
			doc_subsection(d, group);
		}
		buf_addf(&text, "%s: pizzactl-%s(1)", nouns[i]->summary, nouns[i]->name);
		doc_entry(d, nouns[i]->name, buf_str(&text));
	}
}

static void global_option_entries(struct doc *d)
{
	page_options(d, global_options);
}

static void formats(struct doc *d)
{
#define X(symbol, word, text) doc_entry(d, word, text);
	OUTPUT_FORMATS(X)
#undef X
}

static void exit_status(struct doc *d)
{
	char number[16];

	for (int status = 0; status <= EXIT_STATUS_MAX; status++) {
		snprintf(number, sizeof(number), "%d", status);
		doc_entry(d, number, error_exit_text(status));
	}
}

static void errors(struct doc *d)
{
	char text[160];

	for (int code = -1; code > -ERR_NUMBER_COUNT; code--) {
		snprintf(text, sizeof(text), "%s; exit status %d, HTTP status %d", error_text(code),
			 error_exit_status(code), error_http_status(code));
		doc_entry(d, error_word(code), text);
	}
}

static void key_entry(struct doc *d, const struct config_row *row)
{
	CLEANUP(buf_done) struct buf text = {0};
	char term[128];

	snprintf(term, sizeof(term), "%s (%s)", row->name, config_type_word(row->type));
	buf_adds(&text, row->text);
	if (row->fallback[0] != '\0')
		buf_addf(&text, " Default `%s`.", row->fallback);
	if (row->type == CONFIG_INT)
		buf_addf(&text, " From %lld to %lld.", (long long)row->min, (long long)row->max);
	if (row->reloadable)
		buf_adds(&text, " Takes effect on reload.");
	doc_entry(d, term, buf_str(&text));
}

static void config_keys(struct doc *d)
{
	for (int key = 0; key < CONFIG_COUNT; key++)
		key_entry(d, config_row((enum config_key)key));
}

static void topic_list(struct doc *d)
{
	for (int i = 0; i < TOPIC_COUNT; i++) {
		CLEANUP(buf_done) struct buf text = {0};

		buf_addf(&text, "%s; dead letters in `%s`",
			 topics[i].compacted ? "compacted: the latest event of each key stays"
					     : "kept for `kafka.retention`",
			 topics[i].dead_letters);
		doc_entry(d, topics[i].name, buf_str(&text));
	}
}

static void events(struct doc *d)
{
	for (int topic = 0; topic < TOPIC_COUNT; topic++) {
		doc_subsection(d, topics[topic].name);
		for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
			char text[192];

			if (event_types[i].topic != (enum topic_id)topic)
				continue;
			snprintf(text, sizeof(text), "version %d, from %s: %s", event_types[i].version,
				 event_types[i].owner, event_types[i].text);
			doc_entry(d, event_types[i].name, text);
		}
	}
}

static void metrics(struct doc *d)
{
#define COUNTER				    "counter"
#define GAUGE				    "gauge"
#define HISTOGRAM			    "histogram of seconds"
#define X(symbol, name, kind, labels, help) {name, kind, labels, help},
	static const char *const rows[][4] = {METRIC_TABLE(X)};
#undef X

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[320];

		snprintf(text, sizeof(text), "%s%s%s: %s", rows[i][1], rows[i][2][0] != '\0' ? " by " : "",
			 rows[i][2], rows[i][3]);
		doc_entry(d, rows[i][0], text);
	}
}

static void daemon_list(struct doc *d)
{
	for (int i = 0; i < DAEMON_COUNT; i++) {
		char text[192];

		snprintf(text, sizeof(text), "%s: %s(8)", daemons[i].text, daemons[i].name);
		doc_entry(d, daemons[i].name, text);
	}
}

static void entries(struct doc *d, const char *const *words, const char *const *texts, int n)
{
	for (int i = 0; i < n; i++)
		doc_entry(d, words[i], texts[i]);
}

static void ticket_states(struct doc *d)
{
	entries(d, ticket_state_words, ticket_state_texts, TICKET_STATE_COUNT);
}

static void ticket_events(struct doc *d)
{
	entries(d, ticket_event_words, ticket_event_texts, TICKET_EVENT_COUNT);
}

static void station_states(struct doc *d)
{
	entries(d, station_state_words, station_state_texts, STATION_STATE_COUNT);
}

static void station_findings(struct doc *d)
{
	entries(d, station_finding_words, station_finding_texts, STATION_FINDING_COUNT);
}

static void station_events(struct doc *d)
{
	entries(d, station_event_words, station_event_texts, STATION_EVENT_COUNT);
}

/* One arrow "event → state" of a machine; nothing where the state stays. */
static void arrow(struct buf *text, const char *event, int next, const char *const *states)
{
	if (next >= 0)
		buf_addf(text, "%s%s → %s", text->len > 0 ? ", " : "", event, states[next]);
}

static void ticket_machine(struct doc *d)
{
	for (int s = 0; s < TICKET_STATE_COUNT; s++) {
		CLEANUP(buf_done) struct buf text = {0};

		for (int e = 0; e < TICKET_EVENT_COUNT; e++)
			arrow(&text, ticket_event_words[e],
			      ticket_next((enum ticket_state)s, (enum ticket_event)e), ticket_state_words);
		doc_entry(d, ticket_state_words[s], text.len > 0 ? buf_str(&text) : "the end");
	}
}

static void station_machine(struct doc *d)
{
	for (int s = 0; s < STATION_STATE_COUNT; s++) {
		CLEANUP(buf_done) struct buf text = {0};

		for (int e = 0; e < STATION_EVENT_COUNT; e++)
			arrow(&text, station_event_words[e],
			      station_next((enum station_state)s, (enum station_event)e),
			      station_state_words);
		doc_entry(d, station_state_words[s], buf_str(&text));
	}
}

static void help_topics(struct doc *d)
{
	struct page p;

	for (int i = 0; page_at(i, &p); i++)
		if (p.section == 0)
			doc_entry(d, p.name, p.summary);
}

static const struct {
	const char *name;
	void (*write)(struct doc *d);
} parts[] = {
    {"commands", commands},
    {"global-options", global_option_entries},
    {"formats", formats},
    {"exit-status", exit_status},
    {"errors", errors},
    {"config-keys", config_keys},
    {"topics", topic_list},
    {"events", events},
    {"metrics", metrics},
    {"daemons", daemon_list},
    {"help-topics", help_topics},
    {"ticket-states", ticket_states},
    {"ticket-events", ticket_events},
    {"ticket-machine", ticket_machine},
    {"station-states", station_states},
    {"station-events", station_events},
    {"station-findings", station_findings},
    {"station-machine", station_machine},
    {"hardware-registers", page_hardware_registers},
    {"hardware-status", page_hardware_status},
    {"hardware-faults", page_hardware_faults},
    {"hardware-products", page_hardware_products},
};

bool page_part(struct doc *d, void *page, const char *name)
{
	const char *included = strncmp(name, "include ", 8) == 0 ? page_text(name + 8) : NULL;

	(void)page;
	if (included != NULL) {
		doc_prose(d, included);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcmp(parts[i].name, name) == 0) {
			parts[i].write(d);
			return true;
		}
	return false;
}
