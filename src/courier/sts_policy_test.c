/* sts_policy_test.c - policies and records of MTA-STS, good and bad, and which hosts fit. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "courier/sts_policy.h"

static const struct {
	const char *text, *result; /* "MODE AGE MX,MX", or "" for what is no policy */
} policies[] = {
	{"version: STSv1\r\nmode: enforce\r\nmx: mail.example\r\nmx: *.example\r\nmax_age: "
	 "604800\r\n",
		"enforce 604800 mail.example,*.example,"},
	{"version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1", "testing 1 a.example,"},
	{"version:STSv1  \nmode:\tnone\nmax_age: 86400\n", "none 86400 "},
	/* order does not matter, blank lines and unknown fields neither */
	{"max_age: 5\n\nmx: A.example\nfuture: \xc3\xa9:x\nmode: enforce\nversion: STSv1",
		"enforce 5 A.example,"},
	/* the first one counts */
	{"version: STSv1\nmode: testing\nmode: enforce\nmx: a.b\nmax_age: 5\nmax_age: x\n"
	 "version: STSv2\n",
		"testing 5 a.b,"},
	{"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9999999999", "enforce 31557600 a.b,"},
	{"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 99999999999", ""},
	{"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: -1", ""},
	{"version: STSv1\nmode: enforce\nmx: a.b", ""},
	{"version: STSv1\nmode: enforce\nmax_age: 5", ""},
	{"version: STSv1\nmx: a.b\nmax_age: 5", ""},
	{"mode: enforce\nmx: a.b\nmax_age: 5", ""},
	{"version: STSv2\nmode: enforce\nmx: a.b\nmax_age: 5", ""},
	{"version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 5", ""},
	{"version: STSv1\nmode: enforce\nmx: a..b\nmax_age: 5", ""},
	{"version: STSv1\nmode: enforce\nmx: *\nmax_age: 5", ""},
	{"version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 5", ""},
	{"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 5", ""},
	{"version: STSv1\nmode: enforce\nmx:\nmax_age: 5", ""},
	{"<html>not found</html>", ""},
	{"", ""},
};

static void test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct sts_policy policy = {.max_age_s = 77};
		char result[200] = "";
		struct err err;
		const int rc = sts_policy_parse(slice_str(policies[i].text), &policy, &err);

		if (rc < 0) {
			assert_int_equal(rc, -ERR_SYNTAX);
			assert_int_equal(policy.max_age_s, 77);
		} else {
			snprintf(result, sizeof(result), "%s %lld ", sts_mode_name(policy.mode),
				(long long)policy.max_age_s);
		}
		for (size_t k = 0; rc == 0 && k < policy.mx_n; k++)
			snprintf(result + strlen(result), sizeof(result) - strlen(result), "%.*s,",
				SLICE_ARG(policy.mx[k]));
		assert_string_equal(result, policies[i].result);
	}
}

static void test_bounds(void **state)
{
	static char text[STS_TEXT_MAX + 1];
	struct sts_policy policy;
	struct err err;
	size_t n =
		(size_t)snprintf(text, sizeof(text), "version: STSv1\nmode: enforce\nmax_age: 5\n");

	(void)state;
	for (int i = 0; i <= STS_MX_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "mx: a%d.b\n", i);
	assert_int_equal(sts_policy_parse((struct slice){text, n}, &policy, &err), -ERR_TOOBIG);
	memset(text, '\n', sizeof(text));
	assert_int_equal(
		sts_policy_parse((struct slice){text, sizeof(text)}, &policy, &err), -ERR_TOOBIG);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool fits;
	} rows[] = {
		{"mx.example", "mx.example", true},
		{"mx.example", "MX.Example.", true},
		{"mx.example", "a.mx.example", false},
		{"mx.example", "mxx.example", false},
		{"*.example", "mx.example", true},
		{"*.example", "a.mx.example", false},
		{"*.example", "example", false},
		{"*.example", ".example", false},
		{"*.example", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sts_policy policy = {
			.mx = {slice_lit("other"), slice_str(rows[i].pattern)}, .mx_n = 2};

		assert_int_equal(sts_policy_fits(&policy, slice_str(rows[i].host)), rows[i].fits);
	}
}

static void test_records(void **state)
{
	static const struct {
		const char *text;
		bool is;
		const char *id;
	} rows[] = {
		{"v=STSv1; id=20160831085700Z;", true, "20160831085700Z"},
		{"v=STSv1;id=1", true, "1"},
		{"v=STSv1 ; x=y ; id = abc ;", true, "abc"},
		{"v=STSv1; id=a b", true, ""},
		{"v=STSv1; id=", true, ""},
		{"v=STSv1; id=123456789012345678901234567890123", true, ""},
		{"v=STSv1", true, ""},
		{"v=STSv10; id=1", false, ""},
		{"id=1; v=STSv1", false, "" /* nobody asks for it */},
		{"", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct slice text = slice_str(rows[i].text);

		assert_int_equal(sts_record_is(text), rows[i].is);
		if (rows[i].is)
			assert_true(slice_eq(sts_record_id(text), slice_str(rows[i].id)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
