/* return_paths_test.c - keys that two servers share and that roll; since when addresses are signed;
 * what MAIL says for whom. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "mail/mail_kit.h"
#include "mail/return_paths.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static struct mail_kit kit;
static int64_t moved_s;

static void move(int64_t s)
{
	clock_shift(s * 1000000);
	moved_s += s;
}

static int setup(void **state)
{
	(void)state;
	kit_open(&kit);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return_paths_close(&kit.service);
	kit_close(&kit);
	move(-moved_s);
	return 0;
}

static void reopen(bool is_tagged)
{
	struct err err;

	return_paths_close(&kit.service);
	if (return_paths_open(&kit.service, is_tagged, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Another server with the same file has, and signs by, the same key. */
static void test_shared(void **state)
{
	struct service other = kit.service;
	struct return_keys a, b;
	struct err err;

	(void)state;
	reopen(true);
	assert_int_equal(return_paths_open(&other, true, &err), 0);
	return_paths_keys(&kit.service, &a);
	return_paths_keys(&other, &b);
	assert_int_equal(a.n, 1);
	assert_memory_equal(&a.list[0], &b.list[0], sizeof(a.list[0]));
	/* One makes a new key; nobody signs by it until both know it. */
	move(31 * DAY);
	return_paths_keys(&kit.service, &a);
	return_paths_keys(&other, &b);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.list[0].id, 0);
	assert_int_equal(a.list[1].id, 1);
	move(2 * HOUR);
	return_paths_keys(&kit.service, &a);
	return_paths_keys(&other, &b);
	assert_int_equal(a.list[0].id, 1);
	assert_memory_equal(&a, &b, sizeof(a.list[0]) * 2);
	return_paths_close(&other);
}

static void test_roll(void **state)
{
	struct return_keys keys;

	(void)state;
	reopen(true);
	for (unsigned i = 1; i <= 12; i++) {
		move(31 * DAY);
		return_paths_keys(&kit.service, &keys);
		move(2 * HOUR);
		return_paths_keys(&kit.service, &keys);
		assert_int_equal(keys.list[0].id, i % 10);
		assert_int_equal(keys.n, i < 2 ? 2 : 3);
	}
	reopen(true);
	return_paths_keys(&kit.service, &keys);
	assert_int_equal(keys.list[0].id, 2);
	assert_int_equal(keys.n, 3);
}

static void test_since(void **state)
{
	(void)state;
	reopen(true);
	assert_false(return_paths_is_sure(&kit.service));
	move(7 * DAY);
	assert_false(return_paths_is_sure(&kit.service));
	move(2 * DAY);
	assert_true(return_paths_is_sure(&kit.service));
	reopen(true);
	assert_true(return_paths_is_sure(&kit.service));
	reopen(false);
	assert_false(return_paths_is_sure(&kit.service));
	reopen(true);
	assert_false(return_paths_is_sure(&kit.service));
	move(9 * DAY);
	assert_true(return_paths_is_sure(&kit.service));
	/* Nobody knows who sent what in between. */
	return_paths_close(&kit.service);
	move(20 * DAY);
	reopen(true);
	assert_false(return_paths_is_sure(&kit.service));
}

static void put_file(const char *text)
{
	FILE *f = fopen("return-path.keys", "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What cannot be read is an error, and stays as it is. */
static void test_broken(void **state)
{
	static const char *const texts[] = {"key 1 00 5\n", "key x\n", "since 1\n", "something\n"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char now[64] = "";
		FILE *f;

		put_file(texts[i]);
		return_paths_close(&kit.service);
		assert_int_equal(return_paths_open(&kit.service, true, &err), -ERR_CORRUPT);
		f = fopen("return-path.keys", "r");
		assert_non_null(f);
		assert_true(fread(now, 1, sizeof(now) - 1, f) > 0);
		fclose(f);
		assert_string_equal(now, texts[i]);
	}
	unlink("return-path.keys");
}

/* ---- what MAIL says ---- */

static struct letter *letter_of(
	const char *sender, uint64_t submitter, const char *recipient, const char *target)
{
	struct letter *letter = letter_alloc();

	letter->sender = slice_str(sender);
	letter->submitter = submitter;
	letter->targets = arena_array(&letter->arena, struct letter_target, 1);
	letter->targets[0] = (struct letter_target){
		.recipient = slice_str(recipient), .address = slice_str(target)};
	letter->targets_n = 1;
	return letter;
}

static void test_put(void **state)
{
	static const struct {
		const char *sender;
		bool is_submitted;
		const char *recipient, *target, *begin, *end;
	} cases[] = {
		{"alice@posthouse.example", true, "x@y.example", "x@y.example", "prvs=0",
			"=alice@posthouse.example"},
		{"alice@posthouse.example", true, "away@posthouse.example", "x@y.example", "prvs=0",
			"=alice@posthouse.example"},
		{"bob@elsewhere.example", false, "away@posthouse.example", "x@y.example",
			"SRS0=", "=elsewhere.example=bob@posthouse.example"},
		{"bob@elsewhere.example", true, "x@y.example", "x@y.example", "", ""},
		{"alice@posthouse.example", false, "away@posthouse.example", "x@y.example", "", ""},
		{"", false, "away@posthouse.example", "x@y.example", "", ""},
		{"\"a b\"@elsewhere.example", false, "away@posthouse.example", "x@y.example",
			"\"SRS0=", "=elsewhere.example=a b\"@posthouse.example"},
		/* tag@user.domain */
		{"tag@alice.posthouse.example", true, "x@y.example", "x@y.example", "prvs=0",
			"=tag@alice.posthouse.example"},
		{"tag@nobody.posthouse.example", true, "x@y.example", "x@y.example", "", ""},
		{"bob@elsewhere.example", false, "x@alice.posthouse.example", "x@y.example",
			"SRS0=", "=elsewhere.example=bob@alice.posthouse.example"},
	};

	(void)state;
	reopen(true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letter *letter =
			letter_of(cases[i].sender, cases[i].is_submitted ? kit.ids[KIT_ALICE] : 0,
				cases[i].recipient, cases[i].target);
		struct buf out AUTO(buf_done);
		struct err err;

		buf_init(&out, RETURN_PATH_MAX);
		assert_int_equal(return_paths_put(&kit.service, letter, &out, &err), 0);
		if (!slice_starts(buf_slice(&out), slice_str(cases[i].begin)) ||
			!slice_ends(buf_slice(&out), slice_str(cases[i].end)) ||
			(out.len == 0) != (cases[i].begin[0] == '\0'))
			fail_msg("%zu: <%.*s>", i, SLICE_ARG(buf_slice(&out)));
		letter_free(&letter);
	}
}

static void test_untagged(void **state)
{
	struct letter *letter =
		letter_of("alice@posthouse.example", 1, "x@y.example", "x@y.example");
	struct buf out AUTO(buf_done);
	struct err err;

	(void)state;
	buf_init(&out, RETURN_PATH_MAX);
	reopen(false);
	assert_int_equal(return_paths_put(&kit.service, letter, &out, &err), 0);
	assert_int_equal(out.len, 0);
	letter_free(&letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roll, setup, teardown),
		cmocka_unit_test_setup_teardown(test_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put, setup, teardown),
		cmocka_unit_test_setup_teardown(test_untagged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
