/* sts.c - see sts.h for the contract. */
#include "courier/sts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/fetch.h"
#include "courier/process.h"
#include "db/db.h"

enum {
	HTTPS_PORT = 443,
	ROW_ARENA = 128 << 10, /* a policy's text and what is said of it */
	TICK_MS = 2000,        /* the wall clock may be set; nobody tells us */
	HOUR_S = 3600,
	CHECKPOINT_BYTES = 4 << 20,
};

struct sts {
	struct courier *courier;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t fetched;
	struct db *db;
	struct slice fetching[STS_FETCHES_MAX]; /* domains; the bytes are their threads' */
	size_t fetching_n;
};

/* What is known of a domain. Without a policy text is empty and expires_s 0. */
struct row {
	struct slice domain, id, text, tried_id, reason;
	int64_t fetched_s, expires_s, tried_s, used_s;
	enum tls_result trouble;
};

/* `again`: when it is looked at next, to be fetched again or forgotten. */
static const struct db_migration schema[] = {
	{"CREATE TABLE policy (domain TEXT PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL,"
	 " fetched INTEGER NOT NULL, expires INTEGER NOT NULL, tried INTEGER NOT NULL,"
	 " tried_id TEXT NOT NULL, used INTEGER NOT NULL, again INTEGER NOT NULL,"
	 " trouble INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;"
	 "CREATE INDEX policy_again ON policy (again)"},
};

/* ---- rows; the caller holds the lock ---- */

static int read_row(
	struct sts *sts, struct slice domain, struct arena *arena, struct row *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc = db_query(sts->db, &row, err,
		"SELECT id, text, fetched, expires, tried, tried_id, used, trouble, reason"
		" FROM policy WHERE domain = ?",
		db_t(domain));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc < 0)
		return rc;
	*out = (struct row){.domain = domain};
	if (rc == 0)
		return 0;
	out->id = arena_dup(arena, db_text(row, 0));
	out->text = arena_dup(arena, db_text(row, 1));
	out->fetched_s = db_int(row, 2);
	out->expires_s = out->text.len ? db_int(row, 3) : 0;
	out->tried_s = db_int(row, 4);
	out->tried_id = arena_dup(arena, db_text(row, 5));
	out->used_s = db_int(row, 6);
	out->trouble = (enum tls_result)(db_int(row, 7) % TLS_RESULTS_N);
	out->reason = arena_dup(arena, db_text(row, 8));
	return 0;
}

static void put_row(struct sts *sts, const struct row *r)
{
	const int64_t half_s = (r->expires_s - r->tried_s) / 2;
	int64_t again_s = r->tried_s + STS_FRESH_S;
	struct err err;
	int rc;

	if (r->text.len && r->trouble != TLS_RESULT_GOOD)
		again_s = r->tried_s + HOUR_S;
	if (r->text.len && half_s < again_s - r->tried_s)
		again_s = r->tried_s + (half_s > STS_RETRY_S ? half_s : STS_RETRY_S);
	rc = db_do(sts->db, &err,
		"INSERT OR REPLACE INTO policy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		db_t(r->domain), db_t(r->id), db_t(r->text), db_i(r->fetched_s), db_i(r->expires_s),
		db_i(r->tried_s), db_t(r->tried_id), db_i(r->used_s), db_i(again_s),
		db_i(r->trouble), db_t(r->reason));
	if (rc == 0 && db_wal_bytes(sts->db) > CHECKPOINT_BYTES)
		rc = db_checkpoint(sts->db, &err);
	if (rc < 0)
		log_error(NULL, "sts", log_e(&err));
}

/* Whose mail goes out is remembered by the day. */
static void note_use(struct sts *sts, const struct row *r, int64_t now_s)
{
	struct err err;

	if (r->text.len && r->used_s < now_s - STS_FRESH_S &&
		db_do(sts->db, &err, "UPDATE policy SET used = ? WHERE domain = ?", db_i(now_s),
			db_t(r->domain)) < 0)
		log_error(NULL, "sts", log_e(&err));
}

/* ---- fetching ---- */

static int failed(struct row *r, enum tls_result trouble, struct arena *arena, struct err *err)
{
	r->trouble = trouble;
	r->reason = arena_dup(arena, slice_str(err->msg));
	return -(int)err->code;
}

static bool is_text_plain(const struct fetch_reply *reply)
{
	struct slice rest;
	const struct slice type = fetch_header(reply, "Content-Type");

	return slice_eq_nocase(slice_trim(slice_cut(type, ';', &rest)), slice_lit("text/plain"));
}

