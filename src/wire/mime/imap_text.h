/*
 * imap_text.h - ENVELOPE, BODY and BODYSTRUCTURE as text; RFC 9051 7.5.2. Private to this room.
 */
#ifndef WIRE_MIME_IMAP_TEXT_H
#define WIRE_MIME_IMAP_TEXT_H

#include "wire/mime/part.h"

struct imap_text {
	struct buf *out;
	struct arena scratch;
	size_t addresses_left; /* of MIME_ENVELOPE_ADDRESSES_MAX */
};

/* imap_text_nstring - a string, or NIL if ptr is NULL. Line ends and NULs are left out. */
void imap_text_nstring(struct buf *out, struct slice s);

/* imap_text_envelope - of a part that is a message. */
void imap_text_envelope(struct imap_text *text, const struct mime_part *message);

/* imap_text_body - BODYSTRUCTURE of a part and all in it, or BODY if not extensible. */
void imap_text_body(struct imap_text *text, const struct mime_part *part, bool is_extensible);

#endif
