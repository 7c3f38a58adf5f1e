/* tx_write.c - the end of a transaction: rows before the commit, memory after it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/internal.h"

static int write_block(struct account_tx *tx, uint64_t mailbox, uint32_t no,
	const struct index_block *b, struct buf *scratch, struct err *err)
{
	buf_clear(scratch);
	block_pack(scratch, no, b ? b->num->e : NULL, b ? b->attrs->a : NULL, b ? b->count : 0);
	return db_do(tx->db, err,
		"INSERT INTO entries (id, modseq, data) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (id) DO UPDATE SET modseq = ?2, data = ?3",
		db_i(entries_id(mailbox, block_first_uid(no))), db_i((int64_t)tx_modseq(tx)),
		db_b(buf_slice(scratch)));
}

static bool is_same(const struct index_block *a, const struct index_block *b)
{
	return a->num == b->num && a->attrs == b->attrs && a->count == b->count;
}

/*
 * The blocks in which work differs from base. A block that became empty keeps an empty row: who
 * holds an older generation in memory (another process) must find that it changed.
 */
static int write_index(struct account_tx *tx, struct box *box, struct err *err)
{
	const struct index *base = box->base, *work = box->work;
	struct buf scratch AUTO(buf_done);
	uint32_t i = 0, k = 0;
	int rc = 0;

	buf_init(&scratch, BLOCK_PACKED_MAX);
	if (!work || work == base)
		return 0;
	while (rc == 0 && (i < base->blocks_n || k < work->blocks_n)) {
		const struct index_block *was = i < base->blocks_n ? &base->b[i] : NULL;
		const struct index_block *is = k < work->blocks_n ? &work->b[k] : NULL;

		if (was && is && was->no == is->no) {
			if (!is_same(was, is))
				rc = write_block(tx, box->row.id, is->no, is, &scratch, err);
			i++;
			k++;
		} else if (is && (!was || is->no < was->no)) {
			rc = write_block(tx, box->row.id, is->no, is, &scratch, err);
			k++;
		} else {
			rc = write_block(tx, box->row.id, was->no, NULL, &scratch, err);
			i++;
		}
	}
	return rc;
}

static int write_new_box(struct account_tx *tx, const struct box *box, struct err *err)
{
	const struct mailbox_row *r = &box->row;

	return db_do(tx->db, err,
		"INSERT INTO mailbox (id, name, role, flags, uidvalidity, uidnext, recent, "
		"messages,"
		" unseen, deleted, bytes, modseq) VALUES (?,?,?,?,?,?,1,?,?,?,?,?)",
		db_i((int64_t)r->id), db_t(box->name), db_i(r->role), db_i(r->flags),
		db_i(r->uidvalidity), db_i(r->uidnext), db_i(r->messages), db_i(r->unseen),
		db_i(r->deleted), db_i((int64_t)r->bytes), db_i((int64_t)r->modseq));
}

static int write_box(struct account_tx *tx, const struct box *box, struct err *err)
{
	const struct mailbox_row *r = &box->row;
	int rc = 0;

	if (!box->mb)
		return write_new_box(tx, box, err);
	if (box->is_named)
		rc = db_do(tx->db, err,
			"UPDATE mailbox SET name = ?, role = ?, flags = ?, uidvalidity = ? WHERE "
			"id = "
			"?",
			db_t(box->name), db_i(r->role), db_i(r->flags), db_i(r->uidvalidity),
			db_i((int64_t)r->id));
	if (rc == 0 && memcmp(r, &box->mb->row, sizeof(*r)) != 0)
		rc = db_do(tx->db, err,
			"UPDATE mailbox SET uidnext = ?, recent = ?, messages = ?, unseen = ?, "
			"deleted = ?, bytes = ?, modseq = ? WHERE id = ?",
			db_i(r->uidnext), db_i(box->mb->recent), db_i(r->messages), db_i(r->unseen),
			db_i(r->deleted), db_i((int64_t)r->bytes), db_i((int64_t)r->modseq),
			db_i((int64_t)r->id));
	return rc;
}

static int write_gone_box(struct account_tx *tx, const struct box *box, struct err *err)
{
	int rc = db_do(tx->db, err, "DELETE FROM mailbox WHERE id = ?", db_i((int64_t)box->row.id));

	if (rc == 0)
		rc = db_do(tx->db, err, "DELETE FROM entries WHERE id BETWEEN ? AND ?",
			db_i(entries_id(box->row.id, 0)),
			db_i(entries_id(box->row.id, UINT32_MAX)));
	return rc;
}

static int write_keywords(struct account_tx *tx, struct err *err)
{
	int rc = 0;

	for (size_t i = tx->account->keywords_n; rc == 0 && i < tx->keywords_n; i++)
		rc = db_do(tx->db, err, "INSERT INTO keyword (id, name) VALUES (?, ?)",
			db_i((int64_t)i), db_t(slice_str(tx->keywords[i])));
	return rc;
}

