/*
 * The metrics: one row each (name, kind, labels, help), exposed as Prometheus text by every daemon that uses
 * them.
 *
 * X(symbol, "name", KIND, "label1,label2", "help"); KIND: COUNTER, GAUGE, HISTOGRAM (seconds).
 */
#ifndef PIZZA_CONTRACT_METRICS_H
#define PIZZA_CONTRACT_METRICS_H

#define METRIC_TABLE(X)                                                                               \
	X(HTTP_SECONDS, "pizza_http_request_duration_seconds", HISTOGRAM, "method,route,status",      \
	  "Time from a request's arrival to its reply.")                                              \
	X(ORDERS, "pizza_orders_total", COUNTER, "status", "Orders that reached a status.")           \
	X(OUTBOX_UNPUBLISHED, "pizza_outbox_unpublished", GAUGE, "database",                          \
	  "Outbox rows not yet in Kafka.")                                                            \
	X(OUTBOX_SECONDS, "pizza_outbox_publish_seconds", HISTOGRAM, "database",                      \
	  "Time from an event's creation to its acknowledgement by Kafka.")                           \
	X(OUTBOX_PUBLISHED, "pizza_outbox_published_total", COUNTER, "database",                      \
	  "Events acknowledged by Kafka.")                                                            \
	X(OUTBOX_ERRORS, "pizza_outbox_publish_errors_total", COUNTER, "database",                    \
	  "Windows that had to be repeated.")                                                         \
	X(OUTBOX_LEADER, "pizza_outbox_leader", GAUGE, "", "1 while this relay holds the lease.")     \
	X(CONSUMER_MESSAGES, "pizza_consumer_messages_total", COUNTER, "topic,outcome",               \
	  "Messages by what became of them: processed, ignored, parked, dead.")                       \
	X(CONSUMER_BATCH_SECONDS, "pizza_consumer_batch_seconds", HISTOGRAM, "",                      \
	  "Time of a batch's transaction.")                                                           \
	X(CONSUMER_LAG, "pizza_consumer_lag", GAUGE, "topic", "Messages behind the end of a topic.")  \
	X(CONSUMER_PARKED, "pizza_consumer_parked", GAUGE, "", "Messages parked for a later try.")    \
	X(DB_IN_USE, "pizza_db_pool_in_use", GAUGE, "", "Database connections handed out.")           \
	X(BREAKER_STATE, "pizza_breaker_state", GAUGE, "provider", "0 closed, 1 half-open, 2 open.")  \
	X(NOTIFY_SECONDS, "pizza_notification_delivery_seconds", HISTOGRAM, "channel",                \
	  "Time from a notification's creation to its delivery.")                                     \
	X(SAGA_SECONDS, "pizza_saga_duration_seconds", HISTOGRAM, "state",                            \
	  "Time from OrderCreated to the end.")                                                       \
	X(COOKING_SECONDS, "pizza_cooking_seconds", HISTOGRAM, "",                                    \
	  "Time from CookingStarted to CookingCompleted.")                                            \
	X(DEAD_LETTERS, "pizza_dead_letters_total", COUNTER, "topic,code",                            \
	  "Messages put into a dead-letter topic.")                                                   \
	X(LETTERS, "pizza_dlq_letters", GAUGE, "state", "Dead letters by state.")                     \
	X(LETTER_AGE, "pizza_dlq_oldest_seconds", GAUGE, "", "Age of the oldest unresolved letter.")  \
	X(REPLAYS, "pizza_dlq_replays_total", COUNTER, "group,outcome", "Letters handed to a group.") \
	X(JOBS, "pizza_dlq_jobs", GAUGE, "", "Replay jobs that are not finished.")                    \
	X(MODBUS_REQUESTS, "pizza_modbus_requests_total", COUNTER, "function,outcome",                \
	  "Requests to the hardware: answered (ok, exception) or not (silent).")                      \
	X(MODBUS_CLIENTS, "pizza_modbus_clients", GAUGE, "", "Clients connected to the hardware.")    \
	X(HARDWARE_DEVICES, "pizza_hardware_devices", GAUGE, "state", "Devices by state.")            \
	X(HARDWARE_CELSIUS, "pizza_hardware_celsius", GAUGE, "device",                                \
	  "Temperature of a device by its own sensor.")                                               \
	X(PROVIDER_SECONDS, "pizza_provider_call_seconds", HISTOGRAM, "provider,outcome",             \
	  "Calls to outside providers.")

/* Upper bounds of a histogram's buckets, in seconds; a last bucket is beyond all of them. */
#define METRIC_BOUNDS(X) \
	X(0.001)         \
	X(0.0025) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) X(0.25) X(0.5) X(1) X(2.5) X(5) X(10) X(30) X(60)

enum metric_bucket {
#define X(bound) +1
	METRIC_BUCKETS = METRIC_BOUNDS(X) + 1
#undef X
};

enum metric_id {
#define X(symbol, name, kind, labels, help) METRIC_##symbol,
	METRIC_TABLE(X)
#undef X
	    METRIC_COUNT
};

#endif
