/*
 * line.h - one connection to another process of ours, over which many sessions ask at once.
 *
 * Nobody waits here: who asks is parked (conn_park) and woken with the answer. A request is known
 * by its id until it is answered; those that the connection has not taken yet wait in a list, and
 * what ran out of time there is dropped unsent: the pool has told whoever asked. When the
 * connection is lost, what was sent over it is answered -ERR_BUSY, the rest waits for the next
 * connection, which a timer makes.
 *
 * Any thread. A descriptor goes with its request (SCM_RIGHTS): see net/conn.h.
 * Bounds: LINE_REQUESTS_MAX in all, line_config.sent_max of them sent.
 */
#ifndef LINE_LINE_H
#define LINE_LINE_H

#include "frame/frame.h"
#include "net/pool.h"

enum { LINE_REQUESTS_MAX = 8192 };

struct line;

struct line_config {
	const char *name; /* of the process: in logs and errors */
	const char *path; /* of its socket, below the current directory */
	size_t answer_max;
	size_t sent_max; /* requests that the other side holds at most */
	int64_t away_ms; /* asked while the connection is lost for so long: -ERR_BUSY; 0: wait */
	void *context;
	/* connected - a new connection: what is said now (line_say_first) comes before all else.
	 * May be NULL. */
	void (*connected)(void *context, struct conn *c);
	/* unasked - a frame with id 0. NULL: there are none. */
	void (*unasked)(void *context, struct conn *c, struct frame *f);
};

/* line_read_fn - the answer's data, made with malloc(), from its fields; that these were all is
 * checked by the line. */
typedef void *line_read_fn(struct frame *f);

struct line_request {
	struct conn_ref who; /* whom to answer, and the ticket it parked with */
	uint64_t ticket;
	int64_t deadline_ms;
	line_read_fn *read; /* NULL: the answer has no data */
	/* own - our own question: called with the answer, nobody is parked, nothing is said when
	 * the connection is lost. Else NULL. */
	void (*own)(void *context, struct frame *f);
	/* done - called with the answer (f has its fields, rc is 0) or why there is none, instead
	 * of anybody being woken; with done_context. Else NULL. */
	void (*done)(void *context, struct frame *f, int rc, const struct err *err);
	void *done_context;
	int fd;           /* sent with the request and closed; -1: none */
	struct buf frame; /* begun, with its fields; wiped when it is sent */
};

/* line_new - connects when it is started. The config is copied, its strings are not. */
struct line *line_new(const struct line_config *config);
/* line_start - let the pool watch the connection; before pool_start(), once. */
void line_start(struct line *line, struct pool *pool);
/* line_stop - before the pool is stopped: calls (done) are told that there will be no answer, and
 * so is all that is asked from now on. What they belong to is still there then. */
void line_stop(struct line *line);
/* line_free - after the pool was stopped, or if it was never started. */
void line_free(struct line **line);

/* line_ask - takes over the frame and the descriptor. */
void line_ask(struct line *line, struct line_request *request);
/* line_fail - the answer without asking. */
void line_fail(
	struct line *line, const struct line_request *request, enum err_code code, const char *why);
/* line_say_first - only in connected(). */
void line_say_first(struct line *line, struct conn *c, struct line_request *request);

#endif
