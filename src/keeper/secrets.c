/* secrets.c - see secrets.h for the contract. */
#include "keeper/secrets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CHECKPOINT_BYTES = 4 << 20 };

struct secrets {
	pthread_mutex_t writing, reading; /* each guards its connection; never both at once */
	struct db *writer, *reader;
	atomic_uint_fast64_t seq;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE secret (account INTEGER PRIMARY KEY, hash TEXT NOT NULL,"
	 " epoch INTEGER NOT NULL)"},
	/* 2: what an account may do, and what comes in without its password. MACs are of what the
	 * client has, under the keeper's own secret; times are seconds of the wall clock. */
	{"ALTER TABLE secret ADD COLUMN is_fast INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TABLE counter (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL,"
	 " revoked INTEGER NOT NULL);" /* everybody's sessions below it */
	 "INSERT INTO counter SELECT 1, coalesce(max(epoch), 0) + 1, 0 FROM secret;"
	 "CREATE TABLE account (id INTEGER PRIMARY KEY,"
	 " revoked INTEGER NOT NULL DEFAULT 0,"   /* its sessions below it */
	 " scopes INTEGER NOT NULL DEFAULT 1023," /* that are open; enum keeper_scope */
	 " role INTEGER NOT NULL DEFAULT 0, member_of INTEGER NOT NULL DEFAULT 0,"
	 " factors INTEGER NOT NULL DEFAULT 0," /* that it has; enum keeper_factor */
	 " changed_s INTEGER NOT NULL DEFAULT 0,"
	 " must_change INTEGER NOT NULL DEFAULT 0, change_by_s INTEGER NOT NULL DEFAULT 0);"
	 "INSERT INTO account (id) SELECT account FROM secret;"
	 "CREATE TABLE app (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " mac BLOB NOT NULL UNIQUE, name TEXT NOT NULL, scopes INTEGER NOT NULL,"
	 " needs_factor INTEGER NOT NULL, made_s INTEGER NOT NULL,"
	 " seen_s INTEGER NOT NULL DEFAULT 0, peer TEXT NOT NULL DEFAULT '',"
	 " program TEXT NOT NULL DEFAULT '');"
	 "CREATE INDEX app_account ON app (account);"
	 "CREATE TABLE web (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " mac BLOB NOT NULL UNIQUE, credential INTEGER NOT NULL, is_pending INTEGER NOT NULL,"
	 " is_long INTEGER NOT NULL, made_s INTEGER NOT NULL, seen_s INTEGER NOT NULL,"
	 " fresh_until_s INTEGER NOT NULL, peer TEXT NOT NULL, program TEXT NOT NULL);"
	 "CREATE INDEX web_account ON web (account);"
	 "CREATE TABLE known (account INTEGER NOT NULL, network BLOB NOT NULL,"
	 " first_s INTEGER NOT NULL, seen_s INTEGER NOT NULL, PRIMARY KEY (account, network))"
	 " WITHOUT ROWID;"
	 "CREATE TABLE revocation (seq INTEGER NOT NULL, account INTEGER NOT NULL,"
	 " credential INTEGER NOT NULL, scopes INTEGER NOT NULL, at_s INTEGER NOT NULL);"
	 "CREATE INDEX revocation_seq ON revocation (seq);"},
	/* 3: factors (secret: TOTP's, sealed; the id of a security key; a telephone's number.
	 * count: the last step used, or the key's counter), recovery, and grants to other programs.
	 */
	{"CREATE TABLE factor (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " kind INTEGER NOT NULL, name TEXT NOT NULL, made_s INTEGER NOT NULL,"
	 " seen_s INTEGER NOT NULL DEFAULT 0, secret BLOB NOT NULL, key BLOB NOT NULL,"
	 " algorithm INTEGER NOT NULL, count INTEGER NOT NULL);"
	 "CREATE INDEX factor_account ON factor (account);"
	 "CREATE UNIQUE INDEX factor_key ON factor (secret) WHERE kind = 2;"
	 "CREATE TABLE recovery_code (mac BLOB PRIMARY KEY, account INTEGER NOT NULL)"
	 " WITHOUT ROWID;"
	 "CREATE INDEX recovery_code_account ON recovery_code (account);"
	 "CREATE TABLE token (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " client TEXT NOT NULL, scopes INTEGER NOT NULL, made_s INTEGER NOT NULL,"
	 " seen_s INTEGER NOT NULL DEFAULT 0, peer TEXT NOT NULL DEFAULT '');"
	 "CREATE INDEX token_account ON token (account);"
	 "CREATE TABLE token_key (mac BLOB PRIMARY KEY, token INTEGER NOT NULL,"
	 " is_refresh INTEGER NOT NULL, is_used INTEGER NOT NULL, until_s INTEGER NOT NULL)"
	 " WITHOUT ROWID;"
	 "CREATE INDEX token_key_token ON token_key (token);"},
	/* 4: recovery (cancel: a link to `former`), resets by link, recovery cases with all their
	 * steps, and what SCRAM is checked against (credential 0: the main password). */
	{"CREATE TABLE recovery (account INTEGER PRIMARY KEY, address TEXT NOT NULL DEFAULT '',"
	 " by_mail INTEGER NOT NULL DEFAULT 1, next TEXT NOT NULL DEFAULT '', confirm BLOB,"
	 " confirm_until_s INTEGER NOT NULL DEFAULT 0, former TEXT NOT NULL DEFAULT '',"
	 " cancel BLOB UNIQUE, cancel_until_s INTEGER NOT NULL DEFAULT 0);"
	 "CREATE TABLE reset (mac BLOB PRIMARY KEY, account INTEGER NOT NULL,"
	 " until_s INTEGER NOT NULL, tries INTEGER NOT NULL) WITHOUT ROWID;"
	 "CREATE INDEX reset_account ON reset (account);"
	 "CREATE TABLE flag (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " peer TEXT NOT NULL, at_s INTEGER NOT NULL);"
	 "CREATE TABLE scram (account INTEGER NOT NULL, credential INTEGER NOT NULL,"
	 " stored_key BLOB NOT NULL, server_key BLOB NOT NULL, PRIMARY KEY (account, credential))"
	 " WITHOUT ROWID;"
	 "CREATE TABLE recovery_case (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " opener INTEGER NOT NULL, approver INTEGER NOT NULL DEFAULT 0,"
	 " state INTEGER NOT NULL DEFAULT 0, removes INTEGER NOT NULL, opened_s INTEGER NOT NULL,"
	 " wait_until_s INTEGER NOT NULL DEFAULT 0, closed_s INTEGER NOT NULL DEFAULT 0,"
	 " stop BLOB NOT NULL UNIQUE);"
	 "CREATE TABLE case_step (id INTEGER PRIMARY KEY, case_id INTEGER NOT NULL,"
	 " at_s INTEGER NOT NULL, staff INTEGER NOT NULL, kind TEXT NOT NULL,"
	 " points INTEGER NOT NULL, note TEXT NOT NULL);"
	 "CREATE INDEX case_step_case ON case_step (case_id);"
	 "CREATE TRIGGER app_gone AFTER DELETE ON app BEGIN"
	 " DELETE FROM scram WHERE account = OLD.account AND credential = OLD.id; END;"
	 "CREATE TRIGGER secret_set AFTER UPDATE OF epoch ON secret BEGIN"
	 " DELETE FROM scram WHERE account = OLD.account AND credential = 0; END;"
	 "CREATE TRIGGER token_gone AFTER DELETE ON token BEGIN"
	 " DELETE FROM token_key WHERE token = OLD.id; END;"
	 "CREATE TRIGGER account_gone AFTER DELETE ON account BEGIN"
	 " DELETE FROM factor WHERE account = OLD.id;"
	 " DELETE FROM recovery_code WHERE account = OLD.id;"
	 " DELETE FROM token WHERE account = OLD.id;"
	 " DELETE FROM recovery WHERE account = OLD.id;"
	 " DELETE FROM reset WHERE account = OLD.id;"
	 " DELETE FROM scram WHERE account = OLD.id; END;"},
	/* 5: keys for DKIM: a selector signs from from_s until until_s (0: it has no end yet). */
	{"CREATE TABLE dkim (domain TEXT NOT NULL, selector TEXT NOT NULL, is_rsa INTEGER NOT NULL,"
	 " key TEXT NOT NULL, from_s INTEGER NOT NULL, until_s INTEGER NOT NULL DEFAULT 0,"
	 " PRIMARY KEY (domain, selector)) WITHOUT ROWID"},
	/* 6: an alternative login may be a client's certificate; the MAC is of its key's hash. */
	{"ALTER TABLE app ADD COLUMN is_certificate INTEGER NOT NULL DEFAULT 0"},
};

