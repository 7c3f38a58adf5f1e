/*
 * write.h - what responses are made of (RFC 9051 9): strings, flags, and the one table from error
 * codes to response codes (RFC 5530). Everything is appended to a buf; its sticky error counts.
 */
#ifndef WIRE_IMAP_WRITE_H
#define WIRE_IMAP_WRITE_H

#include "base/buf.h"

/* imap_write_string - quoted if short and plain (is_utf8: UTF-8 may be quoted), else a literal. */
void imap_write_string(struct buf *out, struct slice s, bool is_utf8);
/* imap_write_astring - as it is if it is an atom, else as a string. */
void imap_write_astring(struct buf *out, struct slice s, bool is_utf8);
/* imap_write_literal - "{size}" CRLF; the caller sends the bytes. binary: "~{size}". */
void imap_write_literal(struct buf *out, uint64_t size, bool is_binary);
/* imap_write_flags - the system flags of the mask (wire/imap/flags.h) and \Recent, separated by
 * spaces, without parentheses; true if anything was written. */
bool imap_write_flags(struct buf *out, unsigned system, bool is_recent);

/* What a failed command is answered with. */
struct imap_refusal {
	const char *status; /* "NO" or "BAD" */
	const char *code;   /* "OVERQUOTA"; NULL: none */
};
const struct imap_refusal *imap_refusal(enum err_code code);

/* imap_write_text - human-readable text: control and non-ASCII bytes become "?". */
void imap_write_text(struct buf *out, struct slice text);

#endif
