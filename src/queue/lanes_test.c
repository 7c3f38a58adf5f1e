/* lanes_test.c - who is served next. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/lanes.h"

static const struct queue_backoff backoff = {.pauses_s = {100}, .n = 1};

static void changed(struct lanes *l, uint64_t id, int64_t due_s, int64_t now)
{
	lanes_changed(l, id, slice_lit("x.example"), due_s, now);
}

static void expect_next(struct lanes *l, uint64_t id)
{
	struct lane *lane = lanes_take(l);

	if (id == 0)
		assert_null(lane);
	else
		assert_int_equal(lane->id, id);
}

static void test_turns(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *one;

	(void)state;
	lanes_init(&l, 20);
	changed(&l, 1, 10, 100);
	changed(&l, 2, 20, 100);
	changed(&l, 3, 500, 100);
	changed(&l, 1, 90, 100);
	one = lanes_take(&l);
	assert_int_equal(one->id, 1);
	assert_true(lanes_begin(&l, one, 100));
	lanes_found(&l, one, 100);
	expect_next(&l, 2);
	expect_next(&l, 1); /* a second one joins */
	lanes_found(&l, one, 100);
	expect_next(&l, 0); /* the window is full */
	lanes_leave(&l, one, 100);
	expect_next(&l, 1);
	lanes_tick(&l, 499);
	expect_next(&l, 0);
	lanes_tick(&l, 500);
	expect_next(&l, 3);
}

static void test_what_comes_meanwhile(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *lane;

	(void)state;
	lanes_init(&l, 20);
	changed(&l, 1, 10, 100);
	lane = lanes_take(&l);
	assert_true(lanes_begin(&l, lane, 100));
	changed(&l, 1, 50, 100);
	lanes_empty(&l, lane, INT64_MAX, 100);
	lanes_leave(&l, lane, 100);
	expect_next(&l, 1);
	assert_true(lanes_begin(&l, lane, 100));
	lanes_empty(&l, lane, 300, 100);
	lanes_leave(&l, lane, 100);
	expect_next(&l, 0);
	lanes_tick(&l, 300);
	expect_next(&l, 1);
	assert_true(lanes_begin(&l, lane, 100));
	lanes_empty(&l, lane, INT64_MAX, 300);
	lanes_leave(&l, lane, 300);
	assert_int_equal(l.n, 0);
}

static void test_block(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *lane;

	(void)state;
	lanes_init(&l, 20);
	changed(&l, 1, 10, 1000);
	lane = lanes_take(&l);
	assert_true(lanes_begin(&l, lane, 100));
	assert_true(lanes_bad(&l, lane, &backoff, 0, 1000));
	lanes_empty(&l, lane, 1000, 1000);
	lanes_leave(&l, lane, 1000);
	changed(&l, 1, 1000, 1000);
	expect_next(&l, 0);
	lanes_tick(&l, 1079);
	expect_next(&l, 0);
	lanes_unblock(&l, 1079);
	expect_next(&l, 1);
	lanes_good(&l, lane, 1079);
	assert_int_equal(lane->failures, 0);
	/* One of two has no connection: the other one goes on. */
	lanes_found(&l, lane, 1079);
	expect_next(&l, 1);
	assert_false(lanes_bad(&l, lane, &backoff, 0, 1079));
}

static void test_window(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *lane;

	(void)state;
	lanes_init(&l, 5);
	changed(&l, 1, 10, 100);
	lane = lanes_take(&l);
	for (unsigned i = 0; i < 100; i++)
		lanes_good(&l, lane, 100);
	assert_true(lane->window == 5);
	for (unsigned i = 0; i < 100; i++)
		lanes_bad(&l, lane, &backoff, i, 100);
	assert_true(lane->window == 1);
}

/* Many times in any order come out sorted, with some moved and taken meanwhile. */
static void test_order(void **state)
{
	enum { N = 1000 };
	struct lanes l AUTO(lanes_done);
	struct lane *lane;
	unsigned n = 0;

	(void)state;
	lanes_init(&l, 20);
	for (uint64_t i = 1; i <= N; i++)
		changed(&l, i, (int64_t)(1000 + i * 7919 % 10007), 0);
	for (uint64_t i = 1; i <= N; i += 3)
		changed(&l, i, (int64_t)(500 + i), 0);
	for (int64_t now = 0; now < 12000; now++) {
		lanes_tick(&l, now);
		while ((lane = lanes_take(&l))) {
			assert_int_equal(lane->due_s, now);
			assert_true(lanes_begin(&l, lane, 100));
			lanes_empty(&l, lane, INT64_MAX, now);
			lanes_leave(&l, lane, now);
			n++;
		}
	}
	assert_int_equal(n, N);
	assert_int_equal(l.n, 0);
}

