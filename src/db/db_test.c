/* db_test.c - statements, transactions, migrations, faults. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/temp.h"
#include "db/ahead.h"
#include "db/db.h"
#include "db/shm.h"

static const struct db_config make = {.path = "a.db", .may_create = true, .busy_ms = 1};
static const struct db_config use = {.path = "a.db", .busy_ms = 1};

static struct db *must_open(const struct db_config *config)
{
	struct db *db;
	struct err err;

	if (db_open(config, &db, &err) < 0)
		fail_msg("open: %s", err.msg);
	return db;
}

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

static int64_t count(struct db *db)
{
	struct err err;
	int64_t n = -1;

	must(db_get_int(db, &n, &err, "SELECT count(*) FROM t"), &err);
	return n;
}

static void fill(struct db *db)
{
	struct err err;

	must(db_do(db, &err, "CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE)"), &err);
}

static void test_values(void **state)
{
	struct db *db AUTO(db_close) = must_open(&make);
	struct db_stmt *outer, *inner;
	struct err err;

	(void)state;
	fill(db);
	must(db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(INT64_MIN), db_t(slice_lit("x"))),
		&err);
	must(db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(5), db_b(slice_lit("a\0b"))),
		&err);
	must(db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(6), db_null()), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(7), db_b((struct slice){0})),
		&err);
	assert_int_equal(db_last_id(db), 7);
	assert_int_equal(
		db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(5), db_null()), -ERR_EXISTS);
	must(db_query(db, &outer, &err, "SELECT a, b FROM t ORDER BY a"), &err);
	assert_int_equal(db_step(outer, &err), 1);
	assert_true(db_int(outer, 0) == INT64_MIN);
	assert_true(slice_eq(db_text(outer, 1), slice_lit("x")));
	assert_int_equal(db_step(outer, &err), 1);
	assert_true(slice_eq(db_blob(outer, 1), slice_lit("a\0b")));
	/* The same query once more while the first is in use is one of its own. */
	for (int i = 0; i < 2; i++) {
		must(db_query(db, &inner, &err, "SELECT a FROM t WHERE a > ?", db_i(5)), &err);
		assert_int_equal(db_step(inner, &err), 1);
		assert_int_equal(db_int(inner, 0), 6);
		db_reset(inner);
	}
	assert_int_equal(db_step(outer, &err), 1);
	assert_true(db_is_null(outer, 1));
	assert_int_equal(db_step(outer, &err), 1);
	assert_false(db_is_null(outer, 1));
	assert_int_equal(db_step(outer, &err), 0);
	must(db_do(db, &err, "DELETE FROM t"), &err);
	assert_int_equal(db_changes(db), 4);
}

static void test_errors(void **state)
{
	static const struct db_config none = {.path = "none.db"}, dir = {.path = "."};
	struct db *db = NULL;
	int64_t n = 3;
	struct err err;

	(void)state;
	assert_int_equal(db_open(&none, &db, &err), -ERR_NOTFOUND);
	assert_int_equal(db_open(&dir, &db, &err), -ERR_IO);
	assert_null(db);
	db = must_open(&make);
	fill(db);
	assert_int_equal(db_do(db, &err, "SELECT nothing"), -ERR_IO);
	assert_int_equal(
		db_get_int(db, &n, &err, "SELECT a FROM t WHERE a = ?", db_i(99)), -ERR_NOTFOUND);
	assert_int_equal(n, 3);
	must(db_checkpoint(db, &err), &err);
	db_close(&db);
	assert_int_equal(unlink("a.db-wal"), 0);
	assert_int_equal(truncate("a.db", 4096), 0);
	if (db_open(&use, &db, &err) == 0)
		assert_int_equal(db_verify(db, &err), -ERR_CORRUPT);
	db_close(&db);
}

