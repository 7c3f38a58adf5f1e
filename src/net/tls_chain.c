/* tls_chain.c - see tls_chain.h for the contract. */
#include "net/tls_chain.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "chain/chain.h"

enum { TLS_KEY_NAME_MAX = 255, NAME_MAX_BYTES = 253, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

/* SignatureScheme of RFC 8446 4.2.3: in TLS 1.2 the first byte is a hash, the second an algorithm;
 * 8 is what came later. */
enum { SCHEME_RSA = 0x01, SCHEME_ECDSA = 0x03, SCHEME_LATER = 0x08, SCHEME_SHA256 = 0x04 };

struct tls_chain {
	_Atomic unsigned refs;
	int kind;
	uint16_t
		needs[CHAIN_CERTS_MAX]; /* schemes of the signatures in it; 0: one we do not know */
	size_t needs_n;
	int64_t until_s;
	char key_name[TLS_KEY_NAME_MAX];
	size_t key_name_len;
	struct chain chain;
	EVP_PKEY *key;
};

struct name_entry {
	struct tls_chain *chains[TLS_CHAIN_PLACES];
	size_t len;
	char name[NAME_MAX_BYTES + 1];
};

struct tls_chain *tls_chain_hold(struct tls_chain *chain)
{
	if (chain)
		atomic_fetch_add(&chain->refs, 1);
	return chain;
}

void tls_chain_release(struct tls_chain *chain)
{
	if (!chain || atomic_fetch_sub(&chain->refs, 1) != 1)
		return;
	chain_done(&chain->chain);
	EVP_PKEY_free(chain->key);
	free(chain);
}

/* The scheme that a client must offer to verify this certificate's signature. */
static uint16_t scheme_of(X509 *cert)
{
	static const struct {
		int hash, key;
		uint16_t scheme;
	} rows[] = {
		{NID_sha1, NID_rsaEncryption, 0x0201},
		{NID_sha256, NID_rsaEncryption, 0x0401},
		{NID_sha384, NID_rsaEncryption, 0x0501},
		{NID_sha512, NID_rsaEncryption, 0x0601},
		{NID_sha1, NID_X9_62_id_ecPublicKey, 0x0203},
		{NID_sha256, NID_X9_62_id_ecPublicKey, 0x0403},
		{NID_sha384, NID_X9_62_id_ecPublicKey, 0x0503},
		{NID_sha512, NID_X9_62_id_ecPublicKey, 0x0603},
		{NID_sha256, NID_rsassaPss, 0x0804},
		{NID_sha384, NID_rsassaPss, 0x0805},
		{NID_sha512, NID_rsassaPss, 0x0806},
		{NID_undef, NID_ED25519, 0x0807},
	};
	int hash, key;

	if (X509_get_signature_info(cert, &hash, &key, NULL, NULL) != 1)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].hash == hash && rows[i].key == key)
			return rows[i].scheme;
	}
	return 0;
}

/* A certificate that signed itself is known to the client or not: nobody checks its signature. */
static void note_need(struct tls_chain *chain, X509 *cert)
{
	if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) != 0 &&
		chain->needs_n < CHAIN_CERTS_MAX)
		chain->needs[chain->needs_n++] = scheme_of(cert);
}

static void note_needs(struct tls_chain *chain)
{
	note_need(chain, chain->chain.leaf);
	for (int i = 0; i < sk_X509_num(chain->chain.rest); i++)
		note_need(chain, sk_X509_value(chain->chain.rest, i));
}

static int check_key(struct tls_chain *chain, EVP_PKEY *key, struct err *err)
{
	char group[32] = "";
	size_t len;

	if (key && EVP_PKEY_is_a(key, "RSA")) {
		const int bits = EVP_PKEY_get_bits(key);

		chain->kind = TLS_CHAIN_RSA;
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
			return 0;
	} else if (key && EVP_PKEY_is_a(key, "EC")) {
		chain->kind = TLS_CHAIN_EC;
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
			(strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0))
			return 0;
	}
	return err_set(err, ERR_SYNTAX,
		"the key of the certificate is not EC (P-256, P-384) or RSA of %d to %d bits",
		RSA_BITS_MIN, RSA_BITS_MAX);
}

