/*
 * notice.c - see notice.h for the contract: the record of notices, and the job that sends them.
 *
 * Invariants
 *   1. A notice is in notice.db, waiting, before anything of it is sent; it is marked in a later
 *      transaction, after it was stored or queued.
 *   2. Its id is the delivery's id: sending it again after a crash stores nothing twice.
 *   3. One batch is on its way at a time, and the next begins a second later at the earliest.
 */
#include "notice/notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "group/group.h"
#include "notice/internal.h"

enum {
	DAY_S = 24 * 3600,
	PAUSE_MS = 1000,     /* between two batches of NOTICE_RATE */
	LOOK_MS = 30 * 1000, /* how late one that waits for its time may be */
	PURGE_S = 3600,
	BATCH_BYTES = NOTICE_RATE * (NOTICE_VALUES_MAX + 2048),
};

static const struct log_ctx log_ctx = {.service = "notice"};

static const struct db_migration schema[] = {
	{"CREATE TABLE notice (id INTEGER PRIMARY KEY, key TEXT UNIQUE, account INTEGER NOT NULL,"
	 " template TEXT NOT NULL, vals TEXT NOT NULL, recipient TEXT NOT NULL,"
	 " created INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	 " state INTEGER NOT NULL, ended INTEGER NOT NULL);"
	 "CREATE INDEX notice_waiting ON notice (due, id) WHERE state = 0;"
	 "CREATE INDEX notice_ended ON notice (ended) WHERE state <> 0;"},
};

/* ---- recording ---- */

struct record {
	struct group_item item;
	struct notices *notices;
	uint64_t id, account;
	char *template, *values, *to, *key; /* key NULL: none */
};

static void record_free(struct record *r)
{
	free(r->template);
	free(r->values);
	free(r->to);
	free(r->key);
	free(r);
}

static int record_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct record *r = (const struct record *)(const void *)item;
	const int64_t now = clock_wall_s();

	return db_do(db, err,
		"INSERT OR IGNORE INTO notice (id, key, account, template, vals, recipient, "
		"created,"
		" due, attempts, state, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
		db_i((int64_t)r->id), r->key ? db_t(slice_str(r->key)) : db_null(),
		db_i((int64_t)r->account), db_t(slice_str(r->template)), db_t(slice_str(r->values)),
		db_t(slice_str(r->to)), db_i(now), db_i(now));
}

static void record_done(struct group_item *item, int rc, const struct err *err)
{
	struct record *r = (struct record *)(void *)item;

	if (rc < 0)
		log_error(&log_ctx, "record", log_c("template", r->template), log_e(err));
	else
		notices_arm(r->notices, 0);
	record_free(r);
}

void notice_send_once(struct service *service, uint64_t account, const char *template,
	json_t *values, struct slice to, struct slice key)
{
	struct record *r;
	char *text = values ? json_dumps(values, JSON_COMPACT) : NULL;

	json_decref(values);
	if (text && strlen(text) > NOTICE_VALUES_MAX) {
		log_error(&log_ctx, "record", log_c("template", template),
			log_c("error", "the values are too large"));
		free(text);
		return;
	}
	r = mem_new(struct record);
	*r = (struct record){.item = {.run = record_run, .done = record_done},
		.notices = service->notices,
		.id = (random_u64() >> 1) | 1,
		.account = account,
		.template = mem_str(slice_str(template)),
		.values = text ? text : mem_str(slice_lit("{}")),
		.to = mem_str(to),
		.key = key.len ? mem_str(key) : NULL};
	group_submit(&service->notices->group, &r->item);
}

void notice_send(struct service *service, uint64_t account, const char *template, json_t *values,
	struct slice to)
{
	notice_send_once(service, account, template, values, to, (struct slice){0});
}

void notice_operator(
	struct service *service, const char *template, json_t *values, struct slice key)
{
	notice_send_once(
		service, 0, template, values, service->notices->config.operator_address, key);
}

/* ---- what waits ---- */

void notices_arm(struct notices *n, int64_t delay_ms)
{
	const int64_t due = clock_mono_ms() + delay_ms;

	pthread_mutex_lock(&n->lock);
	if (!n->timer_due_ms || due < n->timer_due_ms) {
		n->timer_due_ms = due;
		pool_timer_set(n->service->pool, &n->timer, due);
	}
	pthread_mutex_unlock(&n->lock);
}

