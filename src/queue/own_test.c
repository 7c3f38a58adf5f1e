/* own_test.c - held mail: listed, taken back, sent now, and nobody else's; with the clock moved. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/own.h"
#include "queue/queue_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum { ANN = 7, BEN = 8, LETTER = 4711 };

/* To two, one of them here, in so many seconds. */
static void put_letter(struct kit *kit, uint64_t delivery_id, int64_t seconds)
{
	struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});
	const struct queue_recipient here = {
		.address = slice_lit("b@here.example"), .is_here = true};
	struct err err;

	assert_int_equal(queue_message_add(m, &here, &err), 0);
	m->submitter = ANN;
	m->delivery_id = delivery_id;
	m->flags = QUEUE_REPEATED;
	m->not_before_s = clock_wall_s() + seconds;
	assert_int_equal(kit_put(kit, m, "Subject: x\r\n\r\nx\r\n"), 0);
}

static void put_own(void *context, const struct queue_own *own)
{
	buf_printf(context, "%llu%s %.*s (%zu)\n", (unsigned long long)own->delivery_id,
		own->is_taken ? " taken" : "", SLICE_ARG(own->to), own->recipients_n);
}

static void expect_own(struct kit *kit, uint64_t who, const char *want)
{
	struct buf got AUTO(buf_done);
	struct err err;

	buf_init(&got, 4096);
	assert_int_equal(queue_own_list(kit->queue, who, 100, put_own, &got, &err), 0);
	buf_byte(&got, '\0');
	assert_string_equal(got.ptr, want);
}

static int take(struct kit *kit, uint64_t who, uint64_t letter)
{
	struct err err;

	return queue_own_take(kit->queue, who, letter, &err);
}

static void test_taken_back(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	put_letter(kit, LETTER, 100);
	put_letter(kit, 12, 50);
	expect_own(kit, ANN,
		"12 a@x.example, b@here.example (2)\n4711 a@x.example, b@here.example (2)\n");
	expect_own(kit, BEN, "");
	assert_int_equal(take(kit, BEN, LETTER), -ERR_NOTFOUND);
	assert_int_equal(take(kit, ANN, 13), -ERR_NOTFOUND);
	assert_int_equal(queue_own_find(kit->queue, ANN, LETTER, &m, &err), -ERR_NOTFOUND);
	/* Twice is once; and it stays, for nobody to send, until it is forgotten. */
	assert_int_equal(take(kit, ANN, LETTER), 0);
	assert_int_equal(take(kit, ANN, LETTER), 0);
	kit_move_clock(200);
	kit_finish(kit, kit_claim(kit, "x.example", 9), QUEUE_OUT_DELIVERED);
	kit_finish(kit, kit_claim(kit, QUEUE_HERE, 9), QUEUE_OUT_DELIVERED);
	assert_null(kit_claim(kit, "x.example", 9));
	expect_own(kit, ANN, "4711 taken a@x.example, b@here.example (2)\n");
	kit_close(kit);
	kit_open(kit, "");
	assert_int_equal(queue_own_find(kit->queue, ANN, LETTER, &m, &err), 0);
	assert_int_equal(m->recipients_n, 2);
	queue_message_free(&m);
	assert_int_equal(queue_own_find(kit->queue, BEN, LETTER, &m, &err), -ERR_NOTFOUND);
	assert_int_equal(queue_own_forget(kit->queue, BEN, LETTER, &err), 0);
	kit_expect(kit, "1.0 held a@x.example x.example 0\n1.1 held b@here.example <here> 0\n");
	assert_int_equal(queue_own_forget(kit->queue, ANN, LETTER, &err), 0);
	assert_int_equal(queue_own_forget(kit->queue, ANN, LETTER, &err), 0);
	kit_expect(kit, "");
	/* The same letter again is a new one. */
	put_letter(kit, LETTER, 100);
	expect_own(kit, ANN, "4711 a@x.example, b@here.example (2)\n");
}

