/*
 * Writing a deck's order is one request of exactly its four registers; everything else is register by
 * register.
 */
#include "daemons/hardware/registers.h"

#include <modbus/modbus.h>
#include <string.h>

#include "core/base/mem.h"

static int extent_holding(const struct hardware_device *d)
{
	if (d->decks == 0)
		return HARDWARE_HOLD_DURATION + 1;
	return HARDWARE_DECK_HOLDING_FIRST + (d->decks - 1) * HARDWARE_DECK_HOLDING_STRIDE +
	       HARDWARE_DECK_HOLDINGS;
}

int registers_extent(const struct hardware_device *d, enum hardware_space space)
{
	switch (space) {
	case HARDWARE_COIL:
		return HARDWARE_COIL_RUN + 1;
	case HARDWARE_DISCRETE:
		return d->decks == 0 ? HARDWARE_DISCRETE_DONE : HARDWARE_DISCRETE_BURNT + d->decks;
	case HARDWARE_INPUT:
		return hardware_block(d);
	case HARDWARE_HOLDING:
		return extent_holding(d);
	case HARDWARE_SPACES:
		break;
	}
	return 0;
}

/* --- reading --- */

static void read_coils(const struct hardware_device *d, const struct hardware_reading *r, uint16_t *values)
{
	values[HARDWARE_COIL_POWER] = (r->status & HARDWARE_STATUS_BIT(POWER)) != 0;
	values[HARDWARE_COIL_RESET] = (r->status & HARDWARE_STATUS_BIT(RESETTING)) != 0;
	values[HARDWARE_COIL_DOOR] = d->kind == HARDWARE_OVEN && (r->status & HARDWARE_STATUS_BIT(DOOR)) != 0;
	values[HARDWARE_COIL_RUN] = (r->status & HARDWARE_STATUS_BIT(RUNNING)) != 0;
}

static void read_discretes(const struct hardware_device *d, const struct hardware_reading *r,
			   uint16_t *values)
{
	for (int i = 0; i < HARDWARE_DISCRETE_DONE; i++)
		values[i] = r->status >> i & 1;
	for (int i = 0; i < d->decks; i++) {
		values[HARDWARE_DISCRETE_DONE + i] = r->deck[i].state == HARDWARE_DECK_DONE;
		values[HARDWARE_DISCRETE_LOADED + i] = r->deck[i].state != HARDWARE_DECK_EMPTY;
		values[HARDWARE_DISCRETE_BURNT + i] = r->deck[i].state == HARDWARE_DECK_BURNT;
	}
}

static void read_holdings(const struct hardware_device *d, const struct hardware_reading *r, uint16_t *values)
{
	values[HARDWARE_HOLD_SETPOINT] = (uint16_t)r->setpoint;
	values[HARDWARE_HOLD_FAULTS] = (uint16_t)r->faults;
	if (d->kind == HARDWARE_TIMER)
		values[HARDWARE_HOLD_DURATION] = (uint16_t)r->duration;
}

void registers_read(struct plant *p, int device, enum hardware_space space,
		    uint16_t values[REGISTERS_EXTENT_MAX])
{
	const struct hardware_device *d = plant_device(p, device);
	struct plant_view view;

	plant_read(p, device, &view);
	memset(values, 0, REGISTERS_EXTENT_MAX * sizeof(*values));
	switch (space) {
	case HARDWARE_COIL:
		read_coils(d, &view.reading, values);
		break;
	case HARDWARE_DISCRETE:
		read_discretes(d, &view.reading, values);
		break;
	case HARDWARE_INPUT:
		hardware_encode(d, &view.reading, values);
		break;
	case HARDWARE_HOLDING:
		read_holdings(d, &view.reading, values);
		break;
	case HARDWARE_SPACES:
		break;
	}
}

/* --- writing --- */

static int write_order(struct plant *p, int device, int deck, const uint16_t *values)
{
	uint32_t tag =
	    (uint32_t)values[HARDWARE_DECK_HOLD_TAG_HIGH] << 16 | values[HARDWARE_DECK_HOLD_TAG_LOW];
	int product = values[HARDWARE_DECK_HOLD_PRODUCT], command = values[HARDWARE_DECK_HOLD_COMMAND];
	enum physics_verdict verdict;

	if (tag == 0 || product >= HARDWARE_PRODUCT_COUNT)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	if (command == HARDWARE_COMMAND_LOAD && product != HARDWARE_PRODUCT_NONE)
		verdict = plant_load(p, device, deck, product, tag);
	else if (command == HARDWARE_COMMAND_UNLOAD)
		verdict = plant_unload(p, device, deck, tag);
	else
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	return verdict == PHYSICS_BUSY ? MODBUS_EXCEPTION_SLAVE_OR_SERVER_BUSY : 0;
}

/* The row of a register of the device as a whole that takes the value; else why not. */
static int judge(const struct hardware_device *d, enum hardware_space space, int address, uint16_t value,
		 const struct hardware_register **ret)
{
	int deck, min, max;
	const struct hardware_register *r = hardware_register_at(d, space, address, &deck);

	if (r == NULL || !r->writable || r->stride != 0)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
	hardware_limits(r, d->kind, &min, &max);
	if (value < min || value > max)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	if (space == HARDWARE_HOLDING && address == HARDWARE_HOLD_FAULTS &&
	    (value & ~hardware_faults_of(d->kind)) != 0)
		return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
	*ret = r;
	return 0;
}

int registers_write(struct plant *p, int device, enum hardware_space space, int address, int count,
		    const uint16_t *values)
{
	const struct hardware_device *d = plant_device(p, device);
	const struct hardware_register *rows[HARDWARE_DECK_HOLDING_FIRST], *r;
	int deck;

	r = hardware_register_at(d, space, address, &deck);
	if (r != NULL && r->stride != 0 && r->writable && count == HARDWARE_DECK_HOLDINGS &&
	    (address - HARDWARE_DECK_HOLDING_FIRST) % HARDWARE_DECK_HOLDING_STRIDE == 0)
		return write_order(p, device, deck, values);
	if (count > (int)ARRAY_LEN(rows))
		return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
	for (int i = 0; i < count; i++) {
		int exception = judge(d, space, address + i, values[i], &rows[i]);

		if (exception != 0)
			return exception;
	}
	for (int i = 0; i < count; i++)
		plant_write(p, device, rows[i], values[i]);
	return 0;
}
