/* view.c - a session's view of a mailbox, see view.h. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/view_internal.h"

enum { LOADS_MAX = 8 }; /* tries to catch up with somebody who writes all the time */

/* ---- the present generation ---- */

void mailbox_watchers(const struct mailbox *mb, struct buf *refs)
{
	for (const struct view *v = mb->views; v; v = v->next)
		buf_append(refs, (struct slice){(const char *)&v->watcher, sizeof(v->watcher)});
}

/* Takes what is published; true if that is the present, false if rows are newer. */
static bool take_published(struct view *view, struct index **stale_out)
{
	struct account *account = view->account;
	struct mailbox *mb = view->mb;
	bool is_fresh;

	pthread_mutex_lock(&account->lock);
	is_fresh = mb->is_gone || (mb->index && mb->index->modseq >= mb->row.modseq &&
					  account->noticed <= account->row.modseq);
	view->now_version = mb->version;
	if (mb->index && mb->index != view->now) {
		index_free(&view->now);
		view->now = index_ref(mb->index);
	}
	if (stale_out)
		*stale_out = mb->index ? index_ref(mb->index) : NULL;
	pthread_mutex_unlock(&account->lock);
	return is_fresh;
}

static int load_rows(struct view *view, const struct index *stale, struct err *err)
{
	struct account_reader *reader AUTO(account_reader_free) = NULL;
	struct index *ix = NULL;
	int rc = reader_borrow(view->account, &reader, err);

	if (rc == 0)
		rc = db_begin_read(reader->db, err);
	if (rc < 0)
		return rc;
	rc = index_load(reader->db, view->mailbox, stale, &ix, err);
	db_end_read(reader->db);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&view->account->lock);
	if (!view->mb->index || view->mb->index->modseq < ix->modseq)
		mailbox_set_index(view->account->store, view->mb, ix);
	else
		index_free(&ix);
	pthread_mutex_unlock(&view->account->lock);
	return 0;
}

int view_load(struct view *view, struct err *err)
{
	for (int n = 0; n < LOADS_MAX; n++) {
		struct index *stale AUTO(index_free) = NULL;
		int rc = account_wait_loaded(view->account, err);

		if (rc < 0)
			return rc;
		if (take_published(view, &stale))
			break;
		rc = load_rows(view, stale, err);
		/* The mailbox was deleted between two looks: the view keeps what it has. */
		if (rc == -ERR_NOTFOUND && view->now)
			break;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Without SQL: the newest that is in memory. */
static const struct index *present(struct view *view)
{
	if (view->mb->version != view->now_version)
		take_published(view, NULL);
	return view->now;
}

/* ---- \Recent ---- */

static uint32_t last_uid(const struct index *ix)
{
	const struct index_block *b;

	if (ix->blocks_n == 0)
		return 0;
	b = &ix->b[ix->blocks_n - 1];
	return b->num->e[b->count - 1].uid;
}

/* What nobody was told of as \Recent becomes ours; EXAMINE only looks. */
static void claim_recent(struct view *view)
{
	const uint32_t limit = last_uid(view->mine) + 1;
	struct recent *r = &view->recent;
	uint32_t from = view->mb->recent;

	if (view->is_examine)
		r->n = 0;
	while (!view->is_examine && from < limit &&
		!atomic_compare_exchange_weak(&view->mb->recent, &from, limit))
		;
	if (from >= limit)
		return;
	if (r->n && r->range[r->n - 1].to == from) {
		r->range[r->n - 1].to = limit;
		return;
	}
	if (r->n == RECENT_RANGES)
		memmove(&r->range[0], &r->range[1], --r->n * sizeof(r->range[0]));
	r->range[r->n].from = from;
	r->range[r->n++].to = limit;
}

static bool is_recent(const struct recent *r, uint32_t uid)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (uid >= r->range[i].from && uid < r->range[i].to)
			return true;
	}
	return false;
}

uint32_t view_recent(const struct view *view)
{
	const struct recent *r = &view->recent;
	uint32_t n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += index_floor(view->mine, r->range[i].to) -
		     index_floor(view->mine, r->range[i].from);
	return n;
}

/* ---- opening and closing ---- */

