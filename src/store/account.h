/*
 * account.h - one account: its write queue, its mailboxes, its readers.
 *
 * Writing is a queue, not a lock: the thread that finds the queue without an owner becomes the
 * owner, takes all that waits, runs it in one transaction with a savepoint an item, commits once
 * (one flush), publishes the new state in memory, wakes the watchers and completes the items.
 *
 * One clock: a transaction that changes anything takes one modseq; every row keeps its last, and
 * what is gone leaves a tombstone (a `change` row and, for the past, a `past` row).
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "net/conn.h"
#include "store/incoming.h"

struct account;
struct account_tx; /* a write transaction; exists only inside account_write.run() */

struct account *account_ref(struct account *account);
void account_free(struct account **account); /* gives one reference back */
uint64_t account_id(const struct account *account);
uint64_t account_epoch(struct account *account);

struct account_usage {
	uint64_t bytes, quota_bytes, messages; /* quota 0: none */
};
void account_usage(struct account *account, struct account_usage *out);

/* ---- writing ---- */

struct account_write {
	/*
	 * run - do the work with the functions below. Returns 0; ACCOUNT_AGAIN: commit this slice,
	 * let others go first, then run again (after about 5,000 messages); or a negative error:
	 * what this item did in this slice is undone, the others' work stands.
	 */
	int (*run)(struct account_write *w, struct account_tx *tx, struct err *err);
	/* done - after the flush, or the failure. The item is the caller's again; may free it. err
	 * is set when rc is negative. Called on the writing thread: be short (pool_answer). */
	void (*done)(struct account_write *w, int rc, const struct err *err);
	struct account_write *next; /* the queue's */
	bool is_adding;             /* refused while the disk is below its reserve */
	bool ignores_quota;         /* what the service itself has to say */
};

enum { ACCOUNT_AGAIN = 1 };

/* account_submit - queue w. It may be run, and completed, before this returns, by this thread. */
void account_submit(struct account *account, struct account_write *w);

/* ---- mailboxes: names are UTF-8, '/' separates levels, INBOX in capitals ---- */

enum mailbox_role {
	ROLE_NONE,
	ROLE_INBOX,
	ROLE_DRAFTS,
	ROLE_SENT,
	ROLE_JUNK,
	ROLE_TRASH,
	ROLE_ARCHIVE,
	ROLE_FLAGGED,
	ROLE_ALL,
	ROLE_IMPORTANT,
};

enum { MAILBOX_NAME_MAX = 1000, MAILBOX_DEPTH_MAX = 32, MAILBOX_COUNT_MAX = 10000 };

struct mailbox_info {
	uint64_t id;
	struct slice name;
	enum mailbox_role role;
	bool is_subscribed;
	bool is_noselect; /* only a level: exists because something below it does */
	uint32_t uidvalidity, uidnext;
	uint32_t messages, unseen, deleted;
	uint64_t bytes, modseq; /* modseq: HIGHESTMODSEQ */
};

/* account_mailboxes - all of them in name order (INBOX first), copied into the arena. Names that
 * are subscribed to but do not exist come with id 0. */
MUST_CHECK int account_mailboxes(struct account *account, struct arena *arena,
	struct mailbox_info **list_out, size_t *n_out, struct err *err);
/* account_mailbox - one, by name or by id (name.len 0) or by role (id 0 too). -ERR_NOTFOUND. The
 * name in *out is copied into the arena. */
MUST_CHECK int account_mailbox(struct account *account, struct slice name, uint64_t id,
	enum mailbox_role role, struct arena *arena, struct mailbox_info *out, struct err *err);

/* Inside a transaction. create makes missing parents; -ERR_EXISTS, -ERR_SYNTAX (a name that may
 * not be), -ERR_TOOBIG. delete: -ERR_NOTFOUND, -ERR_DENIED (INBOX); with children below it becomes
 * \Noselect. rename moves the children along; of INBOX it moves the messages (RFC 9051 6.3.6). */
MUST_CHECK int tx_mailbox_create(struct account_tx *tx, struct slice name, enum mailbox_role role,
	uint64_t *id_out, struct err *err);
/* tx_mailbox_need - the one of this name; made, in this role unless another has it, if it is not
 * there. */
MUST_CHECK int tx_mailbox_need(struct account_tx *tx, struct slice name, enum mailbox_role role,
	uint64_t *id_out, bool *is_new_out, struct err *err);
MUST_CHECK int tx_mailbox_delete(struct account_tx *tx, struct slice name, struct err *err);
MUST_CHECK int tx_mailbox_rename(
	struct account_tx *tx, struct slice from, struct slice to, struct err *err);
MUST_CHECK int tx_mailbox_subscribe(
	struct account_tx *tx, struct slice name, bool is_subscribed, struct err *err);

/* ---- flags: bits of one number ---- */

