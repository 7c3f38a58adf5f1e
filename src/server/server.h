/*
 * server.h - the server process: what it is made of, and its parts; only for src/server.
 *
 * Start: settings and descriptors from the supervisor, DIR/mail entered, the user dropped, every
 * part opened, then the sandbox, then the threads. End: SIGTERM, "drain" from the supervisor (after
 * an upgrade), or the supervisor's own end.
 *
 * Threads: everything here is set up by the main thread before pool_start(); afterwards the bus's
 * connection and timers change only what is marked atomic or has a lock.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdatomic.h>

#include "admin/control.h"
#include "base/config.h"
#include "base/ip.h"
#include "base/map.h"
#include "server/handover.h"
#include "web/web.h"

enum { SERVER_PROXIES_MAX = 64 }; /* networks of load balancers */

struct server {
	struct handover handover;
	struct config *config; /* of the start */
	struct service service;
	struct control control;
	struct tls *tls;
	struct ip_network proxies[SERVER_PROXIES_MAX], xclients[SERVER_PROXIES_MAX];
	size_t proxies_n;
	struct web *web; /* of https and http: site.c */
	int web_spool_fd;
	struct pool_timer ticket_timer;
	struct {
		atomic_bool is_on;
		int tls_fd;
		struct pool_timer timer;
		char asked[DIRECTORY_ADDRESS_MAX]; /* the domain asked about last; the timer's */
	} customers;                               /* customers.c */
	int event_fd; /* wakes the main thread after a change of the two below */
	atomic_bool must_stop;
	_Atomic int64_t drain_ms; /* how long to spread closing over; -1: not draining */
	_Atomic int64_t stop_ms;
	/* the bus */
	struct conn_ref bus;
	atomic_uint peers; /* servers beside us */
	pthread_mutex_t notices_lock;
	struct map notices;             /* account -> struct notice, not sent yet */
	pthread_mutex_t listeners_lock; /* guards the handover's listening descriptors */
	struct buf says;                /* whole lines, not sent yet */
};

/* server_main - `posthouse @server …`. */
int server_main(int argc, char **argv);

/* bus.c */
extern const struct protocol bus_protocol; /* conn_context() is the struct server */
void bus_publish(void *server, uint64_t account, uint64_t modseq); /* store_config.publish */
void bus_tell_revoked(void *server, uint64_t account);             /* service.tell_revoked */
void bus_done(struct server *server);

/* certificates.c */
/* certificates_begin - those of ../tls; what cannot be used is logged. -ERR_NOTFOUND: none can. */
MUST_CHECK int certificates_begin(struct server *server, struct err *err);
/* tickets_start - fetch the ticket keys now and then; tickets_stop before the pool goes. */
void tickets_start(struct server *server);

/* customers.c: certificates for customers' domains */
MUST_CHECK int customers_open(struct server *server, struct err *err);
void customers_start(struct server *server);
void customers_close(struct server *server);

/* listeners.c */
MUST_CHECK int listeners_open(struct server *server, struct err *err);
/* listeners_follow - the ports that begin without TLS follow their policy; a policy_changed_fn. */
void listeners_follow(void *server);

/* site.c */
/* site_home - where the pages are, for links in mail; `made` holds it. */
struct slice site_home(const struct server *server, struct buf *made);
/* site_open - what browsers see on https and http. */
MUST_CHECK int site_open(struct server *server, struct err *err);
void site_close(struct server *server);

/* server.c: called by the bus */
void server_wake(struct server *server);
void server_apply(struct server *server, const struct config *config);

#endif