/* The given name, or the key's own. */
static int name_key(struct tls_chain *chain, struct slice given, struct err *err)
{
	char own[CHAIN_KEY_NAME_MAX];

	if (given.len == 0) {
		const int rc = chain_key_name(
			CHAIN_KEY_TLS, X509_get0_pubkey(chain->chain.leaf), own, err);

		if (rc < 0)
			return rc;
		given = slice_str(own);
	}
	if (given.len > sizeof(chain->key_name))
		return err_set(err, ERR_TOOBIG, "no key has so long a name");
	memcpy(chain->key_name, given.ptr, given.len);
	chain->key_name_len = given.len;
	return 0;
}

static void note_until(struct tls_chain *chain)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(chain->chain.leaf), &tm) == 1)
		chain->until_s = (int64_t)timegm(&tm);
}

struct slice tls_chain_key_name(const struct tls_chain *chain)
{
	return (struct slice){chain->key_name, chain->key_name_len};
}

int64_t tls_chain_until(const struct tls_chain *chain)
{
	return chain->until_s;
}

int tls_chain_new(OSSL_LIB_CTX *libctx, struct slice pem, struct slice key_name,
	const struct tls_signer *signer, struct tls_chain **chain_out, struct err *err)
{
	struct tls_chain *chain = mem_new(struct tls_chain);
	EVP_PKEY *public_half = NULL;
	int rc;

	chain->refs = 1;
	rc = chain_read(libctx, pem, &chain->chain, err);
	if (rc == 0) {
		public_half = X509_get0_pubkey(chain->chain.leaf);
		rc = check_key(chain, public_half, err);
	}
	if (rc == 0)
		rc = chain_check(&chain->chain, err);
	if (rc == 0)
		rc = name_key(chain, key_name, err);
	if (rc == 0) {
		note_needs(chain);
		note_until(chain);
		chain->key =
			tls_provider_key(libctx, public_half, tls_chain_key_name(chain), signer);
		if (!chain->key)
			rc = err_set(
				err, ERR_SYNTAX, "OpenSSL does not take the certificate's key");
	}
	ERR_clear_error();
	if (rc < 0)
		tls_chain_release(chain);
	else
		*chain_out = chain;
	return rc;
}

int tls_chain_use(struct tls_chain *chain, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, chain->chain.leaf, chain->key, chain->chain.rest, 1);
}

static bool is_offered(SSL *ssl, uint16_t scheme)
{
	const int n = SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);
	unsigned char low, high;

	for (int i = 0; i < n; i++) {
		SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &low, &high);
		if (scheme == (high << 8 | low))
			return true;
	}
	return false;
}

/* A scheme of that kind of key, with a hash that is good today. */
static bool is_key_offered(SSL *ssl, int kind)
{
	const int n = SSL_get_sigalgs(ssl, 0, NULL, NULL, NULL, NULL, NULL);
	unsigned char low, high;

	for (int i = 0; i < n; i++) {
		SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &low, &high);
		if (high >= SCHEME_SHA256 && high < SCHEME_LATER &&
			low == (kind == TLS_CHAIN_EC ? SCHEME_ECDSA : SCHEME_RSA))
			return true;
		if (high == SCHEME_LATER && kind == TLS_CHAIN_RSA && low >= 4 && low <= 6)
			return true;
	}
	return false;
}

bool tls_chain_fits(const struct tls_chain *chain, SSL *ssl)
{
	for (size_t i = 0; i < chain->needs_n; i++) {
		if (!is_offered(ssl, chain->needs[i]))
			return false;
	}
	return is_key_offered(ssl, chain->kind);
}

static struct slice entry_key(const struct name_entry *entry)
{
	return (struct slice){entry->name, entry->len};
}

