/* put.c - see queue.h: messages come in. */
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "queue/internal.h"

enum { PURGE_EVERY_S = 600, PURGE_ROWS = 10000 };

/* ---- where to ---- */

static int find_route(
	struct db *db, struct slice pattern, struct buf *buf, struct slice *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(
		db, &row, err, "SELECT target FROM route WHERE pattern = ?", db_t(pattern));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	buf_clear(buf);
	buf_append(buf, db_text(row, 0));
	*out = buf_slice(buf);
	return 1;
}

/* The domain itself, then ".parent" for each domain that it is below of, then "*". */
int queue_route_of(struct queue *q, struct db *db, struct slice domain, struct buf *buf,
	struct slice *out, struct err *err)
{
	struct slice pattern = domain;
	size_t dot;
	int rc = 0;

	if (atomic_load(&q->has_routes)) {
		rc = find_route(db, pattern, buf, out, err);
		while (rc == 0 && (dot = slice_chr(slice_from(pattern, 1), '.')) != SIZE_MAX) {
			pattern = slice_from(pattern, dot + 1);
			rc = find_route(db, pattern, buf, out, err);
		}
		if (rc == 0)
			rc = find_route(db, slice_lit("*"), buf, out, err);
	}
	if (rc == 0)
		*out = q->config.smarthost.len ? q->config.smarthost : domain;
	return rc < 0 ? rc : 0;
}

int queue_destination_id(struct db *db, struct slice name, int64_t *out, struct err *err)
{
	int rc = db_get_int(db, out, err, "SELECT id FROM destination WHERE name = ?", db_t(name));

	if (rc != -ERR_NOTFOUND)
		return rc;
	rc = db_do(db, err, "INSERT INTO destination(name) VALUES(?)", db_t(name));
	if (rc == 0)
		*out = db_last_id(db);
	return rc;
}

/* 1: nothing is sent to this address, or to its domain, or to it by that sender. */
static int find_suppressed(struct db *db, struct slice sender, struct slice address,
	struct buf *reason, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct buf pair AUTO(buf_done);
	int rc;

	buf_init(&pair, 2 * QUEUE_NAME_MAX);
	buf_printf(&pair, "%.*s %.*s", SLICE_ARG(sender), SLICE_ARG(address));
	rc = db_query(db, &row, err, "SELECT reason FROM suppressed WHERE address IN (?, ?, ?)",
		db_t(address), db_t(queue_domain_of(address)), db_t(buf_slice(&pair)));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 1) {
		buf_clear(reason);
		buf_append(reason, db_text(row, 0));
	}
	return rc;
}

/* ---- a message ---- */

static int insert_chunk(struct db *db, int64_t key, struct slice bytes, struct err *err)
{
	return db_do(db, err, "INSERT INTO chunk(id, bytes) VALUES(?, ?)", db_i(key), db_b(bytes));
}

