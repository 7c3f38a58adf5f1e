/*
 * acme.h - one CA, asked for certificates (RFC 8555; RFC 8737 for TLS-ALPN-01).
 *
 * A struct acme is a conversation: the directory, a nonce, an account. It signs nothing: each
 * message goes to the keeper first. Nothing here changes a certificate in use; whoever gets a chain
 * gives it to the keeper. Used by one thread.
 *
 * Errors: -ERR_BUSY (the CA is away, or asks to come again later), -ERR_QUOTA (it says that we ask
 * too often; retry_after_s), -ERR_DENIED (it refuses, err has its words), -ERR_IO (its answers
 * make no sense), others as they come from keeper and DNS.
 */
#ifndef COURIER_ACME_H
#define COURIER_ACME_H

#include "courier/fetch.h"
#include "keeper/courier.h"

enum {
	ACME_URL_MAX = 1000,
	ACME_WAIT_MS = 300000,
	ACME_BODY_MAX = 256 << 10,
	ACME_RETRY_AFTER_MAX_S = 7 * 86400
};

/* An account, as it is kept between conversations. */
struct acme_account {
	char key[KEEPER_NAME_MAX + 1]; /* the keeper's name for it; empty: no account yet */
	char url[ACME_URL_MAX + 1];    /* its "kid"; empty: not registered */
};

enum acme_challenge { ACME_HTTP_01, ACME_TLS_ALPN_01 };

/* What the CA shall find when it looks, and when no more. */
struct acme_answer {
	enum acme_challenge kind;
	struct slice order, key; /* of acme_issue() */
	struct slice host, token;
	struct slice text; /* the key authorization */
};

struct acme_config {
	struct fetch *fetch;
	const char *keeper; /* path of its socket */
	struct slice directory, contact;
	enum acme_challenge challenge; /* the kind that is tried first */
	/* publish - every server must know the answer when it returns. */
	int (*publish)(void *context, const struct acme_answer *answer, struct err *err);
	void (*withdraw)(void *context, struct slice host);
	/* pause - false: the process shall end. */
	bool (*pause)(void *context, int64_t ms);
	/* In how many seconds the CA wants to be asked again, by its last answer; 0: it did not
	 * say. Kept up to date also by calls that fail. */
	int64_t *retry_after_s;
	void *context;
};

struct acme;

/* acme_open - read the directory, and register where the account is not yet. The account is changed
 * in place: to be kept also if an error is returned. */
MUST_CHECK int acme_open(const struct acme_config *config, struct acme_account *account,
	struct acme **out, struct err *err);
void acme_close(struct acme **acme);

/*
 * acme_issue - a certificate for the hosts of an order of the keeper's. key is the name of the key
 * that an earlier try made, and is changed to the one used. chain_out gets PEM.
 */
MUST_CHECK int acme_issue(struct acme *acme, struct slice order, const struct slice *hosts,
	size_t n, char key[KEEPER_NAME_MAX + 1], struct buf *chain_out, struct err *err);

/* acme_roll - a new key for the account (RFC 8555 7.3.5). */
MUST_CHECK int acme_roll(struct acme *acme, struct err *err);
/* acme_revoke - RFC 8555 7.6: the certificate (DER) that was replaced because its key may be known.
 */
MUST_CHECK int acme_revoke(struct acme *acme, struct slice certificate, struct err *err);

#endif
