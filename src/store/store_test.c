/* store_test.c - accounts, mailboxes, messages, views, readers: what each call promises. */
#include "store/test_help.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/clock.h"

static struct store *store;
static struct account *account;
static uint64_t inbox;

static int set_up(void **state)
{
	(void)state;
	help_enter();
	store = help_store((struct store_config){.past_days = 7});
	account = help_account(store, 1);
	inbox = help_mailbox(account, "INBOX");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	account_free(&account);
	store_free(&store);
	help_leave();
	return 0;
}

static void reopen(void)
{
	account_free(&account);
	store_free(&store);
	store = help_store((struct store_config){.past_days = 7});
	account = help_account(store, 1);
}

static struct mailbox_info info_of(const char *name)
{
	struct mailbox_info info = {0};
	struct err err;

	if (account_mailbox(account, slice_str(name), 0, ROLE_NONE, help_arena(), &info, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	return info;
}

/* "uid:flags uid:flags" of the whole mailbox, in the view's order. */
static const char *dump(struct view *view)
{
	static char out[2000];
	struct view_entry e;
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t seq = 1; view_entry(view, seq, &e); seq++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%u:%llu%s", seq > 1 ? " " : "",
			e.uid, (unsigned long long)e.flags, e.is_gone ? "x" : "");
	return out;
}

static struct view *open_view(uint64_t mailbox, bool is_examine)
{
	struct view *view;
	struct err err;