static int read_waiting(
	struct db_stmt *row, struct arena *arena, struct sending *out, struct err *err)
{
	const struct slice template = arena_dup(arena, db_text(row, 2)),
			   values = arena_dup(arena, db_text(row, 3)),
			   to = arena_dup(arena, db_text(row, 4));

	if (!template.ptr || !values.ptr || !to.ptr)
		return err_set(err, ERR_TOOBIG, "a batch of notices is too large");
	*out = (struct sending){.id = (uint64_t)db_int(row, 0),
		.account = (uint64_t)db_int(row, 1),
		.template = template,
		.values = values,
		.to = to,
		.attempts = (unsigned)db_int(row, 5)};
	return 0;
}

static int read_batch(struct notices *n, struct arena *arena, struct sending *list, size_t *n_out,
	struct err *err)
{
	struct db_stmt *rows AUTO(db_stmt_auto) = NULL;
	int rc = db_query(n->reader, &rows, err,
		"SELECT id, account, template, vals, recipient, attempts FROM notice"
		" WHERE state = 0 AND due <= ? ORDER BY due, id LIMIT ?",
		db_i(clock_wall_s()), db_i(NOTICE_RATE));

	*n_out = 0;
	while (rc == 0 && *n_out < NOTICE_RATE && (rc = db_step(rows, err)) > 0)
		rc = read_waiting(rows, arena, &list[(*n_out)++], err);
	return rc;
}

/* ---- marking ---- */

struct mark {
	struct group_item item;
	struct notices *notices;
	uint64_t id;
	enum notice_state state;
	int64_t due;
};

static int mark_run(struct group_item *item, struct db *db, struct err *err)
{
	const struct mark *m = (const struct mark *)(const void *)item;

	if (m->state == NOTICE_WAITING)
		return db_do(db, err,
			"UPDATE notice SET due = ?, attempts = attempts + 1 WHERE id = ?",
			db_i(m->due), db_i((int64_t)m->id));
	/* The values may hold a link that opens something: they are not kept. */
	return db_do(db, err, "UPDATE notice SET state = ?, ended = ?, vals = '{}' WHERE id = ?",
		db_i(m->state), db_i(clock_wall_s()), db_i((int64_t)m->id));
}

static void mark_done(struct group_item *item, int rc, const struct err *err)
{
	struct mark *m = (struct mark *)(void *)item;
	struct notices *n = m->notices;

	if (rc < 0)
		log_error(&log_ctx, "mark", log_e(err));
	free(m);
	notices_finish(n);
}

void notices_mark(struct notices *n, uint64_t id, enum notice_state state, int64_t due)
{
	struct mark *m = mem_new(struct mark);

	*m = (struct mark){.item = {.run = mark_run, .done = mark_done},
		.notices = n,
		.id = id,
		.state = state,
		.due = due};
	group_submit(&n->group, &m->item);
}

/* ---- the job ---- */

static int purge_run(struct group_item *item, struct db *db, struct err *err)
{
	(void)item;
	return db_do(db, err, "DELETE FROM notice WHERE state <> 0 AND ended < ?",
		db_i(clock_wall_s() - (int64_t)NOTICE_KEEP_DAYS * DAY_S));
}

static void purge_done(struct group_item *item, int rc, const struct err *err)
{
	if (rc < 0)
		log_error(&log_ctx, "purge", log_e(err));
	free(item);
}

static void purge_sometimes(struct notices *n)
{
	struct group_item *item;

	if (clock_wall_s() < n->purge_s)
		return;
	n->purge_s = clock_wall_s() + PURGE_S;
	item = mem_new(struct group_item);
	*item = (struct group_item){.run = purge_run, .done = purge_done};
	group_submit(&n->group, item);
}

/* One sending, or the batch itself, has ended. */
void notices_finish(struct notices *n)
{
	bool is_last;

	pthread_mutex_lock(&n->lock);
	is_last = --n->running == 0;
	pthread_mutex_unlock(&n->lock);
	if (is_last)
		notices_arm(n, n->was_any ? PAUSE_MS : LOOK_MS);
}

