/* bring_place_test.c - where mailboxes elsewhere go to. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "courier/bring_place.h"

enum { ARENA_MAX = 1 << 16 };

static const struct {
	const char *name;
	char separator;
	unsigned attributes;
	const char *prefix;
	bool has_uses;
	const char *path;
	enum smtp_import_role role;
	bool is_level, is_view, is_all;
} rows[] = {
	{"INBOX", '/', 0, "", true, "INBOX", SMTP_IMPORT_INBOX, 0, 0, 0},
	{"inbox", '.', 0, "INBOX.", false, "INBOX", SMTP_IMPORT_INBOX, 0, 0, 0},
	{"INBOX.Sent", '.', IMAP_USE_SENT, "INBOX.", true, "Sent", SMTP_IMPORT_SENT, 0, 0, 0},
	{"INBOX.Sent", '.', 0, "INBOX.", false, "Sent", SMTP_IMPORT_BY_NAME, 0, 0, 0},
	{"INBOX.Sent", '.', 0, "INBOX.", true, "Sent", SMTP_IMPORT_NONE, 0, 0, 0},
	{"INBOX.", '.', 0, "INBOX.", true, "INBOX", SMTP_IMPORT_NONE, 0, 0, 0},
	{"a.b/c.d", '.', 0, "", true, "a/b_c/d", SMTP_IMPORT_NONE, 0, 0, 0},
	{"a.b", 0, 0, "", true, "a.b", SMTP_IMPORT_NONE, 0, 0, 0},
	{"a//b/", '/', 0, "", true, "a/b", SMTP_IMPORT_NONE, 0, 0, 0},
	{"Caf&AOk-\\&-", '\\', 0, "", true, "Caf\xc3\xa9/&", SMTP_IMPORT_NONE, 0, 0, 0},
	{"Caf\xc3\xa9", '/', 0, "", true, "Caf\xc3\xa9", SMTP_IMPORT_NONE, 0, 0, 0},
	{"R&D", '/', 0, "", true, "R&D", SMTP_IMPORT_NONE, 0, 0, 0},
	{"x\xff", '/', 0, "", true, "x\xff", SMTP_IMPORT_NONE, 0, 0, 0},
	{"t", '/', IMAP_USE_TRASH | IMAP_NOSELECT, "", true, "t", SMTP_IMPORT_TRASH, 1, 0, 0},
	{"[Gmail]/All Mail", '/', IMAP_USE_ALL, "", true, "[Gmail]/All Mail", SMTP_IMPORT_ARCHIVE,
		0, 1, 1},
	{"[Gmail]/Starred", '/', IMAP_USE_FLAGGED, "", true, "[Gmail]/Starred", SMTP_IMPORT_NONE, 0,
		1, 0},
	{"[Gmail]/Important", '/', IMAP_USE_IMPORTANT, "", true, "[Gmail]/Important",
		SMTP_IMPORT_NONE, 0, 1, 0},
	{"a", '/', IMAP_USE_ARCHIVE, "", true, "a", SMTP_IMPORT_ARCHIVE, 0, 0, 0},
	{"j", '/', IMAP_USE_JUNK, "", true, "j", SMTP_IMPORT_JUNK, 0, 0, 0},
	{"d", '/', IMAP_USE_DRAFTS, "", true, "d", SMTP_IMPORT_DRAFTS, 0, 0, 0},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct imap_listed listed = {
			rows[i].attributes, rows[i].separator, slice_str(rows[i].name)};
		struct arena arena AUTO(arena_done);
		struct bring_place place;
		struct err err;

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(bring_place(&arena, &listed, slice_str(rows[i].prefix),
					 rows[i].has_uses, &place, &err),
			0);
		if (!slice_eq(place.path, slice_str(rows[i].path)))
			fail_msg("%s: got <%.*s>", rows[i].name, SLICE_ARG(place.path));
		assert_int_equal(place.role, rows[i].role);
		assert_int_equal(place.is_level, rows[i].is_level);
		assert_int_equal(place.is_view, rows[i].is_view);
		assert_int_equal(place.is_all, rows[i].is_all);
	}
}

static void test_too_long(void **state)
{
	char name[SMTP_IMPORT_PATH_MAX + 1];
	struct imap_listed listed = {0, '/', {name, sizeof(name)}};
	struct bring_place place = {.is_all = true};
	struct arena arena AUTO(arena_done);
	struct err err;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	memset(name, 'x', sizeof(name));
	assert_int_equal(
		bring_place(&arena, &listed, (struct slice){0}, true, &place, &err), -ERR_TOOBIG);
	assert_true(place.is_all);
	listed.name = slice_lit("///"); /* of nothing but separators */
	assert_int_equal(
		bring_place(&arena, &listed, (struct slice){0}, true, &place, &err), -ERR_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
