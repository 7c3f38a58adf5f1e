/*
 * write.h - a change on its way through the account's queue, while the connection is parked.
 *
 * The object outlives the connection: whoever is last frees it. Each kind of change embeds
 * struct write as its first member and sets item.run (and what else it owns).
 */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include "imap/session.h"

enum {
	WRITE_SLICE = 5000, /* messages of one slice: then others have their turn */
	WRITE_TIMEOUT_MS = 10 * 60 * 1000,
};

struct write {
	struct account_write item;
	struct account *account;
	struct pool *pool;
	struct conn_ref who;
	uint64_t ticket;
	struct arena arena;                 /* for strings that must outlive the connection */
	void (*free_kind)(struct write *w); /* what the kind owns; may be NULL */
	/* before_done - true: it was queued again and is not finished. May be NULL. */
	bool (*before_done)(struct write *w, int *rc, struct err *err);
	struct err err; /* before_done's */
};

/* write_new - size bytes (of the kind), zeroed, bound to the session's account. */
void *write_new(struct conn *c, size_t size,
	int (*run)(struct account_write *item, struct account_tx *tx, struct err *err));
/* write_start - queue it and park; resume gets it as answer->data, and owns it then. */
void write_start(struct conn *c, struct write *w, conn_resume_fn *resume);
/* write_end - true if it went well; otherwise the command was answered. The object stays the
 * caller's; NULL (after the deadline) only with false. */
bool write_end(struct command *cmd, const struct answer *answer);
void write_free(void *w);

/* A change of many messages, in slices: what all kinds of it need. */
struct write_uids {
	struct write w;
	uint64_t mailbox;
	uint32_t *uids; /* owned */
	size_t n, at;
};

/* write_slice - the next messages of this slice; NULL at the end. Moves on. */
const uint32_t *write_slice(struct write_uids *w, size_t *n_out);

/* A change of flags. */
struct write_flags {
	struct write_uids many;
	enum flag_change change;
	uint64_t flags;
	struct slice *keywords; /* names that get their bits when it runs */
	size_t keywords_n;
	uint64_t unchanged_since;
	struct buf failed;      /* UIDs that had changed */
	uint64_t *slice_modseq; /* modseq of each slice */
};

/* write_flags_new - takes over uids. */
struct write_flags *write_flags_new(struct conn *c, uint32_t *uids, size_t n);
/* write_flags_seen - the session need not be told of these changes. */
void write_flags_seen(struct session *s, const struct write_flags *w);

#endif
