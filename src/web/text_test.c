/* text_test.c - paths that may be gone to, links in plain mail, sizes, times, types. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "web/text.h"

static void test_paths(void **state)
{
	static const char *const good[] = {"/", "/mail", "/mail/f/1?page=2&x=%2F", "/a//b"};
	static const char *const bad[] = {"", "mail", "//evil.example", "/\\evil.example",
		"\\\\evil", "https://evil.example", "/a b", "/a\nb", "/a\tb", "/\xc3\xa9", "/x\\y",
		"javascript:alert(1)", " /mail"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(text_is_path(slice_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(text_is_path(slice_str(bad[i])));
}

#define LINK(url)                                                                                  \
	"<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href=\"" url "\">" url "</a>"

static void test_to_html(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"a < b & c", "a &lt; b &amp; c\n"},
		{"see https://x.example/a?b=1&c=2.",
			"see " LINK("https://x.example/a?b=1&amp;c=2") ".\n"},
		{"(http://x.example/)", "(" LINK("http://x.example/") ")\n"},
		{"https://", "https://\n"},
		{"https://x.example/\"onmouseover=\"x",
			LINK("https://x.example/") "&quot;onmouseover=&quot;x\n"},
		{"javascript:alert(1)", "javascript:alert(1)\n"},
		{"> q\r\nx", "<span class=\"quote\">&gt; q</span>\nx\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out AUTO(buf_done);

		buf_init(&out, 4096);
		text_to_html(slice_str(rows[i].text), &out);
		if (!slice_eq(buf_slice(&out), slice_str(rows[i].want)))
			fail_msg("<%s>: got <%.*s>", rows[i].text, SLICE_ARG(buf_slice(&out)));
	}
}

static void test_query(void **state)
{
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 4096);
	text_put_query(&out, slice_lit("/a?b=c&d \"<\xc3\xa9"));
	text_quote(slice_lit("x\n> y\r\nz"), &out);
	buf_byte(&out, '\0');
	assert_string_equal(out.ptr, "%2Fa%3Fb%3Dc%26d%20%22%3C%C3%A9> x\n>> y\n> z\n");
}

static void test_numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} sizes[] = {{0, "0 bytes"}, {999, "999 bytes"}, {1000, "1.0 KB"}, {9949, "9.9 KB"},
		{15400, "15 KB"}, {999600, "1.0 MB"}, {UINT64_MAX, "18447 PB"}};
	const int64_t now = 1795323600; /* 2026-11-22 05:00 */
	char text[40], full[60];
	bool may_show;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		text_put_size(sizes[i].n, text, sizeof(text));
		assert_string_equal(text, sizes[i].want);
	}
	text_put_when(now - 3600, now, text, sizeof(text), full, sizeof(full));
	assert_string_equal(text, "04:00");
	assert_string_equal(full, "Sunday, 22 November 2026, 04:00");
	text_put_when(now - 30 * 86400, now, text, sizeof(text), full, sizeof(full));
	assert_string_equal(text, "23 Oct");
	text_put_when(now - 400 * 86400, now, text, sizeof(text), full, sizeof(full));
	assert_string_equal(text, "18 Oct 2025");
	assert_string_equal(text_safe_type(slice_lit("IMAGE/png"), &may_show), "image/png");
	assert_true(may_show);
	assert_string_equal(
		text_safe_type(slice_lit("text/html"), &may_show), "application/octet-stream");
	assert_string_equal(
		text_safe_type(slice_lit("image/svg+xml"), &may_show), "application/octet-stream");
	assert_false(may_show);
}

static void test_programs(void **state)
{
	static const struct {
		const char *agent, *want;
	} rows[] = {
		{"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
			"Firefox 128 on Linux"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
		 "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.1",
			"Edge 126 on Windows"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
		 "Version/17.5 Mobile/15E148 Safari/604.1",
			"Safari 17 on iPhone"},
		{"w3m/0.5.3", "w3m 0"},
		{"Firefox/", "Firefox"},
		{"something <else>", "something <else>"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		text_put_program(slice_str(rows[i].agent), text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

static void test_contrast(void **state)
{
	static const struct {
		const char *colour, *ground;
		bool is_readable;
	} rows[] = {
		{"#000000", "#ffffff", true},
		{"#ffffff", "#000000", true},
		{"#ffffff", "#ffffff", false},
		{"#767676", "#ffffff", true}, /* the lightest grey that is: 4.54 */
		{"#7b7b7b", "#ffffff", false},
		{"#FFEE00", "#ffffff", false},
		{"#7a4b00", "#ffffff", true},
		{"red", "#ffffff", true},
		{"#12", "#ffffff", true},
		{"", "", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			text_is_readable(slice_str(rows[i].colour), slice_str(rows[i].ground)),
			rows[i].is_readable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_to_html),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_contrast),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
