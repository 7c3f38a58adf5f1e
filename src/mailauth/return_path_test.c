/* return_path_test.c - SRS and BATV: there and back, and all that must not pass. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mailauth/return_path.h"
#include "wire/smtp/addr.h"

enum { NOW = 1700000000, DAY = 86400 };

static struct return_keys keys, others;
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	keys.n = others.n = 2;
	for (unsigned i = 0; i < 2; i++) {
		keys.list[i].id = 4 - i;
		others.list[i].id = 4 - i;
		memset(keys.list[i].bytes, 'a' + (int)i, RETURN_KEY_LEN);
		memset(others.list[i].bytes, 'x' + (int)i, RETURN_KEY_LEN);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* As RCPT gives it on: without quotes. */
static struct slice local_of(struct slice address)
{
	struct smtp_addr addr;
	struct err err;

	assert_int_equal(smtp_addr_parse(address, &arena, &addr, &err), 0);
	return addr.local;
}

static struct slice srs(const char *sender, const char *forwarder, int64_t now_s)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, RETURN_PATH_MAX);
	return srs_put(&keys, slice_str(sender), slice_str(forwarder), now_s, &out)
		       ? arena_dup(&arena, buf_slice(&out))
		       : (struct slice){0};
}

static struct slice prvs(const char *sender, int64_t now_s)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, RETURN_PATH_MAX);
	return prvs_put(&keys, slice_str(sender), now_s, &out) ? arena_dup(&arena, buf_slice(&out))
							       : (struct slice){0};
}

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("<%.*s> is not <%s>", SLICE_ARG(got), want);
}

static void test_srs_there_and_back(void **state)
{
	static const char *const senders[] = {"bob@elsewhere.example", "a=b=c@elsewhere.example",
		"Bob.Builder+x@elsewhere.example", "prvs=1234abcdef=bob@elsewhere.example",
		"j\xc3\xbcrgen@elsewhere.example"};

	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		const struct slice path = srs(senders[i], "forward.example", NOW);
		struct slice back = {0};

		assert_true(slice_starts(path, slice_lit("SRS0=")));
		assert_true(slice_ends(path, slice_lit("@forward.example")));
		assert_int_equal(srs_read(&keys, local_of(path), NOW, &arena, &back), RETURN_GOOD);
		assert_slice(back, senders[i]);
	}
}

/* Local parts that need quotes are quoted where they come from, in our address, and where they go.
 */
static void test_srs_quoted(void **state)
{
	static const struct {
		const char *sender, *ends;
	} cases[] = {
		{"\"john doe\"@elsewhere.example", "=elsewhere.example=john doe\"@one.example"},
		{"\"a\\\"b\"@elsewhere.example", "=elsewhere.example=a\\\"b\"@one.example"},
		{"\"a@b\"@elsewhere.example", "=elsewhere.example=a@b\"@one.example"},
		{"\".x\"@elsewhere.example", "=elsewhere.example=.x@one.example"},
		{"x@[192.0.2.1]", "=[192.0.2.1]=x\"@one.example"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct slice first = srs(cases[i].sender, "one.example", NOW);
		struct slice back = {0}, second;
		char original[RETURN_PATH_MAX];

		if (!slice_ends(first, slice_str(cases[i].ends)))
			fail_msg("<%.*s>", SLICE_ARG(first));
		assert_int_equal(srs_read(&keys, local_of(first), NOW, &arena, &back), RETURN_GOOD);
		assert_slice(back, cases[i].sender);
		snprintf(original, sizeof(original), "%.*s", SLICE_ARG(first));
		second = srs(original, "two.example", NOW);
		assert_true(slice_ends(second, slice_lit("@two.example")));
		assert_int_equal(
			srs_read(&keys, local_of(second), NOW, &arena, &back), RETURN_GOOD);
		assert_slice(back, original);
	}
}

/* Two of our hosts and a third: the second hop keeps what the first one said. */
static void test_srs_again(void **state)
{
	const struct slice first = srs("bob@elsewhere.example", "one.example", NOW);
	struct slice second, third, back = {0};
	char text[RETURN_PATH_MAX], original[RETURN_PATH_MAX];

	(void)state;
	snprintf(original, sizeof(original), "%.*s", SLICE_ARG(first));
	second = srs(original, "two.example", NOW);
	assert_true(slice_starts(second, slice_lit("SRS1=")));
	assert_true(slice_find(second, slice_lit("=one.example==")) != SIZE_MAX);
	assert_int_equal(srs_read(&keys, local_of(second), NOW, &arena, &back), RETURN_GOOD);
	assert_slice(back, original);
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(second));
	third = srs(text, "three.example", NOW);
	assert_true(slice_find(third, slice_lit("=one.example==")) != SIZE_MAX);
	assert_true(slice_find(third, slice_lit("two.example")) == SIZE_MAX);
	assert_int_equal(srs_read(&keys, local_of(third), NOW, &arena, &back), RETURN_GOOD);
	assert_slice(back, original);
}

