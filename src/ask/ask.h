/*
 * ask.h - how the server asks the courier, which does all DNS and all calling out.
 *
 * One connection to run/courier-server.sock, made again by itself. Nobody waits: who asks is
 * parked. When the courier is away, what is asked waits ASK_AWAY_MS for it from the moment it was
 * lost and is then -ERR_BUSY at once; what was sent to a courier that died is -ERR_BUSY, too. Any
 * thread.
 */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include "frame/frame.h"
#include "net/pool.h"
#include "wire/dns/dns.h"

enum { ASK_AWAY_MS = 3000 };

struct ask;

struct ask *ask_new(const char *socket_path);
/* ask_start - before pool_start(). ask_stop - before pool_stop(): nobody waits any more. ask_free -
 * after it. */
void ask_start(struct ask *ask, struct pool *pool);
void ask_stop(struct ask *ask);
void ask_free(struct ask **ask);

/*
 * ask_resolve - park c until the pending questions of the view are answered, or wait_ms have
 * passed; then resume(), which gives its answer to ask_take() and runs its function again:
 *
 *	static void on_names(struct conn *c, struct answer *answer)
 *	{
 *		ask_take(&session->view, answer);
 *		go_on(c);
 *	}
 *
 * The view must live until then: in the session, not in the unit's arena.
 */
void ask_resolve(struct ask *ask, struct conn *c, const struct dns_view *view, int64_t wait_ms,
	conn_resume_fn *resume);
/* ask_take - put the answers into the view and free them; what has none is DNS_FAILED, so nothing
 * that was asked is pending afterwards. */
void ask_take(struct dns_view *view, struct answer *answer);

/* ask_names - the same for whoever is no connection: done() is called on any thread when nothing
 * pends any more. The view is the call's until then. */
typedef void ask_names_fn(void *context);
void ask_names(
	struct ask *ask, struct dns_view *view, int64_t wait_ms, ask_names_fn *done, void *context);

/* ask_queue - park c until the operator's wish about the queue (JSON: courier/queue_desk.h) has
 * been answered. ask_queue_take - only in resume(), with rc 0: the answer's JSON, which lives as
 * long as answer->data; free() that afterwards. */
void ask_queue(struct ask *ask, struct conn *c, struct slice wish, int64_t wait_ms,
	conn_resume_fn *resume);
bool ask_queue_take(const struct answer *answer, struct slice *out);
/* ask_queue_for - the same for who has parked already, for a little longer than wait_ms.
 * ask_taken_text - a piece of a letter that was taken back (ask/verbs.h), as its answer. */
void ask_queue_for(
	struct ask *ask, struct conn_ref who, uint64_t ticket, struct slice wish, int64_t wait_ms);
void ask_taken_text(struct ask *ask, struct conn_ref who, uint64_t ticket, uint64_t submitter,
	uint64_t delivery_id, uint64_t at, int64_t wait_ms);

/* ask_call - any verb, for whoever is no connection: done() gets the answer's fields, or why there
 * is none (f NULL), on any thread. The frame, of frame_begin(frame, 0, verb) and fields, is given
 * away, and so is the descriptor (-1: none). */
typedef void ask_done_fn(void *context, struct frame *f, int rc, const struct err *err);
void ask_call(struct ask *ask, struct buf *frame, int fd, int64_t wait_ms, ask_done_fn *done,
	void *context);

#endif
