/* webauthn_fuzz.c - libFuzzer target: a browser's answers, their client data and their CBOR. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/encode.h"
#include "keeper/cbor.h"
#include "keeper/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice origins[] = {{"https://www.example.org", 23}};
static const struct webauthn_party party = {{"example.org", 11}, {"Example", 7}, origins, 1};
static const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN];

/* The bytes as the attestation in an answer that is right up to it. */
static void try_attestation(struct slice bytes)
{
	struct webauthn_credential credential;
	struct buf client AUTO(buf_done), json AUTO(buf_done);
	struct err err;

	buf_init(&client, WEBAUTHN_JSON_MAX);
	buf_init(&json, 2 * WEBAUTHN_JSON_MAX);
	buf_lit(&client, "{\"type\":\"webauthn.create\",\"challenge\":\"");
	base64url_encode(&client, (struct slice){(const char *)challenge, WEBAUTHN_CHALLENGE_LEN});
	buf_lit(&client, "\",\"origin\":\"https://www.example.org\"}");
	buf_lit(&json,
		"{\"type\":\"public-key\",\"id\":\"QQ\",\"response\":{\"clientDataJSON\":\"");
	base64url_encode(&json, buf_slice(&client));
	buf_lit(&json, "\",\"attestationObject\":\"");
	base64url_encode(&json, bytes);
	buf_lit(&json, "\"}}");
	if (webauthn_check_creation(&party, challenge, buf_slice(&json), &credential, &err) == 0 &&
		(credential.id_len == 0 || credential.key_len == 0))
		abort();
}

static void try_answers(struct slice bytes)
{
	const struct webauthn_credential credential = {.algorithm = -7};
	struct webauthn_credential made;
	struct webauthn_assertion assertion;
	struct arena arena AUTO(arena_done);
	uint32_t count;
	struct err err;

	arena_init(&arena, WEBAUTHN_JSON_MAX);
	if (webauthn_check_creation(&party, challenge, bytes, &made, &err) == 0 && made.id_len == 0)
		abort();
	if (webauthn_read_assertion(bytes, &arena, &assertion, &err) == 0 &&
		webauthn_check_assertion(
			&party, challenge, &assertion, &credential, false, &count, &err) == 0)
		abort(); /* nobody has that key */
	if (webauthn_check_client_data(&party, slice_lit("webauthn.get"), challenge, bytes, &err) ==
			0 &&
		slice_find(bytes, slice_lit("example")) == SIZE_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice bytes = {(const char *)data, size};
	struct slice rest = bytes, item;

	if (cbor_skip(&rest, &item) && item.len + rest.len != size)
		abort();
	if (size && data[0] == '{')
		try_answers(bytes);
	else
		try_attestation(bytes);
	return 0;
}
