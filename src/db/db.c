/* db.c - connections, transactions, upkeep; see db.h for the contract. */
#include "db/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/internal.h"
#include "db/shm.h"
#include "db/vfs.h"

enum {
	PAGE_SIZE = 4096,
	FRAME_SIZE = PAGE_SIZE + 24, /* a page in the log */
	CACHE_KIB = 256,
	BUSY_MS = 2000,
	PATH_SIZE = 512,
	LOOKASIDE_SIZE = 256, /* small objects of one connection without malloc */
	LOOKASIDE_COUNT = 64,
	ADDITIVE_MAX = 99, /* later versions that must still read as ours */
};

int db_fail(struct db *db, int rc, const char *what, struct err *err)
{
	const int e = sqlite3_system_errno(db->handle);
	enum err_code code = ERR_IO;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = ERR_BUSY;
		break;
	case SQLITE_CONSTRAINT:
		code = ERR_EXISTS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ERR_CORRUPT;
		break;
	case SQLITE_FULL:
		code = ERR_QUOTA;
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (e == ENOSPC || e == EDQUOT)
			code = ERR_QUOTA;
		break;
	default:
		break;
	}
	db->has_failed |= code == ERR_IO || code == ERR_CORRUPT;
	if (code == ERR_QUOTA)
		return err_set(err, code, "the disk is full");
	return err_set(err, code, "database: %s: %s", what, sqlite3_errmsg(db->handle));
}

static int exec(struct db *db, const char *sql, struct err *err)
{
	const int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, "exec", err);
}

/* Having a hook is also what keeps SQLite from checkpointing inside a commit. */
static int on_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = context;

	(void)handle;
	(void)name;
	db->wal_pages = db->log_pages = pages;
	return SQLITE_OK;
}

