/*
 * flags.h - message flags (RFC 9051 2.3.2) as clients write them.
 *
 * System flags are bits; keywords are kept as written (they are compared without case). Any other
 * \Flag is refused.
 */
#ifndef WIRE_IMAP_FLAGS_H
#define WIRE_IMAP_FLAGS_H

#include "wire/imap/lex.h"

enum {
	IMAP_SEEN = 1,
	IMAP_ANSWERED = 2,
	IMAP_FLAGGED = 4,
	IMAP_DELETED = 8,
	IMAP_DRAFT = 16,
};

struct imap_flags {
	unsigned system;
	bool has_recent; /* \Recent was there, which clients may not set */
	struct slice *keywords;
	size_t keywords_n;
};

/* imap_flags_parse - "(\Seen Foo)", or without parentheses up to the end of the command. */
MUST_CHECK int imap_flags_parse(struct imap_lex *lx, struct imap_flags *out, struct err *err);

/* imap_flag_name - the name of the lowest bit of a mask: "\Seen". */
struct slice imap_flag_name(unsigned mask);

#endif
