/* queue_wish.h - one wish about the queue, for queue_desk.c and queue_own.c only. */
#ifndef COURIER_QUEUE_WISH_H
#define COURIER_QUEUE_WISH_H

#include <jansson.h>

#include "courier/desk.h"

struct queue;

struct wish {
	struct pool_job job;
	struct courier *courier;
	struct asked *asked;
	json_t *args;
};

/* What runs gets the answer's object, to be filled in. */
typedef int wish_fn(struct wish *wish, json_t *out, struct err *err);

struct queue *wish_queue(const struct wish *w);
/* wish_json_text - what is not UTF-8 is "?". */
json_t *wish_json_text(struct slice s);

/* queue_own.c */
wish_fn wish_own_list, wish_own_take, wish_own_forget, wish_own_send;

#endif
