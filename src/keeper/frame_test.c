/* frame_test.c - the keeper's frames: what is taken, what is refused, no byte read past the end. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/frame.h"

/* Reads a frame as the request of its verb: 1 good, 0 bad. */
static int read_request(struct slice bytes)
{
	struct frame_secrets *secrets = mem_new(struct frame_secrets);
	struct frame_certificate make;
	struct frame_field fields[FRAME_FIELDS_MAX];
	struct frame_sign sign;
	struct frame f;
	uint64_t account;
	int good = 0;

	frame_open(bytes, &f);
	switch (f.is_bad ? 0 : f.verb) {
	case FRAME_SIGN:
		good = frame_read_sign(&f, &sign);
		break;
	case FRAME_ENTER:
		good = frame_read_fields(&f, "nptt", fields);
		break;
	case FRAME_SET_PASSWORDS:
		good = frame_read_secrets(&f, secrets);
		break;
	case FRAME_DELETE_ACCOUNT:
		good = frame_read_account(&f, &account);
		break;
	case FRAME_CERTIFICATE_MAKE:
		good = frame_read_certificate(&f, &make);
		break;
	default:
		break;
	}
	free(secrets);
	return good;
}

/*
 * A frame is written as its verb and a list of fields: "n5" is the number 5, "s3" three bytes of
 * 'x', "=abc" the bytes "abc".
 */
static const struct {
	uint8_t verb;
	const char *fields[8];
	int want;
} cases[] = {
	{FRAME_SIGN, {"=main", "n1", "n0", "n0", "s32"}, 1},
	{FRAME_SIGN, {"=main", "n1", "n0", "n0", "s64"}, 1},
	{FRAME_SIGN, {"=main", "n1", "n0", "n0", "s65"}, 0},
	{FRAME_SIGN, {"=main", "n1", "n0", "n65", "s32"}, 0},
	{FRAME_SIGN, {"=main", "n1", "n0", "n0"}, 0},
	{FRAME_SIGN, {"=main", "n1", "n0", "n0", "s32", "s0"}, 0},
	{FRAME_SIGN, {"=main", "s1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"=a.b-c_D9", "n1", "n0", "n0", "s32"}, 1},
	{FRAME_SIGN, {"=", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"=.a", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"=..", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"=a/b", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"=a b", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_SIGN, {"s64", "n1", "n0", "n0", "s32"}, 1},
	{FRAME_SIGN, {"s65", "n1", "n0", "n0", "s32"}, 0},
	{FRAME_ENTER, {"n5", "=password", "=imap", "=192.0.2.1"}, 1},
	{FRAME_ENTER, {"n0", "=", "=", "="}, 1},
	{FRAME_ENTER, {"n5", "s1000", "=", "="}, 1},
	{FRAME_ENTER, {"n5", "s1001", "=", "="}, 0},
	{FRAME_ENTER, {"n5", "=", "s257", "="}, 0},
	{FRAME_ENTER, {"n5", "=", "=", "s257"}, 0},
	{FRAME_ENTER, {"n5", "=", "="}, 0},
	{FRAME_SET_PASSWORDS, {"n0", "n5", "n1", "=$6$"}, 1},
	{FRAME_SET_PASSWORDS, {"n1", "n5", "n0", "=a", "n6", "n1", "=b"}, 1},
	{FRAME_SET_PASSWORDS, {"n2", "n5", "n0", "=a"}, 0},
	{FRAME_SET_PASSWORDS, {"n0", "n5", "n2", "=a"}, 0},
	{FRAME_SET_PASSWORDS, {"n0", "n0", "n0", "=a"}, 0},
	{FRAME_SET_PASSWORDS, {"n0", "n5", "n0", "s1001"}, 0},
	{FRAME_SET_PASSWORDS, {"n0", "n5", "n0"}, 0},
	{FRAME_SET_PASSWORDS, {"n0"}, 0},
	{FRAME_DELETE_ACCOUNT, {"n5"}, 1},
	{FRAME_DELETE_ACCOUNT, {"n0"}, 0},
	{FRAME_DELETE_ACCOUNT, {"n5", "n6"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7", "=a.example", "=::1", "=*.b"}, 1},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n36501", "n7", "=a.example"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7", "="}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7", "=a,IP:1"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7", "s255"}, 1},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n7", "s256"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=../x", "n365", "n7", "=a"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=main", "n365", "n65", "=a.example"}, 0},
	{FRAME_CERTIFICATE_MAKE, {"=a/b", "n365", "n0", "=a.example"}, 0},
};

static void put_field(struct buf *out, const char *field)
{
	const size_t n = (size_t)strtoul(field + 1, NULL, 10);
	char *text;

	if (field[0] == 'n') {
		frame_put_u64(out, n);
	} else if (field[0] == 's') {
		text = mem_alloc(n);
		memset(text, 'x', n);
		frame_put(out, (struct slice){text, n});
		free(text);
	} else {
		frame_put(out, slice_str(field + 1));
	}
}

static void build(size_t i, struct buf *out)
{
	size_t begin;

	buf_init(out, FRAME_CLI_MAX);
	begin = frame_begin(out, 0x01020304, cases[i].verb);
	for (size_t at = 0; at < 8 && cases[i].fields[at]; at++)
		put_field(out, cases[i].fields[at]);
	frame_finish(out, begin);
	assert_false(out->failed);
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf frame AUTO(buf_done);
		struct err err;
		struct frame f;

		build(i, &frame);
		assert_true(
			frame_length(buf_slice(&frame), FRAME_CLI_MAX, &err) == (int64_t)frame.len);
		frame_open(buf_slice(&frame), &f);
		assert_int_equal(f.id, 0x01020304);
		if (read_request(buf_slice(&frame)) != cases[i].want)
			fail_msg("case %zu (verb %d, %s)", i, cases[i].verb, cases[i].fields[0]);
	}
}

/* Every prefix, in a block of its exact size: ASan sees one byte over; none of them is good. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf frame AUTO(buf_done);

		build(i, &frame);
		for (size_t len = 0; len < frame.len && len < 300; len++) {
			char *copy = mem_alloc(len);
			struct err err;

			memcpy(copy, frame.ptr, len);
			assert_true(
				frame_length((struct slice){copy, len}, FRAME_CLI_MAX, &err) == 0);
			/* A list of passwords or names may end after any of them. */
			if (read_request((struct slice){copy, len}) && cases[i].want &&
				cases[i].verb != FRAME_SET_PASSWORDS &&
				cases[i].verb != FRAME_CERTIFICATE_MAKE)
				fail_msg("case %zu, prefix %zu", i, len);
			free(copy);
		}
	}
}

