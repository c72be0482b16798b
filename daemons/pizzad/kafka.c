/*
 * The private Kafka: one node, broker and controller in one (KRaft), on 127.0.0.1 at port_base + 92 and 93,
 * with its data in home/kafka/data.  Its log messages go through Log4j to stdout, that is log/kafka.log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/config/programs.h"
#include "daemons/pizzad/files.h"
#include "daemons/pizzad/supervisor.h"

#define NICE		10 /* as what it works for: after accepting orders */
#define STOP_MS		15000
#define START_MS	120000
#define CLUSTER_ID_SIZE 23 /* 16 bytes in base64 without padding */

static int port(int offset)
{
	return (int)config_int(CONFIG_PORT_BASE) + offset;
}

static const char *in_folder(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", paths_kafka(), name);
	return path;
}

static int write_properties(struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	int broker = port(PORT_OFFSET_KAFKA), controller = port(PORT_OFFSET_KAFKA_CONTROLLER);
	char path[PATH_MAX];

	buf_adds(&text, "# Written by pizzad at each start.\n");
	buf_addf(&text,
		 "process.roles=broker,controller\n"
		 "node.id=1\n"
		 "controller.quorum.voters=1@127.0.0.1:%d\n"
		 "listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d\n"
		 "advertised.listeners=PLAINTEXT://127.0.0.1:%d\n",
		 controller, broker, controller, broker);
	buf_adds(&text, "controller.listener.names=CONTROLLER\n"
			"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
			"auto.create.topics.enable=false\n"
			"default.replication.factor=1\n"
			"offsets.topic.replication.factor=1\n"
			"offsets.topic.num.partitions=8\n"
			"transaction.state.log.replication.factor=1\n"
			"transaction.state.log.min.isr=1\n"
			"transaction.state.log.num.partitions=2\n"
			"share.coordinator.state.topic.replication.factor=1\n"
			"share.coordinator.state.topic.min.isr=1\n"
			"group.initial.rebalance.delay.ms=0\n"
			"# After a kill the broker waits until its former self has timed out.\n"
			"broker.session.timeout.ms=6000\n"
			"broker.heartbeat.interval.ms=500\n"
			"num.network.threads=2\n"
			"num.io.threads=4\n"
			"background.threads=2\n"
			"log.segment.bytes=268435456\n"
			"log.index.size.max.bytes=1048576\n"
			"log.cleaner.dedupe.buffer.size=8388608\n");
	buf_addf(&text, "num.partitions=%lld\n", (long long)config_int(CONFIG_KAFKA_PARTITIONS));
	buf_addf(&text, "log.dirs=%s/data\n", paths_kafka());
	return file_write(in_folder("server.properties", path), buf_str(&text), err);
}

