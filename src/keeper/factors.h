/*
 * factors.h - what second factors, recovery, tokens and SCRAM work with, in one place.
 *
 * Secrets are derived from the keeper's own: one for each purpose, so that no two purposes can be
 * played off against each other.
 */
#ifndef KEEPER_FACTORS_H
#define KEEPER_FACTORS_H

#include <pthread.h>

#include "keeper/mint.h"
#include "keeper/pending.h"
#include "keeper/sms.h"
#include "base/tally.h"
#include "keeper/webauthn.h"

enum {
	FACTORS_ORIGINS_MAX = 4,
	FACTORS_KEY_LEN = 32,
	FACTORS_WRONG_MAX = 20, /* wrong factors in an hour: of an account, or at one home */
};

struct factors_config {
	struct slice host; /* the primary host, "example.org"; its web is at www. and others */
	unsigned port;     /* of https, as browsers see it */
	const unsigned char *root; /* FACTORS_KEY_LEN bytes, the keeper's own secret (vault.h) */
	bool scram_main_passwords;
};

struct factors {
	struct webauthn_party party;
	struct slice origins[FACTORS_ORIGINS_MAX];
	char origin_texts[FACTORS_ORIGINS_MAX][300];
	char host[256];
	bool scram_main_passwords;
	struct factors_keys {
		unsigned char mint[FACTORS_KEY_LEN], seal[FACTORS_KEY_LEN], scram[FACTORS_KEY_LEN],
			user[FACTORS_KEY_LEN], passkey[FACTORS_KEY_LEN];
	} * keys;                  /* locked in memory */
	struct pending *people;    /* of those who gave a password or have a link */
	struct pending *strangers; /* of anybody */
	struct sms *sms;
	pthread_mutex_t lock; /* guards what is below */
	struct tally wrong;   /* by account, or by home */
	struct tally asked;   /* resets, by account and by network */
};

MUST_CHECK int factors_new(
	const struct factors_config *config, struct factors **out, struct err *err);
void factors_free(struct factors **factors);

/* factors_mac - of a generated secret, for its table. -ERR_DENIED: it is none. */
MUST_CHECK int factors_mac(const struct factors *f, enum mint_kind kind, struct slice text,
	unsigned char out[MINT_MAC_LEN], struct err *err);

#endif
