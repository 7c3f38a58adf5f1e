/*
 * sent.h - copies of what mail programs sent, for accounts that want the service to keep them.
 *
 * Most programs keep a copy themselves, by IMAP. Where both do, the program's copy takes the place
 * of the service's, in the transaction that stores it: it must come into the same mailbox, within
 * SENT_NEAR_MS, with the same Message-ID and subject. What the service kept is remembered in memory
 * only, so after a restart, and when very much is sent, both stay: none is ever dropped for a
 * guess.
 */
#ifndef MAIL_SENT_H
#define MAIL_SENT_H

#include "mail/mail.h"

enum { SENT_NEAR_MS = 10 * 60 * 1000 };

void mail_sent_open(struct service *service);
void mail_sent_close(struct service *service); /* after pool_stop() */

/* mail_sent_folder - the mailbox for copies: wanted, if it is there and holds messages; else
 * otherwise. 0: there is none. */
uint64_t mail_sent_folder(struct account *account, uint64_t wanted, uint64_t otherwise);

/* mail_keeps_sent - the account may want that. mail_keep_sent - into the folder of sent mail of
 * that sender's personality, or the account's, read, if it wants that. Nobody waits: the message is
 * on its way, and a copy that cannot be kept (no such folder, no room) is logged. in is referenced.
 */
bool mail_keeps_sent(struct service *service, uint64_t account);
void mail_keep_sent(
	struct service *service, uint64_t account, struct slice sender, struct incoming *in);

/* mail_sent_by_program - a program stores this one in a mailbox; in its transaction. 0, or the uid
 * there of the service's copy of the same message, which is not needed any more.
 * mail_sent_has_program - it has been stored. */
uint32_t mail_sent_by_program(
	struct service *service, uint64_t account, uint64_t mailbox, const struct incoming *in);
void mail_sent_has_program(
	struct service *service, uint64_t account, uint64_t mailbox, const struct incoming *in);

#endif