	if (view_open(account, mailbox, (struct conn_ref){1, 1}, is_examine, &view, &err) < 0)
		fail_msg("view: %s", err.msg);
	return view;
}

static void assert_dump(uint64_t mailbox, const char *want)
{
	struct view *view AUTO(view_free) = open_view(mailbox, true);

	assert_string_equal(dump(view), want);
}

static void test_first_mailboxes(void **state)
{
	static const char *const names[] = {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"};
	struct mailbox_info *list;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(account_mailboxes(account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++) {
		assert_true(slice_eq(list[i].name, slice_str(names[i])));
		assert_true(list[i].uidvalidity > 1700000000 && list[i].is_subscribed);
		assert_int_equal(list[i].uidnext, 1);
	}
	assert_int_equal(store_create(store, 1, &err), -ERR_EXISTS);
	assert_int_equal(store_create(store, 2, &err), 0);
	assert_true(account_epoch(account) != 0);
}

static void test_add(void **state)
{
	const struct message_added first = help_add(account, inbox, 0);
	const struct message_added second = help_add(account, inbox, FLAG_SEEN | FLAG_DELETED);
	struct account_usage usage;
	struct mailbox_info info;

	(void)state;
	assert_int_equal(first.uid, 1);
	assert_int_equal(second.uid, 2);
	assert_true(first.message != second.message);
	assert_true(first.thread == second.thread); /* the same message-id and subject */
	for (int i = 0; i < 2; i++) {
		info = info_of("inbox");
		assert_int_equal(info.messages, 2);
		assert_int_equal(info.unseen, 1);
		assert_int_equal(info.deleted, 1);
		assert_int_equal(info.uidnext, 3);
		account_usage(account, &usage);
		assert_int_equal(usage.messages, 2);
		assert_true(usage.bytes == info.bytes && usage.bytes > 1200);
		assert_dump(inbox, "1:0 2:9");
		reopen();
	}
}

static bool is_delivered(uint64_t id)
{
	struct account_reader *reader;
	struct err err;
	bool is = false;

	assert_int_equal(account_reader(account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_delivered(reader, id, &is, &err), 0);
	account_reader_free(&reader);
	return is;
}

static void test_delivery_id(void **state)
{
	struct incoming *in AUTO(incoming_free) = help_message(store, "a", NULL, "s", 300);
	struct step step = {.what = ADD, .mailbox = inbox, .in = in, .delivery = 77};
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(is_delivered(77), i > 0);
		assert_false(is_delivered(78));
		assert_int_equal(help_run(account, &step, &err), 0);
		assert_int_equal(step.added.is_repeat, i > 0);
		assert_int_equal(step.added.uid, 1);
		if (i == 1)
			reopen();
	}
	assert_dump(inbox, "1:0");
}

static void test_quota(void **state)
{
	struct incoming *in AUTO(incoming_free) = help_message(store, "a", NULL, "s", 1000);
	struct step step = {.what = ADD, .mailbox = inbox, .in = in};
	struct account *same;
	struct err err;

	(void)state;
	assert_int_equal(store_account(store, 1, 2500, &same, &err), 0);
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_int_equal(help_run(account, &step, &err), -ERR_QUOTA);
	assert_dump(inbox, "1:0 2:0");
	/* A copy costs nothing, and what is expunged does not count. */
	help_do(account,
		(struct step){.what = COPY, .mailbox = inbox, .to = inbox, .uids = LIST(1, 2)});
	help_do(account, (struct step){.what = EXPUNGE, .mailbox = inbox, .uids = LIST(1, 2, 3)});
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_dump(inbox, "4:0 5:0");
	account_free(&same);
}

static void test_flags(void **state)
{
	uint32_t failed[4];
	struct buf left AUTO(buf_done);
	struct step step = {.what = FLAGS,
		.mailbox = inbox,
		.uids = LIST(1, 2, 3, 9),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN,
		.failed = &left};
	struct err err;
	uint64_t modseq;

	(void)state;
	buf_init(&left, 100);
	help_add(account, inbox, 0);
	help_add(account, inbox, FLAG_SEEN);
	help_add(account, inbox, FLAG_DRAFT);
	modseq = info_of("INBOX").modseq;
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_true(step.modseq == modseq + 1);
	assert_dump(inbox, "1:1 2:1 3:17");
	/* Nothing to change: no modseq is taken. */
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_true(step.modseq == 0);
	assert_true(info_of("INBOX").modseq == modseq + 1);
	/* 1 and 3 are newer than what the client knows. */
	step.change = FLAGS_SET;
	step.flags = FLAG_FLAGGED | 1ull << 63;
	step.unchanged_since = modseq;
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_int_equal(left.len, 8);
	memcpy(failed, left.ptr, left.len);
	assert_true(failed[0] == 1 && failed[1] == 3);
	reopen();
	assert_dump(inbox, "1:1 2:9223372036854775812 3:17");
	assert_int_equal(info_of("INBOX").unseen, 1);
	help_do(account, (struct step){.what = FLAGS,
				 .mailbox = inbox,
				 .uids = LIST(3),
				 .change = FLAGS_REMOVE,
				 .flags = FLAG_DRAFT});
	assert_dump(inbox, "1:1 2:9223372036854775812 3:1");
}

static void test_copy_move_expunge(void **state)
{
	const uint64_t trash = help_mailbox(account, "Trash");
	uint32_t new_uids[4] = {9, 9, 9, 9};
	struct account_usage usage;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		help_add(account, inbox, (uint64_t)i);
	help_do(account, (struct step){.what = COPY,
				 .mailbox = inbox,
				 .to = trash,
				 .uids = LIST(1, 2, 7),
				 .new_uids = new_uids});
	assert_true(new_uids[0] == 1 && new_uids[1] == 2 && new_uids[2] == 0);
	help_do(account, (struct step){.what = MOVE,
				 .mailbox = inbox,
				 .to = trash,
				 .uids = LIST(2, 3),
				 .new_uids = new_uids});
	assert_true(new_uids[0] == 3 && new_uids[1] == 4);
	assert_dump(inbox, "1:0");
	assert_dump(trash, "1:0 2:1 3:1 4:2");
	account_usage(account, &usage);
	assert_int_equal(usage.messages, 3);
	help_do(account, (struct step){.what = EXPUNGE, .mailbox = trash, .uids = LIST(1, 2, 3)});
	account_usage(account, &usage);
	assert_int_equal(usage.messages, 2);
	/* Within one mailbox a move gives new UIDs. */
	help_do(account,
		(struct step){.what = MOVE, .mailbox = trash, .to = trash, .uids = LIST(4)});
	assert_dump(trash, "5:2");
	assert_int_equal(help_run(account,
				 &(struct step){.what = COPY,
					 .mailbox = inbox,
					 .to = 99,
					 .uids = LIST(1),
					 .new_uids = new_uids},
				 &err),
		-ERR_NOTFOUND);
	reopen();
	assert_dump(inbox, "1:0");
	assert_dump(trash, "5:2");
	help_check(account);
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
		const int rc = help_run(account, &step, &err);

		if (rc != cases[i].want)
			fail_msg("<%s>: got %d, want %d", cases[i].name, rc, cases[i].want);
	}
	assert_true(help_mailbox(account, "inbox/x") != 0);
	assert_true(help_mailbox(account, "INBOX/X") == 0);
	reopen();
	assert_true(help_mailbox(account, "a/b/c") != 0);
}

static bool has(const char *name)
{
	return help_mailbox(account, name) != 0;
}

static void test_delete(void **state)
{
	struct step create = {.what = CREATE, .name = "a/b"};
	struct step delete = {.what = DELETE, .name = "a"};
	struct view *view;
	uint32_t uidvalidity;
	struct err err;

	(void)state;
	help_do(account, create);
	uidvalidity = info_of("a").uidvalidity;
	help_add(account, help_mailbox(account, "a"), 0);
	view = open_view(help_mailbox(account, "a"), false);
	help_do(account, delete);
	assert_true(view_is_deleted(view));
	assert_int_equal(view_count(view), 1); /* until the session is told */
	view_free(&view);
	assert_true(info_of("a").is_noselect);
	assert_int_equal(help_run(account, &delete, &err), -ERR_CONFLICT);
	help_do(account, (struct step){.what = DELETE, .name = "a/b"});
	assert_false(has("a/b"));
	assert_false(has("a")); /* the empty level went along */
	assert_int_equal(help_run(account, &delete, &err), -ERR_NOTFOUND);
	delete.name = "inbox";
	assert_int_equal(help_run(account, &delete, &err), -ERR_DENIED);
	help_do(account, (struct step){.what = CREATE, .name = "a"});
	assert_true(info_of("a").uidvalidity > uidvalidity);
	assert_int_equal(info_of("a").messages, 0);
	help_check(account);
}

static void test_rename(void **state)
{
	struct step step = {.what = RENAME, .name = "a", .new_name = "a/x"};
	uint64_t id;
	struct err err;

	(void)state;
	help_do(account, (struct step){.what = CREATE, .name = "a/b/c"});
	help_do(account, (struct step){.what = CREATE, .name = "ab"});
	id = help_mailbox(account, "a/b");
	assert_int_equal(help_run(account, &step, &err), -ERR_SYNTAX);
	step.new_name = "ab";
	assert_int_equal(help_run(account, &step, &err), -ERR_EXISTS);
	step.new_name = "new/place";
	help_do(account, step);
	assert_true(has("new") && has("new/place/b/c") && has("ab") && !has("a") && !has("a/b"));
	assert_true(help_mailbox(account, "new/place/b") == id);
	assert_int_equal(help_run(account, &step, &err), -ERR_NOTFOUND);
	/* INBOX stays and is empty. */
	help_add(account, inbox, 0);
	help_add(account, inbox, FLAG_SEEN);
	help_do(account, (struct step){.what = RENAME, .name = "INBOX", .new_name = "old"});
	reopen();
	assert_dump(inbox, "");
	assert_dump(help_mailbox(account, "old"), "1:0 2:1");
	assert_int_equal(help_add(account, inbox, 0).uid, 3);
	help_check(account);
}

static void test_subscribe(void **state)
{
	struct mailbox_info *list;
	struct err err;
	size_t n;

	(void)state;
	help_do(account, (struct step){.what = SUBSCRIBE, .name = "later", .flags = 1});
	help_do(account, (struct step){.what = SUBSCRIBE, .name = "Sent", .flags = 0});
	reopen();
	assert_int_equal(account_mailboxes(account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 7);
	assert_true(slice_eq(list[6].name, slice_lit("later")));
	assert_true(list[6].id == 0 && list[6].is_subscribed);
	assert_false(info_of("Sent").is_subscribed);
	assert_false(has("later"));
	help_do(account, (struct step){.what = CREATE, .name = "later"});
	assert_true(info_of("later").is_subscribed);
	help_do(account, (struct step){.what = DELETE, .name = "later"});
	assert_int_equal(account_mailboxes(account, help_arena(), &list, &n, &err), 0);
	assert_int_equal(n, 7);
	help_do(account, (struct step){.what = SUBSCRIBE, .name = "later", .flags = 0});
	assert_int_equal(account_mailboxes(account, help_arena(), &list, &n, &err), 0);
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
			help_message(store, rows[i].id, rows[i].refs, rows[i].subject, 0);
		struct step step = {.what = ADD, .mailbox = inbox, .in = in};
		struct err err;

		assert_int_equal(help_run(account, &step, &err), 0);
		threads[i] = step.added.thread;
		if (threads[i] != threads[rows[i].same_as] ||
			(rows[i].same_as == i && threads[i] != step.added.message))
			fail_msg("row %d: thread %llu", i, (unsigned long long)threads[i]);
	}
}

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
			help_message(store, "a", NULL, "s", sizes[i]);
		struct step step = {.what = ADD, .mailbox = inbox, .in = in};

		assert_int_equal(help_run(account, &step, &err), 0);
	}
	assert_int_equal(account_reader(account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(account_reader(account, (struct conn_ref){0}, &second, &err), 0);
	assert_int_equal(account_reader(account, (struct conn_ref){0}, &third, &err), -ERR_BUSY);
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
		help_add(account, inbox, 0);
	other = open_view(inbox, true);
	view = open_view(inbox, false);
	assert_int_equal(view_recent(view), 4);
	assert_int_equal(view_recent(other), 4);
	assert_false(view_is_stale(view));
	snap = view_snap(view);
	help_do(account, (struct step){.what = EXPUNGE, .mailbox = inbox, .uids = LIST(2, 3)});
	help_add(account, inbox, 0);
	help_do(account, (struct step){.what = FLAGS,
				 .mailbox = inbox,
				 .uids = LIST(1, 4),
				 .change = FLAGS_ADD,
				 .flags = FLAG_SEEN});
	assert_true(view_is_stale(view));
	assert_string_equal(dump(view), "1:1 2:0x 3:0x 4:1");
	assert_int_equal(view_sync(view, false, help_arena(), &c, &err), 0);
	assert_string_equal(dump(view), "1:1 2:0x 3:0x 4:1 5:0");
	assert_true(c.is_grown && c.exists == 5 && c.recent == 5 && c.expunged_n == 0);
	assert_int_equal(c.changed_n, 2);
	assert_true(c.changed[0] == 1 && c.changed[1] == 4);
	assert_true(view_is_stale(view));
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_int_equal(c.expunged_n, 2);
	assert_true(c.expunged[0] == 2 && c.expunged[1] == 2 && c.expunged_uids[1] == 3);
	assert_true(!c.is_grown && c.changed_n == 0 && c.exists == 3 && c.recent == 3);
	assert_string_equal(dump(view), "1:1 4:1 5:0");
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
		.mailbox = inbox,
		.uids = LIST(1, 2),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN};
	struct view *view AUTO(view_free) = NULL;
	struct view_changes c;
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		help_add(account, inbox, 0);
	view = open_view(inbox, false);
	assert_int_equal(help_run(account, &step, &err), 0);
	view_seen(view, LIST(1, 2), step.modseq);
	help_do(account, (struct step){.what = FLAGS,
				 .mailbox = inbox,
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
		.mailbox = inbox,
		.uids = LIST(1, 2, 3, 4, 5, 6, 7, 8, 9),
		.change = FLAGS_ADD,
		.flags = FLAG_SEEN};
	struct view *view AUTO(view_free) = NULL;
	struct view_changes c;
	struct err err;

	(void)state;
	for (int i = 0; i < 9; i++)
		help_add(account, inbox, 0);
	view = open_view(inbox, false);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(help_run(account, &step, &err), 0);
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
	help_add(account, inbox, 0);
	first = open_view(inbox, false);
	second = open_view(inbox, false);
	assert_int_equal(view_recent(first), 1);
	assert_int_equal(view_recent(second), 0);
	view_free(&first);
	view_free(&second);
	help_add(account, inbox, 0); /* writes down what was told */
	reopen();
	first = open_view(inbox, false);
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
		assert_int_equal(help_run(account, &step, &err), 0);
		assert_true(step.flags == 1ull << (KEYWORD_BIT + i));
	}
	reopen();
	step.name = "$kEY7";
	assert_int_equal(help_run(account, &step, &err), 0);
	assert_true(step.flags == 1ull << (KEYWORD_BIT + 7));
	step.name = "more";
	assert_int_equal(help_run(account, &step, &err), -ERR_TOOBIG);
	assert_int_equal(account_keywords(account, help_arena(), &names, &n, &err), 0);
	assert_int_equal(n, KEYWORD_COUNT_MAX);
	assert_true(slice_eq(names[55], slice_lit("$Key55")));
	memset(name, 'x', KEYWORD_LEN_MAX + 1);
	name[KEYWORD_LEN_MAX + 1] = '\0';
	account_free(&account);
	account = help_account(store, 2);
	step.name = name;
	assert_int_equal(help_run(account, &step, &err), -ERR_TOOBIG);
}

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
	help_add(account, inbox, 0);
	view = open_view(inbox, true);
	assert_int_equal(help_add(other, inbox, 0).uid, 2);
	help_do(other, (struct step){.what = EXPUNGE, .mailbox = inbox, .uids = LIST(1)});
	help_do(other, (struct step){.what = CREATE, .name = "theirs"});
	store_notice(store, 1, other->row.modseq);
	assert_true(view_is_stale(view));
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_true(c.expunged_n == 1 && c.is_grown && c.exists == 1);
	assert_string_equal(dump(view), "2:0");
	made = help_mailbox(account, "theirs");
	assert_true(made != 0);
	/* And without a word, at the next write. */
	help_do(other, (struct step){.what = DELETE, .name = "theirs"});
	help_add(other, inbox, FLAG_SEEN);
	assert_int_equal(help_add(account, inbox, 0).uid, 4);
	assert_int_equal(view_sync(view, true, help_arena(), &c, &err), 0);
	assert_string_equal(dump(view), "2:0 3:1 4:0");
	assert_false(has("theirs"));
	account_free(&other);
	store_free(&theirs);
	help_check(account);
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
		all[i] = help_account(store, 100 + (uint64_t)i);
		help_add(all[i], 1, 0);
		assert_int_equal(
			view_open(all[i], 1, (struct conn_ref){0}, true, &views[i], &err), 0);
	}
	for (int i = 0; i < ACCOUNTS; i++) {
		help_add(all[i], 1, FLAG_SEEN);
		assert_int_equal(view_sync(views[i], true, help_arena(), &c, &err), 0);
		assert_string_equal(dump(views[i]), "1:0 2:1");
	}
	store_stats(store, &stats);
	assert_true(stats.open <= 9 && stats.views == ACCOUNTS && stats.accounts == ACCOUNTS + 1);
	for (int i = 0; i < ACCOUNTS; i++) {
		view_free(&views[i]);
		account_free(&all[i]);
	}
	for (int i = 0; i < ACCOUNTS; i++) {
		all[0] = help_account(store, 200 + (uint64_t)i);
		help_add(all[0], 1, 0);
		account_free(&all[0]);
	}
	store_stats(store, &stats);
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
	account_free(&account);
	store_free(&store);
	store = help_store((struct store_config){.pool = pool});
	account = help_account(store, 1);
	help_add(account, inbox, FLAG_SEEN);
	assert_int_equal(view_open(account, inbox, (struct conn_ref){0}, true, &view, &err), 0);
	help_pass(1000);
	store_stats(store, &stats);
	assert_int_equal(stats.open, 1);
	help_pass(4000);
	store_stats(store, &stats);
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.accounts, 1);
	assert_true(stats.index_bytes > 0);
	assert_string_equal(dump(view), "1:1");
	help_add(account, inbox, 0);
	store_stats(store, &stats);
	assert_int_equal(stats.open, 1);
	/* Without a session the index outlives the database, but not for long. */
	view_free(&view);
	account_free(&account);
	help_pass(5000);
	store_stats(store, &stats);
	assert_true(stats.open == 0 && stats.accounts == 1 && stats.index_bytes > 0);
	help_pass(90 * 1000);
	store_stats(store, &stats);
	assert_true(stats.accounts == 0 && stats.index_bytes == 0);
	account = help_account(store, 1);
	assert_int_equal(help_flags(account, inbox, 1), FLAG_SEEN);
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
		account_submit(account, l->next);
}

