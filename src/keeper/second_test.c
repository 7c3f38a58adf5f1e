/* second_test.c - second factors, SCRAM, tokens, resets and cases, asked as a server, a courier and
 * the staff ask. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fido/param.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "keeper/channel.h"
#include "keeper/kit.h"
#include "keeper/scram.h"
#include "keeper/totp.h"
#include "keeper/webauthn_kit.h"

static const struct keeper_config cheap = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .cache_s = 60, .owner_uid = 12345};

#define HOME "192.0.2.1"
#define FIRST "three blind snails 77"
#define SECOND "a quiet Tuesday, later"

/* ---- asking ---- */

/* Asks, and gives out the answer's text, or a struct of that size. */
static int ask_text(struct kit *kit, struct kit_ask *q, char *out, size_t size)
{
	const int rc = kit_ask(kit, q);
	const struct keeper_text *text = q->answer.data;

	if (rc == 0 && out)
		snprintf(out, size, "%s", text->text);
	free(q->answer.data);
	return rc;
}

static int ask_struct(struct kit *kit, struct kit_ask *q, void *out, size_t size)
{
	const int rc = kit_ask(kit, q);

	if (rc == 0 && out)
		memcpy(out, q->answer.data, size);
	free(q->answer.data);
	return rc;
}

#define ASK(name, call_of)                                                                         \
	static void name(const struct keeper_call *call, const struct kit_ask *q)                  \
	{                                                                                          \
		call_of;                                                                           \
	}
ASK(do_begin, keeper_factor_begin(call, q->s[0], (enum keeper_factor)q->n, q->s[1],
		      slice_lit("ada@example.org")))
ASK(do_confirm,
	keeper_factor_confirm(call, q->s[0], (enum keeper_factor)q->n, slice_lit("mine"), q->s[1]))
ASK(do_challenge, keeper_web_challenge(call, q->s[0], (enum keeper_factor)q->n))
ASK(do_passkey, keeper_web_passkey(
			call, slice_lit("visitor"), q->s[0], slice_lit(HOME), slice_lit("browser")))
ASK(do_settings, keeper_get_settings(call, q->s[0]))
ASK(do_recovery_set, keeper_recovery_set(call, q->s[0], q->s[1]))
ASK(do_recovery_confirm, keeper_recovery_confirm(call, q->s[0], q->s[1]))
ASK(do_recovery_cancel, keeper_recovery_cancel(call, q->s[0]))
ASK(do_reset_begin, keeper_reset_begin(call, q->a, slice_lit(HOME)))
ASK(do_reset_end, keeper_reset_end(call, q->s[0], slice_lit("ada@example.org"), q->s[1],
			  (enum keeper_factor)q->n, q->s[2], slice_lit(HOME)))
ASK(do_grant_code, keeper_grant_code(call, q->s[0], slice_lit("client"),
			   slice_lit("https://c.example/"), SCOPE_IMAP, q->s[1]))
ASK(do_exchange, keeper_grant_exchange(call, slice_lit("client"), slice_lit("https://c.example/"),
			 q->s[0], q->s[1]))
ASK(do_refresh, keeper_grant_refresh(call, slice_lit("client"), q->s[0]))
ASK(do_list_tokens, keeper_list_tokens(call, q->s[0], 0))
ASK(do_enter, keeper_enter(call, &q->attempt))

static int begin(struct kit *kit, const char *cookie, enum keeper_factor factor, const char *data,
	char *out, size_t size)
{
	struct kit_ask q = {
		.ask = do_begin, .n = factor, .s = {slice_str(cookie), slice_str(data)}};

	return ask_text(kit, &q, out, size);
}

static int confirm(struct kit *kit, const char *cookie, enum keeper_factor factor, const char *data,
	char *codes, size_t size)
{
	struct kit_ask q = {
		.ask = do_confirm, .n = factor, .s = {slice_str(cookie), slice_str(data)}};

	return ask_text(kit, &q, codes, size);
}

