/* mailbox.h - what the other commands ask of mailboxes. */
#ifndef IMAP_MAILBOX_H
#define IMAP_MAILBOX_H

#include "imap/session.h"

/* mailbox_find - by name; what cannot be selected is -ERR_NOTFOUND. */
MUST_CHECK int mailbox_find(
	struct command *cmd, struct slice name, struct mailbox_info *out, struct err *err);
/* mailbox_id - an object id (RFC 8474): kind is F, M or T, so that two kinds never meet. */
void mailbox_id(struct buf *out, char kind, uint64_t id);
/* mailbox_use - "\Sent"; NULL for none. */
const char *mailbox_use(enum mailbox_role role);

#endif
