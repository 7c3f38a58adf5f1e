/* import_test.c - mail from elsewhere: where it goes, what is left out, that nothing comes twice.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/mail_kit.h"
#include "store/view.h"

static struct mail_kit kit;

static int set_up(void **state)
{
	(void)state;
	kit_open(&kit);
	kit_start(&kit);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kit_close(&kit);
	return 0;
}

struct flush {
	sem_t sem;
	int rc;
};

static void on_flushed(void *context, int rc, const struct err *err)
{
	struct flush *flush = context;

	(void)err;
	flush->rc = rc;
	sem_post(&flush->sem);
}

static int flush(struct mail_import *import)
{
	struct flush flush = {.rc = 1};

	sem_init(&flush.sem, 0, 0);
	mail_import_flush(import, on_flushed, &flush);
	sem_wait(&flush.sem);
	sem_destroy(&flush.sem);
	return flush.rc;
}

static struct mail_import *begin(unsigned how)
{
	struct mail_import *import;
	struct err err;

	assert_int_equal(mail_import_open(&kit.service, kit.ids[KIT_ALICE], how, &import, &err), 0);
	return import;
}

static void choose(struct mail_import *import, const char *path, enum mailbox_role role)
{
	struct err err;

	assert_int_equal(mail_import_mailbox(import, slice_str(path), role, true, &err), 0);
}

static void add(struct mail_import *import, const char *text)
{
	const struct slice keywords[] = {slice_lit("$Forwarded"), slice_lit("Wichtig")};
	struct mail_import_message m = {.in = kit_incoming(&kit, text),
		.flags = FLAG_SEEN | FLAG_FLAGGED | 1 << 20,
		.keywords = keywords,
		.keywords_n = 2};

	m.in->received_s = 1000000000;
	m.in->zone_min = 90;
	mail_import_add(import, &m);
	incoming_free(&m.in);
}

static struct account *account_of_alice(void)
{
	struct account *account;
	struct err err;

	assert_int_equal(
		store_account(kit.service.store, kit.ids[KIT_ALICE], 0, &account, &err), 0);
	return account;
}

/* "INBOX 1, Sent 0, …": each mailbox with its messages; "+": subscribed to. */
static void expect_mailboxes(const char *expected)
{
	struct account *account = account_of_alice();
	struct arena arena AUTO(arena_done);
	struct mailbox_info *list;
	char text[1000] = "";
	size_t n, len = 0;
	struct err err;

	arena_init(&arena, 1 << 20);
	assert_int_equal(account_mailboxes(account, &arena, &list, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		if (list[i].messages || list[i].role == ROLE_NONE)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s%s %u",
				len ? ", " : "", SLICE_ARG(list[i].name),
				list[i].is_subscribed ? "+" : "", list[i].messages);
	}
	assert_string_equal(text, expected);
	account_free(&account);
}

static void end_with(struct mail_import **import, struct mail_import_counts expected)
{
	struct mail_import_counts counts;

	mail_import_counts(*import, &counts);
	mail_import_free(import);
	expected.bytes = counts.bytes;
	assert_memory_equal(&counts, &expected, sizeof(counts));
}

static void test_places(void **state)
{
	struct mail_import *import = begin(0);
	struct err err;

	(void)state;
	choose(import, "inbox", ROLE_NONE);
	add(import, "Subject: one\r\n\r\n1\r\n");
	assert_int_equal(flush(import), 0);
	choose(import, "Gesendete Objekte", mail_import_role(slice_lit("Gesendete Objekte")));
	add(import, "Subject: two\r\n\r\n2\r\n");
	assert_int_equal(flush(import), 0);
	choose(import, "/Projekte//\xc3\x84rger*\x01\xff/x", ROLE_NONE);
	add(import, "Subject: three\r\n\r\n3\r\n");
	add(import, "Subject: three\r\n\r\n3\r\n");
	assert_int_equal(flush(import), 0);
	choose(import, "Leer", ROLE_NONE);
	assert_int_equal(flush(import), 0);
	assert_int_equal(
		mail_import_mailbox(import, slice_lit("//"), ROLE_NONE, true, &err), -ERR_SYNTAX);
	expect_mailboxes("INBOX+ 1, Leer+ 0, Projekte 0, Projekte/\xc3\x84rger___ 0, "
			 "Projekte/\xc3\x84rger___/x+ 2, Sent+ 1");
	end_with(&import, (struct mail_import_counts){.added = 4});
}

