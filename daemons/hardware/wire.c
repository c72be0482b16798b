/*
 * epoll over the listener, an event to wake it, and the clients.  Requests are cut out of what a client sent
 * here, so that half a request holds nobody up; libmodbus writes the answers.
 */
#include "daemons/hardware/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "daemons/hardware/registers.h"
#include "daemons/hardware/request.h"

#define TICK_MS	      1000 /* devices that nobody reads are reckoned on this often */
#define RETRY_MS      200  /* when the port cannot be had again */
#define EVENTS	      64
#define PAUSE_MS      10 /* when no more descriptors can be had */
#define FUNCTIONS     32 /* codes that are counted each by itself */
#define IDLE_EVICT_MS 10000
#define CLIENT_BUFFER ((size_t)2 * REQUEST_MAX)

enum outcome { OUTCOME_OK, OUTCOME_EXCEPTION, OUTCOME_SILENT, OUTCOMES };
static const char *const outcome_words[OUTCOMES] = {"ok", "exception", "silent"};

struct client {
	int fd; /* -1: free */
	size_t len;
	struct mono seen;
	uint8_t bytes[CLIENT_BUFFER];
};

struct wire {
	struct plant *plant;
	struct sockaddr_in address;
	modbus_t *modbus;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	int epoll, event, listener; /* -1: none */
	int connected;
	bool full;		/* the latest to come was turned away */
	struct client *clients; /* WIRE_CLIENTS_MAX */
	struct request request;
	struct metric_series *counts[FUNCTIONS + 1][OUTCOMES];
	struct metric_series *clients_gauge;
};

/* What epoll tells of: a client's index, or one of these. */
#define EVENT_LISTENER WIRE_CLIENTS_MAX
#define EVENT_WAKE     (WIRE_CLIENTS_MAX + 1)

/* --- metrics --- */

static void count(struct wire *w, int function, enum outcome outcome)
{
	int i = function < FUNCTIONS ? function : FUNCTIONS;
	char text[12];

	if (w->counts[i][outcome] == NULL) {
		snprintf(text, sizeof(text), "%d", function);
		w->counts[i][outcome] = metric_series(METRIC_MODBUS_REQUESTS, i < FUNCTIONS ? text : "other",
						      outcome_words[outcome], NULL);
	}
	metric_add(w->counts[i][outcome], 1);
}

/* --- the listener --- */

static int watch(struct wire *w, int fd, uint32_t what)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = what};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e);
}

static int listen_on(struct wire *w, struct error *err)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, code;

	if (fd < 0)
		return error_errno(err, "make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&w->address, sizeof(w->address)) == 0 && listen(fd, 128) == 0 &&
	    watch(w, fd, EVENT_LISTENER) == 0) {
		w->listener = fd;
		return 0;
	}
	code = errno == EADDRINUSE ? ERR_CONFLICT : ERR_FAILED;
	error_set(err, code, "listen for Modbus", "port %d: %s", ntohs(w->address.sin_port), strerror(errno));
	error_hint(err, "end what uses it, or set port_base in pizza.yaml");
	close(fd);
	return code;
}

/* --- clients --- */

static void drop(struct wire *w, struct client *c)
{
	close(c->fd);
	c->fd = -1;
	c->len = 0;
	metric_set(w->clients_gauge, --w->connected);
}

/* A free place; when there is none, that of the one that was quiet longest, unless that is not long. */
static struct client *place(struct wire *w)
{
	struct client *oldest = NULL;

	for (int i = 0; i < WIRE_CLIENTS_MAX; i++) {
		struct client *c = &w->clients[i];

		if (c->fd < 0)
			return c;
		if (oldest == NULL || c->seen.ns < oldest->seen.ns)
			oldest = c;
	}
	if (mono_since_ms(oldest->seen) < IDLE_EVICT_MS)
		return NULL;
	drop(w, oldest);
	return oldest;
}

static void accept_client(struct wire *w)
{
	int fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
	struct client *c = fd >= 0 ? place(w) : NULL;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			poll(NULL, 0, PAUSE_MS); /* the listener stays readable */
		return;
	}
	if (c == NULL || watch(w, fd, (uint32_t)(c - w->clients)) < 0) {
		if (!w->full)
			log_warn("Modbus clients are turned away: %d are connected", w->connected);
		w->full = true;
		close(fd);
		return;
	}
	w->full = false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	c->fd = fd;
	c->len = 0;
	c->seen = mono_now();
	metric_set(w->clients_gauge, ++w->connected);
}

