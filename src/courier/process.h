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
#include "courier/dns.h"
#include "net/pool.h"
#include "track/track.h"

/* Lines for the supervisor that are not sent yet, and what it told us. */
struct courier_bus {
	struct conn_ref conn;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t heard;
	struct buf out;
	unsigned servers; /* that run now */
	struct buf open;  /* the line that every server must have, with its end; or empty */
	uint64_t number;  /* of that line */
	unsigned having;  /* how many servers said that they have it */
};

struct orders;
struct outcomes;
struct gateway;
struct runner;
struct scanner;
struct sts;
struct tls_results;
struct external;
struct bring;

struct courier {
	const struct config *settings;
	struct pool *pool;
	struct courier_bus bus;
	struct dns *dns;
	struct orders *orders;
	struct gateway *gateway; /* NULL: no gateway */
	struct runner *runner;
	struct external *external; /* users' own servers */
	struct bring *bring;       /* mail from other providers */
	struct track *track;       /* what happened to messages */
	struct scanner *scanner;   /* NULL: no scanner */
	struct sts *sts;
	struct tls_results *tls_results;
	struct buf ca_pem;         /* by which mail hosts are known; may be empty */
	struct outcomes *outcomes; /* of accounts' mail */
	int event_fd;              /* wakes the main thread after must_stop was set */
	atomic_bool must_stop;
	atomic_uint unsubscribing; /* lists that are being left: unsubscribe.h */
};

/* courier_fetch - one request to where the DNS of somebody else leads; with the bounds of the
 * setting courier.private. Errors: fetch_do(). */
struct fetch_request;
struct fetch_reply;
MUST_CHECK int courier_fetch(struct courier *courier, const struct fetch_request *request,
	struct fetch_reply *reply, struct err *err);
/* courier_stop - end the process. Any thread. */
void courier_stop(struct courier *courier);
/* courier_pause - let time pass; false: the process ends. */
bool courier_pause(struct courier *courier, int64_t ms);

/* bus.c: lines to and from the supervisor (supervisor/child.h) */
MUST_CHECK int courier_bus_open(struct courier *courier, int fd, struct err *err);
void courier_bus_done(struct courier_bus *bus);
/* courier_say - a line, without its end, to every server. Any thread. */
PRINTF_LIKE(2, 3)
void courier_say(struct courier *courier, const char *fmt, ...);
/*
 * courier_publish - "WORD NUMBER REST" to every server, those included that start later, until
 * courier_withdraw(); returns when all that run have it. -ERR_BUSY: not in wait_ms. One at a time.
 */
MUST_CHECK int courier_publish(struct courier *courier, const char *word, struct slice rest,
	int64_t wait_ms, struct err *err);
void courier_withdraw(struct courier *courier);

#endif
