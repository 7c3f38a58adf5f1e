/* jws_test.c - ACME's messages and orders: checked as a server would, not by our own code. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "keeper/certificate.h"
#include "keeper/jws.h"
#include "keeper/order.h"

static const struct jws_header by_account = {.url = {"https://ca.example/order", 24},
	.nonce = {"n-1_", 4},
	.kid = {"https://ca.example/acct/1", 25}};

/* The members of a message: decoded header and payload, and what was signed. */
struct message {
	json_t *json, *header;
	struct buf payload, signature;
	char text[8192];
};

static void decode(const json_t *json, const char *name, struct buf *out)
{
	struct err err;

	buf_init(out, 1 << 16);
	assert_int_equal(base64url_decode(out,
				 slice_str(json_string_value(json_object_get(json, name))), &err),
		0);
}

static void parse(struct slice text, struct message *m)
{
	struct buf header;

	m->json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(m->json);
	assert_int_equal(json_object_size(m->json), 3);
	decode(m->json, "protected", &header);
	decode(m->json, "payload", &m->payload);
	decode(m->json, "signature", &m->signature);
	m->header = json_loadb(header.ptr, header.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(m->header);
	snprintf(m->text, sizeof(m->text), "%s.%s",
		json_string_value(json_object_get(m->json, "protected")),
		json_string_value(json_object_get(m->json, "payload")));
	buf_done(&header);
}

static void message_done(struct message *m)
{
	json_decref(m->json);
	json_decref(m->header);
	buf_done(&m->payload);
	buf_done(&m->signature);
}

/* RFC 7518 3.4: the two halves of the signature are r and s. */
static bool is_signed_by(EVP_PKEY *key, const struct message *m)
{
	const unsigned char *raw = (const unsigned char *)m->signature.ptr;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int len;
	bool ok;

	assert_int_equal(m->signature.len, 64);
	ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(
		     ctx, der, (size_t)len, (const unsigned char *)m->text, strlen(m->text)) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return ok;
}

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* The public key that a message carries is the one given. */
static void check_public(EVP_PKEY *key, const json_t *jwk)
{
	unsigned char mine[65];
	struct buf x, y;
	size_t n = 0;

	assert_string_equal(text_of(jwk, "kty"), "EC");
	assert_string_equal(text_of(jwk, "crv"), "P-256");
	decode(jwk, "x", &x);
	decode(jwk, "y", &y);
	assert_int_equal(EVP_PKEY_get_octet_string_param(
				 key, OSSL_PKEY_PARAM_PUB_KEY, mine, sizeof(mine), &n),
		1);
	assert_int_equal(n, 65);
	assert_int_equal(x.len, 32);
	assert_int_equal(y.len, 32);
	assert_memory_equal(mine + 1, x.ptr, 32);
	assert_memory_equal(mine + 33, y.ptr, 32);
	buf_done(&x);
	buf_done(&y);
}

/* Many keys: their numbers begin with zeros now and then. */
static void test_sign(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		struct jws_header header = by_account;
		struct message m;
		struct buf out;
		struct err err;

		if (i % 2)
			header.kid = (struct slice){0};
		buf_init(&out, 1 << 16);
		assert_int_equal(jws_sign(key, &header, slice_lit("{\"a\":1}"), &out, &err), 0);
		parse(buf_slice(&out), &m);
		assert_string_equal(text_of(m.header, "alg"), "ES256");
		assert_string_equal(text_of(m.header, "url"), "https://ca.example/order");
		assert_string_equal(text_of(m.header, "nonce"), "n-1_");
		assert_int_equal(json_object_size(m.header), 4);
		if (i % 2)
			check_public(key, json_object_get(m.header, "jwk"));
		else
			assert_string_equal(text_of(m.header, "kid"), "https://ca.example/acct/1");
		assert_true(slice_eq(buf_slice(&m.payload), slice_lit("{\"a\":1}")));
		assert_true(is_signed_by(key, &m));
		m.text[3] ^= 1;
		assert_false(is_signed_by(key, &m));
		message_done(&m);
		buf_done(&out);
		EVP_PKEY_free(key);
	}
}

