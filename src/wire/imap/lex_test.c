/* lex_test.c - the lexer, literals in place, sequence sets and dates. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/imap/date.h"
#include "wire/imap/set.h"

static const struct imap_limits limits = {.string_max = 8, .depth_max = 3, .items_max = 8};

/* Words and strings separated by single spaces: "w:abc s:a b $", at an error !SYNTAX or !TOOBIG. */
static void trace(struct slice text, enum imap_word word, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	struct imap_lex lx;
	struct slice value;
	struct err err;
	int rc;

	arena_init(&arena, 64);
	imap_lex_init(&lx, text, &limits, &arena);
	do {
		const bool is_string = imap_lex_peek(&lx) == '"' || imap_lex_peek(&lx) == '{';

		rc = imap_lex_astring(&lx, word, &value, &err);
		if (rc < 0) {
			buf_printf(out, "!%s", err_code_name(err.code));
			return;
		}
		buf_printf(out, "%c:%.*s ", is_string ? 's' : 'w', SLICE_ARG(value));
	} while (imap_lex_take(&lx, ' '));
	buf_str(out, imap_lex_end(&lx, &err) < 0 ? "!END" : "$");
}

static const struct {
	enum imap_word word;
	const char *text, *want;
} lex_cases[] = {
	{IMAP_WORD_ATOM, "", "!SYNTAX"},
	{IMAP_WORD_ATOM, "a bc", "w:a w:bc $"},
	{IMAP_WORD_ATOM, "12345678", "w:12345678 $"},
	{IMAP_WORD_ATOM, "123456789", "!TOOBIG"},
	{IMAP_WORD_ATOM, "a]", "w:a !END"},
	{IMAP_WORD_ASTRING, "a]", "w:a] $"},
	{IMAP_WORD_ASTRING, "a%", "w:a !END"},
	{IMAP_WORD_PATTERN, "a%*", "w:a%* $"},
	{IMAP_WORD_TAG, "a+", "w:a !END"},
	{IMAP_WORD_LABEL, "RFC.A-B[", "w:RFC.A-B !END"},
	{IMAP_WORD_SET, "1:*,$", "w:1:*,$ $"},
	{IMAP_WORD_BASE64, "aB+/=", "w:aB+/= $"},
	{IMAP_WORD_ATOM, "a  b", "w:a !SYNTAX"},
	{IMAP_WORD_ATOM, " a", "!SYNTAX"},
	{IMAP_WORD_ATOM, "a ", "w:a !SYNTAX"},
	{IMAP_WORD_ATOM, "\"\" \"a b\"", "s: s:a b $"},
	{IMAP_WORD_ATOM, "\"\\\"\\\\\"", "s:\"\\ $"},
	{IMAP_WORD_ATOM, "\"\\n\"", "!SYNTAX"},
	{IMAP_WORD_ATOM, "\"abc", "!SYNTAX"},
	{IMAP_WORD_ATOM, "\"abc\\", "!SYNTAX"},
	{IMAP_WORD_ATOM, "\"12345678\"", "s:12345678 $"},
	{IMAP_WORD_ATOM, "\"123456789\"", "!TOOBIG"},
	{IMAP_WORD_ATOM, "\"\\\\234567\\\\\"", "s:\\234567\\ $"},
	{IMAP_WORD_ATOM, "\"\xc3\xa9\"", "s:\xc3\xa9 $"},
	{IMAP_WORD_ATOM, "\"\xc3\"", "!SYNTAX"},
	{IMAP_WORD_ATOM, "\"\xe9\"", "!SYNTAX"},
	{IMAP_WORD_ATOM, "\"a\rb\"", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{5}\r\nali e {6+}\r\nsecret", "s:ali e s:secret $"},
	{IMAP_WORD_ATOM, "{0}\r\n", "s: $"},
	{IMAP_WORD_ATOM, "{3}\r\n\xe9)(", "s:\xe9)( $"},
	{IMAP_WORD_ATOM, "{9}\r\n123456789", "!TOOBIG"},
	{IMAP_WORD_ATOM, "{3}\r\nab", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{3}\nabc", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{3}", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{3}x", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{}\r\n", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{+}\r\n", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{1x}\r\n1", "!SYNTAX"},
	{IMAP_WORD_ATOM, "{99999999999999999999999}\r\n1", "!SYNTAX"},
	{IMAP_WORD_ATOM, "a{1}\r\n1", "w:a !END"},
};

static void test_lex(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lex_cases) / sizeof(lex_cases[0]); i++) {
		struct buf got AUTO(buf_done);

		buf_init(&got, 256);
		trace(slice_str(lex_cases[i].text), lex_cases[i].word, &got);
		if (!slice_eq(buf_slice(&got), slice_str(lex_cases[i].want)))
			fail_msg("<%s>: got <%.*s>, want <%s>", lex_cases[i].text,
				SLICE_ARG(buf_slice(&got)), lex_cases[i].want);
	}
}

