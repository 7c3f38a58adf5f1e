/* internal.h - what db.c and stmt.c share. */
#ifndef DB_INTERNAL_H
#define DB_INTERNAL_H

#include <sqlite3.h>

#include "db/db.h"

struct db_stmt {
	struct db *db;
	sqlite3_stmt *handle;
	const char *sql;
	bool is_busy; /* between db_query() and its end */
};

struct db {
	sqlite3 *handle;
	struct db_stmt **stmts; /* hash table by the address of the text, linear probing */
	size_t stmts_n, stmts_size;
	int64_t wal_pages; /* not yet copied into the file, as of our last commit */
	int64_t log_pages; /* in the log */
	int busy_ms;
	struct db_shelf *shelf; /* where it goes when it is closed; NULL: nowhere */
	uint64_t layout;        /* of the schema that its statements are for; 0: not looked at */
	bool has_failed;        /* nothing is assumed of it: it is closed for good */
};

/* db_fail - err from what SQLite said last. */
int db_fail(struct db *db, int sqlite_rc, const char *what, struct err *err);
void db_finalize_all(struct db *db);
/* db_shelve - true if the shelf has it now. db_unshelve - one that has gone to this file; NULL if
 * there is none, or none can. */
bool db_shelve(struct db *db);
struct db *db_unshelve(struct db_shelf *shelf, const char *path);

#endif
