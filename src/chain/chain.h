/*
 * chain.h - a certificate chain: read and checked. Pure but for the wall clock.
 *
 * RFC 5280 as far as a server needs it: PEM, the leaf first, each certificate signed by the next
 * one. Whether a client trusts the last one is the client's business. Also what a key is called by
 * those who do not hold it.
 *
 * Bounds: CHAIN_CERTS_MAX certificates; what follows is ignored.
 */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum { CHAIN_CERTS_MAX = 10, CHAIN_KEY_DIGITS = 32, CHAIN_KEY_NAME_MAX = 48 };

struct chain {
	X509 *leaf;
	STACK_OF(X509) * rest;
};

/* chain_read - libctx NULL: OpenSSL's own. -ERR_SYNTAX. */
MUST_CHECK int chain_read(
	OSSL_LIB_CTX *libctx, struct slice pem, struct chain *out, struct err *err);
void chain_done(struct chain *chain); /* all zero is allowed */

/* chain_check - in date (-ERR_CONFLICT), and each signed by the next (-ERR_SYNTAX). */
MUST_CHECK int chain_check(const struct chain *chain, struct err *err);

/* chain_has_host - the leaf is for that DNS name, wildcards included. */
bool chain_has_host(const struct chain *chain, struct slice host);

/* chain_key_hash - SHA-256 of a public half (SubjectPublicKeyInfo, DER). -ERR_SYNTAX. */
enum { CHAIN_KEY_HASH_LEN = 32 };
MUST_CHECK int chain_key_hash(
	const EVP_PKEY *public_half, unsigned char out[CHAIN_KEY_HASH_LEN], struct err *err);

/*
 * chain_key_name - a key is called by its purpose and CHAIN_KEY_DIGITS of the hexadecimal SHA-256
 * of its public half (SubjectPublicKeyInfo, DER): "tls-0123…". So whoever has a certificate knows
 * the name of its key. NUL-terminated.
 */
#define CHAIN_KEY_TLS "tls-"
#define CHAIN_KEY_ACME "acme-"
#define CHAIN_KEY_DKIM "dkim-"
MUST_CHECK int chain_key_name(const char *purpose, const EVP_PKEY *public_half,
	char out[CHAIN_KEY_NAME_MAX], struct err *err);

#endif
