/*
 * client_ask.c - questions that are waited for parked go over one line (line/line.h).
 *
 * Over the same connection the keeper tells what is revoked. It was told on each new one where we
 * stopped hearing, and which sessions we have.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/client_internal.h"

enum { SENT_MAX = 4096 }; /* the keeper's queues hold no more */

/* The frame is made in one piece, since a buffer that grew would leave copies of secrets behind. */
static struct line_request make_request(
	enum frame_verb verb, const struct client_field *fields, size_t n)
{
	struct line_request r = {.fd = -1};
	size_t length = FRAME_HEAD;

	for (size_t i = 0; i < n; i++)
		length += FRAME_FIELD_HEAD +
			  (fields[i].is_number ? sizeof(uint64_t) : fields[i].s.len);
	r.deadline_ms = clock_mono_ms() + KEEPER_VERIFY_TIMEOUT_MS;
	buf_init(&r.frame, FRAME_SERVER_MAX);
	buf_reserve(&r.frame, length);
	frame_begin(&r.frame, 0, (uint8_t)verb);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].is_number)
			frame_put_u64(&r.frame, fields[i].n);
		else
			frame_put(&r.frame, fields[i].s);
	}
	return r;
}

/* ---- what is revoked ---- */

void keeper_on_revoked(
	struct keeper *keeper, keeper_revoked_fn *revoked, keeper_live_fn *live, void *context)
{
	keeper->revoked = revoked;
	keeper->live = live;
	keeper->revoked_context = context;
}

static void on_gone(void *context, struct frame *f)
{
	struct keeper *k = context;
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
	const struct client_field field = ask_s(buf_slice(&report->sessions));
	struct line_request r = make_request(FRAME_LIVE, &field, 1);

	r.own = on_gone;
	line_ask(report->k->line, &r);
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
static void on_subscribed(void *context, struct frame *f)
{
	struct keeper *k = context;
	struct report report = {.k = k};
	const uint64_t seq = f->verb ? 0 : frame_u64(f);
	bool was_subscribed;

	pthread_mutex_lock(&k->lock);
	was_subscribed = k->was_subscribed;
	k->was_subscribed = true;
	if (k->heard < seq)
		k->heard = seq;
	pthread_mutex_unlock(&k->lock);
	if (!was_subscribed)
		return;
	buf_init(&report.sessions, FRAME_DATA_MAX);
	k->live(k->revoked_context, report_say, &report);
	if (report.sessions.len)
		report_send(&report);
	buf_done(&report.sessions);
}

/* The first that is said on a new connection, so that no verdict comes before. */
static void on_connected(void *context, struct conn *c)
{
	struct keeper *k = context;
	struct client_field heard;
	struct line_request r;

	if (!k->revoked)
		return;
	pthread_mutex_lock(&k->lock);
	heard = ask_n(k->was_subscribed ? k->heard : INT64_MAX);
	pthread_mutex_unlock(&k->lock);
	r = make_request(FRAME_SUBSCRIBE, &heard, 1);
	r.own = on_subscribed;
	line_say_first(k->line, c, &r);
}

static void on_unasked(void *context, struct conn *c, struct frame *f)
{
	struct keeper *k = context;
	const uint64_t telling = frame_u64(f);
	struct slice rest = frame_bytes(f);
	struct frame_session s;
	size_t begin;

	if (f->verb != FRAME_REVOKED)
		return;
	while (frame_take_session(&rest, &s)) {
		const struct keeper_revocation what = {
			s.account, s.seq, s.credential, (unsigned)s.scopes};

		k->revoked(k->revoked_context, &what);
		pthread_mutex_lock(&k->lock);
		if (k->heard < s.seq)
			k->heard = s.seq;
		pthread_mutex_unlock(&k->lock);
	}
	if (telling == 0)
		return;
	begin = frame_begin(conn_out(c), 0, FRAME_CLOSED);
	frame_put_u64(conn_out(c), telling);
	frame_finish(conn_out(c), begin);
}

/* ---- asking ---- */

struct line *client_line_new(struct keeper *keeper)
{
	const struct line_config config = {
		.name = "keeper",
		.path = keeper->path,
		.answer_max = FRAME_ANSWER_MAX,
		.sent_max = SENT_MAX,
		.context = keeper,
		.connected = on_connected,
		.unasked = on_unasked,
	};

	return line_new(&config);
}

int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err)
{
	if (keeper->is_started)
		return err_set(err, ERR_EXISTS, "the keeper's client was started already");
	keeper->is_started = true;
	line_start(keeper->line, pool);
	return 0;
}

/* What somebody asked who is no connection. */
struct waiting {
	client_read_fn *read;
	void (*done)(void *context, const struct answer *answer);
	void *context;
};

static void on_answer(void *context, struct frame *f, int rc, const struct err *err)
{
	struct waiting *w = context;
	struct answer answer = {.rc = rc};

	if (rc < 0)
		answer.err = *err;
	else if (w->read)
		answer.data = w->read(f);
	if (rc == 0 && !frame_end(f))
		answer.rc = err_set(&answer.err, ERR_BUSY, "the keeper's answer makes no sense");
	w->done(w->context, &answer);
	free(answer.data);
	free(w);
}

void client_fail(const struct keeper_call *call, enum err_code code, const char *reason)
{
	const struct line_request r = {.who = call->who, .ticket = call->ticket};

	assert(!call->done);
	line_fail(call->keeper->line, &r, code, reason);
}

void client_ask_fields(const struct keeper_call *call, enum frame_verb verb, client_read_fn *read,
	const struct client_field *fields, size_t n)
{
	struct line_request r = make_request(verb, fields, n);

	r.who = call->who;
	r.ticket = call->ticket;
	r.read = read;
	if (call->done) {
		struct waiting *w = mem_new(struct waiting);

		*w = (struct waiting){read, call->done, call->context};
		r.done = on_answer;
		r.done_context = w;
	}
	line_ask(call->keeper->line, &r);
}
