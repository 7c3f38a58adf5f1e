/*
 * tls.h - a report about TLS as JSON (RFC 8460 4): how a sender's connections to a domain's hosts
 * went in a day.
 *
 * Does:   reading. Writing is the sender's, which has the results as JSON already.
 * Bounds: TLS_REPORT_BYTES_MAX of JSON, of jansson's nesting, TLS_REPORT_POLICIES_MAX policies,
 *         TLS_REPORT_FAILURES_MAX kinds of failure of each (more are summed).
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG.
 *
 * Texts are ASCII, without control characters. Pure functions.
 */
#ifndef REPORT_TLS_H
#define REPORT_TLS_H

#include "base/arena.h"
#include "base/err.h"

enum {
	TLS_REPORT_BYTES_MAX = 1 << 20,
	TLS_REPORT_POLICIES_MAX = 64,
	TLS_REPORT_FAILURES_MAX = 500,
	TLS_REPORT_ARENA_MAX = 16 << 20,
};

struct tls_report_failure {
	struct slice result, host, source, reason; /* "certificate-expired"; MX; sending address */
	uint64_t count;
};

struct tls_report_policy {
	struct slice type, domain; /* "sts", "tlsa", "no-policy-found" */
	uint64_t good, failed;
	struct tls_report_failure *failures;
	size_t failures_n;
};

struct tls_report {
	struct slice org, contact, id;
	int64_t begin_s, end_s;
	struct tls_report_policy *policies;
	size_t policies_n;
};

/* tls_report_read - slices point into the arena. */
MUST_CHECK int tls_report_read(
	struct slice json, struct arena *arena, struct tls_report *out, struct err *err);

#endif
