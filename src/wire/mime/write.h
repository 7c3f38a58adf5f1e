/*
 * write.h - making a message: header fields and bodies in forms that everybody reads.
 *
 * Writes: RFC 5322 (fields, folded), RFC 2047 (encoded words), RFC 2231 (parameters), RFC 2045 6.7
 *         and 6.8 (quoted-printable, base64). Lines end in CRLF and are at most 76 bytes long,
 *         except for a single word or address that is longer.
 * Does:   values are one-line UTF-8 from people: control bytes in them become spaces, so that no
 *         value can begin a field of its own. What is not UTF-8 becomes U+FFFD.
 * Bounds: the buffer's maximum; output is a small multiple of the input.
 */
#ifndef WIRE_MIME_WRITE_H
#define WIRE_MIME_WRITE_H

#include "wire/mime/header.h"

/* mime_write_text - an unstructured field such as Subject. */
void mime_write_text(struct buf *out, const char *name, struct slice value);
/* mime_write_words - a field of words that are kept as they are: message ids, dates, types. */
void mime_write_words(struct buf *out, const char *name, struct slice value);
/* mime_write_addresses - To, Cc and so on from a parsed list; nothing is written for an empty one.
 * Groups are written as their members. */
void mime_write_addresses(struct buf *out, const char *name, const struct mime_address *list);

/* mime_write_address - `Name <local@domain>` or the bare address; no line breaks. */
void mime_write_address(
	struct buf *out, struct slice name, struct slice mailbox, struct slice domain);
/* mime_write_addr_spec - local@domain, the local part quoted if it has to be. */
void mime_write_addr_spec(struct buf *out, struct slice mailbox, struct slice domain);

/* mime_write_date - "Sun, 22 Nov 2026 01:13:56 +0000" (RFC 5322 3.3). */
void mime_write_date(struct buf *out, int64_t wall_s);
/* mime_write_id - a new message id with its angle brackets (RFC 5322 3.6.4). */
void mime_write_id(struct buf *out, struct slice host_name);

/* mime_write_param - `; name="value"`, or its extended form, on a line of its own. */
void mime_write_param(struct buf *out, const char *name, struct slice value);

/* mime_write_qp - a text as quoted-printable; any line end becomes CRLF, and the text ends in one.
 */
void mime_write_qp(struct buf *out, struct slice text);

/* Base64 in lines, as the bytes come. Zeroed to begin. */
struct mime_base64 {
	char held[57];
	size_t n;
};
void mime_base64_feed(struct mime_base64 *b, struct slice bytes, struct buf *out);
void mime_base64_finish(struct mime_base64 *b, struct buf *out);

#endif