/* Who takes long lets others of the pool go first, but only if anything is left to do. */
static void test_turns(void **state)
{
	struct pool *const pool = (struct pool *)(uintptr_t)1; /* never looked into */
	struct long_item second = {.item = {.run = run_long, .done = long_done}};
	struct long_item first = {.item = second.item, .next = &second.item};
	unsigned before;

	(void)state;
	account_free(&account);
	store_free(&store);
	store = help_store((struct store_config){.pool = pool});
	account = help_account(store, 1);
	before = help_jobs();
	account_submit(account, &second.item);
	assert_int_equal(second.done, 1);
	assert_int_equal(help_jobs(), before);
	account_submit(account, &first.item);
	assert_true(first.done == 1 && second.done == 2);
	assert_int_equal(help_jobs(), before + 1);
}

static void test_remove(void **state)
{
	struct view *view = open_view(inbox, true);
	struct step step = {.what = CREATE, .name = "x"};
	struct err err;

	(void)state;
	assert_int_equal(store_remove(store, 1, &err), 0);
	assert_true(view_is_deleted(view));
	assert_int_equal(help_run(account, &step, &err), -ERR_NOTFOUND);
	assert_int_equal(store_remove(store, 1, &err), -ERR_NOTFOUND);
	view_free(&view);
	account_free(&account);
	assert_int_equal(store_create(store, 1, &err), 0);
	account = help_account(store, 1);
	help_add(account, inbox, 0);
}

