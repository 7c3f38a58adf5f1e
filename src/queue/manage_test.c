/* manage_test.c - what the operator changes: recipients, routes, addresses that get nothing. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

static uint64_t change(struct kit *kit, const struct queue_filter *f, enum queue_change_kind kind)
{
	uint64_t n;
	struct err err;

	assert_int_equal(queue_change(kit->queue, f, kind, &n, &err), 0);
	return n;
}

static void test_manage(void **state)
{
	static const char *const to[] = {"a@x.example", "b@y.example", "c@sub.x.example", NULL};
	const struct queue_filter at_x = {.address = slice_lit("@x.example"), .state = -1};
	const struct queue_filter first = {.id = 1, .state = -1};
	const struct queue_filter one = {.address = slice_lit("b@y.example"), .state = -1};
	const struct queue_filter all = {.state = -1};
	struct kit *kit = *state;
	struct queue_message *m;
	struct queue_status status;
	struct err err;

	assert_int_equal(kit_put(kit, kit_message(to), "text"), 0);
	assert_int_equal(kit_put_to(kit, "z@x.example"), 0);
	assert_int_equal(change(kit, &at_x, QUEUE_HOLD), 2);
	assert_int_equal(change(kit, &at_x, QUEUE_HOLD), 0);
	assert_null(kit_claim(kit, "x.example", 1));
	assert_int_equal(queue_status(kit->queue, &status, &err), 0);
	assert_int_equal(status.messages, 2);
	assert_int_equal(status.recipients, 4);
	assert_int_equal(status.held, 2);
	assert_int_equal(status.bytes, 4 + 17);
	assert_int_equal(change(kit, &first, QUEUE_RELEASE), 1);
	m = kit_claim(kit, "x.example", 1);
	/* Held and dropped while it is being tried. */
	assert_int_equal(change(kit, &first, QUEUE_HOLD), 3);
	kit_finish(kit, m, QUEUE_OUT_DEFERRED);
	kit_expect(kit, "1.0 held a@x.example x.example 1\n1.1 held b@y.example y.example 0\n"
			"1.2 held c@sub.x.example sub.x.example 0\n"
			"2.0 held z@x.example x.example 0\n");
	assert_int_equal(change(kit, &all, QUEUE_RELEASE), 4);
	m = kit_claim(kit, "y.example", 1);
	assert_int_equal(change(kit, &one, QUEUE_DROP), 1);
	kit_finish(kit, m, QUEUE_OUT_DEFERRED);
	assert_int_equal(change(kit, &first, QUEUE_BOUNCE), 2);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
	assert_int_equal(m->recipients_n, 2);
	queue_message_free(&m);
	assert_int_equal(change(kit, &all, QUEUE_DROP), 3);
	kit_expect(kit, "");
}

static void test_retry_makes_due(void **state)
{
	const struct queue_filter all = {.state = -1};
	struct kit *kit = *state;

	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_null(kit_claim(kit, "x.example", 1));
	kit->due_s = 0;
	assert_int_equal(change(kit, &all, QUEUE_RETRY), 1);
	assert_true(kit->due_s <= clock_wall_s());
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DELIVERED);
}

static void set_route(struct kit *kit, const char *pattern, const char *target)
{
	struct err err;

	assert_int_equal(
		queue_route_set(kit->queue, slice_str(pattern), slice_str(target), &err), 0);
}

static void test_routes(void **state)
{
	struct kit *kit = *state;
	struct err err;

	assert_int_equal(kit_put_to(kit, "a@b.x.example"), 0);
	set_route(kit, ".x.example", "[relay.example]:26");
	kit_expect(kit, "1.0 waiting a@b.x.example [relay.example]:26 0\n");
	set_route(kit, "x.example", "one.example");
	set_route(kit, "*", "rest.example");
	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	assert_int_equal(kit_put_to(kit, "a@y.example"), 0);
	kit_expect(kit, "1.0 waiting a@b.x.example [relay.example]:26 0\n"
			"2.0 waiting a@x.example one.example 0\n"
			"3.0 waiting a@y.example rest.example 0\n");
	set_route(kit, "*", "");
	assert_int_equal(queue_route_set(kit->queue, slice_lit("*"), (struct slice){0}, &err),
		-ERR_NOTFOUND);
	set_route(kit, ".x.example", "");
	kit_expect(kit, "1.0 waiting a@b.x.example b.x.example 0\n"
			"2.0 waiting a@x.example one.example 0\n"
			"3.0 waiting a@y.example y.example 0\n");
	kit_close(kit);
	kit_open(kit, "smart.example");
	kit_expect(kit, "1.0 waiting a@b.x.example smart.example 0\n"
			"2.0 waiting a@x.example one.example 0\n"
			"3.0 waiting a@y.example smart.example 0\n");
	assert_int_equal(kit->changes, 2);
}

