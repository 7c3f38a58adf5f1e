/* chain.c - see chain.h for the contract. */
#include "chain/chain.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"

static X509 *next_cert(OSSL_LIB_CTX *libctx, BIO *bio)
{
	X509 *cert = X509_new_ex(libctx, NULL);

	if (cert && !PEM_read_bio_X509(bio, &cert, NULL, (void *)"")) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

int chain_read(OSSL_LIB_CTX *libctx, struct slice pem, struct chain *out, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, pem.len < INT_MAX ? (int)pem.len : 0);
	struct chain chain = {.rest = sk_X509_new_null()};
	X509 *cert;

	chain.leaf = bio ? next_cert(libctx, bio) : NULL;
	while (chain.leaf && sk_X509_num(chain.rest) < CHAIN_CERTS_MAX - 1 &&
		(cert = next_cert(libctx, bio)))
		sk_X509_push(chain.rest, cert);
	BIO_free(bio);
	ERR_clear_error(); /* the end of the text is one */
	if (!chain.leaf) {
		chain_done(&chain);
		return err_set(err, ERR_SYNTAX, "no certificate in PEM form found");
	}
	*out = chain;
	return 0;
}

void chain_done(struct chain *chain)
{
	X509_free(chain->leaf);
	sk_X509_pop_free(chain->rest, X509_free);
	*chain = (struct chain){0};
}

static int check_dates(const X509 *cert, const char *what, struct err *err)
{
	time_t now = (time_t)clock_wall_s();

	if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
		return err_set(err, ERR_CONFLICT, "%s has expired", what);
	if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
		return err_set(err, ERR_CONFLICT, "%s is not valid yet", what);
	return 0;
}

int chain_check(const struct chain *chain, struct err *err)
{
	X509 *cert = chain->leaf;
	int rc = check_dates(cert, "the certificate", err);

	for (int i = 0; i < sk_X509_num(chain->rest) && rc == 0; i++) {
		X509 *issuer = sk_X509_value(chain->rest, i);

		if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0 ||
			X509_verify(cert, X509_get0_pubkey(issuer)) != 1)
			rc = err_set(err, ERR_SYNTAX,
				"certificate %d of the chain is not signed by the one behind it",
				i + 1);
		else
			rc = check_dates(issuer, "a certificate of the chain", err);
		cert = issuer;
	}
	ERR_clear_error();
	return rc;
}

bool chain_has_host(const struct chain *chain, struct slice host)
{
	return host.len && X509_check_host(chain->leaf, host.ptr, host.len, 0, NULL) == 1;
}

int chain_key_hash(
	const EVP_PKEY *public_half, unsigned char out[CHAIN_KEY_HASH_LEN], struct err *err)
{
	unsigned char *der = NULL;
	const int n = i2d_PUBKEY(public_half, &der);

	if (n <= 0) {
		ERR_clear_error();
		return err_set(err, ERR_SYNTAX, "OpenSSL does not know that kind of key");
	}
	sha256((struct slice){(char *)der, (size_t)n}, out);
	OPENSSL_free(der);
	return 0;
}

int chain_key_name(const char *purpose, const EVP_PKEY *public_half, char out[CHAIN_KEY_NAME_MAX],
	struct err *err)
{
	unsigned char hash[CHAIN_KEY_HASH_LEN];
	struct buf digits AUTO(buf_done);
	const int rc = chain_key_hash(public_half, hash, err);

	buf_init(&digits, 2 * CHAIN_KEY_HASH_LEN);
	if (rc < 0)
		return rc;
	hex_encode(&digits, (struct slice){(char *)hash, CHAIN_KEY_DIGITS / 2});
	snprintf(out, CHAIN_KEY_NAME_MAX, "%s%.*s", purpose, SLICE_ARG(buf_slice(&digits)));
	return 0;
}
