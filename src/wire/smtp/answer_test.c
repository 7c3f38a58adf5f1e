/* answer_test.c - unit tests of answer.c and stuff.c. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/smtp/answer.h"
#include "wire/smtp/stuff.h"

static const struct {
	const char *in, *want; /* status, then the text; "!" refused, "" not whole */
	size_t rest;
} answers[] = {
	{"250 ok\r\n", "|250 ok", 0},
	{"250\r\n", "|250", 0},
	{"250 \r\n", "|250", 0},
	{"550 5.1.1 no such user\r\n", "5.1.1|550 5.1.1 no such user", 0},
	{"550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n250 x\r\n",
		"5.1.1|550 5.1.1 no such user", 7},
	{"550 4.1.1 class\r\n", "|550 4.1.1 class", 0},
	{"550 5.1. x\r\n", "|550 5.1. x", 0},
	{"550 5..1 x\r\n", "|550 5..1 x", 0},
	{"550 5.1.1.1 x\r\n", "|550 5.1.1.1 x", 0},
	{"550 5.999.999\r\n", "5.999.999|550 5.999.999", 0},
	{"550 5.99999999.9\r\n", "|550 5.99999999.9", 0},
	{"250-a\r\n250", "", 0},
	{"250-a\r\n", "", 0},
	{"25", "", 0},
	{"", "", 0},
	{"354 go\t\x01\xc3\xa9\r\n", "|354 go????", 0},
	{"250-a\r\n251 b\r\n", "!", 0},
	{"250 ok\n", "!", 0},
	{"25 ok\r\n", "!", 0},
	{"150 ok\r\n", "!", 0},
	{"650 ok\r\n", "!", 0},
	{"2x0 ok\r\n", "!", 0},
	{"250_ok\r\n", "!", 0},
	{"250 a\rb\r\n", "!", 0},
	{"\r\n", "!", 0},
	{"\n", "!", 0},
	{"HTTP/1.1 400 Bad Request\r\n", "!", 0},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct slice in = slice_str(answers[i].in);
		struct smtp_answer a;
		struct buf got AUTO(buf_done);
		size_t used = 0;
		struct err err;
		const int rc = smtp_answer_take(in, &a, &used, &err);

		buf_init(&got, 1000);
		if (rc < 0)
			buf_lit(&got, "!");
		if (rc == 1) {
			buf_str(&got, a.status);
			buf_byte(&got, '|');
			smtp_answer_put(&a, &got);
			assert_int_equal(in.len - used, answers[i].rest);
		}
		buf_byte(&got, '\0');
		assert_string_equal(got.ptr, answers[i].want);
	}
}

static void test_answer_bounds(void **state)
{
	struct smtp_answer a;
	struct buf in AUTO(buf_done), text AUTO(buf_done);
	size_t used;
	struct err err;

	(void)state;
	buf_init(&in, 2 * SMTP_ANSWER_MAX);
	buf_init(&text, SMTP_ANSWER_MAX);
	while (in.len < 2000)
		buf_lit(&in, "250-0123456789\r\n");
	buf_lit(&in, "250 end\r\n");
	assert_int_equal(smtp_answer_take(buf_slice(&in), &a, &used, &err), 1);
	smtp_answer_put(&a, &text);
	assert_true(text.len >= SMTP_ANSWER_TEXT_MAX && text.len < 2 * SMTP_ANSWER_TEXT_MAX);
	buf_clear(&in);
	while (in.len <= SMTP_ANSWER_MAX)
		buf_lit(&in, "250-0123456789\r\n");
	assert_int_equal(smtp_answer_take(buf_slice(&in), &a, &used, &err), -ERR_TOOBIG);
	buf_lit(&in, "250 end\r\n");
	assert_int_equal(smtp_answer_take(buf_slice(&in), &a, &used, &err), -ERR_TOOBIG);
}

static void test_offers(void **state)
{
	static const char text[] = "250-mx.example SIZE PIPELINING\r\n250-size 1000\r\n"
				   "250-8bitmime\r\n250-X-OTHER\r\n250-DELIVERBY 60\r\n"
				   "250-MT-PRIORITY MIXER\r\n250-SMTPUTF8\r\n250-AUTH CRAM-MD5 "
				   "plain\r\n250-DSN\r\n250-STARTTLSX\r\n250 "
				   "CHUNKING\r\n";
	struct smtp_answer a;
	struct smtp_offer o;
	size_t used;
	struct err err;

	(void)state;
	assert_int_equal(smtp_answer_take(slice_str(text), &a, &used, &err), 1);
	smtp_offer_read(&a, &o);
	assert_true(
		o.size && o.eightbit && o.utf8 && o.dsn && o.chunking && o.deliverby && o.priority);
	assert_true(o.auth_plain && !o.auth_login);
	assert_false(o.pipelining || o.starttls || o.requiretls);
	assert_int_equal(o.size_max, 1000);
	assert_int_equal(o.by_min_s, 60);
}

static const struct {
	const char *in, *data, *chunk;
} texts[] = {
	{"", ".\r\n", ""},
	{"a\r\n", "a\r\n.\r\n", "a\r\n"},
	{"a", "a\r\n.\r\n", "a\r\n"},
	{".", "..\r\n.\r\n", ".\r\n"},
	{".\r\n", "..\r\n.\r\n", ".\r\n"},
	{"a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
	{"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
	{"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
	{"a\r\r\n.\r", "a\r\n\r\n..\r\n.\r\n", "a\r\n\r\n.\r\n"},
	{"a\n\r.b", "a\r\n\r\n..b\r\n.\r\n", "a\r\n\r\n.b\r\n"},
	{"a.b\r\n", "a.b\r\n.\r\n", "a.b\r\n"},
	{"\r\n\r\n", "\r\n\r\n.\r\n", "\r\n\r\n"},
};

/* At once, and cut in two at each place. */
static void test_stuffing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct slice in = slice_str(texts[i].in);

		for (size_t cut = 0; cut <= 2 * in.len + 1; cut++) {
			const bool is_counted = cut % 2;
			struct buf out AUTO(buf_done);
			struct smtp_stuff s;

			buf_init(&out, 100);
			smtp_stuff_init(&s, is_counted);
			smtp_stuff_feed(&s, slice_head(in, cut / 2), &out);
			smtp_stuff_feed(&s, slice_from(in, cut / 2), &out);
			smtp_stuff_finish(&s, &out);
			buf_byte(&out, '\0');
			assert_string_equal(out.ptr, is_counted ? texts[i].chunk : texts[i].data);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_answer_bounds),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_stuffing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
