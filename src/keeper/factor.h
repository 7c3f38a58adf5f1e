/*
 * factor.h - second factors of an account: set up, asked for, checked, taken away.
 *
 * A factor is set up in two steps: factor_begin() gives what the person needs (a secret, options
 * for the browser, a text message), factor_confirm() stores it once an answer proves that it
 * works. What is given later is checked by factor_check(): each code, challenge and step is good
 * once, also when two ask at the same time, because changes are made one after the other.
 *
 * A "place" is where a challenge belongs: the bytes that name a web session, or the MAC of a link.
 * `change` is the database inside a change, `db` also for reading.
 */
#ifndef KEEPER_FACTOR_H
#define KEEPER_FACTOR_H

#include "db/db.h"
#include "keeper/credentials.h"
#include "keeper/factors.h"

enum {
	FACTOR_MAX = 16, /* of an account */
	FACTOR_RECOVERY_CODES = 10,
	FACTOR_NAME_MAX = 64, /* bytes */
	FACTOR_CODES_TEXT = FACTOR_RECOVERY_CODES * MINT_TEXT + 1,
	FACTOR_BEGIN_S = 600, /* to finish what was begun */
	FACTOR_SMS_TRIES = 5,
};

/* Who is concerned, and where. */
struct factor_who {
	uint64_t account;
	struct slice place;
	/* Bytes that name an account and a network it came from before; empty: a stranger's. What
	 * strangers get wrong does not count against those who are at home. */
	struct slice home;
};

/* factor_kinds - bits of enum keeper_factor that the account has; recovery codes are in it. */
MUST_CHECK int factor_kinds(struct db *db, uint64_t account, unsigned *out, struct err *err);
MUST_CHECK int factor_codes_left(struct db *db, uint64_t account, unsigned *out, struct err *err);

/* factor_begin - data: a telephone's number for FACTOR_SMS. The answer is appended to out.
 * -ERR_QUOTA, -ERR_SYNTAX. */
MUST_CHECK int factor_begin(struct factors *f, struct db *db, const struct factor_who *who,
	enum keeper_factor kind, struct slice data, struct slice address, struct buf *out,
	struct err *err);
/* factor_confirm - id is a new number of the keeper's. When it is the account's first, recovery
 * codes are made and appended to codes_out, a line each. */
MUST_CHECK int factor_confirm(struct factors *f, struct db *change, const struct factor_who *who,
	uint64_t id, enum keeper_factor kind, struct slice name, struct slice data,
	struct buf *codes_out, struct err *err);
/* factor_remove - one of the account's; with the last the recovery codes go. -ERR_NOTFOUND. */
MUST_CHECK int factor_remove(struct db *change, uint64_t account, uint64_t id, struct err *err);
MUST_CHECK int factor_remove_all(struct db *change, uint64_t account, struct err *err);
/* factor_new_codes - in place of all former ones. -ERR_CONFLICT: there is no factor they help. */
MUST_CHECK int factor_new_codes(
	struct factors *f, struct db *change, uint64_t account, struct buf *out, struct err *err);

/* factor_challenge - before a WebAuthn or SMS factor is given: options, or the number's last
 * digits. -ERR_NOTFOUND: the account has no such factor. */
MUST_CHECK int factor_challenge(struct factors *f, struct db *db, const struct factor_who *who,
	enum keeper_factor kind, struct buf *out, struct err *err);
/* factor_check - -ERR_DENIED, or -ERR_BUSY after FACTORS_WRONG_MAX wrong ones. */
MUST_CHECK int factor_check(struct factors *f, struct db *change, const struct factor_who *who,
	enum keeper_factor kind, struct slice data, struct err *err);

/* A sign-in without password. The challenge is good for who has challenge_id, the bytes that name
 * a visitor; nothing is kept of it until it was used. */
void factor_passkey_challenge(struct factors *f, struct slice challenge_id, struct buf *out);
MUST_CHECK int factor_passkey_check(struct factors *f, struct db *change, struct slice challenge_id,
	struct slice data, uint64_t *account_out, struct err *err);

#endif
