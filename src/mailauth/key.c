/* key.c - the public keys of signatures, and verification with them; see signature.h. */
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "mailauth/signature.h"
#include "wire/dns/rdata.h"

static void key_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void ctx_free(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void bn_free(BIGNUM **n)
{
	BN_free(*n);
}

static void md_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* ---- RSA keys ---- */

#define RSA_ENCRYPTION "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" /* 1.2.840.113549.1.1.1 */

/* The first element of *in, which has to be of this kind; what follows it stays in *in. */
static bool take_der(struct slice *in, int want, struct slice *out)
{
	const unsigned char *p = (const unsigned char *)in->ptr;
	long length;
	int tag, class;
	size_t head;

	/* 0x80: not as it should be; 1: of a length that only its end tells. */
	if (in->len == 0 || in->len > INT32_MAX ||
		ASN1_get_object(&p, &length, &tag, &class, (long)in->len) & 0x81 || tag != want ||
		class != V_ASN1_UNIVERSAL)
		return false;
	head = (size_t)(p - (const unsigned char *)in->ptr);
	*out = (struct slice){(const char *)p, (size_t)length};
	*in = slice_from(*in, head + (size_t)length);
	return true;
}

/* What stands around the key in a SubjectPublicKeyInfo (RFC 5280 4.1), if anything does. */
static bool unwrap(struct slice *key)
{
	struct slice algorithm, id, bits;

	if (!take_der(key, V_ASN1_SEQUENCE, &algorithm))
		return true;
	if (!take_der(&algorithm, V_ASN1_OBJECT, &id) || !slice_eq(id, slice_lit(RSA_ENCRYPTION)) ||
		!take_der(key, V_ASN1_BIT_STRING, &bits) || bits.len == 0 || bits.ptr[0] != 0)
		return false;
	bits = slice_from(bits, 1);
	return take_der(&bits, V_ASN1_SEQUENCE, key);
}

static bool take_number(struct slice *in, BIGNUM **out)
{
	struct slice bytes;

	if (!take_der(in, V_ASN1_INTEGER, &bytes) || bytes.len == 0 || *bytes.ptr & 0x80)
		return false;
	*out = BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
	return *out;
}

static EVP_PKEY *make_rsa(const BIGNUM *n, const BIGNUM *e)
{
	EVP_PKEY_CTX *ctx AUTO(ctx_free) = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* A SubjectPublicKeyInfo, or the bare RSAPublicKey that RFC 6376 3.6.1 speaks of. Read here, since
 * OpenSSL 3.0 sets up a chain of decoders for each key: ten times a verification. */
static EVP_PKEY *read_rsa(struct slice der)
{
	BIGNUM *n AUTO(bn_free) = NULL, *e AUTO(bn_free) = NULL;
	struct slice key;

	if (!take_der(&der, V_ASN1_SEQUENCE, &key) || !unwrap(&key) || !take_number(&key, &n) ||
		!take_number(&key, &e))
		return NULL;
	return make_rsa(n, e);
}

/* ---- verification ---- */

static bool verify_rsa(const struct signature *sig, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx AUTO(ctx_free) = EVP_PKEY_CTX_new(key, NULL);

	return ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_verify(ctx, (const unsigned char *)sig->bytes.ptr, sig->bytes.len,
		       sig->digest, SHA256_LEN) == 1;
}

/* RFC 8463 3: what Ed25519 signs is the hash itself. */
static bool verify_ed25519(const struct signature *sig, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx AUTO(md_free) = EVP_MD_CTX_new();

	return ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, (const unsigned char *)sig->bytes.ptr, sig->bytes.len,
		       sig->digest, SHA256_LEN) == 1;
}

static void verify_with(struct signature *sig, struct slice bytes)
{
	EVP_PKEY *key AUTO(key_free) =
		sig->algorithm == SIGNATURE_RSA
			? read_rsa(bytes)
			: EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
				  (const unsigned char *)bytes.ptr, bytes.len);
	bool is_good;

	if (!key) {
		signature_decide(sig, AUTH_PERMERROR, "malformed key in the DNS");
		return;
	}
	sig->key_bits = (unsigned)EVP_PKEY_get_bits(key);
	if (sig->algorithm == SIGNATURE_RSA && sig->key_bits < SIGNATURE_KEY_BITS_MIN) {
		signature_decide(sig, AUTH_POLICY, "the key is too short");
		return;
	}
	if (sig->key_bits > SIGNATURE_KEY_BITS_MAX) {
		signature_decide(sig, AUTH_POLICY, "the key is too long");
		return;
	}
	is_good = sig->algorithm == SIGNATURE_RSA ? verify_rsa(sig, key) : verify_ed25519(sig, key);
	if (is_good)
		signature_decide(sig, AUTH_PASS, NULL);
	else
		signature_decide(sig, AUTH_FAIL, "signature did not verify");
}

