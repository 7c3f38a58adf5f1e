/* factor_test.c - factors in the database: set up, given, replayed, given twice at once, removed.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fido/param.h>
#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "keeper/factor_kit.h"
#include "keeper/totp.h"
#include "keeper/webauthn_kit.h"

static const struct factor_who ada = {7, {"session 1", 9}, {0}}, bob = {8, {"session 2", 9}, {0}};

/* ---- the calls, each in a change of its own ---- */

static int confirm(struct factor_kit *w, const struct factor_who *who, enum keeper_factor kind,
	struct slice data, struct buf *codes)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	uint64_t id;
	int rc = secrets_take_seq(db, &id, &err);

	if (rc == 0)
		rc = factor_confirm(
			w->factors, db, who, id, kind, slice_lit("mine"), data, codes, &err);
	return secrets_change_end(w->secrets, rc, &err);
}

static int check(struct factor_kit *w, const struct factor_who *who, enum keeper_factor kind,
	struct slice data)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc = factor_check(w->factors, db, who, kind, data, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static int begin(struct factor_kit *w, const struct factor_who *who, enum keeper_factor kind,
	const char *data, struct buf *out)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc = factor_begin(w->factors, db, who, kind, slice_str(data),
		slice_lit("ada@example.org"), out, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static unsigned kinds_of(struct factor_kit *w, uint64_t account)
{
	struct db *db = factor_kit_change(w);
	unsigned kinds = 99;
	int64_t noted = 0;
	struct err err;
	int rc = factor_kinds(db, account, &kinds, &err);

	if (rc == 0)
		rc = db_get_int(db, &noted, &err, "SELECT factors FROM account WHERE id = ?",
			db_i((int64_t)account));
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	assert_int_equal(kinds, noted);
	return kinds;
}

/* ---- TOTP and recovery codes ---- */

static struct slice code_at(const struct totp *totp, int64_t off, char text[TOTP_DIGITS_MAX + 1])
{
	struct err err;

	assert_int_equal(totp_code(totp, clock_wall_s() + off * TOTP_STEP_S, text, &err), 0);
	return slice_str(text);
}

/* Gives the account TOTP with the code of the step before this one. */
static void add_totp(
	struct factor_kit *w, const struct factor_who *who, struct totp *totp, struct buf *codes)
{
	struct buf uri AUTO(buf_done);
	char text[TOTP_DIGITS_MAX + 1];
	struct slice label;
	struct err err;

	buf_init(&uri, TOTP_URI_MAX);
	assert_int_equal(begin(w, who, FACTOR_TOTP, "", &uri), 0);
	assert_int_equal(totp_read_uri(buf_slice(&uri), totp, &label, &err), 0);
	assert_int_equal(confirm(w, who, FACTOR_TOTP, slice_lit("000000"), codes), -ERR_DENIED);
	assert_int_equal(confirm(w, who, FACTOR_TOTP, code_at(totp, -1, text), codes), 0);
}

static void test_totp(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done);
	char text[TOTP_DIGITS_MAX + 1];
	struct totp totp;

	buf_init(&codes, FACTOR_CODES_TEXT);
	assert_int_equal(kinds_of(w, 7), 0);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, slice_lit("123456")), -ERR_DENIED);
	add_totp(w, &ada, &totp, &codes);
	assert_int_equal(kinds_of(w, 7), FACTOR_TOTP | FACTOR_RECOVERY);
	assert_int_equal(kinds_of(w, 8), 0);
	/* The code that confirmed it is used. */
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, -1, text)), -ERR_DENIED);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, 0, text)), 0);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, 0, text)), -ERR_DENIED);
	assert_int_equal(check(w, &bob, FACTOR_TOTP, code_at(&totp, 1, text)), -ERR_DENIED);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, 1, text)), 0);
	/* A confirmation cannot be repeated. */
	assert_int_equal(
		confirm(w, &ada, FACTOR_TOTP, code_at(&totp, 1, text), &codes), -ERR_CONFLICT);
}