/* The name in lower case without its last dot; false if it is no name of ours anyway. */
static bool fold(struct slice name, char out[NAME_MAX_BYTES], size_t *len_out)
{
	if (name.len > 1 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++)
		out[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	*len_out = name.len;
	return true;
}

/* The first one stays. */
static void set_chain(struct tls_chain *places[TLS_CHAIN_PLACES], const struct tls_use *use)
{
	const int place = use->chain->kind + (use->is_old ? TLS_CHAIN_KINDS : 0);

	if (!places[place])
		places[place] = tls_chain_hold(use->chain);
}

static void put_name(struct tls_names *names, struct slice name, const struct tls_use *use)
{
	struct name_entry *entry;
	char folded[NAME_MAX_BYTES];
	size_t len;

	if (!fold(name, folded, &len))
		return;
	entry = map_get(&names->map, (struct slice){folded, len});
	if (!entry) {
		entry = mem_new(struct name_entry);
		memcpy(entry->name, folded, len);
		entry->len = len;
		map_put(&names->map, entry_key(entry), entry);
	}
	set_chain(entry->chains, use);
}

void tls_names_put(struct tls_names *names, const struct tls_use *use)
{
	GENERAL_NAMES *alternatives =
		X509_get_ext_d2i(use->chain->chain.leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);

		if (name->type == GEN_DNS)
			put_name(names,
				(struct slice){(const char *)ASN1_STRING_get0_data(name->d.dNSName),
					(size_t)ASN1_STRING_length(name->d.dNSName)},
				use);
	}
	GENERAL_NAMES_free(alternatives);
	if (use->is_default)
		set_chain(names->fallback, use);
}

/* The entry of the name itself, else of "*." and its parent. */
static const struct name_entry *find_entry(const struct tls_names *names, struct slice name)
{
	char folded[NAME_MAX_BYTES];
	const struct name_entry *entry;
	size_t len, dot;

	if (!fold(name, folded, &len))
		return NULL;
	entry = map_get(&names->map, (struct slice){folded, len});
	dot = slice_chr((struct slice){folded, len}, '.');
	if (entry || dot == SIZE_MAX || dot == 0)
		return entry;
	folded[dot - 1] = '*';
	return map_get(&names->map, (struct slice){folded + dot - 1, len - dot + 1});
}

void tls_names_find(
	const struct tls_names *names, struct slice name, struct tls_chain *out[TLS_CHAIN_PLACES])
{
	const struct name_entry *entry = find_entry(names, name);
	struct tls_chain *const *from = entry ? entry->chains : names->fallback;

	for (size_t i = 0; i < TLS_CHAIN_PLACES; i++)
		out[i] = tls_chain_hold(from[i]);
}

void tls_names_done(struct tls_names *names)
{
	struct name_entry *entry;
	size_t at = 0;

	while ((entry = map_next(&names->map, &at))) {
		for (size_t i = 0; i < TLS_CHAIN_PLACES; i++)
			tls_chain_release(entry->chains[i]);
		free(entry);
	}
	map_done(&names->map);
	for (size_t i = 0; i < TLS_CHAIN_PLACES; i++)
		tls_chain_release(names->fallback[i]);
}

static int put_cms(CMS_ContentInfo *cms, struct buf *out, struct err *err)
{
	unsigned char *der = NULL;
	const int n = i2d_CMS_ContentInfo(cms, &der);

	if (n > 0)
		buf_append(out, (struct slice){(const char *)der, (size_t)n});
	OPENSSL_free(der);
	return n > 0 ? buf_check(out, "signed message", err)
		     : err_set(err, ERR_IO, "the signed message cannot be written");
}

int tls_chain_cms(OSSL_LIB_CTX *libctx, struct tls_chain *chain, struct slice text, struct buf *out,
	struct err *err)
{
	const unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
	BIO *in = BIO_new_mem_buf(text.ptr, (int)text.len);
	CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, chain->chain.rest, in, flags, libctx, NULL);
	bool is_done = cms &&
		       CMS_add1_signer(cms, chain->chain.leaf, chain->key, EVP_sha256(), flags) &&
		       CMS_final(cms, in, NULL, flags) == 1;
	int rc = is_done ? put_cms(cms, out, err)
			 : err_set(err, ERR_BUSY, "the message could not be signed");

	CMS_ContentInfo_free(cms);
	BIO_free(in);
	ERR_clear_error();
	return rc;
}
