/* second_test.c - second factors, asked as a server and a courier ask. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fido/param.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/io.h"
#include "keeper/channel.h"
#include "keeper/second_kit.h"
#include "keeper/webauthn_kit.h"

ASK(do_challenge, keeper_web_challenge(call, q->s[0], (enum keeper_factor)q->n))
ASK(do_passkey, keeper_web_passkey(
			call, slice_lit("visitor"), q->s[0], slice_lit(HOME), slice_lit("browser")))

static void test_second_factor(void **state)
{
	struct keeper_entry e, kept;
	struct keeper_web w, other, pending, in;
	char codes[1024], app[KEEPER_SECRET_MAX];
	struct totp totp;
	struct kit kit;
	size_t session;

	(void)state;
	kit_start(&kit, &kit_cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &other), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &session));
	kit_add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
	assert_int_equal(strlen(codes), 10 * 39);
	/* From now on the password alone opens nothing, and what it opened is closed. */
	assert_false(kit_is_open(&kit, session));
	assert_int_equal(kit_check(&kit, other.cookie, NULL), -ERR_DENIED);
	assert_int_equal(kit_check(&kit, w.cookie, &in), 0);
	assert_int_equal(in.factors, FACTOR_TOTP | FACTOR_RECOVERY);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), -ERR_CONFLICT);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_IMAP, false, app), 0);
	assert_int_equal(kit_enter(&kit, 5, app, SCOPE_IMAP, HOME, &kept), 0);

	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &pending), 0);
	assert_true(pending.is_pending);
	assert_int_equal(kit_change_password(&kit, pending.cookie, FIRST, SECOND), -ERR_DENIED);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_PASSWORD, FIRST, &in), -ERR_DENIED);
	assert_int_equal(kit_factor(&kit, pending.cookie, FACTOR_TOTP, "000000", &in), -ERR_DENIED);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_TOTP, kit_totp_code(&totp, 0), &in), 0);
	assert_false(in.is_pending);
	assert_string_not_equal(in.cookie, pending.cookie);
	assert_int_equal(kit_check(&kit, pending.cookie, NULL), -ERR_DENIED);
	/* The same code for another session: it is used. */
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &pending), 0);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_TOTP, kit_totp_code(&totp, 0), &in),
		-ERR_DENIED);
	codes[38] = '\0';
	assert_int_equal(kit_factor(&kit, pending.cookie, FACTOR_RECOVERY, codes, &in), 0);
	/* Factors outlive the keeper. */
	fixture_kill(&kit.fixture);
	kit_run(&kit);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &pending), 0);
	assert_true(pending.is_pending);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_RECOVERY, codes, &in), -ERR_DENIED);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_TOTP, kit_totp_code(&totp, 1), &in), 0);
	kit_done(&kit);
}

/* ---- security keys and passkeys ---- */

static void read_challenge(const char *options, struct buf *out)
{
	json_t *json = json_loads(options, 0, NULL);
	struct err err;

	assert_non_null(json);
	buf_clear(out);
	assert_int_equal(
		base64url_decode(out,
			slice_str(json_string_value(json_object_get(json, "challenge"))), &err),
		0);
	json_decref(json);
}

static int passkey(struct kit *kit, struct slice data, struct keeper_web *out)
{
	struct kit_ask q = {.ask = do_passkey, .s = {data}};

	return kit_ask_struct(kit, &q, out, sizeof(*out));
}