static void test_transactions(void **state)
{
	struct db *db AUTO(db_close) = must_open(&make);
	struct db *other AUTO(db_close) = must_open(&use);
	struct err err;

	(void)state;
	fill(db);
	must(db_begin(db, &err), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES (1, 1)"), &err);
	must(db_savepoint(db, &err), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES (2, 2)"), &err);
	db_rollback_savepoint(db);
	must(db_savepoint(db, &err), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES (3, 3)"), &err);
	must(db_release(db, &err), &err);
	assert_int_equal(db_begin(other, &err), -ERR_BUSY);
	assert_int_equal(count(other), 0);
	must(db_commit(db, &err), &err);
	assert_int_equal(count(other), 2);
	/* A read transaction sees one state; a checkpoint leaves it alone. */
	must(db_begin_read(other, &err), &err);
	assert_int_equal(count(other), 2);
	must(db_begin(db, &err), &err);
	must(db_do(db, &err, "DELETE FROM t"), &err);
	must(db_commit(db, &err), &err);
	assert_true(db_wal_bytes(db) > 0);
	must(db_checkpoint(db, &err), &err);
	assert_int_equal(count(other), 2);
	db_end_read(other);
	assert_int_equal(count(other), 0);
	must(db_checkpoint(db, &err), &err);
	assert_int_equal(db_wal_bytes(db), 0);
	must(db_begin(db, &err), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES (1, 1)"), &err);
	db_rollback(db);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	must(db_verify(db, &err), &err);
	/* A reader of old state keeps the log as it is. */
	must(db_begin_read(other, &err), &err);
	assert_int_equal(count(other), 0);
	must(db_do(db, &err, "INSERT INTO t VALUES (1, 1)"), &err);
	assert_true(db_log_bytes(db) > 0);
	assert_int_equal(db_empty_log(db, &err), -ERR_BUSY);
	db_end_read(other);
	must(db_empty_log(db, &err), &err);
	assert_int_equal(db_log_bytes(db), 0);
	assert_int_equal(count(other), 1);
}

static void test_migrate(void **state)
{
	static const struct db_migration steps[] = {
		{"CREATE TABLE t (a); INSERT INTO t VALUES (1)"},
		{"INSERT INTO t VALUES (2)"},
		{"INSERT INTO t VALUES (3); INSERT INTO nowhere VALUES (1)"},
		{"INSERT INTO t VALUES (4)"},
	};
	struct db *db AUTO(db_close) = must_open(&make);
	struct err err;

	(void)state;
	must(db_migrate(db, steps, 1, &err), &err);
	assert_int_equal(count(db), 1);
	must(db_migrate(db, steps, 2, &err), &err);
	must(db_migrate(db, steps, 2, &err), &err);
	assert_int_equal(count(db), 2);
	assert_int_equal(db_migrate(db, steps, 4, &err), -ERR_IO);
	assert_int_equal(count(db), 2); /* the third is undone, the fourth never began */
	must(db_migrate(db, steps, 1, &err), &err);
	must(db_do(db, &err, "PRAGMA user_version = 102"), &err);
	assert_int_equal(db_migrate(db, steps, 2, &err), -ERR_CONFLICT);
}

/* Each write and sync of a commit fails once: an error then, all or nothing afterwards. */
static void test_faults(void **state)
{
	static const struct {
		enum io_step step;
		enum io_action action;
		int want;
	} plans[] = {
		{IO_WRITE, IO_FAULT_FAIL, -ERR_IO},
		{IO_WRITE, IO_FAULT_FULL, -ERR_QUOTA},
		{IO_SYNC, IO_FAULT_FAIL, -ERR_IO},
	};
	struct db *db AUTO(db_close) = must_open(&make);
	int64_t rows = 0;
	struct err err;

	(void)state;
	fill(db);
#ifndef PH_FAULTS
	skip();
#endif
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		int hits = 0, rc;

		for (unsigned n = 1;; n++) {
			io_fault_set(plans[i].step, n, plans[i].action);
			rc = db_begin(db, &err);
			if (rc == 0)
				rc = db_do(db, &err, "INSERT INTO t SELECT NULL, randomblob(9000)");
			if (rc == 0)
				rc = db_commit(db, &err);
			io_fault_set(IO_WRITE, 0, IO_FAULT_NONE);
			db_rollback(db);
			rows += rc == 0;
			assert_int_equal(count(db), rows);
			if (rc == 0)
				break;
			assert_int_equal(rc, plans[i].want);
			hits++;
		}
		assert_true(hits > 0);
	}
	must(db_verify(db, &err), &err);
}

static char home[TEMP_MAX];

static int into_fresh(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	static const char *const names[] = {"a.db", "b.db", "c.db", "x"};
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t k = 0; k < sizeof(suffixes) / sizeof(suffixes[0]); k++) {
			snprintf(name, sizeof(name), "%s%s", names[i], suffixes[k]);
			unlink(name);
		}
	}
	return 0;
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(temp_path(home, "db-test-XXXXXX")) && chdir(home) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	into_fresh(state);
	return rmdir(home);
}

static void test_ahead(void **state)
{
	static const struct {
		int n;    /* reads */
		int step; /* from the start of one to that of the next */
		bool is_asked;
	} runs[] = {
		{10, 8192, false}, /* too few to be a sequence */
		{30, 8192, true},
		{1, 1 << 30, true}, /* one stray */
		{1, -(1 << 30), true},
		{30, 8192, true},
		{20, -8192, false},   /* downwards */
		{40, 1 << 20, false}, /* far apart */
		{40, 4096, true},
	};
	struct ahead ahead = {.fd = open("sequence", O_RDWR | O_CREAT, 0600)};
	sqlite3_int64 at = 1 << 28;

	(void)state;
	assert_true(ahead.fd >= 0);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		for (int k = 0; k < runs[i].n; k++) {
			at += runs[i].step;
			ahead_note(&ahead, at, 4096);
		}
		if ((ahead.asked > 0) != runs[i].is_asked)
			fail_msg("run %zu: asked up to %lld", i, (long long)ahead.asked);
	}
	assert_true(ahead.asked > at);
	close(ahead.fd);
	unlink("sequence");
}

