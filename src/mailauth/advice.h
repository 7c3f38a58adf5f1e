/*
 * advice.h - which records of the DNS a mail domain of ours lacks or has wrong, and the right ones.
 *
 * Reads:  MX, SPF (evaluated for our own addresses), DKIM, DMARC, MTA-STS (RFC 8461 3.1), TLSRPT
 * (RFC 8460 3), TLSA for our host (RFC 7672), SRV (RFC 6186), autoconfig and autodiscover. Does:
 * advice_run() as often as the view has questions. Bounds: ADVICE_ROWS_MAX; further keys are not
 * looked at.
 */
#ifndef MAILAUTH_ADVICE_H
#define MAILAUTH_ADVICE_H

#include "base/buf.h"
#include "wire/dns/dns.h"

enum { ADVICE_ROWS_MAX = 64, ADVICE_KEYS_MAX = 16, ADVICE_CERTIFICATES_MAX = 8 };

enum advice_state {
	ADVICE_OK,
	ADVICE_MISSING,
	ADVICE_WRONG,
	ADVICE_UNKNOWN,  /* could not be looked up */
	ADVICE_OPTIONAL, /* missing, and mail goes without it */
};

const char *advice_state_name(enum advice_state state);

struct advice_key {
	struct slice name, value; /* of its record */
};

struct advice_request {
	struct slice domain, host; /* host: where our server is reached */
	struct slice home;         /* where reports are taken by HTTPS; empty: they are not */
	struct slice sts_id;       /* of the domain's policy (RFC 8461 3.1) */
	struct advice_key keys[ADVICE_KEYS_MAX];
	size_t keys_n;
	struct slice
		certificates[ADVICE_CERTIFICATES_MAX]; /* SHA-256 of public keys, hexadecimal */
	size_t certificates_n;
};

struct advice_row {
	const char *what, *type;
	enum advice_state state;
	struct slice name, found, wanted; /* found may be empty; wanted: as in a zone file */
};

struct advice {
	struct advice_row rows[ADVICE_ROWS_MAX];
	size_t n;
};

/* advice_run - false: the view has questions. Slices point into the view's arena. */
bool advice_run(const struct advice_request *request, struct dns_view *view, struct advice *out);

#endif