/* --- answering --- */

/* A device's values of one space, as libmodbus takes them. */
struct image {
	uint16_t words[REGISTERS_EXTENT_MAX];
	uint8_t bits[REGISTERS_EXTENT_MAX];
	modbus_mapping_t map;
};

static void fill_image(struct wire *w, int device, enum hardware_space space, struct image *im)
{
	int extent = registers_extent(plant_device(w->plant, device), space);

	registers_read(w->plant, device, space, im->words);
	for (int i = 0; i < extent; i++)
		im->bits[i] = im->words[i] != 0;
	im->map = (modbus_mapping_t){
	    .nb_bits = extent,
	    .nb_input_bits = extent,
	    .nb_registers = extent,
	    .nb_input_registers = extent,
	    .tab_bits = im->bits,
	    .tab_input_bits = im->bits,
	    .tab_registers = im->words,
	    .tab_input_registers = im->words,
	};
}

static bool within(int address, int n, int extent)
{
	return address + n <= extent;
}

/* Does what the request asks for, as far as it changes anything; 0 or an exception. */
static int perform(struct wire *w, int device, struct request *r)
{
	int extent, exception;

	if (r->exception != 0)
		return r->exception;
	extent = registers_extent(plant_device(w->plant, device), r->space);
	if (!within(r->read_address, r->read_count, extent) ||
	    !within(r->write_address, r->write_count, extent))
		return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
	if (r->write_count == 0)
		return 0;
	if (r->function == MODBUS_FC_MASK_WRITE_REGISTER) {
		uint16_t now[REGISTERS_EXTENT_MAX];

		registers_read(w->plant, device, r->space, now);
		r->values[0] =
		    (uint16_t)((now[r->write_address] & r->and_mask) | (r->or_mask & ~r->and_mask));
	}
	exception = registers_write(w->plant, device, r->space, r->write_address, r->write_count, r->values);
	CRASH_POINT("hardware-written");
	return exception;
}

/* Answers one whole request; false when the client is to go. */
static bool answer(struct wire *w, const struct client *c, const uint8_t *bytes, int n)
{
	struct request *r = &w->request;
	struct image im;
	int device, exception = MODBUS_EXCEPTION_GATEWAY_TARGET;

	r->read_address = r->write_address = 0;
	request_parse(bytes, (size_t)n, r);
	device = r->unit - 1;
	if (device >= 0 && device < plant_count(w->plant)) {
		if (!plant_reachable(w->plant, device)) {
			count(w, r->function, OUTCOME_SILENT);
			return true;
		}
		exception = perform(w, device, r);
	}
	modbus_set_socket(w->modbus, c->fd);
	count(w, r->function, exception != 0 ? OUTCOME_EXCEPTION : OUTCOME_OK);
	if (exception != 0)
		return modbus_reply_exception(w->modbus, bytes, (unsigned)exception) >= 0;
	fill_image(w, device, r->space, &im);
	return modbus_reply(w->modbus, bytes, n, &im.map) >= 0;
}

/* Answers the whole requests there are; false when the client is to go. */
static bool answer_all(struct wire *w, struct client *c)
{
	size_t at = 0;
	int n;

	while ((n = request_length(c->bytes + at, c->len - at)) > 0) {
		if (!answer(w, c, c->bytes + at, n))
			return false;
		at += (size_t)n;
	}
	c->len -= at;
	memmove(c->bytes, c->bytes + at, c->len);
	return n == 0;
}

