/* conduct_stop.c - see conduct.h: stops, and what is said to and heard from the courier. */
#include <stdio.h>
#include <stdlib.h>

#include "ask/ask.h"
#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mail/conduct_internal.h"

enum { TELL_MS = 30000, TELL_MAX = 100, WISH_MAX = 200 };

static const struct log_ctx log_ctx = {.service = "conduct"};

int conduct_find_stop(
	struct conduct *c, uint64_t account, struct conduct_state *out, struct err *err)
{
	struct db_stmt *row = NULL;
	int rc;

	pthread_mutex_lock(&c->reader_lock);
	rc = db_query(c->reader, &row, err,
		"SELECT is_stopped, by_operator, since_s, why FROM stop WHERE account = ?",
		db_i((int64_t)account));
	if (rc == 0)
		rc = db_step(row, err);
	if (rc == 1) {
		out->is_stopped = db_int(row, 0);
		out->is_by_operator = db_int(row, 1);
		out->since_s = db_int(row, 2);
		snprintf(out->why, sizeof(out->why), "%.*s", SLICE_ARG(db_text(row, 3)));
	}
	db_stmt_auto(&row);
	pthread_mutex_unlock(&c->reader_lock);
	return rc;
}

/* Under reader_lock: the accounts that are stopped, as they are on disk now. */
static int read_stopped(struct conduct *c, struct err *err)
{
	const uint64_t stamp = db_watch_stamp(&c->watch);
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	int rc;

	if (stamp == c->stopped_stamp)
		return 0;
	c->stopped_stamp = 0;
	c->stopped_n = 0;
	rc = db_query(
		c->reader, &row, err, "SELECT account FROM stop WHERE is_stopped ORDER BY account");
	while (rc >= 0 && (rc = db_step(row, err)) == 1) {
		c->stopped = mem_realloc(c->stopped, (c->stopped_n + 1) * sizeof(*c->stopped));
		c->stopped[c->stopped_n++] = (uint64_t)db_int(row, 0);
	}
	if (rc == 0)
		c->stopped_stamp = stamp;
	return rc;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int conduct_check(struct service *service, uint64_t account, struct err *err)
{
	struct conduct *c = service->conduct;
	bool is_stopped = false;
	int rc;

	if (!c)
		return 0;
	pthread_mutex_lock(&c->reader_lock);
	rc = read_stopped(c, err);
	if (rc == 0 && c->stopped_n)
		is_stopped =
			bsearch(&account, c->stopped, c->stopped_n, sizeof(account), by_number);
	pthread_mutex_unlock(&c->reader_lock);
	if (rc < 0 || !is_stopped)
		return rc;
	return err_set(err, ERR_DENIED,
		"Sending from this account is stopped, receiving goes on%s%s",
		c->link[0] ? ": " : "", c->link);
}

/* ---- changes ---- */

/* 1: that is new. */
static int set(struct conduct *c, uint64_t account, bool is_stopped, bool is_by_operator,
	const char *why, struct err *err)
{
	int rc;

	pthread_mutex_lock(&c->db_lock);
	rc = db_do(c->db, err,
		"INSERT INTO stop (account, is_stopped, is_told, by_operator, since_s, why)"
		" SELECT ?1, ?2, 0, ?3, ?4, ?5 WHERE ?2 OR EXISTS (SELECT 1 FROM stop WHERE "
		"account ="
		" ?1) ON CONFLICT (account) DO UPDATE SET is_stopped = ?2, is_told = 0,"
		" by_operator = ?3, since_s = ?4, why = ?5 WHERE is_stopped <> ?2",
		db_i((int64_t)account), db_i(is_stopped), db_i(is_by_operator),
		db_i(clock_wall_s()), db_t(slice_str(why)));
	if (rc == 0)
		rc = db_changes(c->db) > 0;
	pthread_mutex_unlock(&c->db_lock);
	return rc;
}

static void note_change(struct conduct *c, uint64_t account, const char *kind, const char *why)
{
	const struct security_event event = {.kind = slice_str(kind), .detail = slice_str(why)};

	log_warn(&log_ctx, kind, log_n("account", (int64_t)account), log_c("why", why));
	if (c->service->security_log)
		security_log_add(c->service->security_log, account, &event);
	pthread_mutex_lock(&c->lock);
	c->has_untold = true;
	conduct_arm(c, 0);
	pthread_mutex_unlock(&c->lock);
}

void conduct_judged(struct conduct *c, uint64_t account, const char *why)
{
	struct err err;
	const int rc = set(c, account, true, false, why, &err);

	if (rc < 0)
		log_error(&log_ctx, "stop", log_e(&err));
	if (rc <= 0)
		return;
	note_change(c, account, "sending-stopped", why);
	if (c->service->tell_stopped)
		c->service->tell_stopped(c->service, account, why);
}

int conduct_stop(struct service *service, uint64_t account, const char *why, struct err *err)
{
	const int rc = set(service->conduct, account, true, true, why, err);

	if (rc == 0)
		return err_set(err, ERR_EXISTS, "its sending is stopped already");
	if (rc < 0)
		return rc;
	note_change(service->conduct, account, "sending-stopped", why);
	if (service->tell_stopped)
		service->tell_stopped(service, account, why);
	return 0;
}

int conduct_allow(struct service *service, uint64_t account, struct err *err)
{
	const int rc = set(service->conduct, account, false, true, "", err);

	if (rc == 0)
		return err_set(err, ERR_NOTFOUND, "its sending is not stopped");
	if (rc < 0)
		return rc;
	conduct_forget(service->conduct, account);
	note_change(service->conduct, account, "sending-allowed", "");
	return 0;
}

/* ---- telling the courier ---- */

struct telling {
	struct conduct *conduct;
	uint64_t account;
	bool is_stopped;
};

/* It has heard; unless that changed meanwhile. What is over leaves no row. */
static void told(void *context, struct frame *f, int rc, const struct err *why)
{
	struct telling *t = context;
	struct conduct *c = t->conduct;
	struct err err;

	(void)f;
	if (rc < 0) {
		log_warn(&log_ctx, "tell", log_n("account", (int64_t)t->account), log_e(why));
	} else {
		pthread_mutex_lock(&c->db_lock);
		rc = t->is_stopped
			     ? db_do(c->db, &err,
				       "UPDATE stop SET is_told = 1 WHERE account = ? AND "
				       "is_stopped",
				       db_i((int64_t)t->account))
			     : db_do(c->db, &err,
				       "DELETE FROM stop WHERE account = ? AND NOT is_stopped",
				       db_i((int64_t)t->account));
		pthread_mutex_unlock(&c->db_lock);
		if (rc < 0)
			log_error(&log_ctx, "tell", log_e(&err));
	}
	free(t);
}

static void tell(struct conduct *c, uint64_t account, bool is_stopped)
{
	struct telling *t = mem_new(struct telling);
	char wish[WISH_MAX];
	struct buf frame;

	*t = (struct telling){c, account, is_stopped};
	snprintf(wish, sizeof(wish), "{\"do\":\"%s\",\"submitter\":%llu}",
		is_stopped ? "stop" : "allow", (unsigned long long)account);
	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 0, ASK_QUEUE);
	frame_put(&frame, slice_str(wish));
	ask_call(c->service->ask, &frame, -1, TELL_MS, told, t);
}