static const struct lane_bounds two_a_minute = {.per_minute = 2},
				one_connection = {.connections = 1}, none = {.messages = 0};

/* Two messages begin in a minute; what was looked for in vain does not count. */
static void test_rate(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *lane;
	int64_t until;

	(void)state;
	lanes_init(&l, 20);
	lanes_limit(&l, slice_lit("x.example"), &two_a_minute, 60);
	changed(&l, 1, 0, 60);
	lane = lanes_take(&l);
	assert_true(lanes_begin(&l, lane, 60));
	lanes_found(&l, lane, 60);
	assert_null(lanes_why(lane, 60, &until));
	assert_true(lanes_begin(&l, lane, 61));
	lanes_empty(&l, lane, 61, 61);
	assert_true(lanes_begin(&l, lane, 62));
	lanes_found(&l, lane, 62);
	assert_false(lanes_begin(&l, lane, 119));
	assert_non_null(lanes_why(lane, 119, &until));
	assert_int_equal(until, 120);
	lanes_good(&l, lane, 119); /* another connection: it changes nothing */
	/* Who took it at the same time finds that out. */
	expect_next(&l, 1);
	assert_false(lanes_begin(&l, lane, 119));
	lanes_leave(&l, lane, 119);
	lanes_leave(&l, lane, 119);
	expect_next(&l, 0);
	lanes_tick(&l, 120);
	lane = lanes_take(&l);
	assert_true(lanes_begin(&l, lane, 120));
	assert_true(lanes_begin(&l, lane, 120));
	assert_false(lanes_begin(&l, lane, 121));
	/* No bound any more: at once. */
	lanes_limit(&l, slice_lit("x.example"), &none, 121);
	assert_true(lanes_begin(&l, lane, 121));
	lanes_empty(&l, lane, INT64_MAX, 121);
	lanes_leave(&l, lane, 121);
}

/* The count outlives the lane. */
static void test_rate_of_a_new_lane(void **state)
{
	struct lanes l AUTO(lanes_done);

	(void)state;
	lanes_init(&l, 20);
	lanes_limit(&l, slice_lit("x.example"), &two_a_minute, 60);
	for (int i = 0; i < 2; i++) {
		struct lane *lane;

		changed(&l, 1, 0, 60);
		lane = lanes_take(&l);
		assert_true(lanes_begin(&l, lane, 60));
		lanes_leave(&l, lane, 60); /* nothing more is due: it is gone */
		assert_int_equal(l.n, 0);
	}
	changed(&l, 1, 0, 60);
	assert_false(lanes_begin(&l, lanes_take(&l), 60));
	lanes_leave(&l, map_get(&l.map, map_key_u64(&(uint64_t){1})), 60);
	expect_next(&l, 0);
	lanes_tick(&l, 120);
	expect_next(&l, 1);
}

static void test_connections_are_bounded(void **state)
{
	struct lanes l AUTO(lanes_done);
	struct lane *lane;
	int64_t until;

	(void)state;
	lanes_init(&l, 20);
	changed(&l, 1, 0, 60);
	lane = lanes_take(&l);
	lanes_limit(&l, slice_lit("x.example"), &one_connection, 60);
	assert_true(lanes_begin(&l, lane, 60));
	lanes_found(&l, lane, 60);
	expect_next(&l, 0);
	assert_non_null(lanes_why(lane, 60, &until));
	lanes_limit(&l, slice_lit("other.example"), &none, 60);
	lanes_limit(&l, slice_lit("x.example"), &none, 60);
	expect_next(&l, 1);
	lanes_leave(&l, lane, 60);
	lanes_leave(&l, lane, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_of_a_new_lane),
		cmocka_unit_test(test_connections_are_bounded),
		cmocka_unit_test(test_what_comes_meanwhile),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
