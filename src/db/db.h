/*
 * db.h - SQL with cached statements and typed values; SQLite today, one face for others later.
 *
 * A connection is used by one thread at a time. Statements are prepared on first use and cached by
 * the address of their text, so SQL must be a string literal. A db_query() must be stepped to its
 * end or given back with db_reset(). Errors: -ERR_IO, -ERR_QUOTA (disk full), -ERR_BUSY (somebody
 * else holds the lock longer than the time allowed), -ERR_EXISTS (a constraint), -ERR_CORRUPT.
 *
 * Files are opened through a VFS of ours (db/vfs.c) over the system's: paths are relative to the
 * process's current directory and never walked from the root, and each write and sync is a step
 * that base/io.h may make fail.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/buf.h"

struct db;
struct db_stmt;

/* So many KiB SQLite has in one piece with the database. What a cache takes beyond them lies
 * between what others come and go with, and keeps their memory from being given back. */
enum { DB_CACHE_SMALL_KIB = 64 };

struct db_config {
	const char *path; /* relative to the current directory, without any of "?#%" */
	bool is_read_only;
	bool may_create;
	bool has_log; /* the log's file was made, and its directory synced, with the database */
	unsigned cache_kib;     /* page cache; 0: 256 */
	int busy_ms;            /* how long to wait for another process's lock; 0: 2000 */
	struct db_shelf *shelf; /* NULL: none */
};

/*
 * db_open - WAL, synchronous=FULL, 4 KiB pages, auto_vacuum=incremental for a new file, no
 * checkpoint on commit or close (db_checkpoint() does it), temporary data in memory, trusted_schema
 * off. -ERR_NOTFOUND without may_create.
 */
MUST_CHECK int db_open(const struct db_config *config, struct db **db_out, struct err *err);
void db_close(struct db **db);

/*
 * A shelf keeps connections that were closed, schema and statements with them, for the next file of
 * the same schema that is opened with it: a tenth of the cost. All that use a shelf are opened
 * with equal settings. Any thread.
 */
struct db_shelf *db_shelf_new(void);
void db_shelf_clear(struct db_shelf *shelf); /* close what is on it */
void db_shelf_free(struct db_shelf **shelf); /* after all that were opened with it */

/* One step of a schema: its SQL is run once, in a transaction that also raises user_version. */
struct db_migration {
	const char *sql;
};
/* db_migrate - bring the schema from its user_version to n. A newer file than n is left as it is
 * when additive (versions up to n + 99), else -ERR_CONFLICT. */
MUST_CHECK int db_migrate(
	struct db *db, const struct db_migration *steps, size_t n, struct err *err);

struct db_arg {
	enum { DB_END, DB_NULL, DB_INT, DB_TEXT, DB_BLOB } kind;
	int64_t number;
	struct slice bytes; /* must live until the statement is reset */
};

static inline struct db_arg db_i(int64_t n)
{
	return (struct db_arg){.kind = DB_INT, .number = n};
}

static inline struct db_arg db_t(struct slice text)
{
	return (struct db_arg){.kind = DB_TEXT, .bytes = text};
}

static inline struct db_arg db_b(struct slice bytes)
{
	return (struct db_arg){.kind = DB_BLOB, .bytes = bytes};
}

static inline struct db_arg db_null(void)
{
	return (struct db_arg){.kind = DB_NULL};
}

/* db_do - run one statement to its end: db_do(db, &err, "DELETE FROM t WHERE a = ?", db_i(5)). */
#define db_do(db, err, sql, ...)                                                                   \
	db_do_args(db, "" sql,                                                                     \
		(const struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){DB_END, 0, {0}}}, err)
MUST_CHECK int db_do_args(
	struct db *db, const char *sql, const struct db_arg *args, struct err *err);

/* db_query - bind and be ready for db_step(); *stmt_out stays owned by the connection. */
#define db_query(db, stmt_out, err, sql, ...)                                                      \
	db_query_args(db, "" sql,                                                                  \
		(const struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){DB_END, 0, {0}}}, stmt_out,     \
		err)
MUST_CHECK int db_query_args(struct db *db, const char *sql, const struct db_arg *args,
	struct db_stmt **stmt_out, struct err *err);

