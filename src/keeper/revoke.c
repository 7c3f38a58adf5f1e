/* revoke.c - see revoke.h for the contract. */
#include "keeper/revoke.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/credentials.h"

enum { SUBSCRIBERS_MAX = 64, KEPT_S = 7 * 86400 };

/* One telling, until all have heard it. */
struct telling {
	uint64_t id;
	int64_t deadline_ms;
	const struct peer *waits_for[SUBSCRIBERS_MAX];
	size_t n;
	struct crew_job *then;
	struct telling *next;
};

struct revoker {
	struct secrets *secrets;
	pthread_mutex_t lock; /* guards all below */
	struct caller subscribers[SUBSCRIBERS_MAX];
	size_t n;
	struct telling *tellings;
	uint64_t last_id;
};

int revoker_new(struct secrets *secrets, struct revoker **out, struct err *err)
{
	struct revoker *r = mem_new(struct revoker);

	(void)err;
	r->secrets = secrets;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return 0;
}

void revoker_free(struct revoker **revoker)
{
	if (!*revoker)
		return;
	pthread_mutex_destroy(&(*revoker)->lock);
	free(*revoker);
	*revoker = NULL;
}

int revoke_note(struct db *change, const struct frame_session *what, struct err *err)
{
	const bool is_whole = what->credential == 0 && (what->scopes & SCOPE_ALL) == SCOPE_ALL;
	const int64_t seq = (int64_t)what->seq;
	int rc = db_do(change, err,
		"INSERT INTO revocation (seq, account, credential, scopes, at_s)"
		" VALUES (?, ?, ?, ?, ?)",
		db_i(seq), db_i((int64_t)what->account), db_i((int64_t)what->credential),
		db_i((int64_t)what->scopes), db_i(clock_wall_s()));

	if (rc == 0 && is_whole && what->account)
		rc = db_do(change, err, "UPDATE account SET revoked = ? WHERE id = ?", db_i(seq),
			db_i((int64_t)what->account));
	else if (rc == 0 && is_whole)
		rc = db_do(change, err, "UPDATE counter SET revoked = ?", db_i(seq));
	return rc;
}

int revoke_purge(struct db *change, struct err *err)
{
	return db_do(change, err, "DELETE FROM revocation WHERE at_s < ?",
		db_i(clock_wall_s() - KEPT_S));
}

/* ---- telling ---- */

static void put_revoked(
	struct buf *out, uint64_t telling, const struct frame_session *list, size_t n)
{
	const size_t begin = frame_begin(out, 0, FRAME_REVOKED);
	unsigned char *packed = mem_zalloc_array(n, FRAME_SESSION_LEN);

	for (size_t i = 0; i < n; i++)
		frame_put_session(packed + i * FRAME_SESSION_LEN, &list[i]);
	frame_put_u64(out, telling);
	frame_put(out, (struct slice){(const char *)packed, n * FRAME_SESSION_LEN});
	frame_finish(out, begin);
	free(packed);
}

static void run_all(struct telling *list)
{
	struct telling *t;

	while ((t = list)) {
		list = t->next;
		t->then->run(t->then, false);
		free(t);
	}
}

/* Takes out those that wait for nobody. The caller holds the lock. */
static struct telling *take_heard(struct revoker *r)
{
	struct telling *heard = NULL, **last = &heard;

	for (struct telling **at = &r->tellings; *at;) {
		struct telling *t = *at;

		if (t->n) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		t->next = NULL;
		*last = t;
		last = &t->next;
	}
	return heard;
}

static void strike(struct telling *t, const struct peer *peer)
{
	for (size_t i = 0; i < t->n;) {
		if (t->waits_for[i] == peer)
			t->waits_for[i] = t->waits_for[--t->n];
		else
			i++;
	}
}

void revoke_tell(
	struct revoker *r, const struct frame_session *list, size_t n, struct crew_job *then)
{
	struct telling *t = mem_new(struct telling), *heard;
	struct buf out AUTO(buf_done);

	buf_init(&out, FRAME_ANSWER_MAX);
	t->then = then;
	t->deadline_ms = clock_mono_ms() + REVOKE_DEADLINE_MS;
	for (size_t i = 0; i < n; i++)
		secrets_publish(r->secrets, list[i].seq);
	pthread_mutex_lock(&r->lock);
	t->id = ++r->last_id;
	t->next = r->tellings;
	r->tellings = t;
	put_revoked(&out, t->id, list, n);
	for (size_t i = 0; i < r->n && n; i++) {
		t->waits_for[t->n++] = r->subscribers[i].peer;
		caller_send(r->subscribers[i], buf_slice(&out));
	}
	heard = take_heard(r);
	pthread_mutex_unlock(&r->lock);
	run_all(heard);
}

void revoker_closed(struct revoker *r, struct caller caller, uint64_t telling)
{
	struct telling *heard;

	pthread_mutex_lock(&r->lock);
	for (struct telling *t = r->tellings; t; t = t->next) {
		if (t->id == telling)
			strike(t, caller.peer);
	}
	heard = take_heard(r);
	pthread_mutex_unlock(&r->lock);
	caller_drop(caller);
	run_all(heard);
}

void revoker_gone(struct revoker *r, const struct peer *peer)
{
	struct telling *heard;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->n;) {
		if (r->subscribers[i].peer != peer) {
			i++;
			continue;
		}
		caller_drop(r->subscribers[i]);
		r->subscribers[i] = r->subscribers[--r->n];
	}
	for (struct telling *t = r->tellings; t; t = t->next)
		strike(t, peer);
	heard = take_heard(r);
	pthread_mutex_unlock(&r->lock);
	run_all(heard);
}

