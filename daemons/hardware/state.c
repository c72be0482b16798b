/*
 * The file is a head and two records per device.  It is of this machine and this version: another layout is
 * not read but started anew.
 */
#include "daemons/hardware/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define MAGIC	"pizza hardware"
#define VERSION 1

struct head {
	char magic[16];
	uint32_t version, record_size, count, bus_down;
};

struct record {
	char name[HARDWARE_NAME_SIZE];
	int64_t wall_us;
	uint64_t turn; /* the higher one is the newer; 0: never written */
	uint64_t sum;
	struct physics_device device;
};

struct state {
	void *map;
	size_t size;
	int count;
	struct head *head;
	struct record *records; /* two per device */
};

static size_t file_size(size_t count)
{
	return sizeof(struct head) + 2 * count * sizeof(struct record);
}

/* FNV-1a by words over the record, its sum taken as 0. */
static uint64_t checksum(const struct record *r)
{
	struct record copy;
	uint64_t hash = UINT64_C(14695981039346656037), word;

	memcpy(&copy, r, sizeof(copy));
	copy.sum = 0;
	for (size_t i = 0; i + sizeof(word) <= sizeof(copy); i += sizeof(word)) {
		memcpy(&word, (const char *)&copy + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(1099511628211);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool record_good(const struct record *r)
{
	return r->turn > 0 && r->name[HARDWARE_NAME_SIZE - 1] == '\0' && r->sum == checksum(r);
}

/* The newer good one of a device's two; NULL: none. */
static const struct record *newest(const struct record two[2])
{
	bool good[2] = {record_good(&two[0]), record_good(&two[1])};

	if (good[0] && good[1])
		return &two[two[1].turn > two[0].turn];
	return good[0] ? &two[0] : good[1] ? &two[1] : NULL;
}

static bool head_fits(const struct head *h, size_t size)
{
	return strcmp(h->magic, MAGIC) == 0 && h->version == VERSION &&
	       h->record_size == sizeof(struct record) && h->count <= HARDWARE_DEVICES_MAX &&
	       size == file_size(h->count);
}

/* --- taking over --- */

/* The whole file, owned; NULL when there is none of this layout. */
static struct head *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct head *h = NULL;
	bool fits = false;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*h) &&
	    st.st_size <= (off_t)file_size(HARDWARE_DEVICES_MAX)) {
		h = xmalloc((size_t)st.st_size);
		fits = read(fd, h, (size_t)st.st_size) == st.st_size && head_fits(h, (size_t)st.st_size);
	}
	close(fd);
	if (fits)
		return h;
	log_warn("%s is of another layout: the hardware starts cold", path);
	free(h);
	return NULL;
}

static void adopt(struct state *st, const struct head *old, const struct hardware_device *devices)
{
	const struct record *records = (const struct record *)(old + 1);

	st->head->bus_down = old->bus_down;
	for (uint32_t i = 0; i < old->count; i++) {
		const struct record *r = newest(records + 2 * (size_t)i);
		const struct hardware_device *d =
		    r != NULL ? hardware_find(devices, st->count, r->name) : NULL;

		if (d != NULL)
			memcpy(&st->records[2 * (d->unit - 1)], r, sizeof(*r));
		else if (r != NULL)
			log_warn("there is no %s any more: its state is dropped", r->name);
	}
}

/* --- the file --- */

static int map_file(struct state *st, const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return error_errno(err, "create %s", path);
	rc = posix_fallocate(fd, 0, (off_t)st->size); /* a full disk fails here, not later */
	if (rc == 0)
		st->map = mmap(NULL, st->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (rc != 0)
		return error_set(err, ERR_IO, path, "%s", strerror(rc));
	if (st->map == MAP_FAILED)
		return error_errno(err, "map %s", path);
	return 0;
}

static void write_names(struct state *st, const struct hardware_device *devices)
{
	snprintf(st->head->magic, sizeof(st->head->magic), "%s", MAGIC);
	st->head->version = VERSION;
	st->head->record_size = sizeof(struct record);
	st->head->count = (uint32_t)st->count;
	for (int i = 0; i < 2 * st->count; i++)
		memcpy(st->records[i].name, devices[i / 2].name, HARDWARE_NAME_SIZE);
}

int state_open(const char *path, const struct hardware_device *devices, int count, struct state **ret,
	       struct error *err)
{
	AUTO_FREE char *draft = xasprintf("%s.new", path);
	AUTO_FREE struct head *old = read_file(path);
	struct state *st = xcalloc(1, sizeof(*st));
	int rc;

	st->count = count;
	st->size = file_size((size_t)count);
	st->map = MAP_FAILED;
	rc = map_file(st, draft, err);
	if (rc == 0) {
		st->head = st->map;
		st->records = (struct record *)(st->head + 1);
		write_names(st, devices);
		if (old != NULL)
			adopt(st, old, devices);
		if (rename(draft, path) < 0)
			rc = error_errno(err, "rename %s", draft);
	}
	if (rc < 0) {
		state_close(st);
		return rc;
	}
	*ret = st;
	return 0;
}

bool state_load(const struct state *st, int device, struct physics_device *ret, int64_t *ret_wall_us)
{
	const struct record *r = newest(st->records + 2 * (size_t)device);

	if (r == NULL)
		return false;
	memcpy(ret, &r->device, sizeof(*ret));
	*ret_wall_us = r->wall_us;
	return true;
}

void state_save(struct state *st, int device, const struct physics_device *s, int64_t wall_us)
{
	struct record *two = st->records + 2 * (size_t)device;
	struct record *r = &two[two[0].turn > two[1].turn];

	r->turn = (two[0].turn > two[1].turn ? two[0].turn : two[1].turn) + 1;
	r->wall_us = wall_us;
	memcpy(&r->device, s, sizeof(*s));
	r->sum = checksum(r);
}

bool state_bus_down(const struct state *st)
{
	return st->head->bus_down != 0;
}

void state_set_bus_down(struct state *st, bool down)
{
	st->head->bus_down = down;
}

void state_close(struct state *st)
{
	if (st == NULL)
		return;
	if (st->map != MAP_FAILED)
		munmap(st->map, st->size);
	free(st);
}