static void test_what_is_kept(void **state)
{
	struct mail_import *import = begin(0);
	struct account *account;
	struct mailbox_info info;
	struct arena arena AUTO(arena_done);
	struct view_entry entry;
	struct view *view;
	struct slice *names;
	struct err err;
	size_t n;

	(void)state;
	arena_init(&arena, 1 << 20);
	choose(import, "INBOX", ROLE_INBOX);
	add(import, "Subject: one\r\n\r\n1\r\n");
	assert_int_equal(flush(import), 0);
	mail_import_free(&import);
	account = account_of_alice();
	assert_int_equal(
		account_mailbox(account, (struct slice){0}, 0, ROLE_INBOX, &arena, &info, &err), 0);
	assert_int_equal(view_open(account, info.id, (struct conn_ref){0}, true, &view, &err), 0);
	assert_true(view_entry(view, 1, &entry));
	assert_int_equal(entry.received_s, 1000000000);
	assert_int_equal(entry.zone_min, 90);
	assert_int_equal(account_keywords(account, &arena, &names, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(entry.flags, FLAG_SEEN | FLAG_FLAGGED | 3 << KEYWORD_BIT);
	view_free(&view);
	account_free(&account);
}

/* The mailbox has as many copies as the source, however often and in whatever pieces it comes. */
static void test_once(void **state)
{
	static const char *const a = "Subject: a\r\n\r\na\r\n", *const b =
									"Subject: b\r\n\r\nb\r\n";

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct mail_import *import = begin(IMPORT_ONCE);

		choose(import, "Alt", ROLE_NONE);
		add(import, a);
		if (i)
			add(import, b);
		add(import, a);
		assert_int_equal(flush(import), 0);
		choose(import, "Alt", ROLE_NONE);
		if (i)
			add(import, a);
		assert_int_equal(flush(import), 0);
		expect_mailboxes(i == 0 ? "Alt+ 2" : "Alt+ 4");
		end_with(&import, i == 0   ? (struct mail_import_counts){.added = 2}
				  : i == 1 ? (struct mail_import_counts){.added = 2, .repeated = 2}
					   : (struct mail_import_counts){.repeated = 4});
	}
}

static void test_own_id(void **state)
{
	struct mail_import *import = begin(0);

	(void)state;
	choose(import, "INBOX", ROLE_NONE);
	for (int i = 0; i < 3; i++) {
		struct mail_import_message m = {
			.in = kit_incoming(&kit, "Subject: x\r\n\r\n"), .once_id = 5};

		mail_import_add(import, &m);
		incoming_free(&m.in);
		if (i == 1)
			assert_int_equal(flush(import), 0);
	}
	assert_int_equal(flush(import), 0);
	end_with(&import, (struct mail_import_counts){.added = 1, .repeated = 2});
}

static void test_room(void **state)
{
	static char large[1500];
	const uint64_t quota = 1000;
	const struct directory_change change = {.quota_bytes = &quota};
	struct err err;

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "S: \r\n\r\n", 7);
	assert_int_equal(
		directory_account_set(kit.service.directory, kit.ids[KIT_ALICE], &change, &err), 0);
	for (int turn = 0; turn < 2; turn++) {
		const unsigned how = turn ? 0 : IMPORT_TRIAL;
		struct mail_import *import = begin(how);

		choose(import, "Voll", ROLE_NONE);
		add(import, large);
		for (int i = 0; i < 2; i++) {
			char some[601];

			snprintf(some, sizeof(some), "S: %d\r\n\r\n%590s", i, "y");
			add(import, some);
			assert_int_equal(flush(import), 0);
		}
		end_with(&import, (struct mail_import_counts){.added = 1, .over_quota = 2});
		expect_mailboxes(how ? "" : "Voll+ 1");
	}
}

static void test_one_at_a_time(void **state)
{
	struct mail_import *import = begin(0), *other;
	struct err err;

	(void)state;
	assert_int_equal(
		mail_import_open(&kit.service, kit.ids[KIT_ALICE], 0, &other, &err), -ERR_BUSY);
	assert_int_equal(mail_import_open(&kit.service, kit.ids[KIT_BOB], 0, &other, &err), 0);
	mail_import_free(&other);
	mail_import_free(&import);
	assert_int_equal(mail_import_open(&kit.service, 12345, 0, &other, &err), -ERR_NOTFOUND);
	import = begin(0);
	mail_import_free(&import);
}

static void test_roles(void **state)
{
	static const struct {
		const char *path;
		enum mailbox_role role;
	} cases[] = {
		{"INBOX", ROLE_INBOX},
		{"Inbox", ROLE_INBOX},
		{"sent items", ROLE_SENT},
		{"[Gmail]/Spam", ROLE_JUNK},
		{"INBOX/Trash", ROLE_TRASH},
		{"Entw\xc3\xbcrfe", ROLE_DRAFTS},
		{"Archiv", ROLE_ARCHIVE},
		{"Work/Sent", ROLE_NONE},
		{"Sent/2020", ROLE_NONE},
		{"", ROLE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(mail_import_role(slice_str(cases[i].path)), cases[i].role);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),
		TEST(test_what_is_kept),
		TEST(test_once),
		TEST(test_own_id),
		TEST(test_room),
		TEST(test_one_at_a_time),
		cmocka_unit_test(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