static void make_file(const char *path, const char *value)
{
	const struct db_config config = {.path = path, .may_create = true};
	struct db *db AUTO(db_close) = must_open(&config);
	struct err err;

	fill(db);
	must(db_do(db, &err, "INSERT INTO t VALUES (1, ?)", db_t(slice_str(value))), &err);
}

static void expect_b(struct db *db, const char *value)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	struct err err;

	must(db_query(db, &stmt, &err, "SELECT b FROM t WHERE a = 1"), &err);
	assert_int_equal(db_step(stmt, &err), 1);
	assert_true(slice_eq(db_text(stmt, 0), slice_str(value)));
}

static void must_write(struct db *db, int64_t n)
{
	struct err err;

	must(db_do(db, &err, "INSERT INTO t VALUES (?, ?)", db_i(n), db_i(n)), &err);
}

static struct db *shelf_open(struct db_shelf *shelf, const char *path)
{
	const struct db_config config = {.path = path, .shelf = shelf};

	return must_open(&config);
}

/* One connection goes from file to file, and each time sees that one as it is. */
static void test_shelf(void **state)
{
	struct db_shelf *shelf AUTO(db_shelf_free) = db_shelf_new();
	struct db *first, *db, *other;

	(void)state;
	make_file("a.db", "of a");
	make_file("b.db", "of b");
	db = first = shelf_open(shelf, "a.db");
	expect_b(db, "of a");
	for (int64_t n = 2; n < 10; n++) {
		db_close(&db);
		db = shelf_open(shelf, n % 2 ? "a.db" : "b.db");
		assert_ptr_equal(db, first);
		expect_b(db, n % 2 ? "of a" : "of b");
		must_write(db, n);
		assert_int_equal(count(db), 1 + n / 2);
	}
	/* While somebody else has the file open, and has written to it. */
	other = must_open(&(struct db_config){.path = "b.db"});
	must_write(other, 100);
	db_close(&db);
	db = shelf_open(shelf, "b.db");
	assert_ptr_equal(db, first);
	assert_int_equal(count(db), 6);
	must_write(other, 101);
	assert_int_equal(count(db), 7);
	must_write(db, 102);
	assert_int_equal(count(other), 8);
	db_close(&other);
	db_close(&db);
}

/* Not every file is one to go to. */
static void test_shelf_refuses(void **state)
{
	struct db_shelf *shelf AUTO(db_shelf_free) = db_shelf_new();
	struct db *first, *db;
	struct err err;

	(void)state;
	make_file("a.db", "of a");
	make_file("b.db", "of b");
	db = first = shelf_open(shelf, "a.db");
	must_write(db, 2);
	db_close(&db);
	assert_int_equal(db_open(&(struct db_config){.path = "none.db", .shelf = shelf}, &db, &err),
		-ERR_NOTFOUND);
	/* A process was killed: the index has to be made anew, which a new connection does. */
	assert_int_equal(truncate("b.db-shm", 0), 0);
	db = shelf_open(shelf, "b.db");
	assert_ptr_not_equal(db, first);
	expect_b(db, "of b");
	db_close(&db);
	/* As many tables, but in other places. */
	db = must_open(&(struct db_config){.path = "c.db", .may_create = true});
	must(db_do(db, &err, "CREATE TABLE t (b UNIQUE, a INTEGER PRIMARY KEY)"), &err);
	must(db_do(db, &err, "INSERT INTO t VALUES ('of c', 1)"), &err);
	db_close(&db);
	for (int i = 0; i < 3; i++) {
		db = shelf_open(shelf, "c.db");
		expect_b(db, "of c");
		db_close(&db);
	}
	db_shelf_clear(shelf);
	db = shelf_open(shelf, "a.db");
	expect_b(db, "of a");
	assert_int_equal(count(db), 2);
	db_close(&db);
}

