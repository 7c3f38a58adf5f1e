/* security_log_test.c - events are counted, kept by account, bounded and found again. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"
#include "mail/security_log.h"

enum { ALICE = 1, BOB = 2, LIST_MAX = 2000 };

static char path[TEMP_MAX];

static struct security_log *open_log(void)
{
	struct security_log *log;
	struct err err;

	assert_int_equal(security_log_open(path, NULL, &log, &err), 0);
	return log;
}

static void add(struct security_log *log, uint64_t account, const char *kind, const char *peer)
{
	const struct security_event event = {.kind = slice_str(kind),
		.service = slice_lit("imap"),
		.peer = slice_str(peer),
		.detail = slice_lit("")};

	security_log_add(log, account, &event);
}

static size_t list(struct security_log *log, uint64_t account, uint64_t before, size_t max,
	struct arena *arena, struct security_event **out)
{
	struct err err;
	size_t n = 0;

	assert_int_equal(security_log_list(log, account, before, max, arena, out, &n, &err), 0);
	return n;
}

static void test_events(void **state)
{
	struct arena arena AUTO(arena_done);
	struct security_log *log;
	struct security_event *e;
	struct err err;
	int fd = mkstemps(temp_path(path, "security-log-test-XXXXXX.db"), 3);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	arena_init(&arena, 1 << 22);
	log = open_log();
	add(log, ALICE, "login", "192.0.2.1");
	add(log, ALICE, "login", "192.0.2.1");
	add(log, ALICE, "login", "192.0.2.2");
	add(log, BOB, "login-failed", "192.0.2.1");
	assert_int_equal(list(log, ALICE, 0, 10, &arena, &e), 2);
	assert_true(slice_eq(e[0].peer, slice_lit("192.0.2.2")));
	assert_int_equal(e[0].count, 1);
	assert_int_equal(e[1].count, 2);
	assert_int_equal(list(log, ALICE, e[0].id, 10, &arena, &e), 1);
	clock_shift(INT64_C(25) * 3600 * 1000000); /* the next day is another row */
	add(log, ALICE, "login", "192.0.2.1");
	security_log_close(&log);

	log = open_log();
	assert_int_equal(list(log, ALICE, 0, 10, &arena, &e), 3);
	assert_int_equal(list(log, BOB, 0, 10, &arena, &e), 1);
	assert_true(slice_eq(e[0].kind, slice_lit("login-failed")));
	assert_int_equal(security_log_forget(log, BOB, &err), 0);
	assert_int_equal(list(log, BOB, 0, 10, &arena, &e), 0);
	security_log_close(&log);
}

static void test_bounds(void **state)
{
	struct arena arena AUTO(arena_done);
	struct security_log *log = open_log();
	struct security_event *e;
	char peer[16];

	(void)state;
	arena_init(&arena, 1 << 24);
	for (unsigned i = 0; i < SECURITY_LOG_WAITING_MAX + 10; i++) {
		snprintf(peer, sizeof(peer), "%u", i % 1500);
		add(log, BOB, "login", peer);
	}
	assert_int_equal(list(log, BOB, 0, LIST_MAX, &arena, &e), SECURITY_LOG_ROWS_MAX);
	clock_shift(INT64_C(181) * 86400 * 1000000);
	add(log, BOB, "login", "new");
	assert_int_equal(list(log, BOB, 0, LIST_MAX, &arena, &e), 1);
	assert_int_equal(list(log, ALICE, 0, LIST_MAX, &arena, &e), 0);
	security_log_close(&log);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