/* Every prefix of every case, in a heap block of its exact size: ASan sees one byte over. */
static void test_no_read_past_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lex_cases) / sizeof(lex_cases[0]); i++) {
		for (size_t len = 0; len <= strlen(lex_cases[i].text); len++) {
			struct buf got AUTO(buf_done);
			char *exact = mem_alloc(len);

			memcpy(exact, lex_cases[i].text, len);
			buf_init(&got, 256);
			trace((struct slice){exact, len}, lex_cases[i].word, &got);
			free(exact);
		}
	}
}

/* True if the text is one argument and then the end. */
static bool is_one(struct slice text)
{
	struct buf got AUTO(buf_done);

	buf_init(&got, 64);
	trace(text, IMAP_WORD_ATOM, &got);
	return got.ptr[got.len - 1] == '$' && got.ptr[0] != '!';
}

static void test_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c, quoted[] = {'"', (char)c, '"'}, literal[] = "{1}\r\nx";
		bool in_atom = c > 0x20 && c < 0x7f && !strchr("(){%*\"\\]", c);
		bool in_quoted = c > 0 && c < 0x80 && !strchr("\r\n\"\\", c);

		literal[5] = (char)c;
		assert_int_equal(is_one((struct slice){&byte, 1}), in_atom);
		assert_int_equal(is_one((struct slice){quoted, 3}), in_quoted);
		assert_int_equal(is_one((struct slice){literal, 6}), c != 0);
	}
}

static void test_error_contract(void **state)
{
	struct slice value = slice_lit("untouched");
	struct err err;

	(void)state;
	for (size_t cap = 2; cap <= 3; cap++) {
		struct arena arena AUTO(arena_done);
		struct imap_lex lx;

		arena_init(&arena, cap);
		imap_lex_init(&lx, slice_lit("\"\\\\ab\""), &limits, &arena);
		if (cap == 3) {
			assert_int_equal(imap_lex_string(&lx, &value, &err), 0);
			assert_int_equal(value.len, 3);
			continue;
		}
		assert_int_equal(imap_lex_string(&lx, &value, &err), -ERR_TOOBIG);
		assert_string_equal(err.msg, "command needs too much memory");
		assert_int_equal(value.len, 9);
	}
}

