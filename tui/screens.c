/*
 * The table of screens: the hint bar, help, ":" and `pizzactl top` follow from it.
 */
#include <string.h>

#include "tui/screen.h"

const struct screen *const screens[] = {
    &screen_overview,	   &screen_sagas,      &screen_saga,
    &screen_steps,	   &screen_kitchen,    &screen_tickets,
    &screen_lag,	   &screen_partitions, &screen_dlq,
    &screen_letters,	   &screen_letter,     &screen_jobs,
    &screen_topics,	   &screen_messages,   &screen_message,
    &screen_orders,	   &screen_services,   &screen_service,
    &screen_hosts,	   &screen_logs,       &screen_line,
    &screen_heatmap,	   &screen_payments,   &screen_inventory,
    &screen_notifications, &screen_details,    NULL,
};

bool screen_is_named(const struct screen *s)
{
	return !s->detail || s->main != FEED_NONE || s->subjects.member != NULL;
}

/* How many of these begin so; *ret is the last of them. */
static int count_begun(const char *begun, bool detail, const struct screen **ret)
{
	int matches = 0;

	for (int i = 0; screens[i] != NULL; i++)
		if (screens[i]->detail == detail && strncmp(screens[i]->name, begun, strlen(begun)) == 0) {
			*ret = screens[i];
			matches++;
		}
	return matches;
}

const struct screen *screen_find(const char *name)
{
	const struct screen *found = NULL;
	int matches;

	if (name == NULL || *name == '\0')
		return NULL;
	for (int i = 0; screens[i] != NULL; i++)
		if (strcmp(screens[i]->name, name) == 0)
			return screens[i];
	matches = count_begun(name, false, &found);
	if (matches == 0)
		matches = count_begun(name, true, &found);
	return matches == 1 ? found : NULL;
}