/* ---- TOTP ---- */

static const char *code_at(const struct totp *totp, int64_t steps)
{
	static char code[TOTP_DIGITS_MAX + 1];
	struct err err;

	assert_int_equal(totp_code(totp, clock_wall_s() + steps * TOTP_STEP_S, code, &err), 0);
	return code;
}

/* Gives a signed-in account TOTP; codes are the recovery codes. */
static void add_totp(
	struct kit *kit, const char *cookie, struct totp *totp, char *codes, size_t size)
{
	char uri[TOTP_URI_MAX];
	struct slice label;
	struct err err;

	assert_int_equal(begin(kit, cookie, FACTOR_TOTP, "", uri, sizeof(uri)), 0);
	assert_int_equal(totp_read_uri(slice_str(uri), totp, &label, &err), 0);
	assert_int_equal(confirm(kit, cookie, FACTOR_TOTP, code_at(totp, -1), codes, size), 0);
}

static void test_second_factor(void **state)
{
	struct keeper_entry e, kept;
	struct keeper_web w, other, pending, in;
	char codes[1024], app[KEEPER_SECRET_MAX];
	struct totp totp;
	struct kit kit;
	size_t session;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &other), 0);
	assert_int_equal(kit_enter(&kit, 5, FIRST, SCOPE_IMAP, HOME, &e), 0);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &session));
	add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
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
	assert_int_equal(kit_factor(&kit, pending.cookie, FACTOR_TOTP, code_at(&totp, 0), &in), 0);
	assert_false(in.is_pending);
	assert_string_not_equal(in.cookie, pending.cookie);
	assert_int_equal(kit_check(&kit, pending.cookie, NULL), -ERR_DENIED);
	/* The same code for another session: it is used. */
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &pending), 0);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_TOTP, code_at(&totp, 0), &in), -ERR_DENIED);
	codes[38] = '\0';
	assert_int_equal(kit_factor(&kit, pending.cookie, FACTOR_RECOVERY, codes, &in), 0);
	/* Factors outlive the keeper. */
	fixture_kill(&kit.fixture);
	fixture_run(&kit.fixture);
	while (kit_sign_in(&kit, 5, FIRST, HOME, false, &pending) == -ERR_BUSY)
		continue; /* it was asked before the connection was seen to be lost */
	assert_true(pending.is_pending);
	assert_int_equal(
		kit_factor(&kit, pending.cookie, FACTOR_RECOVERY, codes, &in), -ERR_DENIED);
	assert_int_equal(kit_factor(&kit, pending.cookie, FACTOR_TOTP, code_at(&totp, 1), &in), 0);
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

	return ask_struct(kit, &q, out, sizeof(*out));
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
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(begin(&kit, w.cookie, FACTOR_WEBAUTHN, "", options, sizeof(options)), 0);
	read_challenge(options, &challenge);
	webauthn_kit_create(&key, buf_slice(&challenge), &json);
	buf_byte(&json, '\0');
	assert_int_equal(
		confirm(&kit, w.cookie, FACTOR_WEBAUTHN, json.ptr, codes, sizeof(codes)), 0);
	/* As a second factor, after the password. */
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_true(w.is_pending);
	q = (struct kit_ask){.ask = do_challenge, .n = FACTOR_WEBAUTHN, .s = {slice_str(w.cookie)}};
	assert_int_equal(ask_text(&kit, &q, options, sizeof(options)), 0);
	read_challenge(options, &challenge);
	key.count = 1;
	buf_clear(&json);
	webauthn_kit_get(&key, buf_slice(&challenge), (struct slice){0}, &json);
	buf_byte(&json, '\0');
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_WEBAUTHN, json.ptr, &in), 0);
	/* And without any password. */
	q = (struct kit_ask){.ask = do_passkey, .s = {{0}}};
	assert_int_equal(ask_text(&kit, &q, options, sizeof(options)), 0);
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

/* ---- SCRAM ---- */