void conduct_tell_courier(struct conduct *c)
{
	uint64_t accounts[TELL_MAX];
	bool is_stopped[TELL_MAX];
	struct db_stmt *row = NULL;
	struct err err;
	size_t n = 0;
	int rc;

	pthread_mutex_lock(&c->db_lock);
	rc = db_query(c->db, &row, &err,
		"SELECT account, is_stopped FROM stop WHERE NOT is_told LIMIT ?", db_i(TELL_MAX));
	while (rc >= 0 && n < TELL_MAX && (rc = db_step(row, &err)) == 1) {
		accounts[n] = (uint64_t)db_int(row, 0);
		is_stopped[n++] = db_int(row, 1);
	}
	db_stmt_auto(&row);
	pthread_mutex_unlock(&c->db_lock);
	if (rc < 0)
		log_error(&log_ctx, "tell", log_e(&err));
	for (size_t i = 0; i < n; i++)
		tell(c, accounts[i], is_stopped[i]);
	pthread_mutex_lock(&c->lock);
	c->has_untold = n > 0;
	pthread_mutex_unlock(&c->lock);
}

/* ---- hearing what came of it ---- */

static void heard(void *context, struct frame *f, int rc, const struct err *err)
{
	struct conduct *c = context;

	(void)err; /* the courier is away: it will say it later */
	while (rc == 0 && f->rest.len && !f->is_bad) {
		const uint64_t account = frame_u64(f), answered = frame_u64(f);
		const uint64_t unknown = frame_u64(f), refused = frame_u64(f);

		if (!f->is_bad)
			conduct_answered(c->service, account, answered, unknown, refused);
	}
	pthread_mutex_lock(&c->lock);
	c->is_asking = false;
	pthread_mutex_unlock(&c->lock);
}

void conduct_ask_courier(struct conduct *c)
{
	struct buf frame;
	bool was_asking;

	pthread_mutex_lock(&c->lock);
	was_asking = c->is_asking;
	c->is_asking = true;
	pthread_mutex_unlock(&c->lock);
	if (was_asking)
		return;
	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 0, ASK_OUTCOMES);
	ask_call(c->service->ask, &frame, -1, TELL_MS, heard, c);
}
