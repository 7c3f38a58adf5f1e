/* templates_test.c - every template is well-formed, names only others that are there, and puts a
 * value into an attribute only where quotes are around it. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "web/templates.h"

static void test_set(void **state)
{
	struct err err;

	(void)state;
	if (page_set_check(&web_templates, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Escaping is no help in a tag outside of quotes, nor in a style or an event's attribute. */
static void check_attributes(const struct page_template *template)
{
	const struct slice s = template->source;
	bool is_in_tag = false, is_in_quotes = false;

	assert_true(slice_find(s, slice_lit(" style=")) == SIZE_MAX);
	assert_true(slice_find(s, slice_lit(" onclick=")) == SIZE_MAX);
	for (size_t at = 0; at + 2 < s.len; at++) {
		const char c = s.ptr[at];

		if (c == '{' && s.ptr[at + 1] == '{') {
			if (is_in_tag && !is_in_quotes &&
				slice_chr(slice_lit("#^/"), s.ptr[at + 2]) == SIZE_MAX)
				fail_msg("%s: %.*s", template->name, 20, s.ptr + at);
			at += slice_find(slice_from(s, at), slice_lit("}}")) + 1;
		} else if (is_in_tag && c == '"') {
			is_in_quotes = !is_in_quotes;
		} else if (!is_in_quotes && (c == '<' || c == '>')) {
			is_in_tag = c == '<';
		}
	}
}

static void test_attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < web_templates.n; i++)
		check_attributes(&web_templates.templates[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
