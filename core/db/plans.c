/*
 * A look at the plans of all statements, for tests: a nested loop whose inner side is no index but all rows
 * of a parameter's array or of a WITH part compares each with each.  That is the price of hash and merge
 * joins being off (prefer_indexes), and it is paid by large batches alone, so no test of ten rows shows it.
 */
#include "core/db/internal.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define FEW_ROWS 1 /* of the outer side, as estimated: then there is nothing to multiply */

static bool reads_everything(const json_t *plan)
{
	static const char *const kinds[] = {"Function Scan", "CTE Scan", "Values Scan", "ProjectSet"};
	const char *kind = json_string_or(plan, "Node Type", "");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/* The input of that name, Outer or Inner: not one of the parts that run by themselves. */
static const json_t *input_of(const json_t *plan, const char *side)
{
	const json_t *below = json_object_get(plan, "Plans");

	for (size_t i = 0; i < json_array_size(below); i++)
		if (strcmp(json_string_or(json_array_get(below, i), "Parent Relationship", ""), side) == 0)
			return json_array_get(below, i);
	return NULL;
}

/* The node that is read again for every row of the loop's outer side, or NULL. */
static const json_t *repeated(const json_t *loop)
{
	const json_t *node = input_of(loop, "Inner");

	if (json_int_or(input_of(loop, "Outer"), "Plan Rows", 0) <= FEW_ROWS)
		return NULL;
	while (node != NULL && !reads_everything(node)) /* those above it only pass its rows on */
		node = input_of(node, "Inner") == NULL ? input_of(node, "Outer") : NULL;
	return node;
}

/* The kind of such a node anywhere in the plan, or NULL. */
static const char *find_square(const json_t *plan)
{
	const json_t *below = json_object_get(plan, "Plans"), *again = NULL;
	const char *found = NULL;

	if (strcmp(json_string_or(plan, "Node Type", ""), "Nested Loop") == 0)
		again = repeated(plan);
	if (again != NULL)
		return json_string_or(again, "Node Type", "");
	for (size_t i = 0; found == NULL && i < json_array_size(below); i++)
		found = find_square(json_array_get(below, i));
	return found;
}

/* EXPLAIN of the prepared statement with as many NULLs as it has parameters: the generic plan. */
static int explain(struct db_conn *c, const struct db_statement *s, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	PGresult *r = PQdescribePrepared(c->pg, s->key);
	int n = PQnparams(r), rc;

	PQclear(r);
	buf_addf(&sql, "EXPLAIN (FORMAT JSON) EXECUTE \"%s\"", s->key);
	for (int i = 0; i < n; i++)
		buf_adds(&sql, i == 0 ? "(NULL" : ", NULL");
	buf_adds(&sql, n > 0 ? ")" : "");
	r = PQexec(c->pg, buf_str(&sql));
	rc = PQresultStatus(r) == PGRES_TUPLES_OK ? 0 : db_fail(c, r, s->name, err);
	*ret = rc == 0 ? json_loads(PQgetvalue(r, 0, 0), 0, NULL) : NULL;
	PQclear(r);
	return rc;
}

int db_check_plans(struct db_conn *c, struct error *err)
{
	int rc = db_run(c, "SET plan_cache_mode = force_generic_plan", err);

	for (const struct db_statement *s = db_statements(); rc == 0 && s != NULL; s = s->next) {
		json_t *plan;
		const char *square;

		rc = explain(c, s, &plan, err);
		if (rc < 0)
			break;
		square = find_square(json_object_get(json_array_get(plan, 0), "Plan"));
		if (square != NULL)
			rc = error_set(
			    err, ERR_INVALID, s->name,
			    "a nested loop reads all of a %s again for every row: time grows with the square",
			    square);
		json_decref(plan);
	}
	return rc;
}
