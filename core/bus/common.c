/*
 * What all Kafka clients share: settings, what librdkafka's errors mean here (decided once), and whether a
 * broker can be reached.  librdkafka says when the last broker went down but not when one came back, so that
 * is asked.
 */
#include "core/bus/internal.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define PROBE_EVERY_MS 500

/* Reconnects quickly: after a broker's restart everybody waits for it. */
static const struct bus_setting common[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"socket.connection.setup.timeout.ms", "5000"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {"topic.metadata.refresh.fast.interval.ms", "100"},
    {"log.connection.close", "false"},
};

static const struct {
	rd_kafka_resp_err_t error;
	int code;
} codes[] = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, 0},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, ERR_LEASE_LOST},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, ERR_LEASE_LOST},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, ERR_TRANSIENT},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_TOO_LARGE},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, ERR_TOO_LARGE},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERR_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERR_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, ERR_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, ERR_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERR_CONFLICT},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERR_INVALID},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, ERR_INVALID},
    {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__RESOLVE, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, ERR_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_REFUSED},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERR_REFUSED},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERR_REFUSED},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERR_REFUSED},
    {RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, ERR_REFUSED},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ERR_CONFLICT},
    {RD_KAFKA_RESP_ERR__FENCED, ERR_CONFLICT},
    {RD_KAFKA_RESP_ERR__FATAL, ERR_CONFLICT},
};

int bus_error_code(rd_kafka_resp_err_t e)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].error == e)
			return codes[i].code;
	return ERR_FAILED;
}

int bus_fail(struct error *err, rd_kafka_resp_err_t e, const char *what, const char *why)
{
	int code = bus_error_code(e);

	return error_set(err, code != 0 ? code : ERR_FAILED, what, "%s",
			 why != NULL && why[0] != '\0' ? why : rd_kafka_err2str(e));
}

void bus_link_up(struct bus_link *link)
{
	if (atomic_load_explicit(&link->down, memory_order_relaxed))
		atomic_store(&link->down, false);
}

bool bus_link_check(struct bus_link *link, rd_kafka_t *rk, int timeout_ms)
{
	const struct rd_kafka_metadata *metadata;
	struct mono now = mono_now();
	struct mono probed = {atomic_load(&link->probed_ns)};

	if (!atomic_load(&link->down))
		return true;
	if (mono_diff_ms(now, probed) < PROBE_EVERY_MS)
		return false;
	atomic_store(&link->probed_ns, now.ns);
	if (rd_kafka_metadata(rk, 0, NULL, &metadata, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	rd_kafka_metadata_destroy(metadata);
	atomic_store(&link->down, false);
	return true;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	log_debug("kafka: %s: %s", facility, text);
}

static void on_error(rd_kafka_t *rk, int e, const char *why, void *opaque)
{
	struct bus_link *link = opaque;

	(void)rk;
	if (e == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		atomic_store(&link->down, true);
	log_debug("kafka: %s: %s", rd_kafka_err2name((rd_kafka_resp_err_t)e), why);
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err)
{
	char why[256];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		return error_set(err, ERR_INVALID, name, "%s", why);
	return 0;
}

int bus_conf(const struct bus_options *options, const struct bus_setting *settings, size_t n, void *opaque,
	     rd_kafka_conf_t **ret, struct error *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	int rc = set(conf, "bootstrap.servers", options->bootstrap, err);

	if (rc == 0 && options->client_id != NULL)
		rc = set(conf, "client.id", options->client_id, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(common); i++)
		rc = set(conf, common[i].name, common[i].value, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (settings[i].value != NULL && settings[i].value[0] != '\0')
			rc = set(conf, settings[i].name, settings[i].value, err);
	if (rc < 0) {
		rd_kafka_conf_destroy(conf);
		return rc;
	}
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_opaque(conf, opaque);
	*ret = conf;
	return 0;
}

int bus_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret, struct error *err)
{
	char why[256];
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));

	if (rk == NULL) {
		rd_kafka_conf_destroy(conf);
		return error_set(err, ERR_INVALID, "Kafka client", "%s", why);
	}
	*ret = rk;
	return 0;
}
