/*
 * bring_place.h - where a mailbox elsewhere goes to in an account here. Pure.
 *
 * INBOX and special uses (RFC 6154) go to the account's own; where the server knows no uses, the
 * names by custom count. The prefix of the user's names there ("INBOX.") is left away, its
 * separator becomes "/". What only shows messages of other mailboxes is not taken.
 */
#ifndef COURIER_BRING_PLACE_H
#define COURIER_BRING_PLACE_H

#include "wire/imap/response.h"
#include "wire/smtp/import.h"

struct bring_place {
	struct slice path; /* in the arena */
	enum smtp_import_role role;
	bool is_level; /* nothing is in it */
	bool is_view;  /* of other mailboxes' messages */
	bool is_all;   /* with these, those that are nowhere else */
};

/* bring_place - has_uses: the server tells special uses. */
MUST_CHECK int bring_place(struct arena *arena, const struct imap_listed *folder,
	struct slice prefix, bool has_uses, struct bring_place *out, struct err *err);

#endif