static int write_log_settings(struct error *err)
{
	static const char text[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!-- Written by pizzad at each start. -->\n"
	    "<Configuration status=\"ERROR\" shutdownHook=\"disable\">\n"
	    "  <Appenders>\n"
	    "    <Console name=\"out\" target=\"SYSTEM_OUT\">\n"
	    "      <PatternLayout pattern=\"%d{ISO8601} %-5p %m (%c{1})%n%throwable{short}\"/>\n"
	    "    </Console>\n"
	    "  </Appenders>\n"
	    "  <Loggers>\n"
	    "    <Root level=\"WARN\"><AppenderRef ref=\"out\"/></Root>\n"
	    "    <Logger name=\"kafka.server\" level=\"INFO\"/>\n"
	    "    <Logger name=\"kafka.server.KafkaConfig\" level=\"WARN\"/>\n"
	    "    <Logger name=\"org.apache.kafka.common.config.AbstractConfig\" level=\"WARN\"/>\n"
	    "  </Loggers>\n"
	    "</Configuration>\n";
	char path[PATH_MAX];

	return file_write(in_folder("log4j2.xml", path), text, err);
}

static int write_files(struct error *err)
{
	int rc = write_properties(err);

	return rc < 0 ? rc : write_log_settings(err);
}

/* java and what every run of it needs. */
static int add_java(struct launch *l, struct error *err)
{
	char java[PATH_MAX], libs[PATH_MAX];
	int major, rc = programs_java(java, &major, err);

	if (rc == 0)
		rc = programs_kafka(libs, err);
	if (rc < 0)
		return rc;
	launch_arg(l, "%s", java);
	launch_arg(l, "-XX:+UseSerialGC");
	/* The second compiler takes more in the first minutes than its code gives back: measured, the first
	 * 24,000 orders cost Kafka 480 us of CPU each with it and 270 us without. */
	launch_arg(l, "-XX:TieredStopAtLevel=1");
	launch_arg(l, "-XX:-UsePerfData");
	launch_arg(l, "-Djava.awt.headless=true");
	launch_arg(l, "-Dlog4j2.configurationFile=%s/log4j2.xml", paths_kafka());
	launch_arg(l, "-cp");
	launch_arg(l, "%s/*", libs);
	return 0;
}

/* The archive of classes that train.sh made beside the jar files; one that does not fit this Java is left
 * aside by it. */
static void add_class_archive(struct launch *l)
{
	char libs[PATH_MAX], archive[PATH_MAX + 8];

	if (programs_kafka(libs, NULL) < 0)
		return;
	snprintf(archive, sizeof(archive), "%s.jsa", libs);
	if (access(archive, R_OK) < 0)
		return;
	launch_arg(l, "-XX:SharedArchiveFile=%s", archive);
	launch_arg(l, "-Xlog:cds=off");
	launch_arg(l, "-Xlog:cds+dynamic=off");
}

/* A random cluster id as Kafka writes it: URL-safe base64, never with a leading dash, which would look like
 * an option. */
static int cluster_id(char text[CLUSTER_ID_SIZE], struct error *err)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[18] = {0}; /* two of padding */
	char *p = text;

	if (getrandom(bytes, 16, 0) != 16)
		return error_errno(err, "draw random bytes");
	bytes[0] &= 0x7f; /* the dash has the first digit's highest bit set */
	for (int i = 0; i < 18; i += 3) {
		unsigned v = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];

		for (int shift = 18; shift >= 0 && p < text + CLUSTER_ID_SIZE - 1; shift -= 6)
			*p++ = digits[v >> shift & 63];
	}
	*p = '\0';
	return 0;
}

static int prepare(struct instance *i, struct launch *ret, struct error *err)
{
	char id[CLUSTER_ID_SIZE], path[PATH_MAX];
	int rc;

	(void)i;
	if (access(in_folder("data/meta.properties", path), F_OK) == 0)
		return 0;
	rc = write_files(err);
	if (rc == 0)
		rc = cluster_id(id, err);
	if (rc == 0)
		rc = add_java(ret, err);
	if (rc < 0)
		return rc;
	launch_arg(ret, "kafka.tools.StorageTool");
	launch_arg(ret, "format");
	launch_arg(ret, "--ignore-formatted");
	launch_arg(ret, "-t");
	launch_arg(ret, "%s", id);
	launch_arg(ret, "-c");
	launch_arg(ret, "%s/server.properties", paths_kafka());
	ret->text = "formats its storage";
	return 1;
}

static int launch(struct instance *i, struct launch *ret, struct error *err)
{
	long long heap = config_int(CONFIG_KAFKA_HEAP);
	int rc = write_files(err);

	(void)i;
	if (rc == 0)
		rc = add_java(ret, err);
	if (rc < 0)
		return rc;
	add_class_archive(ret);
	launch_arg(ret, "-Xmx%lldk", heap / 1024);
	launch_arg(ret, "-Xms%lldk", heap / 4096);
	launch_arg(ret, "-XX:+ExitOnOutOfMemoryError");
	launch_arg(ret, "kafka.Kafka");
	launch_arg(ret, "%s/server.properties", paths_kafka());
	return 0;
}

static struct sockaddr_in loopback(in_addr_t address, int number)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr.s_addr = htonl(address)};
}

/*
 * The broker listens as its last step.  Called from 127.0.0.2, because a connection from 127.0.0.1 to a port
 * of the ephemeral range may reach itself.
 */
static bool probe(struct instance *i)
{
	struct sockaddr_in from = loopback(INADDR_LOOPBACK + 1, 0);
	struct sockaddr_in to = loopback(INADDR_LOOPBACK, port(PORT_OFFSET_KAFKA));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	(void)i;
	if (fd < 0)
		return false;
	ok = bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	     connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0; /* on the loopback at once */
	close(fd);
	return ok;
}

const struct unit_ops kafka_ops = {
    .stop_signal = SIGTERM,
    .stop_ms = STOP_MS,
    .start_ms = START_MS,
    .nice = NICE,
    .probe_ms = 30,
    .prepare = prepare,
    .launch = launch,
    .probe = probe,
    .provision = provision_topics,
};
