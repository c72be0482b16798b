/*
 * Reading and validating an order request.  Unknown fields are ignored; camelCase spellings are accepted as
 * well.
 */
#include "daemons/order/draft.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/money.h"

/* --- fields --- */

/* The member under its snake_case or its camelCase name; NULL also for null. */
static const json_t *member(const json_t *object, const char *snake, const char *camel)
{
	const json_t *value = json_object_get(object, snake);

	if (value == NULL || json_is_null(value))
		value = json_object_get(object, camel);
	return json_is_null(value) ? NULL : value;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* An optional text without control characters; NULL when absent or bad. */
static const char *text_field(const json_t *body, const char *snake, const char *camel, size_t max,
			      struct http_problems *problems)
{
	const json_t *value = member(body, snake, camel);

	if (value == NULL)
		return NULL;
	if (!json_is_string(value))
		http_problem(problems, snake, "must be a string");
	else if (json_string_length(value) > max)
		http_problem(problems, snake, "must not be longer than %zu bytes", max);
	else if (has_control(json_string_value(value)))
		http_problem(problems, snake, "must not contain control characters");
	else
		return json_string_value(value);
	return NULL;
}

bool draft_phone(const char *text, char phone[20])
{
	int n = 0, digits = 0;

	for (; *text != '\0'; text++) {
		if (*text == '+' && n == 0) {
			phone[n++] = '+';
		} else if (isdigit((unsigned char)*text)) {
			if (++digits > 15)
				return false;
			phone[n++] = *text;
		} else if (strchr(" -().", *text) == NULL) {
			return false;
		}
	}
	phone[n] = '\0';
	return digits >= 5;
}

bool draft_email(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || at[1] == '\0' || at[1] == '.' || strchr(at + 1, '@') != NULL)
		return false;
	if (strpbrk(text, " \t\"<>(),;:\\") != NULL || strlen(text) > 254)
		return false;
	return at[strlen(at) - 1] != '.';
}

static void read_contact(struct order_draft *d, struct http_problems *problems)
{
	const char *phone = text_field(d->body, "customer_phone", "customerPhone", 64, problems);

	d->name = text_field(d->body, "customer_name", "customerName", ORDER_TEXT_MAX, problems);
	d->email = text_field(d->body, "customer_email", "customerEmail", 254, problems);
	if (d->email != NULL && d->email[0] == '\0')
		d->email = NULL;
	if (d->email != NULL && !draft_email(d->email))
		http_problem(problems, "customer_email", "is no e-mail address");
	if (phone != NULL && phone[0] != '\0' && !draft_phone(phone, d->phone))
		http_problem(problems, "customer_phone", "must have 5 to 15 digits, such as +79001234567");
}

static bool word_ok(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n > 0 && n <= 64 && text[n] == '\0';
}

static void read_delivery(struct order_draft *d, struct http_problems *problems)
{
	const json_t *method = member(d->body, "payment_method", "paymentMethod");

	if (member(d->body, "delivery_address", "deliveryAddress") == NULL)
		http_problem(problems, "delivery_address", "is required");
	d->address = text_field(d->body, "delivery_address", "deliveryAddress", ORDER_TEXT_MAX, problems);
	if (d->address != NULL && d->address[strspn(d->address, " ")] == '\0')
		http_problem(problems, "delivery_address", "must not be empty");
	d->payment_method = method == NULL ? "card" : json_string_value(method);
	if (d->payment_method == NULL || !word_ok(d->payment_method))
		http_problem(problems, "payment_method", "must be a word such as card");
}

/* --- items --- */

static void note_unknown(const char *id, const char *field, const struct menucopy *menu,
			 struct http_problems *problems)
{
	const char *near = menucopy_nearest(menu, id);

	if (id[0] == '\0')
		http_problem(problems, field, "must not be empty");
	else if (near == NULL)
		http_problem(problems, field, "there is no pizza %.64s", id);
	else
		http_problem(problems, field, "there is no pizza %.64s; did you mean %s?", id, near);
}

static const struct menu_pizza *read_pizza(const json_t *item, int i, const struct menucopy *menu,
					   struct http_problems *problems)
{
	const json_t *id = member(item, "pizza_id", "pizzaId");
	const struct menu_pizza *pizza;
	char field[48];

	snprintf(field, sizeof(field), "items[%d].pizza_id", i);
	if (!json_is_string(id)) {
		http_problem(problems, field, id == NULL ? "is required" : "must be a string");
		return NULL;
	}
	pizza = menucopy_find(menu, json_string_value(id));
	if (pizza == NULL)
		note_unknown(json_string_value(id), field, menu, problems);
	else if (!pizza->available)
		http_problem(problems, field, "%.64s is not available", json_string_value(id));
	else
		return pizza;
	return NULL;
}

