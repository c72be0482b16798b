/*
 * What the tests of the HTTP server share: starting and stopping one, requests over the client and over bare
 * sockets.
 */
#ifndef TESTS_UNIT_HTTP_FIXTURE_H
#define TESTS_UNIT_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/http/client.h"
#include "core/http/server.h"

static struct http_server *server;

/* The including test's own: its routes and the rest. */
static struct http_server_options server_options(void);

static int start_server(void **state)
{
	struct http_server_options o = server_options();
	struct error err;

	(void)state;
	assert_int_equal(http_server_start(&o, &server, &err), 0);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	http_server_stop(server, 1000);
	server = NULL;
	return 0;
}

static void request_with(struct http_result *res, const char *method, const char *path,
			 const char *const *headers, const char *body, size_t len)
{
	char url[4096];
	struct error err;
	struct http_call call = {.method = method,
				 .url = url,
				 .headers = headers,
				 .body = body,
				 .body_len = len,
				 .timeout_ms = 10000};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http_server_port(server), path);
	assert_int_equal(http_call(&call, res, &err), 0);
}

/* Sends a request, compares the status, and returns the body as JSON (NULL when it is none). */
static json_t *request(const char *method, const char *path, const char *body, int status)
{
	struct http_result res;
	json_t *json;

	request_with(&res, method, path, NULL, body, body != NULL ? strlen(body) : 0);
	assert_int_equal(res.status, status);
	json = json_loadb(buf_str(&res.body), res.body.len, 0, NULL);
	http_result_done(&res);
	return json;
}

static int connect_raw(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)http_server_port(server)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `want` has come; false at the end of the stream or after 10 s. */
static bool read_until(int fd, struct buf *got, const char *want)
{
	struct mono deadline = mono_add_ms(mono_now(), 10000);

	while (strstr(buf_str(got), want) == NULL) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char part[4096];
		ssize_t n;

		if (poll(&p, 1, (int)mono_left_ms(deadline)) <= 0)
			return false;
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			return false;
		buf_add(got, part, (size_t)n);
	}
	return true;
}

#endif
