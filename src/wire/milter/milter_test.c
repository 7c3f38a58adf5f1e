/* milter_test.c - packets of the milter protocol, written and read, whole and in all prefixes. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/milter/milter.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/* ---- written ---- */

static void assert_written(const struct buf *out, struct slice want)
{
	assert_false(out->failed);
	assert_int_equal(out->len, want.len);
	assert_memory_equal(out->ptr, want.ptr, want.len);
}

static void test_written(void **state)
{
	const struct slice mail[] = {slice_lit("<a@b.example>"), slice_lit("SI\0ZE")};
	struct buf out AUTO(buf_done);
	size_t at;

	(void)state;
	buf_init(&out, 1024);
	milter_put_options(&out, 0x1ff, 0x1ff7ff);
	assert_written(&out, slice_lit("\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\367\377"));
	buf_clear(&out);
	milter_put_connect(&out, slice_lit("mx"), slice_lit("192.0.2.1"), 0x1234);
	assert_written(&out, slice_lit("\0\0\0\21Cmx\0"
				       "4\x12\x34"
				       "192.0.2.1\0"));
	buf_clear(&out);
	milter_put_connect(&out, slice_lit("mx"), slice_lit("::1"), 0);
	milter_put_connect(&out, slice_lit("mx"), (struct slice){0}, 25);
	assert_written(&out, slice_lit("\0\0\0\13Cmx\0"
				       "6\0\0::1\0\0\0\0\5Cmx\0U"));
	buf_clear(&out);
	milter_put(&out, MILTER_MAIL, mail, ROWS(mail));
	assert_written(&out, slice_lit("\0\0\0\25M<a@b.example>\0SI ZE\0"));
	buf_clear(&out);
	milter_put_bytes(&out, MILTER_BODY, slice_lit("x\0y"));
	milter_put(&out, MILTER_QUIT, NULL, 0);
	assert_written(&out, slice_lit("\0\0\0\4Bx\0y\0\0\0\1Q"));
	buf_clear(&out);
	at = milter_macros_begin(&out, MILTER_RCPT);
	milter_macro(&out, "i", slice_lit("12"));
	milter_macro(&out, "{none}", (struct slice){0});
	milter_macros_end(&out, at);
	assert_written(&out, slice_lit("\0\0\0\7DRi\0"
				       "12\0"));
}

static void test_a_full_buf_is_told(void **state)
{
	struct buf out AUTO(buf_done);

	(void)state;
	buf_init(&out, 4);
	milter_put(&out, MILTER_QUIT, NULL, 0);
	assert_true(out.failed);
}

/* ---- read ---- */

static const struct {
	struct slice packet;
	const char *want; /* answer, index, <name>, <value>; NULL: refused */
} cases[] = {
	{slice_lit("\0\0\0\1c"), "c 0 <> <>"},
	{slice_lit("\0\0\0\1a"), "a 0 <> <>"},
	{slice_lit("\0\0\0\1r"), "r 0 <> <>"},
	{slice_lit("\0\0\0\1t"), "t 0 <> <>"},
	{slice_lit("\0\0\0\1d"), "d 0 <> <>"},
	{slice_lit("\0\0\0\1s"), "s 0 <> <>"},
	{slice_lit("\0\0\0\1p"), "p 0 <> <>"},
	{slice_lit("\0\0\0\1f"), "f 0 <> <>"},
	{slice_lit("\0\0\0\1"
		   "4"),
		"4 0 <> <>"},
	{slice_lit("\0\0\0\2cx"), NULL},
	{slice_lit("\0\0\0\12y550 5.7.1"), NULL},
	{slice_lit("\0\0\0\13y550 5.7.1\0"), "y 0 <> <550 5.7.1>"},
	{slice_lit("\0\0\0\2qx"), NULL},
	{slice_lit("\0\0\0\3qx\0"), "q 0 <> <x>"},
	{slice_lit("\0\0\0\5hA\0b\0"), "h 0 <A> <b>"},
	{slice_lit("\0\0\0\4hA\0b"), NULL},
	{slice_lit("\0\0\0\6hA\0b\0c"), NULL},
	{slice_lit("\0\0\0\11i\0\0\0\2A\0b\0"), "i 2 <A> <b>"},
	{slice_lit("\0\0\0\10m\0\0\0\1A\0\0"), "m 1 <A> <>"},
	{slice_lit("\0\0\0\4m\0\0\1"), NULL},
	{slice_lit("\0\0\0\4bx\0y"), "b 0 <> <x?y>"},
	{slice_lit("\0\0\0\5+<a>\0"), "+ 0 <> <<a>>"},
	{slice_lit("\0\0\0\7"
		   "2<a>\0p\0"),
		"2 0 <> <<a>>"},
	{slice_lit("\0\0\0\5-<a>\0"), "- 0 <> <<a>>"},
	{slice_lit("\0\0\0\6e<a>\0p"), "e 0 <> <<a>>"},
	{slice_lit("\0\0\0\1Z"), NULL},
	{slice_lit("\0\0\0\1\0"), NULL},
};

