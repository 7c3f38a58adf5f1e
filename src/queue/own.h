/*
 * own.h - what senders may see and do of their own: mail that is held until its time.
 *
 * A letter is named by submitter and delivery id, and only its submitter finds it. Taking one back
 * has two steps, so that it is never nowhere: queue_own_take() - from then on nobody sends it -
 * and, when its text is safe elsewhere, queue_own_forget(). Both may be called again.
 */
#ifndef QUEUE_OWN_H
#define QUEUE_OWN_H

#include "queue/queue.h"

struct queue_own {
	uint64_t delivery_id, size;
	uint64_t number; /* in its history; 0: it has none */
	int64_t id, accepted_s, not_before_s;
	bool is_taken;       /* back, and not forgotten yet */
	struct slice to;     /* its first recipients, with commas */
	size_t recipients_n; /* all of them */
};

typedef void queue_own_fn(void *context, const struct queue_own *letter);

/* queue_own_list - what is held for the submitter, by time; at most max. */
MUST_CHECK int queue_own_list(struct queue *queue, uint64_t submitter, size_t max,
	queue_own_fn *each, void *context, struct err *err);
/* queue_own_take - from the queue, before its time. -ERR_NOTFOUND: there is no such letter, or it
 * was sent; -ERR_CONFLICT: its time has come. */
MUST_CHECK int queue_own_take(
	struct queue *queue, uint64_t submitter, uint64_t delivery_id, struct err *err);
/* queue_own_find - the message of one that was taken back. -ERR_NOTFOUND. */
MUST_CHECK int queue_own_find(struct queue *queue, uint64_t submitter, uint64_t delivery_id,
	struct queue_message **out, struct err *err);
/* queue_own_forget - one that was taken back; also that it was ever handed over. */
MUST_CHECK int queue_own_forget(
	struct queue *queue, uint64_t submitter, uint64_t delivery_id, struct err *err);
/* queue_own_send - its time is now. -ERR_NOTFOUND: it was sent, or taken back. */
MUST_CHECK int queue_own_send(
	struct queue *queue, uint64_t submitter, uint64_t delivery_id, struct err *err);

#endif
