/* past.c - what was expunged is kept for some days, as blocks, oldest first out. */
#include "base/mem.h"
#include "store/internal.h"

enum { BUDGET_WITHOUT_QUOTA = 1 << 30, BUDGET_PART = 2 };

uint64_t past_budget(const struct account *account)
{
	if (account->store->config.past_days == 0)
		return 0;
	return account->quota ? account->quota / BUDGET_PART : BUDGET_WITHOUT_QUOTA;
}

int past_keep(struct account_tx *tx, uint64_t mailbox, uint32_t no, const struct entry *entries,
	const struct attr *attrs, size_t n, struct err *err)
{
	struct buf data AUTO(buf_done);
	uint64_t bytes = 0;
	int rc;

	buf_init(&data, BLOCK_PACKED_MAX);
	if (tx->pasts >> CHANGE_BITS)
		return err_set(err, ERR_TOOBIG, "the change is too large");
	for (size_t i = 0; i < n; i++)
		bytes += entries[i].size;
	block_pack(&data, no, entries, attrs, n);
	rc = db_do(tx->db, err,
		"INSERT INTO past (id, mailbox, block, time, bytes, data) VALUES (?,?,?,?,?,?)",
		db_i((int64_t)(tx_modseq(tx) << CHANGE_BITS | tx->pasts)), db_i((int64_t)mailbox),
		db_i(no), db_i(tx->now_s), db_i((int64_t)bytes), db_b(buf_slice(&data)));
	tx->pasts += rc == 0;
	tx->row.past_bytes += bytes;
	return rc;
}

static int erase(struct account_tx *tx, uint64_t message, struct err *err)
{
	int rc = db_do(tx->db, err, "DELETE FROM message WHERE id = ?", db_i((int64_t)message));

	if (rc < 0)
		return rc;
	return db_do(tx->db, err, "DELETE FROM chunk WHERE id BETWEEN ? AND ?",
		db_i((int64_t)(message << CHUNK_BITS)),
		db_i((int64_t)(message << CHUNK_BITS | ((1 << CHUNK_BITS) - 1))));
}

/* The past's reference to a message ends; without a row in share it was the only one. */
static int let_go(struct account_tx *tx, uint64_t message, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int64_t live, past;
	int rc;

	if (tx->row.shares == 0)
		return erase(tx, message, err);
	rc = db_query(tx->db, &stmt, err, "SELECT live, past FROM share WHERE id = ?",
		db_i((int64_t)message));
	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return erase(tx, message, err);
	live = db_int(stmt, 0);
	past = db_int(stmt, 1) - 1;
	db_reset(stmt);
	if (live + past > 1)
		return db_do(tx->db, err, "UPDATE share SET past = ? WHERE id = ?", db_i(past),
			db_i((int64_t)message));
	tx->row.shares--;
	return db_do(tx->db, err, "DELETE FROM share WHERE id = ?", db_i((int64_t)message));
}

struct past_row {
	int64_t id, time, bytes;
	size_t n;
	struct entry entries[BLOCK_ENTRIES];
	struct attr attrs[BLOCK_ENTRIES];
};

/* 1 with the oldest row, 0 if there is none. */
static int read_oldest(struct account_tx *tx, struct past_row *row, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(tx->db, &stmt, err,
		"SELECT id, time, bytes, block, data FROM past ORDER BY id LIMIT 1");

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc <= 0)
		return rc;
	row->id = db_int(stmt, 0);
	row->time = db_int(stmt, 1);
	row->bytes = db_int(stmt, 2);
	rc = block_unpack(db_blob(stmt, 4), (uint32_t)db_int(stmt, 3), row->entries, row->attrs,
		&row->n, err);
	return rc < 0 ? rc : 1;
}

int past_purge(struct account_tx *tx, bool is_pressed, bool *more_out, struct err *err)
{
	const int64_t oldest_s = tx->now_s - (int64_t)tx->account->store->config.past_days * DAY_S;
	struct past_row *row = arena_alloc(&tx->arena, sizeof(*row));
	int rc = row ? read_oldest(tx, row, err)
		     : err_set(err, ERR_TOOBIG, "too little memory for the past");

	if (rc < 0)
		return rc;
	if (rc == 0 || (row->time > oldest_s && !is_pressed &&
			       tx->row.past_bytes <= past_budget(tx->account))) {
		*more_out = false;
		return 0;
	}
	for (size_t i = 0; i < row->n; i++) {
		rc = let_go(tx, row->entries[i].message, err);
		if (rc < 0)
			return rc;
	}
	tx_modseq(tx);
	tx->row.past_bytes -= (uint64_t)row->bytes < tx->row.past_bytes ? (uint64_t)row->bytes
									: tx->row.past_bytes;
	*more_out = true;
	return db_do(tx->db, err, "DELETE FROM past WHERE id = ?", db_i(row->id));
}
