/* reports.c - see report.h for the contract: the table, the job, life. */
#include <stdlib.h>

#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "report/internal.h"

enum {
	TICK_MS = 5000,
	NEXT_MS = 100, /* between two reports */
	HOUR_S = 3600,
	SENT_DAYS = 30, /* what was sent is remembered */
	WAIT_DAYS = 14, /* what was never sent */
	ARENA_BYTES = 16 << 10,
};

const struct log_ctx report_log = {.service = "report"};

/* sending: a domain's period; seen: its rows. got: a report about a domain of ours; source: its
 * rows. Rows of TLS keep host, result, sending address and reason in name, result, about, note. */
static const struct db_migration schema[] = {
	{"CREATE TABLE sending (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
	 " domain TEXT NOT NULL, home TEXT NOT NULL, begin INTEGER NOT NULL,"
	 " until INTEGER NOT NULL, due INTEGER NOT NULL, policy TEXT NOT NULL, rua TEXT NOT NULL,"
	 " rows INTEGER NOT NULL, beyond INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	 " state INTEGER NOT NULL, UNIQUE (domain, begin, kind));"
	 "CREATE INDEX sending_due ON sending (due) WHERE state = 0;"
	 "CREATE INDEX sending_kind ON sending (kind, home) WHERE state = 0;"
	 "CREATE TABLE seen (of INTEGER NOT NULL, what BLOB NOT NULL, n INTEGER NOT NULL,"
	 " PRIMARY KEY (of, what)) WITHOUT ROWID;"
	 "CREATE TABLE got (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, domain TEXT NOT NULL,"
	 " about TEXT NOT NULL, org TEXT NOT NULL, report TEXT NOT NULL, via TEXT NOT NULL,"
	 " begin INTEGER NOT NULL, until INTEGER NOT NULL, at INTEGER NOT NULL,"
	 " good INTEGER NOT NULL, failed INTEGER NOT NULL,"
	 " UNIQUE (domain, kind, org, report, about));"
	 "CREATE INDEX got_until ON got (domain, until);"
	 "CREATE INDEX got_at ON got (at);"
	 "CREATE TABLE source (of INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
	 " n INTEGER NOT NULL, result TEXT NOT NULL, is_good INTEGER NOT NULL,"
	 " about TEXT NOT NULL, signed TEXT NOT NULL, envelope TEXT NOT NULL, note TEXT NOT NULL,"
	 " PRIMARY KEY (of, number)) WITHOUT ROWID"},
	/* told: of single messages, by others; what: a hash, so that it is kept once. */
	{"CREATE TABLE told (id INTEGER PRIMARY KEY, is_failure INTEGER NOT NULL,"
	 " domain TEXT NOT NULL, via TEXT NOT NULL, at INTEGER NOT NULL,"
	 " what BLOB NOT NULL UNIQUE, type TEXT NOT NULL, source TEXT NOT NULL,"
	 " author TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,"
	 " message TEXT NOT NULL, subject TEXT NOT NULL, result TEXT NOT NULL,"
	 " failure TEXT NOT NULL, alignment TEXT NOT NULL, incidents INTEGER NOT NULL,"
	 " proof INTEGER NOT NULL, account INTEGER NOT NULL, address TEXT NOT NULL,"
	 " is_trusted INTEGER NOT NULL, is_counted INTEGER NOT NULL);"
	 "CREATE INDEX told_domain ON told (domain, at);"
	 "CREATE INDEX told_at ON told (at);"
	 "CREATE INDEX told_account ON told (account, at) WHERE is_counted = 1;"
	 /* Of failures a domain has several: what tells them apart. */
	 "CREATE TABLE sending2 (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
	 " domain TEXT NOT NULL, home TEXT NOT NULL, begin INTEGER NOT NULL,"
	 " until INTEGER NOT NULL, due INTEGER NOT NULL, policy TEXT NOT NULL, rua TEXT NOT NULL,"
	 " rows INTEGER NOT NULL, beyond INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	 " state INTEGER NOT NULL, what TEXT NOT NULL DEFAULT '',"
	 " UNIQUE (domain, begin, kind, what));"
	 "INSERT INTO sending2 SELECT id, kind, domain, home, begin, until, due, policy, rua, rows,"
	 " beyond, attempts, state, '' FROM sending;"
	 "DROP TABLE sending; ALTER TABLE sending2 RENAME TO sending;"
	 "CREATE INDEX sending_due ON sending (due) WHERE state = 0;"
	 "CREATE INDEX sending_kind ON sending (kind, home) WHERE state = 0;"
	 "CREATE INDEX sending_day ON sending (begin, home) WHERE kind = 2;"
	 /* To whom each went; number: the message's, in its history. */
	 "CREATE TABLE dispatch (of INTEGER NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL,"
	 " number INTEGER NOT NULL, outcome INTEGER NOT NULL, reply TEXT NOT NULL,"
	 " due INTEGER NOT NULL, looks INTEGER NOT NULL, PRIMARY KEY (of, target)) WITHOUT ROWID;"
	 "CREATE INDEX dispatch_due ON dispatch (due) WHERE outcome = 0"},
};

int reports_have_room(struct db *db, bool *has_room_out, struct err *err)
{
	int64_t pages;
	const int rc = db_get_int(db, &pages, err,
		"SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count");

	if (rc == 0)
		*has_room_out = pages < REPORT_PAGES_MAX;
	return rc;
}

/* ---- what is too old ---- */

