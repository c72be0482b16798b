/*
 * Invariants of dead letters and replays: 10, 11, 12.
 */
#include "core/base/mem.h"
#include "tests/crash/check/check.h"

static const struct check rows[] = {
    {10, true, NULL, "a dead letter's source is not there",
     "SELECT l.letter_id FROM letters l LEFT JOIN messages m ON m.topic = l.original_topic "
     "AND m.partition = l.original_partition AND m.\"offset\" = l.original_offset WHERE m.topic IS NULL"},
    {10, true, NULL, "a dead letter's key or value is another than its source's",
     "SELECT l.letter_id FROM letters l JOIN messages m ON m.topic = l.original_topic "
     "AND m.partition = l.original_partition AND m.\"offset\" = l.original_offset "
     "WHERE l.key IS DISTINCT FROM m.key OR l.value IS DISTINCT FROM m.value"},
    {10, true, NULL, "a dead letter without identity, or in another topic's dead letters",
     "SELECT topic || '/' || partition || '@' || \"offset\" FROM letters "
     "WHERE letter_id IS NULL OR consumer_group IS NULL OR topic <> original_topic || '-dlq'"},
    {10, false, NULL,
     "what the harness sent as poison is not one dead letter of each group that reads the topic",
     "SELECT o.consumer_group || ' ' || m.topic || '/' || m.partition || '@' || m.\"offset\" FROM messages m "
     "JOIN (SELECT DISTINCT consumer_group, topic FROM offsets) o USING (topic) "
     "LEFT JOIN (SELECT consumer_group, original_topic, original_partition, original_offset, "
     "count(DISTINCT letter_id) AS n FROM letters GROUP BY 1, 2, 3, 4) l "
     "ON l.consumer_group = o.consumer_group AND l.original_topic = m.topic "
     "AND l.original_partition = m.partition AND l.original_offset = m.\"offset\" "
     "WHERE m.injected = 'poison' AND coalesce(l.n, 0) <> 1"},
};

const struct check_table checks_of_letters = {rows, ARRAY_LEN(rows)};
