/*
 * Bodies of the menu's routes: what is accepted can be replied and told as an event.
 */
#include "core/base/json.h"
#include "daemons/menu/rules.c"
#include "tests/fuzz/fuzz.h"

static void tell(const struct menu_item *item)
{
	json_t *reply = menu_item_json(item);
	char *event = menu_item_event(item);
	json_t *read = json_loads(event, JSON_REJECT_DUPLICATES, NULL);

	FUZZ_ASSERT(json_is_object(reply) && json_is_object(read));
	json_decref(reply);
	json_decref(read);
	free(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_problems problems = {0};
	struct menu_item item = {0};
	char *text = fuzz_text(data, size);
	json_t *body;

	menu_slug_valid(text);
	if (json_parse_object(text, size, &body, NULL) == 0) {
		menu_item_create(&item, body, "RUB", &problems);
		if (problems.list == NULL) {
			tell(&item);
			menu_item_update(&item, body, &problems);
		}
		menu_version_wanted(text, body, &problems);
		if (problems.list == NULL)
			tell(&item);
		json_decref(problems.list);
		menu_item_done(&item);
		json_decref(body);
	}
	free(text);
	return 0;
}
