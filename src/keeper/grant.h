/*
 * grant.h - tokens for other programs: RFC 6749 with PKCE (RFC 7636, S256 alone), RFC 8628 for
 * devices without a browser, RFC 7009.
 *
 * What a user allows is a grant: a row of `token`, whose number is the credential of all sessions
 * that come in by it. It has one refresh token, exchanged for a new one at each use, and access
 * tokens of an hour. Whoever uses a refresh token or a code a second time shows that there are two
 * who have it: the whole grant ends. Codes wait in memory.
 *
 * Clients are named by the server, which knows what they may ask for; the name is kept and must be
 * the same at each step.
 */
#ifndef KEEPER_GRANT_H
#define KEEPER_GRANT_H

#include "db/db.h"
#include "keeper/credentials.h"
#include "keeper/factors.h"

enum {
	GRANT_SCOPES = SCOPE_ALL & ~SCOPE_WEB, /* the web pages are for people */
	GRANT_CLIENT_MAX = 64,
	GRANT_REDIRECT_MAX = 1024,
	GRANT_CHALLENGE_LEN = 43, /* characters: SHA-256 in base64url */
	GRANT_VERIFIER_MAX = 128,
	GRANT_CODE_S = 60,
	GRANT_ACCESS_S = 3600,
	GRANT_REFRESH_S = 90 * 86400, /* without being used */
	GRANT_DEVICE_S = 600,
	GRANT_DEVICE_INTERVAL_S = 5,
	GRANT_OF_ACCOUNT = 50,
};

/* What a step of the protocol gives. Where ended is not 0 the change is to be committed, sessions
 * of that credential of that account ended, and the client refused. */
struct grant_result {
	struct keeper_tokens tokens;
	uint64_t ended, ended_account;
};

/* grant_code - the user said yes in the browser; the code is written to out. -ERR_SYNTAX. */
MUST_CHECK int grant_code(struct factors *f, uint64_t account, struct slice client,
	struct slice redirect, unsigned scopes, struct slice challenge, char out[MINT_TEXT],
	struct err *err);
/* id is a new number of the keeper's. -ERR_DENIED is invalid_grant. */
MUST_CHECK int grant_exchange(struct factors *f, struct db *change, uint64_t id,
	struct slice client, struct slice redirect, struct slice code, struct slice verifier,
	struct grant_result *out, struct err *err);
MUST_CHECK int grant_refresh(struct factors *f, struct db *change, struct slice client,
	struct slice token, struct grant_result *out, struct err *err);

void grant_device_begin(
	struct factors *f, struct slice client, unsigned scopes, struct keeper_device *out);
/* What a user code stands for; it stays. -ERR_NOTFOUND; -ERR_BUSY: the account tried many. */
MUST_CHECK int grant_device_find(struct factors *f, uint64_t account, struct slice user_code,
	struct buf *client_out, unsigned *scopes_out, struct err *err);
MUST_CHECK int grant_device_decide(struct factors *f, uint64_t account, struct slice user_code,
	bool is_allowed, struct err *err);
/* -ERR_BUSY "authorization_pending" or "slow_down"; -ERR_DENIED "access_denied" or
 * "expired_token". */
MUST_CHECK int grant_device_poll(struct factors *f, struct db *change, uint64_t id,
	struct slice client, struct slice code, struct grant_result *out, struct err *err);

/* An access token that is good now. */
struct grant_found {
	uint64_t account, id;
	unsigned scopes;
};
MUST_CHECK int grant_find(struct factors *f, struct db *db, struct slice token,
	struct grant_found *out, struct err *err);

/* grant_revoke - by whoever has a token of either kind; ended stays 0 if it was none. */
MUST_CHECK int grant_revoke(struct factors *f, struct db *change, struct slice token,
	struct grant_result *out, struct err *err);
MUST_CHECK int grant_remove(struct db *change, uint64_t account, uint64_t id, struct err *err);
/* grant_remove_all - of the account; of 0, of everybody. */
MUST_CHECK int grant_remove_all(struct db *change, uint64_t account, struct err *err);

#endif
