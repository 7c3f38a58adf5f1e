/* late.c - see queue.h: times by which mail has to be there (RFC 2852). */
#include <assert.h>

#include "base/clock.h"
#include "queue/internal.h"

enum { SLICE = 200 };

static_assert(QUEUE_BY_NOTIFY == 32 && QUEUE_BY_OVER == 256, "flags in SQL");
static_assert(RECIPIENT_TELL_DELAY == 1 && RECIPIENT_DELAY_TOLD == 2, "flags in SQL");

struct slice queue_late_reply(void)
{
	return slice_lit("5.4.7 the time by which it had to be there is over");
}

bool queue_is_late(const struct queue_message *m, int64_t now)
{
	return m->by_s && m->by_s <= now && !(m->flags & QUEUE_BY_NOTIFY);
}

void queue_late_at(struct queue *q, int64_t s)
{
	int64_t before = atomic_load(&q->late_s);

	while (s < before && !atomic_compare_exchange_weak(&q->late_s, &before, s))
		;
}

int64_t queue_late_due(struct queue *q)
{
	return atomic_load(&q->late_s);
}

struct late {
	struct queue_wait wait; /* first */
	struct {
		int64_t id;
		bool fails;
	} list[SLICE];
	size_t n;
	struct queue_changes changes;
};

/* Messages whose time is over and was not looked at yet; when the next one's is. */
static int find_late(
	struct queue *q, struct db *db, int64_t now, struct late *late, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT id, by_s, flags & 32 = 0 FROM message"
		" WHERE by_s > 0 AND flags & 256 = 0 ORDER BY by_s");

	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		if (db_int(row, 1) > now || late->n == SLICE) {
			queue_late_at(q, db_int(row, 1));
			return 0;
		}
		late->list[late->n].id = db_int(row, 0);
		late->list[late->n++].fails = db_int(row, 2);
	}
	return rc;
}

/* RFC 2852 4.1.4.1: mode N, a report of delay, where the sender did not ask for others. */
static int tell_delay(
	struct late *late, struct db *db, const struct queue_message *m, struct err *err)
{
	int rc;

	if (!(m->flags & QUEUE_BY_NOTIFY) || !queue_is_told(m, 0, QUEUE_NOTIFY_DELAY))
		return 0;
	rc = db_do(db, err,
		"UPDATE recipient SET flags = flags | 1 WHERE message = ? AND state <= 1"
		" AND NOT flags & 2 AND (notify = 0 OR notify & 8)",
		db_i(m->id));
	return rc < 0 ? rc : queue_settle(db, m->id, &late->changes, err);
}

static int mark_run(struct group_item *item, struct db *db, struct err *err)
{
	struct late *late = (struct late *)item;
	int rc = 0;

	queue_changes_clear(&late->changes);
	for (size_t i = 0; rc >= 0 && i < late->n; i++) {
		struct queue_message *m = queue_message_new();

		rc = db_do(db, err, "UPDATE message SET flags = flags | 256 WHERE id = ?",
			db_i(late->list[i].id));
		if (rc == 0)
			rc = queue_load_message(db, late->list[i].id, m, err);
		if (rc == 0)
			rc = tell_delay(late, db, m, err);
		rc = rc == -ERR_NOTFOUND ? 0 : rc;
		queue_message_free(&m);
	}
	return rc;
}

/* Mode R. What is just being tried ends with its attempt. */
static int fail_late(struct queue *q, int64_t id, struct err *err)
{
	struct queue_message *m = queue_message_new();
	int rc;

	m->id = id;
	rc = queue_reserve(q, m, false, err);
	if (rc == 0)
		queue_fail(q, m);
	else
		queue_message_free(&m);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

int queue_late(struct queue *q, struct err *err)
{
	const int64_t now = clock_wall_s();
	struct queue_reader *reader;
	struct late late = {.n = 0};
	int rc;

	/* What is put while we look counts. */
	atomic_store(&q->late_s, INT64_MAX);
	reader = queue_reader_take(q);
	rc = find_late(q, reader->db, now, &late, err);
	queue_reader_give(reader);
	queue_changes_init(&late.changes);
	if (rc == 0 && late.n)
		rc = queue_wait_run(q, &late.wait, mark_run, err);
	if (rc == 0)
		queue_changes_tell(q, &late.changes);
	queue_changes_done(&late.changes);
	for (size_t i = 0; rc == 0 && i < late.n; i++) {
		if (late.list[i].fails)
			rc = fail_late(q, late.list[i].id, err);
	}
	if (rc < 0)
		queue_late_at(q, now + QUEUE_FAILED_S);
	return rc;
}
