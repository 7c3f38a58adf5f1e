/* scan_test.c - text search across chunks and without regard to case. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mail/scan.h"

/* Feeds hay in pieces of `step` bytes (whole characters are the caller's care: ASCII here). */
static bool is_in(struct slice needle, struct slice hay, size_t step)
{
	struct scan scan;
	bool is_found;

	scan_init(&scan, needle);
	scan_restart(&scan);
	for (size_t at = 0; at < hay.len; at += step)
		scan_feed(&scan, slice_head(slice_from(hay, at), step));
	is_found = scan.is_found;
	scan_done(&scan);
	return is_found;
}

static void test_table(void **state)
{
	static const struct {
		const char *needle, *hay;
		bool want;
	} cases[] = {
		{"fox", "the quick brown FOX", true},
		{"FOX", "the quick brown fox", true},
		{"fox", "the quick brown fo", false},
		{"aab", "aaaaab", true},
		{"", "anything", true},
		{"x", "", false},
		{"J\xc3\x9cRGEN", "dear j\xc3\xbcrgen", true},
		{"\xce\xa3", "\xcf\x83", true}, /* sigma */
		{"\xc3\xa4", "\xc3\xb6", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct slice needle = slice_str(cases[i].needle);
		const struct slice hay = slice_str(cases[i].hay);

		if (is_in(needle, hay, 4096) != cases[i].want)
			fail_msg("<%s> in <%s>", cases[i].needle, cases[i].hay);
	}
}

static void test_every_cut(void **state)
{
	const struct slice hay = slice_lit("one two three four five");

	(void)state;
	for (size_t step = 1; step <= hay.len; step++) {
		assert_true(is_in(slice_lit("two three"), hay, step));
		assert_true(is_in(slice_lit("five"), hay, step));
		assert_false(is_in(slice_lit("two four"), hay, step));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
