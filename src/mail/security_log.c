/* security_log.c - see security_log.h for the contract. */
#include "mail/security_log.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "group/later.h"

enum { TEXT_MAX = 200, DAY_S = 86400 };

/* An event on its way; its texts follow in one piece of memory. */
struct waiting {
	struct later_item item;
	uint64_t account;
	struct security_event event;
	char text[];
};

struct security_log {
	struct later later;
};

static const struct db_migration schema[] = {
	{"CREATE TABLE event (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	 " kind TEXT NOT NULL, service TEXT NOT NULL, peer TEXT NOT NULL, program TEXT NOT NULL,"
	 " detail TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	 " count INTEGER NOT NULL);"
	 "CREATE INDEX event_account ON event (account, id);"
	 "CREATE INDEX event_last ON event (last);"},
};

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

static int write_all(struct later *later, struct later_item *first, struct err *err)
{
	int rc = 0;

	for (struct later_item *item = first; item && rc == 0; item = item->next)
		rc = write_one(later->db, (const struct waiting *)item, err);
	return rc;
}

int security_log_open(
	const char *path, struct pool *pool, struct security_log **out, struct err *err)
{
	const struct later_config config = {
		.file = {.path = path, .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB},
		.schema = schema,
		.schema_n = sizeof(schema) / sizeof(schema[0]),
		.name = "security-log",
		.pool = pool,
		.max = SECURITY_LOG_WAITING_MAX,
		.write = write_all,
	};
	struct security_log *log = mem_new(struct security_log);
	const int rc = later_open(&log->later, &config, err);

	if (rc < 0)
		free(log);
	else
		*out = log;
	return rc;
}

void security_log_close(struct security_log **log)
{
	struct security_log *l = *log;

	*log = NULL;
	if (!l)
		return;
	later_close(&l->later);
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
	later_add(&log->later, &waiting_new(account, event)->item);
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
	rc = db_query(later_lock(&log->later), &row, err,
		"SELECT id, kind, service, peer, program, detail, first, last, count FROM event"
		" WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?",
		db_i((int64_t)account), db_i(before ? (int64_t)before : INT64_MAX),
		db_i((int64_t)max));
	if (rc == 0)
		rc = read_rows(row, max, arena, list, n_out, err);
	db_reset(row);
	row = NULL;
	later_unlock(&log->later);
	if (rc == 0)
		*list_out = list;
	return rc;
}

int security_log_forget(struct security_log *log, uint64_t account, struct err *err)
{
	const int rc = db_do(later_lock(&log->later), err, "DELETE FROM event WHERE account = ?",
		db_i((int64_t)account));

	later_unlock(&log->later);
	return rc;
}
