/*
 * desk.c - see desk.h for the contract.
 *
 * A connection has a tray: answers come from any thread, lie there, and are sent when the
 * connection has its turn. The tray lives until the connection and every request have let go of it.
 */
#include "courier/desk.h"

#include <stdlib.h>

#include "ask/verbs.h"
#include "base/io.h"
#include "base/mem.h"
#include "courier/bring.h"
#include "courier/enqueue.h"
#include "courier/external.h"
#include "courier/ours.h"
#include "courier/outcomes.h"
#include "courier/queue_desk.h"
#include "courier/resolve.h"
#include "courier/scanner.h"

enum { TRAY_MAX = 8 << 20, IDLE_MS = INT32_MAX };

static desk_fn desk_forms;

static const struct row {
	const char *name; /* NULL: there is no such verb */
	bool takes_fd;
	desk_fn *run;
} rows[ASK_VERB_END] = {
	[ASK_RESOLVE] = {"resolve", false, desk_resolve},
	[ASK_ENQUEUE] = {"enqueue", false, desk_enqueue},
	[ASK_ENQUEUE_FILE] = {"enqueue", true, desk_enqueue},
	[ASK_QUEUE] = {"queue", false, desk_queue},
	[ASK_OURS] = {"ours", false, desk_ours},
	[ASK_TAKEN_TEXT] = {"taken-text", false, desk_taken_text},
	[ASK_OUTCOMES] = {"outcomes", false, desk_outcomes},
	[ASK_EXTERNAL_SET] = {"external-set", false, desk_external_set},
	[ASK_EXTERNAL_TEST] = {"external-test", false, desk_external_test},
	[ASK_EXTERNAL_DROP] = {"external-drop", false, desk_external_drop},
	[ASK_BRING_START] = {"bring-start", false, desk_bring_start},
	[ASK_BRING] = {"bring", false, desk_bring},
	[ASK_SCAN] = {"scan", true, desk_scan},
	[ASK_FORMS] = {"forms", false, desk_forms},
};

struct tray {
	struct pool *pool;
	struct conn_ref conn;
	uint64_t form;        /* the server's number; the connection's thread alone */
	atomic_uint refs;     /* the connection's, and one for each request */
	pthread_mutex_t lock; /* guards all below */
	struct buf out;
	size_t open; /* requests without an answer */
};

struct asked {
	struct tray *tray;
	uint32_t id;
};

static void tray_unref(struct tray *tray)
{
	if (atomic_fetch_sub(&tray->refs, 1) != 1)
		return;
	buf_done(&tray->out);
	pthread_mutex_destroy(&tray->lock);
	free(tray);
}

/* Puts a whole frame into the tray. */
static void answer(struct asked *asked, const struct buf *frame)
{
	struct tray *tray = asked->tray;

	pthread_mutex_lock(&tray->lock);
	buf_append(&tray->out, buf_slice(frame));
	tray->open--;
	pthread_mutex_unlock(&tray->lock);
	pool_wake(tray->pool, tray->conn);
	tray_unref(tray);
	free(asked);
}

void asked_answer(struct asked *asked, const struct buf *fields)
{
	struct buf frame AUTO(buf_done);

	buf_init(&frame, ASK_ANSWER_MAX);
	frame_begin(&frame, asked->id, 0);
	buf_append(&frame, buf_slice(fields));
	frame_finish(&frame, 0);
	if (fields->failed || frame.failed) {
		buf_clear(&frame);
		frame_put_error(&frame, asked->id, -ERR_TOOBIG, "the answer is too long");
	}
	answer(asked, &frame);
}

void asked_fail(struct asked *asked, const struct err *err)
{
	struct buf frame AUTO(buf_done);

	buf_init(&frame, ASK_ANSWER_MAX);
	frame_put_error(&frame, asked->id, -(int)err->code, err->msg);
	answer(asked, &frame);
}

static struct asked *asked_new(struct tray *tray, uint32_t id)
{
	struct asked *asked = mem_new(struct asked);

	asked->tray = tray;
	asked->id = id;
	atomic_fetch_add(&tray->refs, 1);
	return asked;
}