static void check(struct slice packet, const char *want)
{
	struct milter_said said = {.index = 77};
	struct buf got AUTO(buf_done);
	struct err err;

	buf_init(&got, 128);
	if (milter_read(packet, &said, &err) < 0) {
		assert_null(want);
		assert_int_equal(said.index, 77);
		return;
	}
	assert_non_null(want);
	buf_printf(&got, "%c %u <%.*s> <", said.answer, said.index, SLICE_ARG(said.name));
	for (size_t i = 0; i < said.value.len; i++)
		buf_byte(&got, said.value.ptr[i] ? said.value.ptr[i] : '?');
	buf_append(&got, (struct slice){">", 2}); /* with its NUL */
	assert_string_equal(got.ptr, want);
}

/* In a block of its exact size, so that one byte over is seen. */
static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		for (size_t len = 0; len <= cases[i].packet.len; len++) {
			char *copy = mem_alloc(len);
			const struct slice in = {copy, len};
			struct err err;

			memcpy(copy, cases[i].packet.ptr, len);
			if (len == cases[i].packet.len && milter_length(in, &err) == (int64_t)len)
				check(in, cases[i].want);
			else if (len < cases[i].packet.len)
				assert_int_equal(milter_length(in, &err), 0);
			free(copy);
		}
	}
}

static void test_lengths(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(milter_length(slice_lit("\0\0\0\0"), &err), -ERR_SYNTAX);
	assert_int_equal(milter_length(slice_lit("\0\20\0\1"), &err), -ERR_TOOBIG);
	assert_int_equal(milter_length(slice_lit("\0\20\0\0"), &err), 0);
	assert_int_equal(milter_length(slice_lit("\377\377\377\377"), &err), -ERR_TOOBIG);
	assert_int_equal(milter_length(slice_lit("\0\0\0\1caaa"), &err), 5);
}

static void test_options(void **state)
{
	static const struct {
		struct slice packet;
		bool is_good;
	} rows[] = {
		{slice_lit("\0\0\0\15O\0\0\0\6\0\0\0\21\0\0\4\200"), true},
		{slice_lit("\0\0\0\21O\0\0\0\6\0\0\0\21\0\0\4\200more"), true},
		{slice_lit("\0\0\0\15O\0\0\0\2\0\0\0\0\0\0\0\0"), true},
		{slice_lit("\0\0\0\15O\0\0\0\1\0\0\0\0\0\0\0\0"), false},
		{slice_lit("\0\0\0\15O\0\0\0\7\0\0\0\0\0\0\0\0"), false},
		{slice_lit("\0\0\0\15O\0\0\0\6\0\0\2\0\0\0\0\0"), false},
		{slice_lit("\0\0\0\15O\0\0\0\6\0\0\0\0\0\0\10\0"), false},
		{slice_lit("\0\0\0\14O\0\0\0\6\0\0\0\0\0\0\0"), false},
		{slice_lit("\0\0\0\15c\0\0\0\6\0\0\0\0\0\0\0\0"), false},
	};
	struct milter_options got;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		assert_int_equal(
			milter_read_options(rows[i].packet, &got, &err) == 0, rows[i].is_good);
	assert_int_equal(milter_read_options(rows[0].packet, &got, &err), 0);
	assert_int_equal(got.version, 6);
	assert_int_equal(got.actions, 0x11);
	assert_int_equal(got.steps, MILTER_CAN_SKIP | MILTER_QUIET_HEADER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_a_full_buf_is_told),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
