/*
 * feedback.h - an aggregate report of DMARC as XML: what one receiver saw of a domain's mail in a
 * period, by source.
 *
 * Reads:  RFC 7489 Appendix C and RFC 9990, whatever the namespace and the order of elements.
 * Writes: RFC 9990; what mattered before (pct) is not told.
 * Does:   reading goes by libxml2's reader: no network, no entities; a document type is refused.
 * Bounds: FEEDBACK_BYTES_MAX of XML, FEEDBACK_ROWS_MAX records read (more are summed),
 *         FEEDBACK_DKIM_MAX signatures of a record, FEEDBACK_TEXT_MAX of a text (cut).
 * Errors: -ERR_SYNTAX (no such report), -ERR_TOOBIG.
 *
 * Texts are ASCII, without control characters. Any thread; feedback_init() first, once.
 */
#ifndef REPORT_FEEDBACK_H
#define REPORT_FEEDBACK_H

#include "base/arena.h"
#include "base/buf.h"

enum {
	FEEDBACK_BYTES_MAX = 16 << 20,
	FEEDBACK_ROWS_MAX = 5000,
	FEEDBACK_DKIM_MAX = 6,
	FEEDBACK_TEXT_MAX = 320,
	FEEDBACK_ARENA_MAX = 64 << 20, /* enough for the largest report */
};

struct feedback_dkim {
	struct slice domain, selector, result;
};

/* What happened to mail of one kind; empty slices: not told. */
struct feedback_row {
	struct slice ip;
	uint64_t count;
	struct slice disposition; /* "none", "pass", "quarantine", "reject" */
	bool is_dkim_aligned, is_spf_aligned;
	struct slice reason, comment; /* why it is another one than published */
	struct slice header_from, envelope_from, envelope_to;
	struct feedback_dkim dkim[FEEDBACK_DKIM_MAX];
	size_t dkim_n;
	struct slice spf_domain, spf_result;
};

struct feedback {
	struct slice org, email, contact, id, problem;
	int64_t begin_s, end_s;
	struct slice domain, policy, below, missing; /* p, sp, np */
	bool is_dkim_strict, is_spf_strict, is_testing;
	struct feedback_row *rows;
	size_t rows_n;
	uint64_t beyond; /* messages of records that were too many; only read */
};

/* feedback_init - libxml2, before other threads are there and before the sandbox. */
void feedback_init(void);

MUST_CHECK int feedback_write(const struct feedback *feedback, struct buf *out, struct err *err);
/* feedback_read - slices point into the arena. */
MUST_CHECK int feedback_read(
	struct slice xml, struct arena *arena, struct feedback *out, struct err *err);

/* feedback_text - a copy that may stand in a report: cut, without control characters and what is
 * not ASCII. Empty if the arena is full. */
struct slice feedback_text(struct slice text, struct arena *arena);

#endif