/* db_step - 1: a row is there; 0: the end (the statement is reset then); negative: an error. */
MUST_CHECK int db_step(struct db_stmt *stmt, struct err *err);
/* db_row - both: the one row that a query gives, or none. */
#define db_row(db, stmt_out, err, sql, ...)                                                        \
	db_row_args(db, "" sql,                                                                    \
		(const struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){DB_END, 0, {0}}}, stmt_out,     \
		err)
MUST_CHECK int db_row_args(struct db *db, const char *sql, const struct db_arg *args,
	struct db_stmt **stmt_out, struct err *err);
/* Columns from 0; bytes are valid until the next step or reset. NULL reads as 0 and empty. */
int64_t db_int(struct db_stmt *stmt, int column);
struct slice db_text(struct db_stmt *stmt, int column);
struct slice db_blob(struct db_stmt *stmt, int column);
bool db_is_null(struct db_stmt *stmt, int column);
/* db_reset - end a query early; NULL is allowed. db_stmt_auto is for AUTO(). */
void db_reset(struct db_stmt *stmt);
void db_stmt_auto(struct db_stmt **stmt);

/* db_get_int - the one number that a query of one row and column gives; -ERR_NOTFOUND without one.
 */
#define db_get_int(db, out, err, sql, ...)                                                         \
	db_get_int_args(db, "" sql,                                                                \
		(const struct db_arg[]){__VA_ARGS__ __VA_OPT__(, ){DB_END, 0, {0}}}, out, err)
MUST_CHECK int db_get_int_args(
	struct db *db, const char *sql, const struct db_arg *args, int64_t *out, struct err *err);

int64_t db_last_id(struct db *db); /* rowid of the last INSERT */
int64_t db_changes(struct db *db); /* rows of the last INSERT, UPDATE, DELETE */

/* Transactions. begin takes the write lock at once (BEGIN IMMEDIATE); commit returns after the
 * flush. After a failed commit the transaction has been rolled back. */
MUST_CHECK int db_begin(struct db *db, struct err *err);
MUST_CHECK int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);
/* db_in_transaction - false also after an error for which the engine rolled back by itself. */
bool db_in_transaction(struct db *db);
/* One level of savepoint inside a transaction: an item of a batch fails without the others. */
MUST_CHECK int db_savepoint(struct db *db, struct err *err);
MUST_CHECK int db_release(struct db *db, struct err *err);
void db_rollback_savepoint(struct db *db);
/* A read transaction: all queries between see one state. */
MUST_CHECK int db_begin_read(struct db *db, struct err *err);
void db_end_read(struct db *db);

/*
 * A watch tells whether anybody, in whatever process, has committed to the file: its stamp is
 * another one then. It is a look into memory (the header of the log's index, with which a commit is
 * published), without a lock or a system call. What was read after a stamp was taken is true as
 * long as the stamp is the same; a changed stamp alone says nothing (a checkpoint may change it).
 * Any thread may look while the connection is open; not for connections of a shelf.
 */
struct db_watch {
	const volatile void *index;
};
MUST_CHECK int db_watch(struct db *db, struct db_watch *out, struct err *err);
uint64_t db_watch_stamp(const struct db_watch *watch);

/* db_wal_bytes - size of the write-ahead log as of our last commit. */
int64_t db_wal_bytes(struct db *db);
/* db_checkpoint - copy the log into the file (2 flushes); what readers still need stays. */
MUST_CHECK int db_checkpoint(struct db *db, struct err *err);
/* db_log_bytes - how much of the log whoever opens the file next will have to read, as of our last
 * commit; a checkpoint alone does not make it less. db_empty_log - a checkpoint that does (the log
 * is cut to nothing); without waiting for readers: -ERR_BUSY. */
int64_t db_log_bytes(struct db *db);
MUST_CHECK int db_empty_log(struct db *db, struct err *err);
/* db_vacuum - give up to pages free pages back to the file system. */
MUST_CHECK int db_vacuum(struct db *db, unsigned pages, struct err *err);
/* db_verify - PRAGMA quick_check; -ERR_CORRUPT with the first problem. */
MUST_CHECK int db_verify(struct db *db, struct err *err);

#endif
