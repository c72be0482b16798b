/*
 * Requests are built and answers taken apart here, since libmodbus's own calls wait for each answer; it
 * frames and checks them.  One request is under way per device.
 */
#include "daemons/kitchen/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define RECONNECT_MS   250
#define CHUNK_MS       50 /* for the rest of an answer that has begun */
#define HEADER	       7  /* bytes of Modbus/TCP before the function code */
#define FUNCTION_READ  4
#define FUNCTION_COIL  5
#define FUNCTION_WRITE 16

enum phase { PHASE_CLOSED, PHASE_CONNECTING, PHASE_READY, PHASE_READING, PHASE_WRITING };

/* What is wanted of a device; the most urgent one is sent first. */
struct wants {
	struct {
		enum hardware_command command; /* NONE: nothing */
		enum hardware_product product;
		uint32_t tag;
	} deck[HARDWARE_DECKS_MAX];
	bool setpoint_wanted, power_wanted, reset_wanted;
	int setpoint;
	bool power;
	bool duration_wanted, run_wanted;
	int duration;
	bool run;
};

struct device {
	const struct hardware_device *info;
	modbus_t *modbus;
	int fd; /* -1: none */
	enum phase phase;
	uint8_t function;
	struct mono due;   /* when it is next connected to, or read; or given up */
	struct mono asked; /* when it was last asked for a reading */
	struct link_device seen;
	struct wants wants;
};

struct link {
	struct link_options options;
	pthread_t thread;
	pthread_mutex_t lock; /* seen and wants of the devices */
	struct device *devices;
	struct pollfd *polls;
	int wake; /* eventfd */
	bool stopping;
};

/* --- connections --- */

static void set_trouble(struct link *l, struct device *d, const char *why)
{
	pthread_mutex_lock(&l->lock);
	snprintf(d->seen.trouble, sizeof(d->seen.trouble), "%.95s", why);
	pthread_mutex_unlock(&l->lock);
}

static void close_device(struct link *l, struct device *d, const char *why)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	d->phase = PHASE_CLOSED;
	d->due = mono_add_ms(mono_now(), RECONNECT_MS);
	set_trouble(l, d, why);
}

static void connected(struct device *d)
{
	modbus_set_socket(d->modbus, d->fd);
	d->phase = PHASE_READY;
	d->due = mono_now();
}

static void connect_device(struct link *l, struct device *d)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->options.port)};
	int one = 1;

	inet_pton(AF_INET, l->options.address, &to.sin_addr);
	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0 || d->fd >= FD_SETSIZE) { /* libmodbus waits by select */
		close_device(l, d, "no socket is left");
		return;
	}
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(d->fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
		connected(d);
	} else if (errno == EINPROGRESS) {
		d->phase = PHASE_CONNECTING;
		d->due = mono_add_ms(mono_now(), l->options.answer_ms);
	} else {
		close_device(l, d, strerror(errno));
	}
}

static void end_connecting(struct link *l, struct device *d)
{
	int problem = 0;
	socklen_t n = sizeof(problem);

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &problem, &n) < 0)
		problem = errno;
	if (problem != 0)
		close_device(l, d, strerror(problem));
	else
		connected(d);
}

/* --- requests --- */

static void put16(uint8_t *at, int value)
{
	at[0] = (uint8_t)((unsigned)value >> 8);
	at[1] = (uint8_t)value;
}

/* Unit, function, address and one more number: how all requests begin. */
static int begin_request(const struct device *d, uint8_t *raw, uint8_t function, int address, int number)
{
	raw[0] = (uint8_t)d->info->unit;
	raw[1] = function;
	put16(raw + 2, address);
	put16(raw + 4, number);
	return 6;
}

static int write_registers(const struct device *d, uint8_t *raw, int address, const uint16_t *values, int n)
{
	int len = begin_request(d, raw, FUNCTION_WRITE, address, n);

	raw[len++] = (uint8_t)(2 * n);
	for (int i = 0; i < n; i++, len += 2)
		put16(raw + len, values[i]);
	return len;
}

static int write_coil(const struct device *d, uint8_t *raw, int address, bool value)
{
	return begin_request(d, raw, FUNCTION_COIL, address, value ? 0xff00 : 0);
}