static void test_line_literal(void **state)
{
	static const struct {
		const char *line;
		bool is_literal, nonsync, binary;
		uint64_t size;
	} cases[] = {
		{"a login {5}", true, false, false, 5},
		{"a login {5+}", true, true, false, 5},
		{"a append x ~{17}", true, false, true, 17},
		{"a {9223372036854775807}", true, false, false, INT64_MAX},
		{"a {9223372036854775808}", true, false, false, UINT64_MAX},
		{"{0}", true, false, false, 0},
		{"", false, false, false, 0},
		{"}", false, false, false, 0},
		{"a {}", false, false, false, 0},
		{"a {+}", false, false, false, 0},
		{"a {5} ", false, false, false, 0},
		{"a {5x}", false, false, false, 0},
		{"a \"{5}\"", false, false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imap_literal lit = {0};
		const bool got = imap_line_literal(slice_str(cases[i].line), &lit);

		if (got != cases[i].is_literal || lit.size != cases[i].size ||
			lit.nonsync != cases[i].nonsync || lit.binary != cases[i].binary)
			fail_msg("<%s>", cases[i].line);
	}
}

static void test_body(void **state)
{
	static const struct imap_limits wide = {.string_max = 64, .items_max = 8};
	struct arena arena AUTO(arena_done);
	struct imap_body body;
	struct imap_lex lx;
	struct err err;

	(void)state;
	arena_init(&arena, 64);
	imap_lex_init(&lx, slice_lit("~{3}"), &wide, &arena);
	assert_int_equal(imap_lex_body(&lx, &body, &err), 0);
	assert_true(body.is_streamed && body.literal.binary && body.literal.size == 3);
	imap_lex_init(&lx, slice_lit("{3+}\r\na\0b rest"), &wide, &arena);
	assert_int_equal(imap_lex_body(&lx, &body, &err), 0);
	assert_true(!body.is_streamed && body.bytes.len == 3 && lx.rest.len == 5);
	imap_lex_init(&lx, slice_lit("atom"), &wide, &arena);
	assert_int_equal(imap_lex_body(&lx, &body, &err), -ERR_SYNTAX);
}

static void test_sets(void **state)
{
	static const struct {
		const char *text;
		uint32_t star;
		const char *want;
	} cases[] = {
		{"1", 9, "1"},
		{"2,4:7,9,12:*", 15, "2,4:7,9,12:15"},
		{"*:4,5:7", 10, "4:10"},
		{"3291:*", 100, "100:3291"},
		{"1,2,3", 9, "1:3"},
		{"7,3:5,4:6,1", 9, "1,3:7"},
		{"*", 0, ""},
		{"5:*", 0, "1:5"},
		{"4294967295", 7, "7"},
		{"1:4294967294,4294967294", 7, "1:4294967294"},
		{"0", 9, "!"},
		{"1,", 9, "!"},
		{",1", 9, "!"},
		{"1:", 9, "!"},
		{"1:2:3", 9, "!"},
		{"1*", 9, "!"},
		{"4294967296", 9, "!"},
		{"1,$", 9, "!"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const struct imap_limits wide = {.string_max = 64, .items_max = 8};
		struct arena arena AUTO(arena_done);
		struct buf got AUTO(buf_done);
		struct imap_set set;
		struct imap_lex lx;
		struct err err;

		arena_init(&arena, 1024);
		buf_init(&got, 256);
		imap_lex_init(&lx, slice_str(cases[i].text), &wide, &arena);
		if (imap_set_parse(&lx, &set, &err) < 0 || imap_lex_end(&lx, &err) < 0) {
			buf_str(&got, "!");
		} else {
			imap_set_resolve(&set, cases[i].star);
			for (size_t r = 0; r < set.n; r++) {
				buf_printf(&got, r ? ",%u" : "%u", set.ranges[r].first);
				if (set.ranges[r].first != set.ranges[r].last)
					buf_printf(&got, ":%u", set.ranges[r].last);
			}
		}
		if (!slice_eq(buf_slice(&got), slice_str(cases[i].want)))
			fail_msg("<%s>: got <%.*s>", cases[i].text, SLICE_ARG(buf_slice(&got)));
	}
}

static void test_set_has_and_writer(void **state)
{
	struct imap_range ranges[] = {{2, 4}, {7, 7}, {9, UINT32_MAX}};
	const struct imap_set set = {.ranges = ranges, .n = 3};
	struct imap_set_writer w;
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 256);
	imap_set_writer_init(&w, &out);
	assert_false(imap_set_writer_end(&w));
	imap_set_writer_init(&w, &out);
	for (uint32_t n = 0; n < 12; n++) {
		if (imap_set_has(&set, n))
			imap_set_writer_add(&w, n);
	}
	assert_true(imap_set_has(&set, UINT32_MAX));
	assert_true(imap_set_writer_end(&w));
	assert_true(slice_eq(buf_slice(&out), slice_lit("2:4,7,9:11")));
}

static void test_date_times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		int zone;
		const char *back; /* NULL: refused */
	} cases[] = {
		{"\"17-Jul-1996 02:44:25 -0700\"", 837596665, -420,
			"\"17-Jul-1996 02:44:25 -0700\""},
		{"\" 1-jan-1970 00:00:00 +0000\"", 0, 0, "\" 1-Jan-1970 00:00:00 +0000\""},
		{"\"31-Dec-1969 23:59:60 +0000\"", -1, 0, "\"31-Dec-1969 23:59:59 +0000\""},
		{"\"29-Feb-2000 12:00:00 +0530\"", 951805800, 330,
			"\"29-Feb-2000 12:00:00 +0530\""},
		{"\"01-Jan-0001 00:00:00 +0000\"", -62135596800, 0,
			"\" 1-Jan-0001 00:00:00 +0000\""},
		{"\"31-Dec-9999 23:59:59 +0000\"", 253402300799, 0,
			"\"31-Dec-9999 23:59:59 +0000\""},
		{"\"29-Feb-1900 12:00:00 +0000\"", 0, 0, NULL},
		{"\"1-Jan-1970 00:00:00 +0000\"", 0, 0, NULL},
		{"\"00-Jan-1970 00:00:00 +0000\"", 0, 0, NULL},
		{"\"01-Jan-0000 00:00:00 +0000\"", 0, 0, NULL},
		{"\"01-Foo-1970 00:00:00 +0000\"", 0, 0, NULL},
		{"\"01-Jan-1970 24:00:00 +0000\"", 0, 0, NULL},
		{"\"01-Jan-1970 00:00:00 0000\"", 0, 0, NULL},
		{"\"01-Jan-1970 00:00:00 +2401\"", 0, 0, NULL},
		{"\"01-Jan-1970 00:00:00 +0060\"", 0, 0, NULL},
		{"\"01-Jan-1970 00:00:00 +0000", 0, 0, NULL},
		{"01-Jan-1970", 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf back AUTO(buf_done);
		struct imap_date_time t;
		struct imap_lex lx;
		struct err err;
		int rc;

		buf_init(&back, 64);
		imap_lex_init(&lx, slice_str(cases[i].text), &limits, NULL);
		rc = imap_date_time_parse(&lx, &t, &err);
		if ((rc == 0) != (cases[i].back != NULL))
			fail_msg("%s: %d", cases[i].text, rc);
		if (rc < 0)
			continue;
		imap_date_time_write(&back, &t);
		if (t.seconds != cases[i].seconds || t.zone_min != cases[i].zone ||
			!slice_eq(buf_slice(&back), slice_str(cases[i].back)))
			fail_msg("%s: %jd %.*s", cases[i].text, (intmax_t)t.seconds,
				SLICE_ARG(buf_slice(&back)));
	}
}

