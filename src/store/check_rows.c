/* check_rows.c - mailboxes, references, tombstones and counters against each other. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/check_internal.h"

/* Message ids that are referred to, by mailboxes and by the past, sorted before use. */
struct refs {
	uint64_t *ids;
	size_t n, cap, at;
};

static void refs_add(struct refs *refs, uint64_t id)
{
	if (refs->n == refs->cap) {
		refs->cap = refs->cap ? refs->cap * 2 : 1024;
		refs->ids = mem_realloc(refs->ids, refs->cap * sizeof(refs->ids[0]));
	}
	refs->ids[refs->n++] = id;
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void refs_sort(struct refs *refs)
{
	if (refs->n)
		qsort(refs->ids, refs->n, sizeof(refs->ids[0]), compare_ids);
}

/* How many there are of id; ids are asked for in ascending order. Smaller ones that were passed
 * over have no message: *missing_out counts them. */
static uint64_t refs_take(struct refs *refs, uint64_t id, uint64_t *missing_out)
{
	const size_t start = refs->at;
	size_t from;

	while (refs->at < refs->n && refs->ids[refs->at] < id)
		refs->at++;
	*missing_out += refs->at - start;
	from = refs->at;
	while (refs->at < refs->n && refs->ids[refs->at] == id)
		refs->at++;
	return refs->at - from;
}

struct rows {
	struct check *c;
	struct account_tx *tx;
	struct refs live, past;
	struct map boxes; /* id -> box, of those that can be selected */
	uint64_t missing, bytes, messages, shares, past_bytes;
};

/* ---- mailboxes ---- */

static void compare_published(struct rows *r, struct box *box)
{
	const struct index *rows = box->work;
	struct index *ix AUTO(index_free) = NULL;
	bool is_same;

	pthread_mutex_lock(&r->tx->account->lock);
	if (box->mb->index && box->mb->index->modseq == rows->modseq)
		ix = index_ref(box->mb->index);
	pthread_mutex_unlock(&r->tx->account->lock);
	if (!ix)
		return;
	is_same = ix->total == rows->total && ix->blocks_n == rows->blocks_n;
	for (uint32_t i = 0; is_same && i < rows->blocks_n; i++) {
		const struct index_block *a = &ix->b[i], *b = &rows->b[i];

		is_same = a->no == b->no && a->count == b->count;
		for (uint32_t k = 0; is_same && k < b->count; k++)
			is_same = a->num->e[k].uid == b->num->e[k].uid &&
				  a->num->e[k].message == b->num->e[k].message &&
				  a->attrs->a[k].flags == b->attrs->a[k].flags &&
				  a->attrs->a[k].modseq == b->attrs->a[k].modseq;
	}
	if (!is_same)
		check_lasting(r->c, "%.*s: the index in memory is not that of the file",
			SLICE_ARG(box->name));
}

static void check_entry(struct rows *r, const struct box *box, const struct entry *e,
	const struct attr *a, struct box *counted)
{
	const uint64_t known = r->tx->keywords_n < 64 - KEYWORD_BIT
				       ? (1ull << (KEYWORD_BIT + r->tx->keywords_n)) - 1
				       : UINT64_MAX;

	box_count(counted, e, a->flags, 1);
	refs_add(&r->live, e->message);
	if (e->uid >= box->row.uidnext)
		check_lasting(r->c, "%.*s: uid %u is not below uidnext %u", SLICE_ARG(box->name),
			e->uid, box->row.uidnext);
	if (a->modseq > box->row.modseq)
		check_lasting(r->c, "%.*s: uid %u is newer than its mailbox", SLICE_ARG(box->name),
			e->uid);
	if (a->flags & ~known)
		check_lasting(r->c, "%.*s: uid %u has a keyword without name", SLICE_ARG(box->name),
			e->uid);
}

static int check_mailbox(struct rows *r, struct box *box, struct err *err)
{
	struct box counted = {0};
	struct index *ix;
	int rc = index_load(r->tx->db, box->row.id, NULL, &ix, err);

	if (rc < 0)
		return rc;
	box->base = ix;
	box->work = index_ref(ix);
	compare_published(r, box);
	for (uint32_t i = 0; i < ix->blocks_n; i++) {
		for (uint32_t k = 0; k < ix->b[i].count; k++)
			check_entry(r, box, &ix->b[i].num->e[k], &ix->b[i].attrs->a[k], &counted);
	}
	if (box->row.modseq > r->tx->row.modseq)
		check_lasting(r->c, "%.*s: newer than its account", SLICE_ARG(box->name));
	if ((counted.row.messages != box->row.messages || counted.row.unseen != box->row.unseen ||
		    counted.row.deleted != box->row.deleted ||
		    counted.row.bytes != box->row.bytes) &&
		check_problem(r->c, "%.*s: its counters are not those of its messages",
			SLICE_ARG(box->name))) {
		tx_modseq(r->tx);
		box->row.messages = counted.row.messages;
		box->row.unseen = counted.row.unseen;
		box->row.deleted = counted.row.deleted;
		box->row.bytes = counted.row.bytes;
	}
	r->c->result.mailboxes++;
	map_put(&r->boxes, map_key_u64(&box->row.id), box);
	return 0;
}

static int check_stray_blocks(struct rows *r, struct err *err)
{
	int64_t n = 0;
	int rc = db_get_int(r->tx->db, &n, err,
		"SELECT count(*) FROM entries WHERE (id >> 32) NOT IN (SELECT id FROM mailbox)");

	if (rc == 0 && n && check_problem(r->c, "%lld index rows of no mailbox", (long long)n))
		rc = db_do(r->tx->db, err,
			"DELETE FROM entries WHERE (id >> 32) NOT IN (SELECT id FROM mailbox)");
	return rc;
}

/* ---- the past, and tombstones ---- */

static int check_past(struct rows *r, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	struct entry entries[BLOCK_ENTRIES];
	struct attr attrs[BLOCK_ENTRIES];
	int rc = db_query(r->tx->db, &stmt, err, "SELECT block, bytes, data FROM past");
	size_t n;

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		r->past_bytes += (uint64_t)db_int(stmt, 1);
		rc = block_unpack(
			db_blob(stmt, 2), (uint32_t)db_int(stmt, 0), entries, attrs, &n, err);
		for (size_t i = 0; rc == 0 && i < n; i++)
			refs_add(&r->past, entries[i].message);
	}
	return rc;
}

