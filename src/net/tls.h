/*
 * tls.h - TLS contexts whose private keys are elsewhere.
 *
 * RFC 8446, RFC 5246. A certificate chain is loaded here; the handshake's signature is asked from
 * a function that the caller gives (the keeper's client), through an OpenSSL 3 provider of our own
 * (net/tls_provider.c) that knows a key by its name and public half and hands over digests only.
 *
 * TLS 1.2 and 1.3, ECDHE only (no RSA key exchange), moving buffers on, renegotiation off, no
 * tickets for 1.2; 1.3 tickets with psk_dhe_ke and no early data, under ticket keys that the
 * caller replaces. SSL_OP_CLEANSE_PLAINTEXT is set. Chosen by SNI, with a default; ECDSA and RSA
 * chains may stand side by side for one name. Loading replaces atomically: sessions that exist
 * keep what they have.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"
#include "base/err.h"

struct tls;

enum tls_algorithm {
	TLS_ECDSA,     /* ASN.1 DER signature (RFC 8422) over the digest */
	TLS_RSA_PKCS1, /* PKCS #1 v1.5 with DigestInfo of `hash` */
	TLS_RSA_PSS,   /* PSS, MGF1 of the same hash, salt as long as the hash */
};

enum tls_hash { TLS_SHA256, TLS_SHA384, TLS_SHA512 };

/*
 * A signer: called on pool threads inside handshakes, may take as long as its own deadline.
 * Appends the signature to out; 0, or -ERR_BUSY, -ERR_DENIED, -ERR_NOTFOUND, -ERR_IO.
 */
typedef int tls_sign_fn(void *signer, struct slice key_name, enum tls_algorithm algorithm,
	enum tls_hash hash, struct slice digest, struct buf *out, struct err *err);

/* tls_new - no certificate yet. One process, one provider: call once per process. */
MUST_CHECK int tls_new(tls_sign_fn *sign, void *signer, struct tls **tls_out, struct err *err);
void tls_free(struct tls **tls);

/* tls_load - use this chain (PEM, leaf first) with the key of that name, for the DNS names in the
 * leaf; is_default also for clients that name nothing we know. -ERR_SYNTAX when it cannot be
 * read, -ERR_CONFLICT when out of date: what was loaded before stays. Any thread. */
MUST_CHECK int tls_load(struct tls *tls, struct slice chain_pem, struct slice key_name,
	bool is_default, struct err *err);

/* tls_set_ticket_keys - 48 random bytes each (name 16, AES-256 key's seed 32), newest first: the
 * newest seals, all open. n at most 4. Any thread. */
void tls_set_ticket_keys(struct tls *tls, const unsigned char (*keys)[48], size_t n);

#endif
