/*
 * credentials.h - how the server asks the keeper about people: who may come in, by what, and what
 * may change it.
 *
 * Everything here is only waited for parked: a call takes a connection and its ticket (see
 * conn_park(), http_park()) and ends it with an answer. answer.rc is 0, -ERR_DENIED (no: err.msg
 * says why, in words for the user), -ERR_BUSY (cannot be told now: never say "wrong"), -ERR_SYNTAX
 * (what was given cannot be: a password that is too short, …), -ERR_NOTFOUND, -ERR_EXISTS,
 * -ERR_CONFLICT. answer.data is what the call names, freed by answer.free_data. Slices given to a
 * call are copied before it returns.
 *
 * The keeper believes no claim of the server's. A credential changes only with a proof that the
 * keeper checks itself: a web session's secret (its cookie), and where the call says `fresh`, a
 * password or factor checked in that session within KEEPER_FRESH_S. What a group's administrator or
 * the operator may do to others is decided by the roles that the keeper holds.
 *
 * One rule of revocation. The keeper counts its changes; a verdict carries the count (`seq`) of its
 * moment. A change that ends sessions takes the next seq and is told to every server before it is
 * acknowledged (keeper_on_revoked()); it ends a session if account, scope and credential fit and
 * the session's seq is lower. A server that was cut off asks about all its sessions when it is
 * connected again.
 */
#ifndef KEEPER_CREDENTIALS_H
#define KEEPER_CREDENTIALS_H

#include "keeper/client.h"

enum {
	KEEPER_FRESH_S = 15 * 60,
	KEEPER_COOKIE_MAX = 64,  /* bytes of a web session's secret, as text */
	KEEPER_SECRET_MAX = 128, /* of any generated secret: app password, token, code */
};

/* What a credential opens; bits. */
enum keeper_scope {
	SCOPE_IMAP = 1,
	SCOPE_IMAP_READ = 2, /* IMAP that changes nothing */
	SCOPE_POP = 4,
	SCOPE_SMTP = 8, /* submission */
	SCOPE_DAV = 16,
	SCOPE_LDAP = 32,
	SCOPE_XMPP = 64,
	SCOPE_WEB = 128,
	SCOPE_JMAP = 256,
	SCOPE_SIEVE = 512,
	SCOPE_ALL = 1023,
};

/* Second factors; bits. */
enum keeper_factor {
	FACTOR_TOTP = 1,
	FACTOR_WEBAUTHN = 2,
	FACTOR_SMS = 4,
	FACTOR_RECOVERY = 8,  /* codes on paper; never the only one */
	FACTOR_PASSWORD = 16, /* typed again, to be fresh */
};

struct keeper_call {
	struct keeper *keeper;
	struct conn_ref who;
	uint64_t ticket;
	/* done - for whoever is no connection: called with the answer, on any thread, instead of
	 * waking anybody; its data is gone afterwards. Else NULL. */
	void (*done)(void *context, const struct answer *answer);
	void *context;
};

/* ---- one place decides ---- */

enum keeper_secret_kind {
	SECRET_PASSWORD,    /* main password, or app password */
	SECRET_TOKEN,       /* access token (OAUTHBEARER) */
	SECRET_CERTIFICATE, /* EXTERNAL: SHA-256 of the public key that TLS has proven */
};

struct keeper_attempt {
	uint64_t account; /* 0: nobody; takes as long as a wrong password. Of a token or a
			     certificate: 0 is whoever it belongs to */
	struct slice secret;
	enum keeper_secret_kind kind;
	unsigned scope;       /* what shall be opened; of several bits one is enough */
	struct slice peer;    /* client's address */
	struct slice program; /* what the client calls itself; may be empty */
};

struct keeper_entry {
	uint64_t account, seq;
	uint64_t credential; /* app password or token; 0: the main password */
	unsigned scopes;     /* what the credential opens */
	bool is_new_place;   /* never came from this network before, but from others: of the first
				that is known of an account nobody needs to be told */
	bool must_change;    /* the operator asks for a new password */
	int64_t change_by_s; /* by when; 0: no date */
};

/* keeper_enter - answer: struct keeper_entry. A secret that is right but does not open this (the
 * main password of an account with a second factor, a scope that is closed, an app password for
 * other services) is -ERR_CONFLICT with a text for the user that says what would. */
void keeper_enter(const struct keeper_call *call, const struct keeper_attempt *attempt);

