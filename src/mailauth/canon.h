/*
 * canon.h - canonical forms of header fields and bodies, and the hash of a body as it streams by.
 *
 * Reads:  RFC 6376 3.4. Lines end in CRLF; a lone LF counts as one.
 * Bounds: a body takes a fixed amount of memory. All hashes are SHA-256 (RFC 8301 has no other).
 */
#ifndef MAILAUTH_CANON_H
#define MAILAUTH_CANON_H

#include "base/encode.h"
#include "wire/mime/header.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* canon_field - append the field with its CRLF. */
void canon_field(enum canon canon, const struct mime_field *field, struct buf *out);

/* canon_without_b - append the canonical field as its own signature covers it: the value of the
 * tag b is empty and there is no CRLF at the end (RFC 6376 3.7). */
void canon_without_b(enum canon canon, const struct mime_field *field, struct buf *out);

#define BODY_HASH_ALL UINT64_MAX

enum { BODY_HASH_PIECE = 1024 }; /* given to the hash at once: words are many */

struct body_hash {
	enum canon canon;
	uint64_t limit; /* bytes of the canonical body that are hashed (tag l) */
	void *digest;   /* of OpenSSL; NULL once it is over */
	uint64_t size;  /* canonical bytes so far */
	uint64_t lines; /* line ends that count only if more text follows */
	bool has_cr, has_space;
	size_t piece_n;
	char piece[BODY_HASH_PIECE];
	unsigned char sum[SHA256_LEN]; /* when it is over */
};

void body_hash_init(struct body_hash *hash, enum canon canon, uint64_t limit);
void body_hash_feed(struct body_hash *hash, struct slice bytes);
void body_hash_finish(struct body_hash *hash); /* sum and size are set */
void body_hash_done(struct body_hash *hash);   /* also before it is over */

#endif