static void check_tombstones(struct rows *r, const struct box *box, struct slice runs)
{
	uint64_t first, more, last = 0;
	uint32_t block, place;

	while (runs.len) {
		if (!varint_take(&runs, &first) || !varint_take(&runs, &more) ||
			last + first + more > UINT32_MAX || more > BLOCK_PACKED_MAX * 100ull) {
			check_lasting(r->c, "%.*s: a change cannot be read", SLICE_ARG(box->name));
			return;
		}
		for (last += first; more + 1; more--, last++) {
			if (index_find(box->work, (uint32_t)last, &block, &place))
				check_lasting(r->c, "%.*s: uid %llu is both there and gone",
					SLICE_ARG(box->name), (unsigned long long)last);
		}
		last--;
	}
}

static int check_changes(struct rows *r, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(r->tx->db, &stmt, err, "SELECT mailbox, runs FROM change WHERE kind = ?",
		db_i(CHANGE_EXPUNGED));

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		const uint64_t id = (uint64_t)db_int(stmt, 0);
		const struct box *box = map_get(&r->boxes, map_key_u64(&id));

		if (box)
			check_tombstones(r, box, db_blob(stmt, 1));
		rc = 0;
	}
	return rc;
}

/* ---- messages and references to them ---- */

static int repair_share(struct rows *r, int64_t id, uint64_t live, uint64_t past, struct err *err)
{
	if (!check_problem(r->c, "message %lld: its references are miscounted", (long long)id))
		return 0;
	if (live + past < 2)
		return db_do(r->tx->db, err, "DELETE FROM share WHERE id = ?", db_i(id));
	return db_do(r->tx->db, err, "INSERT OR REPLACE INTO share (id, live, past) VALUES (?,?,?)",
		db_i(id), db_i((int64_t)live), db_i((int64_t)past));
}

static int drop_orphan(struct rows *r, int64_t id, struct err *err)
{
	int rc;

	if (!check_problem(r->c, "message %lld: nothing refers to it", (long long)id))
		return 0;
	rc = db_do(r->tx->db, err, "DELETE FROM message WHERE id = ?", db_i(id));
	return rc < 0 ? rc : db_do(r->tx->db, err, "DELETE FROM share WHERE id = ?", db_i(id));
}

static int check_message(struct rows *r, struct db_stmt *stmt, struct err *err)
{
	const int64_t id = db_int(stmt, 0);
	const uint64_t live = refs_take(&r->live, (uint64_t)id, &r->missing);
	const uint64_t past = refs_take(&r->past, (uint64_t)id, &r->missing);
	const bool has_row = !db_is_null(stmt, 2);
	const bool is_right = live + past < 2 ? !has_row
					      : has_row && (uint64_t)db_int(stmt, 2) == live &&
							(uint64_t)db_int(stmt, 3) == past;

	if (live + past == 0)
		return drop_orphan(r, id, err);
	if (live) {
		r->bytes += (uint64_t)db_int(stmt, 1);
		r->messages++;
	}
	r->shares += live + past >= 2;
	return is_right ? 0 : repair_share(r, id, live, past, err);
}

