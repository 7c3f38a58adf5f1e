/*
 * login.h - coming in, the same for every protocol.
 *
 * A session gives this room what the client said (a user name and password, or the messages of a
 * SASL mechanism) and is told once: come in, or which refusal. Everything that must be the same
 * behind every door is here: which address is whose account, that the keeper decides (with the
 * session's scope, the client's address and program), whether the account's level has the service,
 * that a login without TLS is recorded for the policy of its service, the security log, the notice
 * of a new place, and the registry by which a session ends when its login is no longer good.
 *
 * Mechanisms: EXTERNAL (RFC 4422 appendix A) by a client's certificate, PLAIN (RFC 4616), LOGIN,
 * SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, with tls-exporter of RFC 9266 or tls-server-end-point),
 * OAUTHBEARER (RFC 7628), XOAUTH2.
 *
 * SCRAM is announced only where main passwords have verifiers for it (the setting scram); asked for
 * by name it works with app passwords everywhere.
 *
 * A session whose protocol logs in has a struct login as its first member, zeroed. All calls are
 * made on the connection's thread.
 */
#ifndef LOGIN_LOGIN_H
#define LOGIN_LOGIN_H

#include "keeper/credentials.h"
#include "mail/mail.h"

enum login_result {
	LOGIN_IN,          /* the session is registered; account and address are filled in */
	LOGIN_WRONG,       /* name or secret */
	LOGIN_REFUSED,     /* right, but not for this: err says why, in words for the user */
	LOGIN_UNAVAILABLE, /* cannot be checked now */
	LOGIN_SYNTAX,      /* not a message of the mechanism */
	LOGIN_CHALLENGE,   /* SASL: send `message` (not encoded) and wait for a response */
};

struct login_service {
	const char *name; /* "imap", "submission", "pop3": in logs, policies, levels */
	unsigned scope;   /* bits of enum keeper_scope: a credential with one of them may come in */
	enum config_service cleartext; /* whose settings say whether one may come in without TLS */
};

struct login_exchange;
/* login_fn - the end of one step; message is LOGIN_CHALLENGE's, valid during the call. */
typedef void login_fn(
	struct conn *c, enum login_result result, struct slice message, const struct err *err);

/* The first member of a session: a parked login finds it there. */
struct login {
	struct mail_session session; /* registered while account is not 0 */
	uint64_t account;            /* 0: nobody is in */
	char *address;               /* the login name in normal form */
	uint64_t quota_bytes;
	unsigned scopes; /* of the credential: without SCOPE_IMAP, IMAP only reads */
	const struct login_service *service;
	char *program; /* what the client calls itself; NULL: it has not said */
	login_fn *then;
	uint64_t asked;                  /* whose password is being checked */
	struct login_exchange *exchange; /* one under way */
};

/* login_password - a user name and a password; the caller wipes them afterwards. `then` is called
 * once, mostly after the connection was parked. */
void login_password(struct conn *c, const struct login_service *service, struct slice user,
	struct slice password, login_fn *then);

/* login_begin - a SASL mechanism; initial.ptr NULL: none was sent. false: there is no such
 * mechanism here (nothing else happened). login_next - a decoded response to a challenge; the
 * caller wipes both. login_cancel - the client gave up. */
MUST_CHECK bool login_begin(struct conn *c, const struct login_service *service,
	struct slice mechanism, struct slice initial, login_fn *then);
void login_next(struct conn *c, struct slice response);
void login_cancel(struct conn *c);

/* login_is_allowed - somebody may log in on this connection: it is encrypted, or the service's
 * policy allows it without, by the clock of this moment (service.cleartext_until_s). */
bool login_is_allowed(struct conn *c, const struct login_service *service);
/* login_mechanisms - append the names that are announced on this connection, each with `before` in
 * front: " AUTH=". */
void login_mechanisms(struct conn *c, const char *before, struct buf *out);

/* login_program - the client has said what it is: "Thunderbird 128.1". */
void login_program(struct conn *c, struct slice program);
/* login_done - the session ends. */
void login_done(struct conn *c);

#endif
