/* claim.c - see queue.h: what is due is handed out, and what became of it written down. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "queue/internal.h"

/* The statements' numbers for states and flags. */
static_assert(QUEUE_PRIORITIES == 3, "priorities in SQL");
static_assert(QUEUE_WAITING == 0 && QUEUE_HELD == 1 && QUEUE_DELIVERED == 2, "states in SQL");
static_assert(RECIPIENT_TELL_DELAY == 1 && RECIPIENT_DELAY_TOLD == 2, "flags in SQL");

enum {
	FINISHING_MAX = 1024,  /* outcomes on their way to the disk */
	UNWRITTEN_MAX = 10000, /* and those that could not be written */
};

struct running {
	uint64_t key; /* the message's id and the recipient's number */
};

static uint64_t key_of(int64_t id, unsigned number)
{
	return (uint64_t)id << QUEUE_NUMBER_BITS | number;
}

static bool is_running(const struct queue *q, int64_t id, unsigned number)
{
	const uint64_t key = key_of(id, number);

	return map_get(&q->running, map_key_u64(&key));
}

static void set_running(struct queue *q, int64_t id, unsigned number)
{
	struct running *r = mem_new(struct running);

	r->key = key_of(id, number);
	map_put(&q->running, map_key_u64(&r->key), r);
}

static void end_running(struct queue *q, const struct queue_message *m)
{
	pthread_mutex_lock(&q->claim_lock);
	for (size_t i = 0; i < m->recipients_n; i++) {
		const uint64_t key = key_of(m->id, m->recipients[i].number);

		free(map_del(&q->running, map_key_u64(&key)));
	}
	pthread_mutex_unlock(&q->claim_lock);
}

/* ---- claiming; under claim_lock ---- */

/* The first of this priority that is not running; 1: found, 0: there is none. */
static int find_first(struct queue *q, int64_t destination, int priority, int64_t until_s,
	int64_t *id_out, int64_t *due_out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(q->claims, &row, err,
		"SELECT message, number, due_s FROM recipient"
		" WHERE state = 0 AND destination = ? AND priority = ? AND due_s <= ?"
		" ORDER BY due_s, message, number",
		db_i(destination), db_i(priority), db_i(until_s));

	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		*id_out = db_int(row, 0);
		*due_out = db_int(row, 2);
		if (!is_running(q, *id_out, (unsigned)db_int(row, 1)))
			return 1;
	}
	return rc;
}

static int load_claim(
	struct queue *q, struct queue_message *m, int64_t due_s, size_t max, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = queue_load_message(q->claims, m->id, m, err);

	if (rc == 0)
		rc = db_query(q->claims, &row, err,
			"SELECT number, address, recipient, orcpt, notify, state, attempts, due_s,"
			" reply, host FROM recipient INDEXED BY recipient_due"
			" WHERE state = 0 AND destination = ? AND priority = ? AND due_s = ?"
			" AND message = ? ORDER BY number",
			db_i(m->destination), db_i(m->priority), db_i(due_s), db_i(m->id));
	while (rc >= 0 && m->recipients_n < max && (rc = db_step(row, err)) == 1) {
		if (!is_running(q, m->id, (unsigned)db_int(row, 0)))
			rc = queue_load_recipient(row, m, err);
	}
	return rc < 0 ? rc : 0;
}

static int load_name(struct queue *q, struct queue_message *m, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(q->claims, &row, err, "SELECT name FROM destination WHERE id = ?",
		db_i(m->destination));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 1)
		m->destination_name = arena_dup(&m->arena, db_text(row, 0));
	return rc < 0 ? rc : 0;
}

static int claim(
	struct queue *q, int64_t destination, size_t max, struct queue_message *m, struct err *err)
{
	const int64_t now = clock_wall_s();
	int64_t due_s = 0;
	int rc = 0;

	for (int priority = 0; rc == 0 && priority < QUEUE_PRIORITIES; priority++)
		rc = find_first(q, destination, priority, now, &m->id, &due_s, err);
	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "nothing is due");
	m->destination = destination;
	m->routing = atomic_load(&q->routing);
	if (rc > 0)
		rc = load_name(q, m, err);
	if (rc == 0)
		rc = load_claim(q, m, due_s, max, err);
	for (size_t i = 0; rc == 0 && i < m->recipients_n; i++)
		set_running(q, m->id, m->recipients[i].number);
	return rc;
}

static int claim_one(
	struct queue *q, int64_t destination, size_t max, struct queue_message *m, struct err *err)
{
	int rc;

