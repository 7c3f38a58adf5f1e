/*
 * recover.h - the recovery address of an account, and the password that was forgotten.
 *
 * The address changes by active confirmation alone: whoever asked, in a session with a fresh
 * factor, opens the link that went to the new address and confirms in such a session again. A link
 * to the former address takes it back, for RECOVER_CANCEL_S, also after it was confirmed. Silence
 * changes nothing.
 *
 * A reset by mail goes to a confirmed address if the user allows it, and asks for a second factor
 * where there is one. Links are generated secrets of which the MAC is kept.
 */
#ifndef KEEPER_RECOVER_H
#define KEEPER_RECOVER_H

#include "db/db.h"
#include "keeper/credentials.h"
#include "keeper/factors.h"

enum {
	RECOVER_ADDRESS_MAX = 255,
	RECOVER_CONFIRM_S = 2 * 86400,
	RECOVER_CANCEL_S = 7 * 86400,
	RECOVER_RESET_S = 3600,
	RECOVER_FLAG_S = 90 * 86400, /* how long a flag is kept */
	RECOVER_RESET_TRIES = 10,
	RECOVER_OF_ACCOUNT = 3, /* resets an hour */
	RECOVER_OF_NETWORK = 20,
};

struct recovery {
	char address[RECOVER_ADDRESS_MAX + 1]; /* in use; empty: none */
	char next[RECOVER_ADDRESS_MAX + 1];    /* waits to be confirmed */
	char former[RECOVER_ADDRESS_MAX + 1];  /* may still be taken back */
	bool may_reset;
};

/* recover_get - of an account without any: empty, and may_reset. */
MUST_CHECK int recover_get(struct db *db, uint64_t account, struct recovery *out, struct err *err);
/* recover_set - an empty address: none any more, at once. -ERR_SYNTAX. */
MUST_CHECK int recover_set(struct factors *f, struct db *change, uint64_t account,
	struct slice address, struct keeper_recovery_sent *out, struct err *err);
/* recover_confirm - -ERR_DENIED: not the link of this account's change, or too late. */
MUST_CHECK int recover_confirm(
	struct factors *f, struct db *change, uint64_t account, struct slice code, struct err *err);
/* recover_cancel - by whoever reads the former address. -ERR_DENIED. */
MUST_CHECK int recover_cancel(struct factors *f, struct db *change, struct slice code,
	uint64_t *account_out, struct err *err);
MUST_CHECK int recover_allow_mail(
	struct db *change, uint64_t account, bool may_reset, struct err *err);

/* recover_reset - somebody forgot the password of account (0: of nobody). out->to stays empty
 * where no mail may be sent: no address, not allowed, asked too often. network: bytes that name
 * where the question comes from. */
MUST_CHECK int recover_reset(struct factors *f, struct db *change, uint64_t account,
	struct slice network, struct keeper_reset *out, struct err *err);

/* A link that opens a reset now; it is counted as a try. place: names it for factors. */
struct recover_link {
	uint64_t account;
	unsigned char mac[MINT_MAC_LEN];
};
MUST_CHECK int recover_open(struct factors *f, struct db *change, struct slice code,
	struct recover_link *out, struct err *err);
/* recover_use - it is good no more; of two at once one gets it. */
MUST_CHECK int recover_use(struct db *change, const struct recover_link *link, struct err *err);
/* recover_flag - for the operator: somebody had the link, and not the second factor. */
MUST_CHECK int recover_flag(
	struct db *change, uint64_t account, struct slice peer, struct err *err);
/* recover_issue - a link for staff to hand over, after a case. */
MUST_CHECK int recover_issue(struct factors *f, struct db *change, uint64_t account,
	char out[MINT_TEXT], struct err *err);

#endif
