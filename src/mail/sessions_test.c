/* sessions_test.c - who is signed in, by account, in whatever order they leave. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mail/sessions.h"

/* The pool is not there: what would be revoked is noted. */
static struct conn_ref revoked[8];
static size_t revoked_n;

void pool_revoke(struct pool *pool, struct conn_ref ref)
{
	(void)pool;
	revoked[revoked_n++] = ref;
}

static unsigned slots(size_t n)
{
	unsigned bits = 0;

	assert_int_equal(n, revoked_n);
	for (size_t i = 0; i < revoked_n; i++)
		bits |= 1u << revoked[i].slot;
	return bits;
}

static unsigned end(struct mail_sessions *sessions, uint64_t account)
{
	revoked_n = 0;
	return slots(mail_sessions_end(sessions, NULL, account));
}

static bool enter(struct mail_sessions *sessions, struct mail_session *session, uint64_t account,
	uint32_t slot)
{
	const struct mail_arrival arrival = {.account = account,
		.seq = 10,
		.scope = SCOPE_IMAP,
		.service = "imap",
		.who = {.slot = slot, .generation = 1}};

	return mail_session_enter(sessions, session, &arrival);
}

/* Three of one account and one of another; each order of leaving. */
static void test_orders(void **state)
{
	static const uint32_t orders[][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct mail_session list[4] = {0};
		struct mail_sessions sessions;
		unsigned left = 7;

		mail_sessions_init(&sessions);
		for (uint32_t k = 0; k < 4; k++)
			assert_true(enter(&sessions, &list[k], k < 3 ? 11 : 12, k));
		assert_int_equal(end(&sessions, 11), 7);
		assert_int_equal(end(&sessions, 12), 8);
		assert_int_equal(end(&sessions, 13), 0);
		for (size_t k = 0; k < 3; k++) {
			mail_session_leave(&sessions, &list[orders[i][k]]);
			mail_session_leave(&sessions, &list[orders[i][k]]);
			left &= ~(1u << orders[i][k]);
			assert_int_equal(end(&sessions, 11), left);
		}
		assert_true(enter(&sessions, &list[0], 11, 5));
		assert_int_equal(end(&sessions, 11), 32);
		mail_session_leave(&sessions, &list[0]);
		mail_session_leave(&sessions, &list[3]);
		mail_sessions_done(&sessions);
	}
}

/* One revocation against one session: told while it is in, and told before it comes in. */
static void test_what_fits(void **state)
{
	static const struct {
		struct keeper_revocation what;
		bool fits;
	} cases[] = {
		{{.account = 11, .seq = 11, .scopes = SCOPE_ALL}, true},
		{{.account = 0, .seq = 11, .scopes = SCOPE_ALL}, true},
		{{.account = 12, .seq = 11, .scopes = SCOPE_ALL}, false},
		{{.account = 11, .seq = 10, .scopes = SCOPE_ALL}, false},
		{{.account = 11, .seq = 11, .scopes = SCOPE_IMAP | SCOPE_POP}, true},
		{{.account = 11, .seq = 11, .scopes = SCOPE_SMTP}, false},
		{{.account = 11, .seq = 11, .scopes = SCOPE_ALL, .credential = 7}, true},
		{{.account = 11, .seq = 11, .scopes = SCOPE_ALL, .credential = 8}, false},
	};
	const struct mail_arrival arrival = {.account = 11,
		.seq = 10,
		.credential = 7,
		.scope = SCOPE_IMAP,
		.service = "imap",
		.who = {.slot = 1, .generation = 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mail_session before = {0}, after = {0};
		struct mail_sessions sessions;

		mail_sessions_init(&sessions);
		assert_true(mail_session_enter(&sessions, &before, &arrival));
		revoked_n = 0;
		assert_int_equal(slots(mail_sessions_revoke(&sessions, NULL, &cases[i].what)),
			cases[i].fits ? 2 : 0);
		assert_int_equal(mail_session_enter(&sessions, &after, &arrival), !cases[i].fits);
		assert_int_equal(after.account, cases[i].fits ? 0 : 11);
		mail_session_leave(&sessions, &before);
		mail_session_leave(&sessions, &after);
		mail_sessions_done(&sessions);
	}
}

/* More than can be remembered: who is older than what was forgotten may not come in. */
static void test_forgotten(void **state)
{
	struct keeper_revocation what = {.account = 99, .scopes = SCOPE_ALL};
	struct mail_session session = {0};
	struct mail_sessions sessions;

	(void)state;
	mail_sessions_init(&sessions);
	for (uint64_t seq = 8; seq < 8 + MAIL_REVOCATIONS_MAX; seq++) {
		what.seq = seq;
		assert_int_equal(mail_sessions_revoke(&sessions, NULL, &what), 0);
	}
	assert_true(enter(&sessions, &session, 11, 1));
	mail_session_leave(&sessions, &session);
	for (int i = 0; i < 3; i++) { /* 8, 9 and 10 are overwritten */
		what.seq++;
		assert_int_equal(mail_sessions_revoke(&sessions, NULL, &what), 0);
	}
	assert_true(enter(&sessions, &session, 11, 1));
	mail_session_leave(&sessions, &session);
	what.seq++;
	assert_int_equal(mail_sessions_revoke(&sessions, NULL, &what), 0);
	assert_false(enter(&sessions, &session, 11, 1));
	mail_sessions_done(&sessions);
}

static void test_list(void **state)
{
	const struct mail_arrival arrival = {.account = 11,
		.seq = 1,
		.scope = SCOPE_IMAP,
		.service = "imap",
		.peer = "192.0.2.1",
		.who = {.slot = 3, .generation = 4}};
	struct arena arena AUTO(arena_done);
	struct mail_session session = {0};
	struct mail_session_info *list;
	struct mail_sessions sessions;

	(void)state;
	arena_init(&arena, 1 << 16);
	mail_sessions_init(&sessions);
	assert_true(mail_session_enter(&sessions, &session, &arrival));
	mail_session_name(&sessions, &session, "Thunderbird");
	assert_int_equal(mail_sessions_list(&sessions, 11, 10, &arena, &list), 1);
	assert_true(slice_eq(list[0].program, slice_lit("Thunderbird")));
	assert_true(slice_eq(list[0].peer, slice_lit("192.0.2.1")));
	assert_int_equal(mail_sessions_list(&sessions, 12, 10, &arena, &list), 0);
	assert_int_equal(mail_sessions_list(&sessions, 11, 0, &arena, &list), 0);
	assert_int_equal(mail_sessions_list(&sessions, 11, 10, &arena, &list), 1);
	assert_false(mail_session_end(&sessions, NULL, 12, list[0].id));
	assert_false(mail_session_end(&sessions, NULL, 11, list[0].id + 1));
	revoked_n = 0;
	assert_true(mail_session_end(&sessions, NULL, 11, list[0].id));
	assert_int_equal(revoked_n, 1);
	mail_session_leave(&sessions, &session);
	mail_sessions_done(&sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_what_fits),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
