/*
 * Invariants of money and stock: 6, 7.  Money is what the provider's own ledger says.
 */
#include "core/base/mem.h"
#include "tests/crash/check/check.h"

#define LEDGER                                                                                          \
	"(SELECT order_id, count(*) FILTER (WHERE kind = 'capture') AS captures, "                      \
	"coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured, "                        \
	"coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND status = 'succeeded'), 0) AS refunded " \
	"FROM sandboxd.ledger WHERE order_id IS NOT NULL GROUP BY order_id)"

static const struct check rows[] = {
    {6, true, NULL, "an order was charged twice", "SELECT order_id FROM " LEDGER " l WHERE captures > 1"},
    {6, true, NULL, "more was refunded than captured",
     "SELECT order_id FROM " LEDGER " l WHERE refunded > captured"},
    {6, false, NULL, "money was taken for an order that is not there",
     "SELECT l.order_id FROM " LEDGER
     " l LEFT JOIN orders o USING (order_id) WHERE l.captures > 0 AND o.order_id IS NULL"},
    {6, false, NULL, "a paid order's net is not its total",
     "SELECT o.order_id FROM orders o LEFT JOIN " LEDGER " l USING (order_id) LEFT JOIN paymentd.payments p "
     "ON p.order_id::text = o.order_id WHERE o.status IN ('paid', 'cooking', 'ready') AND p.refunded_amount "
     "= 0 "
     "AND coalesce(l.captured - l.refunded, 0) <> o.total_amount"},
    {6, false, NULL, "a cancelled order's net is not 0",
     "SELECT o.order_id FROM orders o JOIN " LEDGER " l USING (order_id) WHERE o.status = 'cancelled' "
     "AND l.captured <> l.refunded"},
    {6, false, NULL, "a payment's amount and the ledger's disagree",
     "SELECT p.order_id FROM paymentd.payments p LEFT JOIN " LEDGER " l ON l.order_id = p.order_id::text "
     "WHERE p.status IN ('completed', 'refunded', 'refunding') AND (l.captured IS DISTINCT FROM p.amount "
     "OR l.refunded IS DISTINCT FROM p.refunded_amount)"},

    {7, true, NULL, "an ingredient's sum is wrong",
     "SELECT l.ingredient_id FROM inventoryd.stock_levels l LEFT JOIN (SELECT ingredient_id, sum(quantity) "
     "AS n "
     "FROM inventoryd.restocks GROUP BY 1) r USING (ingredient_id) JOIN inventoryd.ingredients i USING "
     "(ingredient_id) "
     "WHERE l.on_hand + l.reserved + l.consumed <> i.initial + coalesce(r.n, 0) OR l.restocked <> "
     "coalesce(r.n, 0)"},
    {7, true, NULL, "an ingredient is negative",
     "SELECT ingredient_id FROM inventoryd.stock_levels WHERE on_hand < 0 OR reserved < 0 OR consumed < 0"},
    {7, false, NULL, "a cancelled order holds stock",
     "SELECT o.order_id FROM orders o JOIN inventoryd.reservations r ON r.order_id::text = o.order_id "
     "WHERE o.status = 'cancelled' AND r.state = 'reserved'"},
    {7, false, NULL, "an order that is not cancelled holds none",
     "SELECT o.order_id FROM orders o LEFT JOIN inventoryd.reservations r ON r.order_id::text = o.order_id "
     "WHERE o.status IN ('reserved', 'paid', 'cooking', 'ready') AND coalesce(r.state, '') NOT IN "
     "('reserved', 'consumed')"},
};

const struct check_table checks_of_stock_and_money = {rows, ARRAY_LEN(rows)};
