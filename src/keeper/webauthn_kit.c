/* webauthn_kit.c - see webauthn_kit.h. */
#include "keeper/webauthn_kit.h"

#include <fido/param.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"

enum { KIT_MAX = 8192 };

void webauthn_kit_make(struct webauthn_kit *kit, int algorithm)
{
	*kit = (struct webauthn_kit){.algorithm = algorithm,
		.party = "example.org",
		.origin = "https://www.example.org"};
	random_bytes(kit->id, sizeof(kit->id));
	if (algorithm == COSE_ES256)
		kit->pkey = EVP_EC_gen("P-256");
	else if (algorithm == COSE_EDDSA)
		kit->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		kit->pkey = EVP_RSA_gen(2048);
	if (!kit->pkey)
		abort();
}

void webauthn_kit_done(struct webauthn_kit *kit)
{
	EVP_PKEY_free(kit->pkey);
}

static void put_bytes(struct buf *out, unsigned major, const void *bytes, size_t n)
{
	if (n < 24) {
		buf_byte(out, (char)(major << 5 | n));
	} else if (n < 256) {
		buf_byte(out, (char)(major << 5 | 24));
		buf_byte(out, (char)n);
	} else {
		buf_byte(out, (char)(major << 5 | 25));
		buf_byte(out, (char)(n >> 8));
		buf_byte(out, (char)n);
	}
	buf_append(out, (struct slice){bytes, n});
}

static void put_text(struct buf *out, const char *text)
{
	put_bytes(out, 3, text, strlen(text));
}

/* RFC 9053 7: the public key as COSE has it. */
static void put_cose(struct webauthn_kit *kit, struct buf *out)
{
	unsigned char raw[600], *at = raw;
	BIGNUM *n = NULL;
	size_t len = sizeof(raw);

	if (kit->algorithm == COSE_ES256) {
		if (EVP_PKEY_get_octet_string_param(
			    kit->pkey, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw), &len) != 1 ||
			len != 65)
			abort();
		buf_append(out, slice_lit("\xa5\x01\x02\x03\x26\x20\x01\x21"));
		put_bytes(out, 2, raw + 1, 32);
		buf_append(out, slice_lit("\x22"));
		put_bytes(out, 2, raw + 33, 32);
		return;
	}
	if (kit->algorithm == COSE_EDDSA) {
		if (EVP_PKEY_get_raw_public_key(kit->pkey, raw, &len) != 1)
			abort();
		buf_append(out, slice_lit("\xa4\x01\x01\x03\x27\x20\x06\x21"));
		put_bytes(out, 2, raw, len);
		return;
	}
	if (EVP_PKEY_get_bn_param(kit->pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1)
		abort();
	BN_bn2binpad(n, at, 256);
	BN_free(n);
	buf_append(out, slice_lit("\xa4\x01\x03\x03\x39\x01\x00\x20"));
	put_bytes(out, 2, raw, 256);
	buf_append(out, slice_lit("\x21\x43\x01\x00\x01"));
}

static void put_head(struct webauthn_kit *kit, bool is_attested, struct buf *out)
{
	unsigned char hash[SHA256_LEN], count[4];

	sha256(slice_str(kit->party), hash);
	be32_put(count, kit->count);
	buf_append(out, (struct slice){(const char *)hash, sizeof(hash)});
	buf_byte(out, (char)((kit->is_untouched ? 0 : 1) | (kit->is_unverified ? 0 : 4) |
			      (is_attested ? 64 : 0)));
	buf_append(out, (struct slice){(const char *)count, sizeof(count)});
}

static void put_client_data(
	const struct webauthn_kit *kit, const char *type, struct slice challenge, struct buf *out)
{
	buf_printf(out, "{\"type\":\"%s\",\"challenge\":\"", type);
	base64url_encode(out, challenge);
	buf_printf(out, "\",\"origin\":\"%s\",\"crossOrigin\":%s}", kit->origin,
		kit->is_cross_origin ? "true" : "false");
}

