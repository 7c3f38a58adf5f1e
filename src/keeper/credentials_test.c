/* credentials_test.c - coming in, web sessions, passwords, services, and what is revoked, asked as
 * a server asks. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/kit.h"
#include "keeper/password.h"

static const struct keeper_config cheap = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .cache_s = 60, .owner_uid = 12345};

#define HOME "192.0.2.1"
#define AWAY "198.51.100.1"
#define FIRST "three blind snails 77"
#define SECOND "a quiet Tuesday, later"

static void test_enter(void **state)
{
	struct kit kit;
	struct keeper_entry e;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(e.account == 5 && e.seq > 0 && e.credential == 0 && e.scopes == SCOPE_ALL);
	assert_false(e.is_new_place); /* the first place of all tells nothing */
	assert_int_equal(kit_enter(&kit, 5, "wrong", SCOPE_IMAP, HOME, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 6, FIRST, SCOPE_IMAP, HOME, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 0, FIRST, SCOPE_IMAP, HOME, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_SMTP, AWAY, &e), 0);
	assert_true(e.is_new_place);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_SMTP, "198.51.100.9", &e), 0);
	assert_false(e.is_new_place); /* the same network */

	/* Known places outlive the keeper. */
	fixture_stop(&kit.fixture);
	kit_run(&kit);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_SMTP, AWAY, &e), 0);
	assert_false(e.is_new_place);
	kit_done(&kit);
}

static void test_web(void **state)
{
	struct keeper_web w, again, other;
	struct kit kit;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, "wrong", HOME, false, &w), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_true(w.account == 5 && w.session && !w.is_pending && strlen(w.cookie) >= 32);
	assert_true(w.fresh_until_s > clock_wall_s() && w.role == ROLE_USER);
	assert_int_equal(kit_check(&kit, w.cookie, &again), 0);
	assert_true(again.session == w.session && again.cookie[0] == '\0');
	assert_int_equal(kit_check(&kit, "", &again), -ERR_DENIED);
	assert_int_equal(kit_check(&kit, "x", &again), -ERR_DENIED);

	/* The password again: a new cookie, and the old one is nobody's. */
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_PASSWORD, "wrong", &again), -ERR_DENIED);
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_PASSWORD, FIRST, &again), 0);
	assert_string_not_equal(again.cookie, w.cookie);
	assert_int_equal(kit_check(&kit, w.cookie, &other), -ERR_DENIED);
	assert_int_equal(kit_check(&kit, again.cookie, &other), 0);

	/* Sessions outlive the keeper. */
	fixture_kill(&kit.fixture);
	kit_run(&kit);
	assert_int_equal(kit_check(&kit, again.cookie, &other), 0);
	assert_true(other.session == w.session);
	kit_done(&kit);
}

/* The keeper again, so many seconds later. */
static void pass_time(struct kit *kit, int64_t s)
{
	fixture_stop(&kit->fixture);
	kit->fixture.shift_s += s;
	kit_run(kit);
}

static void test_web_ends(void **state)
{
	struct keeper_web brief, kept, out;
	struct kit kit;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &brief), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, true, &kept), 0);
	pass_time(&kit, 20 * 60);
	assert_int_equal(kit_check(&kit, brief.cookie, &out), 0);
	assert_int_equal(kit_change_password(&kit, brief.cookie, FIRST, "short"), -ERR_SYNTAX);
	assert_int_equal(kit_app_add(&kit, brief.cookie, SCOPE_IMAP, false, NULL), -ERR_DENIED);
	for (int i = 0; i < 6; i++) { /* used, it stays, but not for more than a day */
		pass_time(&kit, 3 * 3600 + 1800);
		assert_int_equal(kit_check(&kit, brief.cookie, &out), 0);
	}
	pass_time(&kit, 3 * 3600);
	assert_int_equal(kit_check(&kit, brief.cookie, &out), -ERR_DENIED);
	assert_int_equal(kit_check(&kit, kept.cookie, &out), 0);
	pass_time(&kit, 29 * 86400);
	assert_int_equal(kit_check(&kit, kept.cookie, &out), 0);
	pass_time(&kit, 31 * 86400);
	assert_int_equal(kit_check(&kit, kept.cookie, &out), -ERR_DENIED);
	kit_done(&kit);
}

