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

static unsigned revoke(struct mail_sessions *sessions, uint64_t account)
{
	unsigned slots = 0;
	size_t n;

	revoked_n = 0;
	n = mail_sessions_revoke(sessions, NULL, account);
	assert_int_equal(n, revoked_n);
	for (size_t i = 0; i < revoked_n; i++)
		slots |= 1u << revoked[i].slot;
	return slots;
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
			mail_session_enter(&sessions, &list[k], k < 3 ? 11 : 12,
				(struct conn_ref){.slot = k, .generation = 1});
		assert_int_equal(revoke(&sessions, 11), 7);
		assert_int_equal(revoke(&sessions, 12), 8);
		assert_int_equal(revoke(&sessions, 13), 0);
		for (size_t k = 0; k < 3; k++) {
			mail_session_leave(&sessions, &list[orders[i][k]]);
			mail_session_leave(&sessions, &list[orders[i][k]]);
			left &= ~(1u << orders[i][k]);
			assert_int_equal(revoke(&sessions, 11), left);
		}
		mail_session_enter(&sessions, &list[0], 11, (struct conn_ref){.slot = 5});
		assert_int_equal(revoke(&sessions, 11), 32);
		mail_session_leave(&sessions, &list[0]);
		mail_session_leave(&sessions, &list[3]);
		mail_sessions_done(&sessions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_orders)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