static void test_lengths(void **state)
{
	static const struct {
		struct slice in;
		int64_t want;
	} lengths[] = {{{"", 0}, 0}, {{"\0\0\0", 3}, 0}, {{"\0\0\0\5", 4}, 0},
		{{"\0\0\0\5iiiiv", 9}, 9}, {{"\0\0\0\5iiiivmore", 13}, 9},
		{{"\0\0\0\4iiii", 8}, -ERR_SYNTAX}, {{"\0\0\0\0", 4}, -ERR_SYNTAX},
		{{"\0\0\xff\xfc", 4}, 0}, {{"\0\0\xff\xfd", 4}, -ERR_TOOBIG},
		{{"\xff\xff\xff\xff", 4}, -ERR_TOOBIG}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_true(frame_length(lengths[i].in, FRAME_SERVER_MAX, &err) == lengths[i].want);
}

static void test_errors(void **state)
{
	struct buf frame AUTO(buf_done);
	struct frame f;
	struct err err;

	(void)state;
	buf_init(&frame, FRAME_SERVER_MAX);
	frame_put_error(&frame, 7, -ERR_DENIED, "wrong password");
	frame_open(buf_slice(&frame), &f);
	assert_int_equal(f.id, 7);
	assert_int_equal(frame_take_error(&f, &err), -ERR_DENIED);
	assert_string_equal(err.msg, "wrong password");
	frame.ptr[FRAME_HEAD - 1] = ERR_CORRUPT + 1;
	frame_open(buf_slice(&frame), &f);
	assert_int_equal(frame_take_error(&f, &err), -ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
