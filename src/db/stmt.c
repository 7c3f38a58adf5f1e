/* stmt.c - statements: prepared once, found again by the address of their text. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/internal.h"

enum { TABLE_FIRST = 64, ARGS_MAX = 32 };

static size_t slot_of(const char *sql, size_t size)
{
	return ((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15u >> 20 & (size - 1);
}

static void put(struct db *db, struct db_stmt *stmt)
{
	size_t at = slot_of(stmt->sql, db->stmts_size);

	while (db->stmts[at])
		at = (at + 1) & (db->stmts_size - 1);
	db->stmts[at] = stmt;
}

static void grow(struct db *db)
{
	struct db_stmt **old = db->stmts;
	const size_t size = db->stmts_size;

	db->stmts_size = size ? size * 2 : TABLE_FIRST;
	db->stmts = mem_zalloc_array(db->stmts_size, sizeof(struct db_stmt *));
	for (size_t i = 0; i < size; i++) {
		if (old[i])
			put(db, old[i]);
	}
	free(old);
}

/* A statement with this text that nobody is stepping: a query inside the same query gets another.
 */
static struct db_stmt *find(struct db *db, const char *sql)
{
	if (!db->stmts_size)
		return NULL;
	for (size_t at = slot_of(sql, db->stmts_size); db->stmts[at];
		at = (at + 1) & (db->stmts_size - 1)) {
		if (db->stmts[at]->sql == sql && !db->stmts[at]->is_busy)
			return db->stmts[at];
	}
	return NULL;
}

static int prepare(struct db *db, const char *sql, struct db_stmt **out, struct err *err)
{
	struct db_stmt *stmt = find(db, sql);
	sqlite3_stmt *handle;
	int rc;

	if (stmt) {
		*out = stmt;
		return 0;
	}
	rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, "prepare", err);
	stmt = mem_new(struct db_stmt);
	*stmt = (struct db_stmt){.db = db, .handle = handle, .sql = sql};
	if (db->stmts_n * 2 >= db->stmts_size)
		grow(db);
	put(db, stmt);
	db->stmts_n++;
	*out = stmt;
	return 0;
}

static int bind(struct db_stmt *stmt, int at, const struct db_arg *arg)
{
	/* A NULL pointer would bind NULL: an empty text is empty, not absent. */
	const char *ptr = arg->bytes.ptr ? arg->bytes.ptr : "";

	switch (arg->kind) {
	case DB_INT:
		return sqlite3_bind_int64(stmt->handle, at, arg->number);
	case DB_TEXT:
		return sqlite3_bind_text64(
			stmt->handle, at, ptr, arg->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(stmt->handle, at, ptr, arg->bytes.len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt->handle, at);
	}
}

int db_query_args(struct db *db, const char *sql, const struct db_arg *args,
	struct db_stmt **stmt_out, struct err *err)
{
	struct db_stmt *stmt = NULL;
	int rc = prepare(db, sql, &stmt, err);

	if (rc < 0)
		return rc;
	for (int i = 0; args[i].kind != DB_END; i++) {
		assert(i < ARGS_MAX);
		rc = bind(stmt, i + 1, &args[i]);
		if (rc != SQLITE_OK)
			return db_fail(db, rc, "bind", err);
	}
	stmt->is_busy = true;
	*stmt_out = stmt;
	return 0;
}

int db_step(struct db_stmt *stmt, struct err *err)
{
	const int rc = sqlite3_step(stmt->handle);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE) {
		const int code = db_fail(stmt->db, rc, "step", err);

		db_reset(stmt);
		return code;
	}
	db_reset(stmt);
	return 0;
}

void db_reset(struct db_stmt *stmt)
{
	if (!stmt)
		return;
	sqlite3_reset(stmt->handle);
	stmt->is_busy = false;
}

void db_stmt_auto(struct db_stmt **stmt)
{
	db_reset(*stmt);
	*stmt = NULL;
}

int db_do_args(struct db *db, const char *sql, const struct db_arg *args, struct err *err)
{
	struct db_stmt *stmt;
	int rc = db_query_args(db, sql, args, &stmt, err);

	if (rc < 0)
		return rc;
	while ((rc = db_step(stmt, err)) > 0)
		;
	return rc;
}

int db_row_args(struct db *db, const char *sql, const struct db_arg *args,
	struct db_stmt **stmt_out, struct err *err)
{
	const int rc = db_query_args(db, sql, args, stmt_out, err);

	return rc < 0 ? rc : db_step(*stmt_out, err);
}

int db_get_int_args(
	struct db *db, const char *sql, const struct db_arg *args, int64_t *out, struct err *err)
{
	struct db_stmt *stmt;
	const int rc = db_row_args(db, sql, args, &stmt, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "no such row");
	*out = db_int(stmt, 0);
	db_reset(stmt);
	return 0;
}

int64_t db_int(struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(stmt->handle, column);
}

struct slice db_text(struct db_stmt *stmt, int column)
{
	const char *ptr = (const char *)sqlite3_column_text(stmt->handle, column);

	return (struct slice){ptr, ptr ? (size_t)sqlite3_column_bytes(stmt->handle, column) : 0};
}

struct slice db_blob(struct db_stmt *stmt, int column)
{
	const char *ptr = sqlite3_column_blob(stmt->handle, column);

	return (struct slice){ptr, ptr ? (size_t)sqlite3_column_bytes(stmt->handle, column) : 0};
}

bool db_is_null(struct db_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

void db_finalize_all(struct db *db)
{
	for (size_t i = 0; i < db->stmts_size; i++) {
		if (!db->stmts[i])
			continue;
		sqlite3_finalize(db->stmts[i]->handle);
		free(db->stmts[i]);
	}
	free(db->stmts);
}
