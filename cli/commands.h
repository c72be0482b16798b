/*
 * All nouns: each is defined in cmd_NOUN.c, or beside its siblings.
 */
#ifndef PIZZA_CLI_COMMANDS_H
#define PIZZA_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct noun noun_up, noun_down, noun_status, noun_start, noun_stop, noun_restart, noun_scale,
    noun_logs, noun_doctor, noun_order, noun_saga, noun_kpi, noun_menu, noun_inventory, noun_payment,
    noun_notify, noun_topic, noun_lag, noun_outbox, noun_sandbox, noun_config, noun_context, noun_version,
    noun_help;

#endif