static int get(struct sts *sts, struct slice domain, struct fetch_reply *reply, struct err *err)
{
	const unsigned port = (unsigned)sts->courier->settings->courier_sts_port;
	struct fetch_request request = {
		.method = "GET", .body_max = STS_TEXT_MAX, .timeout_ms = STS_WAIT_MS};
	struct buf url AUTO(buf_done);

	buf_init(&url, FETCH_URL_MAX);
	buf_printf(&url, "https://mta-sts.%.*s", SLICE_ARG(domain));
	if (port != HTTPS_PORT)
		buf_printf(&url, ":%u", port);
	buf_lit(&url, "/.well-known/mta-sts.txt");
	request.url = buf_slice(&url);
	return courier_fetch(sts->courier, &request, reply, err);
}

static enum tls_result trouble_of(int rc)
{
	switch (rc) {
	case -ERR_DENIED:
		return TLS_RESULT_STS_WEBPKI;
	case -ERR_TOOBIG:
		return TLS_RESULT_STS_INVALID;
	default:
		return TLS_RESULT_STS_FETCH;
	}
}

/* The row says afterwards what came of it; without the lock. */
static int fetch_policy(struct sts *sts, struct row *r, struct arena *arena, struct err *err)
{
	struct fetch_reply reply AUTO(fetch_reply_done);
	struct sts_policy policy;
	int rc;

	fetch_reply_init(&reply);
	r->tried_s = clock_wall_s();
	rc = get(sts, r->domain, &reply, err);
	if (rc < 0)
		return failed(r, trouble_of(rc), arena, err);
	if (reply.status != 200) {
		err_set(err, ERR_NOTFOUND, "the policy's server answers %u", reply.status);
		return failed(r, TLS_RESULT_STS_FETCH, arena, err);
	}
	rc = is_text_plain(&reply)
		     ? sts_policy_parse(buf_slice(&reply.body), &policy, err)
		     : err_set(err, ERR_SYNTAX, "the policy is not of type text/plain");
	if (rc < 0)
		return failed(r, TLS_RESULT_STS_INVALID, arena, err);
	r->text = arena_dup(arena, buf_slice(&reply.body));
	r->id = r->tried_id;
	r->fetched_s = r->tried_s;
	r->expires_s = r->tried_s + policy.max_age_s;
	r->trouble = TLS_RESULT_GOOD;
	r->reason = (struct slice){0};
	return 0;
}

/* The caller holds the lock, which is given up meanwhile. */
static void fetch_row(struct sts *sts, struct row *r, struct arena *arena)
{
	struct err err;
	int rc;

	sts->fetching[sts->fetching_n++] = r->domain;
	pthread_mutex_unlock(&sts->lock);
	rc = fetch_policy(sts, r, arena, &err);
	if (rc < 0)
		log_info(NULL, "sts-fetch", log_s("domain", r->domain), log_e(&err));
	pthread_mutex_lock(&sts->lock);
	for (size_t i = 0; i < sts->fetching_n; i++) {
		if (slice_eq(sts->fetching[i], r->domain)) {
			sts->fetching[i] = sts->fetching[--sts->fetching_n];
			break;
		}
	}
	put_row(sts, r);
	pthread_cond_broadcast(&sts->fetched);
}

static bool is_being_fetched(const struct sts *sts, struct slice domain)
{
	bool is = sts->fetching_n == STS_FETCHES_MAX;

	for (size_t i = 0; i < sts->fetching_n && !is; i++)
		is = slice_eq(sts->fetching[i], domain);
	return is;
}

/* ---- finding ---- */

static bool must_fetch(const struct row *r, struct slice id, int64_t now_s)
{
	if (!id.len || (r->expires_s > now_s && slice_eq(r->id, id)))
		return false;
	return !slice_eq(r->tried_id, id) || r->tried_s > now_s || r->tried_s < now_s - STS_RETRY_S;
}

static void tell_found(const struct row *r, struct arena *arena, struct sts_found *out)
{
	struct err err;

	*out = (struct sts_found){.trouble = r->trouble, .reason = r->reason};
	if (r->expires_s <= clock_wall_s() || sts_policy_parse(r->text, &out->policy, &err) < 0)
		return;
	out->is_any = true;
	out->text = r->text;
	out->id = arena_dup(arena, r->id);
	out->fetched_s = r->fetched_s;
	out->expires_s = r->expires_s;
}

