/*
 * The configuration keys: one row each, from which the loader, `config show` and the manual follow.
 *
 * X(symbol, "key", TYPE, "default", min, max, reloadable, "text")
 * TYPE: STRING, INT, BOOL, DURATION (text such as 5s; kept in milliseconds), SIZE (text such as 10MiB; kept
 * in bytes), RATE (a number 0..1, kept as double). min and max bound INT, DURATION (ms) and SIZE (bytes).
 */
#ifndef PIZZA_CONFIG_KEYS_H
#define PIZZA_CONFIG_KEYS_H

/* The failure policy of one consumer, where it differs. */
#define CONSUMER_KEYS(X, SYMBOL, section, daemon)                                                   \
	X(SYMBOL##_CONSUMER_RETRIES, section ".consumer_retries", INT, "-1", -1, 100, true,         \
	  "consumer.retries of " daemon " alone; -1: as there.")                                    \
	X(SYMBOL##_CONSUMER_BACKOFF, section ".consumer_backoff", DURATION, "0s", 0, 3600000, true, \
	  "consumer.backoff of " daemon " alone; 0: as there.")

#define CONFIG_KEYS(X)                                                                                       \
	X(PORT_BASE, "port_base", INT, "5000", 1024, 64000, false,                                           \
	  "First port of the installation; each service adds a fixed offset.")                               \
	X(BIND_ADDRESS, "http.address", STRING, "127.0.0.1", 0, 0, false, "Address the daemons listen on.")  \
	X(HTTP_CONNECTIONS, "http.connections", INT, "2048", 16, 65535, false,                               \
	  "Open connections per daemon, at most.")                                                           \
	X(HTTP_BODY_MAX, "http.body_max", SIZE, "1MiB", 1024, 67108864, false,                               \
	  "Largest request body accepted.")                                                                  \
	X(LOG_LEVEL, "log.level", STRING, "info", 0, 0, true, "debug, info, warn or error.")                 \
	X(DATABASE_URL, "database.url", STRING, "", 0, 0, false,                                             \
	  "An existing PostgreSQL server instead of the private one, as a URL without database name.")       \
	X(DATABASE_POOL, "database.pool", INT, "8", 2, 200, false, "Connections per daemon, at most.")       \
	X(POSTGRES_LISTEN, "postgres.listen", STRING, "", 0, 0, false,                                       \
	  "Addresses on which the private PostgreSQL also listens by TCP; empty: Unix socket only.")         \
	X(POSTGRES_SHARED_BUFFERS, "postgres.shared_buffers", SIZE, "256MiB", 16777216, 1099511627776,       \
	  false, "shared_buffers of the private PostgreSQL.")                                                \
	X(KAFKA_BOOTSTRAP, "kafka.bootstrap", STRING, "", 0, 0, false,                                       \
	  "An existing Kafka cluster (host:port,...) instead of the private one.")                           \
	X(KAFKA_HEAP, "kafka.heap", SIZE, "512MiB", 134217728, 68719476736, false,                           \
	  "Heap of the private Kafka.")                                                                      \
	X(KAFKA_PARTITIONS, "kafka.partitions", INT, "3", 1, 10000, false,                                   \
	  "Partitions of each topic when created: as many instances of a daemon can share its work, and "    \
	  "each costs requests of its own.")                                                                 \
	X(KAFKA_RETENTION, "kafka.retention", DURATION, "0s", 0, 3153600000000, false,                       \
	  "How long topics keep events; 0: for ever, so that the read model can be rebuilt.")                \
	X(KAFKA_LIBS, "kafka.libs", STRING, "", 0, 0, false,                                                 \
	  "Folder with Kafka's jar files; empty: those of the package, or the cache that `make kafka` "      \
	  "fills.")                                                                                          \
	X(CONSUMER_BATCH, "consumer.batch", INT, "1000", 1, 10000, true,                                     \
	  "Messages per transaction, at most.")                                                              \
	X(CONSUMER_LINGER, "consumer.linger", DURATION, "30ms", 0, 1000, true,                               \
	  "How long a busy consumer waits for more messages before it starts a transaction; one to which "   \
	  "nothing has come just before waits for a tenth of it.")                                           \
	X(CONSUMER_RETRIES, "consumer.retries", INT, "3", 0, 100, true,                                      \
	  "Tries after the first before a transient failure becomes a dead letter.")                         \
	X(CONSUMER_BACKOFF, "consumer.backoff", DURATION, "5s", 10, 3600000, true,                           \
	  "First retry delay; doubles.")                                                                     \
	CONSUMER_KEYS(X, ORDER, "order", "orderd")                                                           \
	CONSUMER_KEYS(X, INVENTORY, "inventory", "inventoryd")                                               \
	CONSUMER_KEYS(X, PAYMENT, "payment", "paymentd")                                                     \
	CONSUMER_KEYS(X, NOTIFY, "notify", "notifyd")                                                        \
	CONSUMER_KEYS(X, KITCHEN, "kitchen", "kitchend")                                                     \
	CONSUMER_KEYS(X, AGGREGATOR, "aggregator", "aggregatord")                                            \
	X(OUTBOX_BATCH, "outbox.batch", INT, "5000", 1, 100000, true,                                        \
	  "Events per published window, at most.")                                                           \
	X(OUTBOX_LINGER, "outbox.linger", DURATION, "25ms", 0, 1000, true,                                   \
	  "How far apart published windows are when events stream; single events hardly wait.")              \
	X(OUTBOX_POLL, "outbox.poll", DURATION, "1s", 10, 60000, true,                                       \
	  "Fallback for lost notifications: how often the relay looks by itself.")                           \
	X(OUTBOX_LEASE, "outbox.lease", DURATION, "5s", 500, 60000, false, "Lease of the active relay.")     \
	X(OUTBOX_RETENTION, "outbox.retention", DURATION, "7d", 60000, 315360000000, true,                   \
	  "How long published outbox rows are kept.")                                                        \
	X(ORDER_INSERTERS, "order.inserters", INT, "2", 1, 16, false,                                        \
	  "Threads that insert waiting orders in groups.")                                                   \
	X(ORDER_GROUP, "order.group", INT, "256", 1, 4096, false, "Orders per inserted group, at most.")     \
	X(ORDER_STUCK, "order.stuck", DURATION, "30s", 1000, 86400000, true,                                 \
	  "After which wait a saga is stuck.")                                                               \
	X(ORDER_DEADLINE, "order.deadline", DURATION, "15m", 1000, 604800000, true,                          \
	  "After which wait an order is cancelled with compensation.")                                       \
	X(MENU_CURRENCY, "menu.currency", STRING, "RUB", 0, 0, false,                                        \
	  "Currency of the seeded menu (ISO 4217).")                                                         \
	X(STOCK_LOW, "inventory.low_percent", INT, "10", 0, 100, true,                                       \
	  "StockLow is sent when available stock falls below this share of the initial stock.")              \
	X(PAYMENT_URL, "payment.url", STRING, "", 0, 0, false, "Stripe-compatible API; empty: the sandbox.") \
	X(PAYMENT_KEY, "payment.key", STRING, "sk_test_sandbox", 0, 0, false,                                \
	  "Secret key of the payment API.")                                                                  \
	X(PAYMENT_PARALLEL, "payment.parallel", INT, "64", 1, 1024, false, "Charges in flight, at most.")    \
	X(PAYMENT_TIMEOUT, "payment.timeout", DURATION, "10s", 10, 600000, true,                             \
	  "Time-out of a provider call.")                                                                    \
	X(PAYMENT_ATTEMPTS, "payment.attempts", INT, "5", 1, 100, true,                                      \
	  "Provider calls for one charge before it is given up as failed.")                                  \
	X(PAYMENT_BACKOFF, "payment.backoff", DURATION, "500ms", 10, 600000, true,                           \
	  "First retry delay; doubles.")                                                                     \
	X(BREAKER_THRESHOLD, "breaker.threshold", INT, "10", 1, 1000, false,                                 \
	  "Failures in a row that open a breaker.")                                                          \
	X(BREAKER_OPEN, "breaker.open", DURATION, "5s", 100, 600000, false,                                  \
	  "How long a breaker stays open.")                                                                  \
	X(MAIL_URL, "mail.url", STRING, "", 0, 0, false,                                                     \
	  "smtp://host:port; empty: a Maildir below the home folder.")                                       \
	X(MAIL_USER, "mail.user", STRING, "", 0, 0, false, "SMTP user.")                                     \
	X(MAIL_PASSWORD, "mail.password", STRING, "", 0, 0, false, "SMTP password.")                         \
	X(MAIL_FROM, "mail.from", STRING, "pizza@localhost", 0, 0, true, "Sender of messages.")              \
	X(MAIL_OPERATOR, "mail.operator", STRING, "operator@localhost", 0, 0, true,                          \
	  "Who hears of low stock.")                                                                         \
	X(SMS_URL, "sms.url", STRING, "", 0, 0, false, "Twilio-compatible API; empty: the sandbox.")         \
	X(SMS_ACCOUNT, "sms.account", STRING, "AC00000000000000000000000000000000", 0, 0, false,             \
	  "Account SID.")                                                                                    \
	X(SMS_TOKEN, "sms.token", STRING, "sandbox", 0, 0, false, "Auth token.")                             \
	X(SMS_FROM, "sms.from", STRING, "+15005550006", 0, 0, true, "Sender number.")                        \
	X(NOTIFY_PARALLEL, "notify.parallel", INT, "32", 1, 512, false,                                      \
	  "Deliveries in flight per channel, at most.")                                                      \
	X(NOTIFY_ATTEMPTS, "notify.attempts", INT, "8", 1, 100, true,                                        \
	  "Tries of one delivery before it has failed.")                                                     \
	X(DLQ_REPLAYS, "dlq.replays", INT, "5", 1, 1000, true,                                               \
	  "Failed replays after which a dead letter is quarantined, unless its error code has a policy.")    \
	X(DLQ_EXPIRY, "dlq.expiry", DURATION, "30d", 1000, 315360000000, true,                               \
	  "After which a dead letter expires, unless its error code has a policy.")                          \
	X(KITCHEN_OVENS, "kitchen.ovens", INT, "4", 1, 200, false, "Ovens in the kitchen.")                  \
	X(KITCHEN_DECKS, "kitchen.decks", INT, "4", 1, 8, false, "Decks of each oven: pizzas at a time.")    \
	X(KITCHEN_PANS, "kitchen.pans", INT, "2", 0, 32, false, "Pans in the kitchen: a pizza at a time.")   \
	X(KITCHEN_TIMERS, "kitchen.timers", INT, "8", 0, 15, false, "Timers in the kitchen.")                \
	X(KITCHEN_MODBUS_ADDRESS, "kitchen.modbus_address", STRING, "127.0.0.1", 0, 0, false,                \
	  "Address on which the hardware answers Modbus, a protocol without passwords.")                     \
	X(KITCHEN_TIME_SCALE, "kitchen.time_scale", INT, "60", 1, 1000, false,                               \
	  "How many seconds pass in the kitchen's hardware in one of the wall clock; 1: real time.")         \
	X(KITCHEN_SEED, "kitchen.seed", INT, "1", 0, 4294967295, false,                                      \
	  "Seed of the noise and drift of the virtual sensors: the same seed, the same kitchen.")            \
	X(KITCHEN_POLL, "kitchen.poll", DURATION, "100ms", 5, 1000, false,                                   \
	  "How often every device is read; those that bake are read more often when time_scale asks for "    \
	  "it.")                                                                                             \
	X(KITCHEN_STALE, "kitchen.stale", DURATION, "1s", 100, 60000, true,                                  \
	  "After which silence, or standstill of its heartbeat, a device is offline.")                       \
	X(KITCHEN_RESCUE, "kitchen.rescue", DURATION, "10s", 100, 3600000, true,                             \
	  "How long the tickets of a device that is offline wait for it before they go elsewhere.")          \
	X(KITCHEN_PROMISE, "kitchen.promise", DURATION, "30m", 1000, 86400000, true,                         \
	  "When an order is promised after its payment, in the kitchen's time.")                             \
	X(KITCHEN_REMAKES, "kitchen.remakes", INT, "2", 0, 10, true,                                         \
	  "How often a burnt pizza is made again before its order fails.")                                   \
	X(CONSOLE_THEME, "console.theme", STRING, "dark", 0, 0, false,                                       \
	  "How pizzactl top looks: dark, light, contrast or mono.")                                          \
	X(CONSOLE_MOUSE, "console.mouse", BOOL, "true", 0, 1, false,                                         \
	  "Whether clicks choose and open in pizzactl top; else the terminal selects text.")                 \
	X(DRAIN_TIMEOUT, "drain_timeout", DURATION, "4s", 100, 600000, true,                                 \
	  "How long a daemon may finish its work after SIGTERM.")

#endif
