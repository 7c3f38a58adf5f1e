/*
 * internal.h - what the files of the store share.
 *
 * Locks, in the order in which they may be taken: store.lock (the map of accounts and the order of
 * open ones), account.lock (everything published). Who owns an account's queue (account.is_owned)
 * is the only one to use its writer and to change what is published, apart from indexes that
 * readers load; so the owner reads published rows without the lock.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>

#include "base/arena.h"
#include "base/map.h"
#include "db/db.h"
#include "store/index.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/view.h"

enum {
	READERS = 2,
	WAITERS_MAX = 1024,
	DAY_S = 24 * 3600,
	WAL_CHECKPOINT = 4 << 20,
	WAL_MAX = 64 << 20,
	WAL_EVICT = 1 << 20, /* more than this is not left for the next opening to read */
	TX_ARENA_MAX = 64 << 20,
};

/* The account row. */
struct account_row {
	uint64_t epoch, modseq, floor, message, mailbox, uidvalidity, messages, bytes, past_bytes,
		shares, keywords;
};

/* A mailbox row. */
struct mailbox_row {
	uint64_t id;
	uint64_t flags;         /* MAILBOX_*; no padding: rows are compared as bytes */
	enum mailbox_role role; /* as stored */
	uint32_t uidvalidity, uidnext, messages, unseen, deleted;
	uint64_t bytes, modseq;
};

enum {
	MAILBOX_SUBSCRIBED = 1,
	MAILBOX_NOSELECT = 2,
	MAILBOX_ABSENT = 4, /* not there, but somebody is subscribed to the name */
};

/* A mailbox as published. References: the account's list, each view. */
struct mailbox {
	unsigned refs;           /* under account.lock */
	_Atomic uint32_t recent; /* first UID that no session was told of as \Recent */
	struct mailbox_row row;
	char *name;
	struct index *index;      /* NULL: not in memory; true as of index->modseq */
	struct view *views;       /* their watchers are woken */
	_Atomic uint64_t version; /* counts up when anything of it changes */
	_Atomic bool is_gone;
};

struct account_reader {
	struct account *account;
	struct db *db;
	struct db_stmt *scan;
	uint64_t scan_at;           /* the id of the row under scan; 0: none */
	uint64_t sized, sized_size; /* the last message whose size was asked */
	bool is_taken;
	struct arena arena;
};

struct account {
	uint64_t id;
	struct store *store;
	unsigned refs;                 /* under store.lock, from outside the store */
	struct account *newer, *older; /* in a list of the store's, under store.lock */
	struct account_list *list_in;  /* which one; NULL: none */
	int64_t used_ms;               /* when its database was last wanted, under store.lock */
	_Atomic bool is_removed;       /* its file is deleted, and it is not in the map */
	bool is_closing;               /* under lock: readers wait */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an item of account_run() is done, a reader is free */

	/* the queue, under lock */
	struct account_write *head, **tail;
	bool is_owned;
	struct pool_job queue_job;

	/* the owner's */
	struct db *db;
	bool is_loaded;              /* row, mailboxes and keywords below are there */
	struct account_write upkeep; /* see upkeep.c */
	struct pool_job upkeep_job;
	int64_t upkeep_due_s;
	_Atomic bool is_upkeep_queued;
	bool is_giving_back; /* upkeep shrinks the file, slice by slice */

	/* published, under lock; the owner reads without */
	struct account_row row;
	struct mailbox **list; /* by id */
	size_t list_n;
	char **keywords;
	size_t keywords_n;
	_Atomic uint64_t quota;
	_Atomic uint64_t noticed; /* another process is at this modseq */

	struct account_reader *readers[READERS]; /* while the files are open */
	struct conn_ref *waiters;
	size_t waiters_n;
};

/* Accounts by use. */
struct account_list {
	struct account *newest, *oldest;
	size_t n;
};

struct disk {
	_Atomic bool is_full;
	_Atomic int64_t checked_ms;
	_Atomic uint64_t added; /* bytes written since then */
	_Atomic bool has_ballast;
};

