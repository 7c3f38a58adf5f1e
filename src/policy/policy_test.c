/* policy_test.c - one enforcement from its first day to its last, by a clock that is moved; who is
 * told, who is counted, and who is left in peace. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mail/mail_kit.h"
#include "notice/notice.h"
#include "policy/policy.h"

enum { DAY = 24 * 3600 };

static struct mail_kit kit;
static struct config config;
static _Atomic int changes;
static int64_t moved_us;

static void on_change(void *context)
{
	(void)context;
	changes++;
}

static void open_rooms(void)
{
	const struct notice_config notices = {.name = slice_lit("Posthouse"),
		.language = slice_lit("en"),
		.home = slice_lit("https://www.posthouse.example")};
	struct err err;

	assert_int_equal(notice_open(&kit.service, &notices, &err), 0);
	assert_int_equal(policy_open(&kit.service, &config, on_change, NULL, &err), 0);
}

static void close_rooms(void)
{
	pool_stop(&kit.service.pool);
	policy_close(&kit.service);
	notice_close(&kit.service);
}

static int setup(void **state)
{
	const int64_t today = clock_wall_s() / DAY * DAY;

	(void)state;
	changes = 0;
	config = (struct config){
		.cleartext[CONFIG_IMAP] = {CLEARTEXT_NOTIFY, (uint64_t)today + 30 * DAY, 7 * DAY},
		.imaps = {.at = {{.port = 993}}, .n = 1}};
	kit_open(&kit);
	open_rooms();
	kit_start(&kit);
	policy_start(&kit.service);
	return 0;
}

static void move(int64_t days)
{
	clock_shift(days * DAY * 1000000);
	moved_us += days * DAY * 1000000;
}

static int teardown(void **state)
{
	(void)state;
	close_rooms();
	kit_close(&kit);
	clock_shift(-moved_us);
	moved_us = 0;
	return 0;
}

static void clear(enum kit_account who, const char *program)
{
	policy_cleartext_login(
		&kit.service, "imap", kit.ids[who], slice_str(program), slice_lit("192.0.2.7"));
}

static void tls(enum kit_account who, const char *program)
{
	policy_tls_login(&kit.service, "imap", kit.ids[who], slice_str(program));
}

static json_int_t status(const char *key)
{
	struct err err;
	json_t *list;
	json_int_t n;

	assert_int_equal(policy_status(&kit.service, &list, &err), 0);
	n = json_integer_value(json_object_get(json_array_get(list, 0), key));
	json_decref(list);
	return n;
}

/* A record may be on its way by another thread. */
static void expect(const char *key, json_int_t want)
{
	for (int ms = 0; status(key) != want; ms += 5) {
		if (ms > 20000)
			fail_msg("%s is %lld, not %lld", key, (long long)status(key),
				(long long)want);
		poll(NULL, 0, 5);
	}
}

/* So many notices for each of the three, and none that still waits. */
static void await(uint64_t alice, uint64_t bob, uint64_t carol)
{
	struct notice_status waiting = {.waiting = 1};
	struct err err;

	for (int ms = 0; waiting.waiting; ms += 5) {
		assert_true(ms < 20000);
		poll(NULL, 0, 5);
		assert_int_equal(notice_status(&kit.service, &waiting, &err), 0);
	}
	kit_await(&kit, KIT_ALICE, alice);
	kit_await(&kit, KIT_BOB, bob);
	kit_await(&kit, KIT_CAROL, carol);
}

static void test_enforcement(void **state)
{
	(void)state;
	clear(KIT_ALICE, "OldMail 1");
	clear(KIT_ALICE, "OldMail 1");
	clear(KIT_BOB, "Palm");
	expect("affected", 2);
	expect("logins_day", 3);
	await(1, 1, 0);
	tls(KIT_BOB, "Palm"); /* bob has changed */
	tls(KIT_CAROL, "Palm");
	expect("affected", 1);
	move(3);
	clear(KIT_ALICE, "OldMail 1"); /* too soon to be told again */
	await(1, 1, 0);
	move(5);
	clear(KIT_ALICE, "OldMail 1");
	await(2, 1, 0);
	move(15); /* a week before the date */
	clear(KIT_CAROL, "Phone");
	await(2, 1, 1);
	move(2); /* the last warning comes by itself, to those affected */
	await(3, 1, 2);
	expect("warned", 2);
	clear(KIT_ALICE, "OldMail 1"); /* once */
	await(3, 1, 2);
	assert_true(policy_may_cleartext(&kit.service, "imap"));
	assert_false(policy_may_cleartext(&kit.service, "submission"));
	assert_false(policy_may_cleartext(&kit.service, "nosuch"));
	assert_int_equal(changes, 0);
	move(6);
	assert_false(policy_may_cleartext(&kit.service, "imap"));
	for (int ms = 0; changes == 0; ms += 5) {
		assert_true(ms < 20000);
		poll(NULL, 0, 5);
	}
	await(3, 1, 2);
	move(100); /* the record ends */
	clear(KIT_CAROL, "Phone");
	expect("told", 1);
}

