/*
 * Notifications.
 */
#include "core/base/json.h"
#include "tui/screen.h"

static int resend(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return action_post(c, "notifyd", "/api/v1/notifications/{notification_id}/resend", call->row,
			   json_object(), err);
}

static const struct action actions[] = {{.name = "show",
					 .text = "what happened to its order",
					 .command = "saga show {order_id}",
					 .opens = "saga",
					 .member = "order_id"},
					{.key = 'r',
					 .name = "resend",
					 .text = "delivers it again",
					 .command = "notify resend {notification_id}",
					 .changes = true,
					 .asks = true,
					 .run = resend},
					{.name = NULL}};

/* "email sent, sms failed" */
static void add_deliveries(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *list = json_object_get(row, "deliveries");

	(void)m;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *each = json_array_get(list, i);

		buf_addf(out, "%s%s %s", i > 0 ? ", " : "", json_string_or(each, "channel", "?"),
			 json_string_or(each, "status", "?"));
	}
}

static const struct list_column columns[] = {
    {.name = "notification_id", .title = "notification", .format = VALUE_AS_ID},
    {.name = "kind", .max = 24},
    {.name = "created_at", .title = "age", .format = VALUE_AS_AGE, .drop = 2},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .drop = 1},
    {.name = "deliveries", .human = add_deliveries},
    {.name = NULL},
};

const struct screen screen_notifications = {
    .name = "notifications",
    .text = "messages to customers and operators, the newest first",
    .key = 'M',
    .feeds = FEED_BIT(NOTIFICATIONS),
    .main = FEED_NOTIFICATIONS,
    .id = "notification_id",
    .columns = columns,
    .empty = "there are no notifications",
    .actions = actions,
};