void revoker_tick(struct revoker *r)
{
	const int64_t now = clock_mono_ms();

	pthread_mutex_lock(&r->lock);
	for (const struct telling *t = r->tellings; t; t = t->next) {
		for (size_t i = 0; i < r->n && now >= t->deadline_ms; i++) {
			for (size_t k = 0; k < t->n; k++) {
				if (t->waits_for[k] != r->subscribers[i].peer)
					continue;
				log_error(NULL, "server_does_not_close_sessions");
				caller_cut(r->subscribers[i]);
			}
		}
	}
	pthread_mutex_unlock(&r->lock);
}

void task_revoke(struct task *t, const struct frame_session *list, size_t n)
{
	t->run = task_reply;
	revoke_tell(t->desk->revoker, list, n, &t->job);
}

/* ---- servers that come and come back ---- */

void revoker_subscribe(struct revoker *r, struct caller caller)
{
	bool has_room;

	pthread_mutex_lock(&r->lock);
	has_room = r->n < SUBSCRIBERS_MAX;
	if (has_room)
		r->subscribers[r->n++] = caller;
	pthread_mutex_unlock(&r->lock);
	if (has_room)
		return;
	log_error(NULL, "too_many_servers");
	caller_cut(caller);
	caller_drop(caller);
}

/* The next so many revocations after *seq, whole changes only; how many. */
static int read_log(struct secrets *secrets, uint64_t after, struct frame_session *list, size_t *n,
	struct err *err)
{
	struct db *db = secrets_read(secrets);
	struct db_stmt *row;
	int rc = db_query(db, &row, err,
		"SELECT account, seq, credential, scopes FROM revocation WHERE seq > ?"
		" ORDER BY seq LIMIT ?",
		db_i((int64_t)after), db_i(REVOKE_MAX));

	for (*n = 0; rc == 0 && (rc = db_step(row, err)) > 0; rc = 0)
		list[(*n)++] =
			(struct frame_session){(uint64_t)db_int(row, 0), (uint64_t)db_int(row, 1),
				(uint64_t)db_int(row, 2), (uint64_t)db_int(row, 3)};
	secrets_read_end(secrets);
	return rc;
}

/* Those of one change have one number and are at most half of a telling, so that going on after the
 * last number but one misses none and comes to an end. */
static uint64_t go_on_after(const struct frame_session *list, size_t n)
{
	const uint64_t last = list[n - 1].seq;

	while (n && list[n - 1].seq == last)
		n--;
	return n ? list[n - 1].seq : last;
}

void revoker_replay(struct task *t)
{
	struct frame_session *list = mem_zalloc_array(REVOKE_MAX, sizeof(*list));
	uint64_t after = t->f[0].n;
	const uint64_t seq = secrets_seq(t->desk->secrets);
	size_t n = REVOKE_MAX;
	struct err err;
	int rc = 0;

	while (rc == 0 && n == REVOKE_MAX) {
		struct buf out AUTO(buf_done);

		buf_init(&out, FRAME_ANSWER_MAX);
		rc = read_log(t->desk->secrets, after, list, &n, &err);
		if (rc < 0 || n == 0)
			break;
		after = n == REVOKE_MAX ? go_on_after(list, n) : list[n - 1].seq;
		put_revoked(&out, 0, list, n);
		caller_send(t->caller, buf_slice(&out));
	}
	free(list);
	task_put_u64(t, seq);
	task_end(t, rc, &err);
}

/* 1: a login that came in so may still be there. */
static int is_current(struct db *db, const struct frame_session *s, struct err *err)
{
	int64_t found = 0;
	int rc = db_get_int(db, &found, err,
		"SELECT count(*) FROM account a, counter c WHERE a.id = ?1 AND a.revoked <= ?2"
		" AND c.revoked <= ?2 AND a.scopes & ?3 = ?3 AND (?4 = 0"
		" OR EXISTS (SELECT 1 FROM token WHERE token.id = ?4 AND token.account = ?1)"
		" OR EXISTS (SELECT 1 FROM app WHERE app.id = ?4 AND app.account = ?1)"
		" OR EXISTS (SELECT 1 FROM web WHERE web.id = ?4 AND web.account = ?1)"
		" OR EXISTS (SELECT 1 FROM token t WHERE t.id = ?4 AND t.account = ?1))",
		db_i((int64_t)s->account), db_i((int64_t)s->seq), db_i((int64_t)s->scopes),
		db_i((int64_t)s->credential));

	return rc < 0 ? rc : found > 0;
}

void revoker_live(struct task *t)
{
	struct db *db = secrets_read(t->desk->secrets);
	struct slice rest = t->f[0].s;
	struct buf gone AUTO(buf_done);
	struct frame_session s;
	struct err err;
	int rc = 1;

	buf_init(&gone, FRAME_DATA_MAX);
	while (rc >= 0 && frame_take_session(&rest, &s)) {
		unsigned char packed[FRAME_SESSION_LEN];

		rc = is_current(db, &s, &err);
		if (rc != 0)
			continue;
		s.seq++; /* a revocation ends what is lower */
		frame_put_session(packed, &s);
		buf_append(&gone, (struct slice){(const char *)packed, sizeof(packed)});
	}
	secrets_read_end(t->desk->secrets);
	task_put(t, buf_slice(&gone));
	task_end(t, rc < 0 ? rc : 0, &err);
}
