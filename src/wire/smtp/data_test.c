/* data_test.c - the text of a message, cut at every byte. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "wire/smtp/data.h"

enum { SIZE_LIMIT = 40, LINE_LIMIT = 12 };

/* Feeds text in pieces cut at a and b; what is left after the end is returned. */
static size_t feed(struct smtp_data *d, struct slice text, size_t a, size_t b, struct buf *out)
{
	const struct slice parts[] = {
		slice_head(text, a), slice_head(slice_from(text, a), b - a), slice_from(text, b)};
	size_t left = 0;

	for (size_t i = 0; i < 3; i++) {
		/* Of its exact size on the heap, so that ASan sees one byte over. */
		char *copy = malloc(parts[i].len ? parts[i].len : 1);
		struct slice in = {copy, parts[i].len}, piece;

		assert_non_null(copy);
		memcpy(copy, parts[i].ptr, parts[i].len);
		while ((piece = smtp_data_next(d, &in)).len)
			buf_append(out, piece);
		left += in.len;
		free(copy);
	}
	return left;
}

enum how { DOTTED, COUNTED, BINARY };

static const struct {
	const char *text, *want; /* want NULL: a fault, nothing may be kept */
	enum smtp_data_fault fault;
	size_t left; /* SIZE_MAX: the end was not found */
	enum how how;
} cases[] = {
	{"a\r\n.\r\n", "a\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{".\r\n", "", SMTP_DATA_GOOD, 0, DOTTED},
	{"\r\n.\r\n", "\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{"a\r\n..\r\n...b\r\n.\r\nQUIT\r\n", "a\r\n.\r\n..b\r\n", SMTP_DATA_GOOD, 6, DOTTED},
	{".a\r\n.\r\n", "a\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{"a.\r\n.\r\n", "a.\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{"a\r\n.\r", "a\r\n", SMTP_DATA_GOOD, SIZE_MAX, DOTTED},
	{"a\r\n", "a\r\n", SMTP_DATA_GOOD, SIZE_MAX, DOTTED},
	{"a\n.\r\n.\r\n", NULL, SMTP_DATA_BARE_LF, 0, DOTTED},
	{"a\n.\n\r\n.\r\nx", NULL, SMTP_DATA_BARE_LF, 1, DOTTED},
	{"a\r.\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"a\r\n.\n.\r\n", NULL, SMTP_DATA_BARE_LF, SIZE_MAX, DOTTED},
	{"a\r\n.\ra\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"a\r\n.\r\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"a\r\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"\n.\n", NULL, SMTP_DATA_BARE_LF, SIZE_MAX, DOTTED},
	{"\r\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"a\r\n\r.\r\n.\r\n", NULL, SMTP_DATA_BARE_CR, 0, DOTTED},
	{"123456789012\r\n.\r\n", "123456789012\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{"1234567890123\r\n.\r\n", NULL, SMTP_DATA_LONG_LINE, 0, DOTTED},
	{"123456789\r\n123456789\r\n123456789\r\n12345\r\n.\r\n",
		"123456789\r\n123456789\r\n123456789\r\n12345\r\n", SMTP_DATA_GOOD, 0, DOTTED},
	{"123456789\r\n123456789\r\n123456789\r\n123456\r\n.\r\n", NULL, SMTP_DATA_TOO_BIG, 0,
		DOTTED},
	{"a\r\n.\r\n..\r\n", "a\r\n.\r\n..\r\n", SMTP_DATA_GOOD, SIZE_MAX, COUNTED},
	{".a", ".a", SMTP_DATA_GOOD, SIZE_MAX, COUNTED},
	{"a\r", NULL, SMTP_DATA_BARE_CR, SIZE_MAX, COUNTED},
	{"a\nb", NULL, SMTP_DATA_BARE_LF, SIZE_MAX, COUNTED},
	/* Of what is binary the header is lines. */
	{"a\r\n\r\n\n1234567890123\r", "a\r\n\r\n\n1234567890123\r", SMTP_DATA_GOOD, SIZE_MAX,
		BINARY},
	{"\r\n.\nb", "\r\n.\nb", SMTP_DATA_GOOD, SIZE_MAX, BINARY},
	{"a\n\r\nb", NULL, SMTP_DATA_BARE_LF, SIZE_MAX, BINARY},
	{"\n\n\r\nb", NULL, SMTP_DATA_BARE_LF, SIZE_MAX, BINARY},
	{"a\r\n\r", NULL, SMTP_DATA_BARE_CR, SIZE_MAX, BINARY},
	{"1234567890123\r\n\r\nb", NULL, SMTP_DATA_LONG_LINE, SIZE_MAX, BINARY},
	{"\r\n1234567890123456789012345678901234567890", NULL, SMTP_DATA_TOO_BIG, SIZE_MAX, BINARY},
};

static void check(size_t at, size_t a, size_t b)
{
	const struct slice text = slice_str(cases[at].text);
	struct buf got AUTO(buf_done);
	struct smtp_data d;
	size_t left;

	buf_init(&got, 256);
	smtp_data_init(&d, cases[at].how != DOTTED, SIZE_LIMIT, LINE_LIMIT);
	d.is_binary = cases[at].how == BINARY;
	left = feed(&d, text, a, b, &got);
	if (d.is_counted)
		smtp_data_finish(&d);
	if (d.fault != cases[at].fault)
		fail_msg("<%s> at %zu, %zu: fault %d", cases[at].text, a, b, d.fault);
	if (smtp_data_is_done(&d) != (cases[at].left != SIZE_MAX))
		fail_msg("<%s> at %zu, %zu: wrong end", cases[at].text, a, b);
	if (smtp_data_is_done(&d))
		assert_int_equal(left, cases[at].left);
	if (cases[at].want && !slice_eq(buf_slice(&got), slice_str(cases[at].want)))
		fail_msg("<%s> at %zu, %zu: got <%.*s>", cases[at].text, a, b,
			SLICE_ARG(buf_slice(&got)));
}

static void test_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t a = 0; a <= strlen(cases[i].text); a++) {
			for (size_t b = a; b <= strlen(cases[i].text); b++)
				check(i, a, b);
		}
	}
}

static void test_every_byte_alone(void **state)
{
	const struct slice text = slice_lit("..a\r\n\r\n.b\r\n.\r\nNOOP");
	struct buf got AUTO(buf_done);
	struct smtp_data d;
	size_t i;

	(void)state;
	buf_init(&got, 256);
	smtp_data_init(&d, false, SIZE_LIMIT, LINE_LIMIT);
	for (i = 0; i < text.len && !smtp_data_is_done(&d); i++) {
		struct slice in = {text.ptr + i, 1};

		buf_append(&got, smtp_data_next(&d, &in));
		assert_int_equal(in.len, 0);
	}
	assert_true(slice_eq(slice_from(text, i), slice_lit("NOOP")));
	assert_true(slice_eq(buf_slice(&got), slice_lit(".a\r\n\r\nb\r\n")));
	assert_int_equal(d.size, got.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_every_byte_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
