/* view_test.c - views and readers of mailboxes: what each call promises. */
#include "store/test_rig.h"

static void test_reader(void **state)
{
	static const size_t sizes[] = {0, 1000, 65536, 65537, 300000};
	struct account_reader *reader, *second, *third = NULL;
	struct message_row row;
	struct buf body AUTO(buf_done);
	struct err err;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct incoming *in AUTO(incoming_free) =
			help_message(rig.store, "a", NULL, "s", sizes[i]);
		struct step step = {.what = ADD, .mailbox = rig.inbox, .in = in};

		assert_int_equal(help_run(rig.account, &step, &err), 0);
	}
	assert_int_equal(account_reader(rig.account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(account_reader(rig.account, (struct conn_ref){0}, &second, &err), 0);
	assert_int_equal(
		account_reader(rig.account, (struct conn_ref){0}, &third, &err), -ERR_BUSY);
	assert_null(third);
	buf_init(&body, 1 << 20);
	for (uint64_t id = 1; id <= 5; id++) {
		assert_int_equal(reader_scan(reader, id, &row, &err), 0);
		assert_true(row.id == id && row.size >= sizes[id - 1] && row.prepared.len > 10);
		buf_clear(&body);
		for (uint64_t at = 0; at < row.size; at += 50000)
			assert_int_equal(reader_body(second, id, at, 50000, &body, &err), 0);
		assert_int_equal(body.len, row.size);
		assert_true(slice_starts(buf_slice(&body), slice_lit("From: a@")));
		assert_true(row.size < 300 || slice_ends(buf_slice(&body), slice_lit("xxx\r\n")));
		assert_int_equal(reader_body(second, id, row.size, 10, &body, &err), 0);
		assert_int_equal(body.len, row.size);
	}
	assert_int_equal(reader_scan(reader, 2, &row, &err), 0);
	assert_int_equal(reader_scan(reader, 9, &row, &err), -ERR_NOTFOUND);
	assert_int_equal(reader_message(reader, 3, &row, &err), 0);
	assert_true(row.id == 3);
	assert_int_equal(reader_message(reader, 77, &row, &err), -ERR_NOTFOUND);
	assert_int_equal(reader_body(reader, 77, 0, 1, &body, &err), -ERR_NOTFOUND);
	account_reader_free(&reader);
	account_reader_free(&second);
}

/* What a view says after each change, and what it may not say yet. */
static void test_view(void **state)
{
	struct view *view AUTO(view_free) = NULL;
	struct view *other AUTO(view_free) = NULL;
	struct view_snap *snap AUTO(view_snap_free) = NULL;
	struct view_changes c;
	struct view_entry e;
	struct err err;

	(void)state;
	for (int i = 0; i < 4; i++)
		help_add(rig.account, rig.inbox, 0);
	other = rig_view(rig.inbox, true);
	view = rig_view(rig.inbox, false);
	assert_int_equal(view_recent(view), 4);
	assert_int_equal(view_recent(other), 4);
	assert_false(view_is_stale(view));
	snap = view_snap(view);
	help_do(rig.account,
		(struct step){.what = EXPUNGE, .mailbox = rig.inbox, .uids = LIST(2, 3)});
	help_add(rig.account, rig.inbox, 0);
	help_do(rig.account, (struct step){.what = FLAGS,
				     .mailbox = rig.inbox,
				     .uids = LIST(1, 4),
				     .change = FLAGS_ADD,
				     .flags = FLAG_SEEN});
	assert_true(view_is_stale(view));
	assert_string_equal(rig_dump(view), "1:1 2:0x 3:0x 4:1");
	assert_int_equal(view_sync(view, false, help_arena(), &c, &err), 0);
	assert_string_equal(rig_dump(view), "1:1 2:0x 3:0x 4:1 5:0");
	assert_true(c.is_grown && c.exists == 5 && c.recent == 5 && c.expunged_n == 0);
	assert_int_equal(c.changed_n, 2);
	assert_true(c.changed[0] == 1 && c.changed[1] == 4);
	assert_true(view_is_stale(view));
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_int_equal(c.expunged_n, 2);
	assert_true(c.expunged[0] == 2 && c.expunged[1] == 2 && c.expunged_uids[1] == 3);
	assert_true(!c.is_grown && c.changed_n == 0 && c.exists == 3 && c.recent == 3);
	assert_string_equal(rig_dump(view), "1:1 4:1 5:0");
	assert_false(view_is_stale(view));
	assert_int_equal(view_floor(view, 2), 2);
	assert_int_equal(view_floor(view, 6), 4);
	/* The snapshot has the numbering of its start. */
	assert_int_equal(snap_count(snap), 4);
	assert_true(snap_entry(snap, 4, &e) && e.uid == 4 && e.flags == 0);
	snap_refresh(snap, view);
	assert_true(snap_entry(snap, 4, &e) && e.uid == 4 && e.flags == 1 && !e.is_gone);
	assert_true(snap_entry(snap, 2, &e) && e.uid == 2 && e.is_gone);
	assert_false(snap_entry(snap, 5, &e));
	assert_int_equal(snap_floor(snap, 4), 4);
	/* All at once, for the one who only looks. */
	assert_int_equal(view_sync(other, true, help_arena(), &c, &err), 0);
	assert_true(c.expunged_n == 2 && c.changed_n == 2 && c.is_grown && c.exists == 3);
	assert_true(c.changed[0] == 1 && c.changed[1] == 2);
	assert_int_equal(view_recent(other), 0);
}

static void test_view_seen(void **state)
{
	struct step step = {.what = FLAGS,
		.mailbox = rig.inbox,
		.uids = LIST(1, 2),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN};
	struct view *view AUTO(view_free) = NULL;
	struct view_changes c;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		help_add(rig.account, rig.inbox, 0);
	view = rig_view(rig.inbox, false);
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	view_seen(view, LIST(1, 2), step.modseq);
	help_do(rig.account, (struct step){.what = FLAGS,
				     .mailbox = rig.inbox,
				     .uids = LIST(2, 3),
				     .change = FLAGS_ADD,
				     .flags = FLAG_FLAGGED});
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_int_equal(c.changed_n, 2);
	assert_true(c.changed[0] == 2 && c.changed[1] == 3);
}

/* Lists as several commands leave them: in any order, one inside another, one out of date. */
static void test_view_seen_lists(void **state)
{
	struct step step = {.what = FLAGS,
		.mailbox = rig.inbox,
		.uids = LIST(1, 2, 3, 4, 5, 6, 7, 8, 9),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN};
	struct view *view AUTO(view_free) = NULL;
	struct view_changes c;
	struct err err;

	(void)state;
	for (int i = 0; i < 9; i++)
		help_add(rig.account, rig.inbox, 0);
	view = rig_view(rig.inbox, false);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(help_run(rig.account, &step, &err), 0);
		view_seen(view, LIST(7, 8), step.modseq);
		view_seen(view, LIST(1, 9), step.modseq);
		view_seen(view, LIST(4), step.modseq - 1);
		view_seen(view, NULL, 0, step.modseq);
		view_seen(view, LIST(2, 6, 7), step.modseq);
		assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
		assert_int_equal(c.changed_n, 3);
		assert_true(c.changed[0] == 3 && c.changed[1] == 4 && c.changed[2] == 5);
		step.change = FLAGS_REMOVE;
	}
}

