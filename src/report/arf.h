/*
 * arf.h - a feedback report: what a receiver tells of one message, that somebody complained about
 * it or that it failed DMARC.
 *
 * Reads:  the fields of message/feedback-report: RFC 5965 3, RFC 6591 3, RFC 9991 4, and the header
 *         of the message that it is about.
 * Writes: the same fields for a message that failed DMARC, and what of its header may be told.
 * Does:   nothing is believed here; origin.h says what is proven.
 * Bounds: ARF_FIELDS_BYTES_MAX of fields, FEEDBACK_TEXT_MAX of a text (cut).
 * Errors: -ERR_SYNTAX (no such report), -ERR_TOOBIG.
 *
 * Texts are ASCII, without control characters. Pure functions.
 */
#ifndef REPORT_ARF_H
#define REPORT_ARF_H

#include "base/arena.h"
#include "base/buf.h"

enum { ARF_FIELDS_BYTES_MAX = 64 << 10, ARF_HEADER_MAX = 32 << 10 };

/* Empty: not told. Addresses are without brackets. */
struct arf {
	struct slice type;               /* "abuse", "fraud", "auth-failure", … in lower case */
	struct slice mail_from, rcpt_to; /* of the envelope */
	struct slice source;             /* the address that it came from */
	struct slice domain;             /* that is reported */
	struct slice arrival;            /* as it was written */
	/* Of auth-failure: */
	struct slice failure; /* "dmarc", "spf", "signature", "bodyhash", … */
	struct slice result;  /* "delivered", "spam", "policy", "reject", "other" */
	struct slice
		alignment;    /* which of dkim and spf failed for the author's domain, or "none" */
	struct slice results; /* Authentication-Results */
	struct slice dkim_domain, dkim_identity, dkim_selector, spf_dns;
	uint64_t incidents; /* how many of the same kind; at least 1 */
};

/* arf_is_complaint - somebody wants no such mail, rather than that it is wanted after all. */
bool arf_is_complaint(const struct arf *arf);
bool arf_is_failure(const struct arf *arf);

/* arf_read - slices point into the arena. */
MUST_CHECK int arf_read(struct slice fields, struct arena *arena, struct arf *out, struct err *err);
/* arf_write - the fields of a report of a failure, but how often. */
void arf_write(const struct arf *arf, struct buf *out);

/* The message that a report is about, by its header: empty if it does not say. */
struct arf_message {
	struct slice author, id, sender, subject; /* sender: of Return-Path */
};
/* arf_message_read - the first of each field. */
void arf_message_read(struct slice header, struct arena *arena, struct arf_message *out);

/* arf_put_header - append the fields that tell what a message claims to be, not to whom it went;
 * cut at ARF_HEADER_MAX. */
void arf_put_header(struct slice header, struct buf *out);

#endif
