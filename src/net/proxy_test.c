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
	{slice_lit("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), NULL},
	{slice_lit("EHLO mx.example\r\n"), NULL},
};

static void check(struct slice header, const char *want)
{
	char text[IP_TEXT_MAX] = "";
	bool has_source = false;
	struct ip ip;

	if (proxy_length(header) != (int)header.len || !proxy_read(header, &has_source, &ip)) {
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
			else if (cases[i].want && len < PROXY_HEAD)
				assert_int_equal(proxy_length(in), 0);
			else if (cases[i].want)
				assert_int_equal(proxy_length(in), cases[i].header.len);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_headers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
