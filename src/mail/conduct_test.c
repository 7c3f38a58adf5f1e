/* conduct_test.c - what is counted of accounts over days and restarts, and who is stopped. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mail/conduct.h"
#include "mail/mail_kit.h"

enum { DAY = 86400 };

static struct mail_kit kit;
static int64_t moved_s;
static unsigned told;

static void tell(struct service *service, uint64_t account, const char *why)
{
	(void)service;
	(void)account;
	(void)why;
	told++;
}

static void move(int64_t s)
{
	clock_shift(s * 1000000);
	moved_s += s;
}

static void reopen(void)
{
	const struct conduct_config config = {
		.judge = {.weights = {40, 50, 60, 40, 40, 40}, .mark = 60},
		.link = slice_lit("https://www.example/help")};
	struct err err;

	conduct_close(&kit.service);
	if (conduct_open(&kit.service, &config, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	kit.service.tell_stopped = tell;
	told = 0;
	reopen();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	conduct_close(&kit.service);
	kit_close(&kit);
	move(-moved_s);
	return 0;
}

/* To so many recipients, of whom the first is number `from`. */
static void sends(enum kit_account who, const char *peer, size_t n, unsigned from)
{
	struct mail_recipient list[100] = {0};
	char addresses[100][40];
	struct mail_envelope env = {.recipients = list,
		.recipients_n = n,
		.submitter = kit.ids[who],
		.peer = slice_str(peer)};

	for (size_t i = 0; i < n; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "r%zu@far.example", from + i);
		list[i].address = slice_str(addresses[i]);
	}
	conduct_sent(&kit.service, &env);
}

static struct conduct_state state_of(enum kit_account who)
{
	struct conduct_state state;
	struct err err;

	assert_int_equal(conduct_show(&kit.service, kit.ids[who], &state, &err), 0);
	return state;
}

static void test_days(void **state)
{
	struct conduct_state got;

	(void)state;
	for (int day = 0; day < 20; day++) {
		sends(KIT_ALICE, "192.0.2.1", 50, 0);
		move(DAY);
	}
	got = state_of(KIT_ALICE);
	assert_int_equal(got.facts.usual, 50);
	assert_int_equal(got.facts.good_days, 20);
	assert_true(got.facts.sent <= 50);
	/* Days without mail count for nothing; the rest outlives a restart. */
	move(10 * DAY);
	reopen();
	got = state_of(KIT_ALICE);
	assert_int_equal(got.facts.good_days, 20);
	assert_int_equal(got.facts.sent, 0);
	/* With such a past one sign alone stops nobody. */
	conduct_answered(&kit.service, kit.ids[KIT_ALICE], 40, 0, 40);
	got = state_of(KIT_ALICE);
	assert_int_equal(got.verdict.points, 60);
	assert_false(got.is_stopped);
	conduct_answered(&kit.service, kit.ids[KIT_ALICE], 40, 40, 0);
	assert_true(state_of(KIT_ALICE).is_stopped);
	assert_int_equal(told, 1);
	/* A day like that is not forgotten soon. */
	sends(KIT_ALICE, "192.0.2.1", 1, 0);
	move(2 * DAY);
	assert_int_equal(state_of(KIT_ALICE).facts.good_days, 10);
}

static void test_places(void **state)
{
	(void)state;
	sends(KIT_BOB, "192.0.2.1", 100, 0);
	assert_int_equal(state_of(KIT_BOB).facts.strange, 0); /* the first place is nothing new */
	sends(KIT_BOB, "192.0.2.200", 100, 100);
	assert_int_equal(state_of(KIT_BOB).facts.strange, 0); /* the same network */
	sends(KIT_BOB, "198.51.100.1", 100, 100);
	assert_in_range(state_of(KIT_BOB).facts.strange, 0, 0); /* known recipients */
	sends(KIT_BOB, "198.51.100.1", 100, 500);
	assert_in_range(state_of(KIT_BOB).facts.strange, 80, 100);
	move(2 * DAY);
	sends(KIT_BOB, "198.51.100.1", 100, 900);
	assert_int_equal(state_of(KIT_BOB).facts.strange, 0); /* no more new */
	for (unsigned i = 0; i < 40; i++) {
		char peer[40];

		snprintf(peer, sizeof(peer), "2001:db8:%x::1", i);
		sends(KIT_BOB, peer, 1, i);
	}
	sends(KIT_BOB, "no address", 1, 0);
	sends(KIT_BOB, "", 1, 0);
	reopen();
	assert_int_equal(state_of(KIT_BOB).facts.sent > 0, 1);
}

static void test_stops(void **state)
{
	const uint64_t id = kit.ids[KIT_CAROL];
	struct err err;

	(void)state;
	assert_int_equal(conduct_check(&kit.service, id, &err), 0);
	assert_int_equal(conduct_allow(&kit.service, id, &err), -ERR_NOTFOUND);
	assert_int_equal(conduct_stop(&kit.service, id, "by an operator", &err), 0);
	assert_int_equal(conduct_stop(&kit.service, id, "by an operator", &err), -ERR_EXISTS);
	assert_int_equal(conduct_check(&kit.service, id, &err), -ERR_DENIED);
	assert_non_null(strstr(err.msg, "https://www.example/help"));
	reopen();
	assert_int_equal(conduct_check(&kit.service, id, &err), -ERR_DENIED);
	assert_int_equal(conduct_check(&kit.service, kit.ids[KIT_BOB], &err), 0);
	assert_int_equal(conduct_allow(&kit.service, id, &err), 0);
	assert_int_equal(conduct_check(&kit.service, id, &err), 0);
	/* Again, before the courier has heard anything. */
	assert_int_equal(conduct_stop(&kit.service, id, "by an operator", &err), 0);
	assert_int_equal(conduct_check(&kit.service, id, &err), -ERR_DENIED);
	assert_int_equal(told, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_days, setup, teardown),
		cmocka_unit_test_setup_teardown(test_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stops, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
