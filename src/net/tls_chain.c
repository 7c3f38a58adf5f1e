/* tls_chain.c - see tls_chain.h for the contract. */
#include "net/tls_chain.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CHAIN_CERTS_MAX = 10, NAME_MAX_BYTES = 253, RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

struct tls_chain {
	_Atomic unsigned refs;
	int kind;
	X509 *leaf;
	STACK_OF(X509) * rest;
	EVP_PKEY *key;
};

struct name_entry {
	struct tls_chain *chains[TLS_CHAIN_KINDS];
	size_t len;
	char name[NAME_MAX_BYTES + 1];
};

static struct tls_chain *chain_hold(struct tls_chain *chain)
{
	if (chain)
		atomic_fetch_add(&chain->refs, 1);
	return chain;
}

void tls_chain_release(struct tls_chain *chain)
{
	if (!chain || atomic_fetch_sub(&chain->refs, 1) != 1)
		return;
	X509_free(chain->leaf);
	sk_X509_pop_free(chain->rest, X509_free);
	EVP_PKEY_free(chain->key);
	free(chain);
}

static X509 *next_cert(OSSL_LIB_CTX *libctx, BIO *bio)
{
	X509 *cert = X509_new_ex(libctx, NULL);

	if (cert && !PEM_read_bio_X509(bio, &cert, NULL, NULL)) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static int read_certs(
	struct tls_chain *chain, OSSL_LIB_CTX *libctx, struct slice pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, pem.len < INT_MAX ? (int)pem.len : 0);
	X509 *cert;

	chain->rest = sk_X509_new_null();
	chain->leaf = bio ? next_cert(libctx, bio) : NULL;
	while (chain->leaf && sk_X509_num(chain->rest) < CHAIN_CERTS_MAX &&
		(cert = next_cert(libctx, bio)))
		sk_X509_push(chain->rest, cert);
	BIO_free(bio);
	ERR_clear_error(); /* the end of the file is one */
	return chain->leaf ? 0 : err_set(err, ERR_SYNTAX, "no certificate in PEM form found");
}

static int check_dates(const X509 *leaf, struct err *err)
{
	time_t now = (time_t)clock_wall_s();

	if (X509_cmp_time(X509_get0_notAfter(leaf), &now) < 0)
		return err_set(err, ERR_CONFLICT, "the certificate has expired");
	if (X509_cmp_time(X509_get0_notBefore(leaf), &now) > 0)
		return err_set(err, ERR_CONFLICT, "the certificate is not valid yet");
	return 0;
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

int tls_chain_new(OSSL_LIB_CTX *libctx, struct slice pem, struct slice key_name,
	const struct tls_signer *signer, struct tls_chain **chain_out, struct err *err)
{
	struct tls_chain *chain = mem_new(struct tls_chain);
	EVP_PKEY *public_half = NULL;
	int rc;

	chain->refs = 1;
	rc = read_certs(chain, libctx, pem, err);
	if (rc == 0) {
		public_half = X509_get0_pubkey(chain->leaf);
		rc = check_key(chain, public_half, err);
	}
	if (rc == 0)
		rc = check_dates(chain->leaf, err);
	if (rc == 0) {
		chain->key = tls_provider_key(libctx, public_half, key_name, signer);
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
	return SSL_use_cert_and_key(ssl, chain->leaf, chain->key, chain->rest, 1);
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

static void set_chain(struct tls_chain **place, struct tls_chain *chain)
{
	struct tls_chain *before = *place;

	*place = chain_hold(chain);
	tls_chain_release(before);
}

static void put_name(struct tls_names *names, struct slice name, struct tls_chain *chain)
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
	set_chain(&entry->chains[chain->kind], chain);
}

void tls_names_put(struct tls_names *names, struct tls_chain *chain, bool is_default)
{
	GENERAL_NAMES *alternatives =
		X509_get_ext_d2i(chain->leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(alternatives, i);

		if (name->type == GEN_DNS)
			put_name(names,
				(struct slice){(const char *)ASN1_STRING_get0_data(name->d.dNSName),
					(size_t)ASN1_STRING_length(name->d.dNSName)},
				chain);
	}
	GENERAL_NAMES_free(alternatives);
	if (is_default)
		set_chain(&names->fallback[chain->kind], chain);
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
	const struct tls_names *names, struct slice name, struct tls_chain *out[TLS_CHAIN_KINDS])
{
	const struct name_entry *entry = find_entry(names, name);
	struct tls_chain *const *from = entry ? entry->chains : names->fallback;

	for (size_t i = 0; i < TLS_CHAIN_KINDS; i++)
		out[i] = chain_hold(from[i]);
}

void tls_names_done(struct tls_names *names)
{
	struct name_entry *entry;
	size_t at = 0;

	while ((entry = map_next(&names->map, &at))) {
		for (size_t i = 0; i < TLS_CHAIN_KINDS; i++)
			tls_chain_release(entry->chains[i]);
		free(entry);
	}
	map_done(&names->map);
	for (size_t i = 0; i < TLS_CHAIN_KINDS; i++)
		tls_chain_release(names->fallback[i]);
}
