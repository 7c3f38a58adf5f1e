/*
 * runner.h - sends what is in the queue.
 *
 * A thread for each outgoing connection, started as they are needed and at most as many as the
 * settings allow, with small stacks; one thread more looks at the clock and tells senders. Each
 * destination has a lane (queue/lanes.h): a thread takes the next lane, claims a message of it,
 * makes a connection if it has none, sends, and goes on with the lane's next message over the same
 * connection.
 */
#ifndef COURIER_RUNNER_H
#define COURIER_RUNNER_H

#include "queue/queue.h"

struct courier;
struct runner;

/* runner_open - queue.db in the current directory; before the sandbox. */
MUST_CHECK int runner_open(struct courier *courier, struct runner **out, struct err *err);
/* runner_start - send, when the pool runs. */
MUST_CHECK int runner_start(struct runner *runner, struct err *err);
/* runner_stop - nothing new is begun; what is under way has wait_ms to end. */
void runner_stop(struct runner *runner, int64_t wait_ms);
/* runner_close - after the pool was stopped. */
void runner_close(struct runner **runner);

struct queue *runner_queue(struct runner *runner);
/* runner_limit - bounds of a destination, kept and used from now on; all 0: none. runner_why - why
 * nothing is sent to that destination just now, or NULL; until_out as lanes_why() has it. */
struct lane_bounds;
MUST_CHECK int runner_limit(struct runner *runner, struct slice destination,
	const struct lane_bounds *bounds, struct err *err);
const char *runner_why(struct runner *runner, int64_t destination, int64_t *until_out);
/* runner_test_external - connect and log in to a user's server (external.h); waits. -ERR_CONFLICT:
 * the login was refused. -ERR_BUSY, of this and of runner_look(): also if too many wait so. */
MUST_CHECK int runner_test_external(struct runner *runner, uint64_t id, struct err *err);
/* runner_hurry - destinations that failed are tried again at once. */
void runner_hurry(struct runner *runner);

/* runner_look - the hosts that mail for a destination would be brought to now, the first one first,
 * and what is demanded of TLS with each, in words. Asks the DNS, and may fetch a policy. */
typedef void runner_host_fn(void *context, struct slice host, const char *tls);
MUST_CHECK int runner_look(struct runner *runner, struct slice destination, runner_host_fn *each,
	void *context, struct err *err);

struct runner_status {
	uint64_t connections, destinations;
	/* recipients, since the start; unsure: deferred that may have been taken all the same */
	uint64_t sent, deferred, failed, unsure;
};
void runner_status(struct runner *runner, struct runner_status *out);

#endif
