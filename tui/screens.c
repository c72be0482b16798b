/*
 * The table of screens: the hint bar, help, ":" and `pizzactl top` follow from it.
 */
#include <string.h>

#include "tui/screen.h"

const struct screen *const screens[] = {
    &screen_overview,	   &screen_sagas,
    &screen_saga,	   &screen_steps,
    &screen_kitchen,	   &screen_tickets,
    &screen_lag,	   &screen_partitions,
    &screen_dlq,	   &screen_letters,
    &screen_letter,	   &screen_jobs,
    &screen_topics,	   &screen_messages,
    &screen_message,	   &screen_orders,
    &screen_services,	   &screen_service,
    &screen_hosts,	   &screen_logs,
    &screen_line,	   &screen_heatmap,
    &screen_payments,	   &screen_inventory,
    &screen_notifications, NULL,
};

const struct screen *screen_find(const char *name)
{
	const struct screen *found = NULL;
	size_t len = name != NULL ? strlen(name) : 0;
	int matches = 0;

	for (int i = 0; screens[i] != NULL && len > 0; i++) {
		if (strcmp(screens[i]->name, name) == 0)
			return screens[i];
		if (strncmp(screens[i]->name, name, len) != 0)
			continue;
		found = screens[i];
		matches++;
	}
	return matches == 1 ? found : NULL;
}
