/*
 * flags.h - flags of a message outside of IMAP: header fields of an mbox (Status, X-Status,
 * X-Keywords, X-Mozilla-Status, X-Mozilla-Keys).
 *
 * Bounds: the first 256 KiB of a header, FLAGS_KEYWORDS_MAX keywords.
 * Pure functions; keywords point into the message.
 */
#ifndef TRANSFER_FLAGS_H
#define TRANSFER_FLAGS_H

#include "base/buf.h"
#include "wire/imap/flags.h"

enum { FLAGS_KEYWORDS_MAX = 56, FLAGS_HEADER_MAX = 256 << 10 };

struct transfer_flags {
	unsigned system; /* IMAP_SEEN and so on */
	struct slice keywords[FLAGS_KEYWORDS_MAX];
	size_t keywords_n;
	bool is_gone; /* deleted in a program that keeps it in the file for a while */
};

/* flags_read - what the header's fields say. */
void flags_read(struct slice raw, struct transfer_flags *out);
/* flags_add - a keyword, once; one that cannot be one in IMAP is left out. */
void flags_add(struct transfer_flags *flags, struct slice keyword);

#endif