static void put_file(const char *name, const char *text)
{
	const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* What SQLite checks of an index, and something of our own. */
static char *map_index(struct shm *shm)
{
	void *p;

	assert_int_equal(shm_map(shm, "x", 0, 32768, false, &p), SQLITE_OK);
	if (!p)
		assert_int_equal(shm_map(shm, "x", 0, 32768, true, &p), SQLITE_OK);
	return p;
}

static bool is_kept(bool is_true, void (*meanwhile)(void))
{
	struct shm shm = {.fd = -1};
	const uint32_t version = 3007000;
	char *p = map_index(&shm);
	bool kept;

	for (int i = 0; i < 2; i++) {
		memcpy(p + (ptrdiff_t)48 * i, &version, sizeof(version));
		p[48 * i + 12] = 1;
	}
	p[1000] = 'x';
	shm_leave(&shm, "x", is_true);
	shm_done(&shm);
	if (meanwhile)
		meanwhile();
	p = map_index(&shm);
	kept = p[1000] == 'x';
	shm_leave(&shm, "x", false);
	shm_done(&shm);
	return kept;
}

static void write_log(void)
{
	put_file("x-wal", "other log");
}

static void write_database(void)
{
	put_file("x", "other database");
}

static void copy_log(void)
{
	put_file("y", "log");
	assert_int_equal(rename("y", "x-wal"), 0);
}

/* Opened and left by one that was killed. */
static void die(void)
{
	struct shm shm = {.fd = -1};

	map_index(&shm)[1] = 1;
	shm_leave(&shm, "x", false);
	shm_done(&shm);
}

static void half_write(void)
{
	struct shm shm = {.fd = -1};

	map_index(&shm)[1] = 1;
	shm_leave(&shm, "x", true);
	shm_done(&shm);
}

static void test_index(void **state)
{
	struct shm one = {.fd = -1}, two = {.fd = -1};

	(void)state;
	put_file("x", "database");
	put_file("x-wal", "log");
	assert_true(is_kept(true, NULL));
	assert_false(is_kept(false, NULL));
	assert_false(is_kept(true, write_log));
	assert_false(is_kept(true, write_database));
	assert_false(is_kept(true, copy_log));
	assert_false(is_kept(true, die));
	assert_false(is_kept(true, half_write));
	/* Two share it, and their locks. */
	map_index(&one)[2000] = 'y';
	assert_int_equal(map_index(&two)[2000], 'y');
	assert_int_equal(shm_lock(&one, 1, 2, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
	assert_int_equal(shm_lock(&two, 2, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_BUSY);
	assert_int_equal(shm_lock(&two, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	assert_int_equal(shm_lock(&one, 3, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	assert_int_equal(shm_lock(&one, 1, 2, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
	assert_int_equal(shm_lock(&two, 2, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED), SQLITE_OK);
	/* Who leaves gives up its locks, though it stays mapped. */
	shm_leave(&two, "x", true);
	assert_int_equal(shm_lock(&one, 2, 1, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
	shm_leave(&one, "x", true);
	shm_done(&one);
	shm_done(&two);
}

/* Each commit of anybody's shows, and nothing else but a checkpoint. */
static void test_watch(void **state)
{
	struct db *db AUTO(db_close) = must_open(&make), *other AUTO(db_close) = NULL;
	struct db_watch watch;
	struct err err;
	uint64_t stamp;

	(void)state;
	fill(db);
	must(db_watch(db, &watch, &err), &err);
	other = must_open(&use);
	for (int i = 0; i < 100; i++) {
		struct db *writer = i % 3 ? other : db;

		stamp = db_watch_stamp(&watch);
		assert_int_equal(count(db), i);
		assert_int_equal(count(other), i);
		must(db_begin(writer, &err), &err);
		must(db_do(writer, &err, "INSERT INTO t (b) VALUES (?)", db_i(-i)), &err);
		assert_true(db_watch_stamp(&watch) == stamp);
		db_rollback(writer);
		assert_true(db_watch_stamp(&watch) == stamp);
		must(db_do(writer, &err, "INSERT INTO t (b) VALUES (?)", db_i(i)), &err);
		assert_true(db_watch_stamp(&watch) != stamp);
		if (i % 10 == 0)
			must(db_checkpoint(db, &err), &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, into_fresh),
		cmocka_unit_test_setup(test_errors, into_fresh),
		cmocka_unit_test_setup(test_transactions, into_fresh),
		cmocka_unit_test_setup(test_migrate, into_fresh),
		cmocka_unit_test_setup(test_faults, into_fresh),
		cmocka_unit_test_setup(test_ahead, into_fresh),
		cmocka_unit_test_setup(test_shelf, into_fresh),
		cmocka_unit_test_setup(test_shelf_refuses, into_fresh),
		cmocka_unit_test_setup(test_index, into_fresh),
		cmocka_unit_test_setup(test_watch, into_fresh),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
