/* write_test.c - unit tests of write.c: fixed forms, and what is written is read back the same. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "wire/mime/text.h"
#include "wire/mime/write.h"

#define A70 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *value, *want;
} texts[] = {
	{"", "Subject:\r\n"},
	{"Hello", "Subject: Hello\r\n"},
	{"a\r\nBcc: x@y", "Subject: a Bcc: x@y\r\n"},
	{A70, "Subject:\r\n " A70 "\r\n"},
	{"one " A70 " three", "Subject: one\r\n " A70 "\r\n three\r\n"},
	{"\xc3\xa9", "Subject: =?utf-8?B?w6k=?=\r\n"},
	{"=?utf-8?Q?x?=", "Subject: =?utf-8?B?PT91dGYtOD9RP3g/PQ==?=\r\n"},
	{"\xff", "Subject: =?utf-8?B?77+9?=\r\n"},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 4096);
		mime_write_text(&out, "Subject", slice_str(texts[i].value));
		buf_byte(&out, '\0');
		assert_string_equal(out.ptr, texts[i].want);
	}
}

/* However long, no line is, and what comes back is what went in. */
static void test_text_returns(void **state)
{
	struct buf value AUTO(buf_done), out AUTO(buf_done), back AUTO(buf_done);
	struct mime_field field;
	struct slice rest, line;

	(void)state;
	buf_init(&value, 1 << 16);
	buf_init(&out, 1 << 16);
	buf_init(&back, 1 << 16);
	for (int i = 0; i < 100; i++)
		buf_printf(&value, "%.*s\xe2\x82\xac\xf0\x9f\x90\x8e", i % 7, "abcdefg");
	mime_write_text(&out, "Subject", buf_slice(&value));
	rest = buf_slice(&out);
	assert_true(mime_header_next(&rest, &field));
	mime_header_decode(field.value, &back);
	assert_true(slice_eq(buf_slice(&back), buf_slice(&value)));
	for (rest = buf_slice(&out); rest.len;) {
		line = slice_cut(rest, '\n', &rest);
		assert_true(line.len <= 77);
	}
}

static const struct {
	const char *value, *want;
} lists[] = {
	{"", ""},
	{"ann@a.example", "To: ann@a.example\r\n"},
	{"Ann Bee <ann@a.example>, <bob@b.example>",
		"To: Ann Bee <ann@a.example>, bob@b.example\r\n"},
	{"\"Bee, Ann\" <\"a b\"@a.example>", "To: \"Bee, Ann\" <\"a b\"@a.example>\r\n"},
	{"=?utf-8?Q?=C3=A9?= <e@e.example>", "To: =?utf-8?B?w6k=?= <e@e.example>\r\n"},
	{"friends: a@a.example, b@b.example;", "To: a@a.example, b@b.example\r\n"},
	{"\"a\\\"b\" <c@c.example>", "To: \"a\\\"b\" <c@c.example>\r\n"},
	{A70 "@a.example, b@b.example", "To: " A70 "@a.example,\r\n b@b.example\r\n"},
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct buf out AUTO(buf_done);
		struct arena arena AUTO(arena_done);

		arena_init(&arena, 1 << 16);
		buf_init(&out, 4096);
		mime_write_addresses(
			&out, "To", mime_address_parse(slice_str(lists[i].value), 100, &arena));
		buf_byte(&out, '\0');
		assert_string_equal(out.ptr, lists[i].want);
	}
}

static void test_param(void **state)
{
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 4096);
	mime_write_param(&out, "filename", slice_lit("a \"b\".txt"));
	mime_write_param(&out, "filename", slice_lit("\xc3\xa9 1.txt"));
	mime_write_param(&out, "filename", slice_lit("a\r\nX: y"));
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, ";\r\n filename=\"a \\\"b\\\".txt\""
				     ";\r\n filename*=utf-8''%C3%A9%201.txt"
				     ";\r\n filename=\"a  X: y\"");
}

static const char *const bodies[] = {
	"",
	"one\r\n",
	"one \r\n\ttwo\t\r\n",
	"a=b\xc3\xa9\r\n\r\n\r\n",
	A70 A70 A70 "\r\n",
	A70 "aaaaaa\r\n" A70 "aaaaaa=\r\n" A70 "aaaaa\xc3\xa9\r\n",
	".\r\nFrom me\r\n",
};

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct slice body = slice_str(bodies[i]);
		struct buf out AUTO(buf_done), back AUTO(buf_done);
		struct mime_decoder decoder;
		struct mime_base64 base64 = {0};
		struct slice rest;

		buf_init(&out, 4096);
		buf_init(&back, 4096);
		mime_write_qp(&out, body);
		mime_decoder_init(&decoder, MIME_QP, false);
		mime_decoder_feed(&decoder, buf_slice(&out), &back);
		mime_decoder_finish(&decoder, &back);
		assert_true(slice_eq(buf_slice(&back), body));
		for (rest = buf_slice(&out); rest.len;)
			assert_true(slice_cut(rest, '\n', &rest).len <= 77);
		buf_clear(&out);
		buf_clear(&back);
		for (size_t k = 0; k < body.len; k++)
			mime_base64_feed(&base64, (struct slice){body.ptr + k, 1}, &out);
		mime_base64_finish(&base64, &out);
		mime_decoder_init(&decoder, MIME_BASE64, false);
		mime_decoder_feed(&decoder, buf_slice(&out), &back);
		mime_decoder_finish(&decoder, &back);
		assert_true(slice_eq(buf_slice(&back), body));
	}
}

static void test_line_ends(void **state)
{
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 4096);
	mime_write_qp(&out, slice_lit("a\nb\rc\r\nd"));
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, "a\r\nb\r\nc\r\nd\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_returns),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_param),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_line_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
