/*
 * dmarc.h - does the domain in From stand behind the message, and what does it want done if not?
 *
 * Reads:  RFC 9989 (tree walk, psd, np, t) with what RFC 7489 had and is still published: pct, ri.
 * Does:   dmarc_check() as often as the view has questions. A domain's organisation is found by the
 *         walk. A public suffix (by the list) is an organisation only if its record says so.
 * Bounds: 8 names a walk; only domains that can be aligned are walked up.
 */
#ifndef MAILAUTH_DMARC_H
#define MAILAUTH_DMARC_H

#include "mailauth/dkim.h"
#include "mailauth/spf.h"

enum { DMARC_WALK_MAX = 8 };

enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

const char *dmarc_policy_name(enum dmarc_policy policy);

struct dmarc_record {
	enum dmarc_policy policy, below, missing; /* p, sp, np */
	bool has_missing;
	bool is_void; /* no policy that can be read, and no reports wanted */
	bool is_dkim_strict, is_spf_strict;
	bool is_testing;
	unsigned percent;
	char psd;           /* 'y', 'n', 'u' */
	int64_t interval_s; /* ri of RFC 7489: how often reports are wanted */
	struct slice rua;   /* addresses for aggregate reports, as written; may be empty */
	struct slice ruf;   /* the same for reports of failures */
	/* fo: which failures are told: where nothing is good (0), where anything is not (1). */
	bool tells_whole, tells_any;
};

/* dmarc_record_read - false if it is no record of DMARC. */
bool dmarc_record_read(struct slice text, struct dmarc_record *out);

struct dmarc_request {
	struct slice author; /* the domain in From, in normal form */
	const struct spf_outcome *spf;
	const struct dkim *dkim;
	unsigned sample; /* 0 to 99, at random: for pct */
};

struct dmarc_outcome {
	enum auth_result result;  /* none: the domain has no record */
	enum dmarc_policy policy; /* what is published for this domain */
	enum dmarc_policy wanted; /* what is to be done with this message if it fails */
	bool is_spf_aligned, is_dkim_aligned;
	struct slice author, found_at; /* the domain whose record it is */
	struct dmarc_record record;
	const char *override; /* why wanted is less than the record says; NULL: it is not */
};

/* dmarc_check - after SPF and DKIM; false: the view has questions. */
bool dmarc_check(
	const struct dmarc_request *request, struct dns_view *view, struct dmarc_outcome *out);

#endif
