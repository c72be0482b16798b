/*
 * Composing messages.  The templates are a small table under a read-write lock.
 */
#include "daemons/notify/compose.h"

#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "daemons/notify/text.h"

#define FRESH_MS 5000

struct template
{
	char *subject, *body; /* NULL: none */
};

struct composer {
	pthread_rwlock_t lock;
	struct template templates[NOTIFY_KIND_COUNT][CHANNEL_COUNT];
	struct mono loaded;
};

struct composer *composer_new(void)
{
	struct composer *c = xcalloc(1, sizeof(*c));

	pthread_rwlock_init(&c->lock, NULL);
	return c;
}

static void drop_templates(struct composer *c)
{
	for (int k = 0; k < NOTIFY_KIND_COUNT; k++) {
		for (int ch = 0; ch < CHANNEL_COUNT; ch++) {
			free(c->templates[k][ch].subject);
			free(c->templates[k][ch].body);
			c->templates[k][ch] = (struct template){0};
		}
	}
}

void composer_free(struct composer *c)
{
	if (c == NULL)
		return;
	drop_templates(c);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

static bool is_fresh(struct composer *c)
{
	bool fresh;

	pthread_rwlock_rdlock(&c->lock);
	fresh = c->loaded.ns != 0 && mono_since_ms(c->loaded) < FRESH_MS;
	pthread_rwlock_unlock(&c->lock);
	return fresh;
}

DB_STATEMENT(templates_load, "SELECT kind, channel, subject, body FROM templates");

int composer_refresh(struct composer *c, struct db_conn *db, bool now, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	if (!now && is_fresh(c))
		return 0;
	rc = db_exec(db, &templates_load, NULL, &r, err);
	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&c->lock);
	drop_templates(c);
	for (int i = 0; i < db_rows(r); i++) {
		enum notify_kind kind;
		enum notify_channel channel;

		if (!notify_kind_parse(db_text(r, i, 0), &kind) ||
		    !notify_channel_parse(db_text(r, i, 1), &channel))
			continue;
		c->templates[kind][channel].subject = xstrdup(db_text(r, i, 2));
		c->templates[kind][channel].body = xstrdup(db_text(r, i, 3));
	}
	c->loaded = mono_now();
	pthread_rwlock_unlock(&c->lock);
	return 0;
}

static void render(const struct template *t, const struct text_values *values, struct delivery *d)
{
	struct buf subject = {0}, body = {0};

	text_render(&subject, t->subject, values);
	text_render(&body, t->body, values);
	d->subject = buf_take(&subject);
	d->body = buf_take(&body);
}

/* Reasons may be sentences; the templates end theirs themselves.  Owned; NULL for none. */
static char *without_full_stop(const char *reason)
{
	char *copy = xstrdup(reason);
	size_t n = copy != NULL ? strlen(copy) : 0;

	if (n > 0 && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	return copy;
}

/* People read the end of an order's number more easily than all of it. */
static const char *short_order(const char *order_id)
{
	size_t n = order_id != NULL ? strlen(order_id) : 0;

	return n > 8 ? order_id + n - 8 : order_id;
}

bool compose(struct composer *c, const struct compose_input *in, struct delivery *d)
{
	AUTO_FREE char *reason = without_full_stop(json_string_or(in->data, "reason", NULL));
	char total[MONEY_TEXT_SIZE] = "";
	struct text_values values = {
	    .name = in->name != NULL && in->name[0] != '\0' ? in->name : "dear guest",
	    .order_id = in->order_id,
	    .order = short_order(in->order_id),
	    .items = in->items,
	    .total = total,
	    .reason = reason,
	    .ingredient = json_string_or(in->data, "ingredient", NULL),
	    .ingredient_id = json_string_or(in->data, "ingredient_id", NULL),
	    .available = json_string_or(in->data, "available", NULL),
	    .threshold = json_string_or(in->data, "threshold", NULL),
	    .unit = json_string_or(in->data, "unit", NULL),
	};
	bool there = true;

	if (in->body != NULL) {
		d->subject = xstrdup(in->subject != NULL ? in->subject : "");
		d->body = xstrdup(in->body);
		return true;
	}
	if (in->total_amount >= 0 && in->currency != NULL)
		money_format(in->total_amount, in->currency, total);
	pthread_rwlock_rdlock(&c->lock);
	there = c->templates[in->kind][d->channel].body != NULL;
	if (there)
		render(&c->templates[in->kind][d->channel], &values, d);
	pthread_rwlock_unlock(&c->lock);
	return there;
}
