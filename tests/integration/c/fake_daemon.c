/*
 * A daemon that does nothing but speak the supervisor's protocol: for tests of pizzad alone.  Linked or
 * copied under the daemons' names into the folder that PIZZA_BIN names.
 *
 * $PIZZA_HOME/fake/NAME may hold one word that changes its behaviour: "exit" (ends at once with an error
 * line), "mute" (never ready), "degraded", "stubborn" (ignores SIGTERM).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/service/notify_socket.h"

static void read_behaviour(const char *name, char word[32])
{
	char path[4096];
	FILE *f;

	word[0] = '\0';
	snprintf(path, sizeof(path), "%s/fake/%s", getenv("PIZZA_HOME"), name);
	f = fopen(path, "r");
	if (f != NULL) {
		if (fscanf(f, "%31s", word) != 1)
			word[0] = '\0';
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];
	const char *replica = getenv("PIZZA_REPLICA");
	char word[32], text[128];
	sigset_t set;
	int got;

	(void)argc;
	if (replica == NULL)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	read_behaviour(name, word);
	printf("{\"level\":\"info\",\"msg\":\"replica %s starts\"}\n", replica);
	if (strcmp(word, "exit") == 0) {
		printf("{\"level\":\"error\",\"msg\":\"the oven is cold\"}\n");
		return 3;
	}
	fflush(stdout);
	if (strcmp(word, "mute") != 0) {
		snprintf(text, sizeof(text), "READY=1\nSTATUS=%s\nX_PIZZA_STATE=%s\nX_PIZZA_PORT=%d\n",
			 strcmp(word, "degraded") == 0 ? "no flour" : "",
			 strcmp(word, "degraded") == 0 ? "degraded" : "up", 40000 + atoi(replica));
		notify_socket_send(text);
	}
	while (sigwait(&set, &got) == 0) {
		if (got == SIGTERM && strcmp(word, "stubborn") != 0)
			break;
	}
	notify_socket_send("STOPPING=1\n");
	return 0;
}
