/*
 * tickets.h - the keys under which TLS session tickets are sealed.
 *
 * The only keys that leave the keeper. A new one each hour; what was sealed under the last two
 * before it still opens. Kept in locked memory. Used by one thread.
 */
#ifndef KEEPER_TICKETS_H
#define KEEPER_TICKETS_H

#include "keeper/frame.h"

enum { TICKETS_MAX = 3 };

struct tickets {
	unsigned char (*keys)[FRAME_TICKET_KEY]; /* newest first */
	size_t n;
	int64_t due_ms;
};

/* tickets_init - with one key. */
MUST_CHECK int tickets_init(struct tickets *t, struct err *err);
void tickets_done(struct tickets *t);
/* tickets_tick - make a new key if it is time. */
void tickets_tick(struct tickets *t);

#endif
