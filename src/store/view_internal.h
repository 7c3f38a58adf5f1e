/* view_internal.h - what the files of the view share. */
#ifndef STORE_VIEW_INTERNAL_H
#define STORE_VIEW_INTERNAL_H

#include "store/internal.h"

enum { RECENT_RANGES = 12 };

/* UIDs from..to-1 were told to this session first. */
struct recent {
	struct {
		uint32_t from, to;
	} range[RECENT_RANGES];
	unsigned n;
};

/* The session was told the flags of these UIDs (ascending, n > 0) up to this modseq. */
struct seen {
	struct seen *next; /* by first UID */
	uint64_t modseq;
	size_t n, at; /* at: how far the merge at work has come */
	uint32_t uids[];
};

struct view {
	struct account *account;
	struct mailbox *mb;
	uint64_t mailbox;          /* its id, which may be read without the lock */
	struct view *next, **link; /* among the mailbox's, under account.lock */
	struct conn_ref watcher;
	bool is_examine;
	struct index *mine;      /* what the session was told of: numbering, and flags then */
	struct index *now;       /* the newest generation we looked at */
	uint64_t now_version;    /* the mailbox's when we took it */
	uint64_t synced_version; /* the mailbox's at the last view_sync() */
	bool has_gone;           /* mine holds what is not in the mailbox any more */
	struct recent recent;
	struct seen *seen;
};

struct view_snap {
	struct index *numbering, *attributes;
	struct recent recent;
};

/* view_load - make now the present generation, with SQL where memory is behind. */
MUST_CHECK int view_load(struct view *view, struct err *err);

/* What merging two generations finds; the bufs hold uint32_t. */
struct merge {
	struct seen *seen; /* of the view; those at the front that are passed are left out */
	bool may_expunge;
	struct index_maker maker;
	struct buf expunged, expunged_uids, changed;
	bool is_grown, has_gone;
};

/* view_merge - the numbering that follows mine when now is the present. */
struct index *view_merge(struct merge *m, const struct index *mine, const struct index *now);

#endif
