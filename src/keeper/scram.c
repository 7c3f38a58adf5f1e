/* scram.c - see scram.h for the contract. */
#include "keeper/scram.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"

enum { CBIND_MAX = SCRAM_MESSAGE_MAX + SCRAM_BINDING_MAX };

static void hmac(
	const unsigned char key[SCRAM_KEY_LEN], struct slice text, unsigned char out[SCRAM_KEY_LEN])
{
	const unsigned char *bytes = (const unsigned char *)(text.len ? text.ptr : "");
	const bool is_done = HMAC(EVP_sha256(), key, SCRAM_KEY_LEN, bytes, text.len, out, NULL);

	assert(is_done);
}

/* RFC 5802 3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
void scram_make_verifier(struct slice password, const unsigned char salt[SCRAM_SALT_LEN],
	unsigned iterations, struct scram_verifier *out)
{
	unsigned char salted[SCRAM_KEY_LEN], client_key[SCRAM_KEY_LEN];
	const bool is_done =
		PKCS5_PBKDF2_HMAC(password.len ? password.ptr : "", (int)password.len, salt,
			SCRAM_SALT_LEN, (int)iterations, EVP_sha256(), sizeof(salted), salted) == 1;

	assert(is_done);
	hmac(salted, slice_lit("Client Key"), client_key);
	sha256((struct slice){(const char *)client_key, sizeof(client_key)}, out->stored_key);
	hmac(salted, slice_lit("Server Key"), out->server_key);
	mem_wipe(salted, sizeof(salted));
	mem_wipe(client_key, sizeof(client_key));
}

/* ---- reading ---- */

/* Takes the attribute of that letter from the front of *rest; false: another stands there. */
static bool take_attribute(struct slice *rest, char letter, struct slice *value_out)
{
	struct slice after, one;

	if (rest->len < 2 || rest->ptr[0] != letter || rest->ptr[1] != '=')
		return false;
	one = slice_cut(*rest, ',', &after);
	*value_out = slice_from(one, 2);
	*rest = after;
	return value_out->len > 0;
}

/* attr-val of RFC 5802 7, each of which may be ignored. rest.ptr is NULL where no comma was. */
static bool are_extensions(struct slice rest)
{
	while (rest.ptr) {
		const struct slice one = slice_cut(rest, ',', &rest);
		const unsigned char l = one.len ? ascii_lower((unsigned char)one.ptr[0]) : 0;

		if (one.len < 3 || l < 'a' || l > 'z' || one.ptr[1] != '=')
			return false;
	}
	return true;
}

static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e || s.ptr[i] == ',')
			return false;
	}
	return s.len > 0;
}

static bool is_binding_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i], l = ascii_lower(c);

		if ((l < 'a' || l > 'z') && (c < '0' || c > '9') && c != '.' && c != '-')
			return false;
	}
	return s.len > 0;
}

/* gs2-cbind-flag "," [authzid] "," */
static int read_header(struct slice message, struct scram_first *out, struct err *err)
{
	struct slice rest, flag = slice_cut(message, ',', &rest), authzid;

	if (slice_eq(flag, slice_lit("y")))
		return err_set(err, ERR_DENIED, "channel binding is offered here");
	if (slice_starts(flag, slice_lit("p="))) {
		out->binding = slice_from(flag, 2);
		if (!is_binding_name(out->binding))
			return err_set(err, ERR_SYNTAX, "no name of a channel binding");
	} else if (!slice_eq(flag, slice_lit("n"))) {
		return err_set(err, ERR_SYNTAX, "not a SCRAM message");
	}
	if (!rest.ptr || slice_chr(rest, ',') == SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "a SCRAM message without an end of its header");
	authzid = slice_cut(rest, ',', &rest);
	if (authzid.len && !slice_starts(authzid, slice_lit("a=")))
		return err_set(err, ERR_SYNTAX, "an authorization identity begins with a=");
	out->authzid = slice_from(authzid, 2);
	out->bare = rest;
	out->header = slice_head(message, message.len - rest.len);
	return 0;
}

int scram_read_first(struct slice message, struct scram_first *out, struct err *err)
{
	struct scram_first first = {0};
	struct slice rest;
	int rc;

	if (message.len > SCRAM_MESSAGE_MAX)
		return err_set(err, ERR_TOOBIG, "the SCRAM message is too long");
	rc = read_header(message, &first, err);
	if (rc < 0)
		return rc;
	rest = first.bare;
	if (slice_starts(rest, slice_lit("m=")))
		return err_set(err, ERR_DENIED, "an extension that is not known here");
	if (!take_attribute(&rest, 'n', &first.name) || !take_attribute(&rest, 'r', &first.nonce) ||
		!is_printable(first.nonce) || !are_extensions(rest) ||
		first.nonce.len > SCRAM_NONCE_MAX)
		return err_set(err, ERR_SYNTAX, "not a first message of SCRAM");
	*out = first;
	return 0;
}