/* Each of these is too late, and changes nothing. */
static void test_too_late(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	struct err err;

	put_letter(kit, LETTER, 100);
	kit_move_clock(100);
	assert_int_equal(take(kit, ANN, LETTER), -ERR_CONFLICT);
	/* Who looked for work meanwhile is called. */
	kit->changes = 0;
	assert_int_equal(take(kit, ANN, LETTER), -ERR_CONFLICT);
	assert_int_equal(kit->changes, 2);
	m = kit_claim(kit, "x.example", 9);
	assert_int_equal(take(kit, ANN, LETTER), -ERR_CONFLICT);
	kit_finish(kit, m, QUEUE_OUT_DELIVERED);
	assert_int_equal(take(kit, ANN, LETTER), -ERR_CONFLICT);
	assert_int_equal(queue_own_send(kit->queue, ANN, LETTER, &err), -ERR_NOTFOUND);
	kit_finish(kit, kit_claim(kit, QUEUE_HERE, 9), QUEUE_OUT_DELIVERED);
	assert_int_equal(take(kit, ANN, LETTER), -ERR_NOTFOUND);
	kit_expect(kit, "");
}

static void test_sent_now(void **state)
{
	struct kit *kit = *state;
	struct err err;

	put_letter(kit, LETTER, 100);
	assert_int_equal(queue_own_send(kit->queue, BEN, LETTER, &err), -ERR_NOTFOUND);
	assert_null(kit_claim(kit, "x.example", 9));
	kit->due_s = 0;
	assert_int_equal(queue_own_send(kit->queue, ANN, LETTER, &err), 0);
	assert_true(kit->due_s <= clock_wall_s());
	expect_own(kit, ANN, "");
	assert_int_equal(take(kit, ANN, LETTER), -ERR_NOTFOUND);
	kit_finish(kit, kit_claim(kit, "x.example", 9), QUEUE_OUT_DELIVERED);
	kit_finish(kit, kit_claim(kit, QUEUE_HERE, 9), QUEUE_OUT_DELIVERED);
	kit_expect(kit, "");
	put_letter(kit, 12, 100);
	assert_int_equal(take(kit, ANN, 12), 0);
	assert_int_equal(queue_own_send(kit->queue, ANN, 12, &err), -ERR_NOTFOUND);
}

/* The operator's "release" sends nothing early and nothing that was taken back; "retry" means now.
 */
static void test_operator(void **state)
{
	const struct queue_filter all = {.state = -1};
	struct kit *kit = *state;
	uint64_t changed;
	struct err err;

	put_letter(kit, LETTER, 100);
	assert_int_equal(queue_change(kit->queue, &all, QUEUE_HOLD, &changed, &err), 0);
	assert_int_equal(queue_change(kit->queue, &all, QUEUE_RELEASE, &changed, &err), 0);
	assert_int_equal(changed, 2);
	assert_null(kit_claim(kit, "x.example", 9));
	assert_int_equal(take(kit, ANN, LETTER), 0);
	assert_int_equal(queue_change(kit->queue, &all, QUEUE_RELEASE, &changed, &err), 0);
	assert_int_equal(changed, 0);
	assert_int_equal(queue_own_forget(kit->queue, ANN, LETTER, &err), 0);
	put_letter(kit, 12, 100);
	assert_int_equal(queue_change(kit->queue, &all, QUEUE_RETRY, &changed, &err), 0);
	assert_int_equal(changed, 2);
	assert_int_equal(take(kit, ANN, 12), -ERR_NOTFOUND);
	kit_finish(kit, kit_claim(kit, "x.example", 9), QUEUE_OUT_DELIVERED);
}

/* A courier that stood still takes nothing for which nobody waits any more. */
static void test_nobody_waits(void **state)
{
	struct kit *kit = *state;

	for (int64_t ms = -1000; ms <= 60000; ms += 61000) {
		struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

		m->until_ms = clock_mono_ms() + ms;
		assert_int_equal(kit_put(kit, m, "text"), ms < 0 ? -ERR_BUSY : 0);
	}
	kit_expect(kit, "1.0 waiting a@x.example x.example 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_taken_back, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_too_late, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_sent_now, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_operator, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_waits, kit_set_up, kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