static void test_apps(void **state)
{
	char secret[KEEPER_SECRET_MAX], reader[KEEPER_SECRET_MAX];
	struct keeper_entry e;
	struct keeper_web w;
	struct kit kit;
	size_t at;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	fixture_set(6, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_SMTP, false, secret), 0);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_IMAP_READ, false, reader), 0);
	assert_int_equal(kit_app_add(&kit, w.cookie, 0, false, secret), -ERR_SYNTAX);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_WEB, true, secret), -ERR_SYNTAX);
	assert_true(strlen(secret) > 30 && strncmp(secret, "pha-", 4) == 0);
	assert_int_equal(kit_enter(&kit, 5, secret, SCOPE_SMTP, HOME, &e), 0);
	assert_true(e.credential && e.scopes == SCOPE_SMTP);
	assert_true(kit_register(&kit, &e, SCOPE_SMTP, &at));
	assert_int_equal(kit_enter(&kit, 5, secret, SCOPE_IMAP, HOME, NULL), -ERR_CONFLICT);
	assert_int_equal(kit_enter(&kit, 6, secret, SCOPE_SMTP, HOME, NULL), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, secret, HOME, false, NULL), -ERR_CONFLICT);
	assert_int_equal(kit_enter(&kit, 5, reader, SCOPE_IMAP, HOME, &e), 0);
	assert_int_equal(e.scopes, SCOPE_IMAP_READ);
	/* The last letter is another: not even looked for as a password. */
	secret[strlen(secret) - 1] ^= 1;
	assert_int_equal(kit_enter(&kit, 5, secret, SCOPE_SMTP, HOME, NULL), -ERR_DENIED);
	assert_true(kit_is_open(&kit, at));
	kit_done(&kit);
}

static void test_certificates(void **state)
{
	const struct slice one = slice_lit("0123456789abcdef0123456789abcdef"),
			   two = slice_lit("another89abcdef0123456789abcdef0");
	struct keeper_entry e;
	struct keeper_web w, other;
	struct kit kit;
	size_t at;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	fixture_set(6, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_sign_in(&kit, 6, FIRST, HOME, false, &other), 0);
	assert_int_equal(kit_enter_by_key(&kit, 5, one, SCOPE_IMAP, NULL), -ERR_DENIED);
	assert_int_equal(kit_app_certificate(&kit, w.cookie, SCOPE_IMAP, one), 0);
	assert_int_equal(kit_app_certificate(&kit, w.cookie, SCOPE_IMAP, one), -ERR_EXISTS);
	assert_int_equal(kit_app_certificate(&kit, other.cookie, SCOPE_IMAP, one), -ERR_EXISTS);
	assert_int_equal(kit_app_certificate(&kit, w.cookie, SCOPE_WEB, two), -ERR_SYNTAX);
	assert_int_equal(kit_app_certificate(&kit, w.cookie, 0, two), -ERR_SYNTAX);
	assert_int_equal(
		kit_app_certificate(&kit, w.cookie, SCOPE_IMAP, slice_lit("short")), -ERR_SYNTAX);
	assert_int_equal(kit_enter_by_key(&kit, 5, one, SCOPE_IMAP, &e), 0);
	assert_true(e.account == 5 && e.credential && e.scopes == SCOPE_IMAP);
	assert_int_equal(kit_enter_by_key(&kit, 0, one, SCOPE_IMAP, &e), 0);
	assert_int_equal(e.account, 5);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &at));
	assert_int_equal(kit_enter_by_key(&kit, 6, one, SCOPE_IMAP, NULL), -ERR_DENIED);
	assert_int_equal(kit_enter_by_key(&kit, 0, two, SCOPE_IMAP, NULL), -ERR_DENIED);
	assert_int_equal(
		kit_enter_by_key(&kit, 5, slice_lit("short"), SCOPE_IMAP, NULL), -ERR_DENIED);
	assert_int_equal(kit_enter_by_key(&kit, 5, one, SCOPE_SMTP, NULL), -ERR_CONFLICT);
	/* The same bytes are no password. */
	assert_int_equal(kit_enter(&kit, 5, one.ptr, SCOPE_IMAP, HOME, NULL), -ERR_DENIED);
	assert_true(kit_is_open(&kit, at));
	kit_done(&kit);
}

/* ---- revocation ---- */

