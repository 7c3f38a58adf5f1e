/* account_test.c - accounts as a whole: shared by servers, put away, removed, kept, checked. */
#include "store/test_rig.h"

#include <sqlite3.h>

#include "base/clock.h"

/* Two stores on one directory, as two servers during an upgrade. */
static void test_two_servers(void **state)
{
	struct store *theirs = help_store((struct store_config){.past_days = 7});
	struct account *other = help_account(theirs, 1);
	struct view *view AUTO(view_free) = NULL;
	struct view_changes c;
	struct err err;
	uint64_t made;

	(void)state;
	help_add(rig.account, rig.inbox, 0);
	view = rig_view(rig.inbox, true);
	assert_int_equal(help_add(other, rig.inbox, 0).uid, 2);
	help_do(other, (struct step){.what = EXPUNGE, .mailbox = rig.inbox, .uids = LIST(1)});
	help_do(other, (struct step){.what = CREATE, .name = "theirs"});
	store_notice(rig.store, 1, other->row.modseq);
	assert_true(view_is_stale(view));
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_true(c.expunged_n == 1 && c.is_grown && c.exists == 1);
	assert_string_equal(rig_dump(view), "2:0");
	made = help_mailbox(rig.account, "theirs");
	assert_true(made != 0);
	/* And without a word, at the next write. */
	help_do(other, (struct step){.what = DELETE, .name = "theirs"});
	help_add(other, rig.inbox, FLAG_SEEN);
	assert_int_equal(help_add(rig.account, rig.inbox, 0).uid, 4);
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_string_equal(rig_dump(view), "2:0 3:1 4:0");
	assert_false(rig_has("theirs"));
	account_free(&other);
	store_free(&theirs);
	help_check(rig.account);
}

/* More accounts than may be open, each with a view that must live through the closing. */
static void test_eviction(void **state)
{
	enum { ACCOUNTS = 24 };
	struct account *all[ACCOUNTS];
	struct view *views[ACCOUNTS];
	struct store_stats stats;
	struct view_changes c;
	struct err err;

	(void)state;
	for (int i = 0; i < ACCOUNTS; i++) {
		all[i] = help_account(rig.store, 100 + (uint64_t)i);
		help_add(all[i], 1, 0);
		assert_int_equal(
			view_open(all[i], 1, (struct conn_ref){0}, true, &views[i], &err), 0);
	}
	for (int i = 0; i < ACCOUNTS; i++) {
		help_add(all[i], 1, FLAG_SEEN);
		assert_int_equal(view_sync(views[i], true, help_arena(), &c, &err), 0);
		assert_string_equal(rig_dump(views[i]), "1:0 2:1");
	}
	store_stats(rig.store, &stats);
	assert_true(stats.open <= 9 && stats.views == ACCOUNTS && stats.accounts == ACCOUNTS + 1);
	for (int i = 0; i < ACCOUNTS; i++) {
		view_free(&views[i]);
		account_free(&all[i]);
	}
	for (int i = 0; i < ACCOUNTS; i++) {
		all[0] = help_account(rig.store, 200 + (uint64_t)i);
		help_add(all[0], 1, 0);
		account_free(&all[0]);
	}
	store_stats(rig.store, &stats);
	assert_true(stats.accounts <= 10 && stats.index_bytes < 100000);
}

/* What nobody uses is closed, and what a session needs stays. */
static void test_idle(void **state)
{
	struct pool *const pool = (struct pool *)(uintptr_t)1; /* never looked into */
	struct store_stats stats;
	struct view *view;
	struct err err;

	(void)state;
	account_free(&rig.account);
	store_free(&rig.store);
	rig.store = help_store((struct store_config){.pool = pool});
	rig.account = help_account(rig.store, 1);
	help_add(rig.account, rig.inbox, FLAG_SEEN);
	assert_int_equal(
		view_open(rig.account, rig.inbox, (struct conn_ref){0}, true, &view, &err), 0);
	help_pass(1000);
	store_stats(rig.store, &stats);
	assert_int_equal(stats.open, 1);
	help_pass(4000);
	store_stats(rig.store, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.accounts, 1);
	assert_true(stats.index_bytes > 0);
	assert_string_equal(rig_dump(view), "1:1");
	help_add(rig.account, rig.inbox, 0);
	store_stats(rig.store, &stats);
	assert_int_equal(stats.open, 1);
	/* Without a session the index outlives the database, but not for long. */
	view_free(&view);
	account_free(&rig.account);
	help_pass(5000);
	store_stats(rig.store, &stats);
	assert_true(stats.open == 0 && stats.accounts == 1 && stats.index_bytes > 0);
	help_pass(90 * 1000);
	store_stats(rig.store, &stats);
	assert_true(stats.accounts == 0 && stats.index_bytes == 0);
	rig.account = help_account(rig.store, 1);
	assert_int_equal(help_flags(rig.account, rig.inbox, 1), FLAG_SEEN);
}

