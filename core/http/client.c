/*
 * The HTTP client: one thread drives all calls through libcurl's multi interface (poller.h); callers hand
 * jobs over under a lock.
 *
 * Easy handles are kept and reused; connections stay open in the multi handle's pool.  A job is owned by the
 * queue, then by its easy handle (CURLOPT_PRIVATE), and is freed after its done callback.
 */
#include "core/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/mem.h"
#include "core/http/poller.h"

#define BODY_MAX    ((size_t)64 << 20) /* of a reply */
#define MAX_AGE_S   45L /* idle connections older than this are not used: servers close at 60 s */
#define CONNECT_MS  5000L
#define POLL_MAX_MS 1000

struct job {
	struct job *next;
	http_done *done;
	void *arg;
	char *url, *method, *unix_path, *user, *password, *body;
	size_t body_len;
	int timeout_ms;
	struct curl_slist *headers;
	struct mono submitted;
	struct http_result result;
	char why[CURL_ERROR_SIZE];
	CURL *easy; /* while it runs; also in the list of running ones */
	struct job *prev_running, *next_running;
};

struct http_client {
	pthread_t thread;
	CURLM *multi;
	struct http_poller *poller;
	int max_in_flight;
	pthread_mutex_t lock;
	pthread_cond_t empty;	  /* pending has become 0 */
	struct job *first, *last; /* queued */
	int pending;
	bool woken; /* a wakeup is on its way */
	bool stopping, aborting;
	/* The thread's own. */
	struct job *running;
	int in_flight;
	CURL **idle;
	int idle_count;
};

static void init_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

static void init_curl_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_curl);
}

/* --- one call --- */

static struct job *make_job(const struct http_call *call, http_done *done, void *arg)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->done = done;
	job->arg = arg;
	job->url = xstrdup(call->url);
	job->method = xstrdup(call->method);
	job->unix_path = xstrdup(call->unix_path);
	job->user = xstrdup(call->user);
	job->password = xstrdup(call->password);
	if (call->body != NULL) {
		job->body = xmalloc(call->body_len + 1);
		memcpy(job->body, call->body, call->body_len);
		job->body_len = call->body_len;
	}
	job->timeout_ms = call->timeout_ms;
	job->headers = curl_slist_append(NULL, "Expect:"); /* no "100-continue" before bodies */
	for (int i = 0; call->headers != NULL && call->headers[i] != NULL; i++)
		job->headers = curl_slist_append(job->headers, call->headers[i]);
	job->submitted = mono_now();
	return job;
}

static void free_job(struct job *job)
{
	http_result_done(&job->result);
	curl_slist_free_all(job->headers);
	free(job->url);
	free(job->method);
	free(job->unix_path);
	free(job->user);
	free(job->password);
	free(job->body);
	free(job);
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_result *result = arg;

	if (result->body.len + size * count > BODY_MAX)
		return 0;
	buf_add(&result->body, data, size * count);
	return size * count;
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_result *result = arg;

	if (size * count >= 5 && strncmp(data, "HTTP/", 5) == 0)
		buf_reset(&result->headers); /* those before were of an interim reply */
	buf_add(&result->headers, data, size * count);
	return size * count;
}

static void set_method(CURL *easy, const struct job *job)
{
	if (job->body != NULL) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)job->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, job->body);
	} else if (strcmp(job->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	} else if (strcmp(job->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, job->method);
}

static void prepare(CURL *easy, struct job *job)
{
	job->easy = easy;
	job->why[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_PRIVATE, job);
	curl_easy_setopt(easy, CURLOPT_URL, job->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "127.0.0.1,localhost");
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, MAX_AGE_S);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)job->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, job->headers);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, job->why);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &job->result);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &job->result);
	if (job->unix_path != NULL)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, job->unix_path);
	if (job->user != NULL) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, job->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, job->password);
	}
	set_method(easy, job);
}

/*
 * Nothing can have been received only if nothing was sent, over any connection: libcurl repeats a request by
 * itself when a kept connection turns out to be dead, and the repetition may be refused after the first one
 * has arrived.
 */
