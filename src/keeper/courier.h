/*
 * courier.h - what the courier asks the keeper; blocking, a connection for each question.
 *
 * socket_path is run/keeper-courier.sock. -ERR_BUSY: the keeper is away. What the answers mean:
 * certify.h. Outputs that are struct buf are appended to. Any thread.
 */
#ifndef KEEPER_COURIER_H
#define KEEPER_COURIER_H

#include "base/buf.h"

enum { KEEPER_NAME_MAX = 64, KEEPER_THUMBPRINT_MAX = 48 };

/* The key of an account with an ACME server. */
struct keeper_acme_key {
	char name[KEEPER_NAME_MAX + 1];
	char thumbprint[KEEPER_THUMBPRINT_MAX]; /* RFC 8555 8.1 */
};

/* keeper_acme_key - the key of that name; an empty one: a new key. */
MUST_CHECK int keeper_acme_key(
	const char *socket_path, struct slice name, struct keeper_acme_key *out, struct err *err);

/* A request's header (RFC 8555 6.2). kid empty: signed by a key that has no account yet. */
struct keeper_acme_header {
	struct slice key, url, nonce, kid;
};
MUST_CHECK int keeper_acme_sign(const char *socket_path, const struct keeper_acme_header *header,
	struct slice payload, struct buf *out, struct err *err);
/* keeper_acme_bind - -ERR_NOTFOUND: the operator has no account with the CA. */
MUST_CHECK int keeper_acme_bind(const char *socket_path, struct slice key, struct slice url,
	struct buf *out, struct err *err);
MUST_CHECK int keeper_acme_roll(const char *socket_path, const struct keeper_acme_header *header,
	struct slice next_key, struct buf *out, struct err *err);

/* keeper_acme_request - for the hosts of that order, as DER; key empty: make a new one. key_out is
 * the key's name. */
MUST_CHECK int keeper_acme_request(const char *socket_path, struct slice order, struct slice key,
	char key_out[KEEPER_NAME_MAX + 1], struct buf *out, struct err *err);
/* keeper_acme_answer - the certificate of RFC 8737, as PEM. */
MUST_CHECK int keeper_acme_answer(const char *socket_path, struct slice order, struct slice key,
	struct slice host, struct slice digest, struct buf *out, struct err *err);
/* keeper_acme_store - the finished chain. */
MUST_CHECK int keeper_acme_store(
	const char *socket_path, struct slice order, struct slice chain, struct err *err);

/* keeper_sms_take - the next text message, for which it waits a while. -ERR_NOTFOUND: none came;
 * -ERR_BUSY also as soon as stop_fd can be read. */
struct keeper_sms {
	char number[32], text[512];
};
MUST_CHECK int keeper_sms_take(
	const char *socket_path, int stop_fd, struct keeper_sms *out, struct err *err);

#endif