struct store {
	struct store_config config;
	pthread_mutex_t lock;
	struct map accounts;
	size_t accounts_n;
	struct account_list open; /* their databases are */
	struct account_list warm; /* these only keep indexes that nobody has selected */
	struct pool_timer sweep;  /* see idle.c */
	bool is_sweeping;         /* the timer is set, or its job runs; under lock */
	size_t closed;            /* by the sweep, since memory was given back; the job's */
	int64_t trim_due_ms;      /* not before this; the job's */
	int spool_fd;
	struct buf blank; /* an account's file that holds nothing yet */
	struct db_shelf *shelf;
	struct disk disk;
	_Atomic uint64_t commits, items, checkpoints;
	_Atomic size_t views, index_bytes;
};

/* ---- store.c ---- */
/* store_touch - this account's database is about to be used: it is the newest, and when too many
 * are open the oldest are closed. */
void store_touch(struct account *account);
/* store_pick_idle - the longest unused of the list, if that was before used_ms and nobody is at
 * work on it: owned by us, and in no list. */
struct account *store_pick_idle(struct account_list *list, int64_t used_ms); /* under lock */
/* store_close_idle - close its database and disown it; it stays warm if it keeps an index
 * (without a pool nobody would look after it: then it keeps none).
 * store_forget_idle - the same, and the indexes that nobody has selected go. */
void store_close_idle(struct store *store, struct account *account);  /* without lock */
void store_forget_idle(struct store *store, struct account *account); /* without lock */
enum { STORE_PATH_MAX = 64 };
void store_path(uint64_t id, char out[STORE_PATH_MAX]);
/* store_open_file - open the account's database, making it when it is not there. */
MUST_CHECK int store_open_file(
	struct store *store, uint64_t id, struct db **db_out, struct err *err);

/* ---- idle.c ---- */
void idle_init(struct store *store);
/* idle_watch - a database is open: look after it until it is closed again. */
void idle_watch(struct store *store); /* under store.lock */

/* ---- queue.c ---- */
/* account_run - queue an item and wait for its end. */
MUST_CHECK int account_run(struct account *account,
	int (*run)(struct account_write *, struct account_tx *, struct err *), void *context,
	struct err *err);
/* The context that account_run() was given. */
void *account_run_context(struct account_write *w);
/* account_own - become the owner if there is none. account_own_idle - the same, and only if no
 * reader is in use; none can be taken until is_closing is cleared. account_disown - work off what
 * is queued, until nothing is left and nobody owns it. */
bool account_own(struct account *account);
bool account_own_idle(struct account *account);
void account_disown(struct account *account);
/* account_ready - (owner) the database is open. account_begin - start a transaction in which what
 * is published is true. */
MUST_CHECK int account_ready(struct account *account, struct err *err);
MUST_CHECK int account_begin(struct account *account, struct err *err);
/* account_wait_loaded - (anybody) published state is there and not older than was noticed. */
MUST_CHECK int account_wait_loaded(struct account *account, struct err *err);

/* ---- account.c ---- */
struct account *account_new(struct store *store, uint64_t id);
void account_destroy(struct account *account);
void account_close_files(struct account *account);                     /* owner, no reader in use */
MUST_CHECK int account_load(struct account *account, struct err *err); /* owner */
struct mailbox *account_find(struct account *account, uint64_t id);
void mailbox_unref(struct mailbox *mb);                                            /* under lock */
void mailbox_set_index(struct store *store, struct mailbox *mb, struct index *ix); /* under lock */
void mailbox_watchers(const struct mailbox *mb, struct buf *refs);    /* under lock: appends them */
void account_add_keyword(struct account *account, struct slice name); /* under lock */
void account_wake(struct account *account, const struct buf *refs);   /* without lock */

/* ---- tx.c ---- */
/* A mailbox inside a transaction: a private copy of its row, and of its index when needed. */
struct box {
	struct mailbox *mb; /* NULL: made by this transaction */
	struct mailbox_row row;
	struct slice name;
	struct index *base, *work; /* base: what the rows hold */
	bool is_gone, is_named;    /* is_named: name, role, flags or uidvalidity changed */
};

struct account_tx {
	struct account *account;
	struct db *db;
	struct arena arena;
	struct account_row row;
	int64_t now_s;
	uint64_t modseq;    /* 0: none taken yet */
	bool ignores_quota; /* the item that is being run */
	uint32_t changes, pasts;
	struct box **boxes;
	size_t boxes_n, boxes_cap;
	char *keywords[KEYWORD_COUNT_MAX]; /* in the arena when new */
	size_t keywords_n;
};