static int purge_rows(struct db *db, const struct reports *r, int64_t now, struct err *err)
{
	const int64_t kept_s = now - (int64_t)r->config.keep_days * DAY_S;
	int rc = db_do(db, err,
		"DELETE FROM seen WHERE of IN (SELECT id FROM sending WHERE state <> 0 OR until < "
		"?)",
		db_i(now - (int64_t)WAIT_DAYS * DAY_S));

	if (rc == 0)
		rc = db_do(db, err,
			"DELETE FROM sending WHERE until < ? OR (state = 0 AND until < ?)",
			db_i(now - (int64_t)SENT_DAYS * DAY_S),
			db_i(now - (int64_t)WAIT_DAYS * DAY_S));
	if (rc == 0)
		rc = db_do(
			db, err, "DELETE FROM dispatch WHERE of NOT IN (SELECT id FROM sending)");
	if (rc == 0)
		rc = db_do(db, err,
			"DELETE FROM source WHERE of IN (SELECT id FROM got WHERE at < ?)",
			db_i(kept_s));
	if (rc == 0)
		rc = db_do(db, err, "DELETE FROM told WHERE at < ?", db_i(kept_s));
	return rc < 0 ? rc : db_do(db, err, "DELETE FROM got WHERE at < ?", db_i(kept_s));
}

static void purge(struct reports *r)
{
	const int64_t now = clock_wall_s();
	struct db *db;
	struct err err;
	int rc;

	if (now < r->purge_s)
		return;
	r->purge_s = now + HOUR_S;
	db = later_lock(&r->later);
	rc = db_begin(db, &err);
	if (rc == 0)
		rc = purge_rows(db, r, now, &err);
	if (rc == 0)
		rc = db_commit(db, &err);
	else
		db_rollback(db);
	later_unlock(&r->later);
	if (rc < 0)
		log_error(&report_log, "purge", log_e(&err));
}

/* ---- the job: one step after the other ---- */

/* Questions that were asked of the courier are answered once more when the pool has gone. */
static void set_timer(struct reports *r, int64_t delay_ms)
{
	if (!reports_are_closing(r))
		pool_timer_set(r->service->pool, &r->timer, clock_mono_ms() + delay_ms);
}

static void on_settled(struct reports *r, bool was_any)
{
	set_timer(r, was_any ? NEXT_MS : TICK_MS);
}

static void on_sent(struct reports *r, bool was_any)
{
	if (was_any)
		set_timer(r, NEXT_MS);
	else if (!reports_are_closing(r))
		settle_next(r, on_settled);
}

static void on_fetched(struct reports *r)
{
	if (!reports_are_closing(r))
		send_next(r, on_sent);
}

static void on_chosen(struct reports *r)
{
	const int64_t now = clock_wall_s();

	if (!r->config.is_sent || now < r->tls_s) {
		on_fetched(r);
	} else if (!reports_are_closing(r)) {
		r->tls_s = now + HOUR_S;
		tls_fetch(r, on_fetched);
	}
}

static void tick(struct pool_job *job)
{
	struct reports *r = (struct reports *)((char *)job - offsetof(struct reports, timer.job));

	purge(r);
	from_choose(r, on_chosen);
}

/* ---- the courier ---- */

void reports_wish(
	struct reports *r, json_t *wish, int64_t wait_ms, ask_done_fn *done, void *context)
{
	char *text = wish ? json_dumps(wish, JSON_COMPACT) : NULL;
	struct buf frame;

	json_decref(wish);
	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 0, ASK_QUEUE);
	frame_put(&frame, slice_str(text ? text : "{}"));
	free(text);
	ask_call(r->service->ask, &frame, -1, wait_ms, done, context);
}

/* ---- life ---- */

static int keep_config(struct reports *r, const struct report_config *from, struct err *err)
{
	struct report_config *to = &r->config;

	*to = *from;
	to->from = arena_dup(&r->arena, from->from);
	to->service_address = arena_dup(&r->arena, from->service_address);
	to->organisation = arena_dup(
		&r->arena, from->organisation.len ? from->organisation : r->service->host_name);
	to->contact = arena_dup(&r->arena, from->contact);
	to->trusted = arena_dup(&r->arena, from->trusted);
	return to->trusted.ptr ? 0
			       : err_set(err, ERR_TOOBIG, "the settings of reports are too long");
}

int report_open(struct service *service, const struct report_config *config, struct err *err)
{
	const struct later_config later = {
		.file = {.path = "report.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB},
		.schema = schema,
		.schema_n = sizeof(schema) / sizeof(schema[0]),
		.name = "report",
		.pool = service->pool,
		.max = REPORT_WAITING_MAX,
		.write = record_write,
	};
	struct reports *r = mem_new(struct reports);
	int rc;

	feedback_init();
	r->service = service;
	r->timer = (struct pool_timer){.job = {.run = tick}, .class = POOL_BULK};
	arena_init(&r->arena, ARENA_BYTES);
	rc = keep_config(r, config, err);
	if (rc == 0)
		rc = later_open(&r->later, &later, err);
	if (rc < 0) {
		arena_done(&r->arena);
		free(r);
		return rc;
	}
	from_open(r);
	service->reports = r;
	return 0;
}

void report_start(struct service *service)
{
	set_timer(service->reports, TICK_MS);
}

void report_close(struct service *service)
{
	struct reports *r = service->reports;

	service->reports = NULL;
	if (!r)
		return;
	later_close(&r->later);
	from_close(r);
	arena_done(&r->arena);
	free(r);
}
