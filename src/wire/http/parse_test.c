/* parse_test.c - unit tests of the smaller parsers: chunks, URLs, forms, single fields. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/http/chars.h"
#include "wire/http/chunk.h"
#include "wire/http/field.h"
#include "wire/http/multipart.h"
#include "wire/http/url.h"

enum { OUT_MAX = 1 << 16 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("got <%.*s>, want <%s>", SLICE_ARG(got), want);
}

/* ---- chunks ---- */

/* Decodes in pieces of `step` bytes: the data, then "$" and what follows, "+" for more, or "!". */
static void trace_chunks(struct slice in, size_t step, struct buf *out)
{
	struct http_chunks chunks = {0};
	struct slice data;
	struct err err;

	while (in.len && !chunks.is_done) {
		struct slice piece = slice_head(in, step);
		const size_t len = piece.len;

		do {
			if (http_chunks_next(&chunks, &piece, &data, &err) < 0) {
				buf_str(out, err.code == ERR_SYNTAX ? "!" : "!!");
				return;
			}
			buf_append(out, data);
		} while (piece.len && !chunks.is_done);
		in = slice_from(in, len - piece.len);
	}
	buf_byte(out, chunks.is_done ? '$' : '+');
	if (chunks.is_done)
		buf_append(out, in);
}

