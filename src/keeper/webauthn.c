/* webauthn.c - see webauthn.h for the contract. */
#include "keeper/webauthn.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/encode.h"
#include "keeper/cbor.h"

enum {
	FLAG_PRESENT = 1,
	FLAG_VERIFIED = 4,
	FLAG_ATTESTED = 64,
	FLAGS_AT = SHA256_LEN,
	COUNT_AT = FLAGS_AT + 1,
	HEAD_LEN = COUNT_AT + 4,
	AAGUID_LEN = 16,
	ATTESTED_HEAD = HEAD_LEN + AAGUID_LEN + 2,
	CLIENT_DATA_MAX = 4096,
};

/* In the order we like them. */
static const int algorithms[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};
enum { ALGORITHMS_N = sizeof(algorithms) / sizeof(algorithms[0]) };

static void json_auto(json_t **json)
{
	json_decref(*json);
}

static void cred_auto(fido_cred_t **cred)
{
	fido_cred_free(cred);
}

static void assert_auto(fido_assert_t **assertion)
{
	fido_assert_free(assertion);
}

static const unsigned char *bytes_of(struct slice s)
{
	return (const unsigned char *)(s.len ? s.ptr : "");
}

/* ---- options ---- */

static json_t *json_base64(struct slice bytes)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 2 * WEBAUTHN_ID_MAX);
	base64url_encode(&text, bytes);
	return json_stringn(text.ptr ? text.ptr : "", text.len);
}

static json_t *json_slice(struct slice s)
{
	return json_stringn(s.len ? s.ptr : "", s.len);
}

static json_t *json_ids(const struct slice *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:o}", "type", "public-key", "id", json_base64(ids[i])));
	return list;
}

static void put_json(json_t *json, struct buf *out)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (!text)
		abort(); /* all of it is ours: only without memory */
	buf_str(out, text);
	free(text);
	json_decref(json);
}

void webauthn_write_creation(const struct webauthn_party *party, const struct webauthn_user *user,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct buf *out)
{
	const struct slice handle = {(const char *)user->handle, WEBAUTHN_USER_LEN};
	json_t *parameters = json_array();

	for (size_t i = 0; i < ALGORITHMS_N; i++)
		json_array_append_new(parameters,
			json_pack("{s:s, s:i}", "type", "public-key", "alg", algorithms[i]));
	put_json(json_pack("{s:{s:o, s:o}, s:{s:o, s:o, s:o}, s:o, s:o, s:i, s:o, s:{s:s, s:s}, "
			   "s:s}",
			 "rp", "id", json_slice(party->id), "name", json_slice(party->name), "user",
			 "id", json_base64(handle), "name", json_slice(user->name), "displayName",
			 json_slice(user->name), "challenge",
			 json_base64(
				 (struct slice){(const char *)challenge, WEBAUTHN_CHALLENGE_LEN}),
			 "pubKeyCredParams", parameters, "timeout", WEBAUTHN_TIMEOUT_S * 1000,
			 "excludeCredentials", json_ids(user->ids, user->ids_n),
			 "authenticatorSelection", "residentKey", "preferred", "userVerification",
			 "preferred", "attestation", "none"),
		out);
}

void webauthn_write_request(const struct webauthn_party *party, const struct slice *ids,
	size_t ids_n, bool must_verify, const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN],
	struct buf *out)
{
	put_json(json_pack("{s:o, s:i, s:o, s:o, s:s}", "challenge",
			 json_base64(
				 (struct slice){(const char *)challenge, WEBAUTHN_CHALLENGE_LEN}),
			 "timeout", WEBAUTHN_TIMEOUT_S * 1000, "rpId", json_slice(party->id),
			 "allowCredentials", json_ids(ids, ids_n), "userVerification",
			 must_verify ? "required" : "discouraged"),
		out);
}

/* ---- what both answers have ---- */

static struct slice member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

static int load(struct slice text, size_t max, json_t **out, struct err *err)
{
	json_error_t why;

	if (text.len > max)
		return err_set(err, ERR_TOOBIG, "the authenticator's answer is too long");
	*out = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return err_set(err, ERR_SYNTAX, "the authenticator's answer is not a JSON object");
	}
	return 0;
}