/* SCRAM (RFC 5802, 7677), two steps. Every app password has a verifier; the main password has one
 * only with the setting passwords.scram_main, after it was used once in another way. The bodies are
 * the messages of RFC 5802 7. */
struct keeper_scram {
	uint64_t account; /* of the user name in client_first; 0: nobody */
	unsigned scope;
	struct slice peer, program;
	struct slice client_first; /* with its gs2 header */
	struct slice binding;      /* the channel's data that fits the gs2 header; else empty */
};
/* answer: struct keeper_scram_reply with server_first and an exchange number. */
void keeper_scram_begin(const struct keeper_call *call, const struct keeper_scram *scram);
/* answer: struct keeper_scram_reply with server_final and entry. An exchange lives 60 s. */
void keeper_scram_end(const struct keeper_call *call, uint64_t exchange, struct slice client_final);
struct keeper_scram_reply {
	uint64_t exchange;
	struct keeper_entry entry;
	char message[1024];
	size_t message_len;
};

/* ---- keys for DKIM ---- */

enum { KEEPER_DKIM_MAX = 4 }; /* that sign for one domain at a time */

struct keeper_dkim_key {
	char selector[64], name[64]; /* name: what the keeper calls it */
	bool is_rsa;                 /* else Ed25519 */
};
struct keeper_dkim_keys {
	size_t n;
	struct keeper_dkim_key list[KEEPER_DKIM_MAX];
};
/* keeper_dkim_keys - which sign for the domain now. answer: struct keeper_dkim_keys. */
void keeper_dkim_keys(const struct keeper_call *call, struct slice domain);
/* keeper_dkim_sign - a SHA-256 digest, see mailauth/dkim.h. answer: struct keeper_text. */
void keeper_dkim_sign(
	const struct keeper_call *call, const struct keeper_dkim_key *key, struct slice digest);

/* ---- live sessions ---- */

/* What was revoked. scopes: bits; account 0, credential 0: all of them. */
struct keeper_revocation {
	uint64_t account, seq, credential;
	unsigned scopes;
};
/* keeper_on_revoked - told on a pool thread; when it returns this server has closed the sessions
 * and will not register one that fits and has a lower seq. Once, before keeper_start(). */
typedef void keeper_revoked_fn(void *context, const struct keeper_revocation *what);
/* and which sessions are there, asked after the connection was lost: calls say() for each. */
typedef void keeper_say_live_fn(
	void *to, uint64_t account, uint64_t seq, uint64_t credential, unsigned scope);
typedef void keeper_live_fn(void *context, keeper_say_live_fn *say, void *to);
void keeper_on_revoked(
	struct keeper *keeper, keeper_revoked_fn *revoked, keeper_live_fn *live, void *context);

/* ---- web sessions ---- */

enum keeper_role { ROLE_USER, ROLE_GROUP_ADMIN, ROLE_OPERATOR };

struct keeper_web {
	uint64_t account, session; /* 0: not signed in, or no such session */
	bool is_pending;           /* password was right, a factor is missing */
	unsigned factors;          /* pending: which can be given; else: which the account has */
	int64_t fresh_until_s;     /* wall clock */
	enum keeper_role role;
	uint64_t group; /* that the account belongs to; 0: none */
	bool must_change;
	int64_t change_by_s;
	bool is_new_place;
	char cookie[KEEPER_COOKIE_MAX]; /* only where a new one was made, NUL-terminated */
};

/* keeper_web_begin - sign in with the main password or an app password that opens the web; answer:
 * struct keeper_web with a new cookie, maybe pending. is_long: stays after the browser ends. */
void keeper_web_begin(
	const struct keeper_call *call, const struct keeper_attempt *attempt, bool is_long);
/* keeper_web_check - answer: struct keeper_web. Every request; -ERR_DENIED: not a session. */
void keeper_web_check(const struct keeper_call *call, struct slice cookie, struct slice peer);
/* keeper_web_factor - give a factor: `data` is the code, the password, or the WebAuthn assertion
 * (JSON as the browser makes it). Pending becomes signed in (with a new cookie), signed in becomes
 * fresh. answer: struct keeper_web. */
void keeper_web_factor(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice data, struct slice peer);
/* keeper_web_challenge - before a WebAuthn or SMS factor: answer: struct keeper_text, WebAuthn
 * options as JSON, or the number's last digits; the SMS is on its way by the courier. */
