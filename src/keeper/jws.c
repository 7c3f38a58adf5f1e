/* jws.c - see jws.h for the contract. */
#include "keeper/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/encode.h"

enum {
	COORDINATE = 32,
	HEADER_MAX = 4096,
	SIGNATURE_MAX = 128,
	MAC_LEN = 32,
	WHOLE_MAX = 128 << 10,
};

static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\\')
			return false;
	}
	return text.len <= JWS_TEXT_MAX;
}

static bool put_coordinate(EVP_PKEY *key, const char *which, struct buf *out)
{
	unsigned char bytes[COORDINATE];
	BIGNUM *n = NULL;
	const bool ok = EVP_PKEY_get_bn_param(key, which, &n) == 1 &&
			BN_bn2binpad(n, bytes, sizeof(bytes)) == (int)sizeof(bytes);

	BN_free(n);
	if (ok)
		base64url_encode(out, (struct slice){(char *)bytes, sizeof(bytes)});
	return ok;
}

/* RFC 7638 3: members in order, no white space. That is a good form for headers, too. */
static int put_public(EVP_PKEY *key, struct buf *out, struct err *err)
{
	bool ok;

	buf_lit(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	ok = put_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, out);
	buf_lit(out, "\",\"y\":\"");
	ok = ok && put_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, out);
	buf_lit(out, "\"}");
	return ok ? 0 : err_set(err, ERR_DENIED, "not a key for requests");
}

static int put_header(
	EVP_PKEY *key, const struct jws_header *header, struct buf *out, struct err *err)
{
	int rc = 0;

	if (!is_plain(header->url) || !is_plain(header->nonce) || !is_plain(header->kid))
		return err_set(err, ERR_SYNTAX, "a URL or nonce that cannot be one");
	buf_lit(out, "{\"alg\":\"ES256\",");
	if (header->kid.len) {
		buf_printf(out, "\"kid\":\"%.*s\",", SLICE_ARG(header->kid));
	} else {
		buf_lit(out, "\"jwk\":");
		rc = put_public(key, out, err);
		buf_byte(out, ',');
	}
	if (header->nonce.len)
		buf_printf(out, "\"nonce\":\"%.*s\",", SLICE_ARG(header->nonce));
	buf_printf(out, "\"url\":\"%.*s\"}", SLICE_ARG(header->url));
	return rc;
}

/* RFC 7518 3.4: the two numbers, one after the other, each of full length. */
static int put_signature(EVP_PKEY *key, struct slice text, struct buf *out, struct err *err)
{
	unsigned char der[SIGNATURE_MAX], raw[2 * COORDINATE];
	const unsigned char *p = der;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = sizeof(der);
	ECDSA_SIG *sig = NULL;
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestSign(ctx, der, &n, (const unsigned char *)text.ptr, text.len) == 1 &&
		  (sig = d2i_ECDSA_SIG(NULL, &p, (long)n)) != NULL;

	ok = ok && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, COORDINATE) == COORDINATE &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + COORDINATE, COORDINATE) == COORDINATE;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!ok)
		return err_set(err, ERR_IO, "signing failed");
	base64url_encode(out, (struct slice){(char *)raw, sizeof(raw)});
	return 0;
}

/* "header.payload", both encoded: what is signed. */
static void put_text(struct slice header, struct slice payload, struct buf *out)
{
	base64url_encode(out, header);
	buf_byte(out, '.');
	base64url_encode(out, payload);
}

static void put_json(struct slice text, struct slice signature, struct buf *out)
{
	struct slice payload, header = slice_cut(text, '.', &payload);

	buf_printf(out, "{\"protected\":\"%.*s\",", SLICE_ARG(header));
	buf_lit(out, "\"payload\":\"");
	buf_append(out, payload);
	buf_printf(out, "\",\"signature\":\"%.*s\"}", SLICE_ARG(signature));
}

int jws_sign(EVP_PKEY *key, const struct jws_header *header, struct slice payload, struct buf *out,
	struct err *err)
{
	struct buf head AUTO(buf_done), text AUTO(buf_done), signature AUTO(buf_done);
	int rc;

