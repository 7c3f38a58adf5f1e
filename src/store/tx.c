/* tx.c - a write transaction: what it changes is built privately, then written, then published. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/internal.h"

void tx_init(struct account_tx *tx, struct account *account)
{
	*tx = (struct account_tx){.account = account,
		.db = account->db,
		.row = account->row,
		.now_s = clock_wall_s()};
	arena_init(&tx->arena, TX_ARENA_MAX);
	tx->keywords_n = account->keywords_n;
	if (tx->keywords_n)
		memcpy(tx->keywords, account->keywords, tx->keywords_n * sizeof(tx->keywords[0]));
}

void tx_done(struct account_tx *tx)
{
	for (size_t i = 0; i < tx->boxes_n; i++) {
		index_free(&tx->boxes[i]->base);
		index_free(&tx->boxes[i]->work);
	}
	free(tx->boxes);
	arena_done(&tx->arena);
}

void tx_save(struct account_tx *tx, struct tx_saved *saved)
{
	*saved = (struct tx_saved){
		.row = tx->row,
		.modseq = tx->modseq,
		.changes = tx->changes,
		.pasts = tx->pasts,
		.boxes = mem_zalloc_array(tx->boxes_n, sizeof(struct box)),
		.boxes_n = tx->boxes_n,
		.keywords_n = tx->keywords_n,
	};
	for (size_t i = 0; i < tx->boxes_n; i++) {
		saved->boxes[i] = *tx->boxes[i];
		if (saved->boxes[i].base)
			index_ref(saved->boxes[i].base);
		if (saved->boxes[i].work)
			index_ref(saved->boxes[i].work);
	}
}

void tx_restore(struct account_tx *tx, struct tx_saved *saved)
{
	for (size_t i = 0; i < tx->boxes_n; i++) {
		index_free(&tx->boxes[i]->base);
		index_free(&tx->boxes[i]->work);
		if (i < saved->boxes_n)
			*tx->boxes[i] = saved->boxes[i];
	}
	free(saved->boxes);
	tx->row = saved->row;
	tx->modseq = saved->modseq;
	tx->changes = saved->changes;
	tx->pasts = saved->pasts;
	tx->boxes_n = saved->boxes_n;
	tx->keywords_n = saved->keywords_n;
}

void tx_drop(struct account_tx *tx, struct tx_saved *saved)
{
	(void)tx;
	for (size_t i = 0; i < saved->boxes_n; i++) {
		index_free(&saved->boxes[i].base);
		index_free(&saved->boxes[i].work);
	}
	free(saved->boxes);
}

uint64_t tx_modseq(struct account_tx *tx)
{
	if (!tx->modseq)
		tx->modseq = ++tx->row.modseq;
	return tx->modseq;
}

static struct box *open_box(struct account_tx *tx)
{
	struct box *box = arena_alloc(&tx->arena, sizeof(*box));

	if (!box)
		return NULL;
	if (tx->boxes_n == tx->boxes_cap) {
		tx->boxes_cap = tx->boxes_cap ? tx->boxes_cap * 2 : 4;
		tx->boxes = mem_realloc(tx->boxes, tx->boxes_cap * sizeof(struct box *));
	}
	tx->boxes[tx->boxes_n++] = box;
	return box;
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_TOOBIG, "the change is too large");
}

static int open_published(
	struct account_tx *tx, struct mailbox *mb, struct box **box_out, struct err *err)
{
	struct box *box = open_box(tx);

	if (!box)
		return no_memory(err);
	*box = (struct box){.mb = mb, .row = mb->row, .name = slice_str(mb->name)};
	*box_out = box;
	return 0;
}

static struct box *opened(struct account_tx *tx, uint64_t id)
{
	for (size_t i = 0; i < tx->boxes_n; i++) {
		if (tx->boxes[i]->row.id == id)
			return tx->boxes[i];
	}
	return NULL;
}

int tx_box(struct account_tx *tx, uint64_t id, struct box **box_out, struct err *err)
{
	struct box *box = opened(tx, id);
	struct mailbox *mb = box ? NULL : account_find(tx->account, id);

	if (mb) {
		const int rc = open_published(tx, mb, &box, err);

		if (rc < 0)
			return rc;
	}
	if (!box || box->is_gone || box->row.flags & (MAILBOX_NOSELECT | MAILBOX_ABSENT))
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	*box_out = box;
	return 0;
}

int tx_box_all(struct account_tx *tx, struct err *err)
{
	const size_t before = tx->boxes_n;
	struct box *box;

	for (size_t i = 0; i < tx->account->list_n; i++) {
		struct mailbox *mb = tx->account->list[i];
		bool is_open = false;

		for (size_t k = 0; k < before && !is_open; k++)
			is_open = tx->boxes[k]->mb == mb;
		if (!is_open && open_published(tx, mb, &box, err) < 0)
			return -(int)err->code;
	}
	return 0;
}

struct box *tx_box_named(struct account_tx *tx, struct slice name)
{
	for (size_t i = 0; i < tx->boxes_n; i++) {
		if (!tx->boxes[i]->is_gone && slice_eq(tx->boxes[i]->name, name))
			return tx->boxes[i];
	}
	return NULL;
}

struct box *tx_box_add(struct account_tx *tx)
{
	struct box *box = open_box(tx);

	if (!box)
		return NULL;
	*box = (struct box){.row = {.id = ++tx->row.mailbox, .uidnext = 1}, .is_named = true};
	return box;
}

void box_set_index(struct box *box, struct index *ix)
{
	index_free(&box->work);
	box->work = ix;
}

/* The published index, if it is in memory and true; otherwise NULL, and *stale_out is what there
 * is. */