/* An item that takes long, and perhaps leaves another one behind. */
struct long_item {
	struct account_write item;
	struct account_write *next;
	unsigned done;
};

static int run_long(struct account_write *w, struct account_tx *tx, struct err *err)
{
	(void)w;
	(void)tx;
	(void)err;
	clock_shift(25 * 1000);
	return 0;
}

static void long_done(struct account_write *w, int rc, const struct err *err)
{
	struct long_item *l = (struct long_item *)w;

	(void)err;
	assert_int_equal(rc, 0);
	l->done++;
	if (l->next)
		account_submit(rig.account, l->next);
}

/* Who takes long lets others of the pool go first, but only if anything is left to do. */
static void test_turns(void **state)
{
	struct pool *const pool = (struct pool *)(uintptr_t)1; /* never looked into */
	struct long_item second = {.item = {.run = run_long, .done = long_done}};
	struct long_item first = {.item = second.item, .next = &second.item};
	unsigned before;

	(void)state;
	account_free(&rig.account);
	store_free(&rig.store);
	rig.store = help_store((struct store_config){.pool = pool});
	rig.account = help_account(rig.store, 1);
	before = help_jobs();
	account_submit(rig.account, &second.item);
	assert_int_equal(second.done, 1);
	assert_int_equal(help_jobs(), before);
	account_submit(rig.account, &first.item);
	assert_true(first.done == 1 && second.done == 2);
	assert_int_equal(help_jobs(), before + 1);
}

static void test_remove(void **state)
{
	struct view *view = rig_view(rig.inbox, true);
	struct step step = {.what = CREATE, .name = "x"};
	struct err err;

	(void)state;
	assert_int_equal(store_remove(rig.store, 1, &err), 0);
	assert_true(view_is_deleted(view));
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_NOTFOUND);
	assert_int_equal(store_remove(rig.store, 1, &err), -ERR_NOTFOUND);
	view_free(&view);
	account_free(&rig.account);
	assert_int_equal(store_create(rig.store, 1, &err), 0);
	rig.account = help_account(rig.store, 1);
	help_add(rig.account, rig.inbox, 0);
}

