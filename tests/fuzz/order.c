/*
 * The body of POST /api/v1/orders: a draft that is accepted can be told as an event, and its sums are whole.
 */
#include "core/base/json.h"
#include "core/contract/orders.h"
#include "daemons/order/draft.c"
#include "tests/fuzz/fuzz.h"

/* The menu: one pizza, margherita. */
void menucopy_lock(struct menucopy *m)
{
	(void)m;
}

void menucopy_unlock(struct menucopy *m)
{
	(void)m;
}

const struct menu_pizza *menucopy_find(const struct menucopy *m, const char *pizza_id)
{
	static const struct menu_pizza margherita = {.pizza_id = "margherita",
						     .name = "Margherita",
						     .currency = "RUB",
						     .price = {40000, 50000, 60000},
						     .version = 1,
						     .available = true};

	(void)m;
	return strcmp(pizza_id, "margherita") == 0 ? &margherita : NULL;
}

const char *menucopy_nearest(const struct menucopy *m, const char *word)
{
	(void)m;
	return *word == 'm' ? "margherita" : NULL;
}

static void tell(const struct order_draft *d)
{
	struct buf data = {0};
	json_t *event;

	FUZZ_ASSERT(d->total > 0 && d->currency[0] != '\0');
	draft_event_data(d, &data);
	event = json_loadb(buf_str(&data), data.len, JSON_REJECT_DUPLICATES, NULL);
	FUZZ_ASSERT(json_is_object(event));
	FUZZ_ASSERT(json_integer_value(json_object_get(event, "total_amount")) == d->total);
	json_decref(event);
	buf_done(&data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_problems problems = {0};
	struct order_draft draft = {0};
	char *text = fuzz_text(data, size), phone[20];
	json_t *body;

	if (draft_phone(text, phone))
		FUZZ_ASSERT(strlen(phone) < sizeof(phone));
	draft_email(text);
	if (json_parse_object(text, size, &body, NULL) == 0) {
		draft_read(&draft, body, NULL, &problems);
		if (problems.list == NULL)
			tell(&draft);
		json_decref(problems.list);
		draft_done(&draft);
	}
	free(text);
	return 0;
}
