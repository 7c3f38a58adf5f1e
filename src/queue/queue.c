/* queue.c - see queue.h for the contract: opening, and reading what is stored. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "queue/internal.h"

/*
 * Recipients are clustered by message. Only those that wait are in the index that says what is due:
 * destination, priority, time; what follows in it (message, number) keeps those of one message
 * together, as they fail and come back at the same second.
 */
static const struct db_migration schema[] = {
	{"CREATE TABLE message("
	 " id INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL,"
	 " submitter INTEGER NOT NULL, origin INTEGER NOT NULL, priority INTEGER NOT NULL,"
	 " flags INTEGER NOT NULL, sender TEXT NOT NULL, envid TEXT NOT NULL,"
	 " ret INTEGER NOT NULL, accepted_s INTEGER NOT NULL, expires_s INTEGER NOT NULL,"
	 " by_s INTEGER NOT NULL, size INTEGER NOT NULL, report_s INTEGER NOT NULL DEFAULT 0);"
	 "CREATE INDEX message_report ON message(report_s) WHERE report_s > 0;"
	 "CREATE TABLE destination(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	 "CREATE TABLE recipient("
	 " message INTEGER NOT NULL, number INTEGER NOT NULL, destination INTEGER NOT NULL,"
	 " priority INTEGER NOT NULL, due_s INTEGER NOT NULL, state INTEGER NOT NULL,"
	 " flags INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
	 " notify INTEGER NOT NULL, address TEXT NOT NULL, recipient TEXT NOT NULL,"
	 " orcpt TEXT NOT NULL, reply TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '',"
	 " PRIMARY KEY(message, number)) WITHOUT ROWID;"
	 "CREATE INDEX recipient_due ON recipient(destination, priority, due_s)"
	 " WHERE state = 0;"
	 "CREATE TABLE chunk(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	 "CREATE TABLE seen(delivery INTEGER PRIMARY KEY, seen_s INTEGER NOT NULL);"
	 "CREATE INDEX seen_time ON seen(seen_s);"
	 "CREATE TABLE route(pattern TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID;"
	 "CREATE TABLE suppressed(address TEXT PRIMARY KEY, reason TEXT NOT NULL,"
	 " added_s INTEGER NOT NULL) WITHOUT ROWID;"
	 "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"},
	/* in its history */
	{"ALTER TABLE message ADD COLUMN track INTEGER NOT NULL DEFAULT 0"},
	/* what MAIL says */
	{"ALTER TABLE message ADD COLUMN path TEXT NOT NULL DEFAULT ''"},
	/* held mail, and mail that has to be there in time */
	{"ALTER TABLE message ADD COLUMN not_before_s INTEGER NOT NULL DEFAULT 0;"
	 "CREATE INDEX message_held ON message(submitter, not_before_s) WHERE not_before_s > 0;"
	 "CREATE INDEX message_by ON message(by_s) WHERE by_s > 0 AND flags & 256 = 0"},
	/* those that do not wait are few, and are asked for apart */
	{"CREATE INDEX recipient_over ON recipient(destination, state) WHERE state > 0"},
	/* lanes.h */
	{"CREATE TABLE destination_limit(name TEXT PRIMARY KEY, connections INTEGER NOT NULL,"
	 " messages INTEGER NOT NULL, per_minute INTEGER NOT NULL) WITHOUT ROWID"},
	/* whose mail is held */
	{"CREATE TABLE stopped(submitter INTEGER PRIMARY KEY)"},
	/* How much there is, in one row, kept by whoever changes the others: counting a million
	 * takes ten seconds. */
	{"CREATE TABLE total(messages INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	 " waiting INTEGER NOT NULL, held INTEGER NOT NULL);"
	 "INSERT INTO total SELECT count(*), coalesce(sum(size), 0),"
	 " (SELECT count(*) FROM recipient INDEXED BY recipient_due WHERE state = 0),"
	 " (SELECT count(*) FROM recipient INDEXED BY recipient_over WHERE state > 0 AND state = 1)"
	 " FROM message;"
	 "CREATE TRIGGER message_came AFTER INSERT ON message BEGIN"
	 " UPDATE total SET messages = messages + 1, bytes = bytes + NEW.size; END;"
	 "CREATE TRIGGER message_went AFTER DELETE ON message BEGIN"
	 " UPDATE total SET messages = messages - 1, bytes = bytes - OLD.size; END;"
	 "CREATE TRIGGER recipient_came AFTER INSERT ON recipient BEGIN"
	 " UPDATE total SET waiting = waiting + (NEW.state = 0), held = held + (NEW.state = 1);"
	 " END;"
	 "CREATE TRIGGER recipient_went AFTER DELETE ON recipient BEGIN"
	 " UPDATE total SET waiting = waiting - (OLD.state = 0), held = held - (OLD.state = 1);"
	 " END;"
	 "CREATE TRIGGER recipient_changed AFTER UPDATE OF state ON recipient"
	 " WHEN NEW.state <> OLD.state BEGIN"
	 " UPDATE total SET waiting = waiting + (NEW.state = 0) - (OLD.state = 0),"
	 " held = held + (NEW.state = 1) - (OLD.state = 1); END"},
};

