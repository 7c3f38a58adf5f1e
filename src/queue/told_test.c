/* told_test.c - who is told what became of a message, when, and once. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue/internal.h"

static void test_who_is_told(void **state)
{
	static const struct {
		const char *sender;
		unsigned notify, flags;
		enum queue_outcome outcome;
		bool is_told;
	} cases[] = {
		{"s@here.example", 0, 0, QUEUE_OUT_FAILED, true},
		{"s@here.example", 0, 0, QUEUE_OUT_DELIVERED, false},
		{"s@here.example", 0, 0, QUEUE_OUT_RELAYED, false},
		{"s@here.example", QUEUE_NOTIFY_NEVER, 0, QUEUE_OUT_FAILED, false},
		{"s@here.example", QUEUE_NOTIFY_SUCCESS, 0, QUEUE_OUT_FAILED, false},
		{"s@here.example", QUEUE_NOTIFY_SUCCESS, 0, QUEUE_OUT_RELAYED, true},
		{"s@here.example", QUEUE_NOTIFY_SUCCESS, 0, QUEUE_OUT_DELIVERED, false},
		{"s@here.example", QUEUE_NOTIFY_FAILURE, 0, QUEUE_OUT_FAILED, true},
		{"s@here.example", QUEUE_NOTIFY_DELAY, 0, QUEUE_OUT_FAILED, false},
		{"s@here.example", 0, QUEUE_REPORT, QUEUE_OUT_FAILED, false},
		{"", 0, 0, QUEUE_OUT_FAILED, false},
		{"", QUEUE_NOTIFY_FAILURE, 0, QUEUE_OUT_FAILED, false},
	};
	struct kit *kit = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});
		struct queue_message *report = NULL;
		struct err err;

		m->sender = slice_str(cases[i].sender);
		m->flags = cases[i].flags;
		m->recipients[0].notify = cases[i].notify;
		assert_int_equal(kit_put(kit, m, "text"), 0);
		kit_finish(kit, kit_claim(kit, "x.example", 1), cases[i].outcome);
		assert_int_equal(queue_report_next(kit->queue, &report, &err),
			cases[i].is_told ? 0 : -ERR_NOTFOUND);
		if (report)
			assert_int_equal(queue_report_done(
						 kit->queue, report, NULL, (struct slice){0}, &err),
				0);
		kit_expect(kit, "");
		assert_int_equal(queue_report_next(kit->queue, &report, &err), -ERR_NOTFOUND);
	}
}

static struct queue_message *report_to_sender(void)
{
	struct queue_message *m = queue_message_new();
	const struct queue_recipient to = {.address = slice_lit("sender@here.example")};
	struct err err;

	m->origin = QUEUE_OF_REPORT;
	m->flags = QUEUE_REPORT;
	assert_int_equal(queue_message_add(m, &to, &err), 0);
	return m;
}

static void test_report_takes_the_place(void **state)
{
	static const char *const to[] = {"a@x.example", "b@x.example", "c@y.example", NULL};
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	assert_int_equal(kit_put(kit, kit_message(to), "text"), 0);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_FAILED);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_FAILED);
	kit_move_clock(QUEUE_TELL_TOGETHER_S + 1);
	assert_true(queue_report_due(kit->queue) <= clock_wall_s());
	assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
	assert_int_equal(m->recipients_n, 2);
	assert_string_equal(arena_str(&m->arena, m->recipients[1].reply), "550 5.1.1 said so");
	assert_string_equal(arena_str(&m->arena, m->recipients[1].host), "mx.there.example");
	assert_int_equal(
		queue_report_done(kit->queue, m, report_to_sender(), slice_lit("sorry"), &err), 0);
	assert_string_equal(kit->name, QUEUE_HERE);
	kit_expect(kit, "1.2 waiting c@y.example y.example 0\n"
			"2.0 waiting sender@here.example <here> 0\n");
	/* A report that fails is the end of it. */
	kit_finish(kit, kit_claim(kit, QUEUE_HERE, 1), QUEUE_OUT_FAILED);
	kit_expect(kit, "1.2 waiting c@y.example y.example 0\n");
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
}

