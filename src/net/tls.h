/*
 * tls.h - TLS contexts whose private keys are elsewhere.
 *
 * RFC 8446, RFC 5246. A certificate chain is loaded here; the handshake's signature is asked from
 * a function that the caller gives (the keeper's client), through an OpenSSL 3 provider of our own
 * (net/tls_provider.c) that knows a key by its name and public half and hands over digests only.
 *
 * TLS 1.2 and 1.3, ECDHE only (no RSA key exchange), moving buffers on, renegotiation off, no
 * tickets for 1.2; 1.3 tickets with psk_dhe_ke and no early data, under ticket keys that the
 * caller replaces. SSL_OP_CLEANSE_PLAINTEXT is set. A listener may allow TLS 1.0 and 1.1 (see
 * pool.h).
 *
 * Chains are chosen by SNI, with a default. ECDSA and RSA may stand side by side for one name, and
 * beside them old ones, which serve only clients that could verify none of the others by the
 * signature algorithms that they offer (RFC 8446 4.2.3). tls_use() replaces all at once: sessions
 * that exist keep what they have.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct tls;

enum tls_algorithm {
	TLS_ECDSA,     /* ASN.1 DER signature (RFC 8422) over the digest */
	TLS_RSA_PKCS1, /* PKCS #1 v1.5 with DigestInfo of `hash` */
	TLS_RSA_PSS,   /* PSS, MGF1 of the same hash, salt as long as the hash */
};

/* The last two for clients that offer nothing newer, see tls_allow_old(). */
enum tls_hash { TLS_SHA256, TLS_SHA384, TLS_SHA512, TLS_SHA1, TLS_MD5_SHA1 };

/*
 * A signer: called on pool threads inside handshakes, may take as long as its own deadline.
 * Appends the signature to out; 0, or -ERR_BUSY, -ERR_DENIED, -ERR_NOTFOUND, -ERR_IO.
 */
typedef int tls_sign_fn(void *signer, struct slice key_name, enum tls_algorithm algorithm,
	enum tls_hash hash, struct slice digest, struct buf *out, struct err *err);

/* tls_new - no certificate yet. One process, one provider: call once per process. */
MUST_CHECK int tls_new(tls_sign_fn *sign, void *signer, struct tls **tls_out, struct err *err);
void tls_free(struct tls **tls);

struct tls_chain;

/* tls_chain_read - a chain (PEM, leaf first) with the key of that name; an empty one: by its own
 * (chain/chain.h). -ERR_SYNTAX when it cannot be read or does not hang together, -ERR_CONFLICT when
 * out of date. Any thread. */
MUST_CHECK int tls_chain_read(struct tls *tls, struct slice chain_pem, struct slice key_name,
	struct tls_chain **chain_out, struct err *err);
struct slice tls_chain_key_name(const struct tls_chain *chain);
/* tls_chain_until - when the leaf expires, in seconds of the wall clock. */
int64_t tls_chain_until(const struct tls_chain *chain);
struct tls_chain *tls_chain_hold(struct tls_chain *chain);
void tls_chain_release(struct tls_chain *chain); /* NULL is allowed */

struct tls_use {
	struct tls_chain *chain; /* for the DNS names in its leaf */
	bool is_default;         /* and for clients that name nothing we know */
	bool is_old;             /* only for clients that can verify none of the others */
};
/* tls_use - from now on these and no others; of two of a kind for one name the first counts. Any
 * thread. */
void tls_use(struct tls *tls, const struct tls_use *list, size_t n);
/* tls_use_challenges - the same for clients that ask by ALPN for `acme-tls/1` (RFC 8737), where the
 * listener's protocol has ALPN names; nobody else sees these. */
void tls_use_challenges(struct tls *tls, const struct tls_use *list, size_t n);

/* tls_sign_cms - append text with a signature (CMS SignedData, DER; RFC 5652) by a chain for that
 * host, which is in it. Blocks as a handshake does. -ERR_NOTFOUND: there is none; -ERR_BUSY. */
MUST_CHECK int tls_sign_cms(
	struct tls *tls, struct slice host, struct slice text, struct buf *out, struct err *err);

/* tls_allow_old - whether clients that offer SHA-1 and nothing newer get a signature over that. */
void tls_allow_old(struct tls *tls, bool is_allowed);

/* tls_set_ticket_keys - 48 random bytes each (name 16, AES-256 key's seed 32), newest first: the
 * newest seals, all open. n at most 4. Any thread. */
void tls_set_ticket_keys(struct tls *tls, const unsigned char (*keys)[48], size_t n);

#endif
