/*
 * logins.h - is this the account's password: cache, limits on guessing, hashing elsewhere.
 *
 * A good password is remembered for a while as a keyed hash under a secret of this boot. Anything
 * else costs a run of argon2id (an unknown account too, on a hash of nobody's) on the hashers'
 * threads; identical attempts that meet share one run; what waits longer than its deadline, or
 * finds the queue full, is "busy", never "wrong".
 *
 * Guessing: failures are counted by account and network (IPv4 /24, IPv6 /48) and by network. Above
 * a bound attempts are "busy" until the count fades. A pair of account and network that has logged
 * in before is served first, has ten times the bound, and does not suffer from its network; who
 * gives a password that is in the cache is never held up.
 */
#ifndef KEEPER_LOGINS_H
#define KEEPER_LOGINS_H

#include "keeper/crew.h"
#include "keeper/loop.h"
#include "keeper/secrets.h"

struct logins;

struct logins_config {
	struct secrets *secrets;
	struct crew *hashers;
	struct hash_cost cost;
	unsigned cache_s;
};

enum {
	LOGINS_PAIR_MAX = 10, /* failures of an account from a network, in ten minutes */
	LOGINS_KNOWN_MAX = 100,
	LOGINS_NETWORK_MAX = 100,
};

MUST_CHECK int logins_new(const struct logins_config *config, struct logins **out, struct err *err);
/* logins_free - after the hashers were dismissed. */
void logins_free(struct logins **logins);

/* logins_verify - answers the caller, now or later. */
void logins_verify(struct logins *logins, const struct frame_verify *what, struct caller caller);
/* logins_forget - the account's password has changed. Any thread. */
void logins_forget(struct logins *logins, uint64_t account);

#endif