static int write_account(struct account_tx *tx, struct err *err)
{
	const struct account_row *r = &tx->row;

	if (!tx->modseq)
		return 0;
	return db_do(tx->db, err,
		"UPDATE account SET epoch = ?, modseq = ?, floor = ?, message = ?, mailbox = ?, "
		"uidvalidity = ?, messages = ?, bytes = ?, past_bytes = ?, shares = ?, keywords = "
		"? WHERE id = 1",
		db_i((int64_t)r->epoch), db_i((int64_t)r->modseq), db_i((int64_t)r->floor),
		db_i((int64_t)r->message), db_i((int64_t)r->mailbox), db_i((int64_t)r->uidvalidity),
		db_i((int64_t)r->messages), db_i((int64_t)r->bytes), db_i((int64_t)r->past_bytes),
		db_i((int64_t)r->shares), db_i((int64_t)tx->keywords_n));
}

int tx_flush(struct account_tx *tx, struct err *err)
{
	int rc = write_keywords(tx, err);

	for (size_t i = 0; rc == 0 && i < tx->boxes_n; i++) {
		const bool is_new = !tx->boxes[i]->mb;

		if (tx->boxes[i]->is_gone) {
			if (!is_new)
				rc = write_gone_box(tx, tx->boxes[i], err);
			continue;
		}
		rc = write_index(tx, tx->boxes[i], err);
		if (rc == 0)
			rc = write_box(tx, tx->boxes[i], err);
	}
	return rc < 0 ? rc : write_account(tx, err);
}

/* ---- publishing, under account.lock ---- */

static void publish_new(struct account *account, const struct box *box)
{
	struct mailbox *mb = mem_new(struct mailbox);

	mb->refs = 1;
	mb->row = box->row;
	mb->name = mem_str(box->name);
	mb->recent = 1;
	account->list =
		mem_realloc(account->list, (account->list_n + 1) * sizeof(struct mailbox *));
	account->list[account->list_n++] = mb;
	if (box->work && !box->work->is_tail) {
		mb->index = index_ref(box->work);
		mb->index->modseq = box->row.modseq;
		account->store->index_bytes += index_bytes(mb->index);
	}
}

static void publish_gone(struct account *account, struct mailbox *mb)
{
	for (size_t i = 0; i < account->list_n; i++) {
		if (account->list[i] == mb) {
			memmove(&account->list[i], &account->list[i + 1],
				(account->list_n - i - 1) * sizeof(struct mailbox *));
			account->list_n--;
			break;
		}
	}
	mb->is_gone = true;
	mb->version++;
	mailbox_unref(mb);
}

static void publish_changed(struct account *account, struct box *box)
{
	struct mailbox *mb = box->mb;

	if (box->is_named && !slice_eq(slice_str(mb->name), box->name)) {
		free(mb->name);
		mb->name = mem_str(box->name);
	}
	if (box->work && !box->work->is_tail) {
		if (box->work != box->base)
			box->work->modseq = box->row.modseq;
		/* A reader may have loaded what we committed before we come to publish it. */
		if (!mb->index || mb->index->modseq < box->work->modseq)
			mailbox_set_index(account->store, mb, index_ref(box->work));
	}
	if (memcmp(&mb->row, &box->row, sizeof(mb->row)) != 0)
		mb->version++;
	mb->row = box->row;
}

static void publish_keywords(struct account *account, struct account_tx *tx)
{
	while (account->keywords_n < tx->keywords_n)
		account_add_keyword(account, slice_str(tx->keywords[account->keywords_n]));
}

void tx_publish(struct account_tx *tx)
{
	struct account *account = tx->account;
	struct buf wake AUTO(buf_done);

	buf_init(&wake, SIZE_MAX);
	pthread_mutex_lock(&account->lock);
	account->row = tx->row;
	publish_keywords(account, tx);
	for (size_t i = 0; i < tx->boxes_n; i++) {
		struct box *box = tx->boxes[i];

		if (box->mb &&
			(box->is_gone || memcmp(&box->mb->row, &box->row, sizeof(box->row)) != 0))
			mailbox_watchers(box->mb, &wake);
		if (!box->mb && !box->is_gone)
			publish_new(account, box);
		else if (box->mb && !box->is_gone)
			publish_changed(account, box);
	}
	/* Last, because a name that stays subscribed is taken from the mailbox that goes. */
	for (size_t i = 0; i < tx->boxes_n; i++) {
		if (tx->boxes[i]->mb && tx->boxes[i]->is_gone)
			publish_gone(account, tx->boxes[i]->mb);
	}
	pthread_mutex_unlock(&account->lock);
	account_wake(account, &wake);
}
