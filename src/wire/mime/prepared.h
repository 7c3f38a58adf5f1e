/*
 * prepared.h - the form of the blob, which prepare.c writes and prepared.c reads; private.
 *
 *	byte    version
 *	byte    flags (MIME_PREPARED_*)
 *	varint  size of the message, size of its header
 *	varint  sent date and its zone in minutes, each as zigzag; only with HAS_DATE
 *	varint  lengths of envelope, bodystructure, body, fields; number of parts, length of the
 *index envelope, bodystructure, body, fields, index
 *
 * The index has one entry a part, a container directly before what is in it:
 *
 *	byte    kind, and MIME_ENTRY_* flags
 *	byte    encoding
 *	varint  where the header starts, length of the header, length of the body
 *	varint  number of the entries behind this one that are within it
 *	varint  length of the charset, and the charset; only with IS_TEXT
 *
 * varint is the one of base/encode.h. Another version's blob is thrown away and made again.
 */
#ifndef WIRE_MIME_PREPARED_H
#define WIRE_MIME_PREPARED_H

enum { MIME_PREPARED_VERSION = 1 };

enum {
	MIME_PREPARED_HAS_DATE = 1,
	MIME_PREPARED_HAS_BLANK = 2,
	MIME_PREPARED_HAS_ALL_FIELDS = 4,
	MIME_PREPARED_FLAGS_ALL = 7,
};

enum {
	MIME_ENTRY_KIND = 3,
	MIME_ENTRY_IS_TEXT = 4,
	MIME_ENTRY_IS_HTML = 8,
	MIME_ENTRY_IS_ATTACHMENT = 16,
	MIME_ENTRY_ALL = 31,
};

#endif
