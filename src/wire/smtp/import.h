/*
 * import.h - how our courier hands over mail that it brought from a mailbox elsewhere: commands
 *that only its own socket knows, whole batches of messages with one reply.
 *
 *	XIMPORT account path role how  where what follows goes
 *	XMESSAGE size once flags date zone keyword...   then so many octets: a message
 *	XSTORE                                     the batch: the only one that is replied to
 *
 * The reply's text has a letter of enum smtp_import_result for each message of the batch, in their
 * order, or the batch is refused as a whole and nothing of it is kept. Path and keywords are in
 * base64 (RFC 4648 5). Both sides are written here, so that they agree.
 *
 * Bounds: SMTP_LINE_MAX, SMTP_IMPORT_BATCH messages, SMTP_IMPORT_BYTES of all but the last one.
 */
#ifndef WIRE_SMTP_IMPORT_H
#define WIRE_SMTP_IMPORT_H

#include "wire/smtp/cmd.h"

enum {
	SMTP_IMPORT_BATCH = 100,
	SMTP_IMPORT_BYTES = 2 << 20,
	SMTP_IMPORT_KEYWORDS = 32, /* of a message */
	SMTP_IMPORT_PATH_MAX = 4000,
};

enum smtp_import_role {
	SMTP_IMPORT_NONE,
	SMTP_IMPORT_BY_NAME, /* what the name says by custom */
	SMTP_IMPORT_INBOX,
	SMTP_IMPORT_DRAFTS,
	SMTP_IMPORT_SENT,
	SMTP_IMPORT_JUNK,
	SMTP_IMPORT_TRASH,
	SMTP_IMPORT_ARCHIVE,
	SMTP_IMPORT_ROLES,
};

struct smtp_import_folder {
	uint64_t account;
	struct slice path; /* UTF-8, "/" between levels */
	enum smtp_import_role role;
	bool is_by_content; /* what the folder has already, byte for byte, is not added again */
};

struct smtp_import_message {
	uint64_t size, once; /* once: the same one again is the same message; 0: not told */
	unsigned flags;      /* of store/account.h's FLAG_SYSTEM */
	int64_t received_s;
	int32_t zone_min;
	struct slice *keywords;
	size_t keywords_n;
};

enum smtp_import_result {
	SMTP_IMPORT_ADDED = 'a', /* or it was there already */
	SMTP_IMPORT_TOO_LARGE = 't',
	SMTP_IMPORT_NO_ROOM = 'q',
	SMTP_IMPORT_BROKEN = 'b',
};

/* With their CRLF. */
void smtp_import_put_folder(const struct smtp_import_folder *folder, struct buf *out);
void smtp_import_put_message(const struct smtp_import_message *message, struct buf *out);

MUST_CHECK int smtp_import_folder_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_import_folder *out, struct err *err);
MUST_CHECK int smtp_import_message_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_import_message *out, struct err *err);

#endif