static void serve_client(struct wire *w, struct client *c)
{
	ssize_t n = c->fd >= 0 ? recv(c->fd, c->bytes + c->len, CLIENT_BUFFER - c->len, 0) : -1;

	if (c->fd < 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	c->seen = mono_now();
	if (n > 0)
		c->len += (size_t)n;
	if (n <= 0 || !answer_all(w, c))
		drop(w, c);
}

/* --- the loop --- */

/* Nobody listens, and nobody is connected, while the bus is down. */
static void follow_bus(struct wire *w)
{
	bool down = plant_bus_down(w->plant);
	struct error err;

	if (down && w->listener >= 0) {
		log_warn("the bus is down: no device can be reached");
		close(w->listener);
		w->listener = -1;
	}
	for (int i = 0; down && i < WIRE_CLIENTS_MAX; i++)
		if (w->clients[i].fd >= 0)
			drop(w, &w->clients[i]);
	if (!down && w->listener < 0) {
		if (listen_on(w, &err) < 0)
			log_err(LOG_WARN, &err, "the bus cannot come back yet");
		else
			log_info("the bus is back");
	}
}

static void handle(struct wire *w, const struct epoll_event *e)
{
	uint64_t wakes;

	if (e->data.u32 == EVENT_WAKE) {
		if (read(w->event, &wakes, sizeof(wakes)) < 0)
			log_debug("nothing woke the Modbus server");
	} else if (e->data.u32 == EVENT_LISTENER) {
		accept_client(w);
	} else {
		serve_client(w, &w->clients[e->data.u32]);
	}
}

static void *run(void *arg)
{
	struct wire *w = arg;
	struct mono ticked = mono_now();

	while (!atomic_load(&w->stopping)) {
		struct epoll_event events[EVENTS];
		bool wants_port = w->listener < 0 && !plant_bus_down(w->plant);
		int n = epoll_wait(w->epoll, events, EVENTS, wants_port ? RETRY_MS : TICK_MS);

		for (int i = 0; i < n; i++)
			handle(w, &events[i]);
		follow_bus(w);
		if (mono_since_ms(ticked) >= TICK_MS) {
			plant_tick(w->plant);
			ticked = mono_now();
		}
	}
	return NULL;
}

/* --- life --- */

static int open_parts(struct wire *w, const char *address, int port, struct error *err)
{
	w->address.sin_family = AF_INET;
	w->address.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, address, &w->address.sin_addr) != 1)
		return error_set(err, ERR_INVALID, "kitchen.modbus_address", "\"%s\" is no IPv4 address",
				 address);
	w->modbus = modbus_new_tcp(address, port);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->modbus == NULL || w->epoll < 0 || w->event < 0 || watch(w, w->event, EVENT_WAKE) < 0)
		return error_errno(err, "start the Modbus server");
	modbus_set_response_timeout(w->modbus, 0, 1); /* libmodbus waits that long before some refusals */
	return plant_bus_down(w->plant) ? 0 : listen_on(w, err);
}

int wire_start(struct plant *plant, const char *address, int port, struct wire **ret, struct error *err)
{
	struct wire *w = xcalloc(1, sizeof(*w));
	int rc;

	w->plant = plant;
	w->epoll = w->event = w->listener = -1;
	w->clients = xcalloc(WIRE_CLIENTS_MAX, sizeof(*w->clients));
	for (int i = 0; i < WIRE_CLIENTS_MAX; i++)
		w->clients[i].fd = -1;
	w->clients_gauge = metric_series(METRIC_MODBUS_CLIENTS, NULL, NULL, NULL);
	rc = open_parts(w, address, port, err);
	if (rc == 0) {
		int failed = pthread_create(&w->thread, NULL, run, w);

		w->running = failed == 0;
		if (failed != 0)
			rc = error_set(err, ERR_FAILED, "start the Modbus server", "%s", strerror(failed));
	}
	if (rc < 0) {
		wire_stop(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void wire_wake(struct wire *w)
{
	const uint64_t one = 1;

	if (write(w->event, &one, sizeof(one)) < 0)
		log_debug("the Modbus server is awake already");
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void wire_stop(struct wire *w)
{
	if (w == NULL)
		return;
	atomic_store(&w->stopping, true);
	if (w->running) {
		wire_wake(w);
		pthread_join(w->thread, NULL);
	}
	for (int i = 0; i < WIRE_CLIENTS_MAX; i++)
		close_if(w->clients[i].fd);
	close_if(w->listener);
	close_if(w->event);
	close_if(w->epoll);
	if (w->modbus != NULL)
		modbus_free(w->modbus);
	free(w->clients);
	free(w);
}