static void test_srs_age(void **state)
{
	const struct slice path = srs("bob@elsewhere.example", "forward.example", NOW);
	struct slice back = slice_lit("untouched");

	(void)state;
	assert_int_equal(
		srs_read(&keys, local_of(path), NOW + (int64_t)SRS_DAYS_MAX * DAY, &arena, &back),
		RETURN_GOOD);
	back = slice_lit("untouched");
	assert_int_equal(srs_read(&keys, local_of(path), NOW + (int64_t)(SRS_DAYS_MAX + 1) * DAY,
				 &arena, &back),
		RETURN_EXPIRED);
	assert_int_equal(
		srs_read(&keys, local_of(path), NOW - 2 * DAY, &arena, &back), RETURN_EXPIRED);
	assert_slice(back, "untouched");
}

/* Each byte counts, and so does the key; the case does not. */
static void test_srs_forged(void **state)
{
	const struct slice path = srs("bob@elsewhere.example", "forward.example", NOW);
	const struct slice local = local_of(path);
	char text[RETURN_PATH_MAX];
	struct slice back;

	(void)state;
	for (size_t i = 0; i < local.len; i++) {
		memcpy(text, local.ptr, local.len);
		text[i] = text[i] == 'q' ? 'r' : 'q';
		assert_int_not_equal(
			srs_read(&keys, (struct slice){text, local.len}, NOW, &arena, &back),
			RETURN_GOOD);
		assert_int_not_equal(
			srs_read(&keys, slice_head(local, i), NOW, &arena, &back), RETURN_GOOD);
	}
	assert_int_equal(srs_read(&others, local, NOW, &arena, &back), RETURN_FORGED);
	for (size_t i = 0; i < local.len; i++)
		text[i] = (char)ascii_lower((unsigned char)local.ptr[i]);
	assert_int_equal(
		srs_read(&keys, (struct slice){text, local.len}, NOW, &arena, &back), RETURN_GOOD);
}

static void test_srs_not(void **state)
{
	static const char *const plain[] = {"bob", "SRS", "SRS0", "SRS0=", "srs2=a=b=c=d", "SRSX="};
	static const char *const forged[] = {"SRS0==", "SRS0=a", "SRS0=a=b=c=d", "SRS1=a==b",
		"SRS0=abcdef=ab=x", "SRS0+abcdef=zz=x=y", "SRS1=abcdef=x"};
	static const char *const impossible[] = {"\"\"@elsewhere.example", "bob", "@x", "bob@",
		"SRS1=x@elsewhere.example", "bob@else=where.example", "a b@elsewhere.example"};
	char longest[SMTP_LOCAL_MAX + 32];
	struct slice back;

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		assert_int_equal(
			srs_read(&keys, slice_str(plain[i]), NOW, &arena, &back), RETURN_PLAIN);
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++)
		assert_int_equal(
			srs_read(&keys, slice_str(forged[i]), NOW, &arena, &back), RETURN_FORGED);
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		assert_null(srs(impossible[i], "forward.example", NOW).ptr);
	/* What could not come back is not sent. */
	memset(longest, 'x', sizeof(longest));
	snprintf(longest + SMTP_LOCAL_MAX - 1, 32, "@elsewhere.example");
	assert_null(srs(longest, "forward.example", NOW).ptr);
}

