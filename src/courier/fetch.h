/*
 * fetch.h - HTTP outward: one request, one reply (RFC 9110; libcurl does HTTP and TLS).
 *
 * Names are looked up by dns.h, no redirect is followed, no proxy, cookie or password file is
 * looked for. HTTPS servers must have a certificate for their name, signed by one of ca_pem. What a
 * stranger's DNS names is not asked for at private addresses (is_public_only): a request from us
 * must not reach what only we can. A struct fetch keeps connections from request to request and is
 * used by one thread at a time.
 */
#ifndef COURIER_FETCH_H
#define COURIER_FETCH_H

#include <stdatomic.h>

#include "base/buf.h"
#include "courier/dns.h"

enum { FETCH_HEAD_MAX = 64 << 10, FETCH_CONNECT_MS = 15000, FETCH_URL_MAX = 2000 };

struct fetch;

struct fetch_config {
	struct dns *dns;
	struct slice ca_pem;
	const atomic_bool *must_stop; /* ends what is under way */
	bool is_public_only;
};

MUST_CHECK int fetch_new(const struct fetch_config *config, struct fetch **out, struct err *err);
void fetch_free(struct fetch **fetch);

struct fetch_request {
	const char *method;
	struct slice url;          /* https: or http: */
	const char *const *fields; /* "Name: value", NULL at the end */
	struct slice body;
	size_t body_max; /* bytes of the reply's */
	int64_t timeout_ms;
};

struct fetch_reply {
	unsigned status;
	int64_t retry_after_s; /* RFC 9110 10.2.3; 0: it did not say */
	struct buf head, body;
};

void fetch_reply_init(struct fetch_reply *reply);
void fetch_reply_done(struct fetch_reply *reply);

/* fetch_do - 0 with any status. -ERR_SYNTAX (not a URL for us), -ERR_NOTFOUND (no such host),
 * -ERR_TOOBIG, -ERR_BUSY (no connection, or no answer in time), -ERR_DENIED (the server's
 * certificate is not good). */
MUST_CHECK int fetch_do(struct fetch *fetch, const struct fetch_request *request,
	struct fetch_reply *reply, struct err *err);

/* fetch_header - the first of that name, without blanks; ptr NULL: it is not there. */
struct slice fetch_header(const struct fetch_reply *reply, const char *name);

#endif