static int open_handle(struct db *db, const struct db_config *config, struct err *err)
{
	const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI |
			  (config->is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
			  (config->may_create ? SQLITE_OPEN_CREATE : 0);
	char uri[PATH_SIZE];
	int rc;

	if (snprintf(uri, sizeof(uri), "file:%s%s", config->path,
		    config->has_log ? "?" DB_VFS_HAS_LOG "=1" : "") >= (int)sizeof(uri))
		return err_set(err, ERR_TOOBIG, "database path is too long");
	rc = sqlite3_open_v2(uri, &db->handle, flags, DB_VFS_NAME);
	if (rc == SQLITE_OK)
		return 0;
	if ((rc & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(db->handle) == ENOENT)
		return err_set(err, ERR_NOTFOUND, "%s does not exist", config->path);
	return db_fail(db, rc, config->path, err);
}

static int set_up(struct db *db, const struct db_config *config, struct err *err)
{
	char sql[160];
	int one = 1, rc;

	sqlite3_db_config(
		db->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE, LOOKASIDE_COUNT);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db->busy_ms = config->busy_ms ? config->busy_ms : BUSY_MS;
	sqlite3_busy_timeout(db->handle, db->busy_ms);
	sqlite3_wal_hook(db->handle, on_commit, db);
	if (config->may_create) {
		rc = exec(db,
			"PRAGMA page_size = 4096; PRAGMA auto_vacuum = incremental;"
			"PRAGMA journal_mode = wal",
			err);
		if (rc < 0)
			return rc;
	}
	snprintf(sql, sizeof(sql),
		"PRAGMA synchronous = full; PRAGMA temp_store = memory;"
		/* Debian's default writes zeros over all that is deleted: each purged body again.
		 */
		"PRAGMA secure_delete = fast; PRAGMA journal_size_limit = 8388608; PRAGMA "
		"cache_size = -%u",
		config->cache_kib ? config->cache_kib : CACHE_KIB);
	rc = exec(db, sql, err);
	/* After the first read: before it there is no log whose persistence could be set. */
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
	return rc;
}

int db_open(const struct db_config *config, struct db **db_out, struct err *err)
{
	struct db *db AUTO(db_close) =
		config->shelf ? db_unshelve(config->shelf, config->path) : NULL;
	int rc = 0;

	db_vfs_register();
	if (!db) {
		db = mem_new(struct db);
		rc = open_handle(db, config, err);
		if (rc == 0)
			rc = set_up(db, config, err);
	}
	if (rc < 0)
		return rc;
	db->shelf = config->shelf;
	*db_out = db;
	db = NULL;
	return 0;
}

void db_close(struct db **db)
{
	if (!*db)
		return;
	if (!(*db)->shelf || !db_shelve(*db)) {
		db_finalize_all(*db);
		sqlite3_close((*db)->handle);
		free(*db);
	}
	*db = NULL;
}

static int run_step(struct db *db, const char *sql, size_t version, struct err *err)
{
	char raise[48];
	int64_t now;
	int rc = db_begin(db, err);

	db->layout = 0;
	if (rc < 0)
		return rc;
	/* Another process may have been faster while we waited for the lock. */
	rc = db_get_int(db, &now, err, "PRAGMA user_version");
	if (rc == 0 && now < (int64_t)version) {
		snprintf(raise, sizeof(raise), "PRAGMA user_version = %zu", version);
		rc = exec(db, sql, err);
		if (rc == 0)
			rc = exec(db, raise, err);
	}
	if (rc == 0)
		rc = db_commit(db, err);
	if (rc < 0)
		db_rollback(db);
	return rc;
}

int db_migrate(struct db *db, const struct db_migration *steps, size_t n, struct err *err)
{
	int64_t version;
	int rc = db_get_int(db, &version, err, "PRAGMA user_version");

	if (rc < 0)
		return rc;
	if (version > (int64_t)n + ADDITIVE_MAX)
		return err_set(err, ERR_CONFLICT,
			"the file's schema %lld is too new for this program (%zu)",
			(long long)version, n);
	for (size_t i = (size_t)version; i < n; i++) {
		rc = run_step(db, steps[i].sql, i + 1, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int db_begin(struct db *db, struct err *err)
{
	return db_do(db, err, "BEGIN IMMEDIATE");
}

int db_commit(struct db *db, struct err *err)
{
	const int rc = db_do(db, err, "COMMIT");

	if (rc < 0)
		db_rollback(db);
	return rc;
}

/* Some errors have SQLite roll back by itself: then there is nothing left to do. */
void db_rollback(struct db *db)
{
	struct err ignored;

	if (!sqlite3_get_autocommit(db->handle) && db_do(db, &ignored, "ROLLBACK") < 0)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_in_transaction(struct db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

int db_savepoint(struct db *db, struct err *err)
{
	return db_do(db, err, "SAVEPOINT item");
}

int db_release(struct db *db, struct err *err)
{
	return db_do(db, err, "RELEASE item");
}

void db_rollback_savepoint(struct db *db)
{
	struct err ignored;

	if (sqlite3_get_autocommit(db->handle))
		return;
	if (db_do(db, &ignored, "ROLLBACK TO item") < 0 || db_do(db, &ignored, "RELEASE item") < 0)
		db_rollback(db);
}

int db_begin_read(struct db *db, struct err *err)
{
	return db_do(db, err, "BEGIN");
}

void db_end_read(struct db *db)
{
	db_rollback(db);
}

int db_watch(struct db *db, struct db_watch *out, struct err *err)
{
	const void *index = NULL;
	int64_t ignored;
	int rc = db_get_int(db, &ignored, err, "SELECT count(*) FROM sqlite_schema");

	if (rc < 0)
		return rc;
	rc = sqlite3_file_control(db->handle, "main", DB_VFS_INDEX, &index);
	if (rc != SQLITE_OK || !index)
		return err_set(err, ERR_IO, "the database has no log to watch");
	out->index = index;
	return 0;
}

uint64_t db_watch_stamp(const struct db_watch *watch)
{
	return shm_stamp(watch->index);
}

int64_t db_wal_bytes(struct db *db)
{
	return db->wal_pages * FRAME_SIZE;
}

int db_checkpoint(struct db *db, struct err *err)
{
	int in_log = 0, copied = 0;
	const int rc = sqlite3_wal_checkpoint_v2(
		db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);

	if (rc != SQLITE_OK)
		return db_fail(db, rc, "checkpoint", err);
	/* The next commit starts the log anew only if all of it was copied. */
	db->wal_pages = copied == in_log ? 0 : in_log;
	return 0;
}

int64_t db_log_bytes(struct db *db)
{
	return db->log_pages * FRAME_SIZE;
}

int db_empty_log(struct db *db, struct err *err)
{
	int rc;

	sqlite3_busy_timeout(db->handle, 0);
	rc = sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db->handle, db->busy_ms);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, "checkpoint", err);
	db->wal_pages = db->log_pages = 0;
	return 0;
}

int db_vacuum(struct db *db, unsigned pages, struct err *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%u)", pages);
	return exec(db, sql, err);
}

int db_verify(struct db *db, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &stmt, err, "PRAGMA quick_check(1)");

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 1 && !slice_eq(db_text(stmt, 0), slice_lit("ok")))
		return err_set(err, ERR_CORRUPT, "%.*s", SLICE_ARG(db_text(stmt, 0)));
	return 0;
}
