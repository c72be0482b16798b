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

    {11, false, NULL, "a dead letter is not in the index",
     "SELECT DISTINCT l.letter_id FROM letters l LEFT JOIN dlqd.letters i ON i.letter_id::text = l.letter_id "
     "WHERE i.letter_id IS NULL"},
    {11, false, NULL, "the index has a letter that no topic has",
     "SELECT i.letter_id FROM dlqd.letters i WHERE i.readable AND NOT EXISTS (SELECT FROM letters l "
     "WHERE l.letter_id = i.letter_id::text) AND NOT EXISTS (SELECT FROM dlqd.letter_history h "
     "WHERE h.letter_id = i.letter_id AND h.what = 'imported')"},
    {11, true, NULL, "a letter is in no state of its own",
     "SELECT letter_id FROM dlqd.letters WHERE state NOT IN ('unresolved', 'replaying', 'resolved', "
     "'discarded', "
     "'expired')"},
    {11, false, NULL, "a letter is being replayed and no job has it",
     "SELECT i.letter_id FROM dlqd.letters i LEFT JOIN dlqd.jobs j USING (job_id) WHERE i.state = "
     "'replaying' "
     "AND (j.job_id IS NULL OR j.finished_at IS NOT NULL)"},
    {11, false, NULL, "a job has ended and a letter of it has no outcome",
     "SELECT j.job_id || ' ' || t.letter_id FROM dlqd.job_letters t JOIN dlqd.jobs j USING (job_id) "
     "WHERE j.finished_at IS NOT NULL AND t.outcome IS NULL"},
    {11, true, NULL, "a replay has not one row of history with the same outcome",
     "SELECT t.job_id || ' ' || t.letter_id FROM dlqd.job_letters t LEFT JOIN dlqd.letter_history h "
     "ON h.letter_id = t.letter_id AND h.job_id = t.job_id AND h.what = 'replayed' "
     "AND h.detail::json ->> 'outcome' = t.outcome WHERE t.outcome IN ('applied', 'duplicate', 'failed') "
     "GROUP BY t.job_id, t.letter_id HAVING count(h.seq) <> 1"},
    {11, true, NULL, "a row of history tells of a replay that no job has",
     "SELECT h.letter_id || ' ' || h.seq FROM dlqd.letter_history h LEFT JOIN dlqd.job_letters t "
     "ON t.letter_id = h.letter_id AND t.job_id = h.job_id WHERE h.what = 'replayed' AND t.outcome IS NULL"},
    {11, true, NULL, "a letter was not replayed as often as it says",
     "SELECT i.letter_id FROM dlqd.letters i LEFT JOIN (SELECT letter_id, count(*) AS n FROM "
     "dlqd.letter_history "
     "WHERE what = 'replayed' GROUP BY 1) h USING (letter_id) WHERE i.replay_count <> coalesce(h.n, 0)"},
    {11, true, NULL, "a job by hand has no row in the audit",
     "SELECT j.job_id FROM dlqd.jobs j WHERE j.actor <> 'policy' AND NOT EXISTS (SELECT FROM dlqd.audit a "
     "WHERE a.outcome = 'ok' AND a.at BETWEEN j.created_at - interval '10 s' AND j.created_at + interval '10 "
     "s')"},

    /* A work queue's step may be queued again and again: its effect is counted in the ledgers (5, 6). */
    {12, true, NULL, "a letter was applied twice",
     "SELECT letter_id FROM dlqd.job_letters JOIN dlqd.letters l USING (letter_id) WHERE outcome = 'applied' "
     "AND l.event_type = l.failed_step GROUP BY letter_id HAVING count(*) > 1"},
    {12, false, NULL, "a letter was applied or called a duplicate, and its event is not in effect",
     "SELECT l.letter_id FROM dlqd.job_letters t JOIN dlqd.letters l USING (letter_id) LEFT JOIN seen s "
     "ON s.consumer_group = l.consumer_group AND s.event_id = l.event_id "
     "WHERE t.outcome IN ('applied', 'duplicate') AND s.event_id IS NULL"},
    {12, true, NULL, "an event that was replayed has an effect twice",
     "SELECT l.letter_id || ' ' || x.event_type FROM dlqd.letters l JOIN outbox x ON x.causation_id = "
     "l.event_id "
     "WHERE l.replay_count > 0 AND x.event_type NOT LIKE 'Notification%' AND x.topic <> 'dlq-events' "
     "GROUP BY l.letter_id, x.event_type, x.aggregate_id HAVING count(*) > 1"},
    {12, true, NULL, "an event that was handed over anew, though in effect, was applied",
     "SELECT order_id || ' ' || reply FROM history WHERE op = 'replay' AND outcome NOT IN ('duplicate', "
     "'later')"},
};

const struct check_table checks_of_letters = {rows, ARRAY_LEN(rows)};
