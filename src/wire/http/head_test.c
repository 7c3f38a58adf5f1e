/* head_test.c - unit tests of head.c: what is taken, and every way to be refused. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "wire/http/head.h"

/* "method target host minor body keep expect", or the status. */
static void trace(struct slice text, char *out, size_t cap)
{
	static const char *const bodies[] = {"none", "length", "chunked"};
	struct arena arena AUTO(arena_done);
	struct http_head head;
	struct err err;
	unsigned status;

	arena_init(&arena, 1 << 20);
	status = http_head_parse(text, &arena, &head, &err);
	if (status) {
		snprintf(out, cap, "%u", status);
		return;
	}
	snprintf(out, cap, "%.*s %.*s?%.*s %.*s 1.%u %s%llu %s%s", SLICE_ARG(head.method),
		SLICE_ARG(head.path), SLICE_ARG(head.query), SLICE_ARG(head.host), head.minor,
		bodies[head.body], (unsigned long long)head.length,
		head.is_keep_alive ? "keep" : "close", head.is_expecting ? " expect" : "");
}

#define R "GET / HTTP/1.1\r\n"
#define H R "Host: a.example\r\n"
#define P "POST / HTTP/1.1\r\nHost: a.example\r\n"

static const struct {
	const char *text, *want;
} cases[] = {
	{H "\r\n", "GET /? a.example 1.1 none0 keep"},
	{R "host:a.example\r\n\r\n", "GET /? a.example 1.1 none0 keep"},
	{R "HOST: \t A.Example.:8443 \t\r\n\r\n", "GET /? a.example 1.1 none0 keep"},
	{R "Host: [::1]:80\r\n\r\n", "GET /? [::1] 1.1 none0 keep"},
	{R "Host: 127.0.0.1\r\n\r\n", "GET /? 127.0.0.1 1.1 none0 keep"},
	{"GET /a/b?c=d&e?f HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a/b?c=d&e?f a 1.1 none0 keep"},
	{"GET http://b.example/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /x?y b.example 1.1 none0 keep"},
	{"GET https://b.example:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /? b.example 1.1 none0 keep"},
	{"GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q b 1.1 none0 keep"},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *? a 1.1 none0 keep"},
	{"GET / HTTP/1.0\r\n\r\n", "GET /?  1.0 none0 close"},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET /?  1.0 none0 keep"},
	{"GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET /? a 1.1 none0 keep"},
	{H "Connection: foo, close\r\n\r\n", "GET /? a.example 1.1 none0 close"},
	{H "Connection: close, keep-alive\r\n\r\n", "GET /? a.example 1.1 none0 close"},
	{P "Content-Length: 5\r\n\r\n", "POST /? a.example 1.1 length5 keep"},
	{P "Content-Length: 0\r\n\r\n", "POST /? a.example 1.1 length0 keep"},
	{P "Transfer-Encoding: chunked\r\n\r\n", "POST /? a.example 1.1 chunked0 keep"},
	{P "Transfer-Encoding: Chunked\r\n\r\n", "POST /? a.example 1.1 chunked0 keep"},
	{P "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		"POST /? a.example 1.1 length5 keep expect"},
	{P "Connection: close\r\nExpect: 100-Continue\r\n\r\n",
		"POST /? a.example 1.1 none0 close expect"},
	{H "X: \xc3\xa9\r\n\r\n", "GET /? a.example 1.1 none0 keep"},
	{H "Empty:\r\n\r\n", "GET /? a.example 1.1 none0 keep"},
	/* the request line */
	{"\r\n", "400"},
	{"GET /\r\n\r\n", "400"},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400"},
	{"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET / http/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400"},
	{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
	{"GET / HTTP/0.9\r\n\r\n", "505"},
	{"PRI * HTTP/2.0\r\n\r\n", "505"},
	{"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
	{"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
	/* the host */
	{R "\r\n", "400"},
	{R "Host:\r\n\r\n", "400"},
	{R "Host: a\r\nHost: a\r\n\r\n", "400"},
	{R "Host: a\r\nhost: b\r\n\r\n", "400"},
	{R "Host: a, b\r\n\r\n", "400"},
	{R "Host: a/b\r\n\r\n", "400"},
	{R "Host: a@b\r\n\r\n", "400"},
	{R "Host: a:b\r\n\r\n", "400"},
	{R "Host: a:65536\r\n\r\n", "400"},
	{R "Host: a:+1\r\n\r\n", "400"},
	{R "Host: .a\r\n\r\n", "400"},
	{R "Host: a..b\r\n\r\n", "400"},
	{R "Host: a%00\r\n\r\n", "400"},
	{R "Host: [::1\r\n\r\n", "400"},
	{R "Host: [::1]x\r\n\r\n", "400"},
	{R "Host: [a.b]c]\r\n\r\n", "400"},
	{R "Host: \xc3\xa9\r\n\r\n", "400"},
	/* fields */
	{H "X : y\r\n\r\n", "400"},
	{H "X\t: y\r\n\r\n", "400"},
	{H " X: y\r\n\r\n", "400"},
	{H "X: y\r\n z\r\n\r\n", "400"},
	{H "X: y\r\n\tz\r\n\r\n", "400"},
	{H ": y\r\n\r\n", "400"},
	{H "X\r\n\r\n", "400"},
	{H "X: a\rb\r\n\r\n", "400"},
	{H "X: a\nY: b\r\n\r\n", "400"},
	{H "X: a\n\r\n", "400"},
	{H "X: a\x01\r\n\r\n", "400"},
	{H "X: a\x7f\r\n\r\n", "400"},
	{H "X\xc3: a\r\n\r\n", "400"},
	{H "\r\nX", "400"},
	{H, "400"},
	/* two readings of one body */
	{P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "400"},
	{P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"},
	{P "Content-Length: 5, 5\r\n\r\n", "400"},
	{P "Content-Length: +5\r\n\r\n", "400"},
	{P "Content-Length: -5\r\n\r\n", "400"},
	{P "Content-Length: 0x5\r\n\r\n", "400"},
	{P "Content-Length: 5 \x0b\r\n\r\n", "400"},
	{P "Content-Length: 5 6\r\n\r\n", "400"},
	{P "Content-Length:\r\n\r\n", "400"},
	{P "Content-Length: 9223372036854775808\r\n\r\n", "400"},
	{P "Content-Length: 18446744073709551621\r\n\r\n", "400"},
	{P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
	{P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "400"},
	{P "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
	{P "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "400"},
	{P "Transfer-Encoding: chunked, chunked\r\n\r\n", "501"},
	{P "Transfer-Encoding: identity, chunked\r\n\r\n", "501"},
	{P "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
	{P "Transfer-Encoding: xchunked\r\n\r\n", "501"},
	{P "Transfer-Encoding: \"chunked\"\r\n\r\n", "501"},
	{P "Transfer-Encoding: chunked;x\r\n\r\n", "501"},
	{P "Transfer-Encoding:\r\n\r\n", "501"},
	{P "Transfer-Encoding: \x0b"
	   "chunked\r\n\r\n",
		"400"},
	{P "Transfer-Encoding : chunked\r\n\r\n", "400"},
	{P "Transfer-Encoding\n: chunked\r\n\r\n", "400"},
	{P "Transfer-Encoding:\r\n chunked\r\n\r\n", "400"},
	{P "X: y\r\rTransfer-Encoding: chunked\r\n\r\n", "400"},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
	{P "Expect: 200-ok\r\n\r\n", "417"},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		char got[256];

		trace(slice_str(cases[i].text), got, sizeof(got));
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("<%s>: got <%s>, want <%s>", cases[i].text, got, cases[i].want);
	}
}

/* Every prefix, in a heap block of its exact size: refused, and nothing is read behind it. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		for (size_t len = 0; len < strlen(cases[i].text); len++) {
			char *copy = mem_alloc(len), got[256];

			memcpy(copy, cases[i].text, len);
			trace((struct slice){copy, len}, got, sizeof(got));
			if (strlen(cases[i].want) > 3)
				assert_int_equal(strlen(got), 3);
			free(copy);
		}
	}
}

/* NUL and every other byte in the places where a class of bytes matters. */
static void test_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char name[] = R "Host: a\r\nX?: y\r\n\r\n", value[] = R "Host: a\r\nX: y?y\r\n\r\n";
		char target[] = "GET /a? HTTP/1.1\r\nHost: a\r\n\r\n", got[256];
		const bool is_token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				      (c >= 'A' && c <= 'Z') || c == ':' ||
				      (c && strchr("!#$%&'*+-.^_`|~", c));

		*strrchr(name, '?') = (char)c;
		*strrchr(value, '?') = (char)c;
		*strrchr(target, '?') = (char)c;
		trace((struct slice){name, sizeof(name) - 1}, got, sizeof(got));
		assert_int_equal(strlen(got) > 3, is_token);
		trace((struct slice){value, sizeof(value) - 1}, got, sizeof(got));
		assert_int_equal(strlen(got) > 3, c == '\t' || (c >= 0x20 && c != 0x7f));
		trace((struct slice){target, sizeof(target) - 1}, got, sizeof(got));
		assert_int_equal(strlen(got) > 3, c > 0x20 && c < 0x7f && !strchr("\"#<>\\", c));
	}
}

static void test_limits(void **state)
{
	struct buf text AUTO(buf_done);
	char got[HTTP_TARGET_MAX + 100];

	(void)state;
	buf_init(&text, 1 << 20);
	for (size_t n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX; n++) {
		buf_clear(&text);
		buf_str(&text, H);
		for (size_t i = 0; i < n; i++)
			buf_str(&text, "X: y\r\n");
		buf_str(&text, "\r\n");
		trace(buf_slice(&text), got, sizeof(got));
		assert_string_equal(
			got, n < HTTP_FIELDS_MAX ? "GET /? a.example 1.1 none0 keep" : "431");
	}
	for (size_t n = HTTP_TARGET_MAX; n <= HTTP_TARGET_MAX + 1; n++) {
		buf_clear(&text);
		buf_str(&text, "GET /");
		for (size_t i = 1; i < n; i++)
			buf_byte(&text, 'a');
		buf_str(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
		trace(buf_slice(&text), got, sizeof(got));
		assert_int_equal(strcmp(got, "414") == 0, n > HTTP_TARGET_MAX);
	}
}

/* The end is found at the same place however the bytes come. */
static void test_end(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} rows[] = {
		{"", 0},
		{"\r\n", 2},
		{"\r\nGET", 2},
		{"A\r\n\r\n", 5},
		{"A\r\n\r\nB\r\n\r\n", 5},
		{"A\r\nB\r\n\r\n", 8},
		{"A\r\n\r", 0},
		{"A\n", SIZE_MAX},
		{"\n", SIZE_MAX},
		{"A\r\n\n", SIZE_MAX},
		{"A\r\r\n\r\n", 6},
		{"A\r\nB\nC\r\n\r\n", SIZE_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct slice text = slice_str(rows[i].text);
		size_t seen = 0, got = 0;

		for (size_t n = 0; n <= text.len && got == 0; n++)
			got = http_head_end(slice_head(text, n), &seen);
		assert_int_equal(got, rows[i].want);
		seen = 0;
		assert_int_equal(http_head_end(text, &seen), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
