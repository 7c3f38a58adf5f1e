/* handover_test.c - what goes into the arguments comes out of them, and nothing else is taken. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "server/handover.h"

static void test_round_trip(void **state)
{
	int fd AUTO(io_close) = open("/dev/null", O_RDONLY);
	struct handover in = {0}, out = {0};
	char text[HANDOVER_MAX][HANDOVER_TEXT_MAX];
	char *argv[HANDOVER_MAX + 3];
	int64_t value;
	size_t at = 0;
	struct err err;

	(void)state;
	handover_add(&in, "uid", 102);
	handover_add_fd(&in, "imaps", fd);
	handover_add(&in, "uid", INT64_MAX);
	handover_args(&in, "@server", text, argv);
	assert_string_equal(argv[1], "@server");
	assert_string_equal(argv[2], "uid=102");
	assert_int_equal(handover_parse(argv + 2, &out, &err), 0);
	assert_int_equal(out.n, 3);
	assert_true(out.items[1].is_fd && !out.items[0].is_fd);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(handover_next(&out, "uid", &at, &value));
	assert_int_equal(value, 102);
	assert_true(handover_next(&out, "uid", &at, &value));
	assert_true(value == INT64_MAX);
	assert_false(handover_next(&out, "uid", &at, &value));
	assert_int_equal(handover_get(&out, "imaps", &value, &err), 0);
	assert_int_equal(value, fd);
	assert_int_equal(handover_get(&out, "gid", &value, &err), -ERR_NOTFOUND);
}

static void test_what_is_refused(void **state)
{
	static const char *const bad[] = {"", "=", "x", "x=", "x=y", "x=-1", "=1", "x=1 ",
		"x=9223372036854775808", "fd:x=2147483648", "fd:x=99999", "fd:=1",
		"a-name-that-is-longer-than-any=1"};
	struct handover out = {.n = 7};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char copy[64];
		char *argv[] = {copy, NULL};

		snprintf(copy, sizeof(copy), "%s", bad[i]);
		if (handover_parse(argv, &out, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(out.n, 7);
	}
}

static void test_bound(void **state)
{
	static char item[] = "x=1";
	char *argv[HANDOVER_MAX + 2];
	struct handover out;
	struct err err;

	(void)state;
	for (size_t i = 0; i <= HANDOVER_MAX; i++)
		argv[i] = item;
	argv[HANDOVER_MAX + 1] = NULL;
	assert_int_equal(handover_parse(argv, &out, &err), -ERR_SYNTAX);
	assert_int_equal(handover_parse(argv + 1, &out, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
