/* runner_internal.h - what the parts of the runner share; only for runner*.c and tell.c. */
#ifndef COURIER_RUNNER_INTERNAL_H
#define COURIER_RUNNER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "courier/process.h"
#include "courier/runner.h"
#include "courier/smtp_client.h"
#include "queue/lanes.h"

struct runner {
	struct courier *courier;
	const struct config *settings;
	struct queue *queue;
	struct queue_backoff backoff;
	struct peer_tls *tls;
	struct smtp_client_config client;
	int stop_fd; /* readable: break off what is under way */
	pthread_t clock_thread;
	bool has_clock_thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work, ended;
	struct lanes lanes;
	size_t threads, idle;
	bool is_stopping;
	_Atomic uint64_t sent, deferred, failed, unsure;
	atomic_uint deferring; /* threads that put off what is due where nobody answers */
	atomic_uint visits;
};

enum { RUNNER_WHY_MAX = 400, RUNNER_VISITS_MAX = 3 };

/* runner.c: a thread that others need, too, is going to wait for strangers: -ERR_BUSY if too many
 * do. */
MUST_CHECK int runner_visit_begin(struct runner *r, struct err *err);
void runner_visit_end(struct runner *r);

/* A thread's work on a lane. */
struct turn {
	struct runner *r;
	struct lane *lane;
	struct smtp_client *client;
	/* where there is no connection to be had */
	enum queue_outcome outcome;
	bool is_denied;        /* some host was there, but not as it is demanded to be */
	bool is_bounded;       /* nothing more may go there in this minute */
	unsigned messages_max; /* of a connection; 0: any number */
	char why[RUNNER_WHY_MAX];
};

enum runner_demand {
	RUNNER_USUAL,    /* what the destination says of itself */
	RUNNER_REQUIRED, /* what a message that requires TLS asks for (RFC 8689 4.2.1) */
	RUNNER_RELAXED,  /* nothing (RFC 8689 4.2.2) */
};
/* runner_plan - which hosts a destination has. */
enum plan_result runner_plan(struct runner *r, struct slice destination, struct arena *arena,
	struct plan *out, char why[PLAN_WHY]);
/* runner_external.c: the same as runner_connect() for a user's server; what follows
 * QUEUE_EXTERNAL in the lane's name. */
void runner_connect_external(struct turn *t, struct slice number);
/* runner_connect.c: sets client, or outcome, is_denied and why. */
void runner_connect(struct turn *t, enum runner_demand demand);

/* runner_serve - a lane, until nothing is due there or its connection is lost. Without the lock. */
void runner_serve(struct runner *r, struct lane *lane);
/* runner_linger - wait for something due in the lane; false: nothing came. */
bool runner_linger(struct runner *r, struct lane *lane, int64_t ms);
bool runner_is_stopping(struct runner *r);
/* runner_is_wanted - other lanes wait for a thread. */
bool runner_is_wanted(struct runner *r);

/* tell.c: all reports that are due. */
void runner_tell(struct runner *r);

#endif
