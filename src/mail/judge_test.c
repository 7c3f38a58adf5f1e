/* judge_test.c - who is stopped, for what, and who is not. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "mail/judge.h"

static const struct judge_settings usual = {
	.weights = {[JUDGE_RISE] = 40,
		[JUDGE_UNKNOWN] = 50,
		[JUDGE_SPAM] = 60,
		[JUDGE_COMPLAINT] = 40,
		[JUDGE_SCAN] = 40,
		[JUDGE_PLACE] = 40},
	.mark = 60,
};

static const struct {
	const char *what;
	struct judge_facts facts;
	const char *why;
	bool must_stop;
} cases[] = {
	{"nothing", {0}, "", false},
	{"a first newsletter", {.sent = 99}, "", false},
	{"a large first newsletter", {.sent = 900}, "rise=40", false},
	{"a usual newsletter", {.sent = 4000, .usual = 3000, .good_days = 50}, "", false},
	{"ten times the usual", {.sent = 1000, .usual = 100, .good_days = 50}, "rise=5", false},
	{"an old list", {.sent = 100, .answered = 100, .unknown = 60}, "unknown=50", false},
	{"few answers", {.answered = 9, .unknown = 9}, "", false},
	{"all unknown, and a rise", {.sent = 5000, .answered = 90, .unknown = 60},
		"rise=40 unknown=50", true},
	{"refused as spam, new account", {.sent = 50, .answered = 40, .refused = 12}, "spam=60",
		true},
	{"refused as spam, a long good past",
		{.sent = 50, .usual = 50, .good_days = 14, .answered = 40, .refused = 40},
		"spam=60", false},
	{"a past that is not long", {.good_days = 13, .answered = 40, .refused = 40}, "spam=60",
		true},
	{"refused as spam and unknown, a long good past",
		{.good_days = 400, .answered = 40, .refused = 20, .unknown = 20},
		"unknown=50 spam=60", true},
	{"some refused", {.answered = 1000, .refused = 30}, "", false},
	{"two weak signals", {.answered = 100, .refused = 8, .unknown = 20}, "unknown=16 spam=13",
		false},
	{"one complaint", {.complaints = 1}, "", false},
	{"complaints and a scanner", {.complaints = 6, .scanned = 10, .bad = 6},
		"complaint=40 scan=40", true},
	{"a scanner that errs", {.scanned = 1000, .bad = 20}, "", false},
	{"a journey", {.sent = 40, .usual = 30, .good_days = 99, .strange = 30, .is_far = true}, "",
		false},
	{"a thief abroad",
		{.sent = 2000, .usual = 30, .good_days = 99, .strange = 1900, .is_far = true},
		"rise=40 place=40", true},
	{"a thief nearby", {.sent = 2000, .usual = 30, .good_days = 99, .strange = 1900},
		"rise=40 place=24", true},
	{"more unknown than answered", {.answered = 5, .unknown = 50}, "unknown=50", false},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct judge_verdict got;

		judge(&cases[i].facts, &usual, &got);
		if (strcmp(got.why, cases[i].why) != 0 || got.must_stop != cases[i].must_stop)
			fail_msg("%s: %s (%u), %d", cases[i].what, got.why, got.points,
				got.must_stop);
	}
}

/* Numbers of any size, all signals at once: the text fits. */
static void test_extremes(void **state)
{
	struct judge_settings all = {.mark = 1};
	struct judge_facts most;
	struct judge_verdict got;

	(void)state;
	memset(&most, 0x7f, sizeof(most));
	most.is_far = true;
	most.usual = most.good_days = 0;
	for (size_t i = 0; i < JUDGE_SIGNALS; i++)
		all.weights[i] = JUDGE_WEIGHT_MAX;
	most.sent = most.unknown = most.refused = most.answered = UINT32_MAX;
	most.scanned = most.bad = most.complaints = most.strange = UINT32_MAX;
	judge(&most, &all, &got);
	assert_int_equal(got.points, JUDGE_SIGNALS * JUDGE_WEIGHT_MAX);
	assert_string_equal(
		got.why, "rise=1000 unknown=1000 spam=1000 complaint=1000 scan=1000 place=1000");
	assert_true(got.must_stop);
}

static void test_weights(void **state)
{
	struct judge_settings s = usual;
	struct err err;

	(void)state;
	assert_int_equal(judge_weights(slice_lit("rise=0 spam=7"), &s, &err), 0);
	assert_int_equal(s.weights[JUDGE_RISE], 0);
	assert_int_equal(s.weights[JUDGE_SPAM], 7);
	assert_int_equal(s.weights[JUDGE_UNKNOWN], 50);
	assert_int_equal(judge_weights(slice_lit("ris=1"), &s, &err), -ERR_SYNTAX);
	assert_int_equal(judge_weights(slice_lit("rise"), &s, &err), -ERR_SYNTAX);
	assert_int_equal(judge_weights(slice_lit("rise=1001"), &s, &err), -ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
