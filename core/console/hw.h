/*
 * The kitchen's hardware for both faces: the devices, what is sent to change one, and whether one is in
 * order. No printing.
 */
#ifndef PIZZA_CONSOLE_HW_H
#define PIZZA_CONSOLE_HW_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/console/console.h"

#define HW_DAEMON "hwd"

/*
 * The devices, limit at most (-1: all), and one of them (owned).  What lies on them, or is counted for, is
 * named by its ticket and order as far as the kitchen can be asked; otherwise these are null.
 */
int hw_list(struct console *c, int64_t limit, console_row *row, void *arg, struct error *err) MUST_USE;
int hw_show(struct console *c, const char *device, json_t **ret, struct error *err) MUST_USE;

/* Appends the route of a device (NULL: all), or of what is done to it ("fault", "clear"; NULL: itself). */
void hw_path(struct buf *path, const char *device, const char *action);

/*
 * Adds a setting to the body of a change: its name as in the register map ("setpoint") or in JSON
 * ("setpoint_c"), its value as people write it ("300", "on", "open").  ERR_USAGE lists the names, or says
 * what the value must be.
 */
int hw_setting(json_t *body, const char *name, const char *value, struct error *err) MUST_USE;

/*
 * ERR_REFUSED when the body sets a temperature, or the power, that the kitchen would set back at once: a
 * station is heated as its tickets want it as long as kitchend runs.  Asks the kitchen, and refuses nothing
 * when it cannot be asked.
 */
int hw_check(struct console *c, const char *device, const json_t *body, struct error *err) MUST_USE;

/* {"faults": [names]}; owned. */
json_t *hw_faults(const char *const *names, int count);

/*
 * Why the device is not in order: "" when it is, else what is wrong: faults, the cut-out, or that it was not
 * heard for max_age_ms.
 */
void hw_judge(const json_t *row, int64_t max_age_ms, struct buf *why);

#endif
