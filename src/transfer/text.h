/*
 * text.h - a message as a file has it, read as mail is: lines end in CRLF.
 *
 * Does:   in one pass, piece by piece, what struct text says; everything else stays as it is. Work
 * is linear, also for lines without an end. Pure functions; the bytes must live as long as the text
 * is read.
 */
#ifndef TRANSFER_TEXT_H
#define TRANSFER_TEXT_H

#include "base/buf.h"

enum {
	TEXT_CRLF = 1,       /* LF alone becomes CRLF */
	TEXT_UNQUOTE = 2,    /* one ">" goes from ">From " and ">>From " at the start of a line */
	TEXT_OWN_FIELDS = 4, /* fields that belong to the mbox, not to the message, are left out */
};

struct text {
	struct slice rest;
	unsigned how;
	char last;                           /* byte before rest */
	bool is_body, is_inside, is_skipped; /* is_inside: of a line; is_skipped: of a field */
};

void text_open(struct text *text, struct slice raw, unsigned how);
/* text_pull - append about max bytes, some hundred at least; false: nothing is left. */
bool text_pull(struct text *text, struct buf *out, size_t max);

/* text_is_own_field - the line begins a field that mail programs keep in an mbox. */
bool text_is_own_field(struct slice line);

/* text_looks_like_mail - begins with a header that mail has. */
bool text_looks_like_mail(struct slice raw);

#endif
