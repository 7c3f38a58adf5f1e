/* rebuild.h - a message made of another one with fields put in front of it. */
#ifndef MAIL_REBUILD_H
#define MAIL_REBUILD_H

#include "store/incoming.h"

enum { REBUILD_PIECE = 64 * 1024, REBUILD_TURN = 256 * 1024, REBUILD_ALL = -1 };

/* rebuild_append - what is spooled, from *at on, at most max bytes of it (rounded up to pieces;
 * REBUILD_ALL: all): what a thread that others wait for should do at once is REBUILD_TURN. *at goes
 * along; it is all when *at is the spool's size. */
MUST_CHECK int rebuild_append(
	struct incoming *in, struct spool *spool, uint64_t *at, int64_t max, struct err *err);
/* rebuild_read - the same to each() instead of a message. */
typedef int rebuild_fn(void *context, struct slice piece, struct err *err);
MUST_CHECK int rebuild_read(struct spool *spool, uint64_t *at, int64_t max, rebuild_fn *each,
	void *context, struct err *err);

#endif
