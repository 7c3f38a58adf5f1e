/*
 * spf.h - may this address send mail of this domain?
 *
 * Reads:  RFC 7208: the whole record language with macros and explanations.
 * Does:   spf_check() as often as the view has questions; it starts from the top each time and asks
 *         for what it can see that it will need.
 * Bounds: SPF_LOOKUPS_MAX terms that ask the DNS, SPF_VOID_MAX answers that were empty,
 *         SPF_HOSTS_MAX names of one mx or ptr (RFC 7208 4.6.4). Beyond: permerror.
 */
#ifndef MAILAUTH_SPF_H
#define MAILAUTH_SPF_H

#include "base/ip.h"
#include "mailauth/result.h"
#include "wire/dns/dns.h"

enum { SPF_LOOKUPS_MAX = 10, SPF_VOID_MAX = 2, SPF_HOSTS_MAX = 10, SPF_EXPLANATION_MAX = 500 };

struct spf_request {
	struct ip ip;
	struct slice helo;                        /* as the client said it */
	struct slice sender_local, sender_domain; /* of MAIL FROM; both empty: the null path */
	struct slice receiver;                    /* our name, for explanations */
	int64_t now;
};

struct spf_outcome {
	enum auth_result result;
	bool is_helo;             /* the null path: HELO's name was checked */
	struct slice domain;      /* what was checked */
	struct slice explanation; /* the domain's own words for a fail: ASCII, or empty */
	const char *problem;      /* of an error, or NULL */
};

/* spf_check - false: the view has questions. Slices point into the request and the view's arena. */
bool spf_check(const struct spf_request *request, struct dns_view *view, struct spf_outcome *out);

#endif
