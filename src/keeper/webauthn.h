/*
 * webauthn.h - security keys and passkeys: the relying party of Web Authentication level 2.
 *
 * Options are made as the JSON that PublicKeyCredential.parse…OptionsFromJSON() takes, and answers
 * read as the JSON that credential.toJSON() gives. libfido2 checks attestations and signatures;
 * what it does not look at is checked here: the client data (type, challenge, origin), the relying
 * party, the flags, the counter.
 *
 * We ask for no attestation: who made an authenticator is nobody's business. "none" is taken, and
 * "packed" if its signature is right, whoever signed. Algorithms: ES256, EdDSA, RS256.
 *
 * Pure apart from libfido2's use of OpenSSL. Bounds: WEBAUTHN_JSON_MAX bytes of answer.
 */
#ifndef KEEPER_WEBAUTHN_H
#define KEEPER_WEBAUTHN_H

#include "base/buf.h"

enum {
	WEBAUTHN_CHALLENGE_LEN = 32,
	WEBAUTHN_USER_LEN = 16,
	WEBAUTHN_ID_MAX = 512,  /* bytes of a credential's id */
	WEBAUTHN_KEY_MAX = 640, /* of its public key */
	WEBAUTHN_JSON_MAX = 16384,
	WEBAUTHN_OPTIONS_MAX = 32768,
	WEBAUTHN_TIMEOUT_S = 300,
};

/* Who asks: one relying party, on the hosts that it has. */
struct webauthn_party {
	struct slice id;             /* a domain; every origin's host is it or below it */
	struct slice name;           /* for people */
	const struct slice *origins; /* "https://www.example.org" */
	size_t origins_n;
};

/* A credential as it is kept. */
struct webauthn_credential {
	unsigned char id[WEBAUTHN_ID_MAX], key[WEBAUTHN_KEY_MAX];
	size_t id_len, key_len;
	int algorithm; /* of COSE */
	uint32_t count;
};

/* Whose, and which of them are known already; ids point at bytes. */
struct webauthn_user {
	unsigned char handle[WEBAUTHN_USER_LEN];
	struct slice name;
	const struct slice *ids;
	size_t ids_n;
};

void webauthn_write_creation(const struct webauthn_party *party, const struct webauthn_user *user,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct buf *out);
/* webauthn_write_request - with no ids the browser offers the passkeys it has. must_verify: the
 * authenticator must know its user (PIN, finger), because no password was asked. */
void webauthn_write_request(const struct webauthn_party *party, const struct slice *ids,
	size_t ids_n, bool must_verify, const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN],
	struct buf *out);

/* webauthn_check_creation - the browser's answer to creation options (Web Authentication 7.1).
 * -ERR_SYNTAX, -ERR_TOOBIG, -ERR_DENIED. */
MUST_CHECK int webauthn_check_creation(const struct webauthn_party *party,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct slice json,
	struct webauthn_credential *out, struct err *err);

/* The browser's answer to request options; its parts live in the arena that read it. */
struct webauthn_assertion {
	struct slice id, client_data, authenticator_data, signature;
	struct slice user; /* empty if it does not say */
};
struct arena;
MUST_CHECK int webauthn_read_assertion(
	struct slice json, struct arena *arena, struct webauthn_assertion *out, struct err *err);
/* webauthn_read_challenge - which challenge an assertion claims to answer; checked by nothing. */
MUST_CHECK int webauthn_read_challenge(
	struct slice json, unsigned char out[WEBAUTHN_CHALLENGE_LEN], struct err *err);
/* webauthn_check_assertion - by this credential, which has the assertion's id? (7.2). The counter
 * to be kept is given out; one that does not grow is -ERR_DENIED, since the key may have a copy. */
MUST_CHECK int webauthn_check_assertion(const struct webauthn_party *party,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN],
	const struct webauthn_assertion *assertion, const struct webauthn_credential *credential,
	bool must_verify, uint32_t *count_out, struct err *err);

/* webauthn_check_client_data - bytes of clientDataJSON: type, challenge and origin (5.8.1). */
MUST_CHECK int webauthn_check_client_data(const struct webauthn_party *party, struct slice type,
	const unsigned char challenge[WEBAUTHN_CHALLENGE_LEN], struct slice json, struct err *err);

#endif
