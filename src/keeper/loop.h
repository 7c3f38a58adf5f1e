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

enum loop_door { LOOP_SERVER, LOOP_CLI, LOOP_DOORS };

struct peer;

/* Who waits for an answer; given away with caller_reply() or caller_fail(). */
struct caller {
	struct peer *peer;
	uint32_t id;
};

void caller_reply(struct caller caller, const struct slice *fields, size_t n);
void caller_fail(struct caller caller, int rc, const char *reason);

struct loop_config {
	int fds[LOOP_DOORS]; /* listening; stay the caller's */
	unsigned owner_uid;  /* whom LOOP_CLI takes beside root */
	void *context;
	/* handle - false: a bad frame (the caller was not answered); the connection is closed. */
	bool (*handle)(void *context, enum loop_door door, struct caller caller, struct frame *f);
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