void keeper_web_challenge(
	const struct keeper_call *call, struct slice cookie, enum keeper_factor factor);
/* keeper_web_passkey - sign in without a password. With data empty: the challenge (answer: struct
 * keeper_text); else the assertion (answer: struct keeper_web). */
void keeper_web_passkey(const struct keeper_call *call, struct slice challenge_id,
	struct slice data, struct slice peer, struct slice program);
/* keeper_web_end - sign out: this session (session 0) or another of the account. What a server
 * registers for a web session (push) has its number as credential, and ends with it. */
void keeper_web_end(const struct keeper_call *call, struct slice cookie, uint64_t session);
/* keeper_web_end_all - everything of the account but this session: web, clients, tokens. */
void keeper_web_end_all(const struct keeper_call *call, struct slice cookie);

struct keeper_text {
	size_t len;
	char text[];
};

/* Lists of the session's account (account 0) or of one that it administers; answers: struct
 * keeper_list. */
struct keeper_item {
	uint64_t id;
	int64_t created_s, seen_s; /* seen 0: never used */
	unsigned kind;             /* of a factor: enum keeper_factor; of an app: 1 a certificate */
	unsigned scopes;
	bool is_this, needs_factor, is_before_change; /* made before the last password change */
	struct slice name, peer, program;
};
struct keeper_list {
	size_t n;
	struct keeper_item items[];
};
void keeper_list_sessions(const struct keeper_call *call, struct slice cookie, uint64_t account);
void keeper_list_apps(const struct keeper_call *call, struct slice cookie, uint64_t account);
void keeper_list_factors(const struct keeper_call *call, struct slice cookie, uint64_t account);
void keeper_list_tokens(const struct keeper_call *call, struct slice cookie, uint64_t account);

/* ---- the account's credentials ---- */

/* keeper_change_password - `before` is checked again here; the account's address is given so that
 * a password equal to it is refused. Ends every other session. With a second factor: fresh. */
void keeper_change_password(const struct keeper_call *call, struct slice cookie,
	struct slice address, struct slice before, struct slice after);
/* keeper_reset_password - by an administrator of the account's group, or an operator: fresh. The
 * account must change it at its next sign in. */
void keeper_reset_password(const struct keeper_call *call, struct slice cookie, uint64_t account,
	struct slice address, struct slice after);
/* keeper_account_new, keeper_account_gone: fresh too. The first - a new member of the
 * administrator's group (or the operator's `group`). */
void keeper_account_new(const struct keeper_call *call, struct slice cookie, uint64_t account,
	uint64_t group, struct slice address, struct slice password);
void keeper_account_gone(const struct keeper_call *call, struct slice cookie, uint64_t account);

/* keeper_app_add - fresh. answer: struct keeper_text, the secret, shown once. */
void keeper_app_add(const struct keeper_call *call, struct slice cookie, struct slice name,
	unsigned scopes, bool needs_factor);
/* keeper_app_certificate - fresh. The key of that hash signs in by EXTERNAL; -ERR_EXISTS: it is
 * somebody's already. */
void keeper_app_certificate(const struct keeper_call *call, struct slice cookie, struct slice name,
	unsigned scopes, struct slice hash);
void keeper_app_remove(const struct keeper_call *call, struct slice cookie, uint64_t id);

/* keeper_set_scopes - the user turns services on or off (fresh); closing one ends its sessions. The
 * web stays on: where would one turn it on again? */
void keeper_set_scopes(const struct keeper_call *call, struct slice cookie, unsigned open);
/* answer: struct keeper_settings */
void keeper_get_settings(const struct keeper_call *call, struct slice cookie);
struct keeper_settings {
	unsigned scopes;         /* services that are on */
	unsigned factors;        /* that the account has */
	unsigned recovery_codes; /* left */
	bool may_reset_by_mail;
	int64_t password_changed_s;
	char recovery_address[256];         /* in use; empty: none */
	char recovery_address_pending[256]; /* waiting for its confirmation */
};

/* ---- factors: all fresh ---- */

/* keeper_factor_begin - answer: struct keeper_text: TOTP: the otpauth URI; WebAuthn: the creation
 * options as JSON; SMS: empty (data is the number, a code is sent). */