static int64_t read_quantity(const json_t *item, int i, struct http_problems *problems)
{
	const json_t *value = json_object_get(item, "quantity");
	char field[48];

	if (json_is_integer(value) && json_integer_value(value) >= 1 &&
	    json_integer_value(value) <= ORDER_QUANTITY_MAX)
		return json_integer_value(value);
	snprintf(field, sizeof(field), "items[%d].quantity", i);
	if (value == NULL || json_is_null(value))
		http_problem(problems, field, "is required");
	else
		http_problem(problems, field, "must be an integer from 1 to %d", ORDER_QUANTITY_MAX);
	return 0;
}

static enum pizza_size read_size(const json_t *item, int i, struct http_problems *problems)
{
	const json_t *value = json_object_get(item, "size");
	enum pizza_size size = SIZE_MEDIUM;
	char field[48];

	if (value == NULL || json_is_null(value))
		return size;
	if (json_is_string(value) && pizza_size_parse(json_string_value(value), &size))
		return size;
	snprintf(field, sizeof(field), "items[%d].size", i);
	http_problem(problems, field, "must be small, medium or large");
	return size;
}

static void price_item(struct order_draft *d, int i, const struct menu_pizza *pizza, enum pizza_size size,
		       int64_t quantity, struct http_problems *problems)
{
	int64_t price = pizza->price[size], sum;
	char field[48];

	snprintf(field, sizeof(field), "items[%d]", i);
	if (d->currency[0] != '\0' && strcmp(d->currency, pizza->currency) != 0)
		http_problem(problems, field, "is sold in %s, the items before it in %s", pizza->currency,
			     d->currency);
	snprintf(d->currency, sizeof(d->currency), "%s", pizza->currency);
	if (!money_multiply(price, quantity, &sum) || !money_add(d->total, sum, &d->total))
		http_problem(problems, field, "makes the total too large");
	buf_adds(&d->items, i == 0 ? "{\"pizza_id\":" : ",{\"pizza_id\":");
	buf_add_json(&d->items, pizza->pizza_id, strlen(pizza->pizza_id));
	buf_addf(&d->items, ",\"size\":\"%s\",\"quantity\":%lld,\"price_amount\":%lld,\"menu_version\":%lld}",
		 pizza_sizes[size], (long long)quantity, (long long)price, (long long)pizza->version);
}

static void read_item(struct order_draft *d, const json_t *item, int i, const struct menucopy *menu,
		      struct http_problems *problems)
{
	const struct menu_pizza *pizza;
	enum pizza_size size;
	int64_t quantity;
	char field[48];

	if (!json_is_object(item)) {
		snprintf(field, sizeof(field), "items[%d]", i);
		http_problem(problems, field, "must be an object");
		return;
	}
	pizza = read_pizza(item, i, menu, problems);
	quantity = read_quantity(item, i, problems);
	size = read_size(item, i, problems);
	if (pizza != NULL && quantity > 0)
		price_item(d, i, pizza, size, quantity, problems);
}

static void read_items(struct order_draft *d, const struct menucopy *menu, struct http_problems *problems)
{
	const json_t *items = json_object_get(d->body, "items");
	size_t n = json_array_size(items);

	if (items == NULL || json_is_null(items)) {
		http_problem(problems, "items", "is required");
		return;
	}
	if (!json_is_array(items) || n < 1 || n > ORDER_ITEMS_MAX) {
		http_problem(problems, "items", "must be an array of 1 to %d items", ORDER_ITEMS_MAX);
		return;
	}
	buf_addc(&d->items, '[');
	for (size_t i = 0; i < n; i++)
		read_item(d, json_array_get(items, i), (int)i, menu, problems);
	buf_addc(&d->items, ']');
}

void draft_read(struct order_draft *d, json_t *body, const struct menucopy *menu,
		struct http_problems *problems)
{
	d->body = body;
	read_contact(d, problems);
	read_delivery(d, problems);
	read_items(d, menu, problems);
}

static void add_member(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "\"%s\":", name);
	if (text != NULL && text[0] != '\0')
		buf_add_json(out, text, strlen(text));
	else
		buf_adds(out, "null");
}

void draft_event_data(const struct order_draft *d, struct buf *out)
{
	char text[UUID_TEXT_SIZE];

	buf_addf(out, "{\"order_id\":\"%s\",\"customer\":{", uuid_format(d->order_id, text));
	add_member(out, "name", d->name);
	buf_addc(out, ',');
	add_member(out, "email", d->email);
	buf_addc(out, ',');
	add_member(out, "phone", d->phone);
	buf_addf(out, "},\"items\":%s,\"total_amount\":%lld,\"currency\":\"%s\",", buf_str(&d->items),
		 (long long)d->total, d->currency);
	add_member(out, "payment_method", d->payment_method);
	buf_addc(out, ',');
	add_member(out, "delivery_address", d->address);
	buf_addc(out, '}');
}

void draft_done(struct order_draft *d)
{
	json_decref(d->body);
	buf_done(&d->items);
}
