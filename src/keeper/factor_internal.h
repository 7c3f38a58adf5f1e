/* factor_internal.h - what factor.c and factor_check.c share. */
#ifndef KEEPER_FACTOR_INTERNAL_H
#define KEEPER_FACTOR_INTERNAL_H

#include "keeper/factor.h"
#include "keeper/totp.h"

enum { FACTOR_SEALED_MAX = TOTP_SECRET_MAX + 64, FACTOR_SMS_DIGITS = 6 };

/* Secrets that must be known again: sealed for one account. */
void factor_seal(const struct factors *f, uint64_t account, struct slice plain, struct buf *out);
MUST_CHECK int factor_unseal(const struct factors *f, uint64_t account, struct slice sealed,
	struct totp *out, struct err *err);

/* factor_note_kinds - the account's row says which it has, for whoever decides about logins. */
MUST_CHECK int factor_note_kinds(struct db *change, uint64_t account, struct err *err);

/* factor_user - WebAuthn's user handle: says nothing of the account to others. */
void factor_user(const struct factors *f, uint64_t account, unsigned char out[WEBAUTHN_USER_LEN]);

/* The credential ids of an account; they point into the arena. */
struct factor_ids {
	struct slice ids[FACTOR_MAX];
	size_t n;
	struct arena arena;
};
MUST_CHECK int factor_read_ids(
	struct db *db, uint64_t account, struct factor_ids *out, struct err *err);
void factor_ids_done(struct factor_ids *ids);

/* A code by text message, kept under that place; factor_check_text() counts its tries. */
MUST_CHECK int factor_send_text(
	struct factors *f, const struct factor_who *who, const char *number, struct err *err);
MUST_CHECK int factor_check_text(struct factors *f, struct slice place, struct slice code,
	char number_out[SMS_NUMBER_MAX + 1], struct err *err);

#endif