static void do_scram_begin(const struct keeper_call *call, const struct kit_ask *q)
{
	const struct keeper_scram scram = {.account = q->a,
		.scope = SCOPE_IMAP,
		.peer = slice_lit(HOME),
		.program = slice_lit("kit"),
		.client_first = q->s[0]};

	keeper_scram_begin(call, &scram);
}

ASK(do_scram_end, keeper_scram_end(call, q->a, q->s[0]))

static void hmac(const unsigned char *key, const char *text, unsigned char out[32])
{
	assert_non_null(
		HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, strlen(text), out, NULL));
}

/* RFC 5802 3, the client's side. */
static void write_final(const char *password, const char *server_first, struct buf *out)
{
	unsigned char salted[32], key[32], stored[32], signature[32];
	struct buf salt AUTO(buf_done), auth AUTO(buf_done);
	struct slice rest, nonce = slice_cut(slice_str(server_first), ',', &rest),
			   text = slice_cut(rest, ',', &rest);
	uint64_t count = 0;
	struct err err;

	buf_init(&salt, 64);
	buf_init(&auth, 4096);
	assert_int_equal(base64_decode(&salt, slice_from(text, 2), &err), 0);
	assert_true(slice_to_u64(slice_from(rest, 2), 1000000, &count));
	buf_printf(out, "c=biws,%.*s", SLICE_ARG(nonce));
	buf_printf(&auth, "n=ada,r=abc,%s,%.*s", server_first, SLICE_ARG(buf_slice(out)));
	buf_byte(&auth, '\0');
	PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (unsigned char *)salt.ptr, (int)salt.len,
		(int)count, EVP_sha256(), 32, salted);
	hmac(salted, "Client Key", key);
	sha256((struct slice){(const char *)key, 32}, stored);
	hmac(stored, auth.ptr, signature);
	for (size_t i = 0; i < 32; i++)
		key[i] ^= signature[i];
	buf_lit(out, ",p=");
	base64_encode(out, (struct slice){(const char *)key, 32});
}

static int scram(
	struct kit *kit, uint64_t account, const char *password, struct keeper_scram_reply *out)
{
	struct kit_ask q = {
		.ask = do_scram_begin, .a = account, .s = {slice_lit("n,,n=ada,r=abc")}};
	struct buf final AUTO(buf_done);
	int rc = ask_struct(kit, &q, out, sizeof(*out));

	buf_init(&final, 1024);
	if (rc < 0)
		return rc;
	out->message[out->message_len] = '\0';
	write_final(password, out->message, &final);
	q = (struct kit_ask){.ask = do_scram_end, .a = out->exchange, .s = {buf_slice(&final)}};
	rc = ask_struct(kit, &q, out, sizeof(*out));
	if (rc == 0) /* an exchange is for one answer */
		assert_int_equal(ask_struct(kit, &q, NULL, 0), -ERR_DENIED);
	return rc;
}

static void test_scram(void **state)
{
	struct keeper_config config = cheap;
	struct keeper_scram_reply reply, nobody, again;
	struct keeper_entry e;
	char app[KEEPER_SECRET_MAX], second[KEEPER_SECRET_MAX];
	struct keeper_web w;
	struct kit kit;

	(void)state;
	kit_start(&kit, &config);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_IMAP, false, app), 0);
	assert_int_equal(kit_app_add(&kit, w.cookie, SCOPE_SMTP, false, second), 0);
	assert_int_equal(scram(&kit, 5, app, &reply), 0);
	assert_true(reply.entry.account == 5 && reply.entry.scopes == SCOPE_IMAP &&
		    reply.entry.credential);
	assert_int_equal(kit_enter(&kit, 5, app, SCOPE_IMAP, HOME, &e), 0);
	assert_int_equal(e.credential, reply.entry.credential);
	assert_int_equal(scram(&kit, 5, second, &reply), -ERR_CONFLICT); /* not for IMAP */
	assert_int_equal(scram(&kit, 5, "wrong", &reply), -ERR_DENIED);
	/* The main password has no verifier without the setting. */
	assert_int_equal(scram(&kit, 5, FIRST, &reply), -ERR_DENIED);
	/* Nobody looks like somebody, and the same each time. */
	assert_int_equal(scram(&kit, 0, app, &nobody), -ERR_DENIED);
	assert_int_equal(scram(&kit, 0, app, &again), -ERR_DENIED);
	assert_string_equal(strstr(nobody.message, ",s="), strstr(again.message, ",s="));
	assert_int_equal(strlen(strstr(nobody.message, ",s=")), strlen(",s=,i=10000") + 24);
	kit_done(&kit);
}

