/*
 * LeaveGroup for a static member (KIP-345), spoken directly: two requests of Kafka's protocol over a plain
 * connection (https://kafka.apache.org/protocol): FindCoordinator version 2, then LeaveGroup version 3 to the
 * broker it names.
 */
#include "core/bus/admin_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

#define API_FIND_COORDINATOR 10
#define API_LEAVE_GROUP	     13
#define ANSWER_MAX	     65536

struct answer {
	const unsigned char *at, *end;
	bool cut; /* read beyond its end */
};

static void put_int(struct buf *b, int64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_addc(b, (char)(value >> (8 * i)));
}

static void put_string(struct buf *b, const char *text)
{
	put_int(b, (int64_t)strlen(text), 2);
	buf_adds(b, text);
}

static int64_t get_int(struct answer *a, int bytes)
{
	int64_t value = 0;

	if (a->end - a->at < bytes) {
		a->cut = true;
		return 0;
	}
	value = a->at[0] - (a->at[0] >= 0x80 ? 0x100 : 0);
	for (int i = 1; i < bytes; i++)
		value = (int64_t)((uint64_t)value << 8) | a->at[i];
	a->at += bytes;
	return value;
}

/* A nullable string; cut to the room there is. */
static void get_string(struct answer *a, char *ret, size_t size)
{
	int64_t len = get_int(a, 2);

	ret[0] = '\0';
	if (len < 0)
		return;
	if (a->end - a->at < len) {
		a->cut = true;
		return;
	}
	snprintf(ret, size, "%.*s", (int)len, (const char *)a->at);
	a->at += len;
}

/* --- one request over one connection --- */

static bool connect_within(int fd, const struct sockaddr *address, socklen_t len, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int failure = 0;
	socklen_t size = sizeof(failure);

	if (connect(fd, address, len) == 0)
		return true;
	if (errno != EINPROGRESS || poll(&p, 1, timeout_ms) != 1)
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0;
}

