/*
 * certificate.h - what is signed with a certificate's key before a CA knows it: certificates of our
 * own, for us and for a CA's question, and requests. Pure but for time and random numbers.
 */
#ifndef KEEPER_CERTIFICATE_H
#define KEEPER_CERTIFICATE_H

#include <openssl/evp.h>

#include "base/buf.h"

enum { CERTIFICATE_DIGEST_LEN = 32 };

/* certificate_make - for DNS names and IP addresses, of which there is at least one; appended as
 * PEM. -ERR_SYNTAX: one is neither. */
MUST_CHECK int certificate_make(EVP_PKEY *pkey, const struct slice *names, size_t n, unsigned days,
	struct buf *out, struct err *err);

/* certificate_answer - that of RFC 8737 3: for one DNS name, with the SHA-256 of the key
 * authorization; appended as PEM. */
MUST_CHECK int certificate_answer(EVP_PKEY *pkey, struct slice host,
	const unsigned char digest[CERTIFICATE_DIGEST_LEN], struct buf *out, struct err *err);

/* certificate_request - for DNS names (RFC 2986, RFC 8555 7.4); appended as DER. */
MUST_CHECK int certificate_request(
	EVP_PKEY *pkey, const struct slice *names, size_t n, struct buf *out, struct err *err);

#endif
