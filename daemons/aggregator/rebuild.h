/*
 * Rebuilding the read model from the topics, while the old one goes on being read and written.
 *
 * A thread reads every topic from its beginning into tables of the same shape in the schema `rebuild`.  When
 * it has come to the ends, it locks the live tables against writing, reads what came meanwhile, and puts its
 * tables in their place, all in one transaction: so the new tables hold at least what the old ones held, and
 * what the consumer delivers again is known by its event_id.  The row in `rebuilds` says that a rebuild runs;
 * a daemon that was killed meanwhile begins it again when it starts.
 */
#ifndef PIZZA_AGGREGATOR_REBUILD_H
#define PIZZA_AGGREGATOR_REBUILD_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/service/audit.h"

struct service;
struct rebuild;

/* Starts the thread, which goes on with an unfinished rebuild. */
int rebuild_new(struct service *s, struct rebuild **ret, struct error *err) MUST_USE;
/* Asks for a rebuild.  ERR_CONFLICT while one runs. */
int rebuild_request(struct rebuild *r, const struct audit_entry *audit, struct error *err) MUST_USE;
/* {"running","requested_at","finished_at","events_done","events_total","attempts"}; owned. */
int rebuild_progress(struct rebuild *r, json_t **ret, struct error *err) MUST_USE;
/* Stops between two batches; the rebuild begins again at the next start. */
void rebuild_free(struct rebuild *r);

#endif
