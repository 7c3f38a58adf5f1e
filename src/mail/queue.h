/*
 * queue.h - what of the queue only this room uses: handing a letter over.
 */
#ifndef MAIL_QUEUE_H
#define MAIL_QUEUE_H

#include "mail/letter.h"

/* mail_queue_put - keep the letter, which is the queue's from now on, and its message without our
 * own first bytes; done is called after the flush. A letter that is there already counts as put. */
void mail_queue_put(struct mail_queue *queue, struct letter *letter, struct incoming *in,
	mail_done_fn *done, void *context);

#endif
