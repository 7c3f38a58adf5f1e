/*
 * store.h - the accounts of a server: opening, caching, watching; and the disk they are on.
 *
 * An account is one SQLite file, accounts/XX/ID.db below DIR. `struct account` is its presence in
 * memory: small, counted references, its database handles borrowed from a bounded cache (a session
 * pins no open database). Any thread, unless a header says otherwise.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "net/pool.h"
#include "store/account.h"

struct store;

struct store_config {
	struct pool *pool;      /* for wakes, background jobs, timers; NULL: none run (CLI) */
	size_t open_max;        /* accounts whose database is open; at least 8 */
	size_t index_bytes_max; /* memory for mailbox indexes nobody has selected */
	uint64_t reserve_bytes; /* free disk below this: whatever adds is refused */
	uint64_t message_max;   /* largest message, bytes */
	unsigned past_days;     /* how long what is gone can be brought back; 0: not at all */
	/* publish - after each commit, from any thread: tell the other servers. May be NULL. */
	void (*publish)(void *context, uint64_t account, uint64_t modseq);
	void *context;
};

/* store_new - on the current directory (accounts/ and spool/ are made). Opens no account. */
MUST_CHECK int store_new(
	const struct store_config *config, struct store **store_out, struct err *err);
/* store_free - nobody uses it any more; closes the databases. */
void store_free(struct store **store);

/* store_create - make the account's file with INBOX, Drafts, Sent, Junk, Trash, Archive.
 * -ERR_EXISTS. store_remove - close and delete it for good. */
MUST_CHECK int store_create(struct store *store, uint64_t id, struct err *err);
MUST_CHECK int store_remove(struct store *store, uint64_t id, struct err *err);

/* store_account - a reference to the account; its file is opened when first needed, and made if
 * the directory knows the account but the file is not there yet. quota_bytes (0: none) is what
 * the directory says now. */
MUST_CHECK int store_account(struct store *store, uint64_t id, uint64_t quota_bytes,
	struct account **account_out, struct err *err);

/* store_notice - another server committed to this account: what we hold of it is old. */
void store_notice(struct store *store, uint64_t account, uint64_t modseq);

int store_spool_dir(struct store *store); /* for incoming_new() */
uint64_t store_message_max(struct store *store);
bool store_is_full(struct store *store); /* below the reserve (checked each second) */

struct store_stats {
	size_t accounts, open, views, index_bytes;
	uint64_t commits, items, checkpoints;
};
void store_stats(struct store *store, struct store_stats *out);

#endif