static int read_piece(const struct queue_body *body, uint64_t at, struct buf *out, struct err *err)
{
	const uint64_t left = body->size - at;
	const size_t n = left < QUEUE_CHUNK ? (size_t)left : QUEUE_CHUNK;
	char *p = buf_reserve(out, n);
	size_t got = 0;

	while (got < n) {
		const ssize_t rc = pread(body->fd, p + got, n - got, (off_t)(body->at + at + got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return err_errno(err, "cannot read the message");
		if (rc == 0)
			return err_set(err, ERR_IO, "the message is cut short");
		got += (size_t)rc;
	}
	out->len = n;
	return 0;
}

static int insert_body(struct db *db, int64_t id, const struct queue_body *body, struct err *err)
{
	int64_t key = id << QUEUE_NUMBER_BITS;
	struct buf b AUTO(buf_done);
	int rc = 0;

	buf_init(&b, QUEUE_CHUNK);
	for (uint64_t at = 0; rc == 0 && at < body->size; at += QUEUE_CHUNK) {
		buf_clear(&b);
		if (body->fd < 0) {
			rc = insert_chunk(db, key++,
				slice_head(slice_from(body->bytes, at), QUEUE_CHUNK), err);
			continue;
		}
		rc = read_piece(body, at, &b, err);
		if (rc == 0)
			rc = insert_chunk(db, key++, buf_slice(&b), err);
	}
	return rc;
}

/* RFC 2852 4.1.4.1: a time that was over when it came was told by who had it before. */
static bool is_told_before(const struct queue_message *m)
{
	return m->by_s && m->by_s <= m->accepted_s;
}

static int insert_recipient(struct queue *q, struct db *db, struct queue_message *m,
	struct queue_recipient *r, struct queue_changes *changes, struct err *err)
{
	struct buf target AUTO(buf_done), reason AUTO(buf_done);
	struct slice name = slice_lit(QUEUE_HERE);
	int64_t destination;
	int rc = 0;

	buf_init(&target, QUEUE_NAME_MAX);
	buf_init(&reason, QUEUE_REPLY_MAX);
	if (m->route.len)
		name = m->route;
	else if (m->origin != QUEUE_OF_REPORT && !r->is_here)
		rc = queue_route_of(q, db, queue_domain_of(r->address), &target, &name, err);
	if (rc == 0)
		rc = queue_destination_id(db, name, &destination, err);
	if (rc == 0 && atomic_load(&q->has_suppressed))
		rc = find_suppressed(db, m->sender, r->address, &reason, err);
	if (rc < 0)
		return rc;
	r->state = rc ? QUEUE_BOUNCED : r->state;
	if (rc && !queue_is_told(m, r->notify, QUEUE_NOTIFY_FAILURE))
		return 0;
	if (r->state == QUEUE_WAITING)
		queue_changes_add(changes, destination, name, r->due_s);
	return db_do(db, err,
		"INSERT INTO recipient(message, number, destination, priority, due_s, state,"
		" flags, notify, address, recipient, orcpt, reply)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_i(m->id), db_i(r->number), db_i(destination), db_i(m->priority), db_i(r->due_s),
		db_i(r->state),
		db_i((is_told_before(m) ? RECIPIENT_DELAY_TOLD : 0) |
			(r->state == QUEUE_HELD ? RECIPIENT_STOPPED : 0)),
		db_i(r->notify), db_t(r->address), db_t(r->recipient), db_t(r->orcpt),
		db_t(buf_slice(&reason)));
}

static int insert_message(struct db *db, struct queue_message *m, struct err *err)
{
	const int rc = db_do(db, err,
		"INSERT INTO message(delivery, submitter, origin, priority, flags, sender, envid,"
		" ret, accepted_s, not_before_s, expires_s, by_s, size, track, path)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_i((int64_t)m->delivery_id), db_i((int64_t)m->submitter), db_i(m->origin),
		db_i(m->priority), db_i(m->flags), db_t(m->sender), db_t(m->envid), db_i(m->ret),
		db_i(m->accepted_s), db_i(m->not_before_s), db_i(m->expires_s), db_i(m->by_s),
		db_i((int64_t)m->size), db_i((int64_t)m->number), db_t(m->path));

	if (rc == 0)
		m->id = db_last_id(db);
	return rc;
}

int queue_insert(struct queue *q, struct db *db, struct queue_message *m,
	const struct queue_body *body, struct queue_changes *changes, struct err *err)
{
	const int64_t now = clock_wall_s();
	int rc;

	m->size = body->size;
	m->accepted_s = m->accepted_s ? m->accepted_s : now;
	m->expires_s = m->expires_s ? m->expires_s : queue_began(m) + q->config.lifetime_s;
	if (m->by_s && !(m->flags & QUEUE_BY_NOTIFY) && m->by_s < m->expires_s)
		m->expires_s = m->by_s;
	m->delivery_id = m->delivery_id ? m->delivery_id : (random_u64() >> 1) | 1;
	rc = insert_message(db, m, err);
	if (rc == 0)
		rc = queue_hold_stopped(q, db, m, err);
	for (size_t i = 0; rc == 0 && i < m->recipients_n; i++) {
		m->recipients[i].number = (unsigned)i;
		m->recipients[i].due_s = m->not_before_s > now ? m->not_before_s : now;
		rc = insert_recipient(q, db, m, &m->recipients[i], changes, err);
	}
	if (rc == 0)
		rc = insert_body(db, m->id, body, err);
	if (rc == 0 && atomic_load(&q->has_suppressed))
		rc = queue_settle(db, m->id, changes, err);
	return rc;
}

/* ---- items of the group ---- */

struct put {
	struct group_item item;
	struct queue *queue;
	struct queue_message *m;
	struct queue_body body;
	struct queue_changes changes;
	queue_done_fn *done;
	void *context;
};

/* What was seen long ago is forgotten, now and then. */
static int purge_seen(struct queue *q, struct db *db, struct err *err)
{
	const int64_t now = clock_wall_s();

	if (now - q->purged_s < PURGE_EVERY_S)
		return 0;
	q->purged_s = now;
	return db_do(db, err,
		"DELETE FROM seen WHERE delivery IN"
		" (SELECT delivery FROM seen WHERE seen_s < ? LIMIT ?)",
		db_i(now - QUEUE_SEEN_S), db_i(PURGE_ROWS));
}

static int note_seen(struct queue *q, struct db *db, uint64_t delivery_id, struct err *err)
{
	int rc = purge_seen(q, db, err);

	if (rc == 0)
		rc = db_do(db, err,
			"INSERT INTO seen(delivery, seen_s) VALUES(?, ?)"
			" ON CONFLICT(delivery) DO NOTHING",
			db_i((int64_t)delivery_id), db_i(clock_wall_s()));
	return rc < 0 ? rc : db_changes(db) == 0;
}

static int put_run(struct group_item *item, struct db *db, struct err *err)
{
	struct put *put = (struct put *)item;
	int rc = 0;

	queue_changes_clear(&put->changes);
	if (put->m->until_ms && clock_mono_ms() > put->m->until_ms)
		return err_set(err, ERR_BUSY, "nobody waits for an answer any more");
	if (put->m->flags & QUEUE_REPEATED)
		rc = note_seen(put->queue, db, put->m->delivery_id, err);
	if (rc == 0)
		rc = queue_insert(put->queue, db, put->m, &put->body, &put->changes, err);
	return rc < 0 ? rc : 0;
}

static void put_done(struct group_item *item, int rc, const struct err *err)
{
	struct put *put = (struct put *)item;

	if (rc == 0)
		queue_changes_tell(put->queue, &put->changes);
	if (rc == 0 && put->m->by_s)
		queue_late_at(put->queue, put->m->by_s);
	put->done(put->context, rc, err);
	queue_changes_done(&put->changes);
	queue_message_free(&put->m);
	free(put);
}

static int check_room(const struct queue *q, const struct queue_message *m,
	const struct queue_body *body, struct err *err)
{
	struct statvfs disk;

	if (m->recipients_n == 0)
		return err_set(err, ERR_NOTFOUND, "no recipients");
	if (body->size == 0)
		return err_set(err, ERR_SYNTAX, "the message is empty");
	if (body->size / QUEUE_CHUNK >> QUEUE_NUMBER_BITS)
		return err_set(err, ERR_TOOBIG, "message too big");
	if (q->config.reserve_bytes && statvfs(".", &disk) == 0 &&
		(uint64_t)disk.f_bavail * disk.f_frsize < q->config.reserve_bytes + body->size)
		return err_set(err, ERR_QUOTA, "disk is full");
	return 0;
}

void queue_put(struct queue *q, struct queue_message *m, const struct queue_body *body,
	queue_done_fn *done, void *context)
{
	struct put *put;
	struct err err;
	const int rc = check_room(q, m, body, &err);

	if (rc < 0) {
		queue_message_free(&m);
		done(context, rc, &err);
		return;
	}
	put = mem_new(struct put);
	*put = (struct put){.item = {.run = put_run, .done = put_done},
		.queue = q,
		.m = m,
		.body = *body,
		.done = done,
		.context = context};
	queue_changes_init(&put->changes);
	group_hand_over(&q->group, &put->item);
}
