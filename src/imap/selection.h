/*
 * selection.h - from a sequence set to messages of the selected mailbox: ranges of sequence
 * numbers as the session knows them, in ascending order.
 */
#ifndef IMAP_SELECTION_H
#define IMAP_SELECTION_H

#include "imap/session.h"

struct selection {
	struct imap_range *ranges; /* in the arena */
	size_t n;
	uint32_t count; /* messages in all ranges */
};

/* selection_make - of a set of sequence numbers, or (is_uid) of UIDs; "$" is the saved result.
 * -ERR_SYNTAX for a number beyond the mailbox; UIDs that are not there are passed over. */
MUST_CHECK int selection_make(struct command *cmd, struct imap_set *set, bool is_uid,
	struct selection *out, struct err *err);

/* A walk over a selection. */
struct selection_walk {
	const struct selection *sel;
	size_t range;
	uint32_t seq; /* the next one; 0: at the start of the range */
};

/* selection_next - the next sequence number, 0 at the end. */
uint32_t selection_next(struct selection_walk *walk);

/* selection_uids - UIDs of those messages that are still there, whose flags masked by `mask` are
 * `flags`. On the heap, the caller's; never NULL. */
uint32_t *selection_uids(struct command *cmd, const struct selection *sel, uint64_t mask,
	uint64_t flags, size_t *n_out);

#endif