static void test_prvs_there_and_back(void **state)
{
	const struct slice path = prvs("alice+x@posthouse.example", NOW);
	struct slice back = {0};
	char upper[RETURN_PATH_MAX];

	(void)state;
	assert_true(slice_starts(path, slice_lit("prvs=4")));
	assert_int_equal(prvs_read(&keys, path, NOW, &back), RETURN_GOOD);
	assert_slice(back, "alice+x@posthouse.example");
	for (size_t i = 0; i < path.len; i++)
		upper[i] = (char)(path.ptr[i] >= 'a' && path.ptr[i] <= 'z' ? path.ptr[i] - 32
									   : path.ptr[i]);
	assert_int_equal(
		prvs_read(&keys, (struct slice){upper, path.len}, NOW, &back), RETURN_GOOD);
	/* A key that signs no more still tells what is ours, unless it was taken away. */
	keys.list[0].id = 9;
	assert_int_equal(prvs_read(&keys, path, NOW, &back), RETURN_FORGED);
	keys.list[0].id = 4;
	assert_int_equal(prvs_read(&others, path, NOW, &back), RETURN_FORGED);
	assert_slice(back, "alice+x@posthouse.example");
}

/* Good for a week at least and two at most, whatever day it is; the same for all of a week. */
static void test_prvs_age(void **state)
{
	size_t changes = 0;
	struct slice before = {0};

	(void)state;
	for (int64_t day = 0; day < 1100; day++) {
		const int64_t now = NOW + day * DAY;
		const struct slice path = prvs("alice@posthouse.example", now);
		struct slice back;

		assert_int_equal(prvs_read(&keys, path, now + 7 * DAY, &back), RETURN_GOOD);
		assert_int_equal(prvs_read(&keys, path, now + 14 * DAY, &back), RETURN_EXPIRED);
		changes += !slice_eq(path, before);
		before = path;
	}
	assert_in_range(changes, 1100 / 7, 1100 / 7 + 1);
}

static void test_prvs_forged(void **state)
{
	const struct slice path = prvs("alice@posthouse.example", NOW);
	char text[RETURN_PATH_MAX];
	struct slice back;

	(void)state;
	for (size_t i = 0; i < path.len; i++) {
		memcpy(text, path.ptr, path.len);
		text[i] = text[i] == '7' ? '6' : '7';
		assert_int_not_equal(
			prvs_read(&keys, (struct slice){text, path.len}, NOW, &back), RETURN_GOOD);
		assert_int_not_equal(
			prvs_read(&keys, slice_head(path, i), NOW, &back), RETURN_GOOD);
	}
}

static void test_prvs_strip(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"prvs=1234abcdef=bob@x.example", "bob@x.example"},
		{"PRVS=1234ABCDEF=Bob@x.example", "Bob@x.example"},
		{"prvs=1234abcdef=@x.example", "prvs=1234abcdef=@x.example"},
		{"prvs=1234abcdeg=bob@x.example", "prvs=1234abcdeg=bob@x.example"},
		{"prvs=123aabcdef=bob@x.example", "prvs=123aabcdef=bob@x.example"},
		{"prvs=1234abcdef=bob", "prvs=1234abcdef=bob"},
		{"prvs=1234abcde=bob@x.example", "prvs=1234abcde=bob@x.example"},
		{"prvs=", "prvs="},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_slice(prvs_strip(slice_str(cases[i].in)), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_srs_there_and_back),
		cmocka_unit_test(test_srs_quoted),
		cmocka_unit_test(test_srs_again),
		cmocka_unit_test(test_srs_age),
		cmocka_unit_test(test_srs_forged),
		cmocka_unit_test(test_srs_not),
		cmocka_unit_test(test_prvs_there_and_back),
		cmocka_unit_test(test_prvs_age),
		cmocka_unit_test(test_prvs_forged),
		cmocka_unit_test(test_prvs_strip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
