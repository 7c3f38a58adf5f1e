/*
 * spool.h - bytes on their way in (a message, a request's body): memory up to 64 KiB, then a file
 * without a name in the folder given.
 *
 * Appended to by one thread, then read by any number at once (spool_read is a pread). Counted
 * references: the session, the delivery log and each account's write may share one.
 */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/buf.h"

struct spool;

/* spool_new - empty; at most max bytes, then -ERR_TOOBIG. dirfd: the folder, open. */
struct spool *spool_new(int dirfd, uint64_t max);
struct spool *spool_ref(struct spool *spool);
void spool_free(struct spool **spool); /* gives one reference back */

MUST_CHECK int spool_append(struct spool *spool, struct slice bytes, struct err *err);
uint64_t spool_size(const struct spool *spool);
/* spool_read - append n bytes from offset at to out (fewer only at the end). */
MUST_CHECK int spool_read(
	struct spool *spool, uint64_t at, size_t n, struct buf *out, struct err *err);
/* spool_share - a descriptor of a file with all the bytes, the caller's; for another process. */
MUST_CHECK int spool_share(struct spool *spool, struct err *err);
/* spool_view - the bytes themselves when they are in memory; false when they are in a file. */
bool spool_view(const struct spool *spool, struct slice *out);
/* spool_fd - a descriptor of the file, the caller's; -1: the bytes are in memory, or there is no
 * descriptor left. */
int spool_fd(const struct spool *spool);
/* spool_map - all the bytes, a file mapped to memory; they live as long as the spool, and nothing
 * is appended any more. By one thread, once. */
MUST_CHECK int spool_map(struct spool *spool, struct slice *out, struct err *err);

#endif
