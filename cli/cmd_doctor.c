/*
 * pizzactl doctor: what an installation needs, and what mends it.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/mem.h"
#include "core/console/doctor.h"

static int doctor(struct cli *c, struct error *err)
{
	AUTO_FREE struct doctor_check *checks = NULL;
	struct console *console;
	json_t *rows = json_array();
	int n = 0, bad = 0, rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = doctor_run(console, &checks, &n, err);
	for (int i = 0; i < n; i++) {
		bad += checks[i].ok == DOCTOR_BAD;
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "check", checks[i].name,
						      "result", doctor_ok_word(checks[i].ok), "detail",
						      checks[i].detail, "hint", checks[i].hint));
	}
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	rc = cli_list(c, rows, err);
	if (rc < 0 || bad == 0)
		return rc;
	error_set(err, ERR_FAILED, "doctor", "%d check%s failed", bad, bad == 1 ? "" : "s");
	error_hint(err, "the column HINT says what mends it");
	return ERR_FAILED;
}

static const struct column doctor_columns[] = {
    {.name = "check", .flags = COLUMN_ID, .text = "what was looked at"},
    {.name = "result", .kind = COLUMN_STATE, .text = "ok, warn or bad"},
    {.name = "detail", .text = "what was found"},
    {.name = "hint", .text = "what mends it"},
    {.name = NULL},
};

const struct noun noun_doctor = {
    .name = "doctor",
    .group = "system",
    .summary = "check what an installation needs, and say what mends it",
    .commands =
	(const struct command[]){
	    {.summary = "check what an installation needs, and say what mends it",
	     .columns = doctor_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl doctor"},
	     .run = doctor},
	    {.run = NULL},
	},
};
