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
 * Mechanisms: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and -PLUS (RFC 5802, 7677, with tls-exporter
 * of RFC 9266 or tls-server-end-point), OAUTHBEARER (RFC 7628), XOAUTH2.
 *
 * A struct login is zeroed memory in the session. All calls are made on the connection's thread.
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
	const char *name;        /* "imap", "submission", "pop3": in logs, policies, levels */
	enum keeper_scope scope; /* SCOPE_ */
};

struct login;
/* login_fn - the end of one step; message is LOGIN_CHALLENGE's, valid during the call. */
typedef void login_fn(
	struct conn *c, enum login_result result, struct slice message, const struct err *err);

struct login {
	struct mail_session session; /* registered while account is not 0 */
	uint64_t account;            /* 0: nobody is in */
	char *address;               /* the login name in normal form */
	uint64_t quota_bytes;
	unsigned scopes; /* of the credential: without SCOPE_IMAP, IMAP only reads */
	const struct login_service *service;
	struct slice program; /* set by the session: what the client calls itself */
	char *program_text;
	login_fn *then;
	struct login_sasl *sasl; /* an exchange under way */
	unsigned failures;
};

/* login_password - a user name and a password; the caller wipes them afterwards. The connection is
 * parked; `then` is called once. */
void login_password(struct conn *c, struct login *login, const struct login_service *service,
	struct slice user, struct slice password, login_fn *then);

/* login_sasl - begin a mechanism; initial.ptr NULL: none was sent. login_sasl_next - a decoded
 * response. login_sasl_cancel - the client gave up. */
void login_sasl(struct conn *c, struct login *login, const struct login_service *service,
	struct slice mechanism, struct slice initial, login_fn *then);
void login_sasl_next(struct conn *c, struct login *login, struct slice response);
void login_sasl_cancel(struct login *login);
/* login_mechanisms - names that may be used on this connection now, with `before` in front of each:
 * "AUTH=". None without TLS, unless the policy of the service allows it. */
void login_mechanisms(
	struct conn *c, const struct login_service *service, const char *before, struct buf *out);
bool login_is_allowed(struct conn *c, const struct login_service *service);

/* login_done - the session ends. */
void login_done(struct conn *c, struct login *login);

#endif
