/* gateway_test.c - the templates of the SMS gateway. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "courier/gateway.h"

static const struct {
	enum gateway_coding coding;
	const char *template, *number, *text, *want;
} cases[] = {
	{GATEWAY_PLAIN, "", "+1", "x", ""},
	{GATEWAY_PLAIN, "{number} {text} {secret}", "+1", "a \"b\"", "+1 a \"b\" key&"},
	{GATEWAY_PLAIN, "{numbe} {text {} {other}", "+1", "x", "{numbe} {text {} {other}"},
	{GATEWAY_PLAIN, "{{text}}", "+1", "{number}", "{{number}}"}, /* filled once */
	{GATEWAY_PERCENT, "to={number}&t={text}&k={secret}", "+49 1", "a&b=\xc3\xa9~",
		"to=%2B49%201&t=a%26b%3D%C3%A9~&k=key%26"},
	{GATEWAY_JSON, "{\"t\":\"{text}\"}", "+1", "a\"\\\n\xc3\xa9",
		"{\"t\":\"a\\\"\\\\\\u000a\xc3\xa9\"}"},
};

static void test_fill(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct gateway_values values = {.number = slice_str(cases[i].number),
			.text = slice_str(cases[i].text),
			.secret = slice_lit("key&")};
		struct buf out AUTO(buf_done);

		buf_init(&out, GATEWAY_TEXT_MAX);
		gateway_fill(slice_str(cases[i].template), &values, cases[i].coding, &out);
		if (!slice_eq(buf_slice(&out), slice_str(cases[i].want)))
			fail_msg("case %zu: <%.*s>", i, SLICE_ARG(buf_slice(&out)));
	}
}

static void test_coding(void **state)
{
	static const struct {
		const char *type;
		enum gateway_coding want;
	} types[] = {
		{"application/json", GATEWAY_JSON},
		{"application/vnd.sms+json; charset=utf-8", GATEWAY_JSON},
		{"Application/X-WWW-form-urlencoded ;a=b", GATEWAY_PERCENT},
		{"text/plain", GATEWAY_PLAIN},
		{"", GATEWAY_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(gateway_coding_of(slice_str(types[i].type)), types[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_coding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
