/* webauthn_test.c - an authenticator of our own creates keys and signs, rightly and wrongly. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fido/param.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "keeper/cbor.h"
#include "keeper/webauthn_kit.h"

static const struct slice origins[] = {
	{"https://www.example.org", 23}, {"https://m.example.org", 21}};
static const struct webauthn_party party = {{"example.org", 11}, {"Example", 7}, origins, 2};
static const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN] = "0123456789abcdef0123456789abcde";
static const unsigned char other_challenge[WEBAUTHN_CHALLENGE_LEN] = "other";

static struct slice challenge_slice(void)
{
	return (struct slice){(const char *)challenge, sizeof(challenge)};
}

static int create(struct webauthn_kit *kit, struct webauthn_credential *out, struct err *err)
{
	struct buf json AUTO(buf_done);

	buf_init(&json, WEBAUTHN_JSON_MAX);
	webauthn_kit_create(kit, challenge_slice(), &json);
	return webauthn_check_creation(&party, challenge, buf_slice(&json), out, err);
}

static int get(struct webauthn_kit *kit, const struct webauthn_credential *credential,
	bool must_verify, uint32_t *count_out, struct err *err)
{
	struct buf json AUTO(buf_done);
	struct arena arena AUTO(arena_done);
	struct webauthn_assertion assertion;
	int rc;

	buf_init(&json, WEBAUTHN_JSON_MAX);
	arena_init(&arena, WEBAUTHN_JSON_MAX);
	webauthn_kit_get(kit, challenge_slice(), slice_lit("somebody"), &json);
	rc = webauthn_read_assertion(buf_slice(&json), &arena, &assertion, err);
	if (rc < 0)
		return rc;
	assert_true(slice_eq(assertion.user, slice_lit("somebody")));
	return webauthn_check_assertion(
		&party, challenge, &assertion, credential, must_verify, count_out, err);
}

static void test_round(void **state)
{
	static const int algorithms[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct webauthn_kit kit AUTO(webauthn_kit_done), stranger AUTO(webauthn_kit_done);
		struct webauthn_credential credential = {0};
		uint32_t count = 0;
		struct err err;

		webauthn_kit_make(&kit, algorithms[i / 2]);
		webauthn_kit_make(&stranger, algorithms[i / 2]);
		kit.is_packed = i % 2;
		if (create(&kit, &credential, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		assert_int_equal(credential.algorithm, algorithms[i / 2]);
		assert_int_equal(credential.id_len, sizeof(kit.id));
		kit.count = 1;
		if (get(&kit, &credential, true, &count, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		assert_int_equal(count, 1);
		/* Another key with the same id. */
		memcpy(stranger.id, kit.id, sizeof(kit.id));
		stranger.count = 2;
		assert_int_equal(get(&stranger, &credential, true, &count, &err), -ERR_DENIED);
	}
}

