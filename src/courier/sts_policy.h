/*
 * sts_policy.h - what a domain says of TLS to its hosts: MTA-STS, as who sends mail there reads it.
 *
 * Reads:  RFC 8461 3.1 (the TXT record), 3.2 (the policy), 4.1 (which hosts fit it).
 * Does:   no I/O, no copies: results point into what was given.
 * Bounds: STS_*; linear.
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG: then there is no policy.
 */
#ifndef COURIER_STS_POLICY_H
#define COURIER_STS_POLICY_H

#include "base/err.h"
#include "base/slice.h"

enum {
	STS_TEXT_MAX = 64 << 10, /* RFC 8461 3.3 */
	STS_MX_MAX = 200,
	STS_ID_MAX = 32,
	STS_AGE_MAX_S = 31557600, /* a year; what is more counts as this */
};

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };
/* sts_mode_name - "enforce". */
const char *sts_mode_name(enum sts_mode mode);

struct sts_policy {
	enum sts_mode mode;
	int64_t max_age_s;
	struct slice mx[STS_MX_MAX]; /* "mx.example", "*.example" */
	size_t mx_n;
};

MUST_CHECK int sts_policy_parse(struct slice text, struct sts_policy *out, struct err *err);
/* sts_policy_fits - the host is one of those it names. */
bool sts_policy_fits(const struct sts_policy *policy, struct slice host);

/* sts_record_is - a TXT record that is meant for this. sts_record_id - the id in it; empty: it is
 * not as it must be. */
bool sts_record_is(struct slice record);
struct slice sts_record_id(struct slice record);

/* sts_is_host - letters, digits, "-" and "_" in labels with dots between: nothing else has a place
 * in a policy, or in the URL that it is fetched from. */
bool sts_is_host(struct slice text);

#endif