static struct index *published_index(
	struct account_tx *tx, struct mailbox *mb, struct index **stale_out)
{
	struct index *ix = NULL;

	*stale_out = NULL;
	if (!mb)
		return NULL;
	pthread_mutex_lock(&tx->account->lock);
	if (mb->index)
		ix = index_ref(mb->index);
	pthread_mutex_unlock(&tx->account->lock);
	if (ix && ix->modseq < mb->row.modseq) {
		*stale_out = ix;
		return NULL;
	}
	return ix;
}

static void take_index(struct box *box, struct index *ix)
{
	index_free(&box->base);
	index_free(&box->work);
	box->base = ix;
	box->work = index_ref(ix);
}

/* What was appended while only the tail was known, on top of the whole. */
static struct index *graft(const struct index *whole, const struct index *tail)
{
	struct index_maker m;

	maker_init(&m, whole->blocks_n + tail->blocks_n);
	m.ix->modseq = whole->modseq;
	for (uint32_t i = 0; i < whole->blocks_n; i++) {
		if (tail->blocks_n == 0 || whole->b[i].no < tail->b[0].no)
			maker_share(&m, &whole->b[i]);
	}
	for (uint32_t i = 0; i < tail->blocks_n; i++)
		maker_share(&m, &tail->b[i]);
	return maker_done(&m);
}

int tx_index(struct account_tx *tx, struct box *box, struct err *err)
{
	struct index *stale AUTO(index_free) = NULL;
	struct index *tail AUTO(index_free) = NULL;
	struct index *ix;
	int rc;

	if (box->work && !box->work->is_tail)
		return 0;
	if (!box->mb) {
		take_index(box, index_new());
		return 0;
	}
	ix = published_index(tx, box->mb, &stale);
	if (!ix) {
		rc = index_load(tx->db, box->row.id, stale, &ix, err);
		if (rc < 0)
			return rc;
	}
	if (box->work)
		tail = index_ref(box->work);
	take_index(box, ix);
	if (tail)
		box_set_index(box, graft(ix, tail));
	return 0;
}

int tx_index_tail(struct account_tx *tx, struct box *box, struct err *err)
{
	struct index *stale AUTO(index_free) = NULL;
	struct index *ix;
	int rc;

	if (box->work)
		return 0;
	if (!box->mb)
		return tx_index(tx, box, err);
	ix = published_index(tx, box->mb, &stale);
	if (!ix) {
		rc = index_load_tail(tx->db, box->row.id, box->row.uidnext, &ix, err);
		if (rc < 0)
			return rc;
	}
	take_index(box, ix);
	return 0;
}

int tx_change(struct account_tx *tx, uint64_t mailbox, enum change_kind kind, const uint32_t *uids,
	const uint64_t *former, size_t n, struct err *err)
{
	struct buf runs AUTO(buf_done), flags AUTO(buf_done);
	int64_t id;
	int rc;

	buf_init(&runs, 16 + n * 30);
	buf_init(&flags, 16 + n * 30);
	if (tx->changes >> CHANGE_BITS)
		return no_memory(err);
	runs_pack(&runs, uids, NULL, n);
	if (former)
		runs_pack(&flags, uids, former, n);
	id = (int64_t)(tx_modseq(tx) << CHANGE_BITS | tx->changes);
	rc = db_do(tx->db, err,
		"INSERT INTO change (id, mailbox, kind, time, runs, former) VALUES (?,?,?,?,?,?)",
		db_i(id), db_i((int64_t)mailbox), db_i(kind), db_i(tx->now_s),
		db_b(buf_slice(&runs)), former ? db_b(buf_slice(&flags)) : db_null());
	tx->changes += rc == 0;
	return rc;
}
