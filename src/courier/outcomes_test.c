/* outcomes_test.c - what refusals say. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "courier/outcomes.h"

static const struct {
	const char *reply;
	enum outcome_kind want;
} cases[] = {
	{"", OUTCOME_OTHER},
	{"250 2.1.5 spam is welcome", OUTCOME_OTHER},
	{"550 5.1.1 <x@y.example>: no", OUTCOME_UNKNOWN},
	{"550-5.1.1 The email account that you tried to reach does not exist", OUTCOME_UNKNOWN},
	{"550 5.1.10 RESOLVER.ADR.RecipientNotFound", OUTCOME_UNKNOWN},
	{"550 User unknown in virtual mailbox table", OUTCOME_UNKNOWN},
	{"553 5.1.8 the sender's domain has no address", OUTCOME_OTHER},
	{"550 5.7.1 Message rejected as SPAM", OUTCOME_SPAM},
	{"554 5.7.1 Service unavailable; blocked using zen.example", OUTCOME_SPAM},
	{"421 4.7.28 unusual rate of unsolicited mail", OUTCOME_SPAM},
	{"550 Your message looks like junk", OUTCOME_SPAM},
	{"550 5.7.1 relaying denied", OUTCOME_OTHER},
	{"552 5.2.2 over quota in the spam folder", OUTCOME_OTHER},
	{"550 5.7.26 unauthenticated mail", OUTCOME_OTHER},
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (outcome_kind_of(slice_str(cases[i].reply)) != cases[i].want)
			fail_msg("%s", cases[i].reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
