/* tx_message.c - flags, copies, moves and expunges: by block, many messages at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/internal.h"

/* The UIDs of one call that are in one block. */
struct span {
	const uint32_t *uids;
	size_t n;
};

static struct span take_span(const uint32_t **uids, size_t *n, uint32_t no)
{
	struct span span = {*uids, 0};

	while (*n && **uids && block_of(**uids) <= no) {
		if (block_of(**uids) < no)
			span.uids++;
		else
			span.n++;
		++*uids;
		--*n;
	}
	return span;
}

static void pass_zero(const uint32_t **uids, size_t *n)
{
	while (*n && **uids == 0) {
		++*uids;
		--*n;
	}
}

/* ---- flags ---- */

struct flagging {
	enum flag_change change;
	uint64_t flags, unchanged_since, modseq;
	struct buf *failed;
	uint32_t *uids;   /* of what changed */
	uint64_t *former; /* and their flags before */
	size_t n;
};

static uint64_t flags_after(const struct flagging *f, uint64_t flags)
{
	switch (f->change) {
	case FLAGS_ADD:
		return flags | f->flags;
	case FLAGS_REMOVE:
		return flags & ~f->flags;
	default:
		return f->flags;
	}
}

static bool flag_one(struct account_tx *tx, struct box *box, struct flagging *f,
	const struct entry *e, struct attr *a)
{
	const uint64_t was = a->flags, is = flags_after(f, was);

	if (a->modseq > f->unchanged_since) {
		buf_append(f->failed, (struct slice){(const char *)&e->uid, sizeof(e->uid)});
		return false;
	}
	if (was == is)
		return false;
	a->flags = is;
	a->modseq = tx_modseq(tx);
	f->uids[f->n] = e->uid;
	f->former[f->n++] = was;
	box_count(box, e, was, -1);
	box_count(box, e, is, 1);
	return true;
}

static void flag_block(struct account_tx *tx, struct box *box, struct flagging *f,
	const struct index_block *b, struct span span, struct index_maker *m)
{
	struct attr attrs[BLOCK_ENTRIES];
	bool is_changed = false;

	memcpy(attrs, b->attrs->a, b->count * sizeof(attrs[0]));
	for (size_t i = 0; i < span.n; i++) {
		const uint32_t at = block_place(b, span.uids[i]);

		if (at < b->count && b->num->e[at].uid == span.uids[i] &&
			flag_one(tx, box, f, &b->num->e[at], &attrs[at]))
			is_changed = true;
	}
	if (is_changed)
		maker_put(m, b->no, NULL, attrs, b->count, b);
	else
		maker_share(m, b);
}

int tx_flags(struct account_tx *tx, uint64_t mailbox, const uint32_t *uids, size_t n,
	enum flag_change change, uint64_t flags, uint64_t unchanged_since, struct buf *failed,
	struct err *err)
{
	struct flagging f = {.change = change,
		.flags = flags,
		.unchanged_since = unchanged_since,
		.failed = failed};
	struct index_maker m;
	struct box *box;
	int rc = tx_box(tx, mailbox, &box, err);

	if (rc == 0)
		rc = tx_index(tx, box, err);
	if (rc < 0)
		return rc;
	f.uids = mem_zalloc_array(n, sizeof(*f.uids));
	f.former = mem_zalloc_array(n, sizeof(*f.former));
	maker_init(&m, box->work->blocks_n);
	m.ix->modseq = box->work->modseq;
	pass_zero(&uids, &n);
	for (uint32_t i = 0; i < box->work->blocks_n; i++) {
		const struct index_block *b = &box->work->b[i];
		const struct span span = take_span(&uids, &n, b->no);

		if (span.n)
			flag_block(tx, box, &f, b, span, &m);
		else
			maker_share(&m, b);
	}
	if (f.n) {
		box_set_index(box, maker_done(&m));
		box->row.modseq = tx_modseq(tx);
		rc = tx_change(tx, mailbox, CHANGE_FLAGS, f.uids, f.former, f.n, err);
	} else {
		index_free(&m.ix);
	}
	free(f.uids);
	free(f.former);
	return rc;
}

