/*
 * fault_test.c - each write and sync of a scenario fails, or is the last of its process: what was
 * acknowledged is delivered, told to its sender, or still there, and nothing is there twice.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue/queue_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "queue/internal.h"

#ifdef PH_FAULTS

enum { MESSAGES = 4, RECIPIENTS = 2 };

/* What the process has heard of, in memory that outlives it. */
struct books {
	bool is_put[MESSAGES];
	unsigned sent[MESSAGES][RECIPIENTS]; /* handed out to be delivered */
	bool is_reported[MESSAGES];
};

static struct books *books;

static size_t which(const struct queue_message *m)
{
	return (size_t)(m->delivery_id - 1);
}

static void put(struct kit *kit, size_t n)
{
	static const char *const to[] = {"a@x.example", "b@y.example", NULL};
	struct queue_message *m = kit_message(to);

	m->delivery_id = n + 1;
	m->flags = QUEUE_REPEATED;
	if (kit_put(kit, m, "Subject: fault\r\n\r\ntext\r\n") == 0)
		books->is_put[n] = true;
}

/* x.example takes what it is given, y.example refuses it. */
static void send_all(struct kit *kit, const char *name, enum queue_outcome outcome)
{
	struct queue_message *m = NULL;
	unsigned tries = 0;
	struct err err;

	/* What cannot be written down is due again at once. */
	while (tries++ < 2 * MESSAGES &&
		queue_claim(kit->queue, kit_destination(kit, name), 10, &m, &err) == 0) {
		books->sent[which(m)][m->recipients[0].number]++;
		kit_finish(kit, m, outcome);
	}
}

static void report_all(struct kit *kit)
{
	struct queue_message *m, *report;
	struct err err;

	while (queue_report_next(kit->queue, &m, &err) == 0) {
		const struct queue_recipient to = {.address = m->sender};

		report = queue_message_new();
		report->origin = QUEUE_OF_REPORT;
		report->flags = QUEUE_REPORT;
		report->delivery_id = m->delivery_id + MESSAGES;
		assert_int_equal(queue_message_add(report, &to, &err), 0);
		if (queue_report_done(kit->queue, m, report, slice_lit("sorry"), &err) < 0)
			break;
	}
}

static void scenario(struct kit *kit)
{
	for (size_t n = 0; n < MESSAGES; n++) {
		put(kit, n);
		send_all(kit, "x.example", QUEUE_OUT_DELIVERED);
		send_all(kit, "y.example", QUEUE_OUT_FAILED);
		report_all(kit);
	}
}

struct found {
	unsigned recipients[MESSAGES][RECIPIENTS], reports[MESSAGES];
};

static int64_t number_of(struct kit *kit, int64_t id)
{
	struct err err;
	int64_t delivery;

	assert_int_equal(db_get_int(kit->queue->db, &delivery, &err,
				 "SELECT delivery FROM message WHERE id = ?", db_i(id)),
		0);
	return delivery - 1;
}

struct look {
	struct kit *kit;
	struct found found;
};

static void look_at(void *context, const struct queue_entry *e)
{
	struct look *look = context;
	const size_t n = (size_t)number_of(look->kit, e->id);

	if (slice_eq(e->destination, slice_lit(QUEUE_HERE)))
		look->found.reports[n - MESSAGES]++;
	else
		look->found.recipients[n][e->number]++;
}

/* Acknowledged: each recipient is queued, or was delivered, or its sender is told. Once. */
static void verify(void)
{
	const struct queue_filter all = {.state = -1};
	struct look look = {.found = {{{0}}, {0}}};
	struct kit kit;
	struct err err;
	bool more;

	kit_open(&kit, "");
	look.kit = &kit;
	assert_int_equal(
		queue_list(kit.queue, &all, 0, 0, SIZE_MAX, look_at, &look, &more, &err), 0);
	for (size_t n = 0; n < MESSAGES; n++) {
		const unsigned a = look.found.recipients[n][0], b = look.found.recipients[n][1];

		assert_true(a <= 1 && b <= 1 && look.found.reports[n] <= 1);
		assert_true(b + look.found.reports[n] <= 1);
		if (!books->is_put[n])
			continue;
		assert_true(a || books->sent[n][0]);
		assert_int_equal(b + look.found.reports[n], 1);
	}
	assert_int_equal(db_verify(kit.queue->db, &err), 0);
	kit_close(&kit);
}