	pthread_mutex_lock(&q->claim_lock);
	rc = db_begin_read(q->claims, err);
	if (rc == 0) {
		rc = claim(q, destination, max, m, err);
		db_end_read(q->claims);
	}
	pthread_mutex_unlock(&q->claim_lock);
	return rc;
}

int queue_claim(struct queue *q, int64_t destination, size_t max, struct queue_message **out,
	struct err *err)
{
	struct queue_message *m = NULL;
	int rc = 0;

	while (rc == 0 && !m) {
		m = queue_message_new();
		rc = claim_one(q, destination, max, m, err);
		if (rc == 0 && queue_is_late(m, clock_wall_s())) {
			queue_fail(q, m);
			m = NULL;
		}
	}
	if (rc < 0)
		queue_message_free(&m);
	else
		*out = m;
	return rc;
}

static int reserve(struct queue *q, struct queue_message *m, bool with_held, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = queue_load_message(q->claims, m->id, m, err);

	if (rc == 0)
		rc = db_query(q->claims, &row, err,
			"SELECT number, address, recipient, orcpt, notify, state, attempts, due_s,"
			" reply, host FROM recipient WHERE message = ? AND state <= ?"
			" ORDER BY number",
			db_i(m->id), db_i(with_held ? QUEUE_HELD : QUEUE_WAITING));
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		if (!is_running(q, m->id, (unsigned)db_int(row, 0)))
			rc = queue_load_recipient(row, m, err);
	}
	for (size_t i = 0; rc == 0 && i < m->recipients_n; i++)
		set_running(q, m->id, m->recipients[i].number);
	return rc;
}

int queue_reserve(struct queue *q, struct queue_message *m, bool with_held, struct err *err)
{
	int rc;

	pthread_mutex_lock(&q->claim_lock);
	rc = db_begin_read(q->claims, err);
	if (rc == 0) {
		rc = reserve(q, m, with_held, err);
		db_end_read(q->claims);
	}
	pthread_mutex_unlock(&q->claim_lock);
	return rc;
}

/* While they were reserved, somebody may have looked and found nothing to do. */
static void tell_due(struct queue *q, int64_t id)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct queue_changes changes AUTO(queue_changes_done);
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct err err;
	int rc;

	queue_changes_init(&changes);
	rc = db_query(reader->db, &row, &err,
		"SELECT r.destination, d.name, r.due_s FROM recipient AS r"
		" JOIN destination AS d ON d.id = r.destination"
		" WHERE r.message = ? AND r.state = 0",
		db_i(id));
	while (rc >= 0 && (rc = db_step(row, &err)) == 1)
		queue_changes_add(&changes, db_int(row, 0), db_text(row, 1), db_int(row, 2));
	queue_reader_give(reader);
	if (rc < 0)
		log_error(NULL, "queue-due", log_n("message", id), log_e(&err));
	queue_changes_tell(q, &changes);
}

void queue_unreserve(struct queue *q, struct queue_message *m)
{
	end_running(q, m);
	tell_due(q, m->id);
}

void queue_fail(struct queue *q, struct queue_message *m)
{
	for (size_t i = 0; i < m->recipients_n; i++) {
		m->recipients[i].outcome = QUEUE_OUT_FAILED;
		m->recipients[i].reply = queue_late_reply();
		m->recipients[i].host = (struct slice){0};
	}
	queue_finish(q, m);
}

int queue_next_due(struct queue *q, int64_t destination, int64_t *due_out, struct err *err)
{
	int64_t id, due_s, first = INT64_MAX;
	int rc = 0;

	pthread_mutex_lock(&q->claim_lock);
	for (int priority = 0; rc >= 0 && priority < QUEUE_PRIORITIES; priority++) {
		rc = find_first(q, destination, priority, INT64_MAX, &id, &due_s, err);
		if (rc == 1 && due_s < first)
			first = due_s;
	}
	pthread_mutex_unlock(&q->claim_lock);
	if (rc < 0)
		return rc;
	*due_out = first;
	return 0;
}

