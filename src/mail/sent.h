/*
 * sent.h - copies of what mail programs sent, for accounts that want the service to keep them.
 *
 * Most programs keep a copy themselves, by IMAP; who lets both do it has two.
 */
#ifndef MAIL_SENT_H
#define MAIL_SENT_H

#include "mail/mail.h"

/* mail_keep_sent - into the account's folder of sent mail, read, if it wants that. Nobody waits:
 * the message is on its way, and a copy that cannot be kept (no such folder, no room) is logged. in
 * is referenced. */
void mail_keep_sent(struct service *service, uint64_t account, struct incoming *in);

#endif
