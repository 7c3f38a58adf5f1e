/*
 * mbox.h - many messages in one file.
 *
 * Reads:  mboxrd, mboxo (RFC 4155), mboxcl and mboxcl2. A message begins with a "From " line that
 *         holds a date, behind a blank line. Where a Content-Length leads to exactly such a line,
 *         or to the end, the message is as long as it says and nothing in it is quoted.
 * Writes: mboxrd: each line of ">"s and "From " gets another ">"; flags are fields of the header.
 * Bounds: a "From " line is at most 1,000 bytes; work is linear.
 * Pure functions; slices point into the file.
 */
#ifndef TRANSFER_MBOX_H
#define TRANSFER_MBOX_H

#include "transfer/flags.h"

struct mbox {
	struct slice all;
	size_t at;
};

struct mbox_message {
	struct slice raw; /* without its "From " line and the blank line behind it */
	size_t at;        /* of its "From " line in the file */
	bool is_quoted, has_date;
	int64_t date_s;
	int zone_min;
};

/* mbox_is - the file begins as one does. */
bool mbox_is(struct slice all);
/* mbox_next - the next message; false: there is none. Start with mbox.at 0. */
bool mbox_next(struct mbox *mbox, struct mbox_message *out);

/* mbox_write_begin - the "From " line, and the fields of the flags. mbox_write - the message as it
 * comes, with LF; quote is all zero at first. mbox_write_end - the blank line. */
struct mbox_quote {
	bool is_inside;   /* of a line that needs no ">" */
	unsigned matched; /* bytes of "From " that the line begins with */
	bool is_cr;       /* the last byte was */
};
void mbox_write_begin(struct buf *out, int64_t date_s, const struct transfer_flags *flags);
void mbox_write(struct buf *out, struct mbox_quote *quote, struct slice bytes);
void mbox_write_end(struct buf *out, struct mbox_quote *quote);

#endif
