/*
 * child.h - one process that the supervisor started, and its end of the bus.
 *
 * The bus is a socket pair to each server and to the courier; both sides send lines of text:
 *
 *   from a server     ready | notice ACCOUNT MODSEQ | revoke ACCOUNT | acme-has NUMBER
 *   to a server       notice ACCOUNT MODSEQ | revoke ACCOUNT | peers N | processes JSON | drain MS
 * | reload BASE64 | what the courier says from the courier  acme-… (courier/process.h): told to
 * every server to the courier    servers N | acme-has NUMBER
 *
 * Sending never blocks: what the socket does not take waits in `out`.
 */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <sys/types.h>

#include "base/buf.h"
#include "server/handover.h"

enum role { ROLE_KEEPER, ROLE_SETUP, ROLE_SERVER, ROLE_COURIER, ROLE_COUNT };
enum child_state { CHILD_STARTING, CHILD_READY, CHILD_DRAINING };

enum { BUS_LINE_MAX = 512 << 10, BUS_OUT_MAX = 16 << 20, BUS_OUT_FULL = 1 << 20 };

struct child {
	pid_t pid;
	enum role role;
	enum child_state state;
	unsigned generation;         /* of a server: counts from 1 */
	int64_t started_s;           /* wall clock */
	int64_t started_ms, kill_ms; /* monotonic; kill_ms 0: no kill planned */
	bool is_asked;               /* we want it to end */
	int bus;                     /* -1: has none */
	struct buf in, out;
};

const char *role_name(enum role role);

/* child_start - fork and exec the program (an O_PATH descriptor) in that role; with_bus: handover
 * gets "bus", too. */
MUST_CHECK int child_start(struct child *child, enum role role, int program_fd,
	const struct handover *handover, bool with_bus, struct err *err);
/* child_stop - SIGTERM now, SIGKILL after kill_after_ms. */
void child_stop(struct child *child, int64_t kill_after_ms);
/* child_done - it has ended: give back what we hold for it. */
void child_done(struct child *child);

PRINTF_LIKE(2, 3)
void child_send(struct child *child, const char *fmt, ...);
/* child_flush - write what waits. */
void child_flush(struct child *child);
/* child_read - what has arrived is appended to child->in; false at the end of the bus. */
bool child_read(struct child *child);
/* child_line - the next whole line, valid until the next child_read(); false if there is none.
 * *at starts with 0; when done, child_taken(child, at). */
bool child_line(const struct child *child, size_t *at, struct slice *line_out);
void child_taken(struct child *child, size_t at);

#endif
