/* csrf_test.c - a token fits its cookie only, and no byte of it can be another. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "web/csrf.h"

static void test_token(void **state)
{
	const struct slice cookie = slice_lit("cookie-of-ann"), other = slice_lit("cookie-of-bob");
	char a[CSRF_TEXT + 1], b[CSRF_TEXT + 1];

	(void)state;
	csrf_make(cookie, a);
	csrf_make(cookie, b);
	assert_string_not_equal(a, b);
	assert_true(csrf_check(cookie, slice_str(a)));
	assert_true(csrf_check(cookie, slice_str(b)));
	assert_false(csrf_check(other, slice_str(a)));
	assert_false(csrf_check(cookie, slice_head(slice_str(a), CSRF_TEXT - 1)));
	assert_false(csrf_check(cookie, (struct slice){0}));
	assert_false(csrf_check((struct slice){0}, slice_str(a)));
	for (size_t i = 0; i < CSRF_TEXT; i++) {
		memcpy(b, a, sizeof(a));
		b[i] = b[i] == '0' ? '1' : '0';
		assert_false(csrf_check(cookie, slice_str(b)));
	}
}

/* Without a cookie an outsider could make the token of an empty one. */
static void test_empty_cookie(void **state)
{
	char a[CSRF_TEXT + 1];

	(void)state;
	csrf_make(slice_lit(""), a);
	assert_false(csrf_check(slice_lit(""), slice_str(a)));
}

static void test_origin(void **state)
{
	static const struct {
		const char *site, *origin;
		bool is_good;
	} rows[] = {
		{NULL, NULL, true},
		{NULL, "https://www.p.example", true},
		{NULL, "https://www.p.example.evil.example", false},
		{NULL, "http://www.p.example", false},
		{NULL, "null", false},
		{NULL, "", false},
		{"same-origin", NULL, true},
		{"none", NULL, true},
		{"same-site", "https://www.p.example", false},
		{"cross-site", "https://www.p.example", false},
		{"", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct slice none = {0};

		assert_int_equal(csrf_is_same_origin(rows[i].site ? slice_str(rows[i].site) : none,
					 rows[i].origin ? slice_str(rows[i].origin) : none,
					 slice_lit("https://www.p.example")),
			rows[i].is_good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_empty_cookie),
		cmocka_unit_test(test_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