void sts_find(struct sts *sts, struct slice domain, struct slice id, struct arena *arena,
	struct sts_found *out)
{
	struct row row = {.domain = domain};
	struct err err;
	int rc;

	pthread_mutex_lock(&sts->lock);
	while ((rc = read_row(sts, domain, arena, &row, &err)) == 0 &&
		must_fetch(&row, id, clock_wall_s()) && is_being_fetched(sts, domain))
		pthread_cond_wait(&sts->fetched, &sts->lock);
	if (rc < 0)
		log_error(NULL, "sts", log_e(&err));
	if (rc == 0 && must_fetch(&row, id, clock_wall_s()) && sts_is_host(domain)) {
		row.tried_id = id;
		row.used_s = clock_wall_s();
		fetch_row(sts, &row, arena);
	}
	note_use(sts, &row, clock_wall_s());
	pthread_mutex_unlock(&sts->lock);
	/* Whether there was trouble is of interest where a record promises a policy. */
	if (!id.len)
		row.trouble = TLS_RESULT_GOOD;
	tell_found(&row, arena, out);
}

/* ---- refreshing ---- */

/* The caller holds the lock. */
static int next_due(struct sts *sts, struct arena *arena, struct row *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	struct slice domain;
	int rc = db_query(sts->db, &row, err,
		"SELECT domain FROM policy WHERE again <= ? ORDER BY again LIMIT 1",
		db_i(clock_wall_s()));

	if (rc == 0)
		rc = db_step(row, err);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, ERR_NOTFOUND, "nothing is due");
	domain = arena_dup(arena, db_text(row, 0));
	return read_row(sts, domain, arena, out, err);
}

/* False: nothing is due. */
static bool refresh_one(struct sts *sts)
{
	const int64_t now_s = clock_wall_s();
	struct arena arena AUTO(arena_done);
	struct err err;
	struct row row;
	int rc;

	arena_init(&arena, ROW_ARENA);
	pthread_mutex_lock(&sts->lock);
	rc = next_due(sts, &arena, &row, &err);
	if (rc == 0 && is_being_fetched(sts, row.domain)) {
		rc = err_set(&err, ERR_NOTFOUND, "others do it");
	} else if (rc == 0 && row.expires_s > now_s && row.used_s > now_s - STS_UNUSED_S) {
		row.tried_id = row.id;
		fetch_row(sts, &row, &arena);
	} else if (rc == 0 && row.expires_s > now_s) {
		rc = db_do(sts->db, &err, "UPDATE policy SET again = expires WHERE domain = ?",
			db_t(row.domain));
	} else if (rc == 0) {
		rc = db_do(sts->db, &err, "DELETE FROM policy WHERE domain = ?", db_t(row.domain));
	}
	pthread_mutex_unlock(&sts->lock);
	if (rc < 0 && rc != -ERR_NOTFOUND)
		log_error(NULL, "sts", log_e(&err));
	return rc == 0;
}

static void *refresh(void *context)
{
	struct sts *sts = context;

	while (courier_pause(sts->courier, TICK_MS)) {
		while (!atomic_load(&sts->courier->must_stop) && refresh_one(sts))
			;
	}
	return NULL;
}

/* ---- life ---- */

int sts_open(struct courier *courier, struct sts **out, struct err *err)
{
	struct sts *sts AUTO(sts_close) = mem_new(struct sts);
	int rc;

	sts->courier = courier;
	pthread_mutex_init(&sts->lock, NULL);
	pthread_cond_init(&sts->fetched, NULL);
	rc = db_open(
		&(struct db_config){
			.path = "sts.db", .may_create = true, .cache_kib = DB_CACHE_SMALL_KIB},
		&sts->db, err);
	if (rc == 0)
		rc = db_migrate(sts->db, schema, sizeof(schema) / sizeof(schema[0]), err);
	if (rc < 0)
		return rc;
	*out = sts;
	sts = NULL;
	return 0;
}

void sts_start(struct sts *sts)
{
	sts->has_thread = pthread_create(&sts->thread, NULL, refresh, sts) == 0;
	if (!sts->has_thread)
		log_error(NULL, "sts-thread");
}

void sts_close(struct sts **sts)
{
	struct sts *s = *sts;

	*sts = NULL;
	if (!s)
		return;
	if (s->has_thread)
		pthread_join(s->thread, NULL);
	db_close(&s->db);
	pthread_cond_destroy(&s->fetched);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
