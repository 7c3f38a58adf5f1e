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

/* By the leaf's key; twice, see tls.h: what is there for all, and what is for old clients. */
enum { TLS_CHAIN_EC, TLS_CHAIN_RSA, TLS_CHAIN_KINDS, TLS_CHAIN_PLACES = 2 * TLS_CHAIN_KINDS };

/* tls_chain_new - parse PEM, check dates and key. See tls_chain_read() for the errors. */
MUST_CHECK int tls_chain_new(OSSL_LIB_CTX *libctx, struct slice pem, struct slice key_name,
	const struct tls_signer *signer, struct tls_chain **chain_out, struct err *err);
int tls_chain_use(struct tls_chain *chain, SSL *ssl); /* 1 or 0, as OpenSSL counts */
/* tls_chain_fits - can the client of this handshake verify it, by what it says? */
bool tls_chain_fits(const struct tls_chain *chain, SSL *ssl);

/* tls_chain_cms - see tls_sign_cms(). */
MUST_CHECK int tls_chain_cms(OSSL_LIB_CTX *libctx, struct tls_chain *chain, struct slice text,
	struct buf *out, struct err *err);

struct tls_names {
	struct map map;
	struct tls_chain *fallback[TLS_CHAIN_PLACES];
};

void tls_names_put(struct tls_names *names, const struct tls_use *use);
/* tls_names_find - a reference to each that fits, else NULL; old ones behind the others. */
void tls_names_find(
	const struct tls_names *names, struct slice name, struct tls_chain *out[TLS_CHAIN_PLACES]);
void tls_names_done(struct tls_names *names);

#endif