static int deck_request(struct device *d, uint8_t *raw)
{
	struct wants *w = &d->wants;
	uint16_t values[HARDWARE_DECK_HOLDINGS];

	for (int i = 0; i < d->info->decks; i++) {
		enum hardware_command command = w->deck[i].command;
		int address;

		if (command == HARDWARE_COMMAND_NONE)
			continue;
		address = hardware_order(i, command, w->deck[i].product, w->deck[i].tag, values);
		w->deck[i].command = HARDWARE_COMMAND_NONE;
		return write_registers(d, raw, address, values, HARDWARE_DECK_HOLDINGS);
	}
	return 0;
}

static int take(bool *wanted)
{
	bool was = *wanted;

	*wanted = false;
	return was;
}

/* The next thing that is wanted of the device; 0: nothing.  Called with the lock held. */
static int next_request(struct device *d, uint8_t *raw)
{
	struct wants *w = &d->wants;
	uint16_t value;
	int len = deck_request(d, raw);

	if (len > 0)
		return len;
	if (take(&w->setpoint_wanted)) {
		value = (uint16_t)w->setpoint;
		return write_registers(d, raw, HARDWARE_HOLD_SETPOINT, &value, 1);
	}
	if (take(&w->power_wanted))
		return write_coil(d, raw, HARDWARE_COIL_POWER, w->power);
	if (take(&w->reset_wanted))
		return write_coil(d, raw, HARDWARE_COIL_RESET, true);
	if (take(&w->duration_wanted)) {
		value = (uint16_t)w->duration;
		return write_registers(d, raw, HARDWARE_HOLD_DURATION, &value, 1);
	}
	if (take(&w->run_wanted))
		return write_coil(d, raw, HARDWARE_COIL_RUN, w->run);
	return 0;
}

static void send_request(struct link *l, struct device *d, uint8_t *raw, int len, enum phase phase)
{
	if (modbus_send_raw_request(d->modbus, raw, len) < 0) {
		close_device(l, d, modbus_strerror(errno));
		return;
	}
	d->function = raw[1];
	d->phase = phase;
	d->due = mono_add_ms(mono_now(), l->options.answer_ms);
}

/* What is wanted goes before the next reading. */
static void work_ready(struct link *l, struct device *d)
{
	uint8_t raw[MODBUS_TCP_MAX_ADU_LENGTH];
	int len;

	pthread_mutex_lock(&l->lock);
	len = next_request(d, raw);
	pthread_mutex_unlock(&l->lock);
	if (len > 0) {
		send_request(l, d, raw, len, PHASE_WRITING);
	} else if (mono_left_ms(d->due) == 0) {
		len = begin_request(d, raw, FUNCTION_READ, 0, hardware_block(d->info));
		d->asked = mono_now();
		send_request(l, d, raw, len, PHASE_READING);
	}
}

/* --- answers --- */

static bool same_decks(const struct hardware_reading *a, const struct hardware_reading *b)
{
	for (int i = 0; i < a->decks; i++)
		if (a->deck[i].state != b->deck[i].state || a->deck[i].tag != b->deck[i].tag)
			return false;
	return a->decks == b->decks;
}

/* Something that the floor acts upon. */
static bool matters(const struct device *d, const struct hardware_reading *now)
{
	const unsigned idle =
	    HARDWARE_STATUS_BIT(HEATER) | HARDWARE_STATUS_BIT(RUNNING) | HARDWARE_STATUS_BIT(EXPIRED);
	const struct hardware_reading *was = &d->seen.reading;

	return d->seen.at.ns == 0 || ((was->status ^ now->status) & ~idle) != 0 ||
	       was->faults != now->faults || was->setpoint != now->setpoint || !same_decks(was, now);
}

static bool busy(const struct hardware_reading *r)
{
	for (int i = 0; i < r->decks; i++)
		if (r->deck[i].tag != 0)
			return true;
	return false;
}

static bool note_reading(struct link *l, struct device *d, const struct hardware_reading *reading)
{
	struct mono now = mono_now();
	bool changed;

	pthread_mutex_lock(&l->lock);
	changed = matters(d, reading);
	if (d->seen.at.ns == 0 || reading->heartbeat != d->seen.reading.heartbeat)
		d->seen.beat = now;
	d->seen.reading = *reading;
	d->seen.at = now;
	d->seen.asked = d->asked;
	d->seen.trouble[0] = '\0';
	pthread_mutex_unlock(&l->lock);
	return changed;
}

