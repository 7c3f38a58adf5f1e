/* rebuild.h - a message made of another one with fields put in front of it. */
#ifndef MAIL_REBUILD_H
#define MAIL_REBUILD_H

#include "store/incoming.h"

enum { REBUILD_PIECE = 64 * 1024 };

/* rebuild_append - what is spooled, from there on. */
MUST_CHECK int rebuild_append(
	struct incoming *in, struct spool *spool, uint64_t at, struct err *err);

#endif
