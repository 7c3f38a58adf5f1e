/* accept_test.c - the delivery log: one copy each, whatever happens in between. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "mail/accept.h"
#include "mail/mail_kit.h"

#define P "@posthouse.example"

static const char *const all[] = {"alice" P, "team" P, "carol" P, NULL};
static const char *const mixed[] = {"alice" P, "bob" P, "x@elsewhere.example", NULL};
static const char *const text = "Return-Path: <>\r\nSubject: x\r\n\r\nhello\r\n";

static int setup(void **state)
{
	static struct mail_kit kit;

	kit_open(&kit);
	*state = &kit;
	return 0;
}

static int teardown(void **state)
{
	io_fault_set(IO_SYNC, 0, IO_FAULT_NONE);
	kit_close(*state);
	return 0;
}

static void assert_one_each(struct mail_kit *kit)
{
	for (int who = 0; who < KIT_ACCOUNTS; who++)
		kit_await(kit, (enum kit_account)who, 1);
}

static void test_one_account(void **state)
{
	static const char *const one[] = {"alice" P, "alice+x" P, NULL};
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);

	kit_start(kit);
	assert_int_equal(kit_submit(kit, "s@elsewhere.example", one, in), 0);
	assert_int_equal(kit_messages(kit, KIT_ALICE), 1);
	incoming_free(&in);
}

static void test_several(void **state)
{
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);

	kit_start(kit);
	assert_int_equal(kit_submit(kit, "s@elsewhere.example", all, in), 0);
	incoming_free(&in);
	assert_one_each(kit);
	kit_await_log_empty(kit);
	assert_one_each(kit);
}

static void test_elsewhere(void **state)
{
	static const char *const away[] = {"x@elsewhere.example", "y@elsewhere.example", NULL};
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);
	struct kit_queued status;

	kit_start(kit);
	assert_int_equal(kit_submit(kit, "alice" P, away, in), 0);
	status = kit_queued(kit);
	assert_int_equal(status.messages, 1);
	assert_int_equal(status.recipients, 2);
	assert_int_equal(kit_submit(kit, "alice" P, mixed, in), 0);
	kit_await(kit, KIT_ALICE, 1);
	kit_await(kit, KIT_BOB, 1);
	kit_await_log_empty(kit);
	status = kit_queued(kit);
	assert_int_equal(status.messages, 2);
	assert_int_equal(status.recipients, 3);
	incoming_free(&in);
}

/* Accepted while no worker ran: all of it is delivered by the next run. */
static void test_replay(void **state)
{
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);

	assert_int_equal(kit_submit(kit, "s@elsewhere.example", all, in), 0);
	incoming_free(&in);
	kit_stop(kit);
	kit_resume(kit);
	kit_start(kit);
	assert_one_each(kit);
	kit_await_log_empty(kit);
}

static void copy_file(const char *from, const char *to)
{
	struct buf b AUTO(buf_done);
	struct err err;

	buf_init(&b, 64 << 20);
	if (io_read_file(AT_FDCWD, from, &b, &err) == 0)
		assert_int_equal(io_replace_file(AT_FDCWD, to, buf_slice(&b), 0600, &err), 0);
}

/* The log as it was before anything was crossed off, delivered a second time: still one copy. */
static void test_replay_twice(void **state)
{
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);
	struct kit_queued status;

	assert_int_equal(kit_submit(kit, "s@elsewhere.example", mixed, in), 0);
	incoming_free(&in);
	copy_file("accept.db", "saved.db");
	copy_file("accept.db-wal", "saved.db-wal");
	for (int run = 0; run < 2; run++) {
		kit_stop(kit);
		kit_resume(kit);
		kit_start(kit);
		kit_await(kit, KIT_ALICE, 1);
		kit_await(kit, KIT_BOB, 1);
		kit_await_log_empty(kit);
		assert_int_equal(kit_messages(kit, KIT_ALICE), 1);
		status = kit_queued(kit);
		assert_int_equal(status.messages, 1);
		pool_stop(&kit->service.pool);
		mail_accept_close(&kit->service.accept);
		unlink("accept.db-shm");
		copy_file("saved.db", "accept.db");
		copy_file("saved.db-wal", "accept.db-wal");
	}
}

/* An account that is deleted between 250 and delivery: one bounce, to a sender here or elsewhere.
 */
static void test_bounce(void **state)
{
	static const char *const senders[] = {"carol" P, "s@elsewhere.example"};
	static const char *const two[] = {"alice" P, "bob" P, NULL};
	struct mail_kit *kit = *state;
	struct kit_queued status;
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		struct incoming *in = kit_incoming(kit, text);

		assert_int_equal(kit_submit(kit, senders[i], two, in), 0);
		incoming_free(&in);
	}
	assert_int_equal(
		directory_account_delete(kit->service.directory, kit->ids[KIT_BOB], &err), 0);
	kit_stop(kit);
	kit_resume(kit);
	kit_start(kit);
	kit_await(kit, KIT_ALICE, 2);
	kit_await(kit, KIT_CAROL, 1);
	kit_await_log_empty(kit);
	kit_await(kit, KIT_CAROL, 1);
	status = kit_queued(kit);
	assert_int_equal(status.messages, 1);
	assert_int_equal(status.recipients, 1);
}