static void test_scram_main(void **state)
{
	struct keeper_config config = cheap;
	struct keeper_scram_reply reply;
	struct keeper_web w;
	struct kit kit;

	(void)state;
	config.scram_main = true;
	kit_start(&kit, &config);
	fixture_set(5, FIRST, false);
	assert_int_equal(scram(&kit, 5, FIRST, &reply), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(scram(&kit, 5, FIRST, &reply), 0);
	assert_int_equal(reply.entry.credential, 0);
	assert_int_equal(kit_change_password(&kit, w.cookie, FIRST, SECOND), 0);
	assert_int_equal(scram(&kit, 5, FIRST, &reply), -ERR_DENIED);
	assert_int_equal(scram(&kit, 5, SECOND, &reply), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, SECOND, HOME, false, &w), 0);
	assert_int_equal(scram(&kit, 5, SECOND, &reply), 0);
	kit_done(&kit);
}

/* ---- tokens ---- */

#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static int enter_token(struct kit *kit, uint64_t account, const char *token, unsigned scope,
	struct keeper_entry *out)
{
	struct kit_ask q = {.ask = do_enter,
		.attempt = {.account = account,
			.secret = slice_str(token),
			.is_token = true,
			.scope = scope,
			.peer = slice_lit(HOME)}};

	return ask_struct(kit, &q, out, sizeof(*out));
}

static void test_tokens(void **state)
{
	struct keeper_tokens tokens, next;
	struct keeper_web w;
	struct keeper_entry e;
	struct keeper_list list;
	struct kit_ask q;
	char code[KEEPER_SECRET_MAX];
	struct kit kit;
	size_t session;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	q = (struct kit_ask){
		.ask = do_grant_code, .s = {slice_str(w.cookie), slice_lit(CHALLENGE)}};
	assert_int_equal(ask_text(&kit, &q, code, sizeof(code)), 0);
	q = (struct kit_ask){.ask = do_exchange, .s = {slice_str(code), slice_lit(VERIFIER)}};
	assert_int_equal(ask_struct(&kit, &q, &tokens, sizeof(tokens)), 0);
	assert_int_equal(enter_token(&kit, 0, tokens.access, SCOPE_IMAP, &e), 0);
	assert_true(e.account == 5 && e.scopes == SCOPE_IMAP);
	assert_int_equal(enter_token(&kit, 5, tokens.access, SCOPE_IMAP, &e), 0);
	assert_int_equal(enter_token(&kit, 6, tokens.access, SCOPE_IMAP, &e), -ERR_DENIED);
	assert_int_equal(enter_token(&kit, 5, tokens.access, SCOPE_SMTP, &e), -ERR_CONFLICT);
	assert_int_equal(enter_token(&kit, 5, tokens.refresh, SCOPE_IMAP, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 5, tokens.access, SCOPE_IMAP, HOME, NULL), -ERR_DENIED);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &session));
	q = (struct kit_ask){.ask = do_list_tokens, .s = {slice_str(w.cookie)}};
	assert_int_equal(ask_struct(&kit, &q, &list, sizeof(list)), 0);
	assert_int_equal(list.n, 1);
	q = (struct kit_ask){.ask = do_refresh, .s = {slice_str(tokens.refresh)}};
	assert_int_equal(ask_struct(&kit, &q, &next, sizeof(next)), 0);
	assert_true(kit_is_open(&kit, session));
	/* The old one again: whoever came in by the grant is put out. */
	assert_int_equal(ask_struct(&kit, &q, &next, sizeof(next)), -ERR_DENIED);
	assert_false(kit_is_open(&kit, session));
	assert_int_equal(enter_token(&kit, 5, next.access, SCOPE_IMAP, &e), -ERR_DENIED);
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
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	assert_int_equal(
		begin(&kit, w.cookie, FACTOR_SMS, "+43 1 2345678", codes, sizeof(codes)), 0);
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
		confirm(&kit, w.cookie, FACTOR_SMS, "nonsense", codes, sizeof(codes)), -ERR_DENIED);
	assert_int_equal(confirm(&kit, w.cookie, FACTOR_SMS, code, codes, sizeof(codes)), 0);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	q = (struct kit_ask){.ask = do_challenge, .n = FACTOR_SMS, .s = {slice_str(w.cookie)}};
	assert_int_equal(ask_text(&kit, &q, codes, sizeof(codes)), 0);
	assert_string_equal(codes, "678");
	assert_int_equal(kit_factor(&kit, w.cookie, FACTOR_SMS, code, &w), -ERR_DENIED);
	kit_done(&kit);
}

