/* secrets.c - see secrets.h for the contract. */
#include "keeper/secrets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "db/db.h"

enum { CHECKPOINT_BYTES = 4 << 20 };

struct secrets {
	pthread_mutex_t writing, reading; /* each guards its connection; never both at once */
	struct db *writer, *reader;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE secret (account INTEGER PRIMARY KEY, hash TEXT NOT NULL,"
	 " epoch INTEGER NOT NULL)"},
};

int secrets_open(const char *path, struct secrets **out, struct err *err)
{
	struct secrets *secrets AUTO(secrets_close) = mem_new(struct secrets);
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
	if (rc < 0)
		return rc;
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
	int rc = db_query(db, &row, err, "SELECT hash, epoch FROM secret WHERE account = ?",
		db_i((int64_t)account));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "the account has no password");
	hash = db_text(row, 0);
	if (hash.len >= HASH_MAX)
		return err_set(err, ERR_CORRUPT, "a stored hash is too long");
	*out = (struct secret){.account = account, .epoch = (uint64_t)db_int(row, 1)};
	memcpy(out->hash, hash.ptr, hash.len);
	return 0;
}

int secrets_get(struct secrets *secrets, uint64_t account, struct secret *out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&secrets->reading);
	rc = read_secret(secrets->reader, account, out, err);
	pthread_mutex_unlock(&secrets->reading);
	return rc;
}

static int change_begin(struct secrets *secrets, struct err *err)
{
	int rc;

	pthread_mutex_lock(&secrets->writing);
	rc = db_begin(secrets->writer, err);
	if (rc < 0)
		pthread_mutex_unlock(&secrets->writing);
	return rc;
}

static int change_end(struct secrets *secrets, int rc, struct err *err)
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

int secrets_set(struct secrets *secrets, const struct secret *list, size_t n, struct err *err)
{
	int rc = change_begin(secrets, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = db_do(secrets->writer, err,
			"INSERT INTO secret (account, hash, epoch) VALUES (?, ?, 1)"
			" ON CONFLICT (account) DO UPDATE"
			" SET hash = excluded.hash, epoch = epoch + 1",
			db_i((int64_t)list[i].account), db_t(slice_str(list[i].hash)));
	return change_end(secrets, rc, err);
}

int secrets_upgrade(struct secrets *secrets, uint64_t account, const char *before,
	const char *after, struct err *err)
{
	int rc = change_begin(secrets, err);

	if (rc < 0)
		return rc;
	rc = db_do(secrets->writer, err,
		"UPDATE secret SET hash = ? WHERE account = ? AND hash = ?", db_t(slice_str(after)),
		db_i((int64_t)account), db_t(slice_str(before)));
	return change_end(secrets, rc, err);
}

int secrets_delete(struct secrets *secrets, uint64_t account, struct err *err)
{
	int rc = change_begin(secrets, err);

	if (rc < 0)
		return rc;
	rc = db_do(secrets->writer, err, "DELETE FROM secret WHERE account = ?",
		db_i((int64_t)account));
	if (rc == 0 && db_changes(secrets->writer) == 0)
		rc = err_set(err, ERR_NOTFOUND, "the account has no password");
	return change_end(secrets, rc, err);
}
