/*
 * trace.h - the lines that delivery puts on top of a message.
 *
 * Writes: RFC 5321 4.4 (Return-Path, Received), RFC 3848 and 6531 4.3 (the "with" keywords).
 */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buf.h"

struct mail_trace {
	struct slice sender;    /* of the envelope; empty: the null path */
	struct slice helo;      /* what the client called itself */
	struct slice peer;      /* its address; empty: a local client */
	struct slice host_name; /* ours */
	struct slice id;        /* of this transaction, as the log has it */
	struct slice recipient; /* empty where there are several */
	const char *tls;        /* "TLSv1.3", or NULL */
	const char *cipher;
	bool is_lmtp, is_extended, is_utf8, is_authenticated;
};

/* mail_trace_put - Return-Path, then Received. Returns the bytes of the first, which mail on its
 * way elsewhere must not have (RFC 5321 4.4). */
size_t mail_trace_put(struct buf *out, const struct mail_trace *trace);

/* What a header says of its way, as it passes: the number of Received lines (RFC 5321 6.3), and
 * "TLS-Required: No" (RFC 8689 3). */
enum { MAIL_HOPS_MAX = 100, MAIL_HOPS_LINE = 40 };
struct mail_hops {
	unsigned count;
	bool is_tls_optional;
	/* the module's own: the front of the line, and whether the field is TLS-Required so far */
	char line[MAIL_HOPS_LINE];
	size_t n;
	bool is_tls_field, is_over;
};
void mail_hops_feed(struct mail_hops *hops, struct slice bytes);

#endif
