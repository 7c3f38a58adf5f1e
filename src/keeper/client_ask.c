/*
 * client_ask.c - questions that are waited for parked go over one connection of the pool's.
 *
 * Nobody waits here: who asked is parked and woken with the answer. A request is known by its id
 * until it is answered; those the connection has not taken yet wait in a list, and what ran out of
 * time there is dropped unsent. When the connection is lost, what was sent over it is "busy", the
 * rest waits for the next connection, and a timer makes that.
 *
 * Over the same connection the keeper tells what is revoked. It was told on each new one where we
 * stopped hearing, and which sessions we have.
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
	LENGTH_BYTES = 4,
};

struct request {
	uint64_t id; /* 32 bits of it go over the wire */
	struct conn_ref who;
	uint64_t ticket;
	int64_t deadline_ms;
	struct request *next;                           /* in the list of the unsent */
	client_read_fn *read;                           /* NULL: the answer has no data */
	void (*own)(struct keeper *k, struct frame *f); /* our own question: nobody is parked */
	struct buf frame;                               /* wiped when it is sent */
};

void line_init(struct line *v)
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

void line_done(struct line *v)
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

	if (r->own)
		return;
	answer.rc = err_set(&answer.err, code, "%s", reason);
	pool_answer(pool, r->who, r->ticket, &answer);
}

static void answer_request(struct pool *pool, const struct request *r, struct frame *f)
{
	struct answer answer = {.free_data = free};

	if (f->verb)
		answer.rc = frame_take_error(f, &answer.err);
	else if (r->read)
		answer.data = r->read(f);
	if (!f->verb && !frame_end(f)) {
		free(answer.data);
		answer.data = NULL;
		answer.rc = err_set(&answer.err, ERR_BUSY, "the keeper's answer makes no sense");
	}
	pool_answer(pool, r->who, r->ticket, &answer);
}

/* ---- the list of the unsent; the caller holds the lock ---- */

static void append_unsent(struct line *v, struct request *r)
{
	r->next = NULL;
	*v->last = r;
	v->last = &r->next;
}

static struct request *take_unsent(struct line *v)
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
static void drop_late(struct line *v)
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

/* ---- requests ---- */

/* The frame is made in one piece, since a buffer that grew would leave copies of secrets behind. */
static struct request *request_new(
	enum frame_verb verb, const struct client_field *fields, size_t n)
{
	struct request *r = mem_new(struct request);
	size_t length = FRAME_HEAD;

	for (size_t i = 0; i < n; i++)
		length += LENGTH_BYTES + (fields[i].is_number ? sizeof(uint64_t) : fields[i].s.len);
	r->deadline_ms = clock_mono_ms() + KEEPER_VERIFY_TIMEOUT_MS;
	buf_init(&r->frame, FRAME_SERVER_MAX);
	buf_reserve(&r->frame, length);
	frame_begin(&r->frame, 0, (uint8_t)verb);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].is_number)
			frame_put_u64(&r->frame, fields[i].n);
		else
			frame_put(&r->frame, fields[i].s);
	}
	return r;
}

/* The caller holds the lock. */
static void number_request(struct line *v, struct request *r)
{
	if (++v->last_id == 0)
		v->last_id++; /* 0 is what the keeper says unasked */
	r->id = v->last_id;
	frame_set_id(&r->frame, (uint32_t)r->id);
	frame_finish(&r->frame, 0);
	map_put(&v->requests, map_key_u64(&r->id), r);
}

/* ---- what is revoked ---- */

void keeper_on_revoked(
	struct keeper *keeper, keeper_revoked_fn *revoked, keeper_live_fn *live, void *context)
{
	keeper->revoked = revoked;
	keeper->live = live;
	keeper->revoked_context = context;
}

/* A question of our own. The caller holds the lock. */
static struct request *own_new(struct line *v, enum frame_verb verb,
	const struct client_field *field, void (*own)(struct keeper *k, struct frame *f))
{
	struct request *r = request_new(verb, field, 1);

	r->own = own;
	number_request(v, r);
	return r;
}

