/* queue_test.c - what comes in, is handed out and comes back. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "queue/internal.h"

static void test_backoff_table(void **state)
{
	static const struct {
		const char *text;
		size_t n; /* 0: refused */
		int64_t last;
	} cases[] = {
		{"5m", 1, 300},
		{"30s 5m  1h 2d", 4, 172800},
		{" 10m ", 1, 600},
		{"", 0, 0},
		{"5", 0, 0},
		{"m", 0, 0},
		{"0s", 0, 0},
		{"5x", 0, 0},
		{"-5m", 0, 0},
		{"8d", 0, 0},
		{"99999999999999999999s", 0, 0},
		{"1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s "
		 "1s 1s 1s 1s 1s 1s",
			0, 0},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct queue_backoff b = {.n = 99};
		const int rc = queue_backoff_parse(slice_str(cases[i].text), &b, &err);

		assert_int_equal(rc, cases[i].n ? 0 : -ERR_SYNTAX);
		assert_int_equal(b.n, cases[i].n ? cases[i].n : 99);
		if (rc == 0)
			assert_int_equal(b.pauses_s[b.n - 1], cases[i].last);
	}
}

static void test_backoff_pause(void **state)
{
	const struct queue_backoff b = {.pauses_s = {60, 600}, .n = 2};

	(void)state;
	for (uint64_t chance = 0; chance < 1000; chance++) {
		const int64_t first = queue_backoff_pause(&b, 1, chance);
		const int64_t second = queue_backoff_pause(&b, 2, chance);

		assert_true(first >= 48 && first <= 72);
		assert_true(second >= 480 && second <= 720);
		assert_true(queue_backoff_pause(&b, 1000, chance) == second);
	}
	assert_true(queue_backoff_pause(&b, 2, 0) != queue_backoff_pause(&b, 2, 7));
}

static void test_put_and_deliver(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	struct buf text AUTO(buf_done);
	struct err err;

	buf_init(&text, QUEUE_CHUNK);
	assert_int_equal(kit_put_to(kit, "a@there.example"), 0);
	assert_string_equal(kit->name, "there.example");
	assert_true(kit->due_s <= clock_wall_s());
	m = kit_claim(kit, "there.example", 10);
	assert_non_null(m);
	assert_int_equal(m->recipients_n, 1);
	assert_null(kit_claim(kit, "there.example", 10));
	kit_expect(kit, "1.0 running a@there.example there.example 0\n");
	assert_int_equal(queue_read(kit->queue, m->id, 0, &text, &err), 0);
	assert_int_equal(text.len, m->size);
	assert_memory_equal(text.ptr, "Subject: x\r\n\r\nx\r\n", text.len);
	kit_finish(kit, m, QUEUE_OUT_DELIVERED);
	kit_expect(kit, "");
	assert_int_equal(queue_report_due(kit->queue), INT64_MAX);
	buf_clear(&text);
	assert_int_equal(queue_read(kit->queue, 1, 0, &text, &err), 0);
	assert_int_equal(text.len, 0);
}

static void test_recipients_are_shared_out(void **state)
{
	static const char *const to[] = {
		"a@one.example", "b@two.example", "c@one.example", "d@one.example", NULL};
	struct kit *kit = *state;
	struct queue_message *first, *second, *other;

	assert_int_equal(kit_put(kit, kit_message(to), "text"), 0);
	first = kit_claim(kit, "one.example", 2);
	second = kit_claim(kit, "one.example", 2);
	other = kit_claim(kit, "two.example", 2);
	assert_int_equal(first->recipients_n, 2);
	assert_int_equal(second->recipients_n, 1);
	assert_int_equal(second->recipients[0].number, 3);
	assert_int_equal(other->recipients[0].number, 1);
	kit_finish(kit, first, QUEUE_OUT_DELIVERED);
	kit_finish(kit, other, QUEUE_OUT_NONE);
	kit_finish(kit, second, QUEUE_OUT_DEFERRED);
	kit_expect(kit, "1.1 waiting b@two.example two.example 0\n"
			"1.3 waiting d@one.example one.example 1\n");
	assert_null(kit_claim(kit, "one.example", 2));
	other = kit_claim(kit, "two.example", 2);
	kit_finish(kit, other, QUEUE_OUT_DELIVERED);
}

static void note_rc(void *context, int rc, const struct err *err)
{
	(void)err;
	*(int *)context = rc;
}

static int put_file(struct kit *kit, int fd, uint64_t size)
{
	struct queue_message *m = kit_message((const char *const[]){"a@there.example", NULL});
	int rc = 1;

	queue_put(
		kit->queue, m, &(struct queue_body){.fd = fd, .at = 3, .size = size}, note_rc, &rc);
	return rc;
}

static void test_large_body(void **state)
{
	struct kit *kit = *state;
	const size_t size = 2 * QUEUE_CHUNK + 77;
	struct buf text AUTO(buf_done), got AUTO(buf_done);
	FILE *file = tmpfile();
	struct err err;

	buf_init(&text, size);
	buf_init(&got, size);
	for (size_t i = 0; i < size; i++)
		buf_byte(&text, (char)(i * 31 >> 3));
	assert_int_equal(io_write_all(fileno(file), slice_lit("own"), &err), 0);
	assert_int_equal(io_write_all(fileno(file), buf_slice(&text), &err), 0);
	assert_int_equal(put_file(kit, fileno(file), size + 1), -ERR_IO);
	kit_expect(kit, "");
	assert_int_equal(put_file(kit, fileno(file), size), 0);
	for (uint64_t at = 0; at <= size; at += QUEUE_CHUNK)
		assert_int_equal(queue_read(kit->queue, 1, at, &got, &err), 0);
	assert_int_equal(queue_read(kit->queue, 1, 3 * QUEUE_CHUNK, &got, &err), 0);
	assert_int_equal(got.len, size);
	assert_memory_equal(got.ptr, text.ptr, size);
	fclose(file);
}