static void test_counter(void **state)
{
	static const struct {
		uint32_t kept, said;
		int rc;
	} rows[] = {{0, 0, 0}, {0, 1, 0}, {5, 6, 0}, {5, 5, -ERR_DENIED}, {5, 4, -ERR_DENIED},
		{5, 0, -ERR_DENIED}};
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct webauthn_credential credential = {0};
	struct err err;

	(void)state;
	webauthn_kit_make(&kit, COSE_ES256);
	assert_int_equal(create(&kit, &credential, &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t count = 77;

		credential.count = rows[i].kept;
		kit.count = rows[i].said;
		assert_int_equal(get(&kit, &credential, false, &count, &err), rows[i].rc);
		assert_int_equal(count, rows[i].rc == 0 ? rows[i].said : 77);
	}
}

/* Who lies about what, when a key is made and when it signs. */
static void test_liars(void **state)
{
	static const struct {
		const char *party, *origin;
		bool is_cross_origin, is_untouched, is_unverified;
		int create, get;
	} rows[] = {
		{NULL, "https://m.example.org", false, false, false, 0, 0},
		{NULL, NULL, false, false, true, 0, -ERR_DENIED},
		{NULL, NULL, false, true, false, -ERR_DENIED, -ERR_DENIED},
		{NULL, NULL, true, false, false, -ERR_DENIED, -ERR_DENIED},
		{"example.net", NULL, false, false, false, -ERR_DENIED, -ERR_DENIED},
		{NULL, "https://evil.example.org", false, false, false, -ERR_DENIED, -ERR_DENIED},
		{NULL, "http://www.example.org", false, false, false, -ERR_DENIED, -ERR_DENIED},
		{NULL, "https://www.example.org:444", false, false, false, -ERR_DENIED,
			-ERR_DENIED},
		{NULL, "", false, false, false, -ERR_DENIED, -ERR_DENIED},
	};
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct webauthn_credential credential = {0}, ignored;
	uint32_t count;
	struct err err;

	(void)state;
	webauthn_kit_make(&kit, COSE_ES256);
	assert_int_equal(create(&kit, &credential, &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct webauthn_kit liar = kit;

		liar.party = rows[i].party ? rows[i].party : kit.party;
		liar.origin = rows[i].origin ? rows[i].origin : kit.origin;
		liar.is_cross_origin = rows[i].is_cross_origin;
		liar.is_untouched = rows[i].is_untouched;
		liar.is_unverified = rows[i].is_unverified;
		liar.count = 0;
		if (create(&liar, &ignored, &err) != rows[i].create)
			fail_msg("create %zu", i);
		if (get(&liar, &credential, true, &count, &err) != rows[i].get)
			fail_msg("get %zu: %s", i, err.msg);
	}
}

/* An answer is for one challenge, and for one purpose. */
static void test_challenge(void **state)
{
	struct buf made AUTO(buf_done), signed_json AUTO(buf_done);
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct arena arena AUTO(arena_done);
	struct webauthn_credential credential = {0}, untouched = {.count = 7};
	struct webauthn_assertion assertion;
	uint32_t count;
	struct err err;

	(void)state;
	buf_init(&made, WEBAUTHN_JSON_MAX);
	buf_init(&signed_json, WEBAUTHN_JSON_MAX);
	arena_init(&arena, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&kit, COSE_ES256);
	assert_int_equal(create(&kit, &credential, &err), 0);
	webauthn_kit_create(&kit, challenge_slice(), &made);
	webauthn_kit_get(&kit, challenge_slice(), (struct slice){0}, &signed_json);
	assert_int_equal(webauthn_check_creation(
				 &party, other_challenge, buf_slice(&made), &untouched, &err),
		-ERR_DENIED);
	assert_int_equal(untouched.count, 7);
	assert_int_equal(
		webauthn_read_assertion(buf_slice(&signed_json), &arena, &assertion, &err), 0);
	assert_int_equal(assertion.user.len, 0);
	assert_int_equal(webauthn_check_assertion(&party, other_challenge, &assertion, &credential,
				 false, &count, &err),
		-ERR_DENIED);
	assert_int_equal(webauthn_check_creation(
				 &party, challenge, buf_slice(&signed_json), &untouched, &err),
		-ERR_SYNTAX);
}

/* Each byte of the answer changed, and each prefix: nothing but base64's unused bits may pass. */
static void test_every_byte(void **state)
{
	struct buf json AUTO(buf_done);
	struct webauthn_kit kit AUTO(webauthn_kit_done);
	struct webauthn_credential credential = {0};
	uint32_t count = 9;
	struct err err;

	(void)state;
	buf_init(&json, WEBAUTHN_JSON_MAX);
	webauthn_kit_make(&kit, COSE_ES256);
	assert_int_equal(create(&kit, &credential, &err), 0);
	webauthn_kit_get(&kit, challenge_slice(), (struct slice){0}, &json);
	for (size_t i = 0; i < json.len; i++) {
		struct arena arena AUTO(arena_done);
		struct webauthn_assertion assertion;
		char *copy = malloc(json.len);
		int rc;

		arena_init(&arena, WEBAUTHN_JSON_MAX);
		memcpy(copy, json.ptr, json.len);
		copy[i] = (char)(copy[i] ^ 1);
		rc = webauthn_read_assertion(
			(struct slice){copy, json.len}, &arena, &assertion, &err);
		if (rc == 0)
			rc = webauthn_check_assertion(
				&party, challenge, &assertion, &credential, false, &count, &err);
		if (rc == 0)
			fail_msg("byte %zu of %.*s", i, SLICE_ARG(buf_slice(&json)));
		free(copy);
		copy = malloc(i + 1);
		memcpy(copy, json.ptr, i);
		assert_true(webauthn_read_assertion(
				    (struct slice){copy, i}, &arena, &assertion, &err) < 0);
		free(copy);
	}
	assert_int_equal(count, 9);
}

static void test_options(void **state)
{
	const struct slice ids[] = {slice_lit("one"), slice_lit("two")};
	const struct webauthn_user user = {{1}, slice_lit("a\"b@example.org"), ids, 2};
	struct buf out AUTO(buf_done);
	json_t *json;

	(void)state;
	buf_init(&out, WEBAUTHN_OPTIONS_MAX);
	webauthn_write_creation(&party, &user, challenge, &out);
	json = json_loadb(out.ptr, out.len, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json_object_get(json, "rp"), "id")),
		"example.org");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "user"), "name")),
		"a\"b@example.org");
	assert_int_equal(json_array_size(json_object_get(json, "excludeCredentials")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "pubKeyCredParams")), 3);
	json_decref(json);
	buf_clear(&out);
	webauthn_write_request(&party, NULL, 0, true, challenge, &out);
	json = json_loadb(out.ptr, out.len, 0, NULL);
	assert_non_null(json);
	assert_string_equal(
		json_string_value(json_object_get(json, "userVerification")), "required");
	assert_string_equal(json_string_value(json_object_get(json, "challenge")),
		"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQA");
	json_decref(json);
}

static void test_cbor(void **state)
{
	static const struct {
		struct slice in;
		bool is_item;
	} rows[] = {
		{{"\x00", 1}, true},
		{{"\x18\x18", 2}, true},
		{{"\x1b\0\0\0\0\0\0\0\1", 9}, true},
		{{"\x43"
		  "abc",
			 4},
			true},
		{{"\x82\x01\x82\x02\x03", 5}, true},
		{{"\xa1\x01\x61x", 4}, true},
		{{"\xc1\x01", 2}, true},
		{{"\xf5", 1}, true},
		{{"\x81\x81\x81\x81\x81\x81\x81\x01", 8}, true},
		{{"", 0}, false},
		{{"\x18", 1}, false},
		{{"\x1c", 1}, false},
		{{"\x5f\x41z\xff", 4}, false}, /* of indefinite length */
		{{"\x44"
		  "abc",
			 4},
			false},
		{{"\x82\x01", 2}, false},
		{{"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, false},
		{{"\xbb\x80\0\0\0\0\0\0\0\x01\x01", 11}, false}, /* twice as many overflow */
		{{"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, false},
		{{"\x81\x81\x81\x81\x81\x81\x81\x81\x01", 9}, false}, /* too deep */
		{{"\xc1", 1}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice rest = rows[i].in, item;

		if (cbor_skip(&rest, &item) != rows[i].is_item)
			fail_msg("row %zu", i);
		assert_int_equal(rest.len, rows[i].is_item ? 0 : rows[i].in.len);
		if (rows[i].is_item)
			assert_true(slice_eq(item, rows[i].in));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_liars),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_cbor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
