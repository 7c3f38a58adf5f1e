/* security_log.c - see security_log.h for the contract. */
#include "mail/security_log.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/db.h"

enum { WRITE_AFTER_MS = 500, TEXT_MAX = 200, CHECKPOINT_BYTES = 4 << 20, DAY_S = 86400 };

/* An event on its way; its texts follow in one piece of memory. */
struct waiting {
	struct waiting *next;
	uint64_t account;
	struct security_event event;
	char text[];
};

struct security_log {
	struct pool *pool;
	struct pool_timer timer;
	pthread_mutex_t lock; /* guards the list */
	struct waiting *first, **last;
	size_t n, dropped;
	bool is_timed;
	pthread_mutex_t writing; /* guards the database */
	struct db *db;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " kind TEXT NOT NULL, service TEXT NOT NULL, peer TEXT NOT NULL, program TEXT NOT NULL,"
	 " detail TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	 " count INTEGER NOT NULL);"
	 "CREATE INDEX event_account ON event (account, id);"
	 "CREATE INDEX event_last ON event (last);"},
};

static void write_timed(struct pool_job *job);

int security_log_open(
	const char *path, struct pool *pool, struct security_log **out, struct err *err)
{
	struct security_log *log = mem_new(struct security_log);
	const struct db_config file = {
		.path = path, .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	int rc = db_open(&file, &log->db, err);

	if (rc == 0)
		rc = db_migrate(log->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc < 0) {
		db_close(&log->db);
		free(log);
		return rc;
	}
	pthread_mutex_init(&log->lock, NULL);
	pthread_mutex_init(&log->writing, NULL);
	log->last = &log->first;
	log->pool = pool;
	log->timer.job.run = write_timed;
	log->timer.class = POOL_BULK;
	*out = log;
	return 0;
}

/* ---- writing ---- */

/* The same within a day: counted. */
static int count_again(struct db *db, const struct waiting *w, struct err *err)
{
	const struct security_event *e = &w->event;

	return db_do(db, err,
		"UPDATE event SET count = count + 1, last = ? WHERE id = (SELECT id FROM event"
		" WHERE account = ? AND kind = ? AND service = ? AND peer = ? AND program = ?"
		" AND detail = ? AND first > ? ORDER BY id DESC LIMIT 1)",
		db_i(e->last_s), db_i((int64_t)w->account), db_t(e->kind), db_t(e->service),
		db_t(e->peer), db_t(e->program), db_t(e->detail), db_i(e->last_s - DAY_S));
}

static int write_one(struct db *db, const struct waiting *w, struct err *err)
{
	const struct security_event *e = &w->event;
	int rc = count_again(db, w, err);

	if (rc < 0 || db_changes(db) > 0)
		return rc;
	rc = db_do(db, err,
		"INSERT INTO event (account, kind, service, peer, program, detail, first, last,"
		" count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
		db_i((int64_t)w->account), db_t(e->kind), db_t(e->service), db_t(e->peer),
		db_t(e->program), db_t(e->detail), db_i(e->last_s), db_i(e->last_s));
	if (rc == 0)
		rc = db_do(db, err,
			"DELETE FROM event WHERE id = (SELECT id FROM event WHERE account = ?"
			" ORDER BY id DESC LIMIT 1 OFFSET ?)",
			db_i((int64_t)w->account), db_i(SECURITY_LOG_ROWS_MAX));
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM event WHERE last < ?",
			db_i(e->last_s - (int64_t)SECURITY_LOG_DAYS * DAY_S));
	return rc;
}

static int write_list(struct db *db, const struct waiting *first, struct err *err)
{
	int rc = db_begin(db, err);

	if (rc < 0)
		return rc;
	for (const struct waiting *w = first; w && rc == 0; w = w->next)
		rc = write_one(db, w, err);
	if (rc < 0) {
		db_rollback(db);
		return rc;
	}
	return db_commit(db, err);
}

static struct waiting *take_all(struct security_log *log, size_t *dropped_out)
{
	struct waiting *first;

	pthread_mutex_lock(&log->lock);
	first = log->first;
	*dropped_out = log->dropped;
	log->first = NULL;
	log->last = &log->first;
	log->n = log->dropped = 0;
	log->is_timed = false;
	pthread_mutex_unlock(&log->lock);
	return first;
}

static void write_waiting(struct security_log *log)
{
	struct waiting *first, *next;
	struct err err;
	size_t dropped;

	pthread_mutex_lock(&log->writing);
	first = take_all(log, &dropped);
	if (first && write_list(log->db, first, &err) < 0)
		log_error(NULL, "security-log", log_e(&err));
	if (db_wal_bytes(log->db) > CHECKPOINT_BYTES && db_checkpoint(log->db, &err) < 0)
		log_warn(NULL, "security-log", log_e(&err));
	pthread_mutex_unlock(&log->writing);
	if (dropped)
		log_warn(NULL, "security-log-full", log_n("dropped", (int64_t)dropped));
	for (struct waiting *w = first; w; w = next) {
		next = w->next;
		free(w);
	}
}

