/*
 * target.h - where a domain wants its reports: the addresses in its record, and whether those in
 * other domains want them (RFC 7489 7.1, RFC 9990 4; RFC 8460 3).
 *
 * Does:   asks the view as often as it has questions. An address of another organisation counts
 *         only if DOMAIN._report._dmarc.TARGET says so; reports about TLS go to whomever the record
 *         names.
 * Bounds: TARGETS_MAX addresses; further ones get nothing.
 */
#ifndef REPORT_TARGET_H
#define REPORT_TARGET_H

#include "wire/dns/dns.h"

enum { TARGETS_MAX = 8, TARGET_TEXT_MAX = 500 };

struct target {
	struct slice address; /* of mail; empty: */
	struct slice url;     /* HTTPS, for reports about TLS */
	uint64_t bytes_max;   /* of the report as it travels; 0: no bound */
};

struct targets {
	struct target list[TARGETS_MAX];
	size_t n;
	bool is_failed; /* something could not be looked up now */
};

/* targets_of_dmarc - rua of the record found at that domain; false: the view has questions. */
bool targets_of_dmarc(
	struct slice domain, struct slice rua, struct dns_view *view, struct targets *out);
/* targets_of_tls - the record is looked for, too. */
bool targets_of_tls(struct slice domain, struct dns_view *view, struct targets *out);

#endif
