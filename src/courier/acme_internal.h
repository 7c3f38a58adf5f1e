/* acme_internal.h - a conversation with a CA; only for acme*.c. */
#ifndef COURIER_ACME_INTERNAL_H
#define COURIER_ACME_INTERNAL_H

#include <jansson.h>

#include "courier/acme.h"

struct acme {
	struct acme_config config;
	struct acme_account *account;
	char thumbprint[KEEPER_THUMBPRINT_MAX];
	char nonce[ACME_URL_MAX + 1]; /* empty: none is left */
	struct {
		char nonce[ACME_URL_MAX + 1], account[ACME_URL_MAX + 1], order[ACME_URL_MAX + 1],
			revoke[ACME_URL_MAX + 1], roll[ACME_URL_MAX + 1];
		bool wants_binding;
	} directory;
	struct fetch_reply reply; /* the last one */
};

/* acme_note_reply - its nonce, and when the CA wants to be asked again. */
void acme_note_reply(struct acme *acme);

/* A signed request. */
struct acme_post {
	const char *url;
	struct slice payload; /* JSON; empty: POST-as-GET */
	bool is_by_key;       /* signed by the key itself, not in the account's name */
	const char *roll_to;  /* a key's name: the payload is made by the keeper (7.3.5) */
};
/* acme_do - json_out (may be NULL) is the caller's; NULL where the reply has none. */
MUST_CHECK int acme_do(
	struct acme *acme, const struct acme_post *post, json_t **json_out, struct err *err);
/* acme_do_json - the payload is given away. */
MUST_CHECK int acme_do_json(
	struct acme *acme, const char *url, json_t *payload, json_t **json_out, struct err *err);
/* acme_text - a member that must be there and fit. */
MUST_CHECK int acme_text(
	const json_t *json, const char *name, char *out, size_t size, struct err *err);
int acme_senseless(struct err *err); /* -ERR_IO */
void acme_json_auto(json_t **json);

#endif