/* Three looks into the index for each destination, however many wait. */
int queue_walk(struct queue *q, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	struct queue_changes changes AUTO(queue_changes_done);
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	queue_changes_init(&changes);
	rc = db_query(reader->db, &row, err,
		"SELECT id, name, due_s FROM (SELECT d.id, d.name, p.priority,"
		" (SELECT min(r.due_s) FROM recipient AS r INDEXED BY recipient_due WHERE r.state "
		"= 0"
		" AND r.destination = d.id AND r.priority = p.priority) AS due_s"
		" FROM destination AS d, (SELECT 0 AS priority UNION ALL SELECT 1 UNION ALL SELECT "
		"2)"
		" AS p) WHERE due_s IS NOT NULL");
	while (rc >= 0 && (rc = db_step(row, err)) == 1)
		queue_changes_add(&changes, db_int(row, 0), db_text(row, 1), db_int(row, 2));
	queue_reader_give(reader);
	if (rc == 0)
		queue_changes_tell(q, &changes);
	return rc;
}

/* ---- outcomes ---- */

struct finish {
	struct group_item item;
	struct finish *next; /* of those that could not be written */
	struct queue *queue;
	struct queue_message *m;
	int64_t due_s;   /* the next attempt; INT64_MAX: none */
	uint64_t chance; /* one for the whole message: what failed together comes back together */
	struct queue_changes changes;
};

static int remove_recipient(struct db *db, int64_t id, unsigned number, struct err *err)
{
	return db_do(db, err, "DELETE FROM recipient WHERE message = ? AND number = ?", db_i(id),
		db_i(number));
}

static struct slice kept_reply(const struct queue_recipient *r)
{
	return slice_head(r->reply, QUEUE_REPLY_MAX);
}

/* Over for good: kept until the sender has been told, where it has to be. */
static int end_recipient(struct finish *f, struct db *db, const struct queue_recipient *r,
	enum queue_state state, unsigned event, struct err *err)
{
	if (!queue_is_told(f->m, r->notify, event))
		return remove_recipient(db, f->m->id, r->number, err);
	return db_do(db, err,
		"UPDATE recipient SET state = ?, attempts = attempts + 1, reply = ?, host = ?"
		" WHERE message = ? AND number = ?",
		db_i(state), db_t(kept_reply(r)), db_t(r->host), db_i(f->m->id), db_i(r->number));
}

/* When the sender wants to hear that it takes longer: by the settings, or RFC 2852 4.1.4. */
static int64_t late_at(const struct queue *q, const struct queue_message *m)
{
	const int64_t late = q->config.delay_s ? queue_began(m) + q->config.delay_s : INT64_MAX;

	return m->flags & QUEUE_BY_NOTIFY && m->by_s < late ? m->by_s : late;
}

/* A held one stays held. */
static int defer_recipient(struct finish *f, struct db *db, const struct queue_recipient *r,
	int64_t now, struct err *err)
{
	const struct queue_message *m = f->m;
	const int64_t late = late_at(f->queue, m);
	const bool tells = now >= late && queue_is_told(m, r->notify, QUEUE_NOTIFY_DELAY);
	int64_t due =
		now + queue_backoff_pause(&f->queue->config.backoff, r->attempts + 1, f->chance);

	if (due > late && now < late && m->flags & QUEUE_BY_NOTIFY)
		due = late;
	if (due > m->expires_s)
		due = m->expires_s;
	f->due_s = due < f->due_s ? due : f->due_s;
	return db_do(db, err,
		"UPDATE recipient SET due_s = ?, attempts = attempts + 1, reply = ?, host = ?,"
		" flags = flags | CASE WHEN flags & 2 THEN 0 ELSE ? END"
		" WHERE message = ? AND number = ?",
		db_i(due), db_t(kept_reply(r)), db_t(r->host),
		db_i(tells ? RECIPIENT_TELL_DELAY : 0), db_i(m->id), db_i(r->number));
}

static int finish_recipient(
	struct finish *f, struct db *db, const struct queue_recipient *r, struct err *err)
{
	const int64_t now = clock_wall_s();
	struct queue_recipient late = *r;

	if (r->outcome == QUEUE_OUT_DEFERRED && now >= f->m->expires_s) {
		late.outcome = QUEUE_OUT_FAILED;
		late.reply = queue_is_late(f->m, now) ? queue_late_reply() : r->reply;
		r = &late;
	}
	switch (r->outcome) {
	case QUEUE_OUT_DELIVERED:
		return remove_recipient(db, f->m->id, r->number, err);
	case QUEUE_OUT_RELAYED:
		return end_recipient(f, db, r, QUEUE_RELAYED, QUEUE_NOTIFY_SUCCESS, err);
	case QUEUE_OUT_HANDED_ON:
		return end_recipient(f, db, r, QUEUE_RELAYED,
			QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY, err);
	case QUEUE_OUT_DEFERRED:
		return defer_recipient(f, db, r, now, err);
	case QUEUE_OUT_FAILED:
		return end_recipient(f, db, r, QUEUE_BOUNCED, QUEUE_NOTIFY_FAILURE, err);
	case QUEUE_OUT_NONE:
		f->due_s = r->due_s < f->due_s ? r->due_s : f->due_s;
		break;
	}
	return 0;
}

