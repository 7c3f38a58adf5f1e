/*
 * keeper.h - the keeper process: TLS private keys, password hashes, sessions, and who may ask what.
 *
 * Lives in DIR/keeper (its own user's, mode 0700): keys/NAME.pem (private keys, PKCS #8 PEM),
 * secrets.db, and mac.key, under which secrets.db has what must not be read from it alone. It
 * alone writes DIR/tls. It listens on three Unix sockets, bound by the supervisor and handed over:
 *
 *   run/keeper-server.sock  the server: signatures, logins, sessions, what users change themselves
 *   run/keeper-courier.sock the courier: ACME requests, certificates, text messages
 *   run/keeper-cli.sock     the operator's CLI (SO_PEERCRED: root or the instance's owner)
 *
 * verbs.c has the list for each; whatever else is asked is refused. argon2id runs on
 * threads of its own at low priority, at most one a core, never on those that sign; the queue is
 * bounded with a deadline, and full means -ERR_BUSY, never "wrong password". A short-lived cache of
 * good passwords, keyed by a secret of this boot, answers clients that log in often in
 * microseconds.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "base/buf.h"

struct keeper_config {
	const char *directory;             /* "keeper", relative to the current directory */
	const char *tls_directory;         /* "tls" */
	bool allows_old_signatures;        /* over SHA-1 */
	int server_fd, cli_fd, courier_fd; /* bound and listening */
	struct slice host;                 /* the primary host: what security keys are made for */
	unsigned web_port;                 /* of its https, as browsers see it */
	bool scram_main;                   /* main passwords have a verifier for SCRAM */
	unsigned argon2_memory_kib;        /* 19456 */
	unsigned argon2_passes;            /* 2 */
	unsigned cache_s;                  /* how long a good password is remembered; 0: not */
	unsigned owner_uid;                /* whom the CLI socket takes beside root */
};

/* keeper_run - serve until SIGTERM; the sandbox is entered inside, before the first thread. */
MUST_CHECK int keeper_run(const struct keeper_config *config, struct err *err);

/* ---- the operator's verbs, as the CLI calls them; blocking; socket: run/keeper-cli.sock ---- */

struct keeper_secret {
	uint64_t account;
	struct slice password; /* in clear (hashed in the keeper), or a ready hash ("$argon2id$…",
				  "$6$…") */
	bool is_hash;
	int rc; /* written */
	struct err err;
};

/* keeper_set_passwords - many in one round; ready hashes are checked for a scheme we can verify
 * ($argon2id$, $6$, $5$, $2b$/$2a$/$2y$ by crypt(3)). Clear passwords of an import are hashed by
 * the keeper's threads; is_fast uses the least cost argon2 has (for benches and demos: says so in
 * its documentation). */
MUST_CHECK int keeper_set_passwords(const char *socket_path, struct keeper_secret *secrets,
	size_t n, bool is_fast, struct err *err);
MUST_CHECK int keeper_delete_account(const char *socket_path, uint64_t account, struct err *err);

/* What is asked for many accounts at once takes a list of their numbers; a single 0 is all there
 * are. */
enum { KEEPER_ACCOUNTS_MAX = 1000 }; /* more are asked for in pieces */

/* keeper_set_role - an enum keeper_role, and the group that the account belongs to (0: none). */
MUST_CHECK int keeper_set_role(
	const char *socket_path, uint64_t account, unsigned role, uint64_t group, struct err *err);
/* keeper_log_out - out of everything; returns when all servers have closed. */
MUST_CHECK int keeper_log_out(
	const char *socket_path, const uint64_t *accounts, size_t n, struct err *err);
/* keeper_ask_password - a new one is wanted; after by_s (0: never) the old one opens nothing but
 * the web page. */
MUST_CHECK int keeper_ask_password(
	const char *socket_path, int64_t by_s, const uint64_t *accounts, size_t n, struct err *err);
struct keeper_pending {
	uint64_t account;
	int64_t by_s;
};
/* keeper_list_pending - who has not changed it yet, in order, after that account; at most max. */
MUST_CHECK int keeper_list_pending(const char *socket_path, uint64_t after,
	struct keeper_pending *out, size_t max, size_t *n_out, struct err *err);

struct keeper_app {
	uint64_t id;
	int64_t made_s, seen_s;
	unsigned scopes; /* enum keeper_scope */
	bool needs_factor, is_before_change, is_certificate;
	struct slice name, peer, program;
};
typedef void keeper_app_fn(void *context, const struct keeper_app *app);
MUST_CHECK int keeper_list_apps_of(const char *socket_path, uint64_t account, keeper_app_fn *each,
	void *context, struct err *err);
/* keeper_add_certificate - the key of this hash (chain_key_hash()) signs the account in. */
MUST_CHECK int keeper_add_certificate(const char *socket_path, uint64_t account, struct slice name,
	unsigned scopes, struct slice hash, struct err *err);
MUST_CHECK int keeper_revoke_app(
	const char *socket_path, uint64_t account, uint64_t id, struct err *err);
/* keeper_switch_services - enum keeper_scope bits on or off. */
MUST_CHECK int keeper_switch_services(
	const char *socket_path, uint64_t account, unsigned scopes, bool is_on, struct err *err);

