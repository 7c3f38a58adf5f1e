/*
 * incoming.h - a message while it arrives: spooled, hashed and parsed in one pass.
 *
 * One object serves every account the message goes to: finish once, then share references. The
 * parse happens as bytes come, so that nothing is left to do when the last one is there.
 */
#ifndef STORE_INCOMING_H
#define STORE_INCOMING_H

#include "base/encode.h"
#include "base/spool.h"
#include "wire/mime/prepare.h"

enum { INCOMING_REFS_MAX = 32 }; /* message-ids that threading looks at */

struct incoming {
	struct spool *spool;
	struct buf prepared; /* see wire/mime/prepare.h */
	unsigned char hash[SHA256_LEN];
	int64_t received_s; /* INTERNALDATE, seconds since 1970 */
	int32_t zone_min;   /* its zone, minutes east */
	uint64_t size;
	bool is_passed_on; /* not for an account here: neither hash, nor parsed, nor threaded */
	uint64_t number;   /* of the message, in its history and in the log: random_dated() */
	/* Threading: stable 63-bit hashes of the own message-id [0] (0: none) and of those referred
	 * to, newest first, and of the base subject. */
	uint64_t refs[INCOMING_REFS_MAX];
	size_t refs_n;
	uint64_t subject;
	/* what follows is the module's own */
	struct mime_parser *parser;
	void *sha;
	_Atomic unsigned references;
};

/* incoming_new - received_s is now; the caller may set another (APPEND's date-time). */
struct incoming *incoming_new(int spool_dirfd, uint64_t max);
/* incoming_pass_on - before the first byte: spool, size and number are all that is wanted of it. */
void incoming_pass_on(struct incoming *in);
MUST_CHECK int incoming_append(struct incoming *in, struct slice bytes, struct err *err);
/* incoming_finish - no more bytes; fills everything above. Call once. */
MUST_CHECK int incoming_finish(struct incoming *in, struct err *err);
struct incoming *incoming_ref(struct incoming *in);
void incoming_free(struct incoming **in);

#endif