void keeper_factor_begin(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice data, struct slice address);
/* keeper_factor_confirm - data: the code or the attestation (JSON). answer: struct keeper_text: new
 * recovery codes, a line each, when this is the first factor; else empty. */
void keeper_factor_confirm(const struct keeper_call *call, struct slice cookie,
	enum keeper_factor factor, struct slice name, struct slice data);
void keeper_factor_remove(const struct keeper_call *call, struct slice cookie, uint64_t id);
/* keeper_recovery_codes - ten new ones, the old end. answer: struct keeper_text. */
void keeper_recovery_codes(const struct keeper_call *call, struct slice cookie);

/* ---- recovery ---- */

/* keeper_recovery_set - fresh. answer: struct keeper_recovery_sent: mails that the caller sends. A
 * change is in force only when confirmed from a session with a fresh factor. */
void keeper_recovery_set(const struct keeper_call *call, struct slice cookie, struct slice address);
struct keeper_recovery_sent {
	char confirm[KEEPER_SECRET_MAX]; /* for the new address */
	char cancel[KEEPER_SECRET_MAX];  /* for the old address; empty if there is none */
	char old_address[256];
};
void keeper_recovery_confirm(
	const struct keeper_call *call, struct slice cookie, struct slice code);
/* keeper_recovery_cancel - the link of a notice: a new recovery address, or a recovery case, is not
 * to be. */
void keeper_recovery_cancel(const struct keeper_call *call, struct slice code);
/* keeper_recovery_address - of an account, in use. answer: struct keeper_text, or empty. */
void keeper_recovery_address(const struct keeper_call *call, uint64_t account);
void keeper_recovery_by_mail(const struct keeper_call *call, struct slice cookie, bool may_reset);

/* keeper_reset_begin - somebody forgot the password. answer: struct keeper_reset: to is empty when
 * no mail may be sent (the page says the same in every case). */
void keeper_reset_begin(const struct keeper_call *call, uint64_t account, struct slice peer);
struct keeper_reset {
	char to[256], code[KEEPER_SECRET_MAX];
};
/* keeper_reset_challenge - as keeper_web_challenge(), for whoever has the link. */
void keeper_reset_challenge(
	const struct keeper_call *call, struct slice code, enum keeper_factor factor);
/* keeper_reset_end - with a second factor on, factor and data are wanted too; a request without
 * (factor 0) is -ERR_CONFLICT, and flagged for the operator: tell him (notice "reset-flagged").
 * Ends every session. */
void keeper_reset_end(const struct keeper_call *call, struct slice code, struct slice address,
	struct slice password, enum keeper_factor factor, struct slice data, struct slice peer);

/* ---- tokens for other programs (RFC 6749, 7636, 8628, 7009) ---- */

/* keeper_grant_code - the signed-in user said yes. answer: struct keeper_text, the code (60 s). */
void keeper_grant_code(const struct keeper_call *call, struct slice cookie, struct slice client,
	struct slice redirect, unsigned scopes, struct slice challenge);
/* answers: struct keeper_tokens; -ERR_DENIED is RFC 6749's invalid_grant */
void keeper_grant_exchange(const struct keeper_call *call, struct slice client,
	struct slice redirect, struct slice code, struct slice verifier);
void keeper_grant_refresh(const struct keeper_call *call, struct slice client, struct slice token);
struct keeper_tokens {
	uint64_t account;
	unsigned scopes;
	int64_t expires_in_s;
	char access[KEEPER_SECRET_MAX], refresh[KEEPER_SECRET_MAX];
};
/* answer: struct keeper_device */
void keeper_device_begin(const struct keeper_call *call, struct slice client, unsigned scopes);
struct keeper_device {
	char device_code[KEEPER_SECRET_MAX], user_code[16];
	int64_t expires_in_s, interval_s;
};
/* answer: struct keeper_item's client and scopes as a keeper_list of one */
void keeper_device_find(
	const struct keeper_call *call, struct slice cookie, struct slice user_code);
void keeper_device_decide(const struct keeper_call *call, struct slice cookie,
	struct slice user_code, bool is_allowed);
/* answer: struct keeper_tokens; -ERR_BUSY with msg "authorization_pending" or "slow_down" */
void keeper_device_poll(const struct keeper_call *call, struct slice client, struct slice code);
void keeper_token_revoke(const struct keeper_call *call, struct slice token);
void keeper_token_remove(const struct keeper_call *call, struct slice cookie, uint64_t id);

#endif