static int code_of(CURL *easy, CURLcode code)
{
	long sent = 0;

	if (code == CURLE_OK)
		return 0;
	if (curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent) != CURLE_OK || sent > 0)
		return ERR_UNKNOWN;
	switch ((int)code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_UNAVAILABLE;
	default:
		return ERR_UNKNOWN;
	}
}

static void fill_result(struct job *job, CURLcode code)
{
	struct http_result *result = &job->result;
	long status = 0;

	result->code = code_of(job->easy, code);
	result->seconds = (double)mono_since_us(job->submitted) / 1e6;
	if (code == CURLE_OK) {
		curl_easy_getinfo(job->easy, CURLINFO_RESPONSE_CODE, &status);
		result->status = (int)status;
		return;
	}
	snprintf(result->why, sizeof(result->why), "%.150s",
		 job->why[0] != '\0' ? job->why : curl_easy_strerror(code));
}

bool http_result_header(const struct http_result *res, const char *name, char *text, size_t size)
{
	size_t name_len = strlen(name);
	const char *line = buf_str(&res->headers);

	while (*line != '\0') {
		size_t len = strcspn(line, "\r\n");

		if (len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1;

			value += strspn(value, " \t");
			snprintf(text, size, "%.*s", (int)(line + len - value), value);
			return true;
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return false;
}

void http_result_done(struct http_result *res)
{
	buf_done(&res->body);
	buf_done(&res->headers);
}

int http_call(const struct http_call *call, struct http_result *result, struct error *err)
{
	struct job *job;
	CURL *easy;
	int code;

	init_curl_once();
	easy = curl_easy_init();
	if (easy == NULL)
		abort();
	job = make_job(call, NULL, NULL);
	prepare(easy, job);
	fill_result(job, curl_easy_perform(easy));
	curl_easy_cleanup(easy);
	*result = job->result;
	job->result = (struct http_result){0};
	free_job(job);
	code = result->code;
	return code == 0 ? 0 : error_set(err, code, call->url, "%s", result->why);
}

/* --- the client's thread --- */

static void start_job(struct http_client *c, struct job *job)
{
	CURL *easy;

	if (c->idle_count > 0) {
		easy = c->idle[--c->idle_count];
		curl_easy_reset(easy);
	} else {
		easy = curl_easy_init();
	}
	if (easy == NULL)
		abort();
	prepare(easy, job);
	job->prev_running = NULL;
	job->next_running = c->running;
	if (c->running != NULL)
		c->running->prev_running = job;
	c->running = job;
	c->in_flight++;
	if (curl_multi_add_handle(c->multi, easy) != CURLM_OK)
		abort();
}

static void finish_job(struct http_client *c, struct job *job)
{
	job->done(job->arg, &job->result);
	free_job(job);
	pthread_mutex_lock(&c->lock);
	if (--c->pending == 0)
		pthread_cond_broadcast(&c->empty);
	pthread_mutex_unlock(&c->lock);
}

/* Takes the easy handle back from the multi handle. */
static void detach(struct http_client *c, struct job *job)
{
	curl_multi_remove_handle(c->multi, job->easy);
	c->idle[c->idle_count++] = job->easy;
	job->easy = NULL;
	if (job->prev_running != NULL)
		job->prev_running->next_running = job->next_running;
	else
		c->running = job->next_running;
	if (job->next_running != NULL)
		job->next_running->prev_running = job->prev_running;
	c->in_flight--;
}

static void finish_ended(struct http_client *c)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct job *job = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&job);
		fill_result(job, message->data.result);
		detach(c, job);
		finish_job(c, job);
	}
}

static void start_queued(struct http_client *c)
{
	struct job *list = NULL, **tail = &list;

	pthread_mutex_lock(&c->lock);
	c->woken = false;
	for (int room = c->max_in_flight - c->in_flight; room > 0 && c->first != NULL; room--) {
		struct job *job = c->first;

		c->first = job->next;
		if (c->first == NULL)
			c->last = NULL;
		job->next = NULL;
		*tail = job;
		tail = &job->next;
	}
	pthread_mutex_unlock(&c->lock);
	while (list != NULL) {
		struct job *job = list;

		list = job->next;
		start_job(c, job);
	}
}

