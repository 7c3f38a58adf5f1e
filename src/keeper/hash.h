/*
 * hash.h - password hashes: what we make (argon2id) and what we can check besides (crypt(3)).
 *
 * Pure apart from randomness and time: each call may take long. Any thread.
 */
#ifndef KEEPER_HASH_H
#define KEEPER_HASH_H

#include "base/err.h"
#include "base/slice.h"

enum { HASH_MAX = 256 }; /* bytes of a hash with its NUL */

struct hash_cost {
	unsigned memory_kib, passes;
};

/* hash_cost_least - for benches and demos: what argon2 does at the very least. */
struct hash_cost hash_cost_least(void);

/* hash_make - argon2id of the password, in its usual text form. -ERR_BUSY: no memory for it. */
MUST_CHECK int hash_make(
	struct slice password, struct hash_cost cost, char out[HASH_MAX], struct err *err);

/* hash_check - is it a hash we can verify within reason: $argon2id$, $6$, $5$, $2a$, $2b$, $2y$.
 * -ERR_SYNTAX, -ERR_TOOBIG (it asks for more memory or time than we give). */
MUST_CHECK int hash_check(struct slice hash, struct err *err);

/* hash_verify - 0, -ERR_DENIED, or -ERR_BUSY (no memory). hash has passed hash_check(). */
MUST_CHECK int hash_verify(const char *hash, struct slice password, struct err *err);

/* hash_is_weaker - of another scheme than ours, or of a lower cost: to be replaced after a good
 * login. */
bool hash_is_weaker(const char *hash, struct hash_cost cost);

#endif
