/*
 * logins.h - is this the account's password: cache, and hashing elsewhere.
 *
 * A good password is remembered for a while as a keyed hash under a secret of this boot. Anything
 * else costs a run of argon2id (an unknown account too, on a hash of nobody's; a wrong password at
 * least that, however cheap the account's own hash is) on the hashers' threads; identical attempts
 * that meet share one run; what waits longer than its deadline, or finds the queue full, is "busy",
 * never "wrong". Where the account is known it is served first; who guesses is held up (guesses.h),
 * but at a place that is known never who gives a password that is in the cache.
 */
#ifndef KEEPER_LOGINS_H
#define KEEPER_LOGINS_H

#include "keeper/crew.h"
#include "keeper/guesses.h"
#include "keeper/hash.h"

struct logins;

struct logins_config {
	struct secrets *secrets;
	struct guesses *guesses;
	struct crew *hashers;
	struct hash_cost cost;
	unsigned cache_s;
};

MUST_CHECK int logins_new(const struct logins_config *config, struct logins **out, struct err *err);
/* logins_free - after the hashers were dismissed. */
void logins_free(struct logins **logins);

struct logins_verdict {
	int rc;         /* 0, -ERR_DENIED, -ERR_BUSY */
	uint64_t seq;   /* the number of changes up to which it holds (secrets_seq()) */
	uint64_t epoch; /* of the password */
	const char *reason;
};
typedef void logins_fn(void *context, const struct logins_verdict *verdict);

/* logins_check - calls done once, now or later, on this or a hasher's thread. */
void logins_check(struct logins *logins, const struct place *place, struct slice password,
	logins_fn *done, void *context);
/* logins_forget - the account's password has changed. Any thread. */
void logins_forget(struct logins *logins, uint64_t account);

#endif