void scram_write_first(const struct scram_first *first, struct slice nonce,
	const unsigned char salt[SCRAM_SALT_LEN], struct buf *out)
{
	buf_lit(out, "r=");
	buf_append(out, first->nonce);
	buf_append(out, nonce);
	buf_lit(out, ",s=");
	base64_encode(out, (struct slice){(const char *)salt, SCRAM_SALT_LEN});
	buf_printf(out, ",i=%d", SCRAM_ITERATIONS);
}

/* ---- the proof ---- */

struct final {
	struct slice binding, nonce; /* c= still in base64 */
	struct slice without_proof;
	unsigned char proof[SCRAM_KEY_LEN];
};

static int decode_proof(struct slice text, unsigned char out[SCRAM_KEY_LEN], struct err *err)
{
	struct buf proof AUTO(buf_done);
	int rc;

	buf_init(&proof, SCRAM_MESSAGE_MAX);
	rc = base64_decode(&proof, text, err);
	if (rc == 0 && proof.len != SCRAM_KEY_LEN)
		rc = err_set(err, ERR_SYNTAX, "a proof of %zu bytes", proof.len);
	if (rc == 0)
		memcpy(out, proof.ptr, SCRAM_KEY_LEN);
	return rc;
}

static int read_final(struct slice message, struct final *out, struct err *err)
{
	const size_t comma = slice_rchr(message, ',');
	struct slice rest, proof = {0};

	if (message.len > CBIND_MAX * 2)
		return err_set(err, ERR_TOOBIG, "the SCRAM message is too long");
	if (comma == SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "not a final message of SCRAM");
	out->without_proof = slice_head(message, comma);
	proof = slice_from(message, comma + 1);
	rest = out->without_proof;
	if (!take_attribute(&rest, 'c', &out->binding) ||
		!take_attribute(&rest, 'r', &out->nonce) || !are_extensions(rest) ||
		!slice_starts(proof, slice_lit("p=")))
		return err_set(err, ERR_SYNTAX, "not a final message of SCRAM");
	return decode_proof(slice_from(proof, 2), out->proof, err);
}

/* RFC 5802 6: what the client was bound to is built again and compared; and the nonces. */
static int check_frame(const struct scram_exchange *exchange, const struct scram_first *first,
	const struct final *final, struct err *err)
{
	struct buf input AUTO(buf_done), text AUTO(buf_done);
	struct slice rest = exchange->server_first, nonce;

	buf_init(&input, CBIND_MAX);
	buf_init(&text, 2 * CBIND_MAX);
	buf_append(&input, first->header);
	if (first->binding.len)
		buf_append(&input, exchange->binding);
	base64_encode(&text, buf_slice(&input));
	if (first->binding.len && exchange->binding.len == 0)
		return err_set(err, ERR_DENIED, "this connection has no such channel binding");
	if (!slice_eq(buf_slice(&text), final->binding))
		return err_set(err, ERR_DENIED, "the channel is not the one that was meant");
	if (!take_attribute(&rest, 'r', &nonce) || !slice_eq(nonce, final->nonce))
		return err_set(err, ERR_DENIED, "not the nonce of this exchange");
	return 0;
}

/* RFC 5802 3: ClientKey := ClientProof XOR ClientSignature; H(ClientKey) must be StoredKey. */
static bool fits(const struct scram_verifier *verifier, struct slice auth_message,
	const unsigned char proof[SCRAM_KEY_LEN])
{
	unsigned char key[SCRAM_KEY_LEN], hash[SHA256_LEN];
	bool is_same;

	hmac(verifier->stored_key, auth_message, key);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] ^= proof[i];
	sha256((struct slice){(const char *)key, sizeof(key)}, hash);
	is_same = sodium_memcmp(hash, verifier->stored_key, sizeof(hash)) == 0;
	mem_wipe(key, sizeof(key));
	return is_same;
}

int scram_check(const struct scram_exchange *exchange, struct slice client_final,
	const struct scram_verifier *verifiers, size_t n, size_t *which_out, struct buf *out,
	struct err *err)
{
	struct buf auth AUTO(buf_done);
	unsigned char signature[SCRAM_KEY_LEN];
	struct scram_first first;
	struct final final;
	size_t which = n;
	int rc;

	buf_init(&auth, 4 * CBIND_MAX);
	rc = scram_read_first(exchange->client_first, &first, err);
	if (rc == 0)
		rc = read_final(client_final, &final, err);
	if (rc == 0)
		rc = check_frame(exchange, &first, &final, err);
	if (rc < 0)
		return rc;
	buf_append(&auth, first.bare);
	buf_byte(&auth, ',');
	buf_append(&auth, exchange->server_first);
	buf_byte(&auth, ',');
	buf_append(&auth, final.without_proof);
	for (size_t i = 0; i < n; i++) {
		if (fits(&verifiers[i], buf_slice(&auth), final.proof))
			which = i;
	}
	if (which == n)
		return err_set(err, ERR_DENIED, "wrong password");
	hmac(verifiers[which].server_key, buf_slice(&auth), signature);
	buf_lit(out, "v=");
	base64_encode(out, (struct slice){(const char *)signature, sizeof(signature)});
	*which_out = which;
	return buf_check(out, "a SCRAM message", err);
}
