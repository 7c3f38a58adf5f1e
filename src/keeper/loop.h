/*
 * loop.h - the keeper's sockets: one thread polls them all and cuts their bytes into frames.
 *
 * A frame is given to the handler with a caller, which somebody answers once, from any thread and
 * in any order; answers to a connection that has gone are dropped. A peer that does not read its
 * answers is cut off. Bytes of requests are wiped when the handler returns.
 */
#ifndef KEEPER_LOOP_H
#define KEEPER_LOOP_H

#include "keeper/frame.h"

enum loop_door { LOOP_SERVER, LOOP_CLI, LOOP_COURIER, LOOP_DOORS };

/* loop_door_name - for logs. */
const char *loop_door_name(enum loop_door door);

struct peer;

/* Who waits for an answer; given away with caller_reply() or caller_fail(). */
struct caller {
	struct peer *peer;
	uint32_t id;
};

void caller_reply(struct caller caller, const struct slice *fields, size_t n);
/* caller_answer - the same, with fields that were written with frame_put(). */
void caller_answer(struct caller caller, const struct buf *fields);
void caller_fail(struct caller caller, int rc, const char *reason);
/* caller_send - whole frames, whichever; caller_drop - no answer will come. Sending keeps the
 * caller. */
void caller_send(struct caller caller, struct slice frames);
void caller_drop(struct caller caller);
/* caller_again - another of the same, to be given away too. */
struct caller caller_again(struct caller caller);
/* caller_cut - close the connection: nothing can be said over it any more. */
void caller_cut(struct caller caller);

struct loop_config {
	int fds[LOOP_DOORS]; /* listening; stay the caller's */
	unsigned owner_uid;  /* whom LOOP_CLI takes beside root */
	void *context;
	/* handle - false: a bad frame (the caller was not answered); the connection is closed. */
	bool (*handle)(void *context, enum loop_door door, struct caller caller, struct frame *f);
	/* gone - a connection is closed; its callers are still to be given away. */
	void (*gone)(void *context, const struct peer *peer);
	/* tick - about once a second. */
	void (*tick)(void *context);
};

struct loop;

/* loop_new - blocks SIGTERM and SIGINT in this thread and those it starts. */
MUST_CHECK int loop_new(const struct loop_config *config, struct loop **out, struct err *err);
/* loop_run - until SIGTERM or SIGINT. */
MUST_CHECK int loop_run(struct loop *loop, struct err *err);
/* loop_free - when nobody holds a caller any more. */
void loop_free(struct loop **loop);

#endif