void tx_init(struct account_tx *tx, struct account *account);
void tx_done(struct account_tx *tx);
/* tx_save, tx_restore - what was in memory at a savepoint; exactly one of restore and drop follows.
 */
struct tx_saved {
	struct account_row row;
	uint64_t modseq;
	uint32_t changes, pasts;
	struct box *boxes; /* copies, each with references of its own to the indexes */
	size_t boxes_n, keywords_n;
};
void tx_save(struct account_tx *tx, struct tx_saved *saved);
void tx_restore(struct account_tx *tx, struct tx_saved *saved);
void tx_drop(struct account_tx *tx, struct tx_saved *saved);
/* tx_flush - write what is held in memory to the rows, before the commit. */
MUST_CHECK int tx_flush(struct account_tx *tx, struct err *err);
/* tx_publish - after the commit. */
void tx_publish(struct account_tx *tx);

/* tx_box - the transaction's copy of a mailbox; valid until the next box is opened. */
MUST_CHECK int tx_box(struct account_tx *tx, uint64_t id, struct box **box_out, struct err *err);
/* tx_box_named - NULL without one. */
struct box *tx_box_named(struct account_tx *tx, struct slice name);
MUST_CHECK int tx_box_all(struct account_tx *tx, struct err *err); /* open every mailbox */
struct box *tx_box_add(struct account_tx *tx);
/* Index of a box: the whole, or (for appending) at least its last block. */
MUST_CHECK int tx_index(struct account_tx *tx, struct box *box, struct err *err);
MUST_CHECK int tx_index_tail(struct account_tx *tx, struct box *box, struct err *err);
void box_set_index(struct box *box, struct index *ix);
/* tx_change - a row in the log of changes. */
MUST_CHECK int tx_change(struct account_tx *tx, uint64_t mailbox, enum change_kind kind,
	const uint32_t *uids, const uint64_t *former, size_t n, struct err *err);

/* ---- tx_add.c, tx_message.c ---- */
/* box_count - one message more (sign 1) or less (-1) in the mailbox's counters. */
void box_count(struct box *box, const struct entry *e, uint64_t flags, int sign);
MUST_CHECK int box_remove(struct account_tx *tx, struct box *box, const uint32_t *uids, size_t n,
	bool is_kept_in_past, struct err *err);

/* ---- load.c ---- */
/* index_load - all blocks of a mailbox from its rows; with `was`, only those that changed since. */
MUST_CHECK int index_load(struct db *db, uint64_t mailbox, const struct index *was,
	struct index **index_out, struct err *err);
MUST_CHECK int index_load_tail(struct db *db, uint64_t mailbox, uint32_t uidnext,
	struct index **index_out, struct err *err);

/* ---- thread.c ---- */
MUST_CHECK int thread_find(struct account_tx *tx, const struct incoming *in, uint64_t message,
	uint64_t *thread_out, struct err *err);

/* ---- past.c ---- */
/* past_keep - block entries have left a mailbox (still referred to, now by the past). */
MUST_CHECK int past_keep(struct account_tx *tx, uint64_t mailbox, uint32_t no,
	const struct entry *entries, const struct attr *attrs, size_t n, struct err *err);
/* past_purge - drop the oldest row of the past if it is too old, or the past too large, or
 * is_pressed. *bytes_out: how much went; *more_out: there is more that should go. */
MUST_CHECK int past_purge(struct account_tx *tx, bool is_pressed, bool *more_out, struct err *err);

/* ---- upkeep.c: what may be late ---- */
void upkeep_init(struct account *account);
/* upkeep_plan - (owner, after a commit) queue it when it is due. */
void upkeep_plan(struct account *account);
/* upkeep_run - (owner, outside a transaction) one bounded slice; true: there is more. */
bool upkeep_run(struct account *account);
uint64_t past_budget(const struct account *account);

/* ---- disk.c ---- */
void disk_start(struct store *store);
void disk_check(struct store *store);
/* disk_added - so many bytes are about to be written; much of it makes the next check come soon. */
void disk_added(struct store *store, uint64_t bytes);
/* disk_refused - a write failed for want of room: give the ballast away. */
void disk_refused(struct store *store);

/* ---- reader.c ---- */
/* reader_borrow - as account_reader() but waits for one; for loading indexes. */
MUST_CHECK int reader_borrow(
	struct account *account, struct account_reader **reader_out, struct err *err);

#endif