static void await_idle(struct mail_accept *accept)
{
	size_t left = 1;

	for (int i = 0; left && i < 5000; i++) {
		usleep(2000);
		pthread_mutex_lock(&accept->lock);
		left = accept->count;
		pthread_mutex_unlock(&accept->lock);
	}
	assert_int_equal(left, 0);
}

/* An upgrade: two servers deliver what the log has. One copy each, and one bounce. */
static void test_two_servers(void **state)
{
	static const char *const two[] = {"alice" P, "bob" P, NULL};
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);
	struct service other = kit->service;
	struct err err;

	assert_int_equal(kit_submit(kit, "carol" P, two, in), 0);
	incoming_free(&in);
	assert_int_equal(
		directory_account_delete(kit->service.directory, kit->ids[KIT_BOB], &err), 0);
	other.accept = NULL;
	assert_int_equal(mail_accept_open(&other, &other.accept, &err), 0);
	kit_start(kit);
	await_idle(kit->service.accept);
	await_idle(other.accept);
	kit_await_log_empty(kit);
	assert_int_equal(kit_messages(kit, KIT_ALICE), 1);
	assert_int_equal(kit_messages(kit, KIT_CAROL), 1);
	pool_stop(&kit->service.pool);
	mail_accept_close(&other.accept);
}

/* The other server was first, and its next letter has the same number. */
static void put_in_its_place(struct mail_kit *kit, struct db *db)
{
	struct incoming *in = kit_incoming(kit, text);
	struct letter *letter = letter_alloc();
	struct err err;

	letter->delivery_id = 77;
	letter->targets = arena_array(&letter->arena, struct letter_target, 1);
	letter->targets[letter->targets_n++] = (struct letter_target){.account = kit->ids[KIT_BOB],
		.address = slice_lit("bob" P),
		.recipient = slice_lit("bob" P)};
	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(letter_db_delete(db, 1, &err), 0);
	assert_int_equal(letter_db_insert(db, letter, in, 0, &err), 0);
	assert_int_equal(letter->id, 1);
	assert_int_equal(db_commit(db, &err), 0);
	letter_free(&letter);
	incoming_free(&in);
}

static void test_same_number(void **state)
{
	static const char *const two[] = {"alice" P, "carol" P, NULL};
	struct mail_kit *kit = *state;
	struct incoming *in = kit_incoming(kit, text);
	struct db *db;
	struct err err;

	assert_int_equal(kit_submit(kit, "s@elsewhere.example", two, in), 0);
	incoming_free(&in);
	assert_int_equal(letter_db_open("accept.db", &db, &err), 0);
	put_in_its_place(kit, db);
	db_close(&db);
	kit_start(kit);
	assert_one_each(kit);
	kit_await_log_empty(kit);
}

/* The n-th flush fails, wherever it is: what was acknowledged is there once, the rest not at all or
 * once. */
static void test_failing_syncs(void **state)
{
	for (unsigned n = 1; n <= 8; n++) {
		struct mail_kit *kit = *state;
		struct incoming *in = kit_incoming(kit, text);
		int rc;

		kit_start(kit);
		io_fault_set(IO_SYNC, n, IO_FAULT_FAIL);
		rc = kit_submit(kit, "s@elsewhere.example", all, in);
		incoming_free(&in);
		kit_await_log_empty(kit);
		io_fault_set(IO_SYNC, 0, IO_FAULT_NONE);
		for (int who = 0; who < KIT_ACCOUNTS; who++)
			assert_true(kit_messages(kit, (enum kit_account)who) == (rc == 0));
		kit_close(kit);
		kit_open(kit);
	}
}

/* In a process of its own: accept, say so, deliver all; it ends at the n-th flush. */
static void run_until_killed(struct mail_kit *kit, unsigned n, int says)
{
	struct incoming *in;

	kit_resume(kit);
	kit_start(kit);
	in = kit_incoming(kit, text);
	io_fault_set(IO_SYNC, n, IO_FAULT_STOP);
	if (kit_submit(kit, "s@elsewhere.example", all, in) == 0)
		(void)!write(says, "+", 1);
	kit_await_log_empty(kit);
	_exit(0);
}

/* Killed at the n-th flush, for each n until it lives: the next run leaves one copy of what was
 * acknowledged, and all or none of what was not. */
static void test_kill_at_each_flush(void **state)
{
	struct mail_kit *kit = *state;
	int status = -1;

	for (unsigned n = 1; status != 0; n++) {
		int says[2];
		char said = 0;
		pid_t child;

		assert_true(n < 100);
		kit_stop(kit);
		assert_int_equal(pipe(says), 0);
		child = fork();
		if (child == 0)
			run_until_killed(kit, n, says[1]);
		close(says[1]);
		assert_int_equal(waitpid(child, &status, 0), child);
		(void)!read(says[0], &said, 1);
		close(says[0]);
		kit_resume(kit);
		kit_start(kit);
		kit_await_log_empty(kit);
		for (int who = 0; who < KIT_ACCOUNTS; who++) {
			const uint64_t has = kit_messages(kit, (enum kit_account)who);

			assert_true(has <= 1);
			assert_int_equal(has, kit_messages(kit, KIT_ALICE));
			assert_true(has == 1 || !said);
		}
		kit_close(kit);
		kit_open(kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_account, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replay_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_servers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_number, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounce, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_syncs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kill_at_each_flush, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