/* A program that went away counts as changed when another one comes with TLS. */
static void test_other_program(void **state)
{
	struct err err;
	json_t *list;

	(void)state;
	clear(KIT_ALICE, "Old");
	expect("affected", 1);
	move(1);
	tls(KIT_ALICE, "New");
	expect("affected", 1); /* not yet sure */
	assert_int_equal(policy_users(&kit.service, slice_lit("imap"), &list, &err), 0);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "program")), "Old");
	json_decref(list);
	move(3);
	expect("affected", 0);
	clear(KIT_ALICE, "Old");
	expect("affected", 1);
	await(1, 0, 0);
}

static void test_restart(void **state)
{
	(void)state;
	clear(KIT_ALICE, "Old");
	await(1, 0, 0);
	close_rooms();
	kit_stop(&kit);
	kit_resume(&kit);
	open_rooms();
	kit_start(&kit);
	policy_start(&kit.service);
	clear(KIT_ALICE, "Old"); /* told already */
	await(1, 0, 0);
	tls(KIT_ALICE, "Old"); /* who is affected was kept */
	expect("affected", 0);
}

static void test_modes(void **state)
{
	struct buf text AUTO(buf_done);

	(void)state;
	buf_init(&text, 1000);
	config.cleartext[CONFIG_IMAP].mode = CLEARTEXT_ALLOW;
	policy_apply(&kit.service, &config);
	clear(KIT_ALICE, "Old");
	await(0, 0, 0); /* recorded, and nothing said */
	expect("affected", 1);
	config.cleartext[CONFIG_IMAP].mode = CLEARTEXT_CLOSED;
	policy_apply(&kit.service, &config);
	assert_false(policy_may_cleartext(&kit.service, "imap"));
	policy_refusal(&kit.service, "imap", &text);
	assert_true(
		slice_find(buf_slice(&text),
			slice_lit("port 993 with TLS, see https://www.posthouse.example/help/")) !=
		SIZE_MAX);
	assert_null(policy_port(&kit.service, "imap", (const struct protocol *)&config));
	config.cleartext_answer = 1;
	policy_apply(&kit.service, &config);
	assert_non_null(policy_port(&kit.service, "imap", (const struct protocol *)&config));
	assert_ptr_equal(
		policy_port(&kit.service, "submission", (const struct protocol *)&config), &config);
}

static void test_asked(void **state)
{
	const int64_t by = clock_wall_s() + 10 * DAY;

	(void)state;
	policy_ask_password(&kit.service, kit.ids[KIT_ALICE], by, slice_lit("An incident."));
	policy_ask_password(&kit.service, kit.ids[KIT_BOB], by, slice_lit(""));
	policy_ask_password(&kit.service, kit.ids[KIT_CAROL], 0, slice_lit(""));
	await(1, 1, 1);
	policy_password_changed(&kit.service, kit.ids[KIT_BOB]);
	move(6);
	await(2, 1, 1);
	move(3);
	await(3, 1, 1);
	move(2);
	await(3, 1, 1);
}

/* The clock itself says when a login is refused, not the job that looks at it. */
static void test_clock(void **state)
{
	static const char *const names[] = {"imap", "submission", "web"};

	(void)state;
	pool_stop(&kit.service.pool);
	for (int i = 0; i < CONFIG_SERVICES; i++)
		config.cleartext[i] = config.cleartext[CONFIG_IMAP];
	policy_apply(&kit.service, &config);
	for (int i = 0; i < CONFIG_SERVICES; i++)
		assert_true(policy_may_cleartext(&kit.service, names[i]));
	move(30);
	for (int i = 0; i < CONFIG_SERVICES; i++)
		assert_false(policy_may_cleartext(&kit.service, names[i]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_enforcement),
		TEST(test_other_program),
		TEST(test_restart),
		TEST(test_modes),
		TEST(test_asked),
		TEST(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
