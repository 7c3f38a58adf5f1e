/*
 * bodies.h - the hashes of one body in the forms that its signatures want: each form is hashed
 * once, however many signatures there are.
 *
 * Bounds: BODIES_MAX forms; for more, bodies_add() says so.
 */
#ifndef MAILAUTH_BODIES_H
#define MAILAUTH_BODIES_H

#include "mailauth/canon.h"

enum { BODIES_MAX = 12 };

struct bodies {
	struct body_hash list[BODIES_MAX];
	size_t n;
};

/* bodies_add - before the body begins. *at_out: which one of the list it is; false if it is full.
 */
bool bodies_add(struct bodies *bodies, enum canon canon, uint64_t limit, size_t *at_out);
void bodies_feed(struct bodies *bodies, struct slice bytes);
void bodies_finish(struct bodies *bodies);
void bodies_done(struct bodies *bodies);

#endif