static void test_recovery_codes(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done), more AUTO(buf_done);
	struct slice rest, first;
	struct totp totp;
	struct err err;
	unsigned left = 0;
	struct db *db;
	int rc;

	buf_init(&codes, FACTOR_CODES_TEXT);
	buf_init(&more, FACTOR_CODES_TEXT);
	add_totp(w, &ada, &totp, &codes);
	first = slice_cut(buf_slice(&codes), '\n', &rest);
	assert_int_equal(check(w, &bob, FACTOR_RECOVERY, first), -ERR_DENIED);
	assert_int_equal(check(w, &ada, FACTOR_RECOVERY, first), 0);
	assert_int_equal(check(w, &ada, FACTOR_RECOVERY, first), -ERR_DENIED);
	db = factor_kit_change(w);
	rc = factor_codes_left(db, 7, &left, &err);
	assert_int_equal(left, FACTOR_RECOVERY_CODES - 1);
	if (rc == 0)
		rc = factor_new_codes(w->factors, db, 7, &more, &err);
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	assert_int_equal(
		check(w, &ada, FACTOR_RECOVERY, slice_cut(rest, '\n', &rest)), -ERR_DENIED);
	while (more.len && (first = slice_cut(buf_slice(&more), '\n', &rest)).len) {
		assert_int_equal(check(w, &ada, FACTOR_RECOVERY, first), 0);
		buf_consume(&more, first.len + 1);
	}
	assert_int_equal(kinds_of(w, 7) & FACTOR_RECOVERY, 0);
}

/* Codes help nobody who has no factor, and go with the last one. */
static void test_last_factor(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done);
	struct totp totp;
	struct err err;
	int64_t id = 0;
	struct db *db;
	int rc;

	buf_init(&codes, FACTOR_CODES_TEXT);
	db = factor_kit_change(w);
	rc = factor_new_codes(w->factors, db, 7, &codes, &err);
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), -ERR_CONFLICT);
	add_totp(w, &ada, &totp, &codes);
	db = factor_kit_change(w);
	assert_int_equal(db_get_int(db, &id, &err, "SELECT id FROM factor"), 0);
	rc = factor_remove(db, 8, (uint64_t)id, &err);
	assert_int_equal(rc, -ERR_NOTFOUND);
	rc = factor_remove(db, 7, (uint64_t)id, &err);
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	assert_int_equal(kinds_of(w, 7), 0);
}

/* What stands in the file opens nothing without the keeper's secret, nor in another's account. */
static void test_sealed(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done);
	char text[TOTP_DIGITS_MAX + 1];
	struct totp totp;
	struct err err;
	int64_t n = 0;
	struct db *db;
	int rc;

	buf_init(&codes, FACTOR_CODES_TEXT);
	add_totp(w, &ada, &totp, &codes);
	db = factor_kit_change(w);
	rc = db_get_int(db, &n, &err, "SELECT count(*) FROM factor WHERE instr(secret, ?) > 0",
		db_b((struct slice){(const char *)totp.secret, totp.secret_len}));
	assert_int_equal(n, 0);
	if (rc == 0)
		rc = db_do(db, &err, "UPDATE factor SET account = 8");
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	assert_int_equal(check(w, &bob, FACTOR_TOTP, code_at(&totp, 0, text)), -ERR_CORRUPT);
}

struct rival {
	struct factor_kit *w;
	struct slice code;
	int rc;
};

static void *give_code(void *context)
{
	struct rival *r = context;

	r->rc = check(r->w, &ada, FACTOR_RECOVERY, r->code);
	return NULL;
}

static void test_two_at_once(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done);
	struct totp totp;
	struct slice rest;

	buf_init(&codes, FACTOR_CODES_TEXT);
	add_totp(w, &ada, &totp, &codes);
	rest = buf_slice(&codes);
	for (int i = 0; i < FACTOR_RECOVERY_CODES; i++) {
		struct rival rivals[2];
		pthread_t threads[2];

		rivals[0] = rivals[1] =
			(struct rival){w, slice_cut(rest, '\n', &rest), -ERR_CORRUPT};
		for (int k = 0; k < 2; k++)
			assert_int_equal(
				pthread_create(&threads[k], NULL, give_code, &rivals[k]), 0);
		for (int k = 0; k < 2; k++)
			pthread_join(threads[k], NULL);
		assert_int_equal((rivals[0].rc == 0) + (rivals[1].rc == 0), 1);
		assert_int_equal((rivals[0].rc == -ERR_DENIED) + (rivals[1].rc == -ERR_DENIED), 1);
	}
}

static void test_guessing(void **state)
{
	struct factor_kit *w = *state;
	struct buf codes AUTO(buf_done);
	char text[TOTP_DIGITS_MAX + 1];
	struct factor_who at_home = ada;
	struct totp totp;

	at_home.home = slice_lit("ada's network");
	buf_init(&codes, FACTOR_CODES_TEXT);
	add_totp(w, &ada, &totp, &codes);
	for (int i = 0; i < FACTORS_WRONG_MAX; i++)
		assert_int_equal(check(w, &ada, FACTOR_TOTP, slice_lit("000000")), -ERR_DENIED);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, 0, text)), -ERR_BUSY);
	assert_int_equal(check(w, &bob, FACTOR_TOTP, slice_lit("000000")), -ERR_DENIED);
	/* From where she always comes she is let in. */
	assert_int_equal(check(w, &at_home, FACTOR_TOTP, code_at(&totp, 0, text)), 0);
	clock_shift(INT64_C(61) * 60 * 1000000);
	assert_int_equal(check(w, &ada, FACTOR_TOTP, code_at(&totp, 0, text)), 0);
}