/* A member in base64url, decoded into the arena. */
static int take_bytes(const json_t *object, const char *name, bool is_optional, struct arena *arena,
	struct slice *out, struct err *err)
{
	const struct slice text = member(object, name);
	struct buf bytes AUTO(buf_done);
	int rc;

	buf_init(&bytes, WEBAUTHN_JSON_MAX);
	if (text.len == 0 && is_optional)
		return 0;
	rc = base64url_decode(&bytes, text, err);
	if (rc == 0 && bytes.len == 0)
		rc = err_set(err, ERR_SYNTAX, "the authenticator's answer has no %s", name);
	if (rc == 0) {
		*out = arena_dup(arena, buf_slice(&bytes));
		if (!out->ptr)
			rc = err_set(err, ERR_TOOBIG, "the authenticator's answer is too long");
	}
	return rc;
}

static bool is_public_key(const json_t *answer)
{
	return slice_eq(member(answer, "type"), slice_lit("public-key"));
}

int webauthn_check_client_data(const struct webauthn_party *party, struct slice type,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct slice json, struct err *err)
{
	json_t *data AUTO(json_auto) = NULL;
	struct buf want AUTO(buf_done);
	struct slice got;
	bool is_ours = false;
	int rc;

	buf_init(&want, CLIENT_DATA_MAX);
	rc = load(json, CLIENT_DATA_MAX, &data, err);
	if (rc < 0)
		return rc;
	base64url_encode(&want, (struct slice){(const char *)challenge, WEBAUTHN_CHALLENGE_LEN});
	got = member(data, "challenge");
	if (!slice_eq(member(data, "type"), type))
		return err_set(err, ERR_DENIED, "the authenticator answered something else");
	if (got.len != want.len || sodium_memcmp(got.ptr, want.ptr, want.len) != 0)
		return err_set(err, ERR_DENIED, "the authenticator answered another challenge");
	got = member(data, "origin");
	for (size_t i = 0; i < party->origins_n; i++)
		is_ours = is_ours || slice_eq(got, party->origins[i]);
	if (!is_ours || json_is_true(json_object_get(data, "crossOrigin")))
		return err_set(err, ERR_DENIED, "the authenticator was asked by another site");
	return 0;
}

/* Relying party and flags of authenticator data (6.1). */
static int check_authenticator_data(
	const struct webauthn_party *party, struct slice data, unsigned flags, struct err *err)
{
	unsigned char hash[SHA256_LEN];

	if (data.len < HEAD_LEN)
		return err_set(err, ERR_SYNTAX, "the authenticator's data is cut short");
	sha256(party->id, hash);
	if (sodium_memcmp(data.ptr, hash, sizeof(hash)) != 0)
		return err_set(err, ERR_DENIED, "the authenticator's key is for another site");
	if ((data.ptr[FLAGS_AT] & flags) == flags)
		return 0;
	return err_set(err, ERR_DENIED, "%s",
		data.ptr[FLAGS_AT] & FLAG_PRESENT ? "the authenticator did not check who uses it"
						  : "the authenticator was not touched");
}

static uint32_t read_count(struct slice data)
{
	return be32_get((const unsigned char *)data.ptr + COUNT_AT);
}

/* ---- creation ---- */

struct attestation {
	struct slice format, statement, data;
};

static bool read_attestation(struct slice in, struct attestation *out)
{
	struct slice name, *parts[] = {&out->format, &out->statement, &out->data};
	struct cbor_head head;

	*out = (struct attestation){0};
	if (!cbor_take_head(&in, &head) || head.type != CBOR_MAP || head.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		bool is_good = cbor_take_string(&in, CBOR_TEXT, &name);

		if (is_good && slice_eq(name, slice_lit("fmt")))
			is_good = cbor_take_string(&in, CBOR_TEXT, &out->format);
		else if (is_good && slice_eq(name, slice_lit("authData")))
			is_good = cbor_take_string(&in, CBOR_BYTES, &out->data);
		else if (is_good && slice_eq(name, slice_lit("attStmt")))
			is_good = cbor_skip(&in, &out->statement);
		else
			return false;
		if (!is_good)
			return false;
	}
	for (size_t i = 0; i < 3; i++) {
		if (parts[i]->len == 0)
			return false;
	}
	return in.len == 0;
}

