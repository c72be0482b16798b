/*
 * A request must have exactly the length that its function and counts ask for.
 */
#include "daemons/hardware/request.h"

#define COIL_ON 0xff00

static int word(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

int request_length(const uint8_t *bytes, size_t n)
{
	int length;

	if (n >= 4 && word(bytes + 2) != 0)
		return -1;
	if (n < 6)
		return 0;
	length = word(bytes + 4);
	if (length < 2 || length > REQUEST_MAX - 6)
		return -1;
	return n < (size_t)length + 6 ? 0 : length + 6;
}

/* --- by function: p points behind the function code, n bytes are there; an exception or 0 --- */

static int parse_read(const uint8_t *p, size_t n, enum hardware_space space, int max, struct request *r)
{
	if (n != 4)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->space = space;
	r->read_address = word(p);
	r->read_count = word(p + 2);
	return r->read_count < 1 || r->read_count > max ? MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE : 0;
}

static int parse_write_one(const uint8_t *p, size_t n, enum hardware_space space, struct request *r)
{
	if (n != 4)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->space = space;
	r->write_address = word(p);
	r->write_count = 1;
	r->values[0] = (uint16_t)word(p + 2);
	if (space == HARDWARE_HOLDING)
		return 0;
	if (r->values[0] != 0 && r->values[0] != COIL_ON)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->values[0] = r->values[0] == COIL_ON;
	return 0;
}

static int parse_write_coils(const uint8_t *p, size_t n, struct request *r)
{
	int count = n >= 5 ? word(p + 2) : 0;

	if (count < 1 || count > MODBUS_MAX_WRITE_BITS || p[4] != (count + 7) / 8 || n != 5 + (size_t)p[4])
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->space = HARDWARE_COIL;
	r->write_address = word(p);
	r->write_count = count;
	for (int i = 0; i < count; i++)
		r->values[i] = p[5 + i / 8] >> i % 8 & 1;
	return 0;
}

/* Address, count, bytes and values, as in functions 16 and 23. */
static int parse_write_registers(const uint8_t *p, size_t n, int max, struct request *r)
{
	int count = n >= 5 ? word(p + 2) : 0;

	if (count < 1 || count > max || p[4] != count * 2 || n != 5 + (size_t)p[4])
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->space = HARDWARE_HOLDING;
	r->write_address = word(p);
	r->write_count = count;
	for (int i = 0; i < count; i++)
		r->values[i] = (uint16_t)word(p + 5 + 2 * i);
	return 0;
}

static int parse_mask(const uint8_t *p, size_t n, struct request *r)
{
	if (n != 6)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	r->space = HARDWARE_HOLDING;
	r->write_address = word(p);
	r->write_count = 1;
	r->and_mask = (uint16_t)word(p + 2);
	r->or_mask = (uint16_t)word(p + 4);
	return 0;
}

static int parse_write_and_read(const uint8_t *p, size_t n, struct request *r)
{
	int exception;

	if (n < 4)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	exception = parse_read(p, 4, HARDWARE_HOLDING, MODBUS_MAX_WR_READ_REGISTERS, r);
	return exception != 0 ? exception
			      : parse_write_registers(p + 4, n - 4, MODBUS_MAX_WR_WRITE_REGISTERS, r);
}

static int parse_body(const uint8_t *p, size_t n, struct request *r)
{
	switch (r->function) {
	case MODBUS_FC_READ_COILS:
		return parse_read(p, n, HARDWARE_COIL, MODBUS_MAX_READ_BITS, r);
	case MODBUS_FC_READ_DISCRETE_INPUTS:
		return parse_read(p, n, HARDWARE_DISCRETE, MODBUS_MAX_READ_BITS, r);
	case MODBUS_FC_READ_HOLDING_REGISTERS:
		return parse_read(p, n, HARDWARE_HOLDING, MODBUS_MAX_READ_REGISTERS, r);
	case MODBUS_FC_READ_INPUT_REGISTERS:
		return parse_read(p, n, HARDWARE_INPUT, MODBUS_MAX_READ_REGISTERS, r);
	case MODBUS_FC_WRITE_SINGLE_COIL:
		return parse_write_one(p, n, HARDWARE_COIL, r);
	case MODBUS_FC_WRITE_SINGLE_REGISTER:
		return parse_write_one(p, n, HARDWARE_HOLDING, r);
	case MODBUS_FC_WRITE_MULTIPLE_COILS:
		return parse_write_coils(p, n, r);
	case MODBUS_FC_WRITE_MULTIPLE_REGISTERS:
		return parse_write_registers(p, n, MODBUS_MAX_WRITE_REGISTERS, r);
	case MODBUS_FC_MASK_WRITE_REGISTER:
		return parse_mask(p, n, r);
	case MODBUS_FC_WRITE_AND_READ_REGISTERS:
		return parse_write_and_read(p, n, r);
	default:
		return MODBUS_EXCEPTION_ILLEGAL_FUNCTION;
	}
}

void request_parse(const uint8_t *bytes, size_t n, struct request *ret)
{
	ret->unit = bytes[REQUEST_HEAD - 1];
	ret->function = bytes[REQUEST_HEAD];
	ret->read_count = ret->write_count = 0;
	ret->exception = parse_body(bytes + REQUEST_HEAD + 1, n - REQUEST_HEAD - 1, ret);
}
