/*
 * queue.h - mail for elsewhere goes to the courier, which keeps it in its queue.
 */
#ifndef MAIL_QUEUE_H
#define MAIL_QUEUE_H

#include "mail/external.h"

struct mail_queue {
	/* put - see mail_queue_put(). A test puts something else here than the courier. */
	void (*put)(struct mail_queue *queue, struct letter *letter, struct incoming *in,
		bool is_repeated, mail_done_fn *done, void *context);
};

/*
 * mail_queue_put - hand over the letter, which is the queue's from now on, and its message without
 * our own first bytes; done is called when it is on disk there. is_repeated: it may be handed over
 * again, and is kept once. -ERR_BUSY: the courier is away.
 */
static inline void mail_queue_put(struct mail_queue *queue, struct letter *letter,
	struct incoming *in, bool is_repeated, mail_done_fn *done, void *context)
{
	queue->put(queue, letter, in, is_repeated, done, context);
}

/* mail_queue_pack - the request's fields (ask/verbs.h). */
void mail_queue_pack(const struct letter *letter, const struct incoming *in, bool is_repeated,
	const struct mail_way *way, struct slice text, struct buf *out);

#endif