int secrets_open(const char *path, struct secrets **out, struct err *err)
{
	struct secrets *secrets AUTO(secrets_close) = mem_new(struct secrets);
	int64_t seq = 0;
	int rc;

	pthread_mutex_init(&secrets->writing, NULL);
	pthread_mutex_init(&secrets->reading, NULL);
	rc = db_open(&(struct db_config){.path = path, .may_create = true}, &secrets->writer, err);
	if (rc == 0)
		rc = db_migrate(secrets->writer, schema, sizeof(schema) / sizeof(schema[0]), err);
	/* What is overwritten or deleted leaves no readable copy in the file. */
	if (rc == 0)
		rc = db_do(secrets->writer, err, "PRAGMA secure_delete = on");
	if (rc == 0)
		rc = db_open(&(struct db_config){.path = path}, &secrets->reader, err);
	if (rc == 0)
		rc = db_get_int(secrets->writer, &seq, err, "SELECT seq FROM counter");
	if (rc < 0)
		return rc;
	atomic_store(&secrets->seq, (uint64_t)seq);
	*out = secrets;
	secrets = NULL;
	return 0;
}

void secrets_close(struct secrets **secrets)
{
	if (!*secrets)
		return;
	db_close(&(*secrets)->writer);
	db_close(&(*secrets)->reader);
	pthread_mutex_destroy(&(*secrets)->writing);
	pthread_mutex_destroy(&(*secrets)->reading);
	free(*secrets);
	*secrets = NULL;
}

