/* webauthn_kit.h - for tests: an authenticator, and the browser around it. */
#ifndef KEEPER_WEBAUTHN_KIT_H
#define KEEPER_WEBAUTHN_KIT_H

#include <openssl/evp.h>

#include "keeper/webauthn.h"

struct webauthn_kit {
	EVP_PKEY *pkey;
	int algorithm;
	unsigned char id[32];
	uint32_t count;
	/* What the browser says; changed by those who lie. */
	const char *party, *origin;
	bool is_cross_origin, is_untouched, is_unverified, is_packed;
};

/* webauthn_kit_make - a key of that algorithm for "example.org". */
void webauthn_kit_make(struct webauthn_kit *kit, int algorithm);
void webauthn_kit_done(struct webauthn_kit *kit);
/* webauthn_kit_create, webauthn_kit_get - the browser's answer as JSON. user may be empty. */
void webauthn_kit_create(struct webauthn_kit *kit, struct slice challenge, struct buf *json);
void webauthn_kit_get(
	struct webauthn_kit *kit, struct slice challenge, struct slice user, struct buf *json);

#endif
