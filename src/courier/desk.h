/*
 * desk.h - what the servers ask of the courier: one verb, one row of desk.c's table, one function.
 *
 * A function gets the request's fields, and the descriptor that came with it if its row says so; it
 * answers once, now or later, from any thread. Connections come and go meanwhile: an answer that
 * nobody waits for is dropped.
 */
#ifndef COURIER_DESK_H
#define COURIER_DESK_H

#include "courier/process.h"
#include "frame/frame.h"

/* One request that is to be answered. */
struct asked;

/* A verb's function. f points into memory that is gone when it returns; fd is the function's own,
 * -1 where the row takes none. */
typedef void desk_fn(struct courier *courier, struct asked *asked, struct frame *f, int fd);

/* desk_open - serve on the listening socket; before pool_start(). */
MUST_CHECK int desk_open(struct courier *courier, int listen_fd, struct err *err);

/* The answer: `fields` were put with frame_put…(). Each of the two frees the request. */
void asked_answer(struct asked *asked, const struct buf *fields);
void asked_fail(struct asked *asked, const struct err *err);

#endif
