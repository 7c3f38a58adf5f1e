/*
 * secrets.h - secrets.db: which account has which password hash, and its epoch.
 *
 * An epoch is raised by each change of the account's credentials. Any thread; reads do not wait for
 * a change that is being flushed.
 */
#ifndef KEEPER_SECRETS_H
#define KEEPER_SECRETS_H

#include "keeper/hash.h"

struct secrets;

MUST_CHECK int secrets_open(const char *path, struct secrets **out, struct err *err);
void secrets_close(struct secrets **secrets);

struct secret {
	uint64_t account, epoch;
	char hash[HASH_MAX];
};

/* secrets_get - -ERR_NOTFOUND. */
MUST_CHECK int secrets_get(
	struct secrets *secrets, uint64_t account, struct secret *out, struct err *err);
/* secrets_set - the hashes of n accounts, new or not, in one transaction; epochs are raised. */
MUST_CHECK int secrets_set(
	struct secrets *secrets, const struct secret *list, size_t n, struct err *err);
/* secrets_upgrade - another hash of the same password, if `before` still stands; same epoch. */
MUST_CHECK int secrets_upgrade(struct secrets *secrets, uint64_t account, const char *before,
	const char *after, struct err *err);
MUST_CHECK int secrets_delete(struct secrets *secrets, uint64_t account, struct err *err);

#endif
