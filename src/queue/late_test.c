/* late_test.c - times by which mail has to be there (RFC 2852), with the clock moved. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

static struct queue_message *put_by(struct kit *kit, int64_t seconds, unsigned flags)
{
	struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

	m->by_s = clock_wall_s() + seconds;
	m->flags = flags;
	assert_int_equal(kit_put(kit, m, "text"), 0);
	return m;
}

/* What the sender is told, and nothing more. */
static void expect_told(struct kit *kit, enum queue_state state, const char *reply)
{
	struct queue_message *m;
	struct err err;

	assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
	assert_int_equal(m->recipients_n, 1);
	assert_int_equal(m->recipients[0].state, state);
	assert_true(slice_starts(m->recipients[0].reply, slice_str(reply)));
	assert_int_equal(queue_report_done(kit->queue, m, NULL, (struct slice){0}, &err), 0);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
}

static void look_for_late(struct kit *kit)
{
	struct err err;

	assert_true(queue_late_due(kit->queue) <= clock_wall_s());
	assert_int_equal(queue_late(kit->queue, &err), 0);
	queue_wait(kit->queue);
	assert_int_equal(queue_late_due(kit->queue), INT64_MAX);
}

/* RFC 2852, mode R: it fails at that time, whatever is done with it then. */
static void test_return_by(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	/* It waits for its next attempt. */
	put_by(kit, 100, 0);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_int_equal(queue_late_due(kit->queue), clock_wall_s() + 100);
	kit_move_clock(100);
	look_for_late(kit);
	expect_told(kit, QUEUE_BOUNCED, "5.4.7 ");
	kit_expect(kit, "");
	/* It is being tried. */
	put_by(kit, 100, 0);
	m = kit_claim(kit, "x.example", 1);
	kit_move_clock(100);
	look_for_late(kit);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
	kit_finish(kit, m, QUEUE_OUT_DEFERRED);
	expect_told(kit, QUEUE_BOUNCED, "5.4.7 ");
	/* Somebody would try it. */
	put_by(kit, 100, 0);
	kit_move_clock(100);
	assert_null(kit_claim(kit, "x.example", 1));
	queue_wait(kit->queue);
	expect_told(kit, QUEUE_BOUNCED, "5.4.7 ");
	kit_expect(kit, "");
}

/* The time is found again after a restart, and only once. */
static void test_return_by_restart(void **state)
{
	struct kit *kit = *state;
	const int64_t by_s = clock_wall_s() + 100;

	put_by(kit, 100, 0);
	kit_close(kit);
	kit_open(kit, "");
	assert_in_range(queue_late_due(kit->queue), by_s, clock_wall_s() + 100);
	kit_move_clock(100);
	look_for_late(kit);
	kit_close(kit);
	kit_open(kit, "");
	assert_int_equal(queue_late_due(kit->queue), INT64_MAX);
	expect_told(kit, QUEUE_BOUNCED, "5.4.7 ");
}

/* Mode N: the sender is told at that time, and it is tried on. */
static void test_notify_by(void **state)
{
	static const struct {
		unsigned notify;
		bool is_told;
	} cases[] = {{0, true}, {QUEUE_NOTIFY_DELAY, true}, {QUEUE_NOTIFY_FAILURE, false},
		{QUEUE_NOTIFY_NEVER, false}};
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m = kit_message((const char *const[]){"a@x.example", NULL});
		m->by_s = clock_wall_s() + 5;
		m->flags = QUEUE_BY_NOTIFY;
		m->recipients[0].notify = cases[i].notify;
		assert_int_equal(kit_put(kit, m, "text"), 0);
		kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
		kit_move_clock(5);
		look_for_late(kit);
		if (cases[i].is_told)
			expect_told(kit, QUEUE_WAITING, "550");
		assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
		kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DELIVERED);
		kit_expect(kit, "");
	}
	/* Who had it before has told of it. */
	put_by(kit, -5, QUEUE_BY_NOTIFY);
	look_for_late(kit);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DELIVERED);
}

/* A host that does not know of the time: the sender hears where it went. */
static void test_handed_on(void **state)
{
	static const unsigned notify[] = {0, QUEUE_NOTIFY_FAILURE, QUEUE_NOTIFY_NEVER};
	struct kit *kit = *state;

	for (size_t i = 0; i < 3; i++) {
		struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

		m->recipients[0].notify = notify[i];
		assert_int_equal(kit_put(kit, m, "text"), 0);
		kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_HANDED_ON);
		if (notify[i] != QUEUE_NOTIFY_NEVER)
			expect_told(kit, QUEUE_RELAYED, "550");
		kit_expect(kit, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_return_by, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_return_by_restart, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_notify_by, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_handed_on, kit_set_up, kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
