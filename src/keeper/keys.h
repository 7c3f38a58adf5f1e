/*
 * keys.h - private keys in keys/NAME.pem: read at first use, kept, and used for signatures only.
 *
 * A key has one purpose, which is the first part of its name; the rest is its own fingerprint
 * (chain/chain.h), so that a certificate finds its key and a new key never takes the place of one
 * in use. No raw private operation and no decryption: a signature is over a digest whose length
 * and hash are checked, with the padding made here. Any thread.
 */
#ifndef KEEPER_KEYS_H
#define KEEPER_KEYS_H

#include <openssl/evp.h>

#include "chain/chain.h"
#include "keeper/frame.h"

struct keys;

/* What a new key is. */
enum keys_kind { KEYS_EC, KEYS_RSA, KEYS_ED25519 }; /* P-256, 2048 bits; the last for DKIM */

/* keys_open - dirfd is the keeper's directory; keys/ is made there if it is missing. allows_old:
 * keys_sign() takes SHA-1, too. */
MUST_CHECK int keys_open(int dirfd, bool allows_old, struct keys **out, struct err *err);
void keys_close(struct keys **keys);

/* keys_sign - for TLS or DKIM. -ERR_NOTFOUND (no such key), -ERR_DENIED (not its purpose, not its
 * algorithm). */
MUST_CHECK int keys_sign(
	struct keys *keys, const struct frame_sign *what, struct buf *out, struct err *err);

/* Purposes are CHAIN_KEY_TLS, CHAIN_KEY_ACME and CHAIN_KEY_DKIM. The EVP_PKEY is to be freed by the
 * caller. */

/* keys_make - a new key, on disk when it returns. -ERR_QUOTA: there are too many. */
MUST_CHECK int keys_make(struct keys *keys, const char *purpose, enum keys_kind kind,
	char name_out[CHAIN_KEY_NAME_MAX], EVP_PKEY **out, struct err *err);
/* keys_get - -ERR_NOTFOUND; -ERR_DENIED: it has another purpose. */
MUST_CHECK int keys_get(
	struct keys *keys, const char *purpose, struct slice name, EVP_PKEY **out, struct err *err);
/* keys_parse - a private key of a kind that we use, in PEM; keys_add - keep it. */
MUST_CHECK int keys_parse(struct slice pem, EVP_PKEY **out, struct err *err);
MUST_CHECK int keys_add(struct keys *keys, const char *purpose, EVP_PKEY *pkey, struct err *err);

/* keys_delete - one of that purpose, for good. */
MUST_CHECK int keys_delete(
	struct keys *keys, const char *purpose, struct slice name, struct err *err);

/* keys_prune - delete keys for TLS that were made more than age_s ago and that nobody wants. */
typedef bool keys_wanted_fn(void *context, struct slice name);
void keys_prune(struct keys *keys, int64_t age_s, keys_wanted_fn *is_wanted, void *context);

#endif