/* What was expunged stays for 7 days, then its body goes too. */
static void test_past(void **state)
{
	struct account_reader *reader;
	struct message_row row;
	struct err err;

	(void)state;
	help_add(rig.account, rig.inbox, 0);
	help_add(rig.account, rig.inbox, 0);
	help_do(rig.account,
		(struct step){.what = COPY, .mailbox = rig.inbox, .to = 2, .uids = LIST(2)});
	help_do(rig.account,
		(struct step){.what = EXPUNGE, .mailbox = rig.inbox, .uids = LIST(1, 2)});
	assert_true(rig.account->row.past_bytes > 0);
	clock_shift(6ll * DAY_S * 1000000);
	help_add(rig.account, rig.inbox, 0);
	assert_int_equal(account_reader(rig.account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_message(reader, 1, &row, &err), 0);
	account_reader_free(&reader);
	clock_shift(2ll * DAY_S * 1000000);
	help_add(rig.account, rig.inbox, 0);
	assert_true(rig.account->row.past_bytes == 0);
	assert_int_equal(account_reader(rig.account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_message(reader, 1, &row, &err), -ERR_NOTFOUND);
	assert_int_equal(reader_message(reader, 2, &row, &err), 0); /* the copy lives */
	account_reader_free(&reader);
	clock_shift(-8ll * DAY_S * 1000000);
	help_check(rig.account);
}

static void count_lines(void *context, struct slice line)
{
	assert_true(line.len > 5);
	++*(unsigned *)context;
}

static struct check_result check(bool is_repair)
{
	struct check_result result = {0};
	unsigned lines = 0;
	struct err err;

	if (account_check(rig.account, is_repair, count_lines, &lines, &result, &err) < 0)
		fail_msg("check: %s", err.msg);
	assert_int_equal(lines, result.problems);
	return result;
}

/* Each kind of damage is found, and repaired where that is possible. */
static void test_check(void **state)
{
	static const struct {
		const char *damage; /* behind the store's back */
		bool is_repaired, is_lossy;
	} cases[] = {
		{"UPDATE mailbox SET messages = 99 WHERE id = 1", true, false},
		{"UPDATE mailbox SET unseen = 0 WHERE id = 1", true, false},
		{"UPDATE account SET bytes = 1", true, false},
		{"UPDATE account SET past_bytes = 1", true, false},
		{"INSERT INTO share VALUES (1, 2, 0)", true, false},
		{"DELETE FROM share", true, false},
		{"UPDATE share SET live = 7", true, false},
		{"INSERT INTO message SELECT 50, thread, size, received, zone, hash, prepared"
		 " FROM message WHERE id = 1;"
		 "INSERT INTO chunk SELECT 50 << 12, data FROM chunk WHERE id = 1 << 12",
			true, false},
		{"INSERT INTO chunk VALUES (60 << 12, 'x')", true, false},
		{"INSERT INTO entries VALUES (77 << 32 | 1, 1, x'0100')", true, false},
		{"DELETE FROM message WHERE id = 1; DELETE FROM chunk WHERE id = 1 << 12", true,
			true},
		{"UPDATE chunk SET data = 'y' || substr(data, 2) WHERE id = 2 << 12", false, false},
		{"DELETE FROM chunk WHERE id = 2 << 12", false, false},
		{"UPDATE change SET runs = x'0100' WHERE kind = 3", false, false},
		{"UPDATE mailbox SET uidnext = 1 WHERE id = 1", false, false},
		{"UPDATE mailbox SET modseq = 1 WHERE id = 1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_result result;
		char path[STORE_PATH_MAX];
		uint32_t uidvalidity;
		sqlite3 *db;

		rig_tear_down(state);
		rig_set_up(state);
		for (int k = 0; k < 4; k++)
			help_add(rig.account, rig.inbox, 0);
		help_do(rig.account,
			(struct step){.what = COPY, .mailbox = 1, .to = 2, .uids = LIST(2, 3)});
		help_do(rig.account, (struct step){.what = EXPUNGE, .mailbox = 1, .uids = LIST(4)});
		uidvalidity = rig_info("INBOX").uidvalidity;
		assert_int_equal(check(false).problems, 0);
		account_free(&rig.account);
		store_free(&rig.store);
		store_path(1, path);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		if (sqlite3_exec(db, cases[i].damage, NULL, NULL, NULL) != SQLITE_OK)
			fail_msg("case %zu: %s", i, sqlite3_errmsg(db));
		sqlite3_close(db);
		rig.store = help_store((struct store_config){.past_days = 7});
		rig.account = help_account(rig.store, 1);
		result = check(true);
		if (result.problems == 0 || (result.repaired > 0) != cases[i].is_repaired)
			fail_msg("case %zu: %llu problems, %llu repaired", i,
				(unsigned long long)result.problems,
				(unsigned long long)result.repaired);
		result = check(false);
		if ((result.problems == 0) != cases[i].is_repaired)
			fail_msg("case %zu: %llu problems are left", i,
				(unsigned long long)result.problems);
		assert_int_equal(rig_info("INBOX").uidvalidity != uidvalidity, cases[i].is_lossy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_two_servers),
		RIG_TEST(test_eviction),
		RIG_TEST(test_idle),
		RIG_TEST(test_turns),
		RIG_TEST(test_remove),
		RIG_TEST(test_past),
		RIG_TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