/* Everything goes its way afterwards, and nothing is left behind. */
static void go_on(void)
{
	struct queue_status status;
	struct kit kit;
	struct err err;

	kit_open(&kit, "");
	send_all(&kit, "x.example", QUEUE_OUT_DELIVERED);
	send_all(&kit, "y.example", QUEUE_OUT_FAILED);
	report_all(&kit);
	while (kit_destination(&kit, QUEUE_HERE)) {
		struct queue_message *m = kit_claim(&kit, QUEUE_HERE, 10);

		if (!m)
			break;
		kit_finish(&kit, m, QUEUE_OUT_DELIVERED);
	}
	assert_int_equal(queue_status(kit.queue, &status, &err), 0);
	assert_int_equal(status.messages, 0);
	kit_close(&kit);
}

static bool fail_once(enum io_step step, unsigned n, enum io_action action)
{
	struct kit kit;
	bool is_all = true;

	kit_open(&kit, "");
	io_fault_set(step, n, action);
	scenario(&kit);
	io_fault_set(step, 0, IO_FAULT_NONE);
	kit_close(&kit);
	for (size_t i = 0; i < MESSAGES; i++)
		is_all = is_all && books->is_put[i] && books->sent[i][0] == 1;
	verify();
	go_on();
	return !is_all;
}

static bool stop_once(enum io_step step, unsigned n, enum io_action action)
{
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct kit kit;

		kit_open(&kit, "");
		io_fault_set(step, n, action);
		scenario(&kit);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 137);
	verify();
	go_on();
	return WEXITSTATUS(status) == 137;
}

/* Until the scenario has got through several times in a row: a failure may be without effect. */
static void each(bool (*once)(enum io_step, unsigned, enum io_action), enum io_step step,
	enum io_action action)
{
	unsigned quiet = 0, n;

	for (n = 1; quiet < 5; n++) {
		memset(books, 0, sizeof(*books));
		kit_enter();
		quiet = once(step, n, action) ? 0 : quiet + 1;
		kit_leave();
	}
	assert_true(n > 12);
}

static void test_write_fails(void **state)
{
	(void)state;
	each(fail_once, IO_WRITE, IO_FAULT_FAIL);
}

/* What was sent while there is no room is not sent again before that could be written down. */
static void test_outcome_waits_for_room(void **state)
{
	struct queue_message *m;
	struct queue_status status;
	struct kit kit;
	struct err err;
	int64_t due_s;

	(void)state;
	kit_enter();
	kit_open(&kit, "");
	assert_int_equal(kit_put_to(&kit, "a@x.example"), 0);
	m = kit_claim(&kit, "x.example", 10);
	assert_non_null(m);
	io_fault_set(IO_WRITE, 1, IO_FAULT_FULL);
	kit_finish(&kit, m, QUEUE_OUT_DELIVERED);
	assert_null(kit_claim(&kit, "x.example", 10));
	assert_int_equal(
		queue_next_due(kit.queue, kit_destination(&kit, "x.example"), &due_s, &err), 0);
	assert_true(due_s == INT64_MAX);
	kit.queue->again_s = 0;
	queue_finish_again(kit.queue); /* still full */
	assert_null(kit_claim(&kit, "x.example", 10));
	io_fault_set(IO_WRITE, 0, IO_FAULT_NONE);
	queue_finish_again(kit.queue); /* not yet */
	assert_null(kit_claim(&kit, "x.example", 10));
	kit.queue->again_s = 0;
	queue_finish_again(kit.queue);
	assert_int_equal(queue_status(kit.queue, &status, &err), 0);
	assert_int_equal(status.messages, 0);
	kit_close(&kit);
	kit_leave();
}

static void test_sync_fails(void **state)
{
	(void)state;
	each(fail_once, IO_SYNC, IO_FAULT_FAIL);
}

static void test_disk_full(void **state)
{
	(void)state;
	each(fail_once, IO_WRITE, IO_FAULT_FULL);
}

static void test_stop_at_write(void **state)
{
	(void)state;
	each(stop_once, IO_WRITE, IO_FAULT_STOP);
}

static void test_stop_at_sync(void **state)
{
	(void)state;
	each(stop_once, IO_SYNC, IO_FAULT_STOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_outcome_waits_for_room),
		cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_stop_at_write),
		cmocka_unit_test(test_stop_at_sync),
	};

	books = mmap(
		NULL, sizeof(*books), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 77; /* skipped: faults are not built in */
}

#endif