static void write_timed(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));

	write_waiting((struct security_log *)(void *)((char *)timer -
						      offsetof(struct security_log, timer)));
}

void security_log_close(struct security_log **log)
{
	struct security_log *l = *log;

	*log = NULL;
	if (!l)
		return;
	write_waiting(l);
	db_close(&l->db);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->writing);
	free(l);
}

/* ---- adding ---- */

static char *put_text(char *to, struct slice *text, struct slice from)
{
	*text = (struct slice){to, from.len};
	for (size_t i = 0; i < from.len; i++)
		to[i] = from.ptr[i];
	return to + from.len;
}

static struct waiting *waiting_new(uint64_t account, const struct security_event *event)
{
	const struct slice kind = slice_head(event->kind, TEXT_MAX),
			   service = slice_head(event->service, TEXT_MAX),
			   peer = slice_head(event->peer, TEXT_MAX),
			   program = slice_head(event->program, TEXT_MAX),
			   detail = slice_head(event->detail, TEXT_MAX);
	struct waiting *w = mem_alloc(
		sizeof(*w) + kind.len + service.len + peer.len + program.len + detail.len);
	char *at = w->text;

	*w = (struct waiting){.account = account, .event = {.last_s = clock_wall_s()}};
	at = put_text(at, &w->event.kind, kind);
	at = put_text(at, &w->event.service, service);
	at = put_text(at, &w->event.peer, peer);
	at = put_text(at, &w->event.program, program);
	put_text(at, &w->event.detail, detail);
	return w;
}

void security_log_add(
	struct security_log *log, uint64_t account, const struct security_event *event)
{
	struct waiting *w = waiting_new(account, event);
	bool must_time;

	pthread_mutex_lock(&log->lock);
	if (log->n >= SECURITY_LOG_WAITING_MAX) {
		log->dropped++;
		pthread_mutex_unlock(&log->lock);
		free(w);
		return;
	}
	*log->last = w;
	log->last = &w->next;
	log->n++;
	must_time = !log->is_timed;
	log->is_timed = true;
	pthread_mutex_unlock(&log->lock);
	if (must_time && log->pool)
		pool_timer_set(log->pool, &log->timer, clock_mono_ms() + WRITE_AFTER_MS);
}

/* ---- reading ---- */

static struct slice column(struct db_stmt *row, int i, struct arena *arena)
{
	return arena_dup(arena, db_text(row, i));
}

static int read_rows(struct db_stmt *row, size_t max, struct arena *arena,
	struct security_event *list, size_t *n_out, struct err *err)
{
	size_t n = 0;
	int rc = 0;

	while (n < max && (rc = db_step(row, err)) > 0)
		list[n++] = (struct security_event){.id = (uint64_t)db_int(row, 0),
			.kind = column(row, 1, arena),
			.service = column(row, 2, arena),
			.peer = column(row, 3, arena),
			.program = column(row, 4, arena),
			.detail = column(row, 5, arena),
			.first_s = db_int(row, 6),
			.last_s = db_int(row, 7),
			.count = (uint64_t)db_int(row, 8)};
	*n_out = n;
	return rc < 0 ? rc : 0;
}

int security_log_list(struct security_log *log, uint64_t account, uint64_t before, size_t max,
	struct arena *arena, struct security_event **list_out, size_t *n_out, struct err *err)
{
	struct security_event *list = arena_array(arena, struct security_event, max);
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	if (!list)
		return err_set(err, ERR_TOOBIG, "no room for the security log");
	write_waiting(log);
	pthread_mutex_lock(&log->writing);
	rc = db_query(log->db, &row, err,
		"SELECT id, kind, service, peer, program, detail, first, last, count FROM event"
		" WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?",
		db_i((int64_t)account), db_i(before ? (int64_t)before : INT64_MAX),
		db_i((int64_t)max));
	if (rc == 0)
		rc = read_rows(row, max, arena, list, n_out, err);
	db_reset(row);
	row = NULL;
	pthread_mutex_unlock(&log->writing);
	if (rc == 0)
		*list_out = list;
	return rc;
}

int security_log_forget(struct security_log *log, uint64_t account, struct err *err)
{
	int rc;

	write_waiting(log);
	pthread_mutex_lock(&log->writing);
	rc = db_do(log->db, err, "DELETE FROM event WHERE account = ?", db_i((int64_t)account));
	pthread_mutex_unlock(&log->writing);
	return rc;
}
