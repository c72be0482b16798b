/*
 * Order events as rows.  No state.
 */
#include "core/console/orders.h"

#include <string.h>

#include "core/base/json.h"
#include "core/contract/events.h"
#include "core/contract/orders.h"

static const char *status_of(const char *event_type)
{
	static const struct {
		enum event_type event;
		const char *status;
	} statuses[] = {
#define X(symbol, word, event, terminal) {event, word},
	    ORDER_STATUS_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(event_types[statuses[i].event].name, event_type) == 0)
			return statuses[i].status;
	return NULL;
}

static json_t *pizzas(const json_t *items)
{
	int64_t n = 0;

	for (size_t i = 0; i < json_array_size(items); i++)
		n += json_int_or(json_array_get(items, i), "quantity", 0);
	return json_is_array(items) ? json_integer(n) : NULL;
}

json_t *orders_change(const json_t *message)
{
	const json_t *value = json_object_get(message, "value"), *data = json_object_get(value, "event_data");
	const char *type = json_string_or(value, "event_type", ""), *status = status_of(type);
	json_t *amount = json_object_get(data, "total_amount"), *at = json_object_get(value, "timestamp");

	if (status == NULL)
		return NULL;
	return json_pack("{s:O?, s:s, s:O?, s:o?, s:O?, s:O?, s:O?, s:O?, s:O?, s:O?, s:s, s:O?, s:O?, s:O?}",
			 "order_id", json_object_get(value, "aggregate_id"), "status", status,
			 "customer_name", json_object_get(json_object_get(data, "customer"), "name"),
			 "item_count", pizzas(json_object_get(data, "items")), "total_amount",
			 amount != NULL ? amount : json_object_get(data, "amount"), "currency",
			 json_object_get(data, "currency"), "payment_method",
			 json_object_get(data, "payment_method"), "created_at",
			 strcmp(status, order_status_word(ORDER_PENDING)) == 0 ? at : NULL, "updated_at", at,
			 "reason", json_object_get(data, "reason"), "event_type", type, "event_id",
			 json_object_get(value, "event_id"), "partition",
			 json_object_get(message, "partition"), "offset", json_object_get(message, "offset"));
}