static void test_backoff_and_expiry(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m;
	unsigned attempts = 0;
	struct err err;

	assert_int_equal(kit_put_to(kit, "a@there.example"), 0);
	while ((m = kit_claim(kit, "there.example", 1))) {
		int64_t due;

		assert_int_equal(m->recipients[0].attempts, attempts++);
		kit->due_s = 0;
		kit_finish(kit, m, QUEUE_OUT_DEFERRED);
		assert_int_equal(queue_next_due(kit->queue, kit_destination(kit, "there.example"),
					 &due, &err),
			0);
		if (due == INT64_MAX)
			break;
		assert_int_equal(due, kit->due_s);
		kit_move_clock(due - clock_wall_s() - 2);
		assert_null(kit_claim(kit, "there.example", 1));
		kit_move_clock(2000);
	}
	assert_true(attempts > 30);
	kit_move_clock(3600);
	while (queue_report_next(kit->queue, &m, &err) == 0)
		assert_int_equal(
			queue_report_done(kit->queue, m, NULL, (struct slice){0}, &err), 0);
	kit_expect(kit, "");
}

/* All that RFC 3461 4.1 distinguishes; at the end nothing is left behind. */
static void test_not_before(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

	m->not_before_s = clock_wall_s() + 1000;
	assert_int_equal(kit_put(kit, m, "text"), 0);
	assert_true(kit->due_s > clock_wall_s() + 900);
	assert_null(kit_claim(kit, "x.example", 1));
	kit_move_clock(1001);
	/* Its day of life, and the hour until a delay is told, begin now. */
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_int_equal(queue_report_due(kit->queue), INT64_MAX);
	kit_move_clock(80000);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DEFERRED);
	assert_true(queue_report_due(kit->queue) < INT64_MAX);
	kit_move_clock(200);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DELIVERED);
	kit_expect(kit, "");
}

/* An account here is brought mail here, wherever the route of its domain leads. */
static void test_here_in_spite_of_routes(void **state)
{
	struct kit *kit = *state;
	struct queue_message *m = queue_message_new();
	const struct queue_recipient to = {.address = slice_lit("a@x.example"), .is_here = true};
	struct err err;

	assert_int_equal(queue_route_set(kit->queue, slice_lit("*"), slice_lit("[::1]"), &err), 0);
	m->sender = slice_lit("sender@here.example");
	assert_int_equal(queue_message_add(m, &to, &err), 0);
	assert_int_equal(kit_put(kit, m, "text"), 0);
	kit_expect(kit, "1.0 waiting a@x.example <here> 0\n");
	assert_int_equal(queue_route_set(kit->queue, slice_lit("*"), slice_lit(""), &err), 0);
	kit_expect(kit, "1.0 waiting a@x.example <here> 0\n");
}

static void test_priorities(void **state)
{
	static const enum queue_priority in[] = {QUEUE_BULK, QUEUE_NORMAL, QUEUE_FIRST};
	struct kit *kit = *state;

	for (size_t i = 0; i < 3; i++) {
		struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

		m->priority = in[i];
		assert_int_equal(kit_put(kit, m, "text"), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		struct queue_message *m = kit_claim(kit, "x.example", 1);

		assert_int_equal(m->priority, in[2 - i]);
		kit_finish(kit, m, QUEUE_OUT_DELIVERED);
	}
}

static void test_handed_over_twice(void **state)
{
	struct kit *kit = *state;

	for (int i = 0; i < 3; i++) {
		struct queue_message *m = kit_message((const char *const[]){"a@x.example", NULL});

		m->delivery_id = 4711;
		m->flags = QUEUE_REPEATED;
		assert_int_equal(kit_put(kit, m, "text"), 0);
		/* Also when the first one has gone already. */
		if (i == 1)
			kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_DELIVERED);
	}
	kit_expect(kit, "");
}

static void test_restart(void **state)
{
	struct kit *kit = *state;

	assert_int_equal(kit_put_to(kit, "a@x.example"), 0);
	assert_int_equal(kit_put_to(kit, "b@y.example"), 0);
	kit_finish(kit, kit_claim(kit, "x.example", 1), QUEUE_OUT_FAILED);
	kit_close(kit);
	kit_open(kit, "");
	assert_int_equal(kit->changes, 1);
	assert_string_equal(kit->name, "y.example");
	assert_true(queue_report_due(kit->queue) <= clock_wall_s());
	/* Ids are not given twice. */
	kit_finish(kit, kit_claim(kit, "y.example", 1), QUEUE_OUT_DELIVERED);
	assert_int_equal(kit_put_to(kit, "c@y.example"), 0);
	kit_expect(
		kit, "1.0 bounced a@x.example x.example 1\n3.0 waiting c@y.example y.example 0\n");
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff_table),
		cmocka_unit_test(test_backoff_pause),
		cmocka_unit_test_setup_teardown(test_put_and_deliver, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_recipients_are_shared_out, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_large_body, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_backoff_and_expiry, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_here_in_spite_of_routes, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_not_before, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_priorities, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_handed_over_twice, kit_set_up, kit_tear_down),
		cmocka_unit_test_setup_teardown(test_restart, kit_set_up, kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
