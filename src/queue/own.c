/* own.c - see own.h for the contract. */
#include "queue/own.h"

#include <assert.h>

#include "base/clock.h"
#include "queue/internal.h"

enum { TO_MAX = 400 };

static_assert(QUEUE_TAKEN == 512, "flag in SQL");

static int find_id(
	struct db *db, uint64_t submitter, uint64_t delivery_id, int64_t *id_out, struct err *err)
{
	const int rc = db_get_int(db, id_out, err,
		"SELECT id FROM message WHERE submitter = ? AND not_before_s > 0 AND delivery = ?",
		db_i((int64_t)submitter), db_i((int64_t)delivery_id));

	return rc == -ERR_NOTFOUND ? err_set(err, ERR_NOTFOUND, "no such letter is held") : rc;
}

/* ---- reading ---- */

static int put_to(struct db *db, int64_t id, struct buf *to, size_t *n_out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT CASE recipient WHEN '' THEN address ELSE recipient END FROM recipient"
		" WHERE message = ? AND state <= 1 ORDER BY number",
		db_i(id));

	*n_out = 0;
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		if (to->len < TO_MAX) {
			buf_str(to, *n_out ? ", " : "");
			buf_append(to, db_text(row, 0));
		}
		(*n_out)++;
	}
	return rc;
}

static int list(struct db *db, uint64_t submitter, size_t max, queue_own_fn *each, void *context,
	struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct buf to AUTO(buf_done);
	int rc = db_query(db, &row, err,
		"SELECT delivery, size, id, accepted_s, not_before_s, flags & 512, track"
		" FROM message"
		" WHERE submitter = ?1 AND not_before_s > 0"
		" AND (not_before_s > ?2 OR flags & 512 != 0) ORDER BY not_before_s LIMIT ?3",
		db_i((int64_t)submitter), db_i(clock_wall_s()), db_i((int64_t)max));

	buf_init(&to, 2 * TO_MAX);
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		struct queue_own own = {.delivery_id = (uint64_t)db_int(row, 0),
			.size = (uint64_t)db_int(row, 1),
			.id = db_int(row, 2),
			.accepted_s = db_int(row, 3),
			.not_before_s = db_int(row, 4),
			.is_taken = db_int(row, 5) != 0,
			.number = (uint64_t)db_int(row, 6)};

		buf_clear(&to);
		rc = put_to(db, own.id, &to, &own.recipients_n, err);
		own.to = buf_slice(&to);
		if (rc == 0)
			each(context, &own);
	}
	return rc;
}

int queue_own_list(struct queue *q, uint64_t submitter, size_t max, queue_own_fn *each,
	void *context, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	const int rc = list(reader->db, submitter, max, each, context, err);

	queue_reader_give(reader);
	return rc;
}

static int load_taken(struct db *db, struct queue_message *m, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = queue_load_message(db, m->id, m, err);

	if (rc == 0 && !(m->flags & QUEUE_TAKEN))
		rc = err_set(err, ERR_NOTFOUND, "this letter was not taken back");
	if (rc == 0)
		rc = db_query(db, &row, err,
			"SELECT number, address, recipient, orcpt, notify, state, attempts, due_s,"
			" reply, host FROM recipient WHERE message = ? ORDER BY number",
			db_i(m->id));
	while (rc >= 0 && (rc = db_step(row, err)) == 1)
		rc = queue_load_recipient(row, m, err);
	return rc;
}

int queue_own_find(struct queue *q, uint64_t submitter, uint64_t delivery_id,
	struct queue_message **out, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct queue_message *m = queue_message_new();
	int rc = find_id(reader->db, submitter, delivery_id, &m->id, err);

	if (rc == 0)
		rc = load_taken(reader->db, m, err);
	queue_reader_give(reader);
	if (rc < 0)
		queue_message_free(&m);
	else
		*out = m;
	return rc;
}

/* ---- changes; each finds its letter in the transaction that changes it ---- */

struct own_change {
	struct queue_wait wait; /* first */
	uint64_t submitter, delivery_id;
	struct queue_changes changes;
};

/* The caller has all its recipients, so nobody else has. */
static int take_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct own_change *c = (const struct own_change *)item;
	int64_t id;
	int rc = find_id(db, c->submitter, c->delivery_id, &id, err);

	if (rc == 0)
		rc = db_do(
			db, err, "UPDATE message SET flags = flags | 512 WHERE id = ?", db_i(id));
	return rc < 0 ? rc
		      : db_do(db, err,
				"UPDATE recipient SET state = 1 WHERE message = ? AND state = 0",
				db_i(id));
}

