/*
 * part.h - from a header block to what a part says of itself; private to this room.
 */
#ifndef WIRE_MIME_PART_H
#define WIRE_MIME_PART_H

#include "wire/mime/mime.h"

/* The header fields that are kept (see mime_prepared_covers()), those of ENVELOPE first. */
enum mime_name {
	MIME_NAME_DATE,
	MIME_NAME_SUBJECT,
	MIME_NAME_FROM,
	MIME_NAME_SENDER,
	MIME_NAME_REPLY_TO,
	MIME_NAME_TO,
	MIME_NAME_CC,
	MIME_NAME_BCC,
	MIME_NAME_IN_REPLY_TO,
	MIME_NAME_MESSAGE_ID,
	MIME_NAME_ENVELOPE_END,
	MIME_NAME_REFERENCES = MIME_NAME_ENVELOPE_END,
	MIME_NAME_LIST_ID,
	MIME_NAME_LIST_UNSUBSCRIBE,
	MIME_NAME_CONTENT_TYPE,
	MIME_NAME_CONTENT_TRANSFER_ENCODING,
	MIME_NAME_MIME_VERSION,
	MIME_NAME_X_PRIORITY,
	MIME_NAME_IMPORTANCE,
	MIME_NAME_PRIORITY,
	MIME_NAME_DELIVERED_TO,
	MIME_NAME_RETURN_PATH,
	MIME_NAME_AUTO_SUBMITTED,
	MIME_NAME_KEPT_END,
	/* read, but not kept */
	MIME_NAME_CONTENT_ID = MIME_NAME_KEPT_END,
	MIME_NAME_CONTENT_DESCRIPTION,
	MIME_NAME_CONTENT_DISPOSITION,
	MIME_NAME_CONTENT_LANGUAGE,
	MIME_NAME_CONTENT_LOCATION,
	MIME_NAME_CONTENT_MD5,
	MIME_NAME_UNKNOWN,
};

enum mime_name mime_name_find(struct slice name);

/* mime_part_fill - read the header block of a part, whose is_message, parent and is_header_cut
 * are set. Returns the boundary that its parts are told apart by, empty if it has none. */
struct slice mime_part_fill(
	struct mime_part *part, struct slice block, unsigned fields_max, struct arena *arena);

/* mime_part_set_plain - what was declared a multipart but has no parts is shown as text. */
void mime_part_set_plain(struct mime_part *part);

#endif
