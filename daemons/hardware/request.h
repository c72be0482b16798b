/*
 * Modbus/TCP requests as they come from anybody (MODBUS Application Protocol V1.1b3; MODBUS Messaging on
 * TCP/IP V1.0b).  Pure.
 */
#ifndef PIZZA_HARDWARE_REQUEST_H
#define PIZZA_HARDWARE_REQUEST_H

#include <modbus/modbus.h>
#include <stddef.h>

#include "core/contract/hardware.h"

#define REQUEST_HEAD 7 /* MBAP: transaction, protocol, length, unit */
#define REQUEST_MAX  MODBUS_MAX_ADU_LENGTH

/* Bytes of the first request in n bytes; 0: more must come; -1: this is no Modbus/TCP. */
int request_length(const uint8_t *bytes, size_t n);

struct request {
	int unit;
	int function;
	int exception; /* what is wrong with it in itself, or 0 */
	enum hardware_space space;
	int read_address, read_count; /* count 0: it reads nothing */
	int write_address, write_count;
	uint16_t values[MODBUS_MAX_WRITE_BITS]; /* to be written; coils as 0 or 1 */
	uint16_t and_mask, or_mask;		/* function 22: for one holding register */
};
/* Reads one whole request of n bytes. */
void request_parse(const uint8_t *bytes, size_t n, struct request *ret);

#endif
