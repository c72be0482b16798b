/*
 * SIGINT and SIGTERM as a flag; blocking calls return, as they are not restarted.
 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

volatile bool interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = true;
}

void interrupt_catch(void)
{
	struct sigaction a = {.sa_handler = on_signal};

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}