/* attestedCredentialData (6.5.1), and that what follows the id is CBOR to the last byte. */
static bool read_id(struct slice data, struct slice *id_out)
{
	const unsigned char *p = (const unsigned char *)data.ptr;
	struct slice rest, item;
	size_t n;

	if (data.len < ATTESTED_HEAD)
		return false;
	n = (size_t)p[ATTESTED_HEAD - 2] << 8 | p[ATTESTED_HEAD - 1];
	rest = slice_from(data, ATTESTED_HEAD);
	if (n == 0 || n > WEBAUTHN_ID_MAX || n >= rest.len)
		return false;
	*id_out = slice_head(rest, n);
	rest = slice_from(rest, n);
	while (rest.len) {
		if (!cbor_skip(&rest, &item))
			return false;
	}
	return true;
}

/* "none" proves nothing and must not claim to; "packed" must be signed rightly. */
static int check_statement(fido_cred_t *cred, const struct attestation *att, struct err *err)
{
	const unsigned char empty_map[] = {0xa0};
	int rc;

	if (slice_eq(att->format, slice_lit("none"))) {
		if (att->statement.len != 1 || bytes_of(att->statement)[0] != empty_map[0])
			return err_set(
				err, ERR_SYNTAX, "an attestation that is none says something");
		return 0;
	}
	if (!slice_eq(att->format, slice_lit("packed")))
		return err_set(err, ERR_DENIED, "attestations of that kind are not taken here");
	rc = fido_cred_set_fmt(cred, "packed");
	if (rc == FIDO_OK)
		rc = fido_cred_set_attstmt(cred, bytes_of(att->statement), att->statement.len);
	if (rc == FIDO_OK)
		rc = fido_cred_x5c_ptr(cred) ? fido_cred_verify(cred) : fido_cred_verify_self(cred);
	if (rc != FIDO_OK)
		return err_set(err, ERR_DENIED, "the attestation's signature is wrong");
	return 0;
}

/* The credential with the one of our algorithms that its key has; NULL if it has none. */
static fido_cred_t *parse_credential(const struct webauthn_party *party, struct slice client_data,
	struct slice data, int *algorithm_out)
{
	char party_id[256] = "";

	if (party->id.len >= sizeof(party_id))
		return NULL;
	memcpy(party_id, bytes_of(party->id), party->id.len);
	for (size_t i = 0; i < ALGORITHMS_N; i++) {
		fido_cred_t *cred = fido_cred_new();

		if (!cred)
			abort();
		if (fido_cred_set_type(cred, algorithms[i]) == FIDO_OK &&
			fido_cred_set_rp(cred, party_id, NULL) == FIDO_OK &&
			fido_cred_set_clientdata(cred, bytes_of(client_data), client_data.len) ==
				FIDO_OK &&
			fido_cred_set_authdata_raw(cred, bytes_of(data), data.len) == FIDO_OK &&
			fido_cred_pubkey_len(cred) > 0) {
			*algorithm_out = algorithms[i];
			return cred;
		}
		fido_cred_free(&cred);
	}
	return NULL;
}

/* libfido2's form of a public key, checked: a point that is not on its curve is none. */
struct public_key {
	es256_pk_t *es256;
	eddsa_pk_t *eddsa;
	rs256_pk_t *rs256;
	const void *any; /* the one of them that is */
};

static void public_key_auto(struct public_key *pk)
{
	es256_pk_free(&pk->es256);
	eddsa_pk_free(&pk->eddsa);
	rs256_pk_free(&pk->rs256);
}