static void abort_job(struct http_client *c, struct job *job)
{
	job->result.code = ERR_UNKNOWN;
	job->result.seconds = (double)mono_since_us(job->submitted) / 1e6;
	snprintf(job->result.why, sizeof(job->result.why), "given up because the program is stopping");
	finish_job(c, job);
}

static void abort_all(struct http_client *c)
{
	for (;;) {
		struct job *job = c->running;

		if (job != NULL) {
			detach(c, job);
		} else {
			pthread_mutex_lock(&c->lock);
			job = c->first;
			if (job != NULL)
				c->first = job->next;
			if (c->first == NULL)
				c->last = NULL;
			pthread_mutex_unlock(&c->lock);
		}
		if (job == NULL)
			return;
		abort_job(c, job);
	}
}

/* Jobs that the callbacks have just queued or for which there is room again do not wait. */
static int wait_ms(struct http_client *c)
{
	bool ready;

	pthread_mutex_lock(&c->lock);
	ready = c->first != NULL && c->in_flight < c->max_in_flight;
	pthread_mutex_unlock(&c->lock);
	return ready ? 0 : POLL_MAX_MS;
}

static void *drive(void *arg)
{
	struct http_client *c = arg;

	for (;;) {
		bool stop, aborting;

		start_queued(c);
		pthread_mutex_lock(&c->lock);
		aborting = c->aborting;
		stop = aborting || (c->stopping && c->pending == 0);
		pthread_mutex_unlock(&c->lock);
		if (aborting)
			abort_all(c);
		if (stop)
			return NULL;
		http_poller_wait(c->poller, wait_ms(c));
		finish_ended(c);
	}
}

static void free_client(struct http_client *c)
{
	for (int i = 0; i < c->idle_count; i++)
		curl_easy_cleanup(c->idle[i]);
	curl_multi_cleanup(c->multi);
	http_poller_free(c->poller);
	pthread_cond_destroy(&c->empty);
	pthread_mutex_destroy(&c->lock);
	free(c->idle);
	free(c);
}

static void init_locks(struct http_client *c)
{
	pthread_mutex_init(&c->lock, NULL);
	cond_init(&c->empty);
}

int http_client_new(int max_in_flight, struct http_client **ret, struct error *err)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	init_curl_once();
	c->max_in_flight = max_in_flight > 0 ? max_in_flight : 1;
	c->idle = xcalloc((size_t)c->max_in_flight, sizeof(*c->idle));
	c->multi = curl_multi_init();
	if (c->multi == NULL)
		abort();
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->max_in_flight);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)c->max_in_flight);
	c->poller = http_poller_new(c->multi);
	init_locks(c);
	if (pthread_create(&c->thread, NULL, drive, c) != 0) {
		error_errno(err, "start the HTTP client's thread");
		free_client(c);
		return ERR_IO;
	}
	*ret = c;
	return 0;
}

void http_client_submit(struct http_client *c, const struct http_call *call, http_done *done, void *arg)
{
	struct job *job = make_job(call, done, arg);
	bool wake;

	pthread_mutex_lock(&c->lock);
	if (c->last != NULL)
		c->last->next = job;
	else
		c->first = job;
	c->last = job;
	c->pending++;
	/* The client's own thread looks at the queue before it waits. */
	wake = !c->woken && !pthread_equal(pthread_self(), c->thread);
	c->woken = c->woken || wake;
	pthread_mutex_unlock(&c->lock);
	if (wake)
		http_poller_wake(c->poller);
}

int http_client_pending(struct http_client *c)
{
	int n;

	pthread_mutex_lock(&c->lock);
	n = c->pending;
	pthread_mutex_unlock(&c->lock);
	return n;
}

void http_client_free(struct http_client *c, int drain_ms)
{
	struct mono deadline = mono_add_ms(mono_now(), drain_ms);

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	while (c->pending > 0 && cond_wait_until(&c->empty, &c->lock, deadline))
		;
	c->aborting = c->pending > 0;
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	http_poller_wake(c->poller);
	pthread_join(c->thread, NULL);
	free_client(c);
}