/* What was expunged stays for 7 days, then its body goes too. */
static void test_past(void **state)
{
	struct account_reader *reader;
	struct message_row row;
	struct err err;

	(void)state;
	help_add(account, inbox, 0);
	help_add(account, inbox, 0);
	help_do(account, (struct step){.what = COPY, .mailbox = inbox, .to = 2, .uids = LIST(2)});
	help_do(account, (struct step){.what = EXPUNGE, .mailbox = inbox, .uids = LIST(1, 2)});
	assert_true(account->row.past_bytes > 0);
	clock_shift(6ll * DAY_S * 1000000);
	help_add(account, inbox, 0);
	assert_int_equal(account_reader(account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_message(reader, 1, &row, &err), 0);
	account_reader_free(&reader);
	clock_shift(2ll * DAY_S * 1000000);
	help_add(account, inbox, 0);
	assert_true(account->row.past_bytes == 0);
	assert_int_equal(account_reader(account, (struct conn_ref){0}, &reader, &err), 0);
	assert_int_equal(reader_message(reader, 1, &row, &err), -ERR_NOTFOUND);
	assert_int_equal(reader_message(reader, 2, &row, &err), 0); /* the copy lives */
	account_reader_free(&reader);
	clock_shift(-8ll * DAY_S * 1000000);
	help_check(account);
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

	if (account_check(account, is_repair, count_lines, &lines, &result, &err) < 0)
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

		tear_down(state);
		set_up(state);
		for (int k = 0; k < 4; k++)
			help_add(account, inbox, 0);
		help_do(account,
			(struct step){.what = COPY, .mailbox = 1, .to = 2, .uids = LIST(2, 3)});
		help_do(account, (struct step){.what = EXPUNGE, .mailbox = 1, .uids = LIST(4)});
		uidvalidity = info_of("INBOX").uidvalidity;
		assert_int_equal(check(false).problems, 0);
		account_free(&account);
		store_free(&store);
		store_path(1, path);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		if (sqlite3_exec(db, cases[i].damage, NULL, NULL, NULL) != SQLITE_OK)
			fail_msg("case %zu: %s", i, sqlite3_errmsg(db));
		sqlite3_close(db);
		store = help_store((struct store_config){.past_days = 7});
		account = help_account(store, 1);
		result = check(true);
		if (result.problems == 0 || (result.repaired > 0) != cases[i].is_repaired)
			fail_msg("case %zu: %llu problems, %llu repaired", i,
				(unsigned long long)result.problems,
				(unsigned long long)result.repaired);
		result = check(false);
		if ((result.problems == 0) != cases[i].is_repaired)
			fail_msg("case %zu: %llu problems are left", i,
				(unsigned long long)result.problems);
		assert_int_equal(info_of("INBOX").uidvalidity != uidvalidity, cases[i].is_lossy);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_first_mailboxes),
		TEST(test_add),
		TEST(test_delivery_id),
		TEST(test_quota),
		TEST(test_flags),
		TEST(test_copy_move_expunge),
		TEST(test_names),
		TEST(test_delete),
		TEST(test_rename),
		TEST(test_subscribe),
		TEST(test_threads),
		TEST(test_reader),
		TEST(test_view),
		TEST(test_view_seen),
		TEST(test_view_seen_lists),
		TEST(test_recent_once),
		TEST(test_keywords),
		TEST(test_two_servers),
		TEST(test_eviction),
		TEST(test_idle),
		TEST(test_turns),
		TEST(test_remove),
		TEST(test_past),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
