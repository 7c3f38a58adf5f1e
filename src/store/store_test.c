/* store_test.c - mailboxes and messages: what each call promises. */
#include "store/test_rig.h"

static void test_first_mailboxes(void **state)
{
	static const char *const names[] = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"};
	struct mailbox_info *list;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(account_mailboxes(rig.account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		assert_true(slice_eq(list[i].name, slice_str(names[i])));
		assert_true(list[i].uidvalidity > 1700000000 && list[i].is_subscribed);
		assert_int_equal(list[i].uidnext, 1);
	}
	assert_int_equal(store_create(rig.store, 1, &err), -ERR_EXISTS);
	assert_int_equal(store_create(rig.store, 2, &err), 0);
	assert_true(account_epoch(rig.account) != 0);
}

static void test_add(void **state)
{
	const struct message_added first = help_add(rig.account, rig.inbox, 0);
	const struct message_added second =
		help_add(rig.account, rig.inbox, FLAG_SEEN | FLAG_DELETED);
	struct account_usage usage;
	struct mailbox_info info;

	(void)state;
	assert_int_equal(first.uid, 1);
	assert_int_equal(second.uid, 2);
	assert_true(first.message != second.message);
	assert_true(first.thread == second.thread); /* the same message-id and subject */
	for (int i = 0; i < 2; i++) {
		info = rig_info("inbox");
		assert_int_equal(info.messages, 2);
		assert_int_equal(info.unseen, 1);
		assert_int_equal(info.deleted, 1);
		assert_int_equal(info.uidnext, 3);
		account_usage(rig.account, &usage);
		assert_int_equal(usage.messages, 2);
		assert_true(usage.bytes == info.bytes && usage.bytes > 1200);
		rig_expect(rig.inbox, "1:0 2:9");
		rig_reopen();
	}
}

static bool is_delivered(uint64_t id)
{
	struct account_reader *reader;
	struct err err;
	bool is = false;

	assert_int_equal(account_reader(rig.account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_delivered(reader, id, &is, &err), 0);
	account_reader_free(&reader);
	return is;
}

static void test_delivery_id(void **state)
{
	struct incoming *in AUTO(incoming_free) = help_message(rig.store, "a", NULL, "s", 300);
	struct step step = {.what = ADD, .mailbox = rig.inbox, .in = in, .delivery = 77};
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(is_delivered(77), i > 0);
		assert_false(is_delivered(78));
		assert_int_equal(help_run(rig.account, &step, &err), 0);
		assert_int_equal(step.added.is_repeat, i > 0);
		assert_int_equal(step.added.uid, 1);
		if (i == 1)
			rig_reopen();
	}
	rig_expect(rig.inbox, "1:0");
}

static void test_quota(void **state)
{
	struct incoming *in AUTO(incoming_free) = help_message(rig.store, "a", NULL, "s", 1000);
	struct step step = {.what = ADD, .mailbox = rig.inbox, .in = in};
	struct account *same;
	struct err err;

	(void)state;
	assert_int_equal(store_account(rig.store, 1, 2500, &same, &err), 0);
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_QUOTA);
	rig_expect(rig.inbox, "1:0 2:0");
	/* A copy costs nothing, and what is expunged does not count. */
	help_do(rig.account,
		(struct step){
			.what = COPY, .mailbox = rig.inbox, .to = rig.inbox, .uids = LIST(1, 2)});
	help_do(rig.account,
		(struct step){.what = EXPUNGE, .mailbox = rig.inbox, .uids = LIST(1, 2, 3)});
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	rig_expect(rig.inbox, "4:0 5:0");
	account_free(&same);
}

static void test_flags(void **state)
{
	uint32_t failed[4];
	struct buf left AUTO(buf_done);
	struct step step = {.what = FLAGS,
		.mailbox = rig.inbox,
		.uids = LIST(1, 2, 3, 9),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN,
		.failed = &left};
	struct err err;
	uint64_t modseq;

	(void)state;
	buf_init(&left, 100);
	help_add(rig.account, rig.inbox, 0);
	help_add(rig.account, rig.inbox, FLAG_SEEN);
	help_add(rig.account, rig.inbox, FLAG_DRAFT);
	modseq = rig_info("INBOX").modseq;
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_true(step.modseq == modseq + 1);
	rig_expect(rig.inbox, "1:1 2:1 3:17");
	/* Nothing to change: no modseq is taken. */
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_true(step.modseq == 0);
	assert_true(rig_info("INBOX").modseq == modseq + 1);
	/* 1 and 3 are newer than what the client knows. */
	step.change = FLAGS_SET;
	step.flags = FLAG_FLAGGED | 1ull << 63;
	step.unchanged_since = modseq;
	assert_int_equal(help_run(rig.account, &step, &err), 0);
	assert_int_equal(left.len, 8);
	memcpy(failed, left.ptr, left.len);
	assert_true(failed[0] == 1 && failed[1] == 3);
	rig_reopen();
	rig_expect(rig.inbox, "1:1 2:9223372036854775812 3:17");
	assert_int_equal(rig_info("INBOX").unseen, 1);
	help_do(rig.account, (struct step){.what = FLAGS,
				     .mailbox = rig.inbox,
				     .uids = LIST(3),
				     .change = FLAGS_REMOVE,
				     .flags = FLAG_DRAFT});
	rig_expect(rig.inbox, "1:1 2:9223372036854775812 3:1");
}

