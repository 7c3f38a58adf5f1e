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
#include "db/ahead.h"
#include "db/db.h"

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

static char home[] = "/tmp/db_test.XXXXXX";

static int into_fresh(void **state)
{
	(void)state;
	unlink("a.db");
	unlink("a.db-wal");
	unlink("a.db-shm");
	return 0;
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_values, into_fresh),
		cmocka_unit_test_setup(test_errors, into_fresh),
		cmocka_unit_test_setup(test_transactions, into_fresh),
		cmocka_unit_test_setup(test_migrate, into_fresh),
		cmocka_unit_test_setup(test_faults, into_fresh),
		cmocka_unit_test_setup(test_ahead, into_fresh),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