enum {
	FLAG_SEEN = 1,
	FLAG_ANSWERED = 2,
	FLAG_FLAGGED = 4,
	FLAG_DELETED = 8,
	FLAG_DRAFT = 16,
	FLAG_SYSTEM = 31,
	KEYWORD_BIT = 8, /* keyword k of the account is bit KEYWORD_BIT + k */
	KEYWORD_COUNT_MAX = 56,
	KEYWORD_LEN_MAX = 100,
};

/* account_keywords - names by number, copied into the arena (compared without case). */
MUST_CHECK int account_keywords(struct account *account, struct arena *arena,
	struct slice **names_out, size_t *n_out, struct err *err);
/* tx_keywords - bits of these names, new names are added. -ERR_TOOBIG when too many or too long. */
MUST_CHECK int tx_keywords(struct account_tx *tx, const struct slice *names, size_t n,
	uint64_t *bits_out, struct err *err);

/* ---- messages, inside a transaction; uids ascending, at most about 5,000 a slice ---- */

struct message_added {
	uint64_t mailbox, message, thread; /* ids, as OBJECTID shows them */
	uint32_t uid, uidvalidity;
	bool is_repeat; /* the delivery id was known: nothing was stored */
};

/* tx_add - store a finished message. delivery_id 0: none; otherwise a repeat within 7 days stores
 * nothing. -ERR_QUOTA, -ERR_NOTFOUND (mailbox). */
MUST_CHECK int tx_add(struct account_tx *tx, uint64_t mailbox, struct incoming *in, uint64_t flags,
	uint64_t delivery_id, struct message_added *out, struct err *err);

/* tx_forget - a delivery id, if it is known: what has it may be stored again. */
MUST_CHECK int tx_forget(struct account_tx *tx, uint64_t delivery_id, struct err *err);

enum flag_change { FLAGS_SET, FLAGS_ADD, FLAGS_REMOVE };

/* tx_flags - change flags; messages already as wanted keep their modseq. With unchanged_since
 * (UINT64_MAX: none) those of a higher modseq are left alone and appended to failed (uint32_t
 * UIDs). UIDs that do not exist are passed over. */
MUST_CHECK int tx_flags(struct account_tx *tx, uint64_t mailbox, const uint32_t *uids, size_t n,
	enum flag_change change, uint64_t flags, uint64_t unchanged_since, struct buf *failed,
	struct err *err);

/* tx_copy - make them appear in another mailbox; no body is copied. new_uids (n of them, 0 where
 * the source did not exist) is written by us. is_move takes them out of the source too. */
MUST_CHECK int tx_copy(struct account_tx *tx, uint64_t from, const uint32_t *uids, size_t n,
	uint64_t to, bool is_move, uint32_t *new_uids, struct err *err);

/* tx_expunge - remove them. */
MUST_CHECK int tx_expunge(
	struct account_tx *tx, uint64_t mailbox, const uint32_t *uids, size_t n, struct err *err);

/* tx_flood_get, tx_flood_put - what the account remembers for mail/flood.h: a few hundred bytes
 * that mean nothing here; empty: nothing. */
MUST_CHECK int tx_flood_get(struct account_tx *tx, struct buf *out, struct err *err);
MUST_CHECK int tx_flood_put(struct account_tx *tx, struct slice bytes, struct err *err);

uint64_t tx_modseq(struct account_tx *tx); /* of this transaction (taken on first need) */

/* ---- reading bodies and what was prepared of them ---- */

struct account_reader;

/* account_reader - borrow one of the account's two reading connections: -ERR_BUSY when both are
 * in use; then the connection `waiter` is woken (pool_wake) when one is free. Give it back soon:
 * within the same pull or execute. */
MUST_CHECK int account_reader(struct account *account, struct conn_ref waiter,
	struct account_reader **reader_out, struct err *err);
void account_reader_free(struct account_reader **reader);

struct message_row {
	uint64_t id, thread, size;
	int64_t received_s;
	int32_t zone_min;
	struct slice prepared; /* wire/mime/prepare.h; valid until the reader's next call */
};

MUST_CHECK int reader_message(
	struct account_reader *reader, uint64_t message, struct message_row *out, struct err *err);
/* reader_scan - like reader_message() but keeps its place: ascending ids cost one step each, not a
 * search; use it where many messages are read in order. */
MUST_CHECK int reader_scan(
	struct account_reader *reader, uint64_t message, struct message_row *out, struct err *err);
/* reader_body - append n bytes of the message from offset at (fewer at its end). */
MUST_CHECK int reader_body(struct account_reader *reader, uint64_t message, uint64_t at, size_t n,
	struct buf *out, struct err *err);
/* account_contents - append the first CONTENT_LEN bytes of the SHA-256 of each message in the
 * mailbox. Waits for a reader; long for large mailboxes. */
enum { CONTENT_LEN = 16 };
MUST_CHECK int account_contents(
	struct account *account, uint64_t mailbox, struct buf *out, struct err *err);
/* reader_delivered - the account remembers this delivery id, see tx_add(). */
MUST_CHECK int reader_delivered(
	struct account_reader *reader, uint64_t delivery_id, bool *is_out, struct err *err);

#endif