static int attach(struct view *view, uint64_t mailbox, struct err *err)
{
	struct mailbox *mb;

	pthread_mutex_lock(&view->account->lock);
	mb = account_find(view->account, mailbox);
	if (mb && mb->row.flags & (MAILBOX_NOSELECT | MAILBOX_ABSENT))
		mb = NULL;
	if (mb) {
		mb->refs++;
		view->mb = mb;
		view->mailbox = mailbox;
		view->next = mb->views;
		view->link = &mb->views;
		if (view->next)
			view->next->link = &view->next;
		mb->views = view;
	}
	pthread_mutex_unlock(&view->account->lock);
	return mb ? 0 : err_set(err, ERR_NOTFOUND, "no such mailbox");
}

int view_open(struct account *account, uint64_t mailbox, struct conn_ref watcher, bool is_examine,
	struct view **view_out, struct err *err)
{
	struct view *view AUTO(view_free) = NULL;
	int rc = account_wait_loaded(account, err);

	if (rc < 0)
		return rc;
	view = mem_new(struct view);
	*view = (struct view){
		.account = account_ref(account), .watcher = watcher, .is_examine = is_examine};
	account->store->views++;
	rc = attach(view, mailbox, err);
	if (rc == 0)
		rc = view_load(view, err);
	if (rc < 0)
		return rc;
	if (!view->now)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	view->mine = index_ref(view->now);
	view->synced_version = view->now_version;
	claim_recent(view);
	*view_out = view;
	view = NULL;
	return 0;
}

static void forget_seen(struct view *view)
{
	struct seen *next;

	for (struct seen *s = view->seen; s; s = next) {
		next = s->next;
		free(s);
	}
	view->seen = NULL;
}

void view_free(struct view **view)
{
	struct view *v = *view;

	*view = NULL;
	if (!v)
		return;
	if (v->mb) {
		pthread_mutex_lock(&v->account->lock);
		*v->link = v->next;
		if (v->next)
			v->next->link = v->link;
		if (v->mb->is_gone && !v->mb->views)
			mailbox_set_index(v->account->store, v->mb, NULL);
		mailbox_unref(v->mb);
		pthread_mutex_unlock(&v->account->lock);
	}
	forget_seen(v);
	index_free(&v->mine);
	index_free(&v->now);
	v->account->store->views--;
	account_free(&v->account);
	free(v);
}

/* ---- asking ---- */

uint64_t view_mailbox(const struct view *view)
{
	return view->mailbox;
}

uint32_t view_count(const struct view *view)
{
	return view->mine->total;
}

uint32_t view_uidnext(const struct view *view)
{
	uint32_t n;

	pthread_mutex_lock(&view->account->lock);
	n = view->mb->row.uidnext;
	pthread_mutex_unlock(&view->account->lock);
	return n;
}

bool view_is_stale(struct view *view)
{
	return view->has_gone || view->mb->version != view->synced_version;
}

bool view_is_deleted(struct view *view)
{
	return view->mb->is_gone;
}

/* The attributes of now; where the numbering block is the same, the place is too. */
static const struct attr *find_attr(
	const struct index *now, const struct index_block *b, uint32_t at, uint32_t place)
{
	const uint32_t uid = b->num->e[place].uid;
	uint32_t there, there_place;

	if (at < now->blocks_n && now->b[at].num == b->num && place < now->b[at].count)
		return &now->b[at].attrs->a[place];
	if (!index_find(now, uid, &there, &there_place))
		return NULL;
	return &now->b[there].attrs->a[there_place];
}

static void fill(const struct index *mine, const struct index *now, const struct recent *recent,
	uint32_t at, uint32_t place, struct view_entry *out)
{
	const struct index_block *b = &mine->b[at];
	const struct entry *e = &b->num->e[place];
	const struct attr *a = find_attr(now, b, at, place);

	*out = (struct view_entry){
		.seq = b->before + place + 1,
		.uid = e->uid,
		.message = e->message,
		.size = e->size,
		.received_s = e->received_s,
		.saved_s = e->saved_s,
		.zone_min = e->zone_min,
		.flags = a ? a->flags : b->attrs->a[place].flags,
		.modseq = a ? a->modseq : b->attrs->a[place].modseq,
		.is_recent = is_recent(recent, e->uid),
		.is_gone = !a,
	};
}

bool view_entry(struct view *view, uint32_t seq, struct view_entry *out)
{
	uint32_t at, place;

	if (!index_at(view->mine, seq, &at, &place))
		return false;
	fill(view->mine, present(view), &view->recent, at, place, out);
	return true;
}

