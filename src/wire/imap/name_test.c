/* name_test.c - mailbox names, LIST patterns, and strings as they are written. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "wire/imap/flags.h"
#include "wire/imap/name.h"
#include "wire/imap/write.h"

static void test_utf7(void **state)
{
	static const struct {
		const char *wire, *name; /* name NULL: refused */
	} cases[] = {
		{"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
		{"A&-B", "A&B"},
		{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
						    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
		{"&2D3eAA-", "\xf0\x9f\x98\x80"},
		{"&AOkA6Q-", "\xc3\xa9\xc3\xa9"},
		{"INBOX", "INBOX"},
		{"inbox/Sub", "INBOX/Sub"},
		{"Inboxes", "Inboxes"},
		{"", ""},
		{"&", NULL},
		{"&AOk", NULL},
		{"&AOk-&AOk-", NULL}, /* two runs where one would do */
		{"&AEE-", NULL},      /* "A" needs no encoding */
		{"&AOl-", NULL},      /* bits left over */
		{"&AOkA-", NULL},
		{"&2D0-", NULL}, /* half a pair */
		{"&3gA-", NULL},
		{"&2D3YPQ-", NULL},
		{"&AAA-", NULL}, /* NUL */
		{"&AAo-", NULL}, /* LF */
		{"&IIA-", "\xe2\x82\x80"},
		{"&ICg-", NULL}, /* line separator */
		{"&AIU-", NULL}, /* C1 */
		{"a\tb", NULL},
		{"a\x7f", NULL},
		{"\xc3\xa9", NULL}, /* UTF-8 without having been enabled */
		{"&!!!!-", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct buf back AUTO(buf_done);
		struct slice name = slice_lit("untouched");
		struct err err;
		int rc;

		arena_init(&arena, 4096);
		buf_init(&back, 256);
		rc = imap_name_decode(&arena, slice_str(cases[i].wire), false, &name, &err);
		if ((rc == 0) != (cases[i].name != NULL))
			fail_msg("<%s>: %d", cases[i].wire, rc);
		if (!slice_eq(name, slice_str(cases[i].name ? cases[i].name : "untouched")))
			fail_msg("<%s>: <%.*s>", cases[i].wire, SLICE_ARG(name));
		if (rc < 0 || slice_starts(name, slice_lit("INBOX/")))
			continue;
		imap_name_encode(&back, name);
		if (!slice_eq(buf_slice(&back), slice_str(cases[i].wire)))
			fail_msg("<%s>: back <%.*s>", cases[i].wire, SLICE_ARG(buf_slice(&back)));
	}
}

static void test_utf8(void **state)
{
	static const struct {
		const char *wire;
		bool is_good;
	} cases[] = {
		{"\xc3\xa9&A", true},
		{"\xc0\x80", false},
		{"\xed\xa0\x80", false},
		{"\xf4\x90\x80\x80", false},
		{"\xe2\x80\xa8", false},
		{"\xc2\x85", false},
		{"\xf4\x8f\xbf\xbf", true},
		{"\xe9", false},
		{"abcdefgh\xff", false},
		{"abcdefgh", true},
		{"\xe2\x82", false},
		{"\xe2\x28\xa1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena arena AUTO(arena_done);
		struct slice name;
		struct err err;

		arena_init(&arena, 4096);
		if ((imap_name_decode(&arena, slice_str(cases[i].wire), true, &name, &err) == 0) !=
			cases[i].is_good)
			fail_msg("case %zu", i);
	}
}

static void test_name_length(void **state)
{
	char long_name[IMAP_NAME_MAX + 1];
	struct slice name;
	struct err err;

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	for (size_t len = IMAP_NAME_MAX; len <= IMAP_NAME_MAX + 1; len++) {
		struct arena arena AUTO(arena_done);

		arena_init(&arena, 4096);
		assert_int_equal(imap_name_decode(&arena, (struct slice){long_name, len}, len & 1,
					 &name, &err),
			len > IMAP_NAME_MAX ? -ERR_TOOBIG : 0);
	}
}

static void test_check(void **state)
{
	static const char *const good[] = {"a", "a/b", "INBOX/x", "a b", "\\", "#news"};
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", "a*", "%"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(imap_name_check(slice_str(good[i]), &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(imap_name_check(slice_str(bad[i]), &err), -ERR_CONFLICT);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *yes, *no; /* separated by spaces */
	} cases[] = {
		{"*", "a a/b a/b/c INBOX", ""},
		{"%", "a INBOX", "a/b"},
		{"a/%", "a/b", "a b/c a/b/c"},
		{"a*", "a ab a/b", "b ba"},
		{"%/b", "a/b", "b a/c x/a/b"},
		{"*b", "b ab a/b aab b/b", "a ba"},
		{"a*b*c", "abc a/b/c abbc axbyc", "ab ac acb"},
		{"%%", "a ab", "a/b"},
		{"%*", "a a/b", ""},
		{"*%", "a a/b", ""},
		{"*%/x", "a/x b/a/x", "x a/xy"},
		{"a%b%c", "abc axbyc", "a/bc ab/c acb"},
		{"", "", "a"},
		{"a", "a", "A aa b"},
		{"*aab", "aaab aab aabaab", "aaba"},
		{"%a%b*c%d", "xaybzcwd ab/cd", "xaybzcw/d a/bcd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct slice pattern = slice_str(cases[i].pattern);
		struct slice rest = slice_str(cases[i].yes), name;

		while (rest.len) {
			name = slice_cut(rest, ' ', &rest);
			if (!imap_pattern_match(pattern, name))
				fail_msg("%s should match %.*s", cases[i].pattern, SLICE_ARG(name));
		}
		rest = slice_str(cases[i].no);
		while (rest.len) {
			name = slice_cut(rest, ' ', &rest);
			if (imap_pattern_match(pattern, name))
				fail_msg("%s should not match %.*s", cases[i].pattern,
					SLICE_ARG(name));
		}
	}
	assert_true(imap_pattern_match(slice_lit("*%*"), slice_lit("")));
}

/* What makes a matcher that tries everything take forever. */
static void test_pattern_time(void **state)
{
	char pattern[IMAP_NAME_MAX], name[IMAP_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? '%' : 'a';
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 'b';
	for (int i = 0; i < 20; i++)
		assert_true(imap_pattern_match((struct slice){pattern, sizeof(pattern)},
			(struct slice){name, sizeof(name)}));
	pattern[sizeof(pattern) - 1] = 'c';
	assert_false(imap_pattern_match(
		(struct slice){pattern, sizeof(pattern)}, (struct slice){name, sizeof(name)}));
}

static void test_write(void **state)
{
	static const struct {
		struct slice in;
		const char *string, *utf8, *astring;
	} cases[] = {
		{{"abc", 3}, "\"abc\"", "\"abc\"", "abc"},
		{{"", 0}, "\"\"", "\"\"", "\"\""},
		{{"a \"b\\", 5}, "\"a \\\"b\\\\\"", "\"a \\\"b\\\\\"", "\"a \\\"b\\\\\""},
		{{"\xc3\xa9", 2}, "{2}\r\n\xc3\xa9", "\"\xc3\xa9\"", "{2}\r\n\xc3\xa9"},
		{{"\xe9", 1}, "{1}\r\n\xe9", "{1}\r\n\xe9", "{1}\r\n\xe9"},
		{{"a\r\nb", 4}, "{4}\r\na\r\nb", "{4}\r\na\r\nb", "{4}\r\na\r\nb"},
		{{"nil", 3}, "\"nil\"", "\"nil\"", "\"nil\""},
		{{"a]", 2}, "\"a]\"", "\"a]\"", "\"a]\""},
	};
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		imap_write_string(&out, cases[i].in, false);
		assert_true(slice_eq(buf_slice(&out), slice_str(cases[i].string)));
		buf_clear(&out);
		imap_write_string(&out, cases[i].in, true);
		assert_true(slice_eq(buf_slice(&out), slice_str(cases[i].utf8)));
		buf_clear(&out);
		imap_write_astring(&out, cases[i].in, false);
		assert_true(slice_eq(buf_slice(&out), slice_str(cases[i].astring)));
	}
	buf_clear(&out);
	assert_false(imap_write_flags(&out, 0, false));
	assert_true(imap_write_flags(&out, IMAP_SEEN | IMAP_DRAFT, true));
	imap_write_text(&out, slice_lit("a\r\xc3z"));
	imap_write_literal(&out, 12, true);
	imap_name_write(&out, slice_lit("a\xc3\xa9 b"), false);
	imap_name_write(&out, slice_lit("a\xc3\xa9"), true);
	assert_true(slice_eq(buf_slice(&out),
		slice_lit("\\Seen \\Draft \\Recenta??z~{12}\r\n\"a&AOk- b\"\"a\xc3\xa9\"")));
}

static void test_refusals(void **state)
{
	(void)state;
	assert_string_equal(imap_refusal(ERR_SYNTAX)->status, "BAD");
	assert_string_equal(imap_refusal(ERR_QUOTA)->code, "OVERQUOTA");
	assert_string_equal(imap_refusal((enum err_code)99)->code, "SERVERBUG");
	for (int code = ERR_TOOBIG; code <= ERR_CORRUPT; code++) {
		assert_string_equal(imap_refusal((enum err_code)code)->status, "NO");
		assert_non_null(imap_refusal((enum err_code)code)->code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf7),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_name_length),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_pattern_time),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