/* ---- taking out ---- */

/* One reference goes from a mailbox to the past. Nothing is written for a message that has only
 * this one; true in *is_last_out if no mailbox refers to it any more. */
static int share_to_past(
	struct account_tx *tx, uint64_t message, bool *is_last_out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc;

	*is_last_out = true;
	if (tx->row.shares == 0)
		return 0;
	rc = db_query(tx->db, &stmt, err,
		"UPDATE share SET live = live - 1, past = past + 1 WHERE id = ? RETURNING live",
		db_i((int64_t)message));
	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc > 0)
		*is_last_out = db_int(stmt, 0) == 0;
	return rc < 0 ? rc : 0;
}

static int to_past(struct account_tx *tx, uint64_t mailbox, uint32_t no,
	const struct entry *entries, const struct attr *attrs, size_t n, struct err *err)
{
	bool is_last;

	for (size_t i = 0; i < n; i++) {
		const int rc = share_to_past(tx, entries[i].message, &is_last, err);

		if (rc < 0)
			return rc;
		if (is_last) {
			tx->row.messages--;
			tx->row.bytes -= entries[i].size;
		}
	}
	return past_keep(tx, mailbox, no, entries, attrs, n, err);
}

struct removal {
	bool is_kept_in_past;
	uint32_t *uids; /* what went */
	size_t n;
	struct entry entries[BLOCK_ENTRIES], gone[BLOCK_ENTRIES];
	struct attr attrs[BLOCK_ENTRIES], gone_attrs[BLOCK_ENTRIES];
};

static int remove_block(struct account_tx *tx, struct box *box, struct removal *r,
	const struct index_block *b, struct span span, struct index_maker *m, struct err *err)
{
	uint32_t kept = 0, gone = 0;
	size_t at = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		const struct entry *e = &b->num->e[i];

		while (at < span.n && span.uids[at] < e->uid)
			at++;
		if (at < span.n && span.uids[at] == e->uid) {
			r->uids[r->n++] = e->uid;
			box_count(box, e, b->attrs->a[i].flags, -1);
			r->gone[gone] = *e;
			r->gone_attrs[gone++] = b->attrs->a[i];
		} else {
			r->entries[kept] = *e;
			r->attrs[kept++] = b->attrs->a[i];
		}
	}
	if (gone == 0) {
		maker_share(m, b);
		return 0;
	}
	maker_put(m, b->no, r->entries, r->attrs, kept, NULL);
	if (!r->is_kept_in_past)
		return 0;
	return to_past(tx, box->row.id, b->no, r->gone, r->gone_attrs, gone, err);
}

int box_remove(struct account_tx *tx, struct box *box, const uint32_t *uids, size_t n,
	bool is_kept_in_past, struct err *err)
{
	struct removal *r = mem_new(struct removal);
	struct index_maker m;
	int rc = 0;

	r->is_kept_in_past = is_kept_in_past;
	r->uids = mem_zalloc_array(n, sizeof(*r->uids));
	maker_init(&m, box->work->blocks_n);
	m.ix->modseq = box->work->modseq;
	pass_zero(&uids, &n);
	for (uint32_t i = 0; i < box->work->blocks_n && rc == 0; i++) {
		const struct index_block *b = &box->work->b[i];

		rc = remove_block(tx, box, r, b, take_span(&uids, &n, b->no), &m, err);
	}
	if (rc == 0 && r->n) {
		box_set_index(box, maker_done(&m));
		box->row.modseq = tx_modseq(tx);
		rc = tx_change(tx, box->row.id, CHANGE_EXPUNGED, r->uids, NULL, r->n, err);
	} else {
		index_free(&m.ix);
	}
	free(r->uids);
	free(r);
	return rc;
}

