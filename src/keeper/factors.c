/* factors.c - see factors.h for the contract. */
#include "keeper/factors.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	PEOPLE_MAX = 20000,
	STRANGERS_MAX = 20000,
	TALLY_KEYS = 50000,
	WRONG_WINDOW_MS = 60 * 60 * 1000,
	ASKED_WINDOW_MS = 60 * 60 * 1000,
	HTTPS_PORT = 443,
};

static int derive(struct factors_keys *keys, const unsigned char *root, struct err *err)
{
	unsigned char *const all[] = {
		keys->mint, keys->seal, keys->scram, keys->user, keys->passkey};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (crypto_kdf_derive_from_key(all[i], FACTORS_KEY_LEN, i + 1, "factors ", root) !=
			0)
			return err_set(err, ERR_IO, "cannot derive a secret");
	}
	return 0;
}

/* The hosts of the web pages; a browser names the port unless it is the usual one. */
static void fill_party(struct factors *f, const struct factors_config *config)
{
	static const char *const hosts[FACTORS_ORIGINS_MAX] = {"www.", "m.", "ssl.", ""};
	char port[16] = "";

	snprintf(f->host, sizeof(f->host), "%.*s", SLICE_ARG(config->host));
	if (config->port != HTTPS_PORT)
		snprintf(port, sizeof(port), ":%u", config->port);
	for (size_t i = 0; i < FACTORS_ORIGINS_MAX; i++) {
		snprintf(f->origin_texts[i], sizeof(f->origin_texts[i]), "https://%s%s%s", hosts[i],
			f->host, port);
		f->origins[i] = slice_str(f->origin_texts[i]);
	}
	f->party = (struct webauthn_party){.id = slice_str(f->host),
		.name = slice_str(f->host),
		.origins = f->origins,
		.origins_n = FACTORS_ORIGINS_MAX};
}

int factors_new(const struct factors_config *config, struct factors **out, struct err *err)
{
	struct factors *f AUTO(factors_free) = mem_new(struct factors);
	int rc;

	pthread_mutex_init(&f->lock, NULL);
	tally_init(&f->wrong, WRONG_WINDOW_MS, TALLY_KEYS);
	tally_init(&f->asked, ASKED_WINDOW_MS, TALLY_KEYS);
	fill_party(f, config);
	f->scram_main_passwords = config->scram_main_passwords;
	f->people = pending_new(PEOPLE_MAX);
	f->strangers = pending_new(STRANGERS_MAX);
	f->sms = sms_new();
	f->keys = sodium_malloc(sizeof(*f->keys));
	if (!f->keys)
		return err_set(err, ERR_IO, "no memory that can be locked");
	rc = derive(f->keys, config->root, err);
	if (rc < 0)
		return rc;
	*out = f;
	f = NULL;
	return 0;
}

void factors_free(struct factors **factors)
{
	struct factors *f = *factors;

	if (!f)
		return;
	pending_free(&f->people);
	pending_free(&f->strangers);
	sms_free(&f->sms);
	tally_done(&f->wrong);
	tally_done(&f->asked);
	sodium_free(f->keys);
	pthread_mutex_destroy(&f->lock);
	free(f);
	*factors = NULL;
}

int factors_mac(const struct factors *f, enum mint_kind kind, struct slice text,
	unsigned char out[MINT_MAC_LEN], struct err *err)
{
	return mint_mac(kind, text, f->keys->mint, out, err);
}
