/*
 * client_verify.c - passwords are checked over one connection of the pool's, many at once.
 *
 * Nobody waits here: who asked is parked and woken with the answer. A request is known by its id
 * until it is answered; those the connection has not taken yet wait in a list, and what ran out of
 * time there is dropped unsent. When the connection is lost, what was sent over it is "busy", the
 * rest waits for the next connection, and a timer makes that.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/client_internal.h"

enum {
	REQUESTS_MAX = 8192,
	SENT_MAX = 4096, /* the keeper's queues hold no more */
	RETRY_FIRST_MS = 50,
	RETRY_MAX_MS = 2000,
	FIELD_MAX = 64,
};

struct request {
	uint64_t id; /* 32 bits of it go over the wire */
	struct conn_ref who;
	uint64_t ticket;
	int64_t deadline_ms;
	struct request *next; /* in the list of the unsent */
	struct buf frame;     /* wiped when it is sent */
};

void verify_init(struct verify *v)
{
	pthread_mutex_init(&v->lock, NULL);
	v->last = &v->first;
	v->retry_ms = RETRY_FIRST_MS;
}

static void request_free(struct request *r)
{
	mem_wipe(r->frame.ptr, r->frame.cap);
	buf_done(&r->frame);
	free(r);
}

void verify_done(struct verify *v)
{
	struct request *r;

	for (size_t at = 0; (r = map_next(&v->requests, &at));)
		request_free(r);
	map_done(&v->requests);
	pthread_mutex_destroy(&v->lock);
}

/* ---- answers ---- */

static void answer_error(
	struct pool *pool, const struct request *r, enum err_code code, const char *reason)
{
	struct answer answer = {0};

	answer.rc = err_set(&answer.err, code, "%s", reason);
	pool_answer(pool, r->who, r->ticket, &answer);
}

static void answer_request(struct pool *pool, const struct request *r, struct frame *f)
{
	struct answer answer = {.free_data = free};
	struct keeper_verdict verdict;

	if (f->verb) {
		answer.rc = frame_take_error(f, &answer.err);
		/* Only what the keeper has checked is wrong; all else is no judgement. */
		if (answer.rc != -ERR_DENIED)
			answer.rc =
				err_set(&answer.err, ERR_BUSY, "the password cannot be checked");
	} else {
		verdict.account = frame_u64(f);
		verdict.epoch = frame_u64(f);
		if (frame_end(f)) {
			answer.data = mem_new(struct keeper_verdict);
			memcpy(answer.data, &verdict, sizeof(verdict));
		} else {
			answer.rc = err_set(
				&answer.err, ERR_BUSY, "the keeper's answer makes no sense");
		}
	}
	pool_answer(pool, r->who, r->ticket, &answer);
}

/* ---- the list of the unsent; the caller holds the lock ---- */

static void append_unsent(struct verify *v, struct request *r)
{
	r->next = NULL;
	*v->last = r;
	v->last = &r->next;
}

static struct request *take_unsent(struct verify *v)
{
	struct request *r = v->first;

	if (!r)
		return NULL;
	v->first = r->next;
	if (!v->first)
		v->last = &v->first;
	return r;
}

/* Whoever asked has been told by the pool when the time was up. */
static void drop_late(struct verify *v)
{
	const int64_t now = clock_mono_ms();
	struct request *r, *list = v->first;

	v->first = NULL;
	v->last = &v->first;
	while ((r = list)) {
		list = r->next;
		if (now < r->deadline_ms) {
			append_unsent(v, r);
			continue;
		}
		map_del(&v->requests, map_key_u64(&r->id));
		request_free(r);
	}
}

/* ---- the connection ---- */

static void send_unsent(struct verify *v, struct conn *c)
{
	struct request *r;

	pthread_mutex_lock(&v->lock);
	drop_late(v);
	while (v->sent < SENT_MAX && (r = take_unsent(v))) {
		buf_append(conn_out(c), buf_slice(&r->frame));
		mem_wipe(r->frame.ptr, r->frame.cap);
		buf_done(&r->frame);
		v->sent++;
	}
	pthread_mutex_unlock(&v->lock);
}

static void on_greet(struct conn *c)
{
	struct keeper *k = conn_context(c);
	struct verify *v = &k->verify;

	pthread_mutex_lock(&v->lock);
	v->is_connected = true;
	v->conn = conn_ref(c);
	pthread_mutex_unlock(&v->lock);
	send_unsent(v, c);
}

static void on_notify(struct conn *c)
{
	struct keeper *k = conn_context(c);

	send_unsent(&k->verify, c);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	struct err err;
	const int64_t length = frame_length(in, FRAME_SERVER_MAX, &err);

	(void)c;
	(void)is_full;
	return length < 0 ? in.len : (size_t)length;
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct keeper *k = conn_context(c);
	struct verify *v = &k->verify;
	struct request *r;
	struct frame f;
	struct err err;
	bool has_unsent;
	uint64_t id;

	if (frame_length(unit, FRAME_SERVER_MAX, &err) != (int64_t)unit.len) {
		log_error(NULL, "keeper_answer_bad");
		conn_close(c);
		return;
	}
	frame_open(unit, &f);
	id = f.id;
	pthread_mutex_lock(&v->lock);
	r = map_del(&v->requests, map_key_u64(&id));
	v->sent -= r != NULL;
	v->retry_ms = RETRY_FIRST_MS;
	has_unsent = v->first != NULL;
	pthread_mutex_unlock(&v->lock);
	if (r) {
		answer_request(v->pool, r, &f);
		request_free(r);
	}
	if (has_unsent)
		send_unsent(v, c);
}

