/*
 * store_fault_test.c - each write and sync of a scenario fails, or is the last of its process:
 * what was acknowledged is there, once, and the file is sound.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "store/test_scenario.h"

#ifdef PH_FAULTS

/* Runs the scenario until a step fails; how many were acknowledged. */
static int run_until_error(struct account *account, int *acknowledged, struct err *err)
{
	int rc = 0;

	for (; *acknowledged < SCENARIO_STEPS; ++*acknowledged) {
		rc = scenario_run(account, *acknowledged, err);
		if (rc < 0)
			break;
	}
	return rc;
}

/* True if the fault was hit. */
static bool fail_once(enum io_step step, unsigned n, enum io_action action)
{
	struct store *store = help_store((struct store_config){.past_days = 7});
	struct account *account = help_account(store, 1);
	char now[SCENARIO_DUMP_MAX];
	int acknowledged = 0, rc;
	struct err err;

	scenario_dump(account, now);
	io_fault_set(step, n, action);
	rc = run_until_error(account, &acknowledged, &err);
	io_fault_set(step, 0, IO_FAULT_NONE);
	/* In memory nothing of the failed step is left, and it works the second time. */
	scenario_dump(account, now);
	assert_string_equal(now, scenario_expect(acknowledged));
	if (rc < 0) {
		assert_int_equal(rc, action == IO_FAULT_FULL ? -ERR_QUOTA : -ERR_IO);
		if (n % 2 && run_until_error(account, &acknowledged, &err) < 0)
			fail_msg("step %d again: %s", acknowledged, err.msg);
	}
	account_free(&account);
	store_free(&store);
	scenario_verify(acknowledged);
	return rc < 0;
}

/* The n-th step is the last of the process, as by kill -9. */
static bool stop_once(enum io_step step, unsigned n, int *acknowledged)
{
	int status;
	pid_t child;

	*acknowledged = 0;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *store;
		struct account *account;
		struct err err;

		io_fault_set(step, n, IO_FAULT_STOP);
		store = help_store((struct store_config){.past_days = 7});
		account = help_account(store, 1);
		_exit(run_until_error(account, acknowledged, &err) < 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 137);
	scenario_verify(*acknowledged);
	return WEXITSTATUS(status) == 137;
}

static void fail_each(enum io_step step, enum io_action action)
{
	bool was_hit = true;
	unsigned n;

	scenario_expect(0);
	for (n = 1; was_hit; n++) {
		help_enter();
		was_hit = fail_once(step, n, action);
		help_leave();
	}
	assert_true(n > 10);
}

static void stop_each(enum io_step step)
{
	int *acknowledged =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool was_hit = true;
	unsigned n;

	scenario_expect(0);
	for (n = 1; was_hit; n++) {
		help_enter();
		was_hit = stop_once(step, n, acknowledged);
		help_leave();
	}
	assert_true(n > 10);
	munmap(acknowledged, sizeof(int));
}

static void test_write_fails(void **state)
{
	(void)state;
	fail_each(IO_WRITE, IO_FAULT_FAIL);
}

static void test_sync_fails(void **state)
{
	(void)state;
	fail_each(IO_SYNC, IO_FAULT_FAIL);
}

static void test_disk_full(void **state)
{
	(void)state;
	fail_each(IO_WRITE, IO_FAULT_FULL);
}

static void test_stop_at_write(void **state)
{
	(void)state;
	stop_each(IO_WRITE);
}

static void test_stop_at_sync(void **state)
{
	(void)state;
	stop_each(IO_SYNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_stop_at_write),
		cmocka_unit_test(test_stop_at_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 77; /* skipped: faults are not built in */
}

#endif