static void on_gone(struct keeper *k, struct frame *f)
{
	struct slice rest = frame_bytes(f);
	struct frame_session s;

	while (frame_take_session(&rest, &s)) {
		const struct keeper_revocation what = {
			s.account, s.seq, s.credential, (unsigned)s.scopes};

		k->revoked(k->revoked_context, &what);
	}
}

struct report {
	struct keeper *k;
	struct buf sessions;
};

static void report_send(struct report *report)
{
	struct line *v = &report->k->line;
	const struct client_field field = ask_s(buf_slice(&report->sessions));

	pthread_mutex_lock(&v->lock);
	append_unsent(v, own_new(v, FRAME_LIVE, &field, on_gone));
	pthread_mutex_unlock(&v->lock);
	buf_clear(&report->sessions);
}

static void report_say(
	void *to, uint64_t account, uint64_t seq, uint64_t credential, unsigned scope)
{
	const struct frame_session s = {account, seq, credential, scope};
	struct report *report = to;
	unsigned char packed[FRAME_SESSION_LEN];

	frame_put_session(packed, &s);
	buf_append(&report->sessions, (struct slice){(const char *)packed, sizeof(packed)});
	if (report->sessions.len + sizeof(packed) > FRAME_DATA_MAX)
		report_send(report);
}

/* We hear again: which of our sessions ended meanwhile? The first time there are none. */
static void on_subscribed(struct keeper *k, struct frame *f)
{
	struct line *v = &k->line;
	struct report report = {.k = k};
	const uint64_t seq = f->verb ? 0 : frame_u64(f);
	bool was_subscribed;

	pthread_mutex_lock(&v->lock);
	was_subscribed = v->was_subscribed;
	v->was_subscribed = true;
	if (v->heard < seq)
		v->heard = seq;
	pthread_mutex_unlock(&v->lock);
	if (!was_subscribed)
		return;
	buf_init(&report.sessions, FRAME_DATA_MAX);
	k->live(k->revoked_context, report_say, &report);
	if (report.sessions.len)
		report_send(&report);
	buf_done(&report.sessions);
}

/* The first that is said on a new connection, so that no verdict comes before. */
static void subscribe(struct keeper *k, struct conn *c)
{
	struct line *v = &k->line;
	struct client_field heard;
	struct request *r;

	if (!k->revoked)
		return;
	pthread_mutex_lock(&v->lock);
	heard = ask_n(v->was_subscribed ? v->heard : INT64_MAX);
	r = own_new(v, FRAME_SUBSCRIBE, &heard, on_subscribed);
	buf_append(conn_out(c), buf_slice(&r->frame));
	v->sent++;
	pthread_mutex_unlock(&v->lock);
}

static void on_revoked(struct keeper *k, struct conn *c, struct frame *f)
{
	const uint64_t telling = frame_u64(f);
	struct slice rest = frame_bytes(f);
	struct frame_session s;
	size_t begin;

	while (frame_take_session(&rest, &s)) {
		const struct keeper_revocation what = {
			s.account, s.seq, s.credential, (unsigned)s.scopes};

		k->revoked(k->revoked_context, &what);
		pthread_mutex_lock(&k->line.lock);
		if (k->line.heard < s.seq)
			k->line.heard = s.seq;
		pthread_mutex_unlock(&k->line.lock);
	}
	if (telling == 0)
		return;
	begin = frame_begin(conn_out(c), 0, FRAME_CLOSED);
	frame_put_u64(conn_out(c), telling);
	frame_finish(conn_out(c), begin);
}

/* ---- the connection ---- */

static void send_unsent(struct line *v, struct conn *c)
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
	struct line *v = &k->line;

	subscribe(k, c);
	pthread_mutex_lock(&v->lock);
	v->is_connected = true;
	v->conn = conn_ref(c);
	pthread_mutex_unlock(&v->lock);
	send_unsent(v, c);
}

