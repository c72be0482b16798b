/*
 * Invariant 9: what became of each message that a group has left behind.
 */
#include "core/base/mem.h"
#include "tests/crash/check/check.h"

/* What each group acts on (contract.md, "Who reacts to what"); the read model takes everything. */
#define WANTS                                                                                             \
	"(VALUES ('inventoryd', 'OrderCreated'), ('inventoryd', 'OrderCancelled'), "                      \
	"('inventoryd', 'CookingStarted'), ('inventoryd', 'TicketRemade'), ('orderd', 'StockReserved'), " \
	"('orderd', 'StockRejected'), ('orderd', 'PaymentCompleted'), ('orderd', 'PaymentFailed'), "      \
	"('orderd', 'CookingStarted'), ('orderd', 'CookingCompleted'), ('orderd', 'CookingFailed'), "     \
	"('paymentd', 'OrderReserved'), ('paymentd', 'OrderCancelled'), ('notifyd', 'OrderCreated'), "    \
	"('notifyd', 'PaymentCompleted'), ('notifyd', 'PaymentFailed'), ('notifyd', 'OrderReady'), "      \
	"('notifyd', 'OrderCancelled'), ('notifyd', 'StockLow')) w (consumer_group, event_type)"

/*
 * One row per group and message below its committed offset: seen (processed or deduplicated), dead (the group
 * buried this event, or this place where it cannot be read).
 */
#define LEFT_BEHIND                                                                                       \
	"(SELECT o.consumer_group, m.topic, m.partition, m.\"offset\", m.event_id, m.event_type, "        \
	"m.event_id IS NULL OR o.consumer_group = 'aggregatord' OR w.event_type IS NOT NULL AS wanted, "  \
	"s.event_id IS NOT NULL AS seen, "                                                                \
	"d.consumer_group IS NOT NULL OR e.consumer_group IS NOT NULL AS dead "                           \
	"FROM offsets o JOIN messages m ON m.topic = o.topic AND m.partition = o.partition "              \
	"AND m.\"offset\" < o.committed LEFT JOIN " WANTS                                                 \
	" ON w.consumer_group = o.consumer_group AND w.event_type = m.event_type "                        \
	"LEFT JOIN (SELECT DISTINCT consumer_group, event_id FROM seen) s ON s.consumer_group = "         \
	"o.consumer_group AND s.event_id = m.event_id "                                                   \
	"LEFT JOIN (SELECT DISTINCT consumer_group, event_id FROM letters WHERE event_id IS NOT NULL) d " \
	"ON d.consumer_group = o.consumer_group AND d.event_id = m.event_id LEFT JOIN (SELECT DISTINCT "  \
	"consumer_group, original_topic, "                                                                \
	"original_partition, original_offset FROM letters) e ON e.consumer_group = o.consumer_group "     \
	"AND e.original_topic = m.topic AND e.original_partition = m.partition "                          \
	"AND e.original_offset = m.\"offset\")"

static const struct check rows[] = {
    {9, false, NULL, "a message was left behind without effect and without a dead letter",
     "SELECT consumer_group || ' ' || topic || '/' || partition || '@' || \"offset\" FROM " LEFT_BEHIND " l "
     "WHERE wanted AND NOT seen AND NOT dead"},
    {9, false, NULL, "a message took effect though it is a dead letter that nobody replayed",
     "SELECT consumer_group || ' ' || topic || '/' || partition || '@' || \"offset\" FROM " LEFT_BEHIND " l "
     "WHERE wanted AND seen AND dead AND NOT EXISTS (SELECT FROM dlqd.letters i WHERE i.event_id = "
     "l.event_id "
     "AND i.consumer_group = l.consumer_group AND i.state = 'resolved')"},
    {9, false, NULL, "a message not for the group was buried by it",
     "SELECT consumer_group || ' ' || topic || '/' || partition || '@' || \"offset\" FROM " LEFT_BEHIND " l "
     "WHERE NOT wanted AND dead"},
    {9, false, NULL, "offsets were skipped",
     "SELECT o.consumer_group || ' ' || o.topic || '/' || o.partition FROM offsets o LEFT JOIN messages m "
     "ON m.topic = o.topic AND m.partition = o.partition AND m.\"offset\" < o.committed "
     "WHERE o.topic NOT LIKE '%-dlq' AND o.topic <> 'menu-events' AND o.committed > 0 "
     "GROUP BY o.consumer_group, o.topic, o.partition, o.committed HAVING count(m.\"offset\") <> "
     "o.committed"},
};

const struct check_table checks_of_groups = {rows, ARRAY_LEN(rows)};