static void tick(struct pool_job *job)
{
	struct notices *n = (struct notices *)((char *)job - offsetof(struct notices, timer.job));
	struct sending list[NOTICE_RATE];
	struct arena arena AUTO(arena_done);
	struct err err;
	size_t count = 0;
	bool is_busy;

	arena_init(&arena, BATCH_BYTES);
	pthread_mutex_lock(&n->lock);
	n->timer_due_ms = 0;
	is_busy = n->running > 0; /* who ends last looks again */
	if (!is_busy)
		n->running = 1;
	pthread_mutex_unlock(&n->lock);
	if (is_busy)
		return;
	pthread_mutex_lock(&n->reader_lock);
	if (read_batch(n, &arena, list, &count, &err) < 0)
		log_error(&log_ctx, "batch", log_e(&err));
	pthread_mutex_unlock(&n->reader_lock);
	n->was_any = count > 0;
	pthread_mutex_lock(&n->lock);
	n->running += count;
	pthread_mutex_unlock(&n->lock);
	for (size_t i = 0; i < count; i++)
		sending_start(n, &list[i]);
	purge_sometimes(n);
	notices_finish(n);
}

/* ---- life ---- */

static int keep_config(struct notices *n, const struct notice_config *from, struct err *err)
{
	struct service *s = n->service;
	struct notice_config *to = &n->config;
	struct buf made AUTO(buf_done);

	buf_init(&made, 4096);
	buf_printf(&made, "postmaster@%.*s", SLICE_ARG(s->host_name));
	to->address = arena_dup(&n->arena, from->address.len ? from->address : buf_slice(&made));
	to->operator_address = from->operator_address.len
				       ? arena_dup(&n->arena, from->operator_address)
				       : to->address;
	to->name = arena_dup(&n->arena, from->name);
	to->language = arena_dup(&n->arena, from->language);
	to->home = arena_dup(&n->arena, from->home);
	buf_clear(&made);
	buf_printf(&made, "%.*s/help/", SLICE_ARG(to->home));
	to->help = arena_dup(&n->arena, from->help.len ? from->help : buf_slice(&made));
	return to->help.ptr ? 0 : err_set(err, ERR_TOOBIG, "the service's settings are too long");
}

int notice_open(struct service *service, const struct notice_config *config, struct err *err)
{
	const struct db_config file = {
		.path = "notice.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB};
	struct notices *n = mem_new(struct notices);
	int rc;

	n->service = service;
	n->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	arena_init(&n->arena, 16 << 10);
	pthread_mutex_init(&n->lock, NULL);
	pthread_mutex_init(&n->reader_lock, NULL);
	service->notices = n;
	rc = keep_config(n, config, err);
	if (rc == 0)
		rc = db_open(&file, &n->db, err);
	if (rc == 0)
		rc = db_migrate(n->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc == 0)
		rc = db_open(
			&(struct db_config){.path = "notice.db", .cache_kib = DB_CACHE_SMALL_KIB},
			&n->reader, err);
	group_init(&n->group, n->db, service->pool);
	if (rc == 0)
		notices_arm(n, 0);
	else
		notice_close(service);
	return rc;
}

void notice_close(struct service *service)
{
	struct notices *n = service->notices;

	service->notices = NULL;
	if (!n)
		return;
	group_done(&n->group);
	db_close(&n->reader);
	db_close(&n->db);
	pthread_mutex_destroy(&n->reader_lock);
	pthread_mutex_destroy(&n->lock);
	arena_done(&n->arena);
	free(n);
}

struct slice notice_help(const struct service *service)
{
	return service->notices->config.help;
}

int notice_status(struct service *service, struct notice_status *out, struct err *err)
{
	struct notices *n = service->notices;
	int64_t waiting = 0, sent = 0;
	int rc;

	if (!n)
		return err_set(err, ERR_NOTFOUND, "notices are not open");
	pthread_mutex_lock(&n->reader_lock);
	rc = db_get_int(n->reader, &waiting, err, "SELECT count(*) FROM notice WHERE state = 0");
	if (rc == 0)
		rc = db_get_int(n->reader, &sent, err,
			"SELECT count(*) FROM notice WHERE state = 1 AND ended > ?",
			db_i(clock_wall_s() - DAY_S));
	pthread_mutex_unlock(&n->reader_lock);
	if (rc == 0)
		*out = (struct notice_status){(uint64_t)waiting, (uint64_t)sent};
	return rc;
}