static void test_recent_once(void **state)
{
	struct view *first, *second;

	(void)state;
	help_add(rig.account, rig.inbox, 0);
	first = rig_view(rig.inbox, false);
	second = rig_view(rig.inbox, false);
	assert_int_equal(view_recent(first), 1);
	assert_int_equal(view_recent(second), 0);
	view_free(&first);
	view_free(&second);
	help_add(rig.account, rig.inbox, 0); /* writes down what was told */
	rig_reopen();
	first = rig_view(rig.inbox, false);
	assert_int_equal(view_recent(first), 1);
	view_free(&first);
}

static void test_keywords(void **state)
{
	struct step step = {.what = KEYWORD};
	struct slice *names;
	struct err err;
	char name[120];
	size_t n;

	(void)state;
	for (int i = 0; i < KEYWORD_COUNT_MAX; i++) {
		snprintf(name, sizeof(name), "$Key%d", i);
		step.name = name;
		assert_int_equal(help_run(rig.account, &step, &err), 0);
		assert_true(step.flags == 1ull << (KEYWORD_BIT + i));
	}
	rig_reopen();
	step.name = "$kEY7";
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_true(step.flags == 1ull << (KEYWORD_BIT + 7));
	step.name = "more";
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_TOOBIG);
	assert_int_equal(account_keywords(rig.account, help_arena(), &names, &n, &err), 0);
	assert_int_equal(n, KEYWORD_COUNT_MAX);
	assert_true(slice_eq(names[55], slice_lit("$Key55")));
	memset(name, 'x', KEYWORD_LEN_MAX + 1);
	name[KEYWORD_LEN_MAX + 1] = '\0';
	account_free(&rig.account);
	rig.account = help_account(rig.store, 2);
	step.name = name;
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_reader),
		RIG_TEST(test_view),
		RIG_TEST(test_view_seen),
		RIG_TEST(test_view_seen_lists),
		RIG_TEST(test_recent_once),
		RIG_TEST(test_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
