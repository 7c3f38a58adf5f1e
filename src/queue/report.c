/* report.c - see queue.h: messages that are over, and senders that have to be told. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "queue/internal.h"

int queue_delete(struct db *db, int64_t id, struct err *err)
{
	int rc = db_do(db, err, "DELETE FROM message WHERE id = ?", db_i(id));

	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM recipient WHERE message = ?", db_i(id));
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM chunk WHERE id >= ? AND id < ?",
			db_i(id << QUEUE_NUMBER_BITS), db_i((id + 1) << QUEUE_NUMBER_BITS));
	return rc;
}

void queue_report_at(struct queue *q, int64_t s)
{
	int64_t before = atomic_load(&q->report_s);

	while (s < before && !atomic_compare_exchange_weak(&q->report_s, &before, s))
		;
}

int64_t queue_report_due(struct queue *q)
{
	return atomic_load(&q->report_s);
}

/* While others wait, those that end within some seconds share a report. */
static int note_report(struct db *db, int64_t id, struct queue_changes *changes, struct err *err)
{
	const int64_t now = clock_wall_s();
	int64_t is_open, at;
	int rc = db_get_int(db, &is_open, err,
		"SELECT EXISTS(SELECT 1 FROM recipient WHERE message = ? AND state <= 1"
		" AND NOT flags & 1)",
		db_i(id));

	if (rc < 0)
		return rc;
	at = is_open ? now + QUEUE_TELL_TOGETHER_S : now;
	changes->report_s = at < changes->report_s ? at : changes->report_s;
	return db_do(db, err,
		"UPDATE message SET report_s = ?1 WHERE id = ?2"
		" AND (report_s = 0 OR report_s > ?1)",
		db_i(at), db_i(id));
}

int queue_settle(struct db *db, int64_t id, struct queue_changes *changes, struct err *err)
{
	int64_t is_there, is_told = 0;
	int rc = db_get_int(db, &is_there, err,
		"SELECT EXISTS(SELECT 1 FROM recipient WHERE message = ?)", db_i(id));

	if (rc == 0 && !is_there)
		return queue_delete(db, id, err);
	if (rc == 0)
		rc = db_get_int(db, &is_told, err,
			"SELECT EXISTS(SELECT 1 FROM recipient WHERE message = ?"
			" AND (state >= 2 OR flags & 1))",
			db_i(id));
	return rc < 0 || !is_told ? rc : note_report(db, id, changes, err);
}

static int load_told(struct db *db, struct queue_message *m, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = queue_load_message(db, m->id, m, err);

	if (rc == 0)
		rc = db_query(db, &row, err,
			"SELECT number, address, recipient, orcpt, notify, state, attempts, due_s,"
			" reply, host FROM recipient"
			" WHERE message = ? AND (state >= 2 OR flags & 1) ORDER BY number LIMIT ?",
			db_i(m->id), db_i(QUEUE_TOLD_MAX));
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		rc = queue_load_recipient(row, m, err);
		if (rc == 0)
			m->recipients[m->recipients_n - 1].is_delayed =
				m->recipients[m->recipients_n - 1].state < QUEUE_DELIVERED;
	}
	return rc;
}

static int find_due_report(struct queue *q, struct db *db, int64_t *id_out, struct err *err)
{
	const int64_t now = clock_wall_s();
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int64_t at;
	int rc;

	/* What is noted while we look counts. */
	atomic_store(&q->report_s, INT64_MAX);
	rc = db_query(db, &row, err,
		"SELECT id, report_s FROM message WHERE report_s > 0 ORDER BY report_s LIMIT 1");
	if (rc == 0)
		rc = db_step(row, err);
	if (rc < 0) {
		queue_report_at(q, now + QUEUE_TELL_TOGETHER_S);
		return rc;
	}
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "nobody is to be told anything");
	*id_out = db_int(row, 0);
	at = db_int(row, 1);
	queue_report_at(q, at);
	return at <= now ? 0 : err_set(err, ERR_NOTFOUND, "nobody is to be told now");
}

int queue_report_next(struct queue *q, struct queue_message **out, struct err *err)
{
	struct queue_message *m = queue_message_new();
	struct queue_reader *reader = queue_reader_take(q);
	int rc = find_due_report(q, reader->db, &m->id, err);

	if (rc == 0)
		rc = load_told(reader->db, m, err);
	queue_reader_give(reader);
	if (rc < 0)
		queue_message_free(&m);
	else
		*out = m;
	return rc;
}

struct told {
	struct queue_wait wait; /* first */
	struct queue_message *about, *report;
	struct queue_body body;
	struct queue_changes changes;
};

static int cross_told(struct db *db, const struct queue_message *m, const struct queue_recipient *r,
	struct err *err)
{
	if (r->is_delayed)
		return db_do(db, err,
			"UPDATE recipient SET flags = (flags & ~1) | 2"
			" WHERE message = ? AND number = ?",
			db_i(m->id), db_i(r->number));
	return db_do(db, err, "DELETE FROM recipient WHERE message = ? AND number = ?", db_i(m->id),
		db_i(r->number));
}

static int told_run(struct group_item *item, struct db *db, struct err *err)
{
	struct told *told = (struct told *)item;
	const struct queue_message *m = told->about;
	int rc = db_do(db, err, "UPDATE message SET report_s = 0 WHERE id = ?", db_i(m->id));

	queue_changes_clear(&told->changes);
	for (size_t i = 0; rc == 0 && i < m->recipients_n; i++)
		rc = cross_told(db, m, &m->recipients[i], err);
	if (rc == 0 && told->report)
		rc = queue_insert(
			told->wait.queue, db, told->report, &told->body, &told->changes, err);
	return rc < 0 ? rc : queue_settle(db, m->id, &told->changes, err);
}

int queue_report_done(struct queue *q, struct queue_message *about, struct queue_message *report,
	struct slice text, struct err *err)
{
	struct told told = {.about = about, .report = report};
	int rc;

	told.body = (struct queue_body){.fd = -1, .size = text.len, .bytes = text};
	queue_changes_init(&told.changes);
	rc = queue_wait_run(q, &told.wait, told_run, err);
	if (rc == 0)
		queue_changes_tell(q, &told.changes);
	queue_changes_done(&told.changes);
	queue_message_free(&about);
	queue_message_free(&report);
	return rc;
}