/* Takes all out that were sent: their answers will never come. */
static struct request *take_sent(struct verify *v)
{
	struct request *r, *sent = NULL;
	size_t at = 0;

	for (r = v->first; r; r = r->next)
		map_del(&v->requests, map_key_u64(&r->id));
	while ((r = map_next(&v->requests, &at))) {
		r->next = sent;
		sent = r;
	}
	map_done(&v->requests);
	v->requests = (struct map){0};
	for (r = v->first; r; r = r->next)
		map_put(&v->requests, map_key_u64(&r->id), r);
	v->sent = 0;
	return sent;
}

static void retry_later(struct verify *v)
{
	int64_t wait;

	pthread_mutex_lock(&v->lock);
	drop_late(v);
	wait = v->retry_ms;
	v->retry_ms = wait * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : wait * 2;
	pthread_mutex_unlock(&v->lock);
	pool_timer_set(v->pool, &v->retry, clock_mono_ms() + wait);
}

static void on_done(struct conn *c)
{
	struct keeper *k = conn_context(c);
	struct verify *v = &k->verify;
	struct request *list, *r;

	pthread_mutex_lock(&v->lock);
	v->is_connected = false;
	list = take_sent(v);
	pthread_mutex_unlock(&v->lock);
	if (!conn_is_draining(c))
		log_warn(NULL, "keeper_lost");
	while ((r = list)) {
		list = r->next;
		answer_error(v->pool, r, ERR_BUSY, "the keeper went away");
		request_free(r);
	}
	retry_later(v);
}

static const struct protocol keeper_protocol = {
	.name = "keeper",
	.unit_max = FRAME_SERVER_MAX,
	.sends_secrets = true,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.notify = on_notify,
	.done = on_done,
};

static void try_to_connect(struct keeper *k)
{
	struct conn_ref ref;
	struct err err;
	const int fd = channel_open(k->path, &err);

	if (fd >= 0 && pool_attach(k->verify.pool, fd, &keeper_protocol, k, &ref, &err) == 0)
		return;
	if (fd >= 0)
		close(fd);
	retry_later(&k->verify);
}

static void on_retry(struct pool_job *job)
{
	char *at = (char *)job - offsetof(struct keeper, verify.retry.job);

	try_to_connect((struct keeper *)at);
}

int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err)
{
	if (keeper->verify.pool)
		return err_set(err, ERR_EXISTS, "the keeper's client was started already");
	keeper->verify.pool = pool;
	keeper->verify.retry.job.run = on_retry;
	keeper->verify.retry.class = POOL_INTERACTIVE;
	try_to_connect(keeper);
	return 0;
}

/* ---- asking ---- */

static struct request *request_new(
	struct verify *v, struct conn_ref who, uint64_t ticket, const struct keeper_login *login)
{
	struct request *r = mem_new(struct request);

	*r = (struct request){.who = who,
		.ticket = ticket,
		.deadline_ms = clock_mono_ms() + KEEPER_VERIFY_TIMEOUT_MS};
	buf_init(&r->frame, FRAME_SERVER_MAX);
	buf_reserve(&r->frame, FRAME_SERVER_MAX / 2); /* growing would leave copies behind */
	r->id = ++v->last_id;
	frame_begin(&r->frame, (uint32_t)r->id, FRAME_VERIFY);
	frame_put_u64(&r->frame, login->account);
	frame_put(&r->frame, login->password);
	frame_put(&r->frame, slice_head(login->service, FIELD_MAX));
	frame_put(&r->frame, slice_head(login->peer, FIELD_MAX));
	frame_finish(&r->frame, 0);
	assert(!r->frame.failed);
	return r;
}

void keeper_verify(struct keeper *keeper, struct conn_ref who, uint64_t ticket,
	const struct keeper_login *login)
{
	struct verify *v = &keeper->verify;
	const struct request nobody = {.who = who, .ticket = ticket};
	bool has_room, is_connected;
	struct conn_ref conn;
	struct request *r;

	assert(v->pool);
	if (login->password.len > FRAME_PASSWORD_MAX) {
		answer_error(v->pool, &nobody, ERR_DENIED, "no password is so long");
		return;
	}
	pthread_mutex_lock(&v->lock);
	if (v->requests.count >= REQUESTS_MAX)
		drop_late(v);
	has_room = v->requests.count < REQUESTS_MAX;
	if (has_room) {
		r = request_new(v, who, ticket, login);
		map_put(&v->requests, map_key_u64(&r->id), r);
		append_unsent(v, r);
	}
	is_connected = v->is_connected;
	conn = v->conn;
	pthread_mutex_unlock(&v->lock);
	if (!has_room)
		answer_error(v->pool, &nobody, ERR_BUSY, "too many logins at once");
	else if (is_connected)
		pool_wake(v->pool, conn);
}
