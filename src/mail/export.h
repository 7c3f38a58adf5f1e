/*
 * export.h - all mail of an account, or of one mailbox, as one file that is made while it is sent.
 *
 * Each mailbox is as it was when its turn came: what arrives or changes later is not in it, what is
 * expunged meanwhile still is, as long as the account keeps it.
 *
 * Bounds: what is in memory is the index of the mailbox at hand, which the store shares, and some
 * hundred KiB; for a zip 100 bytes more for each file.
 * Errors: -ERR_NOTFOUND (account, mailbox), -ERR_IO.
 *
 * One thread at a time; pulling reads the disk.
 */
#ifndef MAIL_EXPORT_H
#define MAIL_EXPORT_H

#include "mail/mail.h"

struct mail_export;

enum mail_export_format {
	EXPORT_ARCHIVE, /* tar.gz: doc/archive.md */
	EXPORT_MAILDIR, /* tar.gz with a Maildir++ */
	EXPORT_MBOX,    /* zip with an mbox for each mailbox; of one mailbox: that mbox */
	EXPORT_EML,     /* zip with a folder for each mailbox, and a file for each message */
};

/* mail_export_format - by name: "archive", "maildir", "mbox", "eml"; false for others. */
bool mail_export_format(struct slice name, enum mail_export_format *out);

/* mail_export_open - mailbox: a name; empty: all. */
MUST_CHECK int mail_export_open(struct service *service, uint64_t account,
	enum mail_export_format format, struct slice mailbox, struct mail_export **out,
	struct err *err);
void mail_export_free(struct mail_export **export);

/* mail_export_pull - append the next piece: SOURCE_MORE, SOURCE_DONE, SOURCE_WAIT (waiter is
 * woken), or a negative error. */
MUST_CHECK int mail_export_pull(
	struct mail_export *export, struct conn_ref waiter, struct buf *out, struct err *err);

/* mail_export_name - the name that the file should have; mail_export_type - its media type. */
struct slice mail_export_name(const struct mail_export *export);
const char *mail_export_type(const struct mail_export *export);

struct mail_export_counts {
	uint64_t messages, mailboxes, gone; /* gone: while it was made */
};
void mail_export_counts(const struct mail_export *export, struct mail_export_counts *out);

#endif