static const struct {
	const char *text, *want;
} chunk_cases[] = {
	{"0\r\n\r\n", "$"},
	{"0\r\n\r\nGET", "$GET"},
	{"5\r\nhello\r\n0\r\n\r\n", "hello$"},
	{"5\r\nhello\r\n00005\r\nworld\r\n000\r\n\r\n", "helloworld$"},
	{"a\r\n0123456789\r\n0\r\n\r\n", "0123456789$"},
	{"A;x=y\r\n0123456789\r\n0;z\r\n\r\n", "0123456789$"},
	{"1 ; a=\"b\"\r\nx\r\n0\r\nT: v\r\nU: \r\n\r\n", "x$"},
	{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n$"},
	{"5\r\nhel", "hel+"},
	{"", "+"},
	{"\r\n", "!"},
	{"g\r\n", "!"},
	{"-1\r\n", "!"},
	{"+1\r\n", "!"},
	{"0x1\r\n", "!"},
	{" 1\r\n", "!"},
	{"1\n", "!"},
	{"1\r\r\n", "!"},
	{"1;a\n", "!"},
	{"1;a\rb\r\n", "!"},
	{"1\r\nxy\r\n", "x!"},
	{"1\r\nx\n", "x!"},
	{"1\r\nx\r\r", "x!"},
	{"0\r\n\n", "!"},
	{"0\r\n T: v\r\n\r\n", "!"},
	{"0\r\nT v\r\n\r\n", "!"},
	{"0\r\n: v\r\n\r\n", "!"},
	{"0\r\nT: v\n\r\n", "!"},
	{"0\r\nT: v\r\n x\r\n\r\n", "!"},
	{"fffffffffffffffff\r\n", "!!"},
};

static void test_chunks(void **state)
{
	struct buf got AUTO(buf_done);

	(void)state;
	buf_init(&got, OUT_MAX);
	for (size_t i = 0; i < COUNT(chunk_cases); i++) {
		for (size_t step = 1; step < 30; step++) {
			buf_clear(&got);
			trace_chunks(slice_str(chunk_cases[i].text), step, &got);
			assert_slice(buf_slice(&got), chunk_cases[i].want);
		}
	}
}

static void test_chunk_limits(void **state)
{
	struct buf in AUTO(buf_done), got AUTO(buf_done);

	(void)state;
	buf_init(&in, 1 << 20);
	buf_init(&got, OUT_MAX);
	buf_str(&in, "1;");
	for (size_t i = 0; i < CHUNK_LINE_MAX; i++)
		buf_byte(&in, 'a');
	trace_chunks(buf_slice(&in), 1000, &got);
	assert_slice(buf_slice(&got), "!!");
	buf_clear(&in);
	buf_clear(&got);
	for (size_t i = 0; i < CHUNK_EXTRA_MAX; i++)
		buf_str(&in, "1;aa\r\nx\r\n");
	trace_chunks(buf_slice(&in), 100, &got);
	assert_true(slice_ends(buf_slice(&got), slice_lit("x!!")));
	buf_clear(&in);
	buf_clear(&got);
	buf_str(&in, "0\r\n");
	for (size_t i = 0; i < CHUNK_EXTRA_MAX; i++)
		buf_str(&in, "T: v\r\n");
	trace_chunks(buf_slice(&in), 100, &got);
	assert_slice(buf_slice(&got), "!!");
}

/* ---- URLs ---- */

static void test_paths(void **state)
{
	static const struct {
		const char *path, *want; /* NULL: refused */
	} rows[] = {
		{"/", "/"},
		{"/a", "/a"},
		{"/a/", "/a/"},
		{"//", "/"},
		{"/a//b///c", "/a/b/c"},
		{"/.", "/"},
		{"/..", "/"},
		{"/../../a", "/a"},
		{"/a/./b", "/a/b"},
		{"/a/../b", "/b"},
		{"/a/b/..", "/a/"},
		{"/a/b/.", "/a/b/"},
		{"/a/..", "/"},
		{"/a/b/../../..", "/"},
		{"/...", "/..."},
		{"/a..b/.c", "/a..b/.c"},
		{"/%61", "/a"},
		{"/%2e%2E/a", "/a"},
		{"/b/%2e/a", "/b/a"},
		{"/a+b", "/a+b"},
		{"/%c3%a4", "/\xc3\xa4"},
		{"/a%20b", "/a b"},
		{"/%25", "/%"},
		{"/%252e%252e", "/%2e%2e"},
		{"", NULL},
		{"a", NULL},
		{"/%", NULL},
		{"/%4", NULL},
		{"/%4g", NULL},
		{"/%00", NULL},
		{"/a%2fb", NULL},
		{"/a%2Fb", NULL},
		{"/a%5cb", NULL},
		{"/%c3", NULL},
		{"/%ff", NULL},
		{"/%c0%af", NULL},
		{"/%u0041", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena AUTO(arena_done);
		struct slice got = {NULL, 0};
		struct err err;
		int rc;

		arena_init(&arena, OUT_MAX);
		rc = http_path_parse(slice_str(rows[i].path), &arena, &got, &err);
		if (!rows[i].want)
			assert_int_equal(rc, -ERR_SYNTAX);
		else
			assert_slice(got, rows[i].want);
	}
}

static void test_params(void **state)
{
	static const struct {
		const char *text, *want; /* name=value| */
	} rows[] = {
		{"", ""},
		{"a=1", "a=1|"},
		{"a=1&b=2", "a=1|b=2|"},
		{"&&a=1&", "a=1|"},
		{"a", "a=|"},
		{"=", "=|"},
		{"a=b=c", "a=b=c|"},
		{"a+b=%20+", "a b=  |"},
		{"a=%26%3d", "a=&=|"},
		{"a=%0d%0a", "a=\r\n|"},
		{"a=%C3%A4", "a=\xc3\xa4|"},
		{"a=%", "!"},
		{"a=%1", "!"},
		{"a=%zz", "!"},
		{"a=%00", "!"},
		{"a=%ff", "!"},
		{"%ff=a", "!"},
		{"a=1;b=2", "a=1;b=2|"},
	};
	struct buf got AUTO(buf_done);

	(void)state;
	buf_init(&got, OUT_MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena AUTO(arena_done);
		struct http_pair *pairs = NULL;
		struct err err;
		size_t n = 0;

		arena_init(&arena, OUT_MAX);
		buf_clear(&got);
		if (http_params_parse(slice_str(rows[i].text), &arena, &pairs, &n, &err) < 0)
			buf_byte(&got, '!');
		for (size_t k = 0; k < n; k++)
			buf_printf(&got, "%.*s=%.*s|", SLICE_ARG(pairs[k].name),
				SLICE_ARG(pairs[k].value));
		assert_slice(buf_slice(&got), rows[i].want);
	}
}

static void test_params_limit(void **state)
{
	struct buf text AUTO(buf_done);

	(void)state;
	buf_init(&text, OUT_MAX);
	for (int n = 1; n <= HTTP_PARAMS_MAX + 1; n++) {
		buf_str(&text, "a&");
		if (n >= HTTP_PARAMS_MAX) {
			struct arena arena AUTO(arena_done);
			struct http_pair *pairs;
			struct err err;
			size_t count;

			arena_init(&arena, 1 << 20);
			assert_int_equal(
				http_params_parse(buf_slice(&text), &arena, &pairs, &count, &err),
				n > HTTP_PARAMS_MAX ? -ERR_TOOBIG : 0);
		}
	}
}

static void test_url_encode(void **state)
{
	struct buf got AUTO(buf_done);

	(void)state;
	buf_init(&got, 1000);
	http_url_encode(&got, slice_lit("aZ9-._~ /\xc3\xa4%&\r\n\""));
	assert_slice(buf_slice(&got), "aZ9-._~%20%2F%C3%A4%25%26%0D%0A%22");
}

/* ---- forms with files ---- */

#define B "--xyz\r\n"
#define D "Content-Disposition: form-data; name="
#define E "\r\n--xyz--\r\n"

static const struct {
	const char *body, *want; /* name=bytes|, name@file(type)=bytes|, "!" */
} form_cases[] = {
	{B D "a\r\n\r\n1" E, "a=1|"},
	{B D "\"a\"\r\n\r\n" E, "a=|"},
	{"\r\n" B D "a\r\n\r\n1" E, "a=1|"},
	{"preamble\r\n" B D "a\r\n\r\n1\r\n--xyz--\r\nepilogue", "a=1|"},
	{B D "a\r\n\r\n1\r\n--xyz--", "a=1|"},
	{"--xyz--", ""},
	{B D "a\r\n\r\n1\r\n" B D "b\r\n\r\n2" E, "a=1|b=2|"},
	{B D "a\r\n\r\n--xy\r\n--xy\r\n-xyz" E, "a=--xy\r\n--xy\r\n-xyz|"},
	{B D "a\r\n\r\n1\r\n--xyz \t\r\n" D "b\r\n\r\n2" E, "a=1|b=2|"},
	{B "content-disposition:Form-Data;NAME=a\r\nX-Y: z\r\n\r\n1" E, "a=1|"},
	{B D "f; filename=\"a.txt\"\r\nContent-Type: text/x\r\n\r\n\xff" E,
		"f@a.txt(text/x)=\xff|"},
	{B D "f; filename=\"\"\r\n\r\n" E, "f@()=|"},
	{B D "f; filename=\"C:\\dir\\a.txt\"\r\n\r\n" E, "f@a.txt()=|"},
	{B D "f; filename=\"../../etc/passwd\"\r\n\r\n" E, "f@passwd()=|"},
	{B D "f; filename=\"a%22b\\\"c%0D%0ad%41\"\r\n\r\n" E, "f@a\"b\"c\r\nd%41()=|"},
	{B D "f; filename=\"\xc3\xa4\"\r\n\r\n" E, "f@\xc3\xa4()=|"},
	{B D "a\r\nContent-Transfer-Encoding: 8bit\r\n\r\n1" E, "a=1|"},
	{"", "!"},
	{"--xyz", "!"},
	{"--xyzz\r\n" D "a\r\n\r\n1" E, "!"},
	{B "\r\n1" E, "!"},
	{B "X: y\r\n\r\n1" E, "!"},
	{B D "a\r\n" D "b\r\n\r\n1" E, "!"},
	{B "Content-Disposition: form-data\r\n\r\n1" E, "!"},
	{B "Content-Disposition: attachment; name=a\r\n\r\n1" E, "!"},
	{B D "a\r\n\r\n1", "!"},
	{B D "a\r\n\r\n1\r\n--xyz", "!"},
	{B D "a\r\n\r\n1\r\n--xyz-\r\n", "!"},
	{B D "a\r\n\r\n1\r\n--xyz--x", "!"},
	{B D "a\n\n1" E, "!"},
	{B D "\"a\r\n\r\n1" E, "!"},
	{B D "a\r\n\r\n\xff" E, "!"},
	{B D "\xff\r\n\r\n1" E, "!"},
	{B D "a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==" E, "!"},
};

static void trace_form(struct slice body, struct buf *out)
{
	struct arena arena AUTO(arena_done);
	struct http_part *parts = NULL;
	struct err err;
	size_t n = 0;

	arena_init(&arena, 1 << 20);
	if (http_multipart_parse(body, slice_lit("xyz"), &arena, &parts, &n, &err) < 0)
		buf_byte(out, '!');
	for (size_t i = 0; i < n; i++) {
		buf_append(out, parts[i].name);
		if (parts[i].filename.ptr)
			buf_printf(out, "@%.*s(%.*s)", SLICE_ARG(parts[i].filename),
				SLICE_ARG(parts[i].type));
		buf_byte(out, '=');
		buf_append(out, parts[i].bytes);
		buf_byte(out, '|');
	}
}

static void test_multipart(void **state)
{
	struct buf got AUTO(buf_done);

	(void)state;
	buf_init(&got, OUT_MAX);
	for (size_t i = 0; i < COUNT(form_cases); i++) {
		const struct slice body = slice_str(form_cases[i].body);

		buf_clear(&got);
		trace_form(body, &got);
		if (!slice_eq(buf_slice(&got), slice_str(form_cases[i].want)))
			fail_msg("<%s>: got <%.*s>", body.ptr, SLICE_ARG(buf_slice(&got)));
		for (size_t len = 0; len < body.len; len++) { /* no byte behind a prefix is read */
			char *copy = mem_alloc(len);

			memcpy(copy, body.ptr, len);
			buf_clear(&got);
			trace_form((struct slice){copy, len}, &got);
			free(copy);
		}
	}
}

static void test_multipart_limits(void **state)
{
	struct buf body AUTO(buf_done), got AUTO(buf_done);

	(void)state;
	buf_init(&body, 1 << 20);
	buf_init(&got, OUT_MAX);
	buf_str(&body, B "X: ");
	for (size_t i = 0; i < HTTP_PART_HEAD_MAX; i++)
		buf_byte(&body, 'a');
	buf_str(&body, "\r\n" D "a\r\n\r\n1" E);
	trace_form(buf_slice(&body), &got);
	assert_slice(buf_slice(&got), "!");
	buf_clear(&body);
	buf_clear(&got);
	for (size_t i = 0; i <= HTTP_PARTS_MAX; i++)
		buf_str(&body, B D "a\r\n\r\n1\r\n");
	buf_str(&body, "--xyz--");
	trace_form(buf_slice(&body), &got);
	assert_slice(buf_slice(&got), "!");
}

/* ---- single fields ---- */

static void test_cookies(void **state)
{
	static const struct {
		const char *value, *want; /* of "a"; NULL: not there */
	} rows[] = {
		{"", NULL},
		{"a=1", "1"},
		{"b=2; a=1", "1"},
		{"b=2;a=1;c=3", "1"},
		{"a=", ""},
		{"a", NULL},
		{"aa=1", NULL},
		{"A=1", NULL},
		{"b=a=1", NULL},
		{"a=1=2", "1=2"},
		{"a=\"1\"", "1"},
		{"a=\"", "\""},
		{"a=1; a=2", "1"},
		{"; ;a=1", "1"},
		{"b=\"x; a=1\"", "1\""},
		{" a=1 ", "1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct slice got = http_cookie_find(slice_str(rows[i].value), slice_lit("a"));

		if (rows[i].want)
			assert_slice(got, rows[i].want);
		else
			assert_null(got.ptr);
	}
}

static void test_field_params(void **state)
{
	static const struct {
		const char *value, *want; /* of "b"; NULL: not there */
	} rows[] = {
		{"x", NULL},
		{"x; b=1", "1"},
		{"x;b=1", "1"},
		{"x ; B=\"1 2\" ; c=3", "1 2"},
		{"x; a=\"; b=2\"; b=1", "1"},
		{"x; b=\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
		{"x; b=\"", NULL},
		{"x; b=", NULL},
		{"x; b", NULL},
		{"x; =1; b=1", NULL},
		{"x; a=1 b=2", NULL},
		{"x; a=\"1\"; b=\"\"", ""},
		{"b=1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena AUTO(arena_done);
		struct slice got;

		arena_init(&arena, OUT_MAX);
		got = http_field_param(slice_str(rows[i].value), slice_lit("b"), &arena);
		if (rows[i].want)
			assert_slice(got, rows[i].want);
		else
			assert_null(got.ptr);
	}
}

static void test_accepts(void **state)
{
	static const struct {
		const char *value;
		bool want;
	} rows[] = {
		{"", false},
		{"gzip", true},
		{"GZIP", true},
		{"br, gzip", true},
		{"br", false},
		{"gzip;q=0", false},
		{"gzip; q=0.000", false},
		{"gzip;q=0.001", true},
		{"*", true},
		{"*;q=0", false},
		{"*, gzip;q=0", false},
		{"gzip;q=0, *", false},
		{"identity", false},
		{"gzipx", false},
		{"gzip;x=y;Q=0", false},
		{"gzip;q=1", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			http_accepts(slice_str(rows[i].value), slice_lit("gzip")), rows[i].want);
}

static void test_etags(void **state)
{
	static const struct {
		const char *list, *etag;
		bool weakly, strongly;
	} rows[] = {
		{"\"a\"", "\"a\"", true, true},
		{"\"a\"", "\"b\"", false, false},
		{"W/\"a\"", "\"a\"", true, false},
		{"\"a\"", "W/\"a\"", true, false},
		{"W/\"a\"", "W/\"a\"", true, false},
		{"\"b\", \"a\"", "\"a\"", true, true},
		{"*", "\"a\"", true, true},
		{"", "\"a\"", false, false},
		{"a", "\"a\"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct slice list = slice_str(rows[i].list), etag = slice_str(rows[i].etag);

		assert_int_equal(http_etag_matches(list, etag, true), rows[i].weakly);
		assert_int_equal(http_etag_matches(list, etag, false), rows[i].strongly);
	}
}

static void test_ranges(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		int want;
		uint64_t from, length;
	} rows[] = {
		{"bytes=0-0", 10, 1, 0, 1},
		{"bytes=0-", 10, 1, 0, 10},
		{"bytes=9-", 10, 1, 9, 1},
		{"bytes=2-4", 10, 1, 2, 3},
		{"bytes=2-99", 10, 1, 2, 8},
		{"bytes=-3", 10, 1, 7, 3},
		{"bytes=-99", 10, 1, 0, 10},
		{"BYTES=1-1", 10, 1, 1, 1},
		{"bytes=0-18446744073709551615", 10, 1, 0, 10},
		{"bytes=10-", 10, -1, 0, 0},
		{"bytes=-0", 10, -1, 0, 0},
		{"bytes=0-", 0, -1, 0, 0},
		{"bytes=-1", 0, -1, 0, 0},
		{"bytes=4-2", 10, 0, 0, 0},
		{"bytes=0-1,3-4", 10, 0, 0, 0},
		{"bytes=-", 10, 0, 0, 0},
		{"bytes=", 10, 0, 0, 0},
		{"bytes=a-b", 10, 0, 0, 0},
		{"lines=0-1", 10, 0, 0, 0},
		{"bytes=0--1", 10, 0, 0, 0},
		{"bytes=18446744073709551616-", 10, 0, 0, 0},
		{"", 10, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t from = 0, length = 0;

		assert_int_equal(
			http_range_parse(slice_str(rows[i].value), rows[i].size, &from, &length),
			rows[i].want);
		assert_int_equal(from, rows[i].from);
		assert_int_equal(length, rows[i].length);
	}
}

static void test_date(void **state)
{
	char text[HTTP_DATE_LEN];

	(void)state;
	http_date_write(784111777, text);
	assert_memory_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE_LEN);
	http_date_write(951782400, text);
	assert_memory_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT", HTTP_DATE_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_chunk_limits),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_params_limit),
		cmocka_unit_test(test_url_encode),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_multipart_limits),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_field_params),
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_etags),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
