/* key.c - the public keys of signatures, and verification with them; see signature.h. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

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

static void md_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* A SubjectPublicKeyInfo, or the bare RSAPublicKey that RFC 6376 3.6.1 speaks of. */
static EVP_PKEY *read_rsa(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.ptr;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der.len);

	if (!key) {
		p = (const unsigned char *)der.ptr;
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.len);
	}
	if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

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
