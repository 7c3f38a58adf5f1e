/* load.c - indexes from their rows. */
#include "store/internal.h"

/* The blocks of an index while they are read: those of `was` are shared where no row is newer. */
struct loading {
	struct index_maker maker;
	const struct index *was;
	uint32_t was_at;
};

static void share_before(struct loading *l, uint32_t no)
{
	while (l->was && l->was_at < l->was->blocks_n && l->was->b[l->was_at].no < no)
		maker_share(&l->maker, &l->was->b[l->was_at++]);
}

static int load_block(struct loading *l, uint32_t no, struct slice data, struct err *err)
{
	struct entry entries[BLOCK_ENTRIES];
	struct attr attrs[BLOCK_ENTRIES];
	size_t n;
	int rc = block_unpack(data, no, entries, attrs, &n, err);

	if (rc < 0)
		return rc;
	share_before(l, no);
	if (l->was && l->was_at < l->was->blocks_n && l->was->b[l->was_at].no == no)
		l->was_at++;
	maker_put(&l->maker, no, entries, attrs, (uint32_t)n, NULL);
	return 0;
}

static int load_rows(
	struct db *db, uint64_t mailbox, uint64_t since, struct loading *l, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &stmt, err,
		"SELECT id, data FROM entries WHERE id BETWEEN ? AND ? AND modseq > ? ORDER BY id",
		db_i(entries_id(mailbox, 0)), db_i(entries_id(mailbox, UINT32_MAX)),
		db_i((int64_t)since));

	while (rc == 0) {
		rc = db_step(stmt, err);
		if (rc <= 0)
			break;
		rc = load_block(l, block_of((uint32_t)db_int(stmt, 0)), db_blob(stmt, 1), err);
	}
	return rc;
}

int index_load(struct db *db, uint64_t mailbox, const struct index *was, struct index **index_out,
	struct err *err)
{
	struct loading l = {.was = was};
	struct index *ix AUTO(index_free) = NULL;
	int64_t modseq = 0;
	int rc;

	rc = db_get_int(db, &modseq, err, "SELECT modseq FROM mailbox WHERE id = ?",
		db_i((int64_t)mailbox));
	if (rc < 0)
		return rc;
	maker_init(&l.maker, was ? was->blocks_n : 16);
	rc = load_rows(db, mailbox, was ? was->modseq : 0, &l, err);
	share_before(&l, UINT32_MAX);
	ix = maker_done(&l.maker);
	if (rc < 0)
		return rc;
	ix->modseq = (uint64_t)modseq;
	*index_out = ix;
	ix = NULL;
	return 0;
}

int index_load_tail(struct db *db, uint64_t mailbox, uint32_t uidnext, struct index **index_out,
	struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	struct loading l = {0};
	int rc = 0;

	maker_init(&l.maker, 2);
	if (uidnext > 1) {
		rc = db_query(db, &stmt, err,
			"SELECT id, data FROM entries WHERE id BETWEEN ? AND ? ORDER BY id DESC "
			"LIMIT 1",
			db_i(entries_id(mailbox, 0)), db_i(entries_id(mailbox, uidnext)));
		if (rc == 0)
			rc = db_step(stmt, err);
		if (rc > 0)
			rc = load_block(
				&l, block_of((uint32_t)db_int(stmt, 0)), db_blob(stmt, 1), err);
	}
	*index_out = maker_done(&l.maker);
	(*index_out)->is_tail = true;
	if (rc < 0)
		index_free(index_out);
	return rc;
}
