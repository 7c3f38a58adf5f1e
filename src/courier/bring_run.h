/* bring_run.h - what the parts of a turn share; only for bring_run.c and bring_take.c. */
#ifndef COURIER_BRING_RUN_H
#define COURIER_BRING_RUN_H

#include "courier/bring_internal.h"
#include "courier/bring_place.h"
#include "courier/carry.h"

struct bring_run {
	struct bring_turn *turn;
	struct arena arena; /* of the folders */
	struct imap_client *imap;
	struct carry *carry;
	struct imap_folders folders;
	bool has_uses, has_all;
	struct bring_folder folder; /* at hand; id 0: none */
	/* why it ended */
	bool is_here; /* it is our own side that failed */
	bool is_full; /* the account */
	bool is_over; /* the turn */
};

/* bring_run_here - rc, of something of our own side. bring_run_carry - the way into the account is
 * open. */
int bring_run_here(struct bring_run *r, int rc);
MUST_CHECK int bring_run_carry(struct bring_run *r, struct err *err);

/* bring_run_folder - all that is new in it. -ERR_CONFLICT: the server does not let us. */
MUST_CHECK int bring_run_folder(struct bring_run *r, const struct imap_listed *folder,
	const struct bring_place *place, struct err *err);

#endif
