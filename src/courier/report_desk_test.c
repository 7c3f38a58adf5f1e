/* report_desk_test.c - results of TLS as the server takes them over for its reports. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "courier/report_desk.h"
#include "courier/tls_results.h"

#define DAY_US ((int64_t)TLS_RESULTS_DAY_S * 1000000)

static struct courier courier;
static char folder[TEMP_MAX];

static int setup(void **state)
{
	struct err err;

	(void)state;
	if (!mkdtemp(temp_path(folder, "report-desk-XXXXXX")) || chdir(folder) < 0)
		return -1;
	return tls_results_open("tls.db", NULL, &courier.tls_results, &err);
}

static int teardown(void **state)
{
	(void)state;
	tls_results_close(&courier.tls_results);
	unlink("tls.db");
	unlink("tls.db-wal");
	unlink("tls.db-shm");
	return chdir("/") < 0 || rmdir(folder) < 0;
}

static void note(const char *domain, enum tls_result result, const char *reason)
{
	const struct tls_session session = {.domain = slice_str(domain),
		.policy = {.type = TLS_POLICY_STS,
			.domain = slice_str(domain),
			.strings = slice_lit("version: STSv1\nmode: enforce"),
			.mx = slice_lit("*.mx.example")},
		.result = result,
		.mx_host = slice_lit("a.mx.example"),
		.reason = slice_str(reason)};

	tls_results_note(courier.tls_results, &session);
}

static json_t *ask(report_wish_fn *wish, json_t *args, int rc)
{
	json_t *out = json_object();
	struct err err;

	assert_int_equal(wish(&courier, args, out, &err), rc);
	json_decref(args);
	return out;
}

/* What a day that is over has, behind that domain. */
static json_t *results(const char *after)
{
	json_t *out;

	clock_shift(2 * DAY_US); /* whatever the hour is */
	out = ask(report_desk_results, json_pack("{s:s}", "after", after), 0);
	clock_shift(-2 * DAY_US);
	return out;
}

static void test_only_days_that_are_over(void **state)
{
	json_t *out = ask(report_desk_results, json_object(), 0);

	(void)state;
	assert_int_equal(json_object_size(out), 0);
	json_decref(out);
	note("a.example", TLS_RESULT_GOOD, "");
	out = ask(report_desk_results, json_object(), 0);
	assert_int_equal(json_object_size(out), 0);
	json_decref(out);
}

static void test_policies_are_as_the_standard_has_them(void **state)
{
	static const char want[] =
		"[{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"a.example\","
		"\"policy-string\":[\"version: STSv1\",\"mode: enforce\"],"
		"\"mx-host\":[\"*.mx.example\"]},\"summary\":{"
		"\"total-successful-session-count\":2,\"total-failure-session-count\":1},"
		"\"failure-details\":[{\"result-type\":\"certificate-expired\","
		"\"failed-session-count\":1,\"receiving-mx-hostname\":\"a.mx.example\","
		"\"failure-reason-code\":\"old\"}]}]";
	json_t *out, *row, *expected = json_loads(want, 0, NULL);

	(void)state;
	note("a.example", TLS_RESULT_GOOD, "");
	note("a.example", TLS_RESULT_EXPIRED, "old");
	note("a.example", TLS_RESULT_GOOD, "");
	out = results("");
	row = json_array_get(json_object_get(out, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "domain")), "a.example");
	assert_true(json_equal(json_object_get(row, "policies"), expected));
	assert_false(json_is_true(json_object_get(out, "more")));
	json_decref(expected);
	json_decref(out);
}

/* Many large domains come in pieces, each of them once; then they are forgotten. */
static void test_a_day_comes_in_pieces(void **state)
{
	char name[32], reason[2048], after[32] = "";
	size_t pieces = 0, domains = 0;
	json_int_t day = 0;
	bool more = true;
	json_t *out;

	(void)state;
	for (int d = 0; d < 5; d++) {
		for (int i = 0; i < TLS_RESULTS_FAILURES_MAX; i++) {
			snprintf(name, sizeof(name), "d%d.example", d);
			snprintf(reason, sizeof(reason), "%2000d", i);
			note(name, TLS_RESULT_FAILED, reason);
		}
	}
	for (; more && pieces < 10; pieces++) {
		const json_t *rows, *last;

		out = results(after);
		rows = json_object_get(out, "rows");
		domains += json_array_size(rows);
		last = json_array_get(rows, json_array_size(rows) - 1);
		snprintf(after, sizeof(after), "%s",
			json_string_value(json_object_get(last, "domain")));
		more = json_is_true(json_object_get(out, "more"));
		day = json_integer_value(json_object_get(out, "day"));
		json_decref(out);
	}
	assert_int_equal(domains, 5);
	assert_true(pieces > 1 && pieces < 5);
	json_decref(ask(report_desk_forget, json_pack("{s:I}", "day", day), 0));
	out = results("");
	assert_int_equal(json_object_size(out), 0);
	json_decref(out);
}

static void test_wrong_wishes(void **state)
{
	(void)state;
	json_decref(ask(report_desk_forget, json_object(), -ERR_SYNTAX));
	json_decref(ask(report_desk_post, json_object(), -ERR_SYNTAX));
	json_decref(ask(report_desk_post,
		json_pack("{s:s, s:s}", "url", "http://a.example/", "body", "YQ=="), -ERR_SYNTAX));
	json_decref(ask(report_desk_post,
		json_pack("{s:s, s:s}", "url", "https://a.example/", "body", "?"), -ERR_SYNTAX));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_only_days_that_are_over),
		TEST(test_policies_are_as_the_standard_has_them),
		TEST(test_a_day_comes_in_pieces),
		TEST(test_wrong_wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
