/*
 * process.h - what the courier is made of, and its parts; only for src/courier.
 *
 * Set up by the main thread before pool_start(); afterwards each part guards what it changes.
 */
#ifndef COURIER_PROCESS_H
#define COURIER_PROCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "courier/courier.h"
#include "net/pool.h"

/* Lines for the supervisor that are not sent yet, and what it told us. */
struct courier_bus {
	struct conn_ref conn;
	pthread_mutex_t lock; /* guards all below */
	struct buf out;
	unsigned servers; /* that run now */
};

struct courier {
	const struct config *settings;
	struct pool *pool;
	struct courier_bus bus;
	int event_fd; /* wakes the main thread after must_stop was set */
	atomic_bool must_stop;
};

/* courier_stop - end the process. Any thread. */
void courier_stop(struct courier *courier);

/* bus.c: lines to and from the supervisor (supervisor/child.h) */
MUST_CHECK int courier_bus_open(struct courier *courier, int fd, struct err *err);
void courier_bus_done(struct courier_bus *bus);
/* courier_say - a line, without its end, to every server. Any thread. */
PRINTF_LIKE(2, 3)
void courier_say(struct courier *courier, const char *fmt, ...);

#endif
