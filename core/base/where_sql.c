/*
 * A condition as SQL.  Values are parameters, never text of the statement.  No state.
 *
 * SQL knows a third truth value: a comparison with NULL is neither true nor false.  At the top that does what
 * is wanted, since only true rows pass; below NOT every comparison is made true or false first.
 */
#include "core/base/where_internal.h"

static bool is_leaf(const struct where_node *n)
{
	return n->op != WHERE_AND && n->op != WHERE_OR && n->op != WHERE_NOT;
}

static bool can_say(const struct where_node *n)
{
	if (!is_leaf(n))
		return can_say(n->left) && (n->right == NULL || can_say(n->right));
	if (n->column->sql == NULL || where_types[n->column->kind].sql == NULL)
		return false;
	return n->op != WHERE_REGEX || (n->portable && n->column->kind == WHERE_TEXT);
}

static int count_params(const struct where_node *n)
{
	if (!is_leaf(n))
		return count_params(n->left) + (n->right != NULL ? count_params(n->right) : 0);
	return n->op == WHERE_NULL ? 0 : 1;
}

static const char *operator_of(enum where_op op)
{
	switch (op) {
	case WHERE_EQ:
		return "=";
	case WHERE_LT:
		return "<";
	case WHERE_LE:
		return "<=";
	case WHERE_GT:
		return ">";
	case WHERE_GE:
		return ">=";
	case WHERE_REGEX:
		return "~";
	case WHERE_AND:
		return "AND";
	case WHERE_OR:
		return "OR";
	case WHERE_NOT:
		return "NOT";
	case WHERE_NULL:
		return "IS NULL";
	}
	return "";
}

static void say_leaf(const struct where_node *n, bool negated, struct buf *sql,
		     const struct where_params *params)
{
	const char *type = where_types[n->column->kind].sql;
	const char *collate = n->column->kind == WHERE_TEXT ? " COLLATE \"C\"" : "";
	int number;

	if (n->op == WHERE_NULL) {
		buf_addf(sql, "(%s) IS NULL", n->column->sql);
		return;
	}
	number = params->add(params->arg, n->array != NULL ? n->array : n->values[0].text);
	if (n->op == WHERE_EQ && n->array != NULL)
		buf_addf(sql, "((%s)::%s%s = ANY ($%d::%s[]))", n->column->sql, type, collate, number, type);
	else
		buf_addf(sql, "((%s)::%s%s %s $%d::%s)", n->column->sql, type, collate, operator_of(n->op),
			 number, type);
	if (negated)
		buf_adds(sql, " IS TRUE");
}

static void say(const struct where_node *n, bool negated, struct buf *sql, const struct where_params *params)
{
	if (is_leaf(n)) {
		say_leaf(n, negated, sql, params);
		return;
	}
	buf_adds(sql, n->op == WHERE_NOT ? "(NOT (" : "((");
	say(n->left, negated || n->op == WHERE_NOT, sql, params);
	if (n->right != NULL) {
		buf_addf(sql, ") %s (", operator_of(n->op));
		say(n->right, negated, sql, params);
	}
	buf_adds(sql, "))");
}

/* The parts of the topmost AND that can be said; what is left out is asked in memory. */
static bool say_parts(const struct where_node *n, struct buf *sql, struct where_params *params)
{
	bool left, right;

	if (n->op == WHERE_AND) {
		left = say_parts(n->left, sql, params);
		right = say_parts(n->right, sql, params);
		return left && right;
	}
	if (!can_say(n) || count_params(n) > params->room)
		return false;
	params->room -= count_params(n);
	buf_adds(sql, " AND ");
	say(n, false, sql, params);
	return true;
}

bool where_sql(const struct where *w, struct buf *sql, const struct where_params *params)
{
	struct where_params left = *params;
	bool all;

	buf_adds(sql, "(TRUE");
	all = w == NULL || say_parts(w->root, sql, &left);
	buf_addc(sql, ')');
	return all;
}