/* ---- the forgotten password ---- */

static int reset_end(struct kit *kit, const char *code, const char *password,
	enum keeper_factor factor, const char *data)
{
	struct kit_ask q = {.ask = do_reset_end,
		.n = factor,
		.s = {slice_str(code), slice_str(password), slice_str(data)}};

	return ask_struct(kit, &q, NULL, 0);
}

static void set_recovery(struct kit *kit, const char *cookie, const char *address)
{
	struct kit_ask q = {.ask = do_recovery_set, .s = {slice_str(cookie), slice_str(address)}};
	struct keeper_recovery_sent sent;

	assert_int_equal(ask_struct(kit, &q, &sent, sizeof(sent)), 0);
	q = (struct kit_ask){
		.ask = do_recovery_confirm, .s = {slice_str(cookie), slice_str(sent.confirm)}};
	assert_int_equal(ask_struct(kit, &q, NULL, 0), 0);
}

static void test_reset(void **state)
{
	struct kit_ask q = {.ask = do_reset_begin, .a = 5};
	struct keeper_settings settings;
	struct keeper_reset reset;
	struct keeper_web w, in;
	struct totp totp;
	char codes[1024];
	struct kit kit;

	(void)state;
	kit_start(&kit, &cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	set_recovery(&kit, w.cookie, "ada@elsewhere.example");
	add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
	q = (struct kit_ask){.ask = do_settings, .s = {slice_str(w.cookie)}};
	assert_int_equal(ask_struct(&kit, &q, &settings, sizeof(settings)), 0);
	assert_string_equal(settings.recovery_address, "ada@elsewhere.example");
	assert_true(settings.may_reset_by_mail && settings.recovery_codes == 10);
	q = (struct kit_ask){.ask = do_reset_begin, .a = 5};
	assert_int_equal(ask_struct(&kit, &q, &reset, sizeof(reset)), 0);
	assert_string_equal(reset.to, "ada@elsewhere.example");
	/* Who reads that mail has not the factor. */
	assert_int_equal(reset_end(&kit, reset.code, SECOND, 0, ""), -ERR_CONFLICT);
	assert_int_equal(reset_end(&kit, reset.code, SECOND, FACTOR_TOTP, "000000"), -ERR_DENIED);
	assert_int_equal(
		reset_end(&kit, reset.code, "short", FACTOR_TOTP, code_at(&totp, 0)), -ERR_SYNTAX);
	assert_int_equal(reset_end(&kit, "phl-0000-0000-0000-0000-0000-0000-0000", SECOND, 0, ""),
		-ERR_DENIED);
	assert_int_equal(reset_end(&kit, reset.code, SECOND, FACTOR_TOTP, code_at(&totp, 0)), 0);
	assert_int_equal(kit_check(&kit, w.cookie, &in), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &in), -ERR_DENIED);
	assert_int_equal(kit_sign_in(&kit, 5, SECOND, HOME, false, &in), 0);
	assert_true(in.is_pending); /* the factor stands */
	assert_int_equal(
		reset_end(&kit, reset.code, FIRST, FACTOR_TOTP, code_at(&totp, 1)), -ERR_DENIED);
	kit_done(&kit);
}

