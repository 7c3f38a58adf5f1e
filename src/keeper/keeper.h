/*
 * keeper.h - the keeper process: TLS private keys and password hashes, and who may ask what.
 *
 * Lives in DIR/keeper (its own user's, mode 0700): keys/NAME.pem (private keys, PKCS #8 PEM),
 * secrets.db, and mac.key, under which secrets.db has what must not be read from it alone. It
 * listens on three Unix sockets, bound by the supervisor and handed over:
 *
 *   run/keeper-server.sock  the server: sign, verify, ticket-keys
 *   run/keeper-courier.sock the courier: sms-take
 *   run/keeper-cli.sock     the operator's CLI (SO_PEERCRED: root or the instance's owner):
 *                           password set, import, delete; key make
 *
 * Each socket has its own list of verbs; whatever else is asked is refused. argon2id runs on
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
	int server_fd, cli_fd, courier_fd; /* bound and listening */
	struct slice host;                 /* the primary host: what security keys are made for */
	unsigned web_port;                 /* of its https, as browsers see it */
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

/* keeper_make_key - make a TLS key of that name (ECDSA P-256) unless it exists, and a
 * self-signed certificate for the DNS names (and IP addresses), appended as PEM. */
MUST_CHECK int keeper_make_key(const char *socket_path, struct slice name,
	const struct slice *names, size_t n, unsigned days, struct buf *certificate_out,
	struct err *err);
/* keeper_import_key - hand over an existing private key (PEM) under that name. */
MUST_CHECK int keeper_import_key(
	const char *socket_path, struct slice name, struct slice key_pem, struct err *err);

#endif
