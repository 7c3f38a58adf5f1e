/*
 * queue.c - mail for elsewhere: handed to the courier.
 *
 * A short message goes with the request, a long one as the descriptor of its spool. Letters that an
 * older version left in queue.db here are handed over one by one when the server starts.
 */
#include "mail/queue.h"

#include <stdlib.h>
#include <unistd.h>

#include "ask/ask.h"
#include "ask/verbs.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mail/return_paths.h"
#include "mail/sign.h"

enum {
	PUT_MS = 20000, /* a client waits for the courier; one that starts anew is back by then */
	PUT_FLUSH_MS = 3000, /* of these, the last are for the flush and the answer */
	MOVE_AGAIN_MS = 5000,
	WAY_MAX = 64 << 10,
};

/* The real one. */
struct courier_queue {
	struct mail_queue face;
	struct service *service;
	struct db *old; /* NULL: there is nothing to move */
	struct pool_timer timer;
	int64_t moving; /* the letter that is on its way */
};

struct put {
	struct courier_queue *queue;
	struct letter *letter;
	struct incoming *in;
	bool is_repeated;
	mail_done_fn *done;
	void *context;
};

static void put_done(void *context, struct frame *f, int rc, const struct err *err)
{
	struct put *put = context;
	struct err bad;

	if (f && !frame_end(f))
		rc = err_set(&bad, ERR_BUSY, "the courier's answer makes no sense");
	put->done(put->context, rc, NULL, rc < 0 && f ? &bad : err);
	letter_free(&put->letter);
	incoming_free(&put->in);
	free(put);
}

static void pack_targets(const struct letter *letter, struct buf *out)
{
	frame_put_u64(out, letter->targets_n);
	for (size_t i = 0; i < letter->targets_n; i++) {
		const struct letter_target *t = &letter->targets[i];

		frame_put(out, t->address);
		frame_put(
			out, slice_eq(t->address, t->recipient) ? (struct slice){0} : t->recipient);
		frame_put(out, t->orcpt);
		frame_put_u64(out, t->notify);
		frame_put_u64(out, t->account != 0);
	}
}

static unsigned flags_of(const struct letter *letter)
{
	const struct mail_wishes *w = &letter->wishes;

	return (letter->is_smtputf8 ? ASK_LETTER_SMTPUTF8 : 0) |
	       (letter->is_8bit ? ASK_LETTER_8BIT : 0) |
	       (letter->is_report ? ASK_LETTER_REPORT : 0) |
	       (w->is_by_notify ? ASK_LETTER_BY_NOTIFY : 0) |
	       (w->is_by_traced ? ASK_LETTER_BY_TRACED : 0) |
	       (w->requires_tls ? ASK_LETTER_REQUIRETLS : 0) |
	       (w->is_tls_optional ? ASK_LETTER_TLS_OPTIONAL : 0);
}

static const enum ask_priority priorities[] = {
	[MAIL_NORMAL] = ASK_NORMAL, [MAIL_URGENT] = ASK_URGENT, [MAIL_BULK] = ASK_BULK};

void mail_queue_pack(const struct letter *letter, const struct incoming *in, bool is_repeated,
	const struct mail_way *way, struct slice text, struct buf *out)
{
	const struct mail_wishes *w = &letter->wishes;

	frame_put_u64(out, letter->delivery_id);
	frame_put_u64(out, in->number);
	frame_put_u64(out, flags_of(letter) | (is_repeated ? ASK_LETTER_REPEATED : 0));
	frame_put_u64(out, letter->submitter);
	frame_put_u64(out, (uint64_t)letter->accepted_s);
	frame_put_u64(out, (unsigned char)letter->ret);
	frame_put_u64(out, (uint64_t)w->not_before_s);
	frame_put_u64(out, (uint64_t)w->by_s);
	frame_put_u64(out, priorities[w->priority]);
	frame_put_u64(out, (uint64_t)(clock_mono_ms() + PUT_MS - PUT_FLUSH_MS));
	frame_put(out, way->sender);
	frame_put(out, way->path);
	frame_put(out, way->route);
	frame_put(out, letter->envid);
	frame_put_u64(out, in->size - letter->own_bytes);
	frame_put_u64(out, letter->own_bytes);
	frame_put(out, text);
	pack_targets(letter, out);
}

