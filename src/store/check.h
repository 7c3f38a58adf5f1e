/*
 * check.h - verify one account's file, and repair what can be repaired.
 *
 * Verified: the database's own pages; each body against its hash and size; mailbox counters,
 * UIDs, modseqs and keywords against the entries; entries against messages and reference counts;
 * messages nobody refers to; tombstones (a uid is never both present and gone); the past; the
 * account's bytes. What repair loses nothing by is repaired (counters, counts, orphans); a repair
 * that loses rows takes a new epoch.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/account.h"

struct check_result {
	uint64_t mailboxes, messages, bytes, problems, repaired;
};

/* account_check - on the account's queue, bodies in slices, while the server runs. Calls found()
 * for each problem with one line for people. Blocks the caller; -ERR_CORRUPT only when it cannot go
 * on. */
MUST_CHECK int account_check(struct account *account, bool is_repair,
	void (*found)(void *context, struct slice line), void *context, struct check_result *out,
	struct err *err);

#endif
