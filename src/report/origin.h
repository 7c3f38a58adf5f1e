/*
 * origin.h - is this the header of a message that we sent? Proven by a DKIM signature of ours over
 * it, or by the mark in its envelope's sender.
 *
 * Reads:  RFC 6376, of the header alone: a report often has no more, and whose message it is does
 *         not depend on the body. BATV and SRS by mailauth/return_path.h.
 * Does:   origin_check() as often as the view has questions; only keys of domains of ours are asked
 *         for.
 * Bounds: those of mailauth/fields.h and mailauth/dkim.h; a header beyond them proves nothing.
 *
 * One owner at a time.
 */
#ifndef REPORT_ORIGIN_H
#define REPORT_ORIGIN_H

#include "mailauth/dkim.h"
#include "mailauth/return_path.h"

struct origin {
	struct fields fields;
	struct bodies bodies;
	struct dkim dkim;
};

typedef bool origin_ours_fn(void *context, struct slice domain);

/* origin_read - the header lives as long as the origin. origin_done - also after a failure. */
void origin_read(struct origin *origin, struct slice header, int64_t now_s, struct arena *arena,
	origin_ours_fn *is_ours, void *context);
void origin_done(struct origin *origin);

/* origin_check - false: the view has questions. origin_signer - after that: the domain of ours
 * whose signature is good; empty: none is. */
bool origin_check(struct origin *origin, struct dns_view *view);
struct slice origin_signer(const struct origin *origin);

enum origin_path {
	ORIGIN_UNKNOWN,
	ORIGIN_SENT,      /* by a user here, whose address *out is */
	ORIGIN_FORWARDED, /* through here, from that address elsewhere */
};
/* origin_path_of - what an envelope's sender proves. A mark that has expired still does: complaints
 * come late. */
enum origin_path origin_path_of(const struct return_keys *keys, struct slice sender, int64_t now_s,
	struct arena *arena, struct slice *out);

#endif
