/* tls_results_test.c - sessions are counted by day, domain, policy and failure, within bounds. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "courier/tls_results.h"

static char path[TEMP_MAX];

static int open_file(void **state)
{
	struct tls_results *results;
	char name[40];
	struct err err;

	snprintf(name, sizeof(name), "tls-results-%d.db", (int)getpid());
	temp_path(path, name);
	assert_int_equal(tls_results_open(path, NULL, &results, &err), 0);
	*state = results;
	return 0;
}

static int close_file(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char name[TEMP_MAX + 4];

	tls_results_close((struct tls_results **)state);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return 0;
}

static int64_t today(void)
{
	return clock_wall_s() / TLS_RESULTS_DAY_S;
}

static size_t read_all(struct tls_results *results, const char *domain, struct arena *arena,
	struct tls_summary **list)
{
	struct err err;
	size_t n = 0;

	assert_int_equal(
		tls_results_read(results, today(), slice_str(domain), arena, list, &n, &err), 0);
	return n;
}

static const struct tls_session good = {.domain = {"one.example", 11},
	.policy = {.type = TLS_POLICY_STS,
		.domain = {"one.example", 11},
		.strings = {"version: STSv1\nmode: enforce", 28},
		.mx = {"*.one.example", 13}}};

static void test_counting(void **state)
{
	struct tls_session bad = good, other = {.domain = slice_lit("two.example")};
	struct tls_results *results = *state;
	struct tls_summary *list;
	struct arena arena;
	struct slice *domains;
	struct err err;
	int64_t day = 0;
	size_t n;

	arena_init(&arena, 1 << 20);
	assert_int_equal(tls_results_oldest(results, &day, &err), -ERR_NOTFOUND);
	bad.result = TLS_RESULT_EXPIRED;
	bad.our_ip = slice_lit("192.0.2.1");
	bad.mx_host = slice_lit("mx.one.example");
	bad.mx_ip = slice_lit("2001:db8::1");
	bad.reason = slice_lit("long ago");
	for (int i = 0; i < 3; i++)
		tls_results_note(results, &good);
	tls_results_note(results, &bad);
	tls_results_note(results, &bad);
	bad.result = TLS_RESULT_NOT_TRUSTED;
	tls_results_note(results, &bad);
	other.result = TLS_RESULT_NO_STARTTLS;
	tls_results_note(results, &other);
	assert_int_equal(tls_results_oldest(results, &day, &err), 0);
	assert_int_equal(day, today());
	assert_int_equal(tls_results_domains(results, day, &arena, &domains, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_true(slice_eq(domains[0], good.domain) && slice_eq(domains[1], other.domain));
	assert_int_equal(read_all(results, "one.example", &arena, &list), 1);
	assert_int_equal(list[0].policy.type, TLS_POLICY_STS);
	assert_true(slice_eq(list[0].policy.strings, good.policy.strings));
	assert_true(slice_eq(list[0].policy.mx, good.policy.mx));
	assert_int_equal(list[0].good, 3);
	assert_int_equal(list[0].failed, 3);
	assert_int_equal(list[0].failures_n, 2);
	assert_string_equal(tls_result_name(list[0].failures[0].result), "certificate-expired");
	assert_int_equal(list[0].failures[0].sessions, 2);
	assert_true(slice_eq(list[0].failures[1].mx_ip, bad.mx_ip));
	assert_true(slice_eq(list[0].failures[1].reason, bad.reason));
	assert_int_equal(read_all(results, "two.example", &arena, &list), 1);
	assert_string_equal(tls_policy_type_name(list[0].policy.type), "no-policy-found");
	assert_int_equal(read_all(results, "none.example", &arena, &list), 0);
	arena_done(&arena);
}

static void test_bounds(void **state)
{
	struct tls_session bad = good;
	struct tls_results *results = *state;
	struct tls_summary *list;
	struct arena arena, small;
	char text[2 * TLS_RESULTS_TEXT_MAX], reason[16];
	struct err err;
	size_t n = 7;

	arena_init(&arena, 1 << 20);
	arena_init(&small, 100);
	bad.result = TLS_RESULT_FAILED;
	for (int i = 0; i < 2 * TLS_RESULTS_FAILURES_MAX; i++) {
		snprintf(reason, sizeof(reason), "%d", i);
		bad.reason = slice_str(reason);
		tls_results_note(results, &bad);
	}
	assert_int_equal(read_all(results, "one.example", &arena, &list), 1);
	assert_int_equal(list[0].failed, 2 * TLS_RESULTS_FAILURES_MAX);
	assert_int_equal(list[0].failures_n, TLS_RESULTS_FAILURES_MAX);
	assert_int_equal(tls_results_read(results, today(), good.domain, &small, &list, &n, &err),
		-ERR_TOOBIG);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	bad.policy.strings = (struct slice){text, sizeof(text)};
	tls_results_note(results, &bad);
	assert_int_equal(read_all(results, "one.example", &arena, &list), 2);
	assert_true(list[1].policy.strings.len < TLS_RESULTS_TEXT_MAX);
	arena_done(&arena);
	arena_done(&small);
}

static void test_forgetting(void **state)
{
	struct tls_results *results = *state;
	struct tls_summary *list;
	struct arena arena;
	struct err err;
	int64_t day;

	arena_init(&arena, 1 << 20);
	tls_results_note(results, &good);
	assert_int_equal(tls_results_forget(results, today() - 1, &err), 0);
	assert_int_equal(read_all(results, "one.example", &arena, &list), 1);
	assert_int_equal(tls_results_forget(results, today(), &err), 0);
	assert_int_equal(tls_results_oldest(results, &day, &err), -ERR_NOTFOUND);
	tls_results_note(results, &good);
	tls_results_close(&results);
	assert_int_equal(tls_results_open(path, NULL, &results, &err), 0);
	*state = results;
	assert_int_equal(read_all(results, "one.example", &arena, &list), 1);
	assert_int_equal(list[0].good, 1);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counting, open_file, close_file),
		cmocka_unit_test_setup_teardown(test_bounds, open_file, close_file),
		cmocka_unit_test_setup_teardown(test_forgetting, open_file, close_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
