/*
 * clerk.h - what the operator asks for: passwords and keys are set, made and taken away.
 *
 * One thread does these in order, because each ends with a flush. Clear passwords are hashed by the
 * hashers, one a turn, so that a large import does not keep logins waiting.
 */
#ifndef KEEPER_CLERK_H
#define KEEPER_CLERK_H

#include "keeper/keys.h"
#include "keeper/logins.h"

/* What the jobs work on; all of it outlives them. */
struct clerk {
	struct crew *crew, *hashers;
	struct secrets *secrets;
	struct logins *logins;
	struct keys *keys;
	struct hash_cost cost;
	unsigned hashers_n;
};

/* clerk_take - a frame of one of the operator's verbs; the bytes are copied. False: it is bad. */
bool clerk_take(struct clerk *clerk, struct caller caller, const struct frame *f);

#endif