/* All recipients must be free, and the time not come: then nobody can have tried any of them. */
static int reserve_all(struct queue *q, struct queue_message *m, struct err *err)
{
	int64_t all = 0;
	int rc = queue_reserve(q, m, true, err);

	if (rc < 0)
		return rc;
	if (m->not_before_s > clock_wall_s()) {
		struct queue_reader *reader = queue_reader_take(q);

		rc = db_get_int(reader->db, &all, err,
			"SELECT count(*) FROM recipient WHERE message = ?", db_i(m->id));
		queue_reader_give(reader);
	}
	if (rc == 0 && (size_t)all != m->recipients_n)
		rc = err_set(err, ERR_CONFLICT, "its time has come");
	if (rc == 0 && all == 0)
		rc = err_set(err, ERR_CONFLICT, "its time has come");
	if (rc < 0)
		queue_unreserve(q, m);
	return rc;
}

static int take(struct queue *q, struct own_change *c, int64_t id, struct err *err)
{
	struct queue_message *m = queue_message_new();
	int rc;

	m->id = id;
	rc = reserve_all(q, m, err);
	if (rc == 0) {
		rc = queue_wait_run(q, &c->wait, take_run, err);
		queue_unreserve(q, m);
	}
	queue_message_free(&m);
	return rc;
}

int queue_own_take(struct queue *q, uint64_t submitter, uint64_t delivery_id, struct err *err)
{
	struct own_change c = {.submitter = submitter, .delivery_id = delivery_id};
	struct queue_message *taken;
	struct queue_reader *reader;
	int64_t id;
	int rc = queue_own_find(q, submitter, delivery_id, &taken, err);

	if (rc == 0) {
		queue_message_free(&taken); /* again: it is back already */
		return 0;
	}
	reader = queue_reader_take(q);
	rc = find_id(reader->db, submitter, delivery_id, &id, err);
	queue_reader_give(reader);
	return rc < 0 ? rc : take(q, &c, id, err);
}

static int forget_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct own_change *c = (const struct own_change *)item;
	int64_t id;
	int rc = db_get_int(db, &id, err,
		"SELECT id FROM message WHERE submitter = ? AND not_before_s > 0"
		" AND delivery = ? AND flags & 512 != 0",
		db_i((int64_t)c->submitter), db_i((int64_t)c->delivery_id));

	if (rc == 0)
		rc = queue_delete(db, id, err);
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM seen WHERE delivery = ?",
			db_i((int64_t)c->delivery_id));
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

int queue_own_forget(struct queue *q, uint64_t submitter, uint64_t delivery_id, struct err *err)
{
	struct own_change c = {.submitter = submitter, .delivery_id = delivery_id};

	return queue_wait_run(q, &c.wait, forget_run, err);
}

int queue_begin_now(struct db *db, int64_t id, struct err *err)
{
	const int64_t now = clock_wall_s();

	return db_do(db, err,
		"UPDATE message SET expires_s = expires_s - (not_before_s - ?2), not_before_s = 0"
		" WHERE id = ?1 AND not_before_s > ?2",
		db_i(id), db_i(now));
}

static int send_run(struct group_item *item, struct db *db, struct err *err)
{
	struct own_change *c = (struct own_change *)item;
	const int64_t now = clock_wall_s();
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int64_t id;
	int rc = db_get_int(db, &id, err,
		"SELECT id FROM message WHERE submitter = ? AND not_before_s > ?"
		" AND delivery = ? AND flags & 512 = 0",
		db_i((int64_t)c->submitter), db_i(now), db_i((int64_t)c->delivery_id));

	queue_changes_clear(&c->changes);
	if (rc == -ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND, "no such letter is held");
	if (rc == 0)
		rc = queue_begin_now(db, id, err);
	if (rc == 0)
		rc = db_query(db, &row, err,
			"UPDATE recipient SET due_s = ? WHERE message = ? AND state = 0"
			" RETURNING destination,"
			" (SELECT name FROM destination AS d WHERE d.id = destination)",
			db_i(now), db_i(id));
	while (rc >= 0 && (rc = db_step(row, err)) == 1)
		queue_changes_add(&c->changes, db_int(row, 0), db_text(row, 1), now);
	return rc;
}

int queue_own_send(struct queue *q, uint64_t submitter, uint64_t delivery_id, struct err *err)
{
	struct own_change c = {.submitter = submitter, .delivery_id = delivery_id};
	int rc;

	queue_changes_init(&c.changes);
	rc = queue_wait_run(q, &c.wait, send_run, err);
	if (rc == 0)
		queue_changes_tell(q, &c.changes);
	queue_changes_done(&c.changes);
	return rc;
}
