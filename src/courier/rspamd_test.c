/* rspamd_test.c - what Rspamd may answer, right and wrong. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "courier/scanner.h"

enum { FIELDS_MAX = 8192 };

#define NUMBERS "\"score\":7.25,\"required_score\":15"

static const struct {
	const char *json, *want; /* action, text, fields with "|" for their ends; NULL: refused */
} cases[] = {
	{"{\"action\":\"no action\"," NUMBERS "}",
		"0 <> X-Spam-Status: No, score=7.2 required=15.0|"},
	{"{\"action\":\"add header\"," NUMBERS "}",
		"0 <> X-Spam-Status: Yes, score=7.2 required=15.0|"},
	{"{\"action\":\"reject\"," NUMBERS ",\"messages\":{\"smtp_message\":\"Go away\"}}",
		"3 <Go away> X-Spam-Status: Yes, score=7.2 required=15.0|"},
	{"{\"action\":\"soft reject\"}", "2 <> X-Spam-Status: Yes, score=0.0 required=0.0|"},
	{"{\"action\":\"greylist\"}", "2 <> X-Spam-Status: Yes, score=0.0 required=0.0|"},
	{"{\"action\":\"no action\",\"milter\":{\"add_headers\":{\"X-A\":\"one\","
	 "\"X-B\":{\"value\":\"two\\r\\nX: y\",\"order\":0},\"X-C\":[\"3\",{\"value\":\"4\"}],"
	 "\"X D\":\"no\",\"\":\"no\",\"X-E\":5}}}",
		"0 <> X-Spam-Status: No, score=0.0 required=0.0|X-A: one|X-B: two  X: y|X-C: "
		"3|X-C: "
		"4|"},
	{"{\"action\":5}", NULL},
	{"{}", NULL},
	{"[]", NULL},
	{"", NULL},
	{"{\"action\":\"reject\"", NULL},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf texts AUTO(buf_done), fields AUTO(buf_done), got AUTO(buf_done);
		struct scan_result result;
		struct err err;
		int rc;

		buf_init(&texts, SCAN_TEXT_MAX);
		buf_init(&fields, FIELDS_MAX);
		buf_init(&got, FIELDS_MAX);
		rc = rspamd_read(slice_str(cases[i].json), &texts, &fields, &result, &err);
		assert_int_equal(rc, cases[i].want ? 0 : -ERR_SYNTAX);
		if (rc < 0)
			continue;
		buf_printf(&got, "%d <%.*s> ", result.action, SLICE_ARG(result.text));
		for (size_t k = 0; k < fields.len; k++) {
			if (fields.ptr[k] == '\n')
				got.ptr[got.len - 1] = '|';
			else
				buf_byte(&got, fields.ptr[k]);
		}
		buf_byte(&got, '\0');
		assert_string_equal(got.ptr, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