/* ---- cases ---- */

struct staff {
	uint64_t account;
	struct totp totp;
	int64_t step;
};

/* An operator with TOTP. */
static void make_staff(struct kit *kit, struct staff *staff, uint64_t account)
{
	struct keeper_web w;
	char codes[1024];
	struct err err;

	*staff = (struct staff){.account = account};
	fixture_set(account, FIRST, false);
	assert_int_equal(keeper_set_role(FIXTURE_CLI, account, ROLE_OPERATOR, 0, &err), 0);
	assert_int_equal(kit_sign_in(kit, account, FIRST, HOME, false, &w), 0);
	add_totp(kit, w.cookie, &staff->totp, codes, sizeof(codes));
}

/* Their next code; there are two before time has to pass. */
static struct keeper_staff sign(struct staff *staff)
{
	return (struct keeper_staff){
		staff->account, slice_str(code_at(&staff->totp, staff->step++))};
}

static void test_case(void **state)
{
	struct staff one, two;
	struct keeper_staff s;
	struct keeper_case_step step;
	struct keeper_web w;
	struct kit_ask q;
	char codes[1024];
	struct totp totp;
	struct kit kit;
	struct err err;

	(void)state;
	kit_start(&kit, &cheap);
	make_staff(&kit, &one, 100);
	make_staff(&kit, &two, 101);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	set_recovery(&kit, w.cookie, "ada@elsewhere.example");
	add_totp(&kit, w.cookie, &totp, codes, sizeof(codes));
	/* Who is no operator, or has no factor. */
	s = (struct keeper_staff){5, slice_str(code_at(&totp, 0))};
	assert_int_equal(keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("me"), &step, &err),
		-ERR_DENIED);
	s = (struct keeper_staff){one.account, slice_lit("000000")};
	assert_int_equal(keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("x"), &step, &err),
		-ERR_DENIED);
	s = sign(&one);
	assert_int_equal(
		keeper_case_open(FIXTURE_CLI, &s, 5, true, slice_lit("telephoned"), &step, &err),
		0);
	assert_string_equal(step.recovery, "ada@elsewhere.example");
	assert_true(step.link[0] && step.row.account == 5);
	assert_int_equal(keeper_case_evidence(FIXTURE_CLI, &s, step.row.id, slice_lit("phone"),
				 slice_lit(""), &step, &err),
		-ERR_DENIED); /* the same code again */
	s = sign(&one);
	assert_int_equal(keeper_case_evidence(FIXTURE_CLI, &s, step.row.id, slice_lit("phone"),
				 slice_lit("called"), &step, &err),
		0);
	assert_int_equal(step.row.points, 30);
	s = sign(&two);
	assert_int_equal(
		keeper_case_approve(FIXTURE_CLI, &s, step.row.id, &step, &err), -ERR_CONFLICT);
	/* The link of the notice stops it. */
	s = sign(&two);
	assert_int_equal(
		keeper_case_close(FIXTURE_CLI, &s, step.row.id, true, slice_lit(""), &step, &err),
		-ERR_CONFLICT);
	q = (struct kit_ask){.ask = do_recovery_cancel, .s = {slice_lit("rubbish")}};
	assert_int_equal(ask_struct(&kit, &q, NULL, 0), -ERR_DENIED);
	kit_done(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_factor),
		cmocka_unit_test(test_passkey),
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_scram_main),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_text_message),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