static int connect_to(const char *host, const char *port, int timeout_ms, struct error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int fd = -1;
	int e = getaddrinfo(host, port, &hints, &found);

	if (e != 0)
		return error_set(err, ERR_UNAVAILABLE, host, "%s", gai_strerror(e));
	for (const struct addrinfo *i = found; i != NULL && fd < 0; i = i->ai_next) {
		fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && !connect_within(fd, i->ai_addr, i->ai_addrlen, timeout_ms)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd >= 0 ? fd
		       : error_set(err, ERR_UNAVAILABLE, host, "cannot connect to Kafka at port %s", port);
}

static bool send_all(int fd, const char *data, size_t n, struct mono deadline)
{
	while (n > 0) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t sent;

		if (poll(&p, 1, (int)mono_left_ms(deadline)) != 1)
			return false;
		sent = send(fd, data, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

static bool receive_all(int fd, void *data, size_t n, struct mono deadline)
{
	char *at = data;

	while (n > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&p, 1, (int)mono_left_ms(deadline)) != 1)
			return false;
		got = recv(fd, at, n, 0);
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* Sends one request and reads its answer into `ret`; a then stands behind the correlation id. */
static int call(int fd, int api, int version, const struct buf *body, struct buf *ret, struct answer *a,
		int timeout_ms, struct error *err)
{
	CLEANUP(buf_done) struct buf request = {0};
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	uint32_t size;

	put_int(&request, (int64_t)body->len + 2 + 2 + 4 + 2 + 5, 4);
	put_int(&request, api, 2);
	put_int(&request, version, 2);
	put_int(&request, 1, 4);
	put_string(&request, "pizza");
	buf_add(&request, body->data, body->len);
	if (!send_all(fd, request.data, request.len, deadline) ||
	    !receive_all(fd, &size, sizeof(size), deadline))
		return error_set(err, ERR_UNAVAILABLE, "Kafka", "no answer within %d ms", timeout_ms);
	size = ntohl(size);
	if (size < 4 || size > ANSWER_MAX)
		return error_set(err, ERR_MALFORMED, "Kafka", "an answer of %u bytes", size);
	buf_reset(ret);
	buf_reserve(ret, size);
	if (!receive_all(fd, ret->data, size, deadline))
		return error_set(err, ERR_UNAVAILABLE, "Kafka", "no answer within %d ms", timeout_ms);
	*a = (struct answer){(unsigned char *)ret->data + 4, (unsigned char *)ret->data + size, false};
	return 0;
}

/* --- the two requests --- */

static int find_coordinator(const char *host, const char *port, const char *group, int timeout_ms,
			    char ret_host[256], char ret_port[16], struct error *err)
{
	CLEANUP(buf_done) struct buf body = {0}, raw = {0};
	struct answer a = {0};
	char why[256];
	int64_t e;
	int fd = connect_to(host, port, timeout_ms, err);
	int rc;

	if (fd < 0)
		return fd;
	put_string(&body, group);
	put_int(&body, 0, 1); /* a consumer group */
	rc = call(fd, API_FIND_COORDINATOR, 2, &body, &raw, &a, timeout_ms, err);
	close(fd);
	if (rc < 0)
		return rc;
	get_int(&a, 4); /* throttle time */
	e = get_int(&a, 2);
	get_string(&a, why, sizeof(why));
	get_int(&a, 4); /* node */
	get_string(&a, ret_host, 256);
	snprintf(ret_port, 16, "%d", (int)get_int(&a, 4));
	if (a.cut)
		return error_set(err, ERR_MALFORMED, "Kafka", "a FindCoordinator answer that is too short");
	return e == 0 ? 0 : bus_fail(err, (rd_kafka_resp_err_t)e, group, why);
}

/* Nobody there to remove is fine. */
static int judge_leave(struct answer *a, const char *group, struct error *err)
{
	int64_t e, members;
	char text[256];

	get_int(a, 4); /* throttle time */
	e = get_int(a, 2);
	members = get_int(a, 4);
	if (e == 0 && members > 0) {
		get_string(a, text, sizeof(text));
		get_string(a, text, sizeof(text));
		e = get_int(a, 2);
	}
	if (a->cut)
		return error_set(err, ERR_MALFORMED, "Kafka", "a LeaveGroup answer that is too short");
	if (e == 0 || e == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || e == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
		return 0;
	return bus_fail(err, (rd_kafka_resp_err_t)e, group, NULL);
}

static int leave(const char *host, const char *port, const char *group, const char *instance, int timeout_ms,
		 struct error *err)
{
	CLEANUP(buf_done) struct buf body = {0}, raw = {0};
	struct answer a = {0};
	int fd = connect_to(host, port, timeout_ms, err);
	int rc;

	if (fd < 0)
		return fd;
	put_string(&body, group);
	put_int(&body, 1, 4);  /* one member: */
	put_string(&body, ""); /* any member id */
	put_string(&body, instance);
	rc = call(fd, API_LEAVE_GROUP, 3, &body, &raw, &a, timeout_ms, err);
	close(fd);
	return rc < 0 ? rc : judge_leave(&a, group, err);
}

/* "host:port", "[::1]:port" or "host", in place. */
static void split_address(char *address, const char **ret_host, const char **ret_port)
{
	char *colon = strrchr(address, ':');

	*ret_port = "9092";
	if (colon != NULL && strchr(colon, ']') == NULL) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
	if (address[0] == '[' && address[strlen(address) - 1] == ']') {
		address[strlen(address) - 1] = '\0';
		address++;
	}
	*ret_host = address;
}

int bus_leave_group(const char *bootstrap, const char *group, const char *instance, int timeout_ms,
		    struct error *err)
{
	AUTO_FREE char *copy = xstrdup(bootstrap);
	char coordinator[256], coordinator_port[16];
	char *rest = copy, *address;
	int rc = error_set(err, ERR_INVALID, "Kafka", "no bootstrap server is configured");

	while ((address = strsep(&rest, ", ")) != NULL) {
		const char *host, *port;

		if (address[0] == '\0')
			continue;
		split_address(address, &host, &port);
		rc = find_coordinator(host, port, group, timeout_ms, coordinator, coordinator_port, err);
		if (rc == 0)
			return leave(coordinator, coordinator_port, group, instance, timeout_ms, err);
	}
	return rc;
}
