/*
 * shelf.c - connections without a file: opening the next account then costs neither its schema nor
 * its statements. See vfs.h for how a connection goes from one file to another.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/internal.h"
#include "db/vfs.h"

enum { SHELF_MAX = 16 };

struct db_shelf {
	pthread_mutex_t lock;
	struct db *list[SHELF_MAX];
	size_t n;
};

struct db_shelf *db_shelf_new(void)
{
	struct db_shelf *shelf = mem_new(struct db_shelf);

	pthread_mutex_init(&shelf->lock, NULL);
	return shelf;
}

static struct db *take(struct db_shelf *shelf)
{
	struct db *db;

	pthread_mutex_lock(&shelf->lock);
	db = shelf->n ? shelf->list[--shelf->n] : NULL;
	pthread_mutex_unlock(&shelf->lock);
	return db;
}

static bool put(struct db_shelf *shelf, struct db *db)
{
	bool is_there;

	pthread_mutex_lock(&shelf->lock);
	is_there = shelf->n < SHELF_MAX;
	if (is_there)
		shelf->list[shelf->n++] = db;
	pthread_mutex_unlock(&shelf->lock);
	return is_there;
}

void db_shelf_clear(struct db_shelf *shelf)
{
	struct db *db;

	while ((db = take(shelf))) {
		db->shelf = NULL;
		db_close(&db);
	}
}

void db_shelf_free(struct db_shelf **shelf)
{
	if (!*shelf)
		return;
	db_shelf_clear(*shelf);
	pthread_mutex_destroy(&(*shelf)->lock);
	free(*shelf);
	*shelf = NULL;
}

/* Statements know tables by the pages at which they begin: two files are alike only if all of that
 * is equal. SQLite itself sees to it that the schema's version is. */
static int read_layout(struct db *db, uint64_t *layout_out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	uint64_t hash = 0xcbf29ce484222325u;
	int rc = db_query(db, &stmt, err, "SELECT rootpage, sql FROM sqlite_schema");

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		const struct slice sql = db_text(stmt, 1);

		rc = 0;
		hash = (hash ^ (uint64_t)db_int(stmt, 0)) * 0x100000001b3u;
		for (size_t i = 0; i < sql.len; i++)
			hash = (hash ^ (unsigned char)sql.ptr[i]) * 0x100000001b3u;
	}
	if (rc == 0)
		*layout_out = hash;
	return rc;
}

static bool is_at_rest(struct db *db)
{
	sqlite3_stmt *stmt = NULL;

	while ((stmt = sqlite3_next_stmt(db->handle, stmt))) {
		if (sqlite3_stmt_busy(stmt))
			return false;
	}
	return sqlite3_get_autocommit(db->handle);
}

bool db_shelve(struct db *db)
{
	struct err ignored;

	if (db->has_failed || !is_at_rest(db))
		return false;
	if (!db->layout && read_layout(db, &db->layout, &ignored) < 0)
		return false;
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESET_CACHE, NULL);
	if (sqlite3_file_control(db->handle, "main", DB_VFS_LEAVE, NULL) != SQLITE_OK)
		return false;
	db->wal_pages = db->log_pages = 0;
	return put(db->shelf, db);
}

struct db *db_unshelve(struct db_shelf *shelf, const char *path)
{
	struct db *db = take(shelf);
	struct err ignored;
	uint64_t layout;

	if (!db)
		return NULL;
	if (sqlite3_file_control(db->handle, "main", DB_VFS_GO, (void *)path) != SQLITE_OK) {
		if (put(shelf, db))
			return NULL;
	} else if (read_layout(db, &layout, &ignored) == 0 && layout == db->layout) {
		return db;
	}
	db->shelf = NULL;
	db_close(&db);
	return NULL;
}