static void hand_over(struct put *p)
{
	struct courier_queue *q = p->queue;
	struct slice text = {0};
	struct buf frame, path AUTO(buf_done);
	struct arena arena AUTO(arena_done);
	struct mail_way way;
	struct err err;
	int fd = -1, rc;

	buf_init(&path, RETURN_PATH_MAX);
	arena_init(&arena, WAY_MAX);
	rc = mail_external_way(q->service, p->letter, &arena, &way, &err);
	if (rc == 0 && !way.route.len) {
		rc = return_paths_put(q->service, p->letter, &path, &err);
		way.path = buf_slice(&path);
	}
	if (rc < 0) {
		put_done(p, NULL, rc, &err);
		return;
	}
	if (spool_view(p->in->spool, &text))
		text = slice_from(text, p->letter->own_bytes);
	else
		fd = spool_fd(p->in->spool);
	buf_init(&frame, ASK_REQUEST_MAX);
	frame_begin(&frame, 0, fd < 0 ? ASK_ENQUEUE : ASK_ENQUEUE_FILE);
	mail_queue_pack(p->letter, p->in, p->is_repeated, &way, text, &frame);
	ask_call(q->service->ask, &frame, fd, PUT_MS, put_done, p);
}

static void on_signed(void *context, int rc, const struct err *err)
{
	struct put *p = context;

	if (rc < 0)
		put_done(p, NULL, rc, err);
	else
		hand_over(p);
}

static void put(struct mail_queue *queue, struct letter *letter, struct incoming *in,
	bool is_repeated, mail_done_fn *done, void *context)
{
	struct courier_queue *q = (struct courier_queue *)queue;
	struct put *p = mem_new(struct put);

	*p = (struct put){.queue = q,
		.letter = letter,
		.in = incoming_ref(in),
		.is_repeated = is_repeated,
		.done = done,
		.context = context};
	/* What users send was signed before it came here. */
	if (letter->is_own || letter->is_report)
		mail_sign_own(q->service, &p->in, letter->own_bytes, on_signed, p);
	else
		hand_over(p);
}

/* ---- what an older version left ---- */

static void move_next(struct courier_queue *q);

static void move_later(struct courier_queue *q)
{
	pool_timer_set(q->service->pool, &q->timer, clock_mono_ms() + MOVE_AGAIN_MS);
}

static void moved(void *context, int rc, const struct message_added *added, const struct err *err)
{
	struct courier_queue *q = context;
	struct err failed;

	(void)added;
	if (rc < 0) {
		log_warn(NULL, "queue-move", log_n("letter", q->moving), log_e(err));
		move_later(q);
		return;
	}
	rc = db_begin(q->old, &failed);
	if (rc == 0)
		rc = letter_db_delete(q->old, q->moving, &failed);
	if (rc == 0)
		rc = db_commit(q->old, &failed);
	else
		db_rollback(q->old);
	if (rc < 0)
		log_error(NULL, "queue-move", log_n("letter", q->moving), log_e(&failed));
	/* One that cannot be deleted comes again, and the courier knows it. */
	pool_timer_set(q->service->pool, &q->timer, clock_mono_ms() + (rc < 0 ? MOVE_AGAIN_MS : 0));
}

static int load_next(
	struct courier_queue *q, struct letter **letter, struct incoming **in, struct err *err)
{
	int rc = letter_db_next(q->old, 0, &q->moving, err);

	if (rc < 0 || q->moving == 0)
		return rc;
	rc = letter_db_load(q->old, q->moving, letter, err);
	if (rc == 0)
		rc = letter_db_body(
			q->old, q->moving, store_spool_dir(q->service->store), UINT64_MAX, in, err);
	return rc < 0 ? rc : 1;
}

static void move_next(struct courier_queue *q)
{
	struct letter *letter = NULL;
	struct incoming *in = NULL;
	struct err err;
	const int rc = load_next(q, &letter, &in, &err);

	if (rc == 1) {
		letter->own_bytes = 0; /* left out when it was put there */
		put(&q->face, letter, in, true, moved, q);
		incoming_free(&in);
		return;
	}
	letter_free(&letter);
	if (rc < 0) {
		log_error(NULL, "queue-move", log_e(&err));
		move_later(q);
		return;
	}
	db_close(&q->old);
	unlink("queue.db-wal");
	unlink("queue.db-shm");
	unlink("queue.db");
}

static void on_timer(struct pool_job *job)
{
	move_next(
		(struct courier_queue *)((char *)job - offsetof(struct courier_queue, timer.job)));
}

int mail_queue_open(struct service *service, struct mail_queue **out, struct err *err)
{
	struct courier_queue *q = mem_new(struct courier_queue);
	int rc = 0;

	q->face.put = put;
	q->service = service;
	q->timer = (struct pool_timer){.job = {.run = on_timer}, .class = POOL_BULK};
	if (access("queue.db", F_OK) == 0)
		rc = letter_db_open("queue.db", &q->old, err);
	if (rc < 0) {
		free(q);
		return rc;
	}
	*out = &q->face;
	return 0;
}

void mail_queue_start(struct mail_queue *queue)
{
	struct courier_queue *q = (struct courier_queue *)queue;

	if (q->old)
		pool_timer_set(q->service->pool, &q->timer, clock_mono_ms());
}

void mail_queue_close(struct mail_queue **queue)
{
	struct courier_queue *q = (struct courier_queue *)*queue;

	*queue = NULL;
	if (!q)
		return;
	db_close(&q->old);
	free(q);
}