int tx_expunge(
	struct account_tx *tx, uint64_t mailbox, const uint32_t *uids, size_t n, struct err *err)
{
	struct box *box;
	int rc = tx_box(tx, mailbox, &box, err);

	if (rc == 0)
		rc = tx_index(tx, box, err);
	return rc < 0 ? rc : box_remove(tx, box, uids, n, true, err);
}

/* ---- copies ---- */

static int share_more(struct account_tx *tx, uint64_t message, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(tx->db, &stmt, err,
		"INSERT INTO share (id, live, past) VALUES (?, 2, 0) "
		"ON CONFLICT (id) DO UPDATE SET live = live + 1 RETURNING live + past",
		db_i((int64_t)message));

	if (rc == 0)
		rc = db_step(stmt, err);
	/* Two references: it had no row before, for a row is only kept for two or more. */
	if (rc > 0)
		tx->row.shares += db_int(stmt, 0) == 2;
	return rc < 0 ? rc : 0;
}

struct copying {
	struct entry *entries;
	struct attr *attrs;
	uint32_t *uids; /* the new ones, without gaps */
	size_t n;
};

static int copy_one(struct account_tx *tx, struct box *from, struct box *to, uint32_t uid,
	bool is_move, struct copying *c, uint32_t *new_uid, struct err *err)
{
	uint32_t block, place;
	struct entry *e = &c->entries[c->n];
	int rc = 0;

	*new_uid = 0;
	if (!index_find(from->work, uid, &block, &place))
		return 0;
	if (to->row.uidnext == UINT32_MAX)
		return err_set(err, ERR_TOOBIG, "the mailbox has no UID left");
	*e = from->work->b[block].num->e[place];
	if (!is_move)
		rc = share_more(tx, e->message, err);
	e->uid = to->row.uidnext++;
	e->saved_s = (uint32_t)tx->now_s;
	c->attrs[c->n] = from->work->b[block].attrs->a[place];
	c->attrs[c->n].modseq = tx_modseq(tx);
	box_count(to, e, c->attrs[c->n].flags, 1);
	c->uids[c->n++] = *new_uid = e->uid;
	return rc;
}

static int copy_all(struct account_tx *tx, struct box *from, struct box *to, const uint32_t *uids,
	size_t n, bool is_move, uint32_t *new_uids, struct copying *c, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = copy_one(tx, from, to, uids[i], is_move, c, &new_uids[i], err);
	if (rc < 0 || c->n == 0)
		return rc;
	box_set_index(to, index_append(to->work, c->entries, c->attrs, c->n));
	to->row.modseq = tx_modseq(tx);
	rc = tx_change(tx, to->row.id, CHANGE_ADDED, c->uids, NULL, c->n, err);
	if (rc == 0 && is_move)
		rc = box_remove(tx, from, uids, n, false, err);
	return rc;
}

int tx_copy(struct account_tx *tx, uint64_t from_id, const uint32_t *uids, size_t n, uint64_t to_id,
	bool is_move, uint32_t *new_uids, struct err *err)
{
	struct copying c = {0};
	struct box *from, *to;
	int rc = tx_box(tx, from_id, &from, err);

	if (rc == 0)
		rc = tx_box(tx, to_id, &to, err);
	if (rc == 0)
		rc = tx_index(tx, from, err);
	if (rc == 0)
		rc = tx_index_tail(tx, to, err);
	if (rc < 0)
		return rc;
	c.entries = mem_zalloc_array(n, sizeof(*c.entries));
	c.attrs = mem_zalloc_array(n, sizeof(*c.attrs));
	c.uids = mem_zalloc_array(n, sizeof(*c.uids));
	rc = copy_all(tx, from, to, uids, n, is_move, new_uids, &c, err);
	free(c.entries);
	free(c.attrs);
	free(c.uids);
	return rc;
}
