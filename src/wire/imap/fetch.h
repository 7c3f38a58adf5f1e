/*
 * fetch.h - the arguments of FETCH (RFC 9051 6.4.5, RFC 3501, RFC 3516, RFC 7162 3.1.4, RFC 8474).
 */
#ifndef WIRE_IMAP_FETCH_H
#define WIRE_IMAP_FETCH_H

#include "wire/imap/set.h"

enum imap_item {
	IMAP_ITEM_UID = 1 << 0,
	IMAP_ITEM_FLAGS = 1 << 1,
	IMAP_ITEM_INTERNALDATE = 1 << 2,
	IMAP_ITEM_SIZE = 1 << 3,
	IMAP_ITEM_ENVELOPE = 1 << 4,
	IMAP_ITEM_BODY = 1 << 5, /* BODYSTRUCTURE without its extension data */
	IMAP_ITEM_BODYSTRUCTURE = 1 << 6,
	IMAP_ITEM_MODSEQ = 1 << 7,
	IMAP_ITEM_EMAILID = 1 << 8,
	IMAP_ITEM_THREADID = 1 << 9,
};

enum imap_section_text {
	IMAP_TEXT_ALL, /* the part itself, or the whole message */
	IMAP_TEXT_HEADER,
	IMAP_TEXT_FIELDS,
	IMAP_TEXT_FIELDS_NOT,
	IMAP_TEXT_TEXT,
	IMAP_TEXT_MIME,
};

enum imap_section_kind {
	IMAP_SECTION_BODY,
	IMAP_SECTION_BINARY,
	IMAP_SECTION_BINARY_SIZE,
};

enum { IMAP_PART_DEPTH_MAX = 64 };

struct imap_section {
	enum imap_section_kind kind;
	enum imap_section_text text;
	struct slice label; /* how it is named in the reply, without <partial>: "BODY[1.MIME]" */
	bool is_peek, has_partial;
	uint64_t offset, length; /* <offset.length> */
	uint32_t *part;          /* {1, 2} is part 1.2; none: the message */
	size_t part_n;
	struct slice *fields; /* header field names as written */
	size_t fields_n;
};

struct imap_fetch {
	struct imap_set set;
	unsigned items; /* of enum imap_item */
	struct imap_section *sections;
	size_t sections_n;
	bool has_changed_since;
	uint64_t changed_since;
};

/* imap_fetch_parse - from the space after FETCH to the end of the command. */
MUST_CHECK int imap_fetch_parse(struct imap_lex *lx, struct imap_fetch *out, struct err *err);

#endif