static void desk_forms(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	const uint64_t form = frame_u64(f);
	struct buf fields AUTO(buf_done);

	(void)courier;
	(void)fd;
	if (!f->is_bad)
		asked->tray->form = form;
	if (form > ASK_FORM_NOW)
		log_warn(NULL, "forms-newer", log_n("server", (int64_t)form),
			log_n("known", ASK_FORM_NOW));
	buf_init(&fields, FRAME_FIELD_HEAD + sizeof(form));
	frame_put_u64(&fields, ASK_FORM_NOW);
	asked_answer(asked, &fields);
}

/* ---- the connection; its session is a pointer to the tray ---- */

static struct tray *tray_of(struct conn *c)
{
	return *(struct tray **)conn_session(c);
}

static void on_greet(struct conn *c)
{
	struct tray *tray = mem_new(struct tray);

	tray->form = ASK_FORM_UNSAID;
	tray->pool = conn_pool(c);
	tray->conn = conn_ref(c);
	atomic_init(&tray->refs, 1);
	pthread_mutex_init(&tray->lock, NULL);
	buf_init(&tray->out, TRAY_MAX);
	*(struct tray **)conn_session(c) = tray;
	conn_set_timeout(c, IDLE_MS);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	struct err err;
	const int64_t length = frame_length(in, ASK_REQUEST_MAX, &err);

	(void)c;
	(void)is_full;
	return length < 0 ? in.len : (size_t)length;
}

static int may_run(struct tray *tray, const struct row *row, int fd, struct err *err)
{
	bool is_many;

	pthread_mutex_lock(&tray->lock);
	is_many = tray->open++ >= ASK_SENT_MAX;
	pthread_mutex_unlock(&tray->lock);
	if (is_many)
		return err_set(err, ERR_BUSY, "too much is asked at once");
	if (tray->form > ASK_FORM_NOW && row->run != desk_forms)
		return err_set(err, ERR_BUSY, "this courier is of before the upgrade");
	if (row->takes_fd && fd < 0)
		return err_set(err, ERR_SYNTAX, "the descriptor is missing");
	return 0;
}

static void run_row(struct conn *c, const struct row *row, struct frame *f)
{
	struct tray *tray = tray_of(c);
	struct asked *asked = asked_new(tray, f->id);
	int fd AUTO(io_close) = row->takes_fd ? conn_take_fd(c) : -1;
	struct err err;

	if (may_run(tray, row, fd, &err) < 0) {
		asked_fail(asked, &err);
		return;
	}
	row->run(conn_context(c), asked, f, fd);
	fd = -1;
}

static void on_notify(struct conn *c)
{
	struct tray *tray = tray_of(c);
	bool is_lost;

	pthread_mutex_lock(&tray->lock);
	is_lost = tray->out.failed;
	buf_append(conn_out(c), buf_slice(&tray->out));
	buf_clear(&tray->out);
	pthread_mutex_unlock(&tray->lock);
	if (is_lost)
		conn_close(c); /* answers are missing: what was asked is told to be lost */
}

/* A connection that says what no server says is closed. */
static void on_execute(struct conn *c, struct slice unit)
{
	struct frame f;
	struct err err;

	if (frame_length(unit, ASK_REQUEST_MAX, &err) != (int64_t)unit.len) {
		conn_close(c);
		return;
	}
	frame_open(unit, &f);
	if (f.verb >= ASK_VERB_END || !rows[f.verb].name) {
		log_error(NULL, "verb_unknown", log_n("verb", f.verb));
		conn_close(c);
		return;
	}
	run_row(c, &rows[f.verb], &f);
	on_notify(c);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

static void on_done(struct conn *c)
{
	if (tray_of(c))
		tray_unref(tray_of(c));
}

static const struct protocol desk_protocol = {
	.name = "desk",
	.session_size = sizeof(struct tray *),
	.unit_max = ASK_REQUEST_MAX,
	.takes_fds = true,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.notify = on_notify,
	.goodbye = on_goodbye,
	.done = on_done,
};

int desk_open(struct courier *courier, int listen_fd, struct err *err)
{
	const struct pool_listener listener = {
		.fd = listen_fd,
		.protocol = &desk_protocol,
		.context = courier,
		.class = POOL_INTERACTIVE,
		.is_trusted = true,
	};

	return pool_listen(courier->pool, &listener, err);
}
