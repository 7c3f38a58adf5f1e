/* limits_test.c - sending against a level, hours and days, over a restart; a full account's grace
 * time and warnings. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "directory/level.h"
#include "mail/limits.h"
#include "mail/mail_kit.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct mail_kit kit;
static int64_t moved_s;
static unsigned told[16];
static size_t told_n;

static void tell(struct service *service, uint64_t account, unsigned percent)
{
	(void)service;
	(void)account;
	if (told_n < 16)
		told[told_n++] = percent;
}

static void move(int64_t s)
{
	clock_shift(s * 1000000);
	moved_s += s;
}

static void open_limits(void)
{
	struct err err;

	assert_int_equal(mail_limits_open(&kit.service, &err), 0);
}

static int setup(void **state)
{
	struct directory_level level = {.name = slice_lit("small"),
		.message_bytes = 1 << 20,
		.sends_hour = 10,
		.sends_day = 25,
		.services = DIRECTORY_SERVICES_ALL,
		.spam = DIRECTORY_SPAM_BASIC,
		.storage_bytes = DIRECTORY_UNLIMITED,
		.has_all_domains = true};
	const struct slice small = level.name, guest = slice_lit("guest");
	struct err err;

	(void)state;
	kit_open(&kit);
	kit.service.tell_quota = tell;
	kit.service.limits.quota_grace_s = 7 * DAY;
	told_n = 0;
	assert_int_equal(directory_level_set(kit.service.directory, &level, &err), 0);
	assert_int_equal(directory_account_set(kit.service.directory, kit.ids[KIT_ALICE],
				 &(struct directory_change){.level = &small}, &err),
		0);
	assert_int_equal(directory_account_set(kit.service.directory, kit.ids[KIT_BOB],
				 &(struct directory_change){.level = &guest}, &err),
		0);
	open_limits();
	/* From the start of a day, so that the windows are where the cases think. */
	move(2 * DAY - clock_wall_s() % DAY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_stop(&kit.service.pool);
	mail_limits_close(&kit.service);
	kit_close(&kit);
	clock_shift(-moved_s * 1000000);
	moved_s = 0;
	return 0;
}

static int take(enum kit_account who, size_t recipients)
{
	struct err err;

	return mail_limits_take(&kit.service, kit.ids[who], 100, recipients, &err);
}

/* By the operator: an account's messages, and those and the recipients of a domain together. */
static void test_bounds(void **state)
{
	static const struct {
		uint64_t account_messages, domain_messages, domain_recipients;
		enum kit_account first, second;
		const char *why;
	} cases[] = {
		{1, 0, 0, KIT_CAROL, KIT_CAROL, "Your account may send 1 messages"},
		{0, 1, 0, KIT_CAROL, KIT_ALICE, "Your domain may send 1 messages"},
		{0, 0, 5, KIT_CAROL, KIT_ALICE, "Your domain may send to 5 recipients"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t second = kit.ids[cases[i].second];

		kit.service.limits.account_messages = cases[i].account_messages;
		kit.service.limits.domain_messages = cases[i].domain_messages;
		kit.service.limits.domain_recipients = cases[i].domain_recipients;
		assert_int_equal(take(cases[i].first, 3), 0);
		assert_int_equal(mail_limits_take(&kit.service, second, 100, 3, &err), -ERR_BUSY);
		assert_non_null(strstr(err.msg, cases[i].why));
		/* What came to nothing does not count; neither does what is hours ago. */
		mail_limits_give(&kit.service, kit.ids[cases[i].first], 3);
		assert_int_equal(take(cases[i].second, 3), 0);
		assert_int_equal(take(cases[i].second, 3), -ERR_BUSY);
		move(3 * 3600);
		assert_int_equal(take(cases[i].second, 3), 0);
		move(DAY);
	}
	kit.service.limits.account_messages = 1;
	kit.service.limits.domain_recipients = 0;
	assert_int_equal(take(KIT_CAROL, 3), 0);
	assert_int_equal(take(KIT_ALICE, 3), 0); /* another account */
}

static void test_sending(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(take(KIT_ALICE, 6), 0);
	assert_int_equal(take(KIT_ALICE, 5), -ERR_BUSY);
	assert_int_equal(take(KIT_ALICE, 4), 0);
	assert_int_equal(
		mail_limits_check(&kit.service, kit.ids[KIT_ALICE], 100, 1, &err), -ERR_BUSY);
	assert_non_null(strstr(err.msg, "10 recipients an hour"));
	mail_limits_give(&kit.service, kit.ids[KIT_ALICE], 4);
	assert_int_equal(take(KIT_ALICE, 4), 0);
	assert_int_equal(take(KIT_ALICE, 11), -ERR_DENIED); /* never at once */
	assert_int_equal(
		mail_limits_check(&kit.service, kit.ids[KIT_ALICE], (1 << 20) + 1, 1, &err),
		-ERR_TOOBIG);
	assert_int_equal(take(KIT_BOB, 1), -ERR_DENIED); /* guests do not send */
	assert_int_equal(take(KIT_CAROL, 500), 0);
	move(HOUR + HOUR / 2); /* half of the hour before still counts */
	assert_int_equal(take(KIT_ALICE, 6), -ERR_BUSY);
	assert_int_equal(take(KIT_ALICE, 5), 0);
	move(3 * HOUR);
	assert_int_equal(take(KIT_ALICE, 10), 0);
	move(3 * HOUR);
	assert_int_equal(take(KIT_ALICE, 1), -ERR_BUSY); /* the day's 25 */
	move(2 * DAY);
	assert_int_equal(take(KIT_ALICE, 10), 0);
}

static void test_restart(void **state)
{
	(void)state;
	assert_int_equal(take(KIT_ALICE, 9), 0);
	mail_limits_close(&kit.service);
	open_limits();
	assert_int_equal(take(KIT_ALICE, 2), -ERR_BUSY);
	assert_int_equal(take(KIT_ALICE, 1), 0);
}

static void test_quota(void **state)
{
	const struct mail_target alice = {.account = kit.ids[KIT_ALICE], .quota_bytes = 1000};
	const uint64_t id = alice.account;

	(void)state;
	mail_quota_stored(&kit.service, id, 500, 1000);
	assert_int_equal(told_n, 0);
	mail_quota_stored(&kit.service, id, 900, 1000);
	mail_quota_stored(&kit.service, id, 900, 1000);
	assert_int_equal(told_n, 1);
	assert_int_equal(told[0], 90);
	assert_true(mail_quota_defers(&kit.service, &alice));
	assert_true(mail_quota_defers(&kit.service, &alice));
	assert_int_equal(told_n, 2);
	assert_int_equal(told[1], 100);
	mail_limits_close(&kit.service);
	open_limits(); /* what was told, and since when it is full, is kept */
	move(6 * DAY);
	assert_true(mail_quota_defers(&kit.service, &alice));
	move(2 * DAY);
	assert_false(mail_quota_defers(&kit.service, &alice));
	assert_int_equal(told_n, 2);
	mail_quota_stored(&kit.service, id, 870, 1000); /* there is room: a new grace time */
	assert_true(mail_quota_defers(&kit.service, &alice));
	assert_int_equal(told_n, 2); /* but no new crossing yet */
	mail_quota_stored(&kit.service, id, 100, 1000);
	mail_quota_stored(&kit.service, id, 900, 1000);
	assert_int_equal(told_n, 3);
	mail_quota_stored(&kit.service, id, 999, 0); /* no quota at all */
	assert_int_equal(told_n, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sending),
		TEST(test_bounds),
		TEST(test_restart),
		TEST(test_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
