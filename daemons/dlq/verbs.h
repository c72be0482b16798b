/*
 * What operators do with letters besides replaying them: discard, restore, edit, import.  Each call works in
 * the open transaction.
 */
#ifndef PIZZA_DLQ_VERBS_H
#define PIZZA_DLQ_VERBS_H

#include <jansson.h>

#include "core/db/db.h"
#include "daemons/dlq/rules.h"
#include "daemons/dlq/store.h"

/*
 * INPUT_DISCARD or INPUT_RESTORE for every letter of the selection (rows.h).  A letter asked for by id that
 * is in another state is ERR_CONFLICT; of other selections those that can be changed are.  *ret:
 * {"matched","changed","letters":[{letter_id, outcome, state}]}, owned.  dry: nothing is written.
 */
int verbs_change(struct db_conn *tx, const json_t *selection, enum letter_input input, bool dry,
		 const struct change_origin *origin, json_t **ret, struct error *err) MUST_USE;

/*
 * Replaces what a replay sends: body has "patch" (JSON Merge Patch, RFC 7396) or "value_base64" (the whole
 * value).  ERR_INVALID when the result is no event, or another event (key, event id and order stay).  *ret:
 * {"letter_id","diff":[{path, before, after}],"value"}, owned.
 */
int verbs_edit(struct db_conn *tx, struct uuid id, const json_t *body, bool dry,
	       const struct change_origin *origin, json_t **ret, struct error *err) MUST_USE;

/* Adds exported letters: {"results":[{"letter_id","outcome": imported, known or damaged,"reason"}]}, owned.
 */
int verbs_import(struct db_conn *tx, const json_t *letters, const struct change_origin *origin, json_t **ret,
		 struct error *err) MUST_USE;

/* target with the patch applied (RFC 7396); target is not changed; owned. */
json_t *merge_patch(const json_t *target, const json_t *patch);
/* Where before and after differ: [{"path": a JSON pointer, "before", "after"}] (absent: missing); owned. */
json_t *json_diff(const json_t *before, const json_t *after);

#endif