static void test_delay_is_told_once(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
	kit_move_clock(3601);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
	assert_int_equal(m->recipients_n, 1);
	assert_true(m->recipients[0].is_delayed);
	assert_int_equal(queue_report_done(kit->queue, m, NULL, (struct slice){0}, &err), 0);
	kit_move_clock(200);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_int_equal(queue_report_next(kit->queue, &m, &err), -ERR_NOTFOUND);
	kit_expect(kit, "1.0 waiting a@x.example x.example 3\n");
}

/* The round of writes that ends a message, and in the same one somebody who looks too early. */
struct early {
	struct group_item begin, look;
	struct queue *queue;
	struct queue_message *claim;
};

static int look_early(struct group_item *item, struct db *db, struct err *err)
{
	struct early *e = (struct early *)((char *)item - offsetof(struct early, look));
	struct queue_message *about;

	(void)db;
	assert_int_equal(queue_report_next(e->queue, &about, err), -ERR_NOTFOUND);
	return 0;
}

static int begin_round(struct group_item *item, struct db *db, struct err *err)
{
	struct early *e = (struct early *)item;

	(void)db;
	(void)err;
	queue_finish(e->queue, e->claim);
	group_hand_over_later(&e->queue->group, &e->look);
	return 0;
}

static void over(struct group_item *item, int rc, const struct err *err)
{
	(void)item;
	(void)err;
	assert_int_equal(rc, 0);
}

/* Who looks before the outcome is written finds nothing, and is called again. */
static void test_report_is_not_missed(void **state)
{
	struct kit *kit = *state;
	struct early early = {.begin = {.run = begin_round, .done = over},
		.look = {.run = look_early, .done = over},
		.queue = kit->queue};
	struct queue_message *about;
	struct err err;

	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	early.claim = kit_claim(kit, "x.example", 1);
	early.claim->recipients[0].outcome = QUEUE_OUT_FAILED;
	group_submit(&kit->queue->group, &early.begin);
	queue_wait(kit->queue);
	assert_true(queue_report_due(kit->queue) <= clock_wall_s());
	assert_int_equal(queue_report_next(kit->queue, &about, &err), 0);
	queue_message_free(&about);
}

/* More recipients than a report may hold: there is another one. */
static void test_many_are_told(void **state)
{
	enum { MANY = QUEUE_TOLD_MAX + 3 };
	const struct queue_filter all = {.state = -1};
	struct kit *kit = *state;
	struct queue_message *m = queue_message_new();
	const size_t sizes[] = {QUEUE_TOLD_MAX, MANY - QUEUE_TOLD_MAX};
	uint64_t changed;
	struct err err;

	m->sender = slice_lit("sender@here.example");
	for (int i = 0; i < MANY; i++) {
		struct queue_recipient r;
		char address[32];

		snprintf(address, sizeof(address), "u%d@x.example", i);
		r = (struct queue_recipient){.address = slice_str(address)};
		assert_int_equal(queue_message_add(m, &r, &err), 0);
	}
	assert_int_equal(kit_put(kit, m, "text"), 0);
	assert_int_equal(queue_change(kit->queue, &all, QUEUE_BOUNCE, &changed, &err), 0);
	assert_int_equal(changed, MANY);
	for (size_t i = 0; i < 2; i++) {
		assert_true(queue_report_due(kit->queue) <= clock_wall_s());
		assert_int_equal(queue_report_next(kit->queue, &m, &err), 0);
		assert_int_equal(m->recipients_n, sizes[i]);
		assert_int_equal(
			queue_report_done(kit->queue, m, NULL, (struct slice){0}, &err), 0);
	}
	kit_expect(kit, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_is_told, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_report_takes_the_place, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_delay_is_told_once, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_report_is_not_missed, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_many_are_told, kit_set_up, kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
