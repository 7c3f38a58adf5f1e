/* stop.c - see manage.h: accounts whose mail is held until they may send again. */
#include <assert.h>

#include "base/clock.h"
#include "queue/internal.h"
#include "queue/manage.h"

static_assert(RECIPIENT_STOPPED == 4, "flags in SQL");

/* What is kept of one account is bounded by how much it may send. */
struct stop {
	struct queue_wait wait; /* first */
	uint64_t submitter;
	struct queue_changes changes;
};

static int stop_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct stop *s = (const struct stop *)item;
	const int rc = db_do(db, err, "INSERT OR IGNORE INTO stopped(submitter) VALUES(?)",
		db_i((int64_t)s->submitter));

	return rc < 0 ? rc
		      : db_do(db, err,
				"UPDATE recipient SET state = 1, flags = flags | 4 WHERE state = 0"
				" AND message IN (SELECT id FROM message WHERE submitter = ?)",
				db_i((int64_t)s->submitter));
}

int queue_stop(struct queue *q, uint64_t submitter, struct err *err)
{
	struct stop s = {.submitter = submitter};

	/* Before the transaction: what is put meanwhile looks. */
	atomic_store(&q->has_stopped, true);
	return queue_wait_run(q, &s.wait, stop_run, err);
}

static int allow_run(struct group_item *item, struct db *db, struct err *err)
{
	struct stop *s = (struct stop *)item;
	const int64_t now = clock_wall_s();
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_do(
		db, err, "DELETE FROM stopped WHERE submitter = ?", db_i((int64_t)s->submitter));

	queue_changes_clear(&s->changes);
	if (rc == 0)
		rc = db_query(db, &row, err,
			"UPDATE recipient SET state = 0, flags = flags & ~4, due_s = max(?1,"
			" (SELECT not_before_s FROM message WHERE id = message))"
			" WHERE state = 1 AND flags & 4"
			" AND message IN (SELECT id FROM message WHERE submitter = ?2)"
			" RETURNING destination, due_s,"
			" (SELECT name FROM destination AS d WHERE d.id = destination)",
			db_i(now), db_i((int64_t)s->submitter));
	while (rc >= 0 && (rc = db_step(row, err)) == 1)
		queue_changes_add(&s->changes, db_int(row, 0), db_text(row, 2), db_int(row, 1));
	return rc;
}

int queue_allow(struct queue *q, uint64_t submitter, struct err *err)
{
	struct stop s = {.submitter = submitter};
	int rc;

	queue_changes_init(&s.changes);
	rc = queue_wait_run(q, &s.wait, allow_run, err);
	if (rc == 0)
		queue_changes_tell(q, &s.changes);
	queue_changes_done(&s.changes);
	return rc;
}

int queue_hold_stopped(struct queue *q, struct db *db, struct queue_message *m, struct err *err)
{
	int64_t is_stopped = 0;
	int rc = 0;

	if (m->submitter && atomic_load(&q->has_stopped))
		rc = db_get_int(db, &is_stopped, err,
			"SELECT EXISTS(SELECT 1 FROM stopped WHERE submitter = ?)",
			db_i((int64_t)m->submitter));
	for (size_t i = 0; is_stopped && i < m->recipients_n; i++)
		m->recipients[i].state = QUEUE_HELD;
	return rc;
}
