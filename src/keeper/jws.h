/*
 * jws.h - requests to an ACME server, signed (RFC 8555 6.2, RFC 7515), and the public half of an
 * account's key as such servers read it (RFC 7517, RFC 7638).
 *
 * Keys are EC P-256, signatures ES256. Texts that go into a header must be printable ASCII without
 * quote and backslash: -ERR_SYNTAX. Pure but for random numbers.
 */
#ifndef KEEPER_JWS_H
#define KEEPER_JWS_H

#include <openssl/evp.h>

#include "base/buf.h"

enum { JWS_TEXT_MAX = 1000, JWS_PUBLIC_MAX = 200, JWS_THUMBPRINT_MAX = 48 };

struct jws_header {
	struct slice url, nonce; /* nonce empty: none (inner ones) */
	struct slice kid;        /* the account's URL; empty: the public key itself */
};

/* jws_sign - appended as flattened JSON. An empty payload is a POST-as-GET. */
MUST_CHECK int jws_sign(EVP_PKEY *key, const struct jws_header *header, struct slice payload,
	struct buf *out, struct err *err);
/* jws_bind - RFC 8555 7.3.4: the account's key, signed with a key that the CA gave (HS256). */
MUST_CHECK int jws_bind(EVP_PKEY *key, struct slice url, struct slice kid, struct slice mac_key,
	struct buf *out, struct err *err);
/* jws_roll - RFC 8555 7.3.5: the request that puts the key `next` in the place of `key`. */
MUST_CHECK int jws_roll(EVP_PKEY *key, EVP_PKEY *next, const struct jws_header *header,
	struct buf *out, struct err *err);
/* jws_thumbprint - NUL-terminated. */
MUST_CHECK int jws_thumbprint(EVP_PKEY *key, char out[JWS_THUMBPRINT_MAX], struct err *err);

#endif
