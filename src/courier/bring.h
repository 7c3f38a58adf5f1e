/*
 * bring.h - mail is brought from mailboxes of other providers, by IMAP: for a user, or by the
 * operator for one.
 *
 * A few threads take turns with what is due (bring_book.h): one mailbox of an account at a time,
 * and those who wait get a turn after some minutes. A turn opens the mailbox (imap_client.h), goes
 * through its folders and carries what is new into the account (carry.h). Broken off anywhere, it
 * goes on there: what was carried and not written down yet is known by its number.
 */
#ifndef COURIER_BRING_H
#define COURIER_BRING_H

#include "courier/desk.h"

struct bring;

/* bring_open - before the sandbox; bring_start - after it. bring_stop - what is under way is broken
 * off; bring_close - nobody asks any more. */
MUST_CHECK int bring_open(struct courier *courier, struct bring **out, struct err *err);
MUST_CHECK int bring_start(struct bring *bring, struct err *err);
void bring_stop(struct bring *bring);
void bring_close(struct bring **bring);

desk_fn desk_bring_start, desk_bring;

#endif