static void test_copy_move_expunge(void **state)
{
	const uint64_t trash = help_mailbox(rig.account, "Trash");
	uint32_t new_uids[4] = {9, 9, 9, 9};
	struct account_usage usage;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		help_add(rig.account, rig.inbox, (uint64_t)i);
	help_do(rig.account, (struct step){.what = COPY,
				     .mailbox = rig.inbox,
				     .to = trash,
				     .uids = LIST(1, 2, 7),
				     .new_uids = new_uids});
	assert_true(new_uids[0] == 1 && new_uids[1] == 2 && new_uids[2] == 0);
	help_do(rig.account, (struct step){.what = MOVE,
				     .mailbox = rig.inbox,
				     .to = trash,
				     .uids = LIST(2, 3),
				     .new_uids = new_uids});
	assert_true(new_uids[0] == 3 && new_uids[1] == 4);
	rig_expect(rig.inbox, "1:0");
	rig_expect(trash, "1:0 2:1 3:1 4:2");
	account_usage(rig.account, &usage);
	assert_int_equal(usage.messages, 3);
	help_do(rig.account,
		(struct step){.what = EXPUNGE, .mailbox = trash, .uids = LIST(1, 2, 3)});
	account_usage(rig.account, &usage);
	assert_int_equal(usage.messages, 2);
	/* Within one mailbox a move gives new UIDs. */
	help_do(rig.account,
		(struct step){.what = MOVE, .mailbox = trash, .to = trash, .uids = LIST(4)});
	rig_expect(trash, "5:2");
	assert_int_equal(help_run(rig.account,
				 &(struct step){.what = COPY,
					 .mailbox = rig.inbox,
					 .to = 99,
					 .uids = LIST(1),
					 .new_uids = new_uids},
				 &err),
		-ERR_NOTFOUND);
	rig_reopen();
	rig_expect(rig.inbox, "1:0");
	rig_expect(trash, "5:2");
	help_check(rig.account);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int want;
	} cases[] = {
		{"a/b/c", 0},
		{"a/b/c", -ERR_EXISTS},
		{"a", -ERR_EXISTS},
		{"inbox", -ERR_EXISTS},
		{"Inbox/x", 0},
		{"INBOX/x", -ERR_EXISTS},
		{"Entw\xc3\xbcrfe", 0},
		{"", -ERR_SYNTAX},
		{"/a", -ERR_SYNTAX},
		{"a/", -ERR_SYNTAX},
		{"a//b", -ERR_SYNTAX},
		{"a\nb", -ERR_SYNTAX},
		{"a\x7f", -ERR_SYNTAX},
		{"\xc0\xaf", -ERR_SYNTAX},
		{"\xed\xa0\x80", -ERR_SYNTAX},
		{"\xf4\x90\x80\x80", -ERR_SYNTAX},
		{"\xe2\x82", -ERR_SYNTAX},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/"
		 "31/32",
			0},
		{"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/"
		 "31/32/33",
			-ERR_TOOBIG},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct step step = {.what = CREATE, .name = cases[i].name};
		const int rc = help_run(rig.account, &step, &err);

		if (rc != cases[i].want)
			fail_msg("<%s>: got %d, want %d", cases[i].name, rc, cases[i].want);
	}
	assert_true(help_mailbox(rig.account, "inbox/x") != 0);
	assert_true(help_mailbox(rig.account, "INBOX/X") == 0);
	rig_reopen();
	assert_true(help_mailbox(rig.account, "a/b/c") != 0);
}

