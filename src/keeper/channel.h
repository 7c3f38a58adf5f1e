/*
 * channel.h - ask the keeper and wait: one question at a time on a blocking connection.
 *
 * For the handshakes of the server's threads and for the operator's CLI. Used by one thread at a
 * time. Deadlines are clock_mono_ms(), CHANNEL_FOREVER for none.
 */
#ifndef KEEPER_CHANNEL_H
#define KEEPER_CHANNEL_H

#include "keeper/frame.h"

#define CHANNEL_FOREVER INT64_MAX

/* channel_open - the descriptor, or -ERR_BUSY: nobody listens there now. */
MUST_CHECK int channel_open(const char *path, struct err *err);

/*
 * channel_ask - send a frame and wait for its answer, whose fields stand in `reply` (which is
 * cleared before). The keeper's own errors are returned with answered_out true; with false the
 * connection is of no more use: -ERR_IO (it broke), -ERR_BUSY (the deadline passed).
 */
MUST_CHECK int channel_ask(int fd, struct slice request, int64_t deadline_ms, struct buf *reply,
	struct frame *fields_out, bool *answered_out, struct err *err);

/* channel_await - the same for an answer that may take long: given up (-ERR_BUSY) when stop_fd can
 * be read or wait_ms have passed. The connection is of no more use then. */
MUST_CHECK int channel_await(int fd, struct slice request, int stop_fd, int64_t wait_ms,
	struct buf *reply, struct frame *fields_out, struct err *err);

/* channel_ask_once - on a connection of its own; the request (begun at its front) is finished here.
 */
MUST_CHECK int channel_ask_once(const char *path, struct buf *request, int64_t deadline_ms,
	struct buf *reply, struct frame *fields_out, struct err *err);

#endif