static void test_days(void **state)
{
	static const struct {
		const char *text;
		int32_t day;
	} cases[] = {
		{"1-Jan-1970", 0},
		{"\"01-Jan-1970\"", 0},
		{"2-Jan-1970", 1},
		{"31-Dec-1969", -1},
		{"1-Mar-2024", 19783},
		{"30-Feb-2024", INT32_MAX},
		{"1-Jan-24", INT32_MAX},
		{"\"1-Jan-1970", INT32_MAX},
		{"-Jan-1970", INT32_MAX},
		{"", INT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int32_t day = INT32_MAX;
		struct imap_lex lx;
		struct err err;

		imap_lex_init(&lx, slice_str(cases[i].text), &limits, NULL);
		if (imap_date_parse(&lx, &day, &err) < 0 && day != INT32_MAX)
			fail_msg("<%s>: output written", cases[i].text);
		if (day != cases[i].day)
			fail_msg("<%s>: %d", cases[i].text, day);
	}
	assert_int_equal(imap_day(-1, 0), -1);
	assert_int_equal(imap_day(86399, 0), 0);
	assert_int_equal(imap_day(86399, 1), 1);
	assert_int_equal(imap_day(0, -1), -1);
}

/* Every day of 1 to 9999 comes back as it went. */
static void test_calendar(void **state)
{
	(void)state;
	for (int64_t day = -719162; day <= 2932896; day += 13) {
		const struct imap_date_time t = {day * 86400 + 43200, 0};
		struct buf text AUTO(buf_done);
		struct imap_date_time back;
		struct imap_lex lx;
		struct err err;

		buf_init(&text, 64);
		imap_date_time_write(&text, &t);
		imap_lex_init(&lx, buf_slice(&text), &limits, NULL);
		assert_int_equal(imap_date_time_parse(&lx, &back, &err), 0);
		assert_true(back.seconds == t.seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lex),
		cmocka_unit_test(test_no_read_past_end),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_error_contract),
		cmocka_unit_test(test_line_literal),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_has_and_writer),
		cmocka_unit_test(test_date_times),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