static void test_change(void **state)
{
	struct keeper_web w, other, out;
	struct keeper_entry e;
	struct kit kit;
	size_t at[2];

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	fixture_set(6, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, AWAY, false, &other), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &at[0]));
	assert_int_equal(kit_enter(&kit, 6, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &at[1]));

	assert_int_equal(kit_change_password(&kit, w.cookie, "wrong", SECOND), -ERR_DENIED);
	assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, "password123"), -ERR_SYNTAX);
	assert_int_equal(
		kit_change_password(&kit, w.cookie, FIRST, "jane@example.org1"), -ERR_SYNTAX);
	assert_true(kit_is_open(&kit, at[0]));
	assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, SECOND), 0);
	/* At the moment of the answer all that was open is closed, but who changed it and others.
	 */
	assert_false(kit_is_open(&kit, at[0]));
	assert_true(kit_is_open(&kit, at[1]));
	assert_int_equal(kit_check(&kit, w.cookie, &out), 0);
	assert_int_equal(kit_check(&kit, other.cookie, &out), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 5, SECOND, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &at[0]));
	kit_done(&kit);
}

/* The pause between a verdict and its registration: what was revoked in it does not live. */
static void test_pause(void **state)
{
	struct keeper_entry e;
	struct keeper_web w;
	struct kit kit;
	size_t at;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, SECOND), 0);
	usleep(50000);
	assert_false(kit_register(&kit, &e, SCOPE_IMAP, &at));

	/* And also where the connection broke in between: the new one tells what was missed. */
	assert_int_equal(kit_enter(&kit, 5, SECOND, SCOPE_IMAP, HOME, &e), 0);
	fixture_kill(&kit.fixture);
	kit_run(&kit);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, NULL), 0);
	assert_false(kit_register(&kit, &e, SCOPE_IMAP, &at));
	kit_done(&kit);
}

static void ask_old(const struct keeper_call *call, const struct kit_ask *q)
{
	const struct keeper_attempt attempt = {.account = 5,
		.secret = slice_lit(FIRST),
		.scope = SCOPE_IMAP,
		.peer = slice_lit(HOME)};

	(void)q;
	keeper_enter(call, &attempt);
}

/* A thousand logins with the old password on their way while it is changed: when the change is
 * acknowledged none is left that can register. */
static void test_storm(void **state)
{
	enum { COUNT = 1000 };
	struct kit_ask *asks = mem_zalloc_array(COUNT, sizeof(*asks));
	int *fds = mem_zalloc_array(COUNT, sizeof(*fds));
	size_t at, before = 0, after = 0;
	struct keeper_web w;
	struct kit kit;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	for (size_t i = 0; i < COUNT; i++)
		fds[i] = kit_open();
	for (size_t i = 0; i < COUNT; i++) {
		asks[i].ask = ask_old;
		kit_send(&kit, fds[i], &asks[i]);
		if (i == COUNT / 2)
			assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, SECOND), 0);
	}
	for (size_t i = 0; i < COUNT; i++) {
		const int rc = kit_wait(&asks[i]);

		if (rc == 0) {
			assert_false(kit_register(&kit, asks[i].answer.data, SCOPE_IMAP, &at));
			before++;
		}
		after += rc == 0 && i > COUNT / 2;
		free(asks[i].answer.data);
		close(fds[i]);
	}
	assert_true(before > 0);
	assert_int_equal(after, 0);
	free(asks);
	free(fds);
	kit_done(&kit);
}

static void ask_scopes(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_set_scopes(call, q->s[0], q->n);
}

static void ask_end_all(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_web_end_all(call, q->s[0]);
}

static void ask_end(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_web_end(call, q->s[0], q->a);
}