static void on_notify(struct conn *c)
{
	struct keeper *k = conn_context(c);

	send_unsent(&k->line, c);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	struct err err;
	const int64_t length = frame_length(in, FRAME_ANSWER_MAX, &err);

	(void)c;
	(void)is_full;
	return length < 0 ? in.len : (size_t)length;
}

static void on_answer(struct keeper *k, struct conn *c, struct frame *f)
{
	struct line *v = &k->line;
	const uint64_t id = f->id;
	struct request *r;

	pthread_mutex_lock(&v->lock);
	r = map_del(&v->requests, map_key_u64(&id));
	v->sent -= r != NULL;
	v->retry_ms = RETRY_FIRST_MS;
	pthread_mutex_unlock(&v->lock);
	if (r && r->own)
		r->own(k, f);
	else if (r)
		answer_request(v->pool, r, f);
	if (r)
		request_free(r);
	send_unsent(v, c);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct frame f;
	struct err err;

	if (frame_length(unit, FRAME_ANSWER_MAX, &err) != (int64_t)unit.len) {
		log_error(NULL, "keeper_answer_bad");
		conn_close(c);
		return;
	}
	frame_open(unit, &f);
	if (f.id == 0 && f.verb == FRAME_REVOKED)
		on_revoked(conn_context(c), c, &f);
	else
		on_answer(conn_context(c), c, &f);
}

/* Takes all out that were sent: their answers will never come. */
static struct request *take_sent(struct line *v)
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

static void retry_later(struct line *v)
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
	struct line *v = &k->line;
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
	.unit_max = FRAME_ANSWER_MAX,
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

	if (fd >= 0 && pool_attach(k->line.pool, fd, &keeper_protocol, k, &ref, &err) == 0)
		return;
	if (fd >= 0)
		close(fd);
	retry_later(&k->line);
}

static void on_retry(struct pool_job *job)
{
	char *at = (char *)job - offsetof(struct keeper, line.retry.job);

	try_to_connect((struct keeper *)at);
}

int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err)
{
	if (keeper->line.pool)
		return err_set(err, ERR_EXISTS, "the keeper's client was started already");
	keeper->line.pool = pool;
	keeper->line.retry.job.run = on_retry;
	keeper->line.retry.class = POOL_INTERACTIVE;
	try_to_connect(keeper);
	return 0;
}

/* ---- asking ---- */

/* Takes the request if there is room. The caller holds the lock. */
static bool add_request(struct line *v, struct request *r)
{
	if (v->requests.count >= REQUESTS_MAX)
		drop_late(v);
	if (v->requests.count >= REQUESTS_MAX)
		return false;
	number_request(v, r);
	append_unsent(v, r);
	return true;
}

void client_fail(const struct keeper_call *call, enum err_code code, const char *reason)
{
	const struct request r = {.who = call->who, .ticket = call->ticket};

	answer_error(call->keeper->line.pool, &r, code, reason);
}

void client_ask_fields(const struct keeper_call *call, enum frame_verb verb, client_read_fn *read,
	const struct client_field *fields, size_t n)
{
	struct line *v = &call->keeper->line;
	struct request *r = request_new(verb, fields, n);
	bool has_room, is_connected;
	struct conn_ref conn;

	assert(v->pool);
	r->who = call->who;
	r->ticket = call->ticket;
	r->read = read;
	if (r->frame.failed) {
		client_fail(call, ERR_SYNTAX, "what was given is too long");
		request_free(r);
		return;
	}
	pthread_mutex_lock(&v->lock);
	has_room = add_request(v, r);
	is_connected = v->is_connected;
	conn = v->conn;
	pthread_mutex_unlock(&v->lock);
	if (!has_room) {
		client_fail(call, ERR_BUSY, "too much is asked of the keeper at once");
		request_free(r);
	} else if (is_connected) {
		pool_wake(v->pool, conn);
	}
}