static void test_refusals(void **state)
{
	static const char *const bad[] = {"a\"b", "a\\b", "a b", "a\nb", "\x7f", "\xc3\xa9"};
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-384");
	struct buf out AUTO(buf_done);
	struct err err;

	(void)state;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < 3 * sizeof(bad) / sizeof(bad[0]); i++) {
		struct jws_header header = by_account;
		const struct slice text = slice_str(bad[i / 3]);

		if (i % 3 == 0)
			header.url = text;
		else if (i % 3 == 1)
			header.nonce = text;
		else
			header.kid = text;
		assert_int_equal(jws_sign(key, &header, slice_lit(""), &out, &err), -ERR_SYNTAX);
	}
	assert_int_equal(jws_sign(other, &(struct jws_header){.url = by_account.url}, slice_lit(""),
				 &out, &err),
		-ERR_DENIED);
	assert_int_equal(out.len, 0);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

static void test_bind(void **state)
{
	static const unsigned char mac_key[32] = "0123456789abcdef0123456789abcde";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char mac[32];
	struct message m;
	struct buf out AUTO(buf_done);
	struct err err;
	unsigned n;
	json_t *jwk;

	(void)state;
	buf_init(&out, 1 << 16);
	assert_int_equal(jws_bind(key, by_account.url, slice_lit("kid-1"),
				 (struct slice){(const char *)mac_key, 32}, &out, &err),
		0);
	parse(buf_slice(&out), &m);
	assert_string_equal(text_of(m.header, "alg"), "HS256");
	assert_string_equal(text_of(m.header, "kid"), "kid-1");
	assert_string_equal(text_of(m.header, "url"), "https://ca.example/order");
	assert_int_equal(json_object_size(m.header), 3); /* no nonce: RFC 8555 7.3.4 */
	HMAC(EVP_sha256(), mac_key, 32, (unsigned char *)m.text, strlen(m.text), mac, &n);
	assert_int_equal(m.signature.len, 32);
	assert_memory_equal(m.signature.ptr, mac, 32);
	jwk = json_loadb(m.payload.ptr, m.payload.len, 0, NULL);
	check_public(key, jwk);
	json_decref(jwk);
	message_done(&m);
	EVP_PKEY_free(key);
}

static void test_roll(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *next = EVP_EC_gen("P-256");
	struct message outer, inner;
	struct buf out AUTO(buf_done);
	struct err err;
	json_t *payload;

	(void)state;
	buf_init(&out, 1 << 16);
	assert_int_equal(jws_roll(key, next, &by_account, &out, &err), 0);
	parse(buf_slice(&out), &outer);
	assert_true(is_signed_by(key, &outer));
	parse(buf_slice(&outer.payload), &inner);
	assert_true(is_signed_by(next, &inner));
	check_public(next, json_object_get(inner.header, "jwk"));
	assert_null(json_object_get(inner.header, "nonce"));
	assert_string_equal(text_of(inner.header, "url"), text_of(outer.header, "url"));
	payload = json_loadb(inner.payload.ptr, inner.payload.len, 0, NULL);
	assert_string_equal(text_of(payload, "account"), "https://ca.example/acct/1");
	check_public(key, json_object_get(payload, "oldKey"));
	json_decref(payload);
	message_done(&inner);
	message_done(&outer);
	EVP_PKEY_free(key);
	EVP_PKEY_free(next);
}

/* The thumbprint by RFC 7638 3, computed here from the message's own key. */
static void test_thumbprint(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct jws_header header = {.url = by_account.url};
	char print[JWS_THUMBPRINT_MAX], text[300];
	unsigned char hash[SHA256_LEN];
	struct buf out AUTO(buf_done), want AUTO(buf_done);
	struct message m;
	struct err err;
	json_t *jwk;

	(void)state;
	buf_init(&out, 1 << 16);
	buf_init(&want, 100);
	assert_int_equal(jws_sign(key, &header, slice_lit(""), &out, &err), 0);
	parse(buf_slice(&out), &m);
	jwk = json_object_get(m.header, "jwk");
	snprintf(text, sizeof(text), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
		text_of(jwk, "x"), text_of(jwk, "y"));
	sha256(slice_str(text), hash);
	base64url_encode(&want, (struct slice){(char *)hash, sizeof(hash)});
	assert_int_equal(jws_thumbprint(key, print, &err), 0);
	assert_true(slice_eq(slice_str(print), buf_slice(&want)));
	assert_int_equal(m.payload.len, 0); /* POST-as-GET */
	message_done(&m);
	EVP_PKEY_free(key);
}

