/*
 * What the handlers of the Stripe API share: authorisation, forms, idempotency keys, plain answers.
 */
#ifndef PIZZA_SANDBOX_STRIPE_H
#define PIZZA_SANDBOX_STRIPE_H

#include "daemons/sandbox/sandbox.h"

#define STRIPE_INVALID "invalid_request_error"
#define STRIPE_BROKEN  "An unexpected error occurred on our side (programmed fault of the sandbox)."

/* What is asked for and under which key; freed by stripe_request_done. */
struct stripe_request {
	json_t *form;
	const char *key; /* NULL: none; marked as running */
	struct uuid fingerprint;
};
/* Checks the key, reads the form, takes the Idempotency-Key; false when it has replied. */
bool stripe_request_read(struct sandbox *sb, struct http_request *r, struct stripe_request *q);
void stripe_request_done(struct sandbox *sb, struct stripe_request *q);
/* Bearer or basic with a secret test key; replies 401 otherwise. */
bool stripe_authorized(struct http_request *r);
/* The form's amount; 0 when it is absent and not required. */
int stripe_form_amount(const json_t *form, bool required, int64_t *ret, struct error *err) MUST_USE;
/* The members metadata[...] as one JSON object; owned text. */
char *stripe_form_metadata(const json_t *form);
/* The id in the path; replies 404 when there can be none. */
bool stripe_path_id(struct http_request *r, const char *prefix, const char *kind, struct uuid *ret);

/* Replies with JSON text (takes it). */
void stripe_reply(struct http_request *r, int status, char *body);
void stripe_error(struct http_request *r, int status, const char *type, const char *code,
		  const char *message);
/* 400 from an error. */
void stripe_invalid(struct http_request *r, const struct error *err);
/* Our own database failed us: 503; the client asks again with the same key. */
void stripe_down(struct http_request *r, const struct error *err);
/* The answer a key had before: repeated, or refused when the key stood for something else. Takes the body. */
void stripe_again(struct http_request *r, const struct uuid *asked, struct replay *known);
/* The one object collected, or 404, or 503. */
void stripe_collected(struct http_request *r, int rc, struct buf *out, const struct error *err);
void stripe_list(struct http_request *r, const char *object, const char *url, const struct buf *data);

#endif