static void test_services(void **state)
{
	struct keeper_web w, other;
	struct keeper_entry e;
	struct kit_ask q;
	struct kit kit;
	size_t imap, smtp;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &other), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &imap));
	assert_true(kit_register(&kit, &e, SCOPE_SMTP, &smtp));

	/* IMAP off ends what is IMAP, and no more comes in. */
	q = (struct kit_ask){.ask = ask_scopes,
		.s = {slice_str(w.cookie)},
		.n = SCOPE_ALL & ~(unsigned)SCOPE_IMAP};
	assert_int_equal(kit_ask(&kit, &q), 0);
	assert_false(kit_is_open(&kit, imap));
	assert_true(kit_is_open(&kit, smtp));
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), -ERR_CONFLICT);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_SMTP, HOME, &e), 0);
	q.n = SCOPE_ALL;
	assert_int_equal(kit_ask(&kit, &q), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);

	/* Sign out: another session, all others, this one. */
	q = (struct kit_ask){.ask = ask_end, .s = {slice_str(w.cookie)}, .a = other.session};
	assert_int_equal(kit_ask(&kit, &q), 0);
	assert_int_equal(kit_check(&kit, other.cookie, NULL), -ERR_DENIED);
	assert_int_equal(kit_ask(&kit, &q), -ERR_NOTFOUND);
	q = (struct kit_ask){.ask = ask_end_all, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask(&kit, &q), 0);
	assert_false(kit_is_open(&kit, smtp));
	assert_int_equal(kit_check(&kit, w.cookie, NULL), 0);
	q = (struct kit_ask){.ask = ask_end, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask(&kit, &q), 0);
	assert_int_equal(kit_check(&kit, w.cookie, NULL), -ERR_DENIED);
	kit_done(&kit);
}

/* ---- administrators ---- */

static void ask_reset(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_reset_password(call, q->s[0], q->a, slice_lit("x@example.org"), q->s[1]);
}

static void ask_new(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_account_new(call, q->s[0], q->a, q->b, slice_lit("x@example.org"), q->s[1]);
}

static void ask_gone(const struct keeper_call *call, const struct kit_ask *q)
{
	keeper_account_gone(call, q->s[0], q->a);
}

static int administer(struct kit *kit,
	void (*ask)(const struct keeper_call *call, const struct kit_ask *q), const char *cookie,
	uint64_t account, uint64_t group)
{
	struct kit_ask q = {
		.ask = ask, .a = account, .b = group, .s = {slice_str(cookie), slice_lit(SECOND)}};

	return kit_ask(kit, &q);
}

static void test_administrators(void **state)
{
	struct keeper_web user, admin, operator;
	struct keeper_entry e;
	struct kit kit;
	struct err err;

	(void)state;
	kit_start(&kit, &cheap);
	for (uint64_t i = 1; i <= 5; i++)
		fixture_set(i, FIRST, false);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, 1, ROLE_OPERATOR, 0, &err), 0);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, 2, ROLE_GROUP_ADMIN, 70, &err), 0);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, 3, ROLE_USER, 70, &err), 0);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, 2, ROLE_GROUP_ADMIN, 0, &err), -ERR_SYNTAX);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, 99, ROLE_USER, 0, &err), -ERR_NOTFOUND);
	assert_int_equal(kit_sign_in(&kit, 1, FIRST, HOME, false, &operator), 0);
	assert_int_equal(kit_sign_in(&kit, 2, FIRST, HOME, false, &admin), 0);
	assert_int_equal(kit_sign_in(&kit, 3, FIRST, HOME, false, &user), 0);
	assert_true(operator.role == ROLE_OPERATOR && admin.group == 70);

	assert_int_equal(administer(&kit, ask_reset, user.cookie, 4, 0), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_new, user.cookie, 10, 0), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_gone, user.cookie, 4, 0), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_reset, admin.cookie, 4, 0), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_reset, admin.cookie, 1, 0), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_new, admin.cookie, 10, 71), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_new, admin.cookie, 3, 0), -ERR_EXISTS);

	assert_int_equal(administer(&kit, ask_reset, admin.cookie, 3, 0), 0);
	assert_int_equal(kit_check(&kit, user.cookie, NULL), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 3, FIRST, SCOPE_IMAP, HOME, NULL), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 3, SECOND, SCOPE_IMAP, HOME, &e), 0);
	assert_true(e.must_change);
	assert_int_equal(kit_sign_in(&kit, 3, SECOND, HOME, false, &user), 0);
	assert_true(user.must_change && user.group == 70);
	assert_int_equal(kit_change_password(&kit, user.cookie, SECOND, FIRST), 0);
	assert_int_equal(kit_enter(&kit, 3, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_false(e.must_change);

	assert_int_equal(administer(&kit, ask_new, admin.cookie, 10, 0), 0);
	assert_int_equal(kit_sign_in(&kit, 10, SECOND, HOME, false, &user), 0);
	assert_int_equal(user.group, 70);
	assert_int_equal(administer(&kit, ask_gone, admin.cookie, 10, 0), 0);
	assert_int_equal(kit_check(&kit, user.cookie, NULL), -ERR_DENIED);
	assert_int_equal(administer(&kit, ask_gone, operator.cookie, 4, 0), 0);
	kit_done(&kit);
}

static void test_operator(void **state)
{
	const uint64_t all = 0, five = 5;
	struct keeper_entry e;
	struct keeper_pending pending[4];
	struct keeper_web w;
	struct kit kit;
	struct err err;
	size_t n, at;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	fixture_set(6, FIRST, false);
	assert_int_equal(kit_enter(&kit, 6, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &at));
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(keeper_log_out(FIXTURE_CLI, &five, 1, &err), 0);
	assert_int_equal(kit_check(&kit, w.cookie, NULL), -ERR_DENIED);
	assert_true(kit_is_open(&kit, at));
	assert_int_equal(keeper_log_out(FIXTURE_CLI, &all, 1, &err), 0);
	assert_false(kit_is_open(&kit, at));
	assert_false(kit_register(&kit, &e, SCOPE_IMAP, &at));

	/* A new password by a date: past it the old one opens the web page only. */
	assert_int_equal(
		keeper_ask_password(FIXTURE_CLI, clock_wall_s() + 3600, &five, 1, &err), 0);
	assert_int_equal(keeper_list_pending(FIXTURE_CLI, 0, pending, 4, &n, &err), 0);
	assert_true(n == 1 && pending[0].account == 5);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(e.must_change && e.change_by_s > clock_wall_s());
	pass_time(&kit, 2 * 3600);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), -ERR_CONFLICT);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, SECOND), 0);
	assert_int_equal(kit_enter(&kit, 5, SECOND, SCOPE_IMAP, HOME, &e), 0);
	assert_int_equal(keeper_list_pending(FIXTURE_CLI, 0, pending, 4, &n, &err), 0);
	assert_int_equal(n, 0);
	kit_done(&kit);
}

