/*
 * How our own daemons are started: they lie beside pizzad (PIZZA_BIN names another folder, for tests), find
 * the installation by their environment, and say READY=1 themselves.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config.h"
#include "core/config/paths.h"
#include "daemons/pizzad/supervisor.h"

static int launch(struct instance *i, struct launch *ret, struct error *err)
{
	const char *folder = getenv("PIZZA_BIN");
	char number[16];

	(void)err;
	launch_arg(ret, "%s/%s", folder != NULL && folder[0] != '\0' ? folder : paths_bin(), i->unit->name);
	launch_env(ret, "PIZZA_HOME", paths_home());
	launch_env(ret, "PIZZA_PORT_BASE", config_text(CONFIG_PORT_BASE));
	if (config_file()[0] != '\0')
		launch_env(ret, "PIZZA_CONFIG", config_file());
	snprintf(number, sizeof(number), "%d", i->replica);
	launch_env(ret, "PIZZA_REPLICA", number);
	launch_env(ret, "NOTIFY_SOCKET", i->unit->supervisor->notify_path);
	return 0;
}

const struct unit_ops daemon_ops = {.stop_signal = SIGTERM, .launch = launch};
