/*
 * hwd: the kitchen's virtual hardware, on Modbus/TCP and HTTP.  The devices and their state do not need the
 * database: it has the audit of what operators changed.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/service/metrics.h"
#include "core/service/service.h"
#include "daemons/hardware/api.h"
#include "daemons/hardware/hardware.h"
#include "daemons/hardware/view.h"

extern const struct db_migration hardware_migrations[];
extern const int hardware_migration_count;

static void bus_changed(void *arg)
{
	struct hardware *hw = arg;

	if (hw->wire != NULL)
		wire_wake(hw->wire);
}

/* Gauges, when somebody asks for them. */
static void collect(void *arg)
{
	struct hardware *hw = arg;
	int states[VIEW_STATE_COUNT] = {0};

	for (int i = 0; i < plant_count(hw->plant); i++) {
		struct plant_view view;

		plant_read(hw->plant, i, &view);
		states[view_state(&view)]++;
		if (view.reading.temperature != HARDWARE_NO_READING)
			metric_set(metric_series(METRIC_HARDWARE_CELSIUS, hw->devices[i].name, NULL, NULL),
				   view.reading.temperature / 10.0);
	}
	for (int i = 0; i < VIEW_STATE_COUNT; i++)
		metric_set(metric_series(METRIC_HARDWARE_DEVICES, view_state_words[i], NULL, NULL),
			   states[i]);
}

static int start(struct service *s, struct error *err)
{
	struct hardware *hw = xcalloc(1, sizeof(*hw));
	AUTO_FREE char *file = xasprintf("%s/hardware.state", paths_home());
	struct plant_options options = {
	    .devices = hw->devices,
	    .count = hardware_devices(hw->devices),
	    .time_scale = (int)config_int(CONFIG_KITCHEN_TIME_SCALE),
	    .seed = (uint64_t)config_int(CONFIG_KITCHEN_SEED),
	    .file = file,
	    .bus_changed = bus_changed,
	    .arg = hw,
	};
	int rc;

	service_set_data(s, hw);
	rc = plant_new(&options, &hw->plant, err);
	if (rc == 0)
		rc = wire_start(hw->plant, config_string(CONFIG_KITCHEN_MODBUS_ADDRESS), hardware_port(),
				&hw->wire, err);
	if (rc == 0) {
		metric_collector(collect, hw);
		log_info("%d devices answer on port %d, a second is %d in the kitchen", options.count,
			 hardware_port(), options.time_scale);
	}
	return rc;
}

static void stop(struct service *s)
{
	struct hardware *hw = service_data(s);

	wire_stop(hw->wire);
	plant_free(hw->plant);
	free(hw);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_HARDWARE,
	    .migrations = hardware_migrations,
	    .migration_count = hardware_migration_count,
	    .routes = api_routes,
	    .route_count = api_route_count,
	    .start = start,
	    .stop = stop,
	};

	return service_main(&spec, argc, argv);
}