/* RFC 8737 3: the one name, and the digest in a critical extension. */
static void test_answer(void **state)
{
	static const unsigned char digest[CERTIFICATE_DIGEST_LEN] =
		"0123456789abcdef0123456789abcde";
	static const unsigned char oid[] = {
		0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01, 0x01, 0xff};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf pem AUTO(buf_done);
	unsigned char *der = NULL;
	struct err err;
	BIO *bio;
	X509 *x;
	int n;

	(void)state;
	buf_init(&pem, 1 << 16);
	assert_int_equal(
		certificate_answer(key, slice_lit("mail.example.org"), digest, &pem, &err), 0);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(X509_check_host(x, "mail.example.org", 0, 0, NULL), 1);
	n = i2d_X509(x, &der);
	assert_non_null(memmem(der, (size_t)n, oid, sizeof(oid)));
	assert_non_null(memmem(der, (size_t)n, digest, sizeof(digest)));
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

static void test_request(void **state)
{
	const struct slice names[] = {slice_lit("a.example.org"), slice_lit("b.example.org")};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf der AUTO(buf_done);
	const unsigned char *p;
	GENERAL_NAMES *found;
	X509_EXTENSIONS *extensions;
	struct err err;
	X509_REQ *request;

	(void)state;
	buf_init(&der, 1 << 16);
	assert_int_equal(certificate_request(key, names, 2, &der, &err), 0);
	p = (const unsigned char *)der.ptr;
	request = d2i_X509_REQ(NULL, &p, (long)der.len);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, key), 1);
	extensions = X509_REQ_get_extensions(request);
	found = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(found), 2);
	GENERAL_NAMES_free(found);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(request);
	EVP_PKEY_free(key);
}

static const struct {
	const char *text;
	int rc;
	size_t n;
} orders[] = {
	{"host a.example\n", 0, 1},
	{"host a.example\nhost b.a.example\nkey rsa\nrenew 5\ncustomer\nunchecked\n", 0, 2},
	{"host a.example", 0, 1},
	{"", -ERR_SYNTAX, 0},
	{"key rsa\n", -ERR_SYNTAX, 0},
	{"host localhost\n", -ERR_SYNTAX, 0},
	{"host -a.example\n", -ERR_SYNTAX, 0},
	{"host a-.example\n", -ERR_SYNTAX, 0},
	{"host a..example\n", -ERR_SYNTAX, 0},
	{"host a.example.\n", -ERR_SYNTAX, 0},
	{"host *.example.org\n", -ERR_SYNTAX, 0},
	{"host a_b.example\n", -ERR_SYNTAX, 0},
	{"host a.example\n\nhost b.example\n", -ERR_SYNTAX, 0},
	{"host a.example\nrenew x\n", -ERR_SYNTAX, 0},
	{"host a.example\nnonsense\n", -ERR_SYNTAX, 0},
};

static void test_orders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct buf again AUTO(buf_done);
		struct order order = {.n = 77};
		struct err err;
		const int rc = order_read(slice_str(orders[i].text), &order, &err);

		buf_init(&again, ORDER_TEXT_MAX);
		if (rc != orders[i].rc || order.n != (rc == 0 ? orders[i].n : 77))
			fail_msg("order %zu: %d", i, rc);
		if (rc == 0) {
			order_write(&order, &again);
			assert_true(slice_starts(buf_slice(&again), slice_str(orders[i].text)));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_roll),
		cmocka_unit_test(test_thumbprint),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
