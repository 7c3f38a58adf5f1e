/*
 * maildir.h - one file for each message: names of files (flags, keywords) and folders (Maildir++).
 *
 * Reads:  "BASE:2,FLAGS" with D F P R S T and the letters a to z of dovecot-keywords; ";" and "!"
 * for
 *         ":" too, which other systems cannot have. Folders are ".A.B" in modified UTF-7, or
 *         folders in folders.
 * Writes: "SECONDS.Mn.posthouse,S=SIZE,Z=ZONE,K=BITS:2,FLAGS": when it came, its size, the minutes
 * of its zone, and in hexadecimal its keywords by their number in the account, of which the first
 * 26 are letters as well. Pure functions.
 */
#ifndef TRANSFER_MAILDIR_H
#define TRANSFER_MAILDIR_H

#include "transfer/flags.h"

enum { MAILDIR_LETTERS = 26 };

struct maildir_name {
	unsigned system;
	bool is_forwarded, has_date, has_zone, has_bits;
	uint64_t letters; /* bit 0: a */
	uint64_t bits;    /* of K= */
	int64_t date_s;
	int zone_min;
};

void maildir_read_name(struct slice file, struct maildir_name *out);
void maildir_write_name(
	struct buf *out, const struct maildir_name *name, uint64_t number, uint64_t size);

/* maildir_read_folder - append the path of a mailbox, "" for the root; folder is what stands
 * between the root and "cur". maildir_write_folder - ".A.B"; nothing for INBOX. */
void maildir_read_folder(struct slice folder, struct buf *out);
void maildir_write_folder(struct slice path, struct buf *out);

/* maildir_read_keywords - dovecot-keywords, "NUMBER NAME" in lines: names by number; at most
 * MAILDIR_LETTERS. */
void maildir_read_keywords(struct slice text, struct slice out[MAILDIR_LETTERS]);

#endif