static void test_suppressed(void **state)
{
	const struct slice why = slice_lit("550 5.1.1 nobody there");
	static const char *const to[] = {"a@x.example", "b@y.example", "c@z.example", NULL};
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	assert_int_equal(queue_suppress(kit->queue, slice_lit("a@x.example"), &why, &err), 0);
	assert_int_equal(queue_suppress(kit->queue, slice_lit("y.example"), &why, &err), 0);
	assert_int_equal(kit_put(kit, kit_message(to), "text"), 0);
	kit_expect(kit, "1.0 bounced a@x.example x.example 0\n1.1 bounced b@y.example y.example 0\n"
			"1.2 waiting c@z.example z.example 0\n");
	assert_true(queue_report_due(kit->queue) < INT64_MAX);
	/* Nobody is told: nothing is kept. */
	m = kit_message((const char *const[]){"a@x.example", NULL});
	m->sender = (struct slice){0};
	assert_int_equal(kit_put(kit, m, "text"), 0);
	assert_int_equal(queue_suppress(kit->queue, slice_lit("a@x.example"), NULL, &err), 0);
	assert_int_equal(
		queue_suppress(kit->queue, slice_lit("a@x.example"), NULL, &err), -ERR_NOTFOUND);
	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	/* From one sender alone. */
	assert_int_equal(queue_suppress(kit->queue, slice_lit("sender@here.example d@x.example"),
				 &why, &err),
		0);
	assert_int_equal(kit_put_to(kit, "d@x.example"), 0);
	m = kit_message((const char *const[]){"d@x.example", NULL});
	m->sender = slice_lit("other@here.example");
	assert_int_equal(kit_put(kit, m, "text"), 0);
	kit_expect(kit,
		"1.0 bounced a@x.example x.example 0\n1.1 bounced b@y.example y.example 0\n"
		"1.2 waiting c@z.example z.example 0\n3.0 waiting a@x.example x.example 0\n"
		"4.0 bounced d@x.example x.example 0\n5.0 waiting d@x.example x.example 0\n");
}

/* What is to be sent later is, by whatever way it goes then. */
static void test_route_keeps_the_time(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

	m->not_before_s = clock_wall_s() + 1000;
	assert_int_equal(kit_put(kit, m, "text"), 0);
	set_route(kit, "x.example", "relay.example");
	kit_expect(kit, "1.0 waiting a@x.example relay.example 0\n");
	assert_null(kit_claim(kit, "relay.example", 1));
	kit_move_clock(1001);
	kit_finish(kit, kit_claim(kit, "relay.example", 1), QUEUE_OUT_DELIVERED);
}

/* What is being tried when its route changes goes the new way afterwards, and somebody is told. */
static void test_route_while_tried(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	int64_t due;
	struct err err;

	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	m = kit_claim(kit, "x.example", 1);
	set_route(kit, "x.example", "relay.example");
	assert_int_equal(
		queue_next_due(kit->queue, kit_destination(kit, "relay.example"), &due, &err), 0);
	assert_int_equal(due, INT64_MAX);
	kit->name[0] = '\0';
	kit_finish(kit, m, QUEUE_OUT_DEFERRED);
	assert_string_equal(kit->name, "relay.example");
	kit_expect(kit, "1.0 waiting a@x.example relay.example 1\n");
}

/* RFC 3461 4.1: NEVER is for what the operator does, too; and what went meanwhile is no error. */
static void test_bounce_asks_who_is_told(void **state)
{
	static const char *const to[] = {"a@x.example", "b@x.example", NULL};
	const struct queue_filter all = {.state = -1};
	struct kit *kit = *state;
	struct queue_message *m = kit_message(to);
	struct err err;

	m->recipients[0].notify = QUEUE_NOTIFY_NEVER;
	assert_int_equal(kit_put(kit, m, "text"), 0);
	assert_int_equal(change(kit, &all, QUEUE_BOUNCE), 2);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
	assert_int_equal(m->recipients_n, 1);
	assert_int_equal(m->recipients[0].number, 1);
	queue_message_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_manage, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_retry_makes_due, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_routes, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_route_keeps_the_time, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_route_while_tried, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_bounce_asks_who_is_told, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_suppressed, kit_set_up, kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
