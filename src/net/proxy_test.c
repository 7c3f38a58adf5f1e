/* proxy_test.c - headers of the PROXY protocol, whole and in all their prefixes. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\300\0\2\1\300\0\2\2\0\1\0\2"
#define V6 " \1\r\270\0\0\0\0\0\0\0\0\0\0\0\1 \1\r\270\0\0\0\0\0\0\0\0\0\0\0\2\0\1\0\2"

static const struct {
	struct slice header;
	const char *want; /* the source; "": the balancer's own; NULL: refused */
} cases[] = {
	{slice_lit(SIGNATURE "\x21\x11\0\14" V4), "192.0.2.1"},
	{slice_lit(SIGNATURE "\x21\x11\0\17" V4 "\3\0\0"), "192.0.2.1"},
	{slice_lit(SIGNATURE "\x21\x21\0\44" V6), "2001:db8::1"},
	{slice_lit(SIGNATURE "\x20\0\0\0"), ""},
	{slice_lit(SIGNATURE "\x20\x11\0\14" V4), ""},
	{slice_lit(SIGNATURE "\x21\x31\0\14" V4), ""}, /* a Unix socket */
	{slice_lit(SIGNATURE "\x21\x11\0\13"
			     "\300\0\2\1\300\0\2\2\0\1\0"),
		NULL},
	{slice_lit(SIGNATURE "\x11\x11\0\14" V4), NULL}, /* version 1 has other headers */
	{slice_lit(SIGNATURE "\x22\x11\0\14" V4), NULL},
	{slice_lit(SIGNATURE "\x21\x11\2\11" V4), NULL}, /* too long */
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "192.0.2.1"},
	{slice_lit("PROXY TCP6 2001:db8::1 2001:db8::2 65535 0\r\n"), "2001:db8::1"},
	{slice_lit("PROXY UNKNOWN\r\n"), ""},
	{slice_lit("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), ""},
	{slice_lit("PROXY UNKNOWNS\r\n"), NULL},
	{slice_lit("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), NULL},
	{slice_lit("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.300 192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1\r192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), NULL},
	{slice_lit("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("EHLO mx.example\r\n"), NULL},
};

/* As they come from a socket: never more is read than is wanted. How much was read; -1: refused. */
static int read_bytes(struct slice in)
{
	size_t len = 0;
	int wants;

	while ((wants = proxy_wants(slice_head(in, len))) > 0) {
		len += (size_t)wants;
		if (len > in.len)
			return (int)len;
	}
	return wants < 0 ? -1 : (int)len;
}

static void check(struct slice header, const char *want)
{
	char text[IP_TEXT_MAX] = "";
	bool has_source = false;
	struct ip ip;

	if (read_bytes(header) != (int)header.len || !proxy_read(header, &has_source, &ip)) {
		assert_null(want);
		return;
	}
	if (has_source)
		ip_write(&ip, text);
	assert_non_null(want);
	assert_string_equal(text, want);
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t len = 0; len <= cases[i].header.len; len++) {
			char *copy = mem_alloc(len);
			const struct slice in = {copy, len};

			memcpy(copy, cases[i].header.ptr, len);
			if (len == cases[i].header.len)
				check(in, cases[i].want);
			else if (cases[i].want)
				assert_true(read_bytes(in) > (int)len);
			free(copy);
		}
	}
}

static void test_a_line_has_an_end(void **state)
{
	char line[PROXY_LINE_MAX + 2];
	struct slice in = {line, sizeof(line)};

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(read_bytes(in), -1);
	memcpy(line + PROXY_LINE_MAX - 2, "\r\n", 2);
	assert_int_equal(read_bytes(in), PROXY_LINE_MAX);
	memset(line + PROXY_LINE_MAX - 2, 'x', 2);
	memcpy(line + PROXY_LINE_MAX, "\r\n", 2);
	assert_int_equal(read_bytes(in), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers), cmocka_unit_test(test_a_line_has_an_end)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
