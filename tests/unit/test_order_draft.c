/*
 * Order requests: what is accepted, what is refused, and that every bad field is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/service/menucopy.c"
#include "daemons/order/draft.c"

static struct menucopy menu;

static void add_pizza(const char *id, const char *currency, int64_t medium, bool available)
{
	struct menu_pizza *p = xcalloc(1, sizeof(*p));

	snprintf(p->pizza_id, sizeof(p->pizza_id), "%s", id);
	snprintf(p->currency, sizeof(p->currency), "%s", currency);
	p->price[SIZE_SMALL] = medium / 2;
	p->price[SIZE_MEDIUM] = medium;
	p->price[SIZE_LARGE] = medium * 2;
	p->version = 3;
	p->available = available;
	map_puts(&menu.pizzas, id, p);
}

static int set_up(void **state)
{
	(void)state;
	add_pizza("margherita", "RUB", 50000, true);
	add_pizza("diavola", "RUB", 60000, true);
	add_pizza("euro", "EUR", 900, true);
	add_pizza("gone", "RUB", 1, false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	map_done(&menu.pizzas, free_pizza);
	return 0;
}

/* The fields complained of, in order, with blanks between; "" when the order is fine. */
static const char *complaints(const char *text, struct order_draft *d)
{
	static char fields[1024];
	struct http_problems problems = {0};
	struct error err;
	json_t *body;

	*d = (struct order_draft){0};
	fields[0] = '\0';
	assert_int_equal(json_parse_object(text, strlen(text), &body, &err), 0);
	draft_read(d, body, &menu, &problems);
	for (size_t i = 0; i < json_array_size(problems.list); i++) {
		if (i > 0)
			strcat(fields, " ");
		strcat(fields, json_string_or(json_array_get(problems.list, i), "field", "?"));
	}
	json_decref(problems.list);
	return fields;
}

static void accepts_a_full_order(void **state)
{
	struct order_draft d;
	struct buf data = {0};
	json_t *parsed;
	struct error err;

	(void)state;
	assert_string_equal(
	    complaints("{\"customer_name\":\"Ж \\\"x\\\"\",\"customer_email\":\"a@b.c\",\"customer_phone\":"
		       "\"+7-900-123-45-67\",\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":2,\"size\":"
		       "\"large\"},{\"pizza_id\":\"diavola\",\"quantity\":1}],\"delivery_address\":\"x\","
		       "\"surprise\":[1]}",
		       &d),
	    "");
	assert_int_equal(d.total, 2 * 100000 + 60000);
	assert_string_equal(d.phone, "+79001234567");
	assert_string_equal(d.payment_method, "card");
	assert_string_equal(d.currency, "RUB");
	draft_event_data(&d, &data);
	assert_int_equal(json_parse_object(data.data, data.len, &parsed, &err), 0);
	assert_int_equal(json_array_size(json_object_get(parsed, "items")), 2);
	assert_int_equal(json_int_or(parsed, "total_amount", 0), 260000);
	json_decref(parsed);
	buf_done(&data);
	draft_done(&d);
}

static void accepts_camel_case(void **state)
{
	struct order_draft d;

	(void)state;
	assert_string_equal(
	    complaints("{\"items\":[{\"pizzaId\":\"margherita\",\"quantity\":1}],\"deliveryAddress\":\"x\","
		       "\"paymentMethod\":\"pm_card_chargeDeclined\"}",
		       &d),
	    "");
	assert_string_equal(d.payment_method, "pm_card_chargeDeclined");
	assert_string_equal(d.address, "x");
	draft_done(&d);
}

static void names_every_bad_field(void **state)
{
	static const struct {
		const char *body, *fields;
	} cases[] = {
	    {"{}", "delivery_address items"},
	    {"{\"items\":[],\"delivery_address\":\"x\"}", "items"},
	    {"{\"items\":{},\"delivery_address\":\"x\"}", "items"},
	    {"{\"items\":[1],\"delivery_address\":\"x\"}", "items[0]"},
	    {"{\"items\":[{}],\"delivery_address\":\"x\"}", "items[0].pizza_id items[0].quantity"},
	    {"{\"items\":[{\"pizza_id\":\"nope\",\"quantity\":0}],\"delivery_address\":\"x\"}",
	     "items[0].pizza_id items[0].quantity"},
	    {"{\"items\":[{\"pizza_id\":\"gone\",\"quantity\":101}],\"delivery_address\":\"x\"}",
	     "items[0].pizza_id items[0].quantity"},
	    {"{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":1.5,\"size\":\"huge\"}],\"delivery_"
	     "address\":\"x\"}",
	     "items[0].quantity items[0].size"},
	    {"{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":1},{\"pizza_id\":\"euro\",\"quantity\":1}"
	     "],"
	     "\"delivery_address\":\"x\"}",
	     "items[1]"},
	    {"{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":99999999999}],\"delivery_address\":\"   "
	     "\"}",
	     "delivery_address items[0].quantity"},
	    {"{\"customer_email\":\"nope\",\"customer_phone\":\"abc\",\"customer_name\":7,\"payment_method\":"
	     "\"a b\","
	     "\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":1}],\"delivery_address\":\"a\\nb\"}",
	     "customer_name customer_email customer_phone delivery_address payment_method"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct order_draft d;

		assert_string_equal(complaints(cases[i].body, &d), cases[i].fields);
		draft_done(&d);
	}
}

static void phones_and_addresses(void **state)
{
	char phone[20];

	(void)state;
	assert_true(draft_phone("8 (900) 123-45-67", phone));
	assert_string_equal(phone, "89001234567");
	assert_false(draft_phone("1234", phone));
	assert_false(draft_phone("1234567890123456", phone));
	assert_false(draft_phone("12+345", phone));
	assert_true(draft_email("a.b+c@example.org"));
	assert_false(draft_email("a@b@c"));
	assert_false(draft_email("@b.c"));
	assert_false(draft_email("a@b."));
	assert_false(draft_email("a b@c.d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts_a_full_order),
	    cmocka_unit_test(accepts_camel_case),
	    cmocka_unit_test(names_every_bad_field),
	    cmocka_unit_test(phones_and_addresses),
	};

	return cmocka_run_group_tests_name("order draft", tests, set_up, tear_down);
}
