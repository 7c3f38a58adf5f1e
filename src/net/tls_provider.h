/*
 * tls_provider.h - an OpenSSL 3 provider for private keys that are not here.
 *
 * A key of this provider is a name, a public half, and the function that signs. It offers key
 * management and signature for EC and RSA under the names that libssl knows; the digest is
 * computed here, the signature is asked for. Everything else stays with OpenSSL's own provider,
 * which the library context must prefer: default properties "?provider=default".
 *
 * Nothing here can verify, decrypt, or hand out a private key.
 */
#ifndef NET_TLS_PROVIDER_H
#define NET_TLS_PROVIDER_H

#include <openssl/evp.h>

#include "net/tls.h"

/* The first error of OpenSSL's queue starts with it when the signer refused. */
#define TLS_SIGNER_FAILED "signer: "

/* Must outlive all keys made with it. */
struct tls_signer {
	tls_sign_fn *sign;
	void *arg;
};

/* tls_provider_load - make the provider known in a library context; NULL if OpenSSL refuses. */
OSSL_PROVIDER *tls_provider_load(OSSL_LIB_CTX *libctx);

/* tls_provider_key - a private key to the public one given (EC P-256, P-384, or RSA), that signs
 * by asking the signer for key_name (at most 255 bytes). NULL: OpenSSL refuses. */
EVP_PKEY *tls_provider_key(OSSL_LIB_CTX *libctx, EVP_PKEY *public_half, struct slice key_name,
	const struct tls_signer *signer);

#endif