static int finish_run(struct group_item *item, struct db *db, struct err *err)
{
	struct finish *f = (struct finish *)item;
	int rc = 0;

	queue_changes_clear(&f->changes);
	f->due_s = INT64_MAX;
	for (size_t i = 0; rc == 0 && i < f->m->recipients_n; i++)
		rc = finish_recipient(f, db, &f->m->recipients[i], err);
	if (rc == 0 && f->due_s < INT64_MAX)
		queue_changes_add(&f->changes, f->m->destination, f->m->destination_name, f->due_s);
	return rc < 0 ? rc : queue_settle(db, f->m->id, &f->changes, err);
}

/* A reserved message has many destinations. */
static void retry_later(struct finish *f)
{
	if (f->m->destination)
		queue_changes_add(&f->changes, f->m->destination, f->m->destination_name,
			clock_wall_s() + QUEUE_FAILED_S);
	else
		tell_due(f->queue, f->m->id);
}

static void finish_free(struct finish *f)
{
	queue_changes_done(&f->changes);
	queue_message_free(&f->m);
	free(f);
}

/* What was sent must not be sent again because the disk is full: its recipients stay running. Too
 * many of them are as they were before. */
static void keep_unwritten(struct queue *q, struct finish *f, const struct err *err)
{
	bool is_kept;

	log_error(NULL, "queue-outcome", log_n("message", f->m->id), log_e(err));
	pthread_mutex_lock(&q->lock);
	is_kept = q->unwritten_n < UNWRITTEN_MAX;
	if (is_kept) {
		q->unwritten_n++;
		f->next = q->unwritten;
		q->unwritten = f;
		q->again_s = clock_wall_s() + QUEUE_FAILED_S;
	}
	pthread_mutex_unlock(&q->lock);
	if (is_kept)
		return;
	end_running(q, f->m);
	queue_changes_clear(&f->changes);
	retry_later(f);
	queue_changes_tell(q, &f->changes);
	finish_free(f);
}

static void finish_done(struct group_item *item, int rc, const struct err *err)
{
	struct finish *f = (struct finish *)item;
	struct queue *q = f->queue;

	if (rc < 0) {
		keep_unwritten(q, f, err);
	} else {
		end_running(q, f->m);
		queue_changes_tell(q, &f->changes);
		/* Moved while it was tried: its new destination was looked at meanwhile. */
		if (f->m->destination && f->m->routing != atomic_load(&q->routing))
			tell_due(q, f->m->id);
		finish_free(f);
	}
	pthread_mutex_lock(&q->lock);
	if (--q->finishing == 0)
		pthread_cond_broadcast(&q->finished);
	pthread_cond_signal(&q->room);
	pthread_mutex_unlock(&q->lock);
}

void queue_finish_again(struct queue *q)
{
	struct finish *list = NULL, *next;

	pthread_mutex_lock(&q->lock);
	if (q->unwritten && clock_wall_s() >= q->again_s) {
		list = q->unwritten;
		q->unwritten = NULL;
		q->finishing += q->unwritten_n;
		q->unwritten_n = 0;
	}
	pthread_mutex_unlock(&q->lock);
	for (; list; list = next) {
		next = list->next;
		group_hand_over_later(&q->group, &list->item);
	}
}

void queue_forget_unwritten(struct queue *q)
{
	struct finish *next;

	for (; q->unwritten; q->unwritten = next) {
		next = q->unwritten->next;
		end_running(q, q->unwritten->m);
		finish_free(q->unwritten);
	}
}

void queue_finish(struct queue *q, struct queue_message *m)
{
	struct finish *f = mem_new(struct finish);

	*f = (struct finish){.item = {.run = finish_run, .done = finish_done},
		.queue = q,
		.m = m,
		.chance = random_u64()};
	queue_changes_init(&f->changes);
	pthread_mutex_lock(&q->lock);
	while (q->finishing >= FINISHING_MAX)
		pthread_cond_wait(&q->room, &q->lock);
	q->finishing++;
	pthread_mutex_unlock(&q->lock);
	group_hand_over_later(&q->group, &f->item);
}

void queue_wait(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (q->finishing)
		pthread_cond_wait(&q->finished, &q->lock);
	pthread_mutex_unlock(&q->lock);
}
