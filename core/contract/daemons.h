/*
 * The daemons and backing services: one row each.  The supervisor, the topology, port numbers, databases and
 * consumer groups all follow from this table.
 */
#ifndef PIZZA_CONTRACT_DAEMONS_H
#define PIZZA_CONTRACT_DAEMONS_H

#include <stdbool.h>
#include <stddef.h>

enum daemon_id {
	DAEMON_MENU,
	DAEMON_INVENTORY,
	DAEMON_ORDER,
	DAEMON_SANDBOX,
	DAEMON_HARDWARE,
	DAEMON_PAYMENT,
	DAEMON_KITCHEN,
	DAEMON_NOTIFY,
	DAEMON_AGGREGATOR,
	DAEMON_DLQ,
	DAEMON_OUTBOX,
	DAEMON_COUNT
};

#define DAEMON_TOPICS_MAX 8

struct daemon_info {
	enum daemon_id id;
	const char *name;     /* "orderd": program, consumer group, role in logs */
	const char *service;  /* "order": folder, database suffix */
	const char *database; /* "pizza_order", also the role; NULL for none */
	int port;	      /* offset from port_base */
	int other_port;	      /* of another protocol beside HTTP; 0: none */
	int replicas;	      /* by default */
	int replicas_max;
	const char *alone; /* why it can have one instance only; NULL: it can have more */
	int nice; /* of the daemon and its database backends: accepting orders comes before working them off
		   */
	int consumer_nice; /* the same for what its consumer does, when that comes after serving requests */
	bool outbox;	   /* publishes events: outboxd relays its database */
	const char *consumes[DAEMON_TOPICS_MAX]; /* as a group, NULL-terminated */
	const char *produces[DAEMON_TOPICS_MAX];
	const char *after[DAEMON_TOPICS_MAX]; /* daemons that are started before */
	const char *text;		      /* what it does, one line */
};

extern const struct daemon_info daemons[DAEMON_COUNT]; /* in start order */

/* By name ("orderd") or service ("order"); NULL when there is none. */
const struct daemon_info *daemon_find(const char *name);
/* port_base + offset of the daemon. */
int daemon_port(const struct daemon_info *d);

#define PORT_OFFSET_KAFKA	     92
#define PORT_OFFSET_KAFKA_CONTROLLER 93
#define PORT_OFFSET_MODBUS	     502

#define DAEMONS_BOOTSTRAP_SIZE 32 /* room for "127.0.0.1:5092" */

/* Where Kafka is: kafka.bootstrap (borrowed from the configuration), else the private broker, written to
 * text. */
const char *daemons_bootstrap(char text[DAEMONS_BOOTSTRAP_SIZE]);

#endif