/* Over authenticator data and the hash of the client data. */
static void sign(
	struct webauthn_kit *kit, struct slice data, struct slice client_data, struct buf *out)
{
	const EVP_MD *md = kit->algorithm == COSE_EDDSA ? NULL : EVP_sha256();
	unsigned char hash[SHA256_LEN], signature[512];
	struct buf message AUTO(buf_done);
	size_t n = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	buf_init(&message, KIT_MAX);
	sha256(client_data, hash);
	buf_append(&message, data);
	buf_append(&message, (struct slice){(const char *)hash, sizeof(hash)});
	if (EVP_DigestSignInit(ctx, NULL, md, NULL, kit->pkey) != 1 ||
		EVP_DigestSign(
			ctx, signature, &n, (const unsigned char *)message.ptr, message.len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	buf_append(out, (struct slice){(const char *)signature, n});
}

static void put_member(struct buf *json, const char *name, struct slice bytes)
{
	buf_printf(json, "\"%s\":\"", name);
	base64url_encode(json, bytes);
	buf_lit(json, "\"");
}

static struct slice id_of(const struct webauthn_kit *kit)
{
	return (struct slice){(const char *)kit->id, sizeof(kit->id)};
}

static void put_statement(
	struct webauthn_kit *kit, struct slice data, struct slice client_data, struct buf *out)
{
	struct buf signature AUTO(buf_done);

	buf_init(&signature, KIT_MAX);
	if (!kit->is_packed) {
		buf_lit(out, "\xa0");
		return;
	}
	sign(kit, data, client_data, &signature);
	buf_lit(out, "\xa2");
	put_text(out, "alg");
	if (kit->algorithm == COSE_RS256)
		buf_append(out, slice_lit("\x39\x01\x00"));
	else
		buf_byte(out, (char)(0x20 - kit->algorithm - 1));
	put_text(out, "sig");
	put_bytes(out, 2, signature.ptr, signature.len);
}

void webauthn_kit_create(struct webauthn_kit *kit, struct slice challenge, struct buf *json)
{
	struct buf client AUTO(buf_done), data AUTO(buf_done), object AUTO(buf_done);

	buf_init(&client, KIT_MAX);
	buf_init(&data, KIT_MAX);
	buf_init(&object, KIT_MAX);
	put_client_data(kit, "webauthn.create", challenge, &client);
	put_head(kit, true, &data);
	buf_append(&data, slice_lit("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20"));
	buf_append(&data, id_of(kit));
	put_cose(kit, &data);
	buf_lit(&object, "\xa3");
	put_text(&object, "fmt");
	put_text(&object, kit->is_packed ? "packed" : "none");
	put_text(&object, "attStmt");
	put_statement(kit, buf_slice(&data), buf_slice(&client), &object);
	put_text(&object, "authData");
	put_bytes(&object, 2, data.ptr, data.len);
	buf_lit(json, "{\"type\":\"public-key\",");
	put_member(json, "id", id_of(kit));
	buf_lit(json, ",\"response\":{");
	put_member(json, "clientDataJSON", buf_slice(&client));
	buf_lit(json, ",");
	put_member(json, "attestationObject", buf_slice(&object));
	buf_lit(json, "}}");
}

void webauthn_kit_get(
	struct webauthn_kit *kit, struct slice challenge, struct slice user, struct buf *json)
{
	struct buf client AUTO(buf_done), data AUTO(buf_done), signature AUTO(buf_done);

	buf_init(&client, KIT_MAX);
	buf_init(&data, KIT_MAX);
	buf_init(&signature, KIT_MAX);
	put_client_data(kit, "webauthn.get", challenge, &client);
	put_head(kit, false, &data);
	sign(kit, buf_slice(&data), buf_slice(&client), &signature);
	buf_lit(json, "{\"type\":\"public-key\",");
	put_member(json, "id", id_of(kit));
	buf_lit(json, ",\"response\":{");
	put_member(json, "clientDataJSON", buf_slice(&client));
	buf_lit(json, ",");
	put_member(json, "authenticatorData", buf_slice(&data));
	buf_lit(json, ",");
	put_member(json, "signature", buf_slice(&signature));
	if (user.len) {
		buf_lit(json, ",");
		put_member(json, "userHandle", user);
	}
	buf_lit(json, "}}");
}
