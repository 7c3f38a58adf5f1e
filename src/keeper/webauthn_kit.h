/* webauthn_kit.h - for tests: an authenticator, and the browser around it. */
#ifndef KEEPER_WEBAUTHN_KIT_H
#define KEEPER_WEBAUTHN_KIT_H

#include <openssl/evp.h>

#include "keeper/webauthn.h"

struct kit {
	EVP_PKEY *pkey;
	int algorithm;
	unsigned char id[32];
	uint32_t count;
	/* What the browser says; changed by those who lie. */
	const char *party, *origin;
	bool is_cross_origin, is_untouched, is_unverified, is_packed;
};

/* kit_make - a key of that algorithm for "example.org". */
void kit_make(struct kit *kit, int algorithm);
void kit_done(struct kit *kit);
/* kit_create, kit_get - the browser's answer as JSON. user may be empty. */
void kit_create(struct kit *kit, struct slice challenge, struct buf *json);
void kit_get(struct kit *kit, struct slice challenge, struct slice user, struct buf *json);

#endif