bool view_entry_uid(struct view *view, uint32_t uid, struct view_entry *out)
{
	uint32_t at, place;

	if (!index_find(view->mine, uid, &at, &place))
		return false;
	fill(view->mine, present(view), &view->recent, at, place, out);
	return true;
}

uint32_t view_floor(struct view *view, uint32_t uid)
{
	return index_floor(view->mine, uid);
}

/* ---- moving on ---- */

static uint32_t *to_arena(const struct buf *b, struct arena *arena, size_t *n_out)
{
	uint32_t *list = arena_alloc(arena, b->len ? b->len : 1);

	if (list && b->len)
		memcpy(list, b->ptr, b->len);
	*n_out = b->len / sizeof(uint32_t);
	return list;
}

static bool report(const struct merge *m, struct arena *arena, struct view_changes *out)
{
	*out = (struct view_changes){.is_grown = m->is_grown};
	out->expunged = to_arena(&m->expunged, arena, &out->expunged_n);
	out->expunged_uids = to_arena(&m->expunged_uids, arena, &out->expunged_n);
	out->changed = to_arena(&m->changed, arena, &out->changed_n);
	return out->expunged && out->expunged_uids && out->changed;
}

int view_sync(struct view *view, bool may_expunge, struct arena *arena, struct view_changes *out,
	struct err *err)
{
	struct merge m = {.seen = view->seen, .may_expunge = may_expunge};
	struct buf *bufs[] = {&m.expunged, &m.expunged_uids, &m.changed};
	struct index *next AUTO(index_free) = NULL;
	struct view_changes changes = {0};
	bool is_told = true;
	int rc = 0;

	if (view_is_stale(view) || view->now != view->mine)
		rc = view_load(view, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < 3; i++)
		buf_init(bufs[i], SIZE_MAX);
	if (view->now == view->mine) {
		next = index_ref(view->now);
	} else {
		next = view_merge(&m, view->mine, view->now);
		is_told = report(&m, arena, &changes);
	}
	for (int i = 0; i < 3; i++)
		buf_done(bufs[i]);
	if (!is_told)
		return err_set(err, ERR_TOOBIG, "too many changes at once");
	index_free(&view->mine);
	/* Without anything kept back the shared generation serves. */
	view->mine = index_ref(m.has_gone ? next : view->now);
	view->has_gone = m.has_gone;
	view->synced_version = view->now_version;
	forget_seen(view);
	claim_recent(view);
	changes.exists = view->mine->total;
	changes.recent = view_recent(view);
	*out = changes;
	return 0;
}

void view_seen(struct view *view, const uint32_t *uids, size_t n, uint64_t modseq)
{
	struct seen **link = &view->seen, *seen;

	if (n == 0)
		return;
	seen = mem_alloc(sizeof(*seen) + n * sizeof(uids[0]));
	*seen = (struct seen){.modseq = modseq, .n = n};
	memcpy(seen->uids, uids, n * sizeof(uids[0]));
	while (*link && (*link)->uids[0] < uids[0])
		link = &(*link)->next;
	seen->next = *link;
	*link = seen;
}

/* ---- snapshots ---- */

struct view_snap *view_snap(struct view *view)
{
	struct view_snap *snap = mem_new(struct view_snap);

	snap->numbering = index_ref(view->mine);
	snap->attributes = NULL;
	snap->recent = view->recent;
	snap_refresh(snap, view);
	return snap;
}

void view_snap_free(struct view_snap **snap)
{
	if (!*snap)
		return;
	index_free(&(*snap)->numbering);
	index_free(&(*snap)->attributes);
	free(*snap);
	*snap = NULL;
}

uint32_t snap_count(const struct view_snap *snap)
{
	return snap->numbering->total;
}

bool snap_entry(const struct view_snap *snap, uint32_t seq, struct view_entry *out)
{
	uint32_t at, place;

	if (!index_at(snap->numbering, seq, &at, &place))
		return false;
	fill(snap->numbering, snap->attributes, &snap->recent, at, place, out);
	return true;
}

uint32_t snap_floor(const struct view_snap *snap, uint32_t uid)
{
	return index_floor(snap->numbering, uid);
}

void snap_refresh(struct view_snap *snap, struct view *view)
{
	const struct index *now = present(view);

	index_free(&snap->attributes);
	snap->attributes = index_ref((struct index *)now);
}
