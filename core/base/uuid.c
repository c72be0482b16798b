/*
 * UUIDs.  Randomness comes from getrandom(2) in blocks per thread; SHA-1 (RFC 3174) is here because
 * version 5 asks for it, and is used for names only, never for secrets.
 */
#include "core/base/uuid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/base/text.h"

const struct uuid UUID_NAMESPACE_PIZZA = {
    {0x9a, 0x3e, 0x5f, 0x10, 0x6d, 0x0b, 0x4c, 0x57, 0x8d, 0x3a, 0x70, 0x69, 0x7a, 0x7a, 0x61, 0x01}};

static void random_bytes(uint8_t *out, size_t n)
{
	static _Thread_local uint8_t pool[512];
	static _Thread_local size_t left;

	if (left < n) {
		size_t have = 0;

		while (have < sizeof(pool)) {
			ssize_t got = getrandom(pool + have, sizeof(pool) - have, 0);

			if (got > 0)
				have += (size_t)got;
		}
		left = sizeof(pool);
	}
	left -= n;
	memcpy(out, pool + left, n);
}

struct uuid uuid_v7(void)
{
	static _Thread_local uint64_t last_ms;
	static _Thread_local uint32_t counter; /* 12 bits of rand_a and 6 of rand_b */
	struct timespec ts;
	struct uuid u = {{0}};
	uint64_t ms;

	clock_gettime(CLOCK_REALTIME, &ts);
	ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	random_bytes(u.b + 6, 10);
	if (ms > last_ms) {
		last_ms = ms;
		counter = (((uint32_t)u.b[6] << 8) | u.b[7]) & 0x1ffff; /* top bit clear: room to count up */
	} else if (++counter > 0x3ffff) {
		counter = 0;
		last_ms++;
	}
	for (int i = 0; i < 6; i++)
		u.b[i] = (uint8_t)(last_ms >> (40 - 8 * i));
	u.b[6] = (uint8_t)(0x70 | (counter >> 14));
	u.b[7] = (uint8_t)(counter >> 6);
	u.b[8] = (uint8_t)(0x80 | (counter & 0x3f));
	return u;
}

static uint32_t rotate(uint32_t x, int n)
{
	return (x << n) | (x >> (32 - n));
}

static void sha1_block(uint32_t h[5], const uint8_t block[64])
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f, k, t;

		if (i < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (i < 40)
			f = b ^ c ^ d, k = 0x6ed9eba1;
		else if (i < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		else
			f = b ^ c ^ d, k = 0xca62c1d6;
		t = rotate(a, 5) + f + e + k + w[i];
		e = d, d = c, c = rotate(b, 30), b = a, a = t;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha1(const uint8_t *data, size_t n, uint8_t out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8_t tail[128] = {0};
	size_t whole = n / 64 * 64, rest = n - whole, tail_len = rest < 56 ? 64 : 128;

	for (size_t i = 0; i < whole; i += 64)
		sha1_block(h, data + i);
	if (rest > 0)
		memcpy(tail, data + whole, rest);
	tail[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		tail[tail_len - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> (8 * i));
	for (size_t i = 0; i < tail_len; i += 64)
		sha1_block(h, tail + i);
	for (int i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

struct uuid uuid_v5(struct uuid namespace, const void *name, size_t n)
{
	uint8_t *text = malloc(16 + n);
	uint8_t digest[20];
	struct uuid u;

	if (text == NULL)
		abort();
	memcpy(text, namespace.b, 16);
	if (n > 0)
		memcpy(text + 16, name, n);
	sha1(text, 16 + n, digest);
	free(text);
	memcpy(u.b, digest, 16);
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x50);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	return u;
}

const char *uuid_format(struct uuid u, char text[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[u.b[i] >> 4];
		*p++ = digits[u.b[i] & 15];
	}
	*p = '\0';
	return text;
}

bool uuid_parse(const char *text, struct uuid *ret)
{
	struct uuid u;
	const char *p = text;

	for (int i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return false;
		high = text_hex(p[0]);
		low = high < 0 ? -1 : text_hex(p[1]);
		if (low < 0)
			return false;
		u.b[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	if (*p != '\0')
		return false;
	*ret = u;
	return true;
}

bool uuid_range(const char *text, struct uuid *ret_first, struct uuid *ret_last)
{
	struct uuid first = {{0}}, last;
	int n = 0;

	memset(&last, 0xff, sizeof(last));
	for (const char *p = text; *p != '\0'; p++) {
		int digit = text_hex(*p), shift = n % 2 == 0 ? 4 : 0;

		if (*p == '-')
			continue;
		if (digit < 0 || n == 2 * (int)sizeof(first.b))
			return false;
		first.b[n / 2] |= (uint8_t)(digit << shift);
		last.b[n / 2] &= (uint8_t) ~((0xf & ~digit) << shift);
		n++;
	}
	if (n < UUID_PREFIX_MIN || strlen(text) >= UUID_TEXT_SIZE)
		return false;
	*ret_first = first;
	*ret_last = last;
	return true;
}

bool uuid_is_nil(struct uuid u)
{
	static const struct uuid nil;

	return uuid_equal(u, nil);
}

int uuid_compare(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

int uuid_compare_at(const void *a, const void *b)
{
	return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

bool uuid_equal(struct uuid a, struct uuid b)
{
	return uuid_compare(a, b) == 0;
}

int64_t uuid_time_us(struct uuid u)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | u.b[i];
	return ms * 1000;
}