static int check_messages(struct rows *r, struct err *err)
{
	int64_t last = 0;
	int rc = 0;

	refs_sort(&r->live);
	refs_sort(&r->past);
	/* One row a query: what is repaired between must not disturb a walk. */
	do {
		struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;

		rc = db_query(r->tx->db, &stmt, err,
			"SELECT m.id, m.size, s.live, s.past FROM message m"
			" LEFT JOIN share s ON s.id = m.id WHERE m.id > ? ORDER BY m.id LIMIT 1",
			db_i(last));
		if (rc == 0)
			rc = db_step(stmt, err);
		if (rc > 0) {
			last = db_int(stmt, 0);
			rc = check_message(r, stmt, err) < 0 ? -(int)err->code : 1;
		}
	} while (rc > 0);
	(void)refs_take(&r->live, UINT64_MAX, &r->missing);
	(void)refs_take(&r->past, UINT64_MAX, &r->missing);
	return rc;
}

static bool is_there(struct account_tx *tx, uint64_t message)
{
	struct err ignored;
	int64_t n;

	return db_get_int(tx->db, &n, &ignored, "SELECT 1 FROM message WHERE id = ?",
		       db_i((int64_t)message)) == 0;
}

/* Entries whose message is gone have nothing to show any more. */
static int drop_dangling(struct rows *r, struct box *box, struct err *err)
{
	uint32_t *uids = mem_zalloc_array(box->work->total + 1, sizeof(*uids));
	size_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; i < box->work->blocks_n; i++) {
		const struct index_block *b = &box->work->b[i];

		for (uint32_t k = 0; k < b->count; k++) {
			if (!is_there(r->tx, b->num->e[k].message))
				uids[n++] = b->num->e[k].uid;
		}
	}
	if (n) {
		r->c->has_lost = true;
		rc = box_remove(r->tx, box, uids, n, false, err);
	}
	free(uids);
	return rc;
}

static int check_missing(struct rows *r, struct err *err)
{
	size_t at = 0;
	struct box *box;
	int rc = 0;

	if (r->missing == 0 ||
		!check_problem(r->c, "%llu references to messages that are not there",
			(unsigned long long)r->missing))
		return 0;
	while (rc == 0 && (box = map_next(&r->boxes, &at)))
		rc = drop_dangling(r, box, err);
	return rc;
}

static int check_chunks(struct rows *r, struct err *err)
{
	int64_t n = 0;
	int rc = db_get_int(r->tx->db, &n, err,
		"SELECT count(*) FROM chunk WHERE (id >> 12) NOT IN (SELECT id FROM message)");

	if (rc == 0 && n && check_problem(r->c, "%lld pieces of no message", (long long)n))
		rc = db_do(r->tx->db, err,
			"DELETE FROM chunk WHERE (id >> 12) NOT IN (SELECT id FROM message)");
	return rc;
}

static void check_account(struct rows *r)
{
	struct account_row *row = &r->tx->row;

	if (row->bytes == r->bytes && row->messages == r->messages && row->shares == r->shares &&
		row->past_bytes == r->past_bytes)
		return;
	if (!check_problem(r->c, "the account's counters are not those of its messages"))
		return;
	row->bytes = r->bytes;
	row->messages = r->messages;
	row->shares = r->shares;
	row->past_bytes = r->past_bytes;
	tx_modseq(r->tx);
}

/* Clients may remember what a repair dropped: nothing they know of this account holds. */
static void take_new_epoch(struct account_tx *tx)
{
	tx_modseq(tx);
	tx->row.epoch = random_u64() >> 32 | 1;
	for (size_t i = 0; i < tx->boxes_n; i++) {
		tx->boxes[i]->row.uidvalidity = (uint32_t)++tx->row.uidvalidity;
		tx->boxes[i]->is_named = true;
	}
}

static int check_all(struct rows *r, struct err *err)
{
	int rc = tx_box_all(r->tx, err);

	for (size_t i = 0; rc == 0 && i < r->tx->boxes_n; i++) {
		if (!(r->tx->boxes[i]->row.flags & (MAILBOX_NOSELECT | MAILBOX_ABSENT)))
			rc = check_mailbox(r, r->tx->boxes[i], err);
	}
	if (rc == 0)
		rc = check_stray_blocks(r, err);
	if (rc == 0)
		rc = check_past(r, err);
	if (rc == 0)
		rc = check_changes(r, err);
	if (rc == 0)
		rc = check_messages(r, err);
	if (rc == 0)
		rc = check_missing(r, err);
	if (rc == 0)
		rc = check_chunks(r, err);
	if (rc == 0)
		check_account(r);
	if (rc == 0 && r->c->has_lost)
		take_new_epoch(r->tx);
	return rc;
}

int check_rows(struct account_tx *tx, struct check *c, struct err *err)
{
	struct rows r = {.c = c, .tx = tx};
	const int rc = check_all(&r, err);

	map_done(&r.boxes);
	free(r.live.ids);
	free(r.past.ids);
	return rc;
}
