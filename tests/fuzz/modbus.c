/*
 * What anybody may send to hwd: a stream of Modbus/TCP requests to a kitchen of one oven, one pan, one timer.
 */
#include "tests/fuzz/fuzz.h"

#include "daemons/hardware/physics.c"
#include "daemons/hardware/plant.c"
#include "daemons/hardware/registers.c"
#include "daemons/hardware/request.c"
#include "daemons/hardware/state.c"

static const struct hardware_device devices[] = {
    {1, HARDWARE_OVEN, 1, HARDWARE_DECKS_MAX, "oven-1"},
    {2, HARDWARE_PAN, 1, 1, "pan-1"},
    {3, HARDWARE_TIMER, 1, 0, "timer-1"},
};
static int64_t now_ms;

static int64_t fuzz_mono(void)
{
	return now_ms;
}

/* The device's own block is always one that its reader understands. */
static void look(struct plant *p, int device)
{
	const struct hardware_device *d = plant_device(p, device);
	uint16_t values[REGISTERS_EXTENT_MAX];
	struct hardware_reading reading;

	for (int space = 0; space < HARDWARE_SPACES; space++)
		registers_read(p, device, (enum hardware_space)space, values);
	registers_read(p, device, HARDWARE_INPUT, values);
	FUZZ_ASSERT(hardware_decode(d, values, hardware_block(d), &reading, NULL) == 0);
	FUZZ_ASSERT((reading.faults & ~hardware_faults_of(d->kind)) == 0);
	FUZZ_ASSERT(d->decks == 0 || (reading.setpoint >= hardware_kinds[d->kind].setpoint_min &&
				      reading.setpoint <= hardware_kinds[d->kind].setpoint_max));
}

static void serve(struct plant *p, const uint8_t *bytes, size_t n)
{
	static struct request r;
	int device;

	request_parse(bytes, n, &r);
	device = r.unit - 1;
	if (r.exception != 0 || device < 0 || device >= plant_count(p))
		return;
	FUZZ_ASSERT(r.read_count + r.write_count > 0);
	FUZZ_ASSERT(r.read_count <= MODBUS_MAX_READ_BITS && r.write_count <= MODBUS_MAX_WRITE_BITS);
	if (r.write_count > 0 &&
	    r.write_address + r.write_count <= registers_extent(plant_device(p, device), r.space))
		(void)registers_write(p, device, r.space, r.write_address, r.write_count, r.values);
	now_ms += 100;
	look(p, device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct plant_options o = {
	    .devices = devices, .count = 3, .time_scale = 60, .mono_ms = fuzz_mono};
	struct plant *p;
	int n;

	log_set_level(LOG_ERROR); /* faults and cut-outs are told at lower ones */
	if (plant_new(&o, &p, NULL) < 0)
		abort();
	while ((n = request_length(data, size)) > 0) {
		FUZZ_ASSERT((size_t)n <= size && n <= REQUEST_MAX && n > REQUEST_HEAD);
		serve(p, data, (size_t)n);
		data += n;
		size -= (size_t)n;
	}
	plant_free(p);
	return 0;
}