/* RFC 6376 3.6.1 and 6.1.2. */
static void use_record(struct signature *sig, const struct tags *tags, struct arena *arena)
{
	const struct slice hashes = tags_get(tags, "h"), kind = tags_get(tags, "k"),
			   services = tags_get(tags, "s"), flags = tags_get(tags, "t");
	const char *want = sig->algorithm == SIGNATURE_RSA ? "rsa" : "ed25519";
	struct slice bytes;
	struct err err;

	sig->is_testing = tags_has(flags, "y");
	sig->is_strict_domain = tags_has(flags, "s");
	if (hashes.ptr && !tags_has(hashes, "sha256"))
		signature_decide(sig, AUTH_PERMERROR, "the key is not for SHA-256");
	else if (!slice_eq_nocase(kind.ptr ? kind : slice_lit("rsa"), slice_str(want)))
		signature_decide(sig, AUTH_PERMERROR, "the key is for another algorithm");
	else if (services.ptr && !tags_has(services, "email") && !tags_has(services, "*"))
		signature_decide(sig, AUTH_PERMERROR, "the key is not for mail");
	else if (!tags_get(tags, "p").ptr)
		signature_decide(sig, AUTH_PERMERROR, "no key in the DNS record");
	else if (tags_get(tags, "p").len == 0)
		signature_decide(sig, AUTH_FAIL, "the key was revoked");
	else if (tags_base64(tags_get(tags, "p"), SIGNATURE_KEY_MAX, arena, &bytes, &err) < 0)
		signature_decide(sig, AUTH_PERMERROR, "malformed key in the DNS");
	else
		verify_with(sig, bytes);
	/* What OpenSSL remembers of a failure would be taken for one of this thread's next
	 * connection. */
	ERR_clear_error();
}

/* A name may hold other records too: the first that is a key counts. */
static void use_answer(struct signature *sig, const struct dns_answer *answer, struct arena *arena)
{
	for (size_t i = 0; i < answer->n; i++) {
		struct slice text, version;
		struct tags tags;
		struct err err;

		if (!dns_read_txt(answer->rdata[i], arena, &text) ||
			tags_parse(text, &tags, &err) < 0)
			continue;
		version = tags_get(&tags, "v");
		if (version.ptr && (!slice_eq(version, slice_lit("DKIM1")) ||
					   !slice_eq(tags.list[0].name, slice_lit("v"))))
			continue;
		use_record(sig, &tags, arena);
		return;
	}
	signature_decide(sig, AUTH_PERMERROR, "no key in the DNS record");
}

void signature_verify(struct signature *sig, struct dns_view *view)
{
	struct buf name AUTO(buf_done);
	struct dns_answer answer;

	buf_init(&name, 2 * DNS_NAME_MAX + 16);
	if (sig->result != AUTH_PENDING)
		return;
	buf_append(&name, sig->selector);
	buf_lit(&name, "._domainkey.");
	buf_append(&name, sig->domain);
	switch (dns_view_get(view, buf_slice(&name), DNS_TXT, &answer)) {
	case DNS_UNKNOWN:
		break;
	case DNS_FOUND:
		use_answer(sig, &answer, view->arena);
		break;
	case DNS_NONE:
	case DNS_NXDOMAIN:
		signature_decide(sig, AUTH_PERMERROR, "no key for signature");
		break;
	case DNS_FAILED:
		signature_decide(sig, AUTH_TEMPERROR, "the key could not be looked up");
		break;
	}
}