/* ---- security keys ---- */

/* The challenge in options that were made. */
static void read_challenge(const struct buf *options, struct buf *out)
{
	json_t *json = json_loadb(options->ptr, options->len, 0, NULL);
	struct err err;

	assert_non_null(json);
	assert_int_equal(
		base64url_decode(out,
			slice_str(json_string_value(json_object_get(json, "challenge"))), &err),
		0);
	json_decref(json);
}

static int add_key(struct factor_kit *w, const struct factor_who *who, struct webauthn_kit *kit)
{
	struct buf options AUTO(buf_done), challenge AUTO(buf_done), json AUTO(buf_done),
		codes AUTO(buf_done);

	buf_init(&options, WEBAUTHN_OPTIONS_MAX);
	buf_init(&challenge, 64);
	buf_init(&json, WEBAUTHN_JSON_MAX);
	buf_init(&codes, FACTOR_CODES_TEXT);
	assert_int_equal(begin(w, who, FACTOR_WEBAUTHN, "", &options), 0);
	read_challenge(&options, &challenge);
	webauthn_kit_create(kit, buf_slice(&challenge), &json);
	return confirm(w, who, FACTOR_WEBAUTHN, buf_slice(&json), &codes);
}

/* The key's answer to a new challenge for who. */
static void answer(struct factor_kit *w, const struct factor_who *who, struct webauthn_kit *kit,
	struct buf *json)
{
	struct buf options AUTO(buf_done), challenge AUTO(buf_done);
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc;

	buf_init(&options, WEBAUTHN_OPTIONS_MAX);
	buf_init(&challenge, 64);
	rc = factor_challenge(w->factors, db, who, FACTOR_WEBAUTHN, &options, &err);
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	read_challenge(&options, &challenge);
	webauthn_kit_get(kit, buf_slice(&challenge), (struct slice){0}, json);
}

static void test_security_key(void **state)
{
	struct factor_kit *w = *state;
	struct webauthn_kit kit AUTO(webauthn_kit_done), other AUTO(webauthn_kit_done);
	struct buf json AUTO(buf_done), again AUTO(buf_done);

	buf_init(&json, WEBAUTHN_JSON_MAX);
	buf_init(&again, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&kit, COSE_ES256);
	webauthn_kit_make(&other, COSE_EDDSA);
	assert_int_equal(add_key(w, &ada, &kit), 0);
	assert_int_equal(add_key(w, &bob, &kit), -ERR_EXISTS);
	assert_int_equal(add_key(w, &bob, &other), 0);
	assert_int_equal(kinds_of(w, 7), FACTOR_WEBAUTHN | FACTOR_RECOVERY);
	kit.count = 1;
	answer(w, &ada, &kit, &json);
	assert_int_equal(check(w, &ada, FACTOR_WEBAUTHN, buf_slice(&json)), 0);
	assert_int_equal(check(w, &ada, FACTOR_WEBAUTHN, buf_slice(&json)), -ERR_DENIED);
	/* An answer to another's challenge, and another's key to one's own. */
	kit.count = 2;
	answer(w, &bob, &kit, &again);
	assert_int_equal(check(w, &ada, FACTOR_WEBAUTHN, buf_slice(&again)), -ERR_DENIED);
	assert_int_equal(check(w, &bob, FACTOR_WEBAUTHN, buf_slice(&again)), -ERR_DENIED);
	buf_clear(&json);
	answer(w, &ada, &other, &json);
	assert_int_equal(check(w, &ada, FACTOR_WEBAUTHN, buf_slice(&json)), -ERR_DENIED);
}

static int sign_in(struct factor_kit *w, const char *visitor, struct slice json, uint64_t *account)
{
	struct db *db = factor_kit_change(w);
	struct err err;
	int rc = factor_passkey_check(w->factors, db, slice_str(visitor), json, account, &err);

	return secrets_change_end(w->secrets, rc, &err);
}

