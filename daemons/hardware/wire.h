/*
 * The Modbus/TCP server: one thread for all clients, answers through libmodbus.
 *
 * A client that sends what is no Modbus/TCP, or does not take its answers, is disconnected; the others do not
 * notice.  A silent device gives no answer; while the bus is down nobody listens.  A unit that is no device
 * is answered by exception 11 (the gateway's target does not respond).
 */
#ifndef PIZZA_HARDWARE_WIRE_H
#define PIZZA_HARDWARE_WIRE_H

#include "daemons/hardware/plant.h"

#define WIRE_CLIENTS_MAX 512

struct wire;

/* Listens on address and port and starts the thread, which also ticks the plant.  ERR_CONFLICT: the port is
 * in use. */
int wire_start(struct plant *plant, const char *address, int port, struct wire **ret,
	       struct error *err) MUST_USE;
/* The bus went down or came back; from any thread, does not block. */
void wire_wake(struct wire *w);
/* Disconnects everybody and joins the thread.  NULL is fine. */
void wire_stop(struct wire *w);

#endif
