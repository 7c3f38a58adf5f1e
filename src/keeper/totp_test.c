/* totp_test.c - RFC 6238's vectors, the window, replay, secrets and URIs; see totp.h. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "keeper/totp.h"

static struct totp of_text(const char *secret, unsigned digits, unsigned hash)
{
	struct totp t = {.secret_len = strlen(secret),
		.digits = digits,
		.step_s = TOTP_STEP_S,
		.hash = hash};

	memcpy(t.secret, secret, t.secret_len);
	return t;
}

/* RFC 6238 appendix B. */
static void test_vectors(void **state)
{
	static const struct {
		int64_t at;
		const char *sha1, *sha256, *sha512;
	} rows[] = {
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	};
	const struct totp t1 = of_text("12345678901234567890", 8, TOTP_SHA1);
	const struct totp t256 = of_text("12345678901234567890123456789012", 8, TOTP_SHA256);
	const struct totp t512 = of_text(
		"1234567890123456789012345678901234567890123456789012345678901234", 8, TOTP_SHA512);
	char code[TOTP_DIGITS_MAX + 1];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(totp_code(&t1, rows[i].at, code, &err), 0);
		assert_string_equal(code, rows[i].sha1);
		assert_int_equal(totp_code(&t256, rows[i].at, code, &err), 0);
		assert_string_equal(code, rows[i].sha256);
		assert_int_equal(totp_code(&t512, rows[i].at, code, &err), 0);
		assert_string_equal(code, rows[i].sha512);
	}
}

static void test_window_and_replay(void **state)
{
	const struct totp t = of_text("12345678901234567890", 6, TOTP_SHA1);
	const int64_t now = 1111111111, step = now / TOTP_STEP_S;
	char code[TOTP_DIGITS_MAX + 1];
	int64_t got = -7;
	struct err err;

	(void)state;
	for (int64_t off = -2; off <= 2; off++) {
		const bool is_good = off >= -1 && off <= 1;

		assert_int_equal(totp_code(&t, now + off * TOTP_STEP_S, code, &err), 0);
		got = -7;
		assert_int_equal(totp_check(&t, slice_str(code), now, 0, &got, &err),
			is_good ? 0 : -ERR_DENIED);
		assert_int_equal(got, is_good ? step + off : -7);
		/* Once used, it and all before it are gone. */
		assert_int_equal(
			totp_check(&t, slice_str(code), now, step + off, &got, &err), -ERR_DENIED);
		assert_int_equal(totp_check(&t, slice_str(code), now, step + off - 1, &got, &err),
			is_good ? 0 : -ERR_DENIED);
	}
}

static void test_what_people_type(void **state)
{
	const struct totp t = of_text("12345678901234567890", 6, TOTP_SHA1);
	static const struct {
		const char *code;
		int rc;
	} rows[] = {
		{"287082", 0},
		{"287 082", 0},
		{" 287082 ", 0},
		{"", -ERR_DENIED},
		{"28708", -ERR_DENIED},
		{"2870821", -ERR_DENIED},
		{"28708x", -ERR_DENIED},
		{"94287082", -ERR_DENIED},
		{"-87082", -ERR_DENIED},
		{"287082                              ", -ERR_DENIED},
	};
	int64_t step;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (totp_check(&t, slice_str(rows[i].code), 59, -1, &step, &err) != rows[i].rc)
			fail_msg("<%s>", rows[i].code);
	}
}

static void test_secrets(void **state)
{
	/* RFC 4648 10, and the forms in which services show them. */
	static const struct {
		const char *text, *bytes;
	} good[] = {
		{"MY======", "f"},
		{"my", "f"},
		{"MZXW6YTBOI", "foobar"},
		{"mzxw 6ytb oi", "foobar"},
		{"MZXW-6YTB-OI==", "foobar"},
	};
	static const char *const bad[] = {"", "===", "M1", "M8", "MZXW6YTBO!", "M\xc3\xbc"};
	struct totp t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (totp_read_secret(slice_str(good[i].text), &t, &err) < 0)
			fail_msg("<%s>: %s", good[i].text, err.msg);
		assert_int_equal(t.secret_len, strlen(good[i].bytes));
		assert_memory_equal(t.secret, good[i].bytes, t.secret_len);
		assert_int_equal(t.digits, 6);
		assert_int_equal(t.step_s, 30);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (totp_read_secret(slice_str(bad[i]), &t, &err) != -ERR_SYNTAX)
			fail_msg("<%s> was taken as a secret", bad[i]);
	}
	char longest[200];

	memset(longest, 'A', sizeof(longest));
	assert_int_equal(totp_read_secret((struct slice){longest, 104}, &t, &err), -ERR_TOOBIG);
	assert_int_equal(totp_read_secret((struct slice){longest, 200}, &t, &err), -ERR_TOOBIG);
}

static void test_uri(void **state)
{
	struct totp t = of_text("12345678901234567890", 6, TOTP_SHA1), back;
	struct buf uri AUTO(buf_done);
	struct slice label;
	struct err err;

	(void)state;
	buf_init(&uri, TOTP_URI_MAX);
	totp_write_uri(&t, slice_lit("Post & House"), slice_lit("a+b@example.org"), &uri);
	assert_true(slice_eq(buf_slice(&uri),
		slice_lit("otpauth://totp/Post%20%26%20House:a%2Bb@example.org?secret="
			  "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Post%20%26%20House&"
			  "algorithm=SHA1&digits=6&period=30")));
	assert_int_equal(totp_read_uri(buf_slice(&uri), &back, &label, &err), 0);
	assert_int_equal(back.secret_len, t.secret_len);
	assert_memory_equal(back.secret, t.secret, t.secret_len);
	assert_true(slice_eq(label, slice_lit("Post%20%26%20House:a%2Bb@example.org")));
}

static void test_foreign_uris(void **state)
{
	static const struct {
		const char *uri;
		int rc;
		unsigned digits, step_s, hash;
	} rows[] = {
		{"otpauth://totp/x?secret=MY", 0, 6, 30, TOTP_SHA1},
		{"OTPAUTH://TOTP/x?secret=MY&digits=8&period=60&algorithm=sha256&image=i", 0, 8, 60,
			TOTP_SHA256},
		{"otpauth://totp/x?algorithm=SHA512&secret=MY", 0, 6, 30, TOTP_SHA512},
		{"otpauth://hotp/x?secret=MY&counter=1", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?digits=6", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?secret=MY&digits=9", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?secret=MY&digits=0", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?secret=MY&period=0", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?secret=MY&period=99999999999999999999", -ERR_SYNTAX, 0, 0, 0},
		{"otpauth://totp/x?secret=MY&algorithm=MD5", -ERR_SYNTAX, 0, 0, 0},
		{"https://totp/x?secret=MY", -ERR_SYNTAX, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct totp t = {0};
		struct slice label;
		struct err err;

		if (totp_read_uri(slice_str(rows[i].uri), &t, &label, &err) != rows[i].rc)
			fail_msg("<%s>: %s", rows[i].uri, err.msg);
		assert_int_equal(t.digits, rows[i].digits);
		assert_int_equal(t.step_s, rows[i].step_s);
		assert_int_equal(t.hash, rows[i].hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_window_and_replay),
		cmocka_unit_test(test_what_people_type),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_foreign_uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
