/* certify_internal.h - what the two parts of certify.h share. */
#ifndef KEEPER_CERTIFY_INTERNAL_H
#define KEEPER_CERTIFY_INTERNAL_H

#include <openssl/evp.h>

/* In the keeper's directory: name and key of an account with the CA, a line each. */
#define CERTIFY_BINDING "acme-binding"

void pkey_auto(EVP_PKEY **pkey); /* for AUTO() */

#endif
