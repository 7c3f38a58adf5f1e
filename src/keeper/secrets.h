/*
 * secrets.h - secrets.db: what the keeper knows of each account, and how it is changed.
 *
 * One connection reads, one writes; each is used by one thread at a time and handed out by the
 * calls below, so that a file of the keeper's can keep its own tables here without another layer.
 * Reads do not wait for a change that is being flushed.
 *
 * All changes are counted: secrets_take_seq() inside a change gives the next number of one counter
 * that is kept with it. A number is an id too (of a web session, an app password, a token), so that
 * one is never used for two things.
 */
#ifndef KEEPER_SECRETS_H
#define KEEPER_SECRETS_H

#include "db/db.h"
#include "keeper/hash.h"

struct secrets;

MUST_CHECK int secrets_open(const char *path, struct secrets **out, struct err *err);
void secrets_close(struct secrets **secrets);

/* secrets_read - the reading connection, until secrets_read_end(). */
struct db *secrets_read(struct secrets *secrets);
void secrets_read_end(struct secrets *secrets);
/* secrets_change - begin a transaction. secrets_change_end - commit it if rc is 0, else roll back;
 * returns rc, or what the commit said. */
MUST_CHECK int secrets_change(struct secrets *secrets, struct db **out, struct err *err);
MUST_CHECK int secrets_change_end(struct secrets *secrets, int rc, struct err *err);

/* secrets_take_seq - the next number, inside a change. */
MUST_CHECK int secrets_take_seq(struct db *change, uint64_t *out, struct err *err);
/* secrets_seq - the number up to which everything that was revoked has been made known to whoever
 * gives verdicts; secrets_publish() raises it, after the caches were dropped. */
uint64_t secrets_seq(const struct secrets *secrets);
void secrets_publish(struct secrets *secrets, uint64_t seq);

/* ---- passwords ---- */

struct secret {
	uint64_t account;
	uint64_t epoch; /* the number of the change that set it */
	bool is_fast; /* made with the least cost on purpose: not to be replaced by a better one */
	char hash[HASH_MAX];
};

/* secrets_get - -ERR_NOTFOUND. */
MUST_CHECK int secrets_get(
	struct secrets *secrets, uint64_t account, struct secret *out, struct err *err);
/* secrets_put - inside a change: the account, new or not, has this hash; epoch is given. */
MUST_CHECK int secrets_put(struct db *change, const struct secret *secret, struct err *err);
/* secrets_upgrade - another hash of the same password, if `before` still stands; same epoch. */
MUST_CHECK int secrets_upgrade(struct secrets *secrets, uint64_t account, const char *before,
	const char *after, struct err *err);
/* secrets_remove - inside a change: what is kept here of the account. -ERR_NOTFOUND. */
MUST_CHECK int secrets_remove(struct db *change, uint64_t account, struct err *err);

#endif