static void test_passwords(void **state)
{
	static const struct {
		const char *password;
		int want;
	} cases[] = {{"", -ERR_SYNTAX}, {"short", -ERR_SYNTAX}, {"ninechars", -ERR_SYNTAX},
		{"password123", -ERR_SYNTAX}, {"P@ssw0rd2024!", -ERR_SYNTAX},
		{"qwertyuiop", -ERR_SYNTAX}, {"1qaz2wsx3edc", -ERR_SYNTAX},
		{"abcabcabcabc", -ERR_SYNTAX}, {"aaaaaaaaaaaa", -ERR_SYNTAX},
		{"123456789012", -ERR_SYNTAX}, {"iloveyou2023", -ERR_SYNTAX},
		{"Summer2024!!", -ERR_SYNTAX}, {"letmein-letmein", -ERR_SYNTAX},
		{"correcthorsebatterystaple", -ERR_SYNTAX}, {"jane.doe@example.org", -ERR_SYNTAX},
		{"Jane.Doe2024", -ERR_SYNTAX}, {"example.org!1", -ERR_SYNTAX},
		{"password48213957", -ERR_SYNTAX}, {"12dragon3456", -ERR_SYNTAX},
		{"1990dragon1990", -ERR_SYNTAX}, {"monkey-2024-12", -ERR_SYNTAX},
		{"20010911master", -ERR_SYNTAX}, {"a1b2abcdef", -ERR_SYNTAX},
		/* What programs make: hexadecimal digits, few of them letters. */
		{"3f9a0b1c7d2e4856", 0}, {"7301948f26a05183", 0}, {"4071a829b3256", 0},
		{"4071829a3256", 0}, {"09f911029d74", 0}, {"52907362185047a9", 0},
		{"9387162450729183", 0}, {"three blind snails 77", 0}, {"xK4!vb0Qm2z", 0},
		{"Umbau der Orgel im Mai", 0}, {"пароль из десяти", 0}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int rc = password_check(
			slice_str(cases[i].password), slice_lit("jane.doe@example.org"), &err);

		if (rc != cases[i].want)
			fail_msg("%s: %d", cases[i].password, rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enter),
		cmocka_unit_test(test_web),
		cmocka_unit_test(test_web_ends),
		cmocka_unit_test(test_apps),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_administrators),
		cmocka_unit_test(test_operator),
		cmocka_unit_test(test_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
