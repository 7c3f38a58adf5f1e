/* text_test.c - transfer encodings and charsets, however the body is cut. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/mime/text.h"

/* Feeds in pieces of n bytes, each in a heap block of its exact size. */
static void feed(void (*take)(void *, struct slice, struct buf *), void *to, struct slice in,
	size_t n, struct buf *out)
{
	while (in.len) {
		const struct slice head = slice_head(in, n);
		char *copy = mem_alloc(head.len);

		memcpy(copy, head.ptr, head.len);
		take(to, (struct slice){copy, head.len}, out);
		free(copy);
		in = slice_from(in, head.len);
	}
}

static void take_decoder(void *to, struct slice in, struct buf *out)
{
	mime_decoder_feed(to, in, out);
}

static void take_charset(void *to, struct slice in, struct buf *out)
{
	mime_charset_feed(to, in, out);
}

static void take_text(void *to, struct slice in, struct buf *out)
{
	mime_text_feed(to, in, out);
}

static void assert_same(const struct buf *got, struct slice want, const char *in)
{
	if (!slice_eq(buf_slice(got), want))
		fail_msg("<%s>: got <%.*s>, want <%.*s>", in, SLICE_ARG(buf_slice(got)),
			SLICE_ARG(want));
}

static void test_decoder(void **state)
{
	static const struct {
		enum mime_encoding encoding;
		bool is_lines;
		const char *in, *want;
	} rows[] = {
		{MIME_7BIT, false, "a\nb\r\n", "a\nb\r\n"},
		{MIME_7BIT, true, "\na\nb\r\nc\r\r\n\n", "\r\na\r\nb\r\nc\r\r\n\r\n"},
		{MIME_ENCODING_UNKNOWN, false, "a=41", "a=41"},
		{MIME_BASE64, false, "", ""},
		{MIME_BASE64, false, "aGVsbG8=", "hello"},
		{MIME_BASE64, false, "aGVs\r\nbG8\r\n", "hello"},
		{MIME_BASE64, false, "aG==aGk=", "hhi"},
		{MIME_BASE64, false, "a*G V.sbG8!", "hello"},
		{MIME_BASE64, false, "a", ""},
		{MIME_BASE64, true, "YQpi", "a\r\nb"},
		{MIME_QP, false, "", ""},
		{MIME_QP, false, "a=3D=3db", "a==b"},
		{MIME_QP, false, "a =\r\nb", "a b"},
		{MIME_QP, false, "a= \t\r\nb=\nc", "abc"},
		{MIME_QP, false, "a \t \r\nb \nc  ", "a\r\nb\nc  "},
		{MIME_QP, false, "a =41 b", "a A b"},
		{MIME_QP, false, "a=4", "a=4"},
		{MIME_QP, false, "a=", "a"},
		{MIME_QP, false, "a=4\nb", "a=4\nb"},
		{MIME_QP, false, "a=XYb=4Xc==41", "a=XYb=4Xc=A"},
		{MIME_QP, false, "a= b", "a= b"},
		{MIME_QP, false, "a=\rb", "a=\rb"},
		{MIME_QP, false, "a\rb \r c", "a\rb \r c"},
		{MIME_QP, true, "a=0Ab\n", "a\r\nb\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t n = 1; n < 8; n++) {
			struct buf out AUTO(buf_done);
			struct mime_decoder d;

			buf_init(&out, 4096);
			mime_decoder_init(&d, rows[i].encoding, rows[i].is_lines);
			feed(take_decoder, &d, slice_str(rows[i].in), n, &out);
			mime_decoder_finish(&d, &out);
			assert_same(&out, slice_str(rows[i].want), rows[i].in);
		}
	}
}

/* A run of white space longer than is held back stays, however it is cut. */
static void test_long_space(void **state)
{
	char text[300];

	(void)state;
	memset(text, ' ', sizeof(text));
	text[0] = 'a';
	text[sizeof(text) - 1] = '\n';
	for (size_t n = 1; n < 200; n += 7) {
		struct buf out AUTO(buf_done);
		struct mime_decoder d;

		buf_init(&out, 4096);
		mime_decoder_init(&d, MIME_QP, false);
		feed(take_decoder, &d, (struct slice){text, sizeof(text)}, n, &out);
		mime_decoder_finish(&d, &out);
		assert_int_equal(out.len, 1 + 3 * MIME_QP_SPACE_MAX + 1);
	}
}

