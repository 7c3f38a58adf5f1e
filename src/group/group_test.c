/* group_test.c - what a round says of its items is what is in the database. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/temp.h"
#include "group/group.h"

enum { ITEMS = 3, LARGE = 1 << 20 };

struct write {
	struct group_item item;
	int64_t number;
	struct slice bytes;
	int rc; /* what done() was told; 1: nothing yet */
};

struct round {
	struct group_item item; /* of the round before: hands them all over together */
	struct group *group;
	struct write writes[ITEMS];
};

static char folder[TEMP_MAX];

static int set_up(void **state)
{
	struct db *db;
	struct err err;

	assert_non_null(mkdtemp(temp_path(folder, "group-test-XXXXXX")));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(
		db_open(&(struct db_config){.path = "g.db", .may_create = true}, &db, &err), 0);
	assert_int_equal(
		db_do(db, &err, "CREATE TABLE t (number INTEGER PRIMARY KEY, bytes BLOB)"), 0);
	*state = db;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"g.db", "g.db-wal", "g.db-shm"};
	struct db *db = *state;

	db_close(&db);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	assert_int_equal(chdir("/"), 0);
	return rmdir(folder);
}

static int run_write(struct group_item *item, struct db *db, struct err *err)
{
	const struct write *w = (const struct write *)item;

	return db_do(db, err, "INSERT INTO t (number, bytes) VALUES (?, ?)", db_i(w->number),
		db_b(w->bytes));
}

static void end_write(struct group_item *item, int rc, const struct err *err)
{
	(void)err;
	((struct write *)item)->rc = rc;
}

static int begin_round(struct group_item *item, struct db *db, struct err *err)
{
	struct round *r = (struct round *)item;

	(void)db;
	(void)err;
	for (size_t i = 0; i < ITEMS; i++)
		group_submit(r->group, &r->writes[i].item);
	return 0;
}

static void end_round(struct group_item *item, int rc, const struct err *err)
{
	(void)item;
	(void)err;
	assert_int_equal(rc, 0);
}

static void write_together(struct db *db, const struct slice bytes[ITEMS], struct round *r)
{
	struct group group;

	group_init(&group, db, NULL);
	*r = (struct round){.item = {.run = begin_round, .done = end_round}, .group = &group};
	for (size_t i = 0; i < ITEMS; i++)
		r->writes[i] = (struct write){.item = {.run = run_write, .done = end_write},
			.number = (int64_t)i,
			.bytes = bytes[i],
			.rc = 1};
	group_submit(&group, &r->item);
	group_done(&group);
}

static bool is_there(struct db *db, size_t number)
{
	int64_t n = 0;
	struct err err;

	assert_int_equal(db_get_int(db, &n, &err, "SELECT count(*) FROM t WHERE number = ?",
				 db_i((int64_t)number)),
		0);
	return n;
}

static void check_words(struct db *db, const struct round *r)
{
	for (size_t i = 0; i < ITEMS; i++) {
		assert_int_not_equal(r->writes[i].rc, 1);
		if (is_there(db, i) != (r->writes[i].rc == 0))
			fail_msg("item %zu: it was told %d", i, r->writes[i].rc);
	}
}

/* One that fails by itself is left out. */
static void test_one_fails(void **state)
{
	const struct slice bytes[ITEMS] = {slice_lit("a"), slice_lit("b"), slice_lit("c")};
	struct db *db = *state;
	struct round r;
	struct err err;

	assert_int_equal(db_do(db, &err, "INSERT INTO t (number) VALUES (1)"), 0);
	write_together(db, bytes, &r);
	assert_int_equal(r.writes[0].rc, 0);
	assert_int_equal(r.writes[1].rc, -ERR_EXISTS);
	assert_int_equal(r.writes[2].rc, 0);
	assert_true(is_there(db, 0) && is_there(db, 2));
}

/* A full disk ends the transaction in its midst: nothing of what comes behind that may be written
 * and then be said to have failed. */
static void test_full_disk(void **state)
{
	char *large = calloc(1, LARGE);
	const struct slice bytes[ITEMS] = {slice_lit("a"), {large, LARGE}, slice_lit("c")};
	struct db *db = *state;
	struct db_stmt *row = NULL;
	struct round r;
	struct err err;

	assert_int_equal(db_query(db, &row, &err, "PRAGMA max_page_count = 40"), 0);
	assert_int_equal(db_step(row, &err), 1);
	db_reset(row);
	write_together(db, bytes, &r);
	check_words(db, &r);
	assert_int_equal(r.writes[1].rc, -ERR_QUOTA);
	/* And the next round is as any. */
	write_together(db, (const struct slice[ITEMS]){{0}}, &r);
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(r.writes[i].rc, 0);
	check_words(db, &r);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