static void take_block(struct link *l, struct device *d, const uint8_t *body, int len)
{
	uint16_t registers[HARDWARE_BLOCK_MAX];
	struct hardware_reading reading;
	struct error err;
	int n = body[0] / 2;

	if (n > HARDWARE_BLOCK_MAX || len < 1 + 2 * n) {
		close_device(l, d, "an answer is too short");
		return;
	}
	for (int i = 0; i < n; i++)
		registers[i] = (uint16_t)(body[1 + 2 * i] << 8 | body[2 + 2 * i]);
	d->phase = PHASE_READY;
	if (hardware_decode(d->info, registers, n, &reading, &err) < 0) {
		set_trouble(l, d, err.why);
		d->due = mono_add_ms(mono_now(), l->options.poll_ms);
		return;
	}
	d->due = mono_add_ms(mono_now(), busy(&reading) ? l->options.busy_poll_ms : l->options.poll_ms);
	if (note_reading(l, d, &reading))
		l->options.changed(l->options.arg);
}

static void take_answer(struct link *l, struct device *d)
{
	uint8_t answer[MODBUS_TCP_MAX_ADU_LENGTH];
	int n = modbus_receive_confirmation(d->modbus, answer);

	if (n <= HEADER + 1) {
		close_device(l, d, n < 0 ? modbus_strerror(errno) : "the connection was closed");
	} else if (answer[HEADER - 1] != d->info->unit || (answer[HEADER] & 0x7f) != d->function) {
		close_device(l, d, "an answer was for something else");
	} else if ((answer[HEADER] & 0x80) != 0) {
		set_trouble(l, d, modbus_strerror(MODBUS_ENOBASE + answer[HEADER + 1]));
		d->phase = PHASE_READY;
		d->due =
		    d->function == FUNCTION_READ ? mono_add_ms(mono_now(), l->options.poll_ms) : mono_now();
	} else if (d->phase == PHASE_READING) {
		take_block(l, d, answer + HEADER + 1, n - HEADER - 1);
	} else {
		d->phase = PHASE_READY;
		d->due = mono_now(); /* what has become of it? */
	}
}

/* --- the thread --- */

static void take_event(struct link *l, struct device *d)
{
	switch (d->phase) {
	case PHASE_CONNECTING:
		end_connecting(l, d);
		break;
	case PHASE_READING:
	case PHASE_WRITING:
		take_answer(l, d);
		break;
	case PHASE_READY: /* nothing was asked: it was closed, or talks nonsense */
		close_device(l, d, "the connection was closed");
		break;
	case PHASE_CLOSED:
		break;
	}
}

static void take_time(struct link *l, struct device *d)
{
	switch (d->phase) {
	case PHASE_CLOSED:
		if (mono_left_ms(d->due) == 0)
			connect_device(l, d);
		break;
	case PHASE_READY:
		work_ready(l, d);
		break;
	case PHASE_CONNECTING:
	case PHASE_READING:
	case PHASE_WRITING:
		if (mono_left_ms(d->due) == 0)
			close_device(l, d, "no answer in time");
		break;
	}
}

/* Until something comes, or is due. */
static void wait_for_events(struct link *l)
{
	struct mono now = mono_now();
	int64_t wait_us = 1000000;
	struct timespec t;

	for (int i = 0; i < l->options.count; i++) {
		struct device *d = &l->devices[i];
		int64_t left = mono_diff_us(d->due, now);

		l->polls[i] =
		    (struct pollfd){.fd = d->fd, .events = d->phase == PHASE_CONNECTING ? POLLOUT : POLLIN};
		if (left < wait_us)
			wait_us = left > 0 ? left : 0;
	}
	l->polls[l->options.count] = (struct pollfd){.fd = l->wake, .events = POLLIN};
	t = (struct timespec){wait_us / 1000000, wait_us % 1000000 * 1000};
	if (ppoll(l->polls, (nfds_t)l->options.count + 1, &t, NULL) < 0)
		for (int i = 0; i <= l->options.count; i++)
			l->polls[i].revents = 0;
}

static bool go_on(struct link *l)
{
	bool stopping;

	pthread_mutex_lock(&l->lock);
	stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return !stopping;
}

