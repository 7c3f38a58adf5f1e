/* grant_test.c - tokens for other programs: PKCE, rotation, reuse, devices, revocation. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "keeper/factor_kit.h"
#include "keeper/grant.h"

/* RFC 7636 appendix B. */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT "https://client.example/back"

static const struct slice program = {"thunderbird", 11};

static void make_code(struct factor_kit *w, char code[MINT_TEXT])
{
	struct err err;

	assert_int_equal(grant_code(w->factors, 7, program, slice_lit(REDIRECT), SCOPE_IMAP,
				 slice_lit(CHALLENGE), code, &err),
		0);
}

static int exchange_as(struct factor_kit *w, const char *client, const char *redirect,
	const char *code, const char *verifier, struct grant_result *out)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	uint64_t id;
	int rc = secrets_take_seq(db, &id, &err);

	if (rc == 0)
		rc = grant_exchange(w->factors, db, id, slice_str(client), slice_str(redirect),
			slice_str(code), slice_str(verifier), out, &err);
	return secrets_change_end(w->secrets, rc, &err);
}

static int exchange(struct factor_kit *w, const char *code, struct grant_result *out)
{
	return exchange_as(w, "thunderbird", REDIRECT, code, VERIFIER, out);
}

static int refresh(
	struct factor_kit *w, const char *client, const char *token, struct grant_result *out)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc = grant_refresh(w->factors, db, slice_str(client), slice_str(token), out, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int find(struct factor_kit *w, const char *token, struct grant_found *out)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc = grant_find(w->factors, db, slice_str(token), out, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static void test_code(void **state)
{
	struct factor_kit *w = *state;
	struct grant_result got, again;
	struct grant_found found;
	char code[MINT_TEXT];

	make_code(w, code);
	assert_int_equal(exchange(w, code, &got), 0);
	assert_int_equal(got.tokens.account, 7);
	assert_int_equal(got.tokens.scopes, SCOPE_IMAP);
	assert_int_equal(got.tokens.expires_in_s, GRANT_ACCESS_S);
	assert_int_equal(find(w, got.tokens.access, &found), 0);
	assert_int_equal(found.account, 7);
	assert_int_equal(found.scopes, SCOPE_IMAP);
	assert_int_equal(find(w, got.tokens.refresh, &found), -ERR_DENIED);
	/* Used again it ends what came of it: RFC 6749 4.1.2. */
	assert_int_equal(exchange(w, code, &again), 0);
	assert_int_equal(again.ended, found.id);
	assert_int_equal(again.ended_account, 7);
	assert_int_equal(again.tokens.access[0], '\0');
	assert_int_equal(find(w, got.tokens.access, &found), -ERR_DENIED);
	assert_int_equal(exchange(w, code, &again), -ERR_DENIED);
}

static void test_code_of_others(void **state)
{
	static const struct {
		const char *client, *redirect, *verifier;
	} rows[] = {
		{"other", REDIRECT, VERIFIER},
		{"thunderbird", "https://evil.example/", VERIFIER},
		{"thunderbird", "", VERIFIER},
		{"thunderbird", REDIRECT, ""},
		{"thunderbird", REDIRECT, CHALLENGE},
		{"thunderbird", REDIRECT, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"},
	};
	struct factor_kit *w = *state;
	struct grant_result got;
	char code[MINT_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_code(w, code);
		assert_int_equal(exchange_as(w, rows[i].client, rows[i].redirect, code,
					 rows[i].verifier, &got),
			-ERR_DENIED);
		/* Who guesses the rest has one try. */
		assert_int_equal(exchange(w, code, &got), -ERR_DENIED);
	}
	make_code(w, code);
	clock_shift(INT64_C(1000000) * (GRANT_CODE_S + 1));
	assert_int_equal(exchange(w, code, &got), -ERR_DENIED);
}

static void test_code_needs_pkce(void **state)
{
	static const char *const bad[] = {
		"", "short", CHALLENGE "x", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"};
	struct factor_kit *w = *state;
	char code[MINT_TEXT];
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(grant_code(w->factors, 7, program, slice_lit(REDIRECT), SCOPE_IMAP,
					 slice_str(bad[i]), code, &err),
			-ERR_SYNTAX);
}

static void test_rotation(void **state)
{
	struct factor_kit *w = *state;
	struct grant_result first, second, third;
	struct grant_found found;
	char code[MINT_TEXT];

	make_code(w, code);
	assert_int_equal(exchange(w, code, &first), 0);
	assert_int_equal(refresh(w, "other", first.tokens.refresh, &second), -ERR_DENIED);
	assert_int_equal(refresh(w, "thunderbird", first.tokens.access, &second), -ERR_DENIED);
	assert_int_equal(refresh(w, "thunderbird", first.tokens.refresh, &second), 0);
	assert_string_not_equal(first.tokens.refresh, second.tokens.refresh);
	assert_int_equal(find(w, first.tokens.access, &found), 0);
	assert_int_equal(find(w, second.tokens.access, &found), 0);
	assert_int_equal(refresh(w, "thunderbird", second.tokens.refresh, &third), 0);
	/* Somebody has the first one, too: everything of this grant ends. */
	assert_int_equal(refresh(w, "thunderbird", first.tokens.refresh, &second), 0);
	assert_int_equal(second.ended, found.id);
	assert_int_equal(find(w, third.tokens.access, &found), -ERR_DENIED);
	assert_int_equal(refresh(w, "thunderbird", third.tokens.refresh, &second), -ERR_DENIED);
}

static void test_age(void **state)
{
	struct factor_kit *w = *state;
	struct grant_result first, second;
	struct grant_found found;
	char code[MINT_TEXT];

	make_code(w, code);
	assert_int_equal(exchange(w, code, &first), 0);
	clock_shift(INT64_C(1000000) * (GRANT_ACCESS_S + 1));
	assert_int_equal(find(w, first.tokens.access, &found), -ERR_DENIED);
	assert_int_equal(refresh(w, "thunderbird", first.tokens.refresh, &second), 0);
	clock_shift(INT64_C(1000000) * (GRANT_REFRESH_S + 1));
	assert_int_equal(refresh(w, "thunderbird", second.tokens.refresh, &first), -ERR_DENIED);
}

struct rival {
	struct factor_kit *w;
	const char *token;
	struct grant_result result;
	int rc;
};

static void *use_token(void *context)
{
	struct rival *r = context;

	r->rc = refresh(r->w, "thunderbird", r->token, &r->result);
	return NULL;
}

/* Of two at once one gets tokens, and the other's use of the same token ends them. */
static void test_two_at_once(void **state)
{
	struct factor_kit *w = *state;
	struct grant_result first;
	struct grant_found found;
	struct rival rivals[2];
	pthread_t threads[2];
	char code[MINT_TEXT];

	make_code(w, code);
	assert_int_equal(exchange(w, code, &first), 0);
	for (int i = 0; i < 2; i++) {
		rivals[i] = (struct rival){.w = w, .token = first.tokens.refresh};
		assert_int_equal(pthread_create(&threads[i], NULL, use_token, &rivals[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal((rivals[0].result.ended != 0) + (rivals[1].result.ended != 0), 1);
	for (int i = 0; i < 2; i++) {
		if (rivals[i].result.tokens.access[0])
			assert_int_equal(
				find(w, rivals[i].result.tokens.access, &found), -ERR_DENIED);
	}
}

static void test_revocation(void **state)
{
	struct factor_kit *w = *state;

	for (int i = 0; i < 2; i++) {
		struct grant_result got, ended;
		struct grant_found found;
		char code[MINT_TEXT];
		struct err err;
		int rc;

		make_code(w, code);
		assert_int_equal(exchange(w, code, &got), 0);
		for (int k = 0; k < 2; k++) {
			rc = grant_revoke(w->factors, factor_kit_change(w),
				slice_str(i ? got.tokens.refresh : got.tokens.access), &ended,
				&err);
			assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
			assert_int_equal(ended.ended != 0, k == 0);
		}
		assert_int_equal(find(w, got.tokens.access, &found), -ERR_DENIED);
		rc = grant_revoke(
			w->factors, factor_kit_change(w), slice_lit("rubbish"), &ended, &err);
		assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	}
}

/* ---- devices ---- */

static int poll_device(struct factor_kit *w, const char *client, const char *code,
	struct grant_result *out, struct err *err)
{
	struct db *db = factor_kit_change(w);
	uint64_t id;
	int rc = secrets_take_seq(db, &id, err);

	if (rc == 0)
		rc = grant_device_poll(
			w->factors, db, id, slice_str(client), slice_str(code), out, err);
	return secrets_change_end(w->secrets, rc, err);
}

static void test_device(void **state)
{
	struct factor_kit *w = *state;
	struct buf client AUTO(buf_done);
	struct keeper_device device;
	struct grant_result got;
	struct grant_found found;
	unsigned scopes = 0;
	struct err err;

	buf_init(&client, 64);
	grant_device_begin(w->factors, program, SCOPE_IMAP, &device);
	assert_int_equal(strlen(device.user_code), 9);
	assert_int_equal(poll_device(w, "thunderbird", device.device_code, &got, &err), -ERR_BUSY);
	assert_string_equal(err.msg, "authorization_pending");
	assert_int_equal(poll_device(w, "thunderbird", device.device_code, &got, &err), -ERR_BUSY);
	assert_string_equal(err.msg, "slow_down");
	for (size_t i = 0; device.user_code[i]; i++)
		device.user_code[i] = (char)ascii_lower((unsigned char)device.user_code[i]);
	assert_int_equal(grant_device_find(w->factors, 7, slice_str(device.user_code), &client,
				 &scopes, &err),
		0);
	assert_true(slice_eq(buf_slice(&client), program));
	assert_int_equal(scopes, SCOPE_IMAP);
	assert_int_equal(
		grant_device_decide(w->factors, 7, slice_str(device.user_code), true, &err), 0);
	assert_int_equal(
		grant_device_decide(w->factors, 8, slice_str(device.user_code), true, &err),
		-ERR_NOTFOUND);
	assert_int_equal(poll_device(w, "thunderbird", device.device_code, &got, &err), 0);
	assert_int_equal(got.tokens.account, 7);
	assert_int_equal(find(w, got.tokens.access, &found), 0);
	assert_int_equal(
		poll_device(w, "thunderbird", device.device_code, &got, &err), -ERR_DENIED);
}

static void test_device_refused(void **state)
{
	struct factor_kit *w = *state;
	struct keeper_device device;
	struct grant_result got;
	struct err err;

	grant_device_begin(w->factors, program, SCOPE_IMAP, &device);
	assert_int_equal(
		grant_device_decide(w->factors, 7, slice_str(device.user_code), false, &err), 0);
	assert_int_equal(
		poll_device(w, "thunderbird", device.device_code, &got, &err), -ERR_DENIED);
	assert_string_equal(err.msg, "access_denied");
	grant_device_begin(w->factors, program, SCOPE_IMAP, &device);
	assert_int_equal(poll_device(w, "other", device.device_code, &got, &err), -ERR_DENIED);
	grant_device_begin(w->factors, program, SCOPE_IMAP, &device);
	clock_shift(INT64_C(1000000) * (GRANT_DEVICE_S + 1));
	assert_int_equal(
		poll_device(w, "thunderbird", device.device_code, &got, &err), -ERR_DENIED);
	assert_string_equal(err.msg, "expired_token");
}

static void test_device_guessing(void **state)
{
	struct factor_kit *w = *state;
	struct buf client AUTO(buf_done);
	struct keeper_device device;
	unsigned scopes;
	struct err err;

	buf_init(&client, 64);
	grant_device_begin(w->factors, program, SCOPE_IMAP, &device);
	for (int i = 0; i < FACTORS_WRONG_MAX; i++)
		assert_int_equal(grant_device_find(w->factors, 7, slice_lit("BBBB-BBBB"), &client,
					 &scopes, &err),
			-ERR_NOTFOUND);
	assert_int_equal(grant_device_find(w->factors, 7, slice_str(device.user_code), &client,
				 &scopes, &err),
		-ERR_BUSY);
	assert_int_equal(grant_device_find(w->factors, 8, slice_str(device.user_code), &client,
				 &scopes, &err),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_code, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_code_of_others, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_code_needs_pkce, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_rotation, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(test_age, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_two_at_once, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_revocation, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_device, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_device_refused, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_device_guessing, factor_kit_set_up, factor_kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
