/*
 * tls_chain.h - a certificate chain with the key that is elsewhere, and the map from server names
 * to chains.
 *
 * RFC 6066 3 (names are compared without case, no trailing dot), RFC 6125 6.4.3 ("*." for one
 * label). Chains are reference-counted and unchangeable; a struct tls_names is its owner's to
 * lock.
 */
#ifndef NET_TLS_CHAIN_H
#define NET_TLS_CHAIN_H

#include <openssl/ssl.h>

#include "base/map.h"
#include "net/tls_provider.h"

enum { TLS_CHAIN_EC, TLS_CHAIN_RSA, TLS_CHAIN_KINDS };

struct tls_chain;

/* tls_chain_new - parse PEM, check dates and key. See tls_load() for the errors. */
MUST_CHECK int tls_chain_new(OSSL_LIB_CTX *libctx, struct slice pem, struct slice key_name,
	const struct tls_signer *signer, struct tls_chain **chain_out, struct err *err);
void tls_chain_release(struct tls_chain *chain);
int tls_chain_use(struct tls_chain *chain, SSL *ssl); /* 1 or 0, as OpenSSL counts */

struct tls_names {
	struct map map;
	struct tls_chain *fallback[TLS_CHAIN_KINDS];
};

void tls_names_put(struct tls_names *names, struct tls_chain *chain, bool is_default);
/* tls_names_find - a reference to each kind that fits, else NULL. */
void tls_names_find(
	const struct tls_names *names, struct slice name, struct tls_chain *out[TLS_CHAIN_KINDS]);
void tls_names_done(struct tls_names *names);

#endif