static void test_delete(void **state)
{
	struct step create = {.what = CREATE, .name = "a/b"};
	struct step delete = {.what = DELETE, .name = "a"};
	struct view *view;
	uint32_t uidvalidity;
	struct err err;

	(void)state;
	help_do(rig.account, create);
	uidvalidity = rig_info("a").uidvalidity;
	help_add(rig.account, help_mailbox(rig.account, "a"), 0);
	view = rig_view(help_mailbox(rig.account, "a"), false);
	help_do(rig.account, delete);
	assert_true(view_is_deleted(view));
	assert_int_equal(view_count(view), 1); /* until the session is told */
	view_free(&view);
	assert_true(rig_info("a").is_noselect);
	assert_int_equal(help_run(rig.account, &delete, &err), -ERR_CONFLICT);
	help_do(rig.account, (struct step){.what = DELETE, .name = "a/b"});
	assert_false(rig_has("a/b"));
	assert_false(rig_has("a")); /* the empty level went along */
	assert_int_equal(help_run(rig.account, &delete, &err), -ERR_NOTFOUND);
	delete.name = "inbox";
	assert_int_equal(help_run(rig.account, &delete, &err), -ERR_DENIED);
	help_do(rig.account, (struct step){.what = CREATE, .name = "a"});
	assert_true(rig_info("a").uidvalidity > uidvalidity);
	assert_int_equal(rig_info("a").messages, 0);
	help_check(rig.account);
}

static void test_rename(void **state)
{
	struct step step = {.what = RENAME, .name = "a", .new_name = "a/x"};
	uint64_t id;
	struct err err;

	(void)state;
	help_do(rig.account, (struct step){.what = CREATE, .name = "a/b/c"});
	help_do(rig.account, (struct step){.what = CREATE, .name = "ab"});
	id = help_mailbox(rig.account, "a/b");
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_SYNTAX);
	step.new_name = "ab";
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_EXISTS);
	step.new_name = "new/place";
	help_do(rig.account, step);
	assert_true(rig_has("new") && rig_has("new/place/b/c") && rig_has("ab") && !rig_has("a") &&
		    !rig_has("a/b"));
	assert_true(help_mailbox(rig.account, "new/place/b") == id);
	assert_int_equal(help_run(rig.account, &step, &err), -ERR_NOTFOUND);
	/* INBOX stays and is empty. */
	help_add(rig.account, rig.inbox, 0);
	help_add(rig.account, rig.inbox, FLAG_SEEN);
	help_do(rig.account, (struct step){.what = RENAME, .name = "INBOX", .new_name = "old"});
	rig_reopen();
	rig_expect(rig.inbox, "");
	rig_expect(help_mailbox(rig.account, "old"), "1:0 2:1");
	assert_int_equal(help_add(rig.account, rig.inbox, 0).uid, 3);
	help_check(rig.account);
}

static void test_subscribe(void **state)
{
	struct mailbox_info *list;
	struct err err;
	size_t n;

	(void)state;
	help_do(rig.account, (struct step){.what = SUBSCRIBE, .name = "later", .flags = 1});
	help_do(rig.account, (struct step){.what = SUBSCRIBE, .name = "Sent", .flags = 0});
	rig_reopen();
	assert_int_equal(account_mailboxes(rig.account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 7);
	assert_true(slice_eq(list[6].name, slice_lit("later")));
	assert_true(list[6].id == 0 && list[6].is_subscribed);
	assert_false(rig_info("Sent").is_subscribed);
	assert_false(rig_has("later"));
	help_do(rig.account, (struct step){.what = CREATE, .name = "later"});
	assert_true(rig_info("later").is_subscribed);
	help_do(rig.account, (struct step){.what = DELETE, .name = "later"});
	assert_int_equal(account_mailboxes(rig.account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 7);
	help_do(rig.account, (struct step){.what = SUBSCRIBE, .name = "later", .flags = 0});
	assert_int_equal(account_mailboxes(rig.account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 6);
}

static void test_threads(void **state)
{
	static const struct {
		const char *id, *refs, *subject;
		int same_as; /* row whose thread it must have; itself: a new one */
	} rows[] = {
		{"a", NULL, "Plan", 0},
		{"b", "<a>", "Re: Plan", 0},
		{"c", "<a> <b>", "Re: Re: plan", 0},
		{"d", "<a>", "Other", 3},
		{"e", "<zz>", "Plan", 4},
		{"f", "<zz>", "Plan", 4},
	};
	uint64_t threads[6];

	(void)state;
	for (int i = 0; i < 6; i++) {
		struct incoming *in AUTO(incoming_free) =
			help_message(rig.store, rows[i].id, rows[i].refs, rows[i].subject, 0);
		struct step step = {.what = ADD, .mailbox = rig.inbox, .in = in};
		struct err err;

		assert_int_equal(help_run(rig.account, &step, &err), 0);
		threads[i] = step.added.thread;
		if (threads[i] != threads[rows[i].same_as] ||
			(rows[i].same_as == i && threads[i] != step.added.message))
			fail_msg("row %d: thread %llu", i, (unsigned long long)threads[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_first_mailboxes),
		RIG_TEST(test_add),
		RIG_TEST(test_delivery_id),
		RIG_TEST(test_quota),
		RIG_TEST(test_flags),
		RIG_TEST(test_copy_move_expunge),
		RIG_TEST(test_names),
		RIG_TEST(test_delete),
		RIG_TEST(test_rename),
		RIG_TEST(test_subscribe),
		RIG_TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