static void *link_main(void *arg)
{
	struct link *l = arg;

	while (go_on(l)) {
		uint64_t count;

		wait_for_events(l);
		if (l->polls[l->options.count].revents != 0 && read(l->wake, &count, sizeof(count)) < 0)
			log_debug("the link's eventfd: %s", strerror(errno));
		for (int i = 0; i < l->options.count; i++) {
			if (l->polls[i].revents != 0)
				take_event(l, &l->devices[i]);
			take_time(l, &l->devices[i]);
		}
	}
	return NULL;
}

/* --- for the others --- */

static void wake(struct link *l)
{
	const uint64_t one = 1;

	if (write(l->wake, &one, sizeof(one)) < 0)
		log_debug("the link's eventfd: %s", strerror(errno));
}

void link_look(struct link *l, struct link_device *list)
{
	pthread_mutex_lock(&l->lock);
	for (int i = 0; i < l->options.count; i++)
		list[i] = l->devices[i].seen;
	pthread_mutex_unlock(&l->lock);
}

static void order(struct link *l, int device, int deck, enum hardware_command command,
		  enum hardware_product product, uint32_t tag)
{
	struct wants *w = &l->devices[device].wants;

	pthread_mutex_lock(&l->lock);
	w->deck[deck].command = command;
	w->deck[deck].product = product;
	w->deck[deck].tag = tag;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

void link_load(struct link *l, int device, int deck, enum hardware_product product, uint32_t tag)
{
	order(l, device, deck, HARDWARE_COMMAND_LOAD, product, tag);
}

void link_unload(struct link *l, int device, int deck, uint32_t tag)
{
	order(l, device, deck, HARDWARE_COMMAND_UNLOAD, HARDWARE_PRODUCT_NONE, tag);
}

void link_heat(struct link *l, int device, bool power, int setpoint)
{
	struct wants *w = &l->devices[device].wants;

	pthread_mutex_lock(&l->lock);
	w->power_wanted = w->setpoint_wanted = true;
	w->power = power;
	w->setpoint = setpoint;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

void link_reset(struct link *l, int device)
{
	pthread_mutex_lock(&l->lock);
	l->devices[device].wants.reset_wanted = true;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

void link_time(struct link *l, int device, int seconds)
{
	struct wants *w = &l->devices[device].wants;

	pthread_mutex_lock(&l->lock);
	w->run_wanted = true;
	w->run = w->duration_wanted = seconds > 0;
	w->duration = seconds;
	pthread_mutex_unlock(&l->lock);
	wake(l);
}

/* --- life --- */

static int make_device(struct link *l, int i, struct error *err)
{
	struct device *d = &l->devices[i];

	d->info = &l->options.devices[i];
	d->fd = -1;
	snprintf(d->seen.trouble, sizeof(d->seen.trouble), "not reached yet");
	d->modbus = modbus_new_tcp(l->options.address, l->options.port);
	if (d->modbus == NULL || modbus_set_slave(d->modbus, d->info->unit) < 0)
		return error_set(err, ERR_BUG, d->info->name, "%s", modbus_strerror(errno));
	modbus_set_response_timeout(d->modbus, 0, CHUNK_MS * 1000);
	modbus_set_byte_timeout(d->modbus, 0, CHUNK_MS * 1000);
	return 0;
}

static void free_link(struct link *l)
{
	for (int i = 0; i < l->options.count; i++) {
		if (l->devices[i].fd >= 0)
			close(l->devices[i].fd);
		if (l->devices[i].modbus != NULL)
			modbus_free(l->devices[i].modbus);
	}
	if (l->wake >= 0)
		close(l->wake);
	free(l->devices);
	free(l->polls);
	free(l);
}

int link_start(const struct link_options *options, struct link **ret, struct error *err)
{
	struct link *l = xcalloc(1, sizeof(*l));
	int rc = 0;

	l->options = *options;
	l->devices = xcalloc((size_t)options->count + 1, sizeof(*l->devices));
	l->polls = xcalloc((size_t)options->count + 1, sizeof(*l->polls));
	pthread_mutex_init(&l->lock, NULL);
	for (int i = 0; i < options->count; i++)
		l->devices[i].fd = -1;
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; rc == 0 && i < options->count; i++)
		rc = make_device(l, i, err);
	if (rc == 0 && pthread_create(&l->thread, NULL, link_main, l) != 0)
		rc = error_errno(err, "start the link to the hardware");
	if (rc < 0) {
		free_link(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void link_stop(struct link *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_mutex_unlock(&l->lock);
	wake(l);
	pthread_join(l->thread, NULL);
	free_link(l);
}