	buf_init(&head, HEADER_MAX);
	buf_init(&text, WHOLE_MAX);
	buf_init(&signature, SIGNATURE_MAX);
	rc = put_header(key, header, &head, err);
	if (rc == 0)
		rc = buf_check(&head, "a header", err);
	if (rc < 0)
		return rc;
	put_text(buf_slice(&head), payload, &text);
	rc = buf_check(&text, "a request", err);
	if (rc == 0)
		rc = put_signature(key, buf_slice(&text), &signature, err);
	if (rc < 0)
		return rc;
	put_json(buf_slice(&text), buf_slice(&signature), out);
	return buf_check(out, "a request", err);
}

int jws_bind(EVP_PKEY *key, struct slice url, struct slice kid, struct slice mac_key,
	struct buf *out, struct err *err)
{
	struct buf head AUTO(buf_done), text AUTO(buf_done), payload AUTO(buf_done);
	struct buf signature AUTO(buf_done);
	unsigned char mac[MAC_LEN];
	unsigned n = 0;
	int rc;

	buf_init(&head, HEADER_MAX);
	buf_init(&text, WHOLE_MAX);
	buf_init(&payload, JWS_PUBLIC_MAX);
	buf_init(&signature, SIGNATURE_MAX);
	if (!is_plain(url) || !is_plain(kid))
		return err_set(err, ERR_SYNTAX, "a URL or name that cannot be one");
	buf_printf(&head, "{\"alg\":\"HS256\",\"kid\":\"%.*s\",\"url\":\"%.*s\"}", SLICE_ARG(kid),
		SLICE_ARG(url));
	rc = put_public(key, &payload, err);
	if (rc < 0)
		return rc;
	put_text(buf_slice(&head), buf_slice(&payload), &text);
	if (!HMAC(EVP_sha256(), mac_key.ptr, (int)mac_key.len, (unsigned char *)text.ptr, text.len,
		    mac, &n) ||
		n != sizeof(mac))
		return err_set(err, ERR_IO, "signing failed");
	base64url_encode(&signature, (struct slice){(char *)mac, sizeof(mac)});
	put_json(buf_slice(&text), buf_slice(&signature), out);
	return buf_check(out, "a request", err);
}

int jws_roll(EVP_PKEY *key, EVP_PKEY *next, const struct jws_header *header, struct buf *out,
	struct err *err)
{
	const struct jws_header inner_header = {.url = header->url};
	struct buf payload AUTO(buf_done), inner AUTO(buf_done);
	int rc = 0;

	buf_init(&payload, HEADER_MAX);
	buf_init(&inner, WHOLE_MAX);
	if (!is_plain(header->kid))
		return err_set(err, ERR_SYNTAX, "an account's URL that cannot be one");
	buf_printf(&payload, "{\"account\":\"%.*s\",\"oldKey\":", SLICE_ARG(header->kid));
	rc = put_public(key, &payload, err);
	buf_byte(&payload, '}');
	if (rc == 0)
		rc = jws_sign(next, &inner_header, buf_slice(&payload), &inner, err);
	return rc < 0 ? rc : jws_sign(key, header, buf_slice(&inner), out, err);
}

int jws_thumbprint(EVP_PKEY *key, char out[JWS_THUMBPRINT_MAX], struct err *err)
{
	struct buf text AUTO(buf_done), print AUTO(buf_done);
	unsigned char hash[SHA256_LEN];
	int rc;

	buf_init(&text, JWS_PUBLIC_MAX);
	buf_init(&print, JWS_THUMBPRINT_MAX);
	rc = put_public(key, &text, err);
	if (rc < 0)
		return rc;
	sha256(buf_slice(&text), hash);
	base64url_encode(&print, (struct slice){(char *)hash, sizeof(hash)});
	snprintf(out, JWS_THUMBPRINT_MAX, "%.*s", SLICE_ARG(buf_slice(&print)));
	return 0;
}