static int open_db(const char *path, struct db **out, struct err *err)
{
	const struct db_config config = {.path = path, .may_create = true, .cache_kib = 4096};
	struct db *db;
	int rc = db_open(&config, &db, err);

	if (rc < 0)
		return rc;
	rc = db_migrate(db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc < 0)
		db_close(&db);
	else
		*out = db;
	return rc;
}

static int open_all(struct queue *q, struct err *err)
{
	int rc = open_db(q->config.path, &q->db, err);

	if (rc == 0)
		rc = open_db(q->config.path, &q->claims, err);
	for (size_t i = 0; rc == 0 && i < QUEUE_READERS; i++)
		rc = open_db(q->config.path, &q->readers[i].db, err);
	return rc;
}

static int load_state(struct queue *q, struct err *err)
{
	int64_t routes = 0, suppressed = 0, stopped = 0, report_s = INT64_MAX, late_s = INT64_MAX;
	int rc = db_get_int(q->db, &routes, err, "SELECT EXISTS(SELECT 1 FROM route)");

	if (rc == 0)
		rc = db_get_int(q->db, &suppressed, err, "SELECT EXISTS(SELECT 1 FROM suppressed)");
	if (rc == 0)
		rc = db_get_int(q->db, &stopped, err, "SELECT EXISTS(SELECT 1 FROM stopped)");
	if (rc == 0)
		rc = db_get_int(q->db, &report_s, err,
			"SELECT coalesce(min(report_s), 9223372036854775807) FROM message"
			" WHERE report_s > 0");
	if (rc == 0)
		rc = db_get_int(q->db, &late_s, err,
			"SELECT coalesce(min(by_s), 9223372036854775807) FROM message"
			" WHERE by_s > 0 AND flags & 256 = 0");
	if (rc == 0)
		rc = db_do(q->db, err,
			"DELETE FROM destination WHERE NOT EXISTS (SELECT 1 FROM recipient"
			" INDEXED BY recipient_due WHERE state = 0 AND destination = "
			"destination.id)"
			" AND id NOT IN (SELECT destination FROM recipient"
			" INDEXED BY recipient_over WHERE state > 0)");
	atomic_store(&q->has_routes, routes);
	atomic_store(&q->has_suppressed, suppressed);
	atomic_store(&q->has_stopped, stopped);
	atomic_store(&q->report_s, report_s);
	atomic_store(&q->late_s, late_s);
	return rc;
}

int queue_open(const struct queue_config *config, struct queue **out, struct err *err)
{
	struct queue *q AUTO(queue_close) = mem_new(struct queue);
	int rc;

	q->config = *config;
	pthread_mutex_init(&q->claim_lock, NULL);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->finished, NULL);
	pthread_cond_init(&q->room, NULL);
	for (size_t i = 0; i < QUEUE_READERS; i++)
		pthread_mutex_init(&q->readers[i].lock, NULL);
	rc = open_all(q, err);
	group_init(&q->group, q->db, config->pool);
	if (rc == 0)
		rc = load_state(q, err);
	if (rc < 0)
		return rc;
	*out = q;
	q = NULL;
	return 0;
}

void queue_close(struct queue **queue)
{
	struct queue *q = *queue;

	if (!q)
		return;
	*queue = NULL;
	group_done(&q->group);
	queue_forget_unwritten(q);
	for (size_t i = 0; i < QUEUE_READERS; i++) {
		pthread_mutex_destroy(&q->readers[i].lock);
		db_close(&q->readers[i].db);
	}
	db_close(&q->claims);
	db_close(&q->db);
	map_done(&q->running);
	pthread_mutex_destroy(&q->claim_lock);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->finished);
	pthread_cond_destroy(&q->room);
	free(q);
}