static bool read_key(int algorithm, const unsigned char *key, size_t n, struct public_key *out)
{
	int rc = FIDO_ERR_INVALID_ARGUMENT;

	if (algorithm == COSE_ES256 && (out->es256 = es256_pk_new())) {
		rc = es256_pk_from_ptr(out->es256, key, n);
		out->any = out->es256;
	} else if (algorithm == COSE_EDDSA && (out->eddsa = eddsa_pk_new())) {
		rc = eddsa_pk_from_ptr(out->eddsa, key, n);
		out->any = out->eddsa;
	} else if (algorithm == COSE_RS256 && (out->rs256 = rs256_pk_new())) {
		rc = rs256_pk_from_ptr(out->rs256, key, n);
		out->any = out->rs256;
	}
	return rc == FIDO_OK;
}

static int check_attestation(const struct webauthn_party *party, struct slice client_data,
	struct slice object, struct webauthn_credential *out, struct err *err)
{
	struct public_key pk AUTO(public_key_auto) = {0};
	struct webauthn_credential found = {0};
	fido_cred_t *cred AUTO(cred_auto) = NULL;
	struct attestation att;
	struct slice id = {0};
	int rc;

	if (!read_attestation(object, &att))
		return err_set(err, ERR_SYNTAX, "not an attestation object");
	rc = check_authenticator_data(party, att.data, FLAG_PRESENT | FLAG_ATTESTED, err);
	if (rc < 0)
		return rc;
	if (read_id(att.data, &id))
		cred = parse_credential(party, client_data, att.data, &found.algorithm);
	if (!cred || fido_cred_pubkey_len(cred) > sizeof(found.key) ||
		!read_key(found.algorithm, fido_cred_pubkey_ptr(cred), fido_cred_pubkey_len(cred),
			&pk))
		return err_set(err, ERR_DENIED, "the authenticator's key is of no kind known here");
	rc = check_statement(cred, &att, err);
	if (rc < 0)
		return rc;
	found.count = read_count(att.data);
	found.id_len = id.len;
	memcpy(found.id, id.ptr, id.len);
	found.key_len = fido_cred_pubkey_len(cred);
	memcpy(found.key, fido_cred_pubkey_ptr(cred), found.key_len);
	*out = found;
	return 0;
}

int webauthn_check_creation(const struct webauthn_party *party,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct slice json,
	struct webauthn_credential *out, struct err *err)
{
	json_t *answer AUTO(json_auto) = NULL;
	struct arena arena AUTO(arena_done);
	struct slice client_data = {0}, object = {0};
	const json_t *response;
	int rc;

	arena_init(&arena, 2 * WEBAUTHN_JSON_MAX);
	rc = load(json, WEBAUTHN_JSON_MAX, &answer, err);
	if (rc < 0)
		return rc;
	response = json_object_get(answer, "response");
	if (!is_public_key(answer))
		return err_set(err, ERR_SYNTAX, "the authenticator made no public key");
	rc = take_bytes(response, "clientDataJSON", false, &arena, &client_data, err);
	if (rc == 0)
		rc = take_bytes(response, "attestationObject", false, &arena, &object, err);
	if (rc == 0)
		rc = webauthn_check_client_data(
			party, slice_lit("webauthn.create"), challenge, client_data, err);
	return rc < 0 ? rc : check_attestation(party, client_data, object, out, err);
}

/* ---- assertion ---- */

int webauthn_read_assertion(
	struct slice json, struct arena *arena, struct webauthn_assertion *out, struct err *err)
{
	json_t *answer AUTO(json_auto) = NULL;
	struct webauthn_assertion found = {0};
	const json_t *response;
	int rc = load(json, WEBAUTHN_JSON_MAX, &answer, err);

	if (rc < 0)
		return rc;
	response = json_object_get(answer, "response");
	if (!is_public_key(answer))
		return err_set(err, ERR_SYNTAX, "the authenticator did not sign with a public key");
	rc = take_bytes(answer, "id", false, arena, &found.id, err);
	if (rc == 0)
		rc = take_bytes(response, "clientDataJSON", false, arena, &found.client_data, err);
	if (rc == 0)
		rc = take_bytes(response, "authenticatorData", false, arena,
			&found.authenticator_data, err);
	if (rc == 0)
		rc = take_bytes(response, "signature", false, arena, &found.signature, err);
	if (rc == 0)
		rc = take_bytes(response, "userHandle", true, arena, &found.user, err);
	if (rc == 0)
		*out = found;
	return rc;
}

