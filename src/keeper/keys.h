/*
 * keys.h - private keys in keys/NAME.pem: read at first use, kept, and used for signatures only.
 *
 * No raw private operation and no decryption: a signature is over a digest whose length and hash
 * are checked, with the padding made here. Any thread.
 */
#ifndef KEEPER_KEYS_H
#define KEEPER_KEYS_H

#include "keeper/frame.h"

struct keys;

/* keys_open - dirfd is the keeper's directory; keys/ is made there if it is missing. */
MUST_CHECK int keys_open(int dirfd, struct keys **out, struct err *err);
void keys_close(struct keys **keys);

/* keys_sign - -ERR_NOTFOUND (no such key), -ERR_DENIED (not its purpose, not its algorithm). */
MUST_CHECK int keys_sign(
	struct keys *keys, const struct frame_sign *what, struct buf *out, struct err *err);

/* keys_make - an ECDSA P-256 key unless one of the name is there, and a self-signed certificate. */
MUST_CHECK int keys_make(struct keys *keys, const struct frame_make_key *what,
	struct buf *certificate_out, struct err *err);
MUST_CHECK int keys_import(struct keys *keys, const struct frame_import_key *what, struct err *err);

#endif