struct queue_reader *queue_reader_take(struct queue *q)
{
	struct queue_reader *reader =
		&q->readers[atomic_fetch_add(&q->next_reader, 1) % QUEUE_READERS];

	pthread_mutex_lock(&reader->lock);
	return reader;
}

void queue_reader_give(struct queue_reader *reader)
{
	pthread_mutex_unlock(&reader->lock);
}

static int read_chunk(struct db *db, int64_t key, struct buf *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err, "SELECT bytes FROM chunk WHERE id = ?", db_i(key));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc;
	buf_append(out, db_blob(row, 0));
	return buf_check(out, "chunk of a message", err);
}

int queue_read(struct queue *q, int64_t id, uint64_t at, struct buf *out, struct err *err)
{
	struct queue_reader *reader = queue_reader_take(q);
	const int64_t key = (id << QUEUE_NUMBER_BITS) + (int64_t)(at / QUEUE_CHUNK);
	const int rc = read_chunk(reader->db, key, out, err);

	queue_reader_give(reader);
	return rc;
}

int queue_load_message(struct db *db, int64_t id, struct queue_message *m, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &row, err,
		"SELECT delivery, submitter, origin, priority, flags, sender, envid, ret,"
		" accepted_s, expires_s, by_s, size, track, path, not_before_s FROM message"
		" WHERE id = ?",
		db_i(id));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "no such message in the queue");
	m->id = id;
	m->delivery_id = (uint64_t)db_int(row, 0);
	m->submitter = (uint64_t)db_int(row, 1);
	m->origin = (enum queue_origin)db_int(row, 2);
	m->priority = (enum queue_priority)db_int(row, 3);
	m->flags = (unsigned)db_int(row, 4);
	m->sender = arena_dup(&m->arena, db_text(row, 5));
	m->envid = arena_dup(&m->arena, db_text(row, 6));
	m->ret = (char)db_int(row, 7);
	m->accepted_s = db_int(row, 8);
	m->expires_s = db_int(row, 9);
	m->by_s = db_int(row, 10);
	m->size = (uint64_t)db_int(row, 11);
	m->number = (uint64_t)db_int(row, 12);
	m->path = arena_dup(&m->arena, db_text(row, 13));
	m->not_before_s = db_int(row, 14);
	return m->sender.ptr && m->envid.ptr && m->path.ptr
		       ? 0
		       : err_set(err, ERR_TOOBIG, "envelope too large");
}

int queue_load_recipient(struct db_stmt *row, struct queue_message *m, struct err *err)
{
	const struct queue_recipient r = {.number = (unsigned)db_int(row, 0),
		.address = db_text(row, 1),
		.recipient = db_text(row, 2),
		.orcpt = db_text(row, 3),
		.notify = (unsigned)db_int(row, 4),
		.state = (enum queue_state)db_int(row, 5),
		.attempts = (unsigned)db_int(row, 6),
		.due_s = db_int(row, 7),
		.reply = db_text(row, 8),
		.host = db_text(row, 9)};

	return queue_message_add(m, &r, err);
}

/* ---- an item whose thread waits ---- */

static void wait_done(struct group_item *item, int rc, const struct err *err)
{
	struct queue_wait *wait = (struct queue_wait *)item;

	(void)rc;
	(void)err;
	pthread_mutex_lock(&wait->lock);
	wait->is_done = true;
	pthread_cond_signal(&wait->cond);
	pthread_mutex_unlock(&wait->lock);
}

int queue_wait_run(struct queue *queue, struct queue_wait *wait,
	int (*run)(struct group_item *item, struct db *db, struct err *err), struct err *err)
{
	wait->item = (struct group_item){.run = run, .done = wait_done};
	wait->queue = queue;
	wait->is_done = false;
	pthread_mutex_init(&wait->lock, NULL);
	pthread_cond_init(&wait->cond, NULL);
	group_submit(&queue->group, &wait->item);
	pthread_mutex_lock(&wait->lock);
	while (!wait->is_done)
		pthread_cond_wait(&wait->cond, &wait->lock);
	pthread_mutex_unlock(&wait->lock);
	pthread_mutex_destroy(&wait->lock);
	pthread_cond_destroy(&wait->cond);
	*err = wait->item.err;
	return wait->item.rc;
}