int webauthn_read_challenge(
	struct slice json, unsigned char out[WEBAUTHN_CHALLENGE_LEN], struct err *err)
{
	json_t *data AUTO(json_auto) = NULL;
	struct webauthn_assertion assertion;
	struct arena arena AUTO(arena_done);
	struct slice challenge = {0};
	int rc;

	arena_init(&arena, 2 * WEBAUTHN_JSON_MAX);
	rc = webauthn_read_assertion(json, &arena, &assertion, err);
	if (rc == 0)
		rc = load(assertion.client_data, CLIENT_DATA_MAX, &data, err);
	if (rc == 0)
		rc = take_bytes(data, "challenge", false, &arena, &challenge, err);
	if (rc == 0 && challenge.len != WEBAUTHN_CHALLENGE_LEN)
		rc = err_set(err, ERR_SYNTAX, "a challenge of %zu bytes", challenge.len);
	if (rc == 0)
		memcpy(out, challenge.ptr, challenge.len);
	return rc;
}

static int check_signature(const struct webauthn_party *party, const struct webauthn_assertion *in,
	const struct webauthn_credential *credential, struct err *err)
{
	struct public_key pk AUTO(public_key_auto) = {0};
	fido_assert_t *a AUTO(assert_auto) = fido_assert_new();
	char party_id[256] = "";

	if (!a)
		abort();
	if (party->id.len >= sizeof(party_id) ||
		!read_key(credential->algorithm, credential->key, credential->key_len, &pk))
		return err_set(err, ERR_CORRUPT, "the key that is kept is none");
	memcpy(party_id, bytes_of(party->id), party->id.len);
	if (fido_assert_set_count(a, 1) != FIDO_OK || fido_assert_set_rp(a, party_id) != FIDO_OK ||
		fido_assert_set_clientdata(a, bytes_of(in->client_data), in->client_data.len) !=
			FIDO_OK ||
		fido_assert_set_authdata_raw(a, 0, bytes_of(in->authenticator_data),
			in->authenticator_data.len) != FIDO_OK ||
		fido_assert_set_sig(a, 0, bytes_of(in->signature), in->signature.len) != FIDO_OK)
		return err_set(err, ERR_SYNTAX, "the authenticator's answer makes no sense");
	if (fido_assert_verify(a, 0, credential->algorithm, pk.any) != FIDO_OK)
		return err_set(err, ERR_DENIED, "the authenticator's signature is wrong");
	return 0;
}

/* Extensions are CBOR to the last byte, or there are none. */
static bool is_whole(struct slice data)
{
	struct slice rest = slice_from(data, HEAD_LEN), item;

	return rest.len == 0 || (cbor_skip(&rest, &item) && rest.len == 0);
}

int webauthn_check_assertion(const struct webauthn_party *party,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN],
	const struct webauthn_assertion *assertion, const struct webauthn_credential *credential,
	bool must_verify, uint32_t *count_out, struct err *err)
{
	const struct slice id = {(const char *)credential->id, credential->id_len};
	const struct slice data = assertion->authenticator_data;
	uint32_t count;
	int rc;

	if (!slice_eq(assertion->id, id))
		return err_set(err, ERR_DENIED, "the authenticator answered with another key");
	rc = webauthn_check_client_data(
		party, slice_lit("webauthn.get"), challenge, assertion->client_data, err);
	if (rc == 0)
		rc = check_authenticator_data(
			party, data, FLAG_PRESENT | (must_verify ? FLAG_VERIFIED : 0), err);
	if (rc == 0 && !is_whole(data))
		rc = err_set(err, ERR_SYNTAX, "the authenticator's data is longer than it says");
	if (rc == 0)
		rc = check_signature(party, assertion, credential, err);
	if (rc < 0)
		return rc;
	/* 7.2 step 21; those that do not count say 0 always. */
	count = read_count(data);
	if ((count || credential->count) && count <= credential->count)
		return err_set(
			err, ERR_DENIED, "the authenticator's counter went back: is there a copy?");
	*count_out = count;
	return 0;
}
