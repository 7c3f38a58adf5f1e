/*
 * spool.h - a message on its way in: memory up to 64 KiB, then an unlinked file in DIR/spool.
 *
 * Appended to by one thread, then read by any number at once (spool_read is a pread). Counted
 * references: the session, the delivery log and each account's write may share one.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "base/buf.h"

struct spool;

/* spool_new - empty; at most max bytes, then -ERR_TOOBIG. dirfd: the open DIR/spool. */
struct spool *spool_new(int dirfd, uint64_t max);
struct spool *spool_ref(struct spool *spool);
void spool_free(struct spool **spool); /* gives one reference back */

MUST_CHECK int spool_append(struct spool *spool, struct slice bytes, struct err *err);
uint64_t spool_size(const struct spool *spool);
/* spool_read - append n bytes from offset at to out (fewer only at the end). */
MUST_CHECK int spool_read(
	struct spool *spool, uint64_t at, size_t n, struct buf *out, struct err *err);
/* spool_view - the bytes themselves when they are in memory; false when they are in a file. */
bool spool_view(const struct spool *spool, struct slice *out);

#endif