static void test_passkey(void **state)
{
	struct factor_kit *w = *state;
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct buf options AUTO(buf_done), challenge AUTO(buf_done), json AUTO(buf_done);
	uint64_t account = 0;

	buf_init(&options, WEBAUTHN_OPTIONS_MAX);
	buf_init(&challenge, 64);
	buf_init(&json, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&kit, COSE_ES256);
	assert_int_equal(add_key(w, &ada, &kit), 0);
	factor_passkey_challenge(w->factors, slice_lit("visitor"), &options);
	read_challenge(&options, &challenge);
	webauthn_kit_get(&kit, buf_slice(&challenge), slice_lit("somebody"), &json);
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), -ERR_DENIED);
	buf_clear(&json);
	kit.is_unverified = true;
	webauthn_kit_get(&kit, buf_slice(&challenge), (struct slice){0}, &json);
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), -ERR_DENIED);
	buf_clear(&json);
	kit.is_unverified = false;
	webauthn_kit_get(&kit, buf_slice(&challenge), (struct slice){0}, &json);
	assert_int_equal(sign_in(w, "another", buf_slice(&json), &account), -ERR_DENIED);
	assert_int_equal(account, 0);
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), 0);
	assert_int_equal(account, 7);
	/* This key does not count, so it is the challenge that is used up. */
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), -ERR_DENIED);
}

static void test_passkey_too_late(void **state)
{
	struct factor_kit *w = *state;
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct buf options AUTO(buf_done), challenge AUTO(buf_done), json AUTO(buf_done);
	uint64_t account = 0;

	buf_init(&options, WEBAUTHN_OPTIONS_MAX);
	buf_init(&challenge, 64);
	buf_init(&json, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&kit, COSE_RS256);
	assert_int_equal(add_key(w, &ada, &kit), 0);
	factor_passkey_challenge(w->factors, slice_lit("visitor"), &options);
	read_challenge(&options, &challenge);
	webauthn_kit_get(&kit, buf_slice(&challenge), (struct slice){0}, &json);
	clock_shift(INT64_C(1000000) * (WEBAUTHN_TIMEOUT_S + 1));
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), -ERR_DENIED);
	/* And one that we never made. */
	memset(challenge.ptr, 0xff, challenge.len);
	buf_clear(&json);
	webauthn_kit_get(&kit, buf_slice(&challenge), (struct slice){0}, &json);
	assert_int_equal(sign_in(w, "visitor", buf_slice(&json), &account), -ERR_DENIED);
}

/* ---- text messages ---- */

/* The code that the courier would be given; nobody polls here, so it lies in the queue. */
static void test_numbers(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {{"+43 (1) 234-5678", "+4312345678"}, {"+1.555.0100200", "+15550100200"},
		{"0043 1 2345678", NULL}, {"+0431234567", NULL}, {"+12345", NULL}, {"", NULL},
		{"+", NULL}, {"+1234567890123456", NULL}, {"+43123456x", NULL},
		{"++4312345678", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char number[SMS_NUMBER_MAX + 1] = "";
		struct err err;

		if (sms_read_number(slice_str(rows[i].text), number, &err) !=
			(rows[i].want ? 0 : -ERR_SYNTAX))
			fail_msg("<%s>", rows[i].text);
		if (rows[i].want)
			assert_string_equal(number, rows[i].want);
	}
}

static void test_text_messages_are_limited(void **state)
{
	struct factor_kit *w = *state;
	struct buf out AUTO(buf_done);

	buf_init(&out, 64);
	for (int i = 0; i < SMS_OF_ACCOUNT; i++)
		assert_int_equal(begin(w, &ada, FACTOR_SMS, "+4312345678", &out), 0);
	assert_int_equal(begin(w, &ada, FACTOR_SMS, "+4312345679", &out), -ERR_QUOTA);
	assert_int_equal(begin(w, &bob, FACTOR_SMS, "+4312345678", &out), -ERR_QUOTA);
	assert_int_equal(begin(w, &bob, FACTOR_SMS, "+4312345679", &out), 0);
	assert_int_equal(out.len, 0);
	/* Wrong codes end it, and the right one is not known here. */
	for (int i = 0; i < FACTOR_SMS_TRIES; i++)
		assert_int_equal(
			confirm(w, &bob, FACTOR_SMS, slice_lit("1234567"), &out), -ERR_DENIED);
	assert_int_equal(kinds_of(w, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_totp, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_recovery_codes, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_last_factor, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_sealed, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_two_at_once, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_guessing, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_security_key, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_passkey, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test_setup_teardown(
			test_passkey_too_late, factor_kit_set_up, factor_kit_tear_down),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test_setup_teardown(
			test_text_messages_are_limited, factor_kit_set_up, factor_kit_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