#define BAD "\xef\xbf\xbd"

static void test_charset(void **state)
{
	static const struct {
		const char *name;
		struct slice in, want;
	} rows[] = {
		{"", slice_lit("a\xc3\xa9"), slice_lit("a\xc3\xa9")},
		{"utf-8", slice_lit("\xf0\x9f\x98\x80!"), slice_lit("\xf0\x9f\x98\x80!")},
		{"UTF-8", slice_lit("\xf0\x9f\x98!\xe2\x82"), slice_lit(BAD "!" BAD)},
		{"utf-8", slice_lit("\xe0\x80\x80\xff"), slice_lit(BAD BAD BAD BAD)},
		{"US-ASCII", slice_lit("\xe9\xc3\xa9"), slice_lit(BAD "\xc3\xa9")},
		{"nonsense", slice_lit("a\xe9z"), slice_lit("a" BAD "z")},
		{"ISO-8859-1", slice_lit("\xe9\x80"), slice_lit("\xc3\xa9\xe2\x82\xac")},
		{"windows-1252", slice_lit("\x93x\x94"), slice_lit("\xe2\x80\x9cx\xe2\x80\x9d")},
		{"iso-8859-15", slice_lit("\xa4"), slice_lit("\xe2\x82\xac")},
		{"utf-16", slice_lit("\xfe\xff\0a"), slice_lit("a")},
		{"utf-16",
			slice_lit("\xff\xfe"
				  "a\0"),
			slice_lit("a")},
		{"utf-16", slice_lit("a\0"), slice_lit("a")},
		{"utf-16le", slice_lit("\x3d\xd8\x00\xde"), slice_lit("\xf0\x9f\x98\x80")},
		{"utf-16be", slice_lit("\xd8\x3d\0a"), slice_lit(BAD "a")},
		{"shift_jis", slice_lit("\x93\xfa\x96\x7b\x81"),
			slice_lit("\xe6\x97\xa5\xe6\x9c\xac" BAD)},
		{"big5", slice_lit("\xa7\x41"), slice_lit("\xe4\xbd\xa0")},
		{"euc-kr", slice_lit("\xb0\xa1"), slice_lit("\xea\xb0\x80")},
		{"iso-8859-8", slice_lit("\xfb\xff"), slice_lit(BAD BAD)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t n = 1; n < 6; n++) {
			struct buf out AUTO(buf_done);
			struct mime_charset c AUTO(mime_charset_done);

			buf_init(&out, 4096);
			mime_charset_init(&c, slice_str(rows[i].name));
			feed(take_charset, &c, rows[i].in, n, &out);
			mime_charset_finish(&c, &out);
			assert_same(&out, rows[i].want, rows[i].name);
		}
	}
}

/* Long texts go through ICU's and our pieces; the bytes come out in order. */
static void test_long_text(void **state)
{
	enum { SIZE = 30000 };
	char *text = mem_alloc(SIZE);
	struct buf out AUTO(buf_done);
	struct mime_text t;

	(void)state;
	buf_init(&out, 4 * SIZE);
	memcpy(text, "4SDh", 4); /* "\xe1 \xe1" */
	for (size_t i = 4; i < SIZE; i++)
		text[i] = text[i - 4];
	mime_text_init(&t, MIME_BASE64, slice_lit("iso-8859-2"));
	feed(take_text, &t, (struct slice){text, SIZE}, 7777, &out);
	mime_text_finish(&t, &out);
	mime_text_done(&t);
	assert_int_equal(out.len, SIZE / 4 * 5);
	for (size_t i = 0; i < out.len; i++)
		assert_int_equal(out.ptr[i], "\xc3\xa1 \xc3\xa1"[i % 5]);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decoder),
		cmocka_unit_test(test_long_space),
		cmocka_unit_test(test_charset),
		cmocka_unit_test(test_long_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
