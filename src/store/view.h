/*
 * view.h - a session's view of a mailbox: stable sequence numbers over attributes that are fresh.
 *
 * A mailbox in memory is a tree of shared blocks of 512 entries in two parts: numbering (UIDs and
 * what never changes) and attributes (flags, modseq). A change copies one block and the spine. A
 * view holds a reference to one generation of the numbering; attributes are read from the current
 * one. No SQL after view_open().
 *
 * A view is used by its session's owning thread; a `struct view_snap` taken from it is immutable
 * and may outlive moves of the view (a source keeps the numbering of its start).
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/account.h"

struct view;
struct view_snap;

/* view_open - select a mailbox. `watcher` is woken after each commit that changes this mailbox
 * (also by other processes). -ERR_NOTFOUND. is_examine: \Recent is not taken from others. */
MUST_CHECK int view_open(struct account *account, uint64_t mailbox, struct conn_ref watcher,
	bool is_examine, struct view **view_out, struct err *err);
void view_free(struct view **view);

uint64_t view_mailbox(const struct view *view);
uint32_t view_count(const struct view *view);  /* what the session was told is there */
uint32_t view_recent(const struct view *view); /* how many of these are \Recent here */
uint32_t view_uidnext(const struct view *view);
bool view_is_stale(struct view *view);   /* something changed since the last view_sync() */
bool view_is_deleted(struct view *view); /* the mailbox itself is gone */

struct view_entry {
	uint32_t seq, uid;
	uint64_t message, size;
	int64_t received_s, saved_s;
	int32_t zone_min;
	uint64_t flags, modseq;
	bool is_recent;
	bool is_gone; /* expunged meanwhile but not yet announced; flags are the last known */
};

/* view_entry - by sequence number (1..count) or by UID; false if there is none. */
bool view_entry(struct view *view, uint32_t seq, struct view_entry *out);
bool view_entry_uid(struct view *view, uint32_t uid, struct view_entry *out);
/* view_floor - sequence number of the first entry with at least this UID; count + 1 if none. */
uint32_t view_floor(struct view *view, uint32_t uid);

/* What view_sync() found; arrays are in the arena given. */
struct view_changes {
	uint32_t *expunged; /* sequence numbers in the order to announce, each as of its moment */
	uint32_t *expunged_uids;
	size_t expunged_n;
	uint32_t *changed; /* sequence numbers (after the above) whose flags changed, ascending */
	size_t changed_n;
	uint32_t exists, recent; /* now */
	bool is_grown;
};

/* view_sync - move the view to the present. With may_expunge false, expunged messages stay in
 * the numbering (is_gone) and only growth and flags are told. Flag changes that this session made
 * itself and was told of are left out by view_seen(). */
MUST_CHECK int view_sync(struct view *view, bool may_expunge, struct arena *arena,
	struct view_changes *out, struct err *err);
/* view_seen - the session has been told the flags of all up to this modseq in these UIDs. */
void view_seen(struct view *view, const uint32_t *uids, size_t n, uint64_t modseq);

/* ---- walking many: the way of FETCH 1:* and SEARCH ---- */

struct view_snap *view_snap(
	struct view *view); /* a counted reference to numbering and attributes */
void view_snap_free(struct view_snap **snap);
uint32_t snap_count(const struct view_snap *snap);
bool snap_entry(const struct view_snap *snap, uint32_t seq, struct view_entry *out);
uint32_t snap_floor(const struct view_snap *snap, uint32_t uid);
/* snap_refresh - the same numbering with the attributes of now. */
void snap_refresh(struct view_snap *snap, struct view *view);

#endif
