/* program_test.c - how mail programs come in: SCRAM and tokens, asked as a server asks. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/encode.h"
#include "keeper/scram.h"
#include "keeper/second_kit.h"

ASK(do_grant_code, keeper_grant_code(call, q->s[0], slice_lit("client"),
			   slice_lit("https://c.example/"), SCOPE_IMAP, q->s[1]))
ASK(do_exchange, keeper_grant_exchange(call, slice_lit("client"), slice_lit("https://c.example/"),
			 q->s[0], q->s[1]))
ASK(do_refresh, keeper_grant_refresh(call, slice_lit("client"), q->s[0]))
ASK(do_list_tokens, keeper_list_tokens(call, q->s[0], 0))
ASK(do_enter, keeper_enter(call, &q->attempt))

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
	int rc = kit_ask_struct(kit, &q, out, sizeof(*out));

	buf_init(&final, 1024);
	if (rc < 0)
		return rc;
	out->message[out->message_len] = '\0';
	write_final(password, out->message, &final);
	q = (struct kit_ask){.ask = do_scram_end, .a = out->exchange, .s = {buf_slice(&final)}};
	rc = kit_ask_struct(kit, &q, out, sizeof(*out));
	if (rc == 0) /* an exchange is for one answer */
		assert_int_equal(kit_ask_struct(kit, &q, NULL, 0), -ERR_DENIED);
	return rc;
}

static void test_scram(void **state)
{
	struct keeper_config config = kit_cheap;
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
	struct keeper_config config = kit_cheap;
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
			.kind = SECRET_TOKEN,
			.scope = scope,
			.peer = slice_lit(HOME)}};

	return kit_ask_struct(kit, &q, out, sizeof(*out));
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
	kit_start(&kit, &kit_cheap);
	fixture_set(5, FIRST, false);
	assert_int_equal(kit_sign_in(&kit, 5, FIRST, HOME, false, &w), 0);
	q = (struct kit_ask){
		.ask = do_grant_code, .s = {slice_str(w.cookie), slice_lit(CHALLENGE)}};
	assert_int_equal(kit_ask_text(&kit, &q, code, sizeof(code)), 0);
	q = (struct kit_ask){.ask = do_exchange, .s = {slice_str(code), slice_lit(VERIFIER)}};
	assert_int_equal(kit_ask_struct(&kit, &q, &tokens, sizeof(tokens)), 0);
	assert_int_equal(enter_token(&kit, 0, tokens.access, SCOPE_IMAP, &e), 0);
	assert_true(e.account == 5 && e.scopes == SCOPE_IMAP);
	assert_int_equal(enter_token(&kit, 5, tokens.access, SCOPE_IMAP, &e), 0);
	assert_int_equal(enter_token(&kit, 6, tokens.access, SCOPE_IMAP, &e), -ERR_DENIED);
	assert_int_equal(enter_token(&kit, 5, tokens.access, SCOPE_SMTP, &e), -ERR_CONFLICT);
	assert_int_equal(enter_token(&kit, 5, tokens.refresh, SCOPE_IMAP, &e), -ERR_DENIED);
	assert_int_equal(kit_enter(&kit, 5, tokens.access, SCOPE_IMAP, HOME, NULL), -ERR_DENIED);
	assert_true(kit_register(&kit, &e, SCOPE_IMAP, &session));
	q = (struct kit_ask){.ask = do_list_tokens, .s = {slice_str(w.cookie)}};
	assert_int_equal(kit_ask_struct(&kit, &q, &list, sizeof(list)), 0);
	assert_int_equal(list.n, 1);
	q = (struct kit_ask){.ask = do_refresh, .s = {slice_str(tokens.refresh)}};
	assert_int_equal(kit_ask_struct(&kit, &q, &next, sizeof(next)), 0);
	assert_true(kit_is_open(&kit, session));
	/* The old one again: whoever came in by the grant is put out. */
	assert_int_equal(kit_ask_struct(&kit, &q, &next, sizeof(next)), -ERR_DENIED);
	assert_false(kit_is_open(&kit, session));
	assert_int_equal(enter_token(&kit, 5, next.access, SCOPE_IMAP, &e), -ERR_DENIED);
	kit_done(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_scram_main),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