static int read_secret(struct db *db, uint64_t account, struct secret *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice hash;
	int rc = db_row(db, &row, err, "SELECT hash, epoch, is_fast FROM secret WHERE account = ?",
		db_i((int64_t)account));

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "the account has no password");
	hash = db_text(row, 0);
	if (hash.len >= HASH_MAX)
		return err_set(err, ERR_CORRUPT, "a stored hash is too long");
	*out = (struct secret){.account = account,
		.epoch = (uint64_t)db_int(row, 1),
		.is_fast = db_int(row, 2) != 0};
	memcpy(out->hash, hash.ptr, hash.len);
	return 0;
}

int secrets_get(struct secrets *secrets, uint64_t account, struct secret *out, struct err *err)
{
	int rc = read_secret(secrets_read(secrets), account, out, err);

	secrets_read_end(secrets);
	return rc;
}

struct db *secrets_read(struct secrets *secrets)
{
	pthread_mutex_lock(&secrets->reading);
	return secrets->reader;
}

void secrets_read_end(struct secrets *secrets)
{
	pthread_mutex_unlock(&secrets->reading);
}

int secrets_change(struct secrets *secrets, struct db **out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&secrets->writing);
	rc = db_begin(secrets->writer, err);
	if (rc < 0)
		pthread_mutex_unlock(&secrets->writing);
	else
		*out = secrets->writer;
	return rc;
}

int secrets_change_end(struct secrets *secrets, int rc, struct err *err)
{
	struct err ignored;

	if (rc == 0)
		rc = db_commit(secrets->writer, err);
	else
		db_rollback(secrets->writer);
	if (rc == 0 && db_wal_bytes(secrets->writer) > CHECKPOINT_BYTES &&
		db_checkpoint(secrets->writer, &ignored) < 0)
		rc = 0; /* the change is safe in the log; the next one tries again */
	pthread_mutex_unlock(&secrets->writing);
	return rc;
}

int secrets_take_seq(struct db *change, uint64_t *out, struct err *err)
{
	int64_t seq;
	int rc = db_get_int(change, &seq, err, "UPDATE counter SET seq = seq + 1 RETURNING seq");

	if (rc == 0)
		*out = (uint64_t)seq;
	return rc;
}

uint64_t secrets_seq(const struct secrets *secrets)
{
	return atomic_load(&secrets->seq);
}

void secrets_publish(struct secrets *secrets, uint64_t seq)
{
	uint64_t before = atomic_load(&secrets->seq);

	while (before < seq && !atomic_compare_exchange_weak(&secrets->seq, &before, seq))
		continue;
}

int secrets_put(struct db *change, const struct secret *secret, struct err *err)
{
	int rc = db_do(change, err,
		"INSERT INTO secret (account, hash, epoch, is_fast) VALUES (?, ?, ?, ?)"
		" ON CONFLICT (account) DO UPDATE SET hash = excluded.hash,"
		" epoch = excluded.epoch, is_fast = excluded.is_fast",
		db_i((int64_t)secret->account), db_t(slice_str(secret->hash)),
		db_i((int64_t)secret->epoch), db_i(secret->is_fast));

	if (rc == 0)
		rc = db_do(change, err,
			"INSERT INTO account (id, changed_s) VALUES (?, ?)"
			" ON CONFLICT (id) DO UPDATE SET changed_s = excluded.changed_s,"
			" must_change = 0, change_by_s = 0",
			db_i((int64_t)secret->account), db_i(clock_wall_s()));
	return rc;
}

int secrets_upgrade(struct secrets *secrets, uint64_t account, const char *before,
	const char *after, struct err *err)
{
	struct db *change;
	int rc = secrets_change(secrets, &change, err);

	if (rc < 0)
		return rc;
	rc = db_do(change, err, "UPDATE secret SET hash = ? WHERE account = ? AND hash = ?",
		db_t(slice_str(after)), db_i((int64_t)account), db_t(slice_str(before)));
	return secrets_change_end(secrets, rc, err);
}

int secrets_remove(struct db *change, uint64_t account, struct err *err)
{
	const int64_t id = (int64_t)account;
	int rc = db_do(change, err, "DELETE FROM secret WHERE account = ?", db_i(id));

	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_NOTFOUND, "the account has no password");
	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM account WHERE id = ?", db_i(id));
	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM app WHERE account = ?", db_i(id));
	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM web WHERE account = ?", db_i(id));
	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM known WHERE account = ?", db_i(id));
	return rc;
}