static void test_passkey(void **state)
{
	struct webauthn_kit key AUTO(webauthn_kit_done);
	struct buf challenge AUTO(buf_done), json AUTO(buf_done);
	struct kit_ask q = {.ask = do_passkey, .s = {{0}}};
	struct keeper_web w, in;
	char options[4096], codes[1024];
	struct kit kit;

	(void)state;
	buf_init(&challenge, 64);
	buf_init(&json, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&key, COSE_ES256);
	kit_start(&kit, &kit_cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(
		kit_factor_begin(&kit, w.cookie, FACTOR_WEBAUTHN, "", options, sizeof(options)), 0);
	read_challenge(options, &challenge);
	webauthn_kit_create(&key, buf_slice(&challenge), &json);
	buf_byte(&json, '\0');
	assert_int_equal(
		kit_factor_confirm(&kit, w.cookie, FACTOR_WEBAUTHN, json.ptr, codes, sizeof(codes)),
		0);
	/* As a second factor, after the password. */
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_true(w.is_pending);
	q = (struct kit_ask){.ask = do_challenge, .n = FACTOR_WEBAUTHN, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask_text(&kit, &q, options, sizeof(options)), 0);
	read_challenge(options, &challenge);
	key.count = 1;
	buf_clear(&json);
	webauthn_kit_get(&key, buf_slice(&challenge), (struct slice){0}, &json);
	buf_byte(&json, '\0');
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_WEBAUTHN, json.ptr, &in), 0);
	/* And without any password. */
	q = (struct kit_ask){.ask = do_passkey, .s = {{0}}};
	assert_int_equal(kit_ask_text(&kit, &q, options, sizeof(options)), 0);
	read_challenge(options, &challenge);
	key.count = 2;
	buf_clear(&json);
	webauthn_kit_get(&key, buf_slice(&challenge), (struct slice){0}, &json);
	assert_int_equal(passkey(&kit, buf_slice(&json), &in), 0);
	assert_true(in.account == 5 && !in.is_pending && in.cookie[0]);
	assert_int_equal(kit_check(&kit, in.cookie, NULL), 0);
	assert_int_equal(passkey(&kit, buf_slice(&json), &in), -ERR_DENIED);
	kit_done(&kit);
}

/* ---- text messages ---- */

static void test_text_message(void **state)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct keeper_web w;
	struct kit_ask q;
	struct slice number, text;
	char codes[1024], code[8] = "";
	struct frame f;
	struct kit kit;
	struct err err;
	bool answered;
	int fd;

	(void)state;
	buf_init(&request, 64);
	buf_init(&reply, 4096);
	kit_start(&kit, &kit_cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(
		kit_factor_begin(&kit, w.cookie, FACTOR_SMS, "+43 1 2345678", codes, sizeof(codes)),
		0);
	frame_finish(&request, frame_begin(&request, 1, FRAME_SMS_TAKE));
	/* Nobody but the courier is given it. */
	fd = channel_open(FIXTURE_SERVER, &err);
	assert_int_equal(
		channel_ask(fd, buf_slice(&request), CHANNEL_FOREVER, &reply, &f, &answered, &err),
		-ERR_DENIED);
	io_close(&fd);
	fd = channel_open(FIXTURE_COURIER, &err);
	assert_int_equal(
		channel_ask(fd, buf_slice(&request), CHANNEL_FOREVER, &reply, &f, &answered, &err),
		0);
	number = frame_bytes(&f);
	text = frame_bytes(&f);
	assert_true(frame_end(&f));
	assert_true(slice_eq(number, slice_lit("+4312345678")));
	snprintf(code, sizeof(code), "%.6s", text.ptr);
	io_close(&fd);
	assert_int_equal(
		kit_factor_confirm(&kit, w.cookie, FACTOR_SMS, "nonsense", codes, sizeof(codes)),
		-ERR_DENIED);
	assert_int_equal(
		kit_factor_confirm(&kit, w.cookie, FACTOR_SMS, code, codes, sizeof(codes)), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	q = (struct kit_ask){.ask = do_challenge, .n = FACTOR_SMS, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask_text(&kit, &q, codes, sizeof(codes)), 0);
	assert_string_equal(codes, "678");
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_SMS, code, &w), -ERR_DENIED);
	kit_done(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_factor),
		cmocka_unit_test(test_passkey),
		cmocka_unit_test(test_text_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