/* What a certificate shall be: tls/NAME.pem for these hosts. */
struct keeper_certificate {
	struct slice name;
	const struct slice *names; /* DNS names, and IP addresses in one of our own */
	size_t n;
	unsigned days;     /* of one of our own */
	bool is_rsa;       /* else EC P-256 */
	bool is_unchecked; /* orders: do not look first whether the hosts are ours */
	bool is_renewed;   /* orders: replace what there is */
};
/* keeper_certificate_make - a new key, and a certificate that it signed itself, appended as PEM. */
MUST_CHECK int keeper_certificate_make(const char *socket_path,
	const struct keeper_certificate *what, struct buf *out, struct err *err);
/* keeper_certificate_import - one from elsewhere with its key, both PEM. -ERR_SYNTAX;
 * -ERR_CONFLICT: they do not belong together, or it is out of date. */
MUST_CHECK int keeper_certificate_import(const char *socket_path, struct slice name,
	struct slice key_pem, struct slice chain_pem, struct err *err);
/* keeper_certificate_order - from the CA, now and whenever it is time again; _drop: no more. */
MUST_CHECK int keeper_certificate_order(
	const char *socket_path, const struct keeper_certificate *what, struct err *err);
MUST_CHECK int keeper_certificate_drop(const char *socket_path, struct slice name, struct err *err);
/* keeper_certificate_bind - RFC 8555 7.3.4: name and key (base64url) that the CA gave. */
MUST_CHECK int keeper_certificate_bind(
	const char *socket_path, struct slice kid, struct slice mac_key, struct err *err);
/* ---- keys for DKIM ---- */

enum keeper_dkim_state { KEEPER_DKIM_NEXT, KEEPER_DKIM_SIGNS, KEEPER_DKIM_FORMER };

struct keeper_dkim {
	enum keeper_dkim_state state;
	struct slice domain, selector;
	bool is_rsa;             /* else Ed25519 */
	int64_t from_s, until_s; /* signs from, and until (0: without end) */
	struct slice public_key; /* as the DNS has it, in base64 */
};
/* keeper_dkim_add - an RSA and an Ed25519 key that sign after so many seconds; until then those
 * that there are go on. is_rotation: there must be some (-ERR_NOTFOUND), else none (-ERR_EXISTS).
 */
MUST_CHECK int keeper_dkim_add(const char *socket_path, struct slice domain, uint64_t after_s,
	bool is_rotation, struct err *err);
/* keeper_dkim_list - of a domain, or of all with an empty one. Called with each; slices live in the
 * call. */
typedef void keeper_dkim_fn(void *context, const struct keeper_dkim *key);
MUST_CHECK int keeper_dkim_list(const char *socket_path, struct slice domain, keeper_dkim_fn *each,
	void *context, struct err *err);
/* keeper_dkim_remove - the key of a selector, or all of the domain with an empty one. */
MUST_CHECK int keeper_dkim_remove(
	const char *socket_path, struct slice domain, struct slice selector, struct err *err);

/* ---- recovery cases (keeper/case.h) ---- */

/* Who of the staff acts: an operator's account, and a code of its TOTP or a recovery code. */
struct keeper_staff {
	uint64_t account;
	struct slice code;
};
struct keeper_case {
	uint64_t id, account, opener, approver; /* approver 0: nobody yet */
	unsigned state, points;                 /* enum case_state */
	bool removes_factors;
	int64_t opened_s, wait_until_s, closed_s;
};
/* What a step comes to: the case as it is now, the secret of a link (of a new case: to stop it; of
 * a granted one: to set a password), and the addresses beside the account's own to be told. */
struct keeper_case_step {
	struct keeper_case row;
	char link[64];
	char recovery[256], former[256];
};
MUST_CHECK int keeper_case_open(const char *socket_path, const struct keeper_staff *staff,
	uint64_t account, bool removes_factors, struct slice note, struct keeper_case_step *out,
	struct err *err);
MUST_CHECK int keeper_case_evidence(const char *socket_path, const struct keeper_staff *staff,
	uint64_t id, struct slice kind, struct slice note, struct keeper_case_step *out,
	struct err *err);
MUST_CHECK int keeper_case_approve(const char *socket_path, const struct keeper_staff *staff,
	uint64_t id, struct keeper_case_step *out, struct err *err);
MUST_CHECK int keeper_case_close(const char *socket_path, const struct keeper_staff *staff,
	uint64_t id, bool is_granted, struct slice note, struct keeper_case_step *out,
	struct err *err);
typedef void keeper_case_fn(void *context, const struct keeper_case *row);
MUST_CHECK int keeper_case_list(
	const char *socket_path, bool is_all, keeper_case_fn *each, void *context, struct err *err);
struct keeper_case_entry {
	int64_t at_s;
	uint64_t staff; /* 0: whoever had the link of a notice */
	unsigned points;
	struct slice kind, note;
};
typedef void keeper_case_entry_fn(void *context, const struct keeper_case_entry *entry);
MUST_CHECK int keeper_case_show(const char *socket_path, uint64_t id, struct keeper_case *out,
	keeper_case_entry_fn *each, void *context, struct err *err);

/* keeper_case_flags - resets that somebody with the link, and without the second factor, asked for;
 * the latest first. */
struct keeper_flag {
	uint64_t account;
	int64_t at_s;
	struct slice peer;
};
typedef void keeper_flag_fn(void *context, const struct keeper_flag *flag);
MUST_CHECK int keeper_case_flags(
	const char *socket_path, keeper_flag_fn *each, void *context, struct err *err);

#endif
