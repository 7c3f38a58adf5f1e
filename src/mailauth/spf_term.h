/*
 * spf_term.h - one term of an SPF record (RFC 7208 4.6.1, 5, 6, 12). For this room only. Pure.
 */
#ifndef MAILAUTH_SPF_TERM_H
#define MAILAUTH_SPF_TERM_H

#include "mailauth/result.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_OTHER, /* a modifier that nobody knows */
};

struct spf_term {
	enum spf_kind kind;
	enum auth_result qualifier; /* what a match means */
	struct slice
		domain; /* a domain-spec, or an address for SPF_IP4 and SPF_IP6; may be empty */
	unsigned bits4, bits6;
};

/* spf_term_next - the next term of what follows "v=spf1"; false at the end. *is_good_out: it is as
 * the grammar says. */
bool spf_term_next(struct slice *rest, struct spf_term *out, bool *is_good_out);

/* spf_term_asks - it counts towards SPF_LOOKUPS_MAX. */
bool spf_term_asks(enum spf_kind kind);

/* spf_macro_is_good - is_spec: a domain-spec, which ends as a domain does; else any text of an
 * explanation. */
bool spf_macro_is_good(struct slice text, bool is_spec);

#endif
