/*
 * addr.h - a mail address as SMTP writes it, and its normal form.
 *
 * Reads:  RFC 5321 4.1.2 and 4.1.3 (mailbox, quoted local parts, address literals), RFC 6531 3.3
 *         (UTF-8 in both halves), RFC 5890 by libidn2 (international domain names).
 * Does:   the domain is lower-cased and becomes A-labels ("xn--"), so that each domain has one
 *         spelling; the local part keeps its bytes, without quotes and backslashes. `text` is the
 *         address written back, quoted only where it must be.
 * Not:    no lookup of any kind, no comments or display names (those are of header fields).
 * Bounds: SMTP_LOCAL_MAX, SMTP_DOMAIN_MAX; a "_" in a domain is let pass, as everybody does.
 * Errors: -ERR_SYNTAX, -ERR_TOOBIG (too long, or the arena is full). Memory is the arena's.
 */
#ifndef WIRE_SMTP_ADDR_H
#define WIRE_SMTP_ADDR_H

#include "base/arena.h"
#include "base/err.h"

/* RFC 5321 4.5.3.1 asks for 64 and 255 at least; return paths of lists need more than 64. */
enum { SMTP_LOCAL_MAX = 256, SMTP_DOMAIN_MAX = 253, SMTP_LABEL_MAX = 63 };

struct smtp_addr {
	struct slice text;   /* local@domain; empty for the null path */
	struct slice local;  /* without quoting */
	struct slice domain; /* lower case, A-labels, or "[192.0.2.1]"; empty for <postmaster> */
	bool has_utf8;       /* as it was sent: not ASCII, so it needs SMTPUTF8 */
};

/* smtp_addr_parse - the whole of text as local@domain, without angle brackets. */
MUST_CHECK int smtp_addr_parse(
	struct slice text, struct arena *arena, struct smtp_addr *addr_out, struct err *err);

/* smtp_addr_local_len - how many bytes at the front of text are a local part, quoting included;
 * 0 if there is none. What follows (an "@", if all is well) is the caller's. */
size_t smtp_addr_local_len(struct slice text);

/* smtp_addr_bare - an address without a domain, for <postmaster> (RFC 5321 4.5.1). */
MUST_CHECK int smtp_addr_bare(
	struct slice local, struct arena *arena, struct smtp_addr *addr_out, struct err *err);

/* smtp_addr_make - from the halves as a header field has them: local without quoting. */
MUST_CHECK int smtp_addr_make(struct slice local, struct slice domain, struct arena *arena,
	struct smtp_addr *addr_out, struct err *err);

/* smtp_domain_parse - only the domain or address literal, in normal form. */
MUST_CHECK int smtp_domain_parse(
	struct slice text, struct arena *arena, struct slice *domain_out, struct err *err);

#endif
