/* contents.c - what a mailbox holds, by content. */
#include "store/internal.h"

enum { AT_ONCE = 1000 }; /* messages, then others may have the reader */

static int put_hash(struct db *db, uint64_t message, struct buf *out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(
		db, &stmt, err, "SELECT hash FROM message WHERE id = ?", db_i((int64_t)message));

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc > 0)
		buf_append(out, slice_head(db_blob(stmt, 0), CONTENT_LEN));
	return rc < 0 ? rc : 0;
}

static int put_some(struct account *account, const struct view_snap *snap, uint32_t from,
	struct buf *out, struct err *err)
{
	struct account_reader *reader AUTO(account_reader_free) = NULL;
	struct view_entry entry;
	int rc = reader_borrow(account, &reader, err);

	for (uint32_t seq = from; rc == 0 && seq < from + AT_ONCE; seq++) {
		if (!snap_entry(snap, seq, &entry))
			break;
		rc = put_hash(reader->db, entry.message, out, err);
	}
	return rc;
}

int account_contents(struct account *account, uint64_t mailbox, struct buf *out, struct err *err)
{
	struct view_snap *snap AUTO(view_snap_free) = NULL;
	struct view *view AUTO(view_free) = NULL;
	int rc = view_open(account, mailbox, (struct conn_ref){0}, true, &view, err);

	if (rc < 0)
		return rc;
	snap = view_snap(view);
	for (uint32_t seq = 1; rc == 0 && seq <= snap_count(snap); seq += AT_ONCE)
		rc = put_some(account, snap, seq, out, err);
	return rc < 0 ? rc : buf_check(out, "what the mailbox holds", err);
}
