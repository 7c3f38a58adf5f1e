/* tx_add.c - storing a message. */
#include <string.h>

#include "store/internal.h"

static int write_chunk(
	struct account_tx *tx, uint64_t message, uint64_t n, struct slice bytes, struct err *err)
{
	return db_do(tx->db, err, "INSERT INTO chunk (id, data) VALUES (?, ?)",
		db_i((int64_t)(message << CHUNK_BITS | n)), db_b(bytes));
}

static int write_body(
	struct account_tx *tx, uint64_t message, const struct incoming *in, struct err *err)
{
	const uint64_t piece = chunk_size(in->size);
	struct buf copy AUTO(buf_done);
	struct slice view;
	int rc = 0;

	buf_init(&copy, CHUNK_LARGE);
	if (spool_view(in->spool, &view))
		return in->size ? write_chunk(tx, message, 0, view, err) : 0;
	for (uint64_t at = 0; rc == 0 && at < in->size; at += piece) {
		buf_clear(&copy);
		rc = spool_read(in->spool, at, piece, &copy, err);
		if (rc == 0)
			rc = write_chunk(tx, message, at / piece, buf_slice(&copy), err);
	}
	return rc;
}

static int write_message(struct account_tx *tx, const struct incoming *in,
	struct message_added *added, struct err *err)
{
	int rc = thread_find(tx, in, added->message, &added->thread, err);

	if (rc < 0)
		return rc;
	rc = db_do(tx->db, err,
		"INSERT INTO message (id, thread, size, received, zone, hash, prepared)"
		" VALUES (?,?,?,?,?,?,?)",
		db_i((int64_t)added->message), db_i((int64_t)added->thread),
		db_i((int64_t)in->size), db_i(in->received_s), db_i(in->zone_min),
		db_b(((struct slice){(const char *)in->hash, sizeof(in->hash)})),
		db_b(buf_slice(&in->prepared)));
	return rc < 0 ? rc : write_body(tx, added->message, in, err);
}

/* 1: this delivery was made before, and *out says where to. */
static int find_delivery(
	struct account_tx *tx, uint64_t delivery_id, struct message_added *out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(tx->db, &stmt, err,
		"SELECT mailbox, message, uid FROM delivery WHERE id = ?",
		db_i((int64_t)delivery_id));

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc > 0)
		*out = (struct message_added){.mailbox = (uint64_t)db_int(stmt, 0),
			.message = (uint64_t)db_int(stmt, 1),
			.uid = (uint32_t)db_int(stmt, 2),
			.is_repeat = true};
	return rc;
}

static int keep_delivery(struct account_tx *tx, uint64_t delivery_id,
	const struct message_added *added, struct err *err)
{
	return db_do(tx->db, err,
		"INSERT INTO delivery (id, time, mailbox, message, uid) VALUES (?,?,?,?,?)",
		db_i((int64_t)delivery_id), db_i(tx->now_s), db_i((int64_t)added->mailbox),
		db_i((int64_t)added->message), db_i(added->uid));
}

int tx_forget(struct account_tx *tx, uint64_t delivery_id, struct err *err)
{
	return db_do(tx->db, err, "DELETE FROM delivery WHERE id = ?",
		db_i((int64_t)(delivery_id & INT64_MAX)));
}

void box_count(struct box *box, const struct entry *e, uint64_t flags, int sign)
{
	box->row.messages += (uint32_t)sign;
	box->row.unseen += flags & FLAG_SEEN ? 0 : (uint32_t)sign;
	box->row.deleted += flags & FLAG_DELETED ? (uint32_t)sign : 0;
	box->row.bytes += (uint64_t)(int64_t)sign * e->size;
}

static int enter(struct account_tx *tx, struct box *box, const struct incoming *in, uint64_t flags,
	const struct message_added *added, struct err *err)
{
	const int zone = in->zone_min > ZONE_MAX || in->zone_min < -ZONE_MAX ? 0 : in->zone_min;
	const struct entry e = {
		.message = added->message,
		.received_s = in->received_s,
		.uid = added->uid,
		.size = (uint32_t)in->size,
		.saved_s = (uint32_t)tx->now_s,
		.zone_min = (int16_t)zone,
	};
	const struct attr a = {.flags = flags, .modseq = tx_modseq(tx)};

	box_set_index(box, index_append(box->work, &e, &a, 1));
	box_count(box, &e, flags, 1);
	box->row.uidnext++;
	box->row.modseq = a.modseq;
	tx->row.messages++;
	tx->row.bytes += in->size;
	return tx_change(tx, box->row.id, CHANGE_ADDED, &e.uid, NULL, 1, err);
}

static int check_room(
	const struct account_tx *tx, const struct box *box, uint64_t size, struct err *err)
{
	const uint64_t quota = tx->ignores_quota ? 0 : tx->account->quota;

	if (size > MESSAGE_SIZE_MAX)
		return err_set(err, ERR_TOOBIG, "the message is too large");
	if (quota && (size > quota || tx->row.bytes > quota - size))
		return err_set(err, ERR_QUOTA, "the account is full");
	if (box->row.uidnext == UINT32_MAX)
		return err_set(err, ERR_TOOBIG, "the mailbox has no UID left");
	return 0;
}

int tx_add(struct account_tx *tx, uint64_t mailbox, struct incoming *in, uint64_t flags,
	uint64_t delivery_id, struct message_added *out, struct err *err)
{
	struct message_added added = {.mailbox = mailbox};
	struct box *box;
	int rc;

	delivery_id &= INT64_MAX;
	if (delivery_id) {
		rc = find_delivery(tx, delivery_id, out, err);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	rc = tx_box(tx, mailbox, &box, err);
	if (rc == 0)
		rc = check_room(tx, box, in->size, err);
	if (rc == 0)
		rc = tx_index_tail(tx, box, err);
	if (rc < 0)
		return rc;
	disk_added(tx->account->store, 2 * in->size); /* into the log, then into the file */
	added.message = ++tx->row.message;
	added.uid = box->row.uidnext;
	added.uidvalidity = box->row.uidvalidity;
	rc = write_message(tx, in, &added, err);
	if (rc == 0)
		rc = enter(tx, box, in, flags, &added, err);
	if (rc == 0 && delivery_id)
		rc = keep_delivery(tx, delivery_id, &added, err);
	if (rc == 0)
		*out = added;
	return rc;
}

int tx_flood_get(struct account_tx *tx, struct buf *out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(tx->db, &stmt, err, "SELECT flood FROM account WHERE id = 1");

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc > 0)
		buf_append(out, db_blob(stmt, 0));
	return rc < 0 ? rc : buf_check(out, "what the account remembers", err);
}

int tx_flood_put(struct account_tx *tx, struct slice bytes, struct err *err)
{
	return db_do(tx->db, err, "UPDATE account SET flood = ? WHERE id = 1",
		bytes.len ? db_b(bytes) : db_null());
}
