/*
 * transfer.h - mail out of files: what is in an archive, a folder or a file, message by message,
 * recognised by content.
 *
 * Reads:  mbox, Maildir and Maildir++, files of one message each, in whatever folders; the archive
 * of an account (manifest.h). What programs keep beside mail is passed over in silence, anything
 * else is told. Does:   no writing, no knowledge of accounts. Paths of mailboxes are as the source
 * has them: UTF-8 if it is clean, "/" between levels; whoever stores them decides. Bounds: those of
 * files.h; flags.h's of a header. Errors: those of files.h: the source cannot be read any further.
 *
 * One thread at a time; slices live until the next call.
 */
#ifndef TRANSFER_TRANSFER_H
#define TRANSFER_TRANSFER_H

#include "transfer/files.h"
#include "transfer/flags.h"
#include "transfer/manifest.h"
#include "transfer/text.h"

enum transfer_kind {
	TRANSFER_END,
	TRANSFER_MAILBOX, /* path, role, is_subscribed: it is there, perhaps empty */
	TRANSFER_MESSAGE, /* where it belongs, as above, and all the rest */
	TRANSFER_ACCOUNT, /* manifest: comes before all mail */
	TRANSFER_SKIPPED, /* where, why */
	TRANSFER_AGAIN,   /* nothing yet: call again */
};

struct transfer_item {
	struct slice path, role; /* path empty: the source says nothing, or its root */
	bool is_subscribed;
	bool is_alone;      /* the file that the user named, and path is only its name */
	struct slice where; /* file and place, for people */
	const char *why;
	const struct manifest *manifest;
	struct text text;
	struct transfer_flags flags;
	bool has_date;
	int64_t date_s;
	int zone_min;
};

struct transfer;

struct transfer *transfer_new(struct files *files); /* takes files */
void transfer_free(struct transfer **transfer);
/* transfer_next - an enum transfer_kind. */
MUST_CHECK int transfer_next(struct transfer *transfer, struct transfer_item *out, struct err *err);

#endif
