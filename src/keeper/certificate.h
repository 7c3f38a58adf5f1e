/* certificate.h - self-signed certificates for a key that the keeper holds. Pure but for time. */
#ifndef KEEPER_CERTIFICATE_H
#define KEEPER_CERTIFICATE_H

#include <openssl/evp.h>

#include "base/buf.h"

/* certificate_make - for DNS names and IP addresses, of which there is at least one; appended as
 * PEM. -ERR_SYNTAX: one is neither. */
MUST_CHECK int certificate_make(EVP_PKEY *pkey, const struct slice *names, size_t n, unsigned days,
	struct buf *out, struct err *err);

#endif
