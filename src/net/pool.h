/*
 * pool.h - the threads, the epoll set they share, timers, jobs and listeners.
 *
 * A connection has one atomic word: PARKED, QUEUED or RUNNING, and the bits READABLE, WRITABLE,
 * WAKE, ANSWER, CLOSE, TIMER. Anybody may set bits; who moves PARKED to QUEUED enqueues; only the
 * owner calls epoll_ctl and SSL_* and parks again by compare-and-swap after it saw no bits, and,
 * where it wants input, after a read (through TLS) that found nothing more. epoll carries slot and
 * generation, never a pointer.
 *
 * Work waits in classes, each with a share of the threads (see enum pool_class). A connection
 * whose turn took over 5 ms of CPU or 256 KiB goes to the bulk class for its next turn.
 *
 * Every function here may be called from any thread unless it says otherwise.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "base/ip.h"
#include "net/conn.h"

enum pool_class {
	POOL_INTERACTIVE, /* may use every thread; a quarter is kept for it alone */
	POOL_BULK,      /* long turns, background jobs: as many as cores, up to 3/4 if they wait */
	POOL_HANDSHAKE, /* users' handshakes wait for the keeper's signature: at most half */
	POOL_MX,        /* strangers on port 25, their handshakes included: at most half */
	POOL_CLASS_COUNT,
};

struct pool_config {
	unsigned threads;       /* 0: 8 for each core, at least 16 */
	size_t connections_max; /* all listeners together */
	size_t per_address_max; /* of one client address; 0: no bound */
};

/* pool_new - allocate, no thread yet: listeners and attached connections come first. */
MUST_CHECK int pool_new(const struct pool_config *config, struct pool **pool_out, struct err *err);
/* pool_start - start the threads (after the sandbox is on) and return. */
MUST_CHECK int pool_start(struct pool *pool, struct err *err);
/* pool_drain - accept no more; idle sessions get goodbye(GOODBYE_SHUTDOWN) spread over spread_ms
 * (0: at once), the others after what they do. */
void pool_drain(struct pool *pool, int64_t spread_ms);
/* pool_wait - until no connection of a listener and no job is left, or timeout_ms passed. */
void pool_wait(struct pool *pool, int64_t timeout_ms);
/* pool_stop - stop the threads, close everything, free. Sets *pool to NULL. */
void pool_stop(struct pool **pool);

struct pool_listener {
	int fd; /* bound and listening; owned by the pool from now on */
	const struct protocol *protocol;
	void *context;   /* conn_context() of its connections */
	struct tls *tls; /* for implicit TLS and conn_start_tls(); NULL: none */
	bool is_implicit_tls;
	bool allows_old_tls;    /* TLS 1.0 and 1.1, too */
	bool asks_certificate;  /* of the client, for conn_peer_key() */
	enum pool_class class;  /* of its connections: POOL_INTERACTIVE or POOL_MX */
	size_t connections_max; /* of this listener; 0: only the pool's bound */
	bool is_trusted;        /* Unix sockets: no bound by address */
	/* Load balancers: their connections begin with a header (net/proxy.h) that says for whom.
	 * The list outlives the pool. */
	const struct ip_network *proxies;
	size_t proxies_n;
};

/* pool_listen - before or after pool_start(). */
MUST_CHECK int pool_listen(
	struct pool *pool, const struct pool_listener *listener, struct err *err);

/* pool_relisten - whoever connects to this listening descriptor from now on meets this protocol;
 * NULL: the descriptor is closed. With ends_connections those that came by it are told
 * GOODBYE_REVOKED. */
void pool_relisten(
	struct pool *pool, int fd, const struct protocol *protocol, bool ends_connections);

/* pool_attach - take over a connected descriptor (to the keeper, the supervisor) as a connection of
 * ours; greet() is called first. Not counted among clients, not drained. */
MUST_CHECK int pool_attach(struct pool *pool, int fd, const struct protocol *protocol,
	void *context, struct conn_ref *ref_out, struct err *err);

/* pool_wake - notify() of that connection (or a pull that said SOURCE_WAIT) runs soon. */
void pool_wake(struct pool *pool, struct conn_ref ref);
/* pool_wake_many - the same for n of them, in batches, from a job of its own: a commit that many
 * sessions watch costs the committer O(1). Copies refs. */
void pool_wake_many(struct pool *pool, const struct conn_ref *refs, size_t n);
/* pool_revoke - goodbye(GOODBYE_REVOKED) and close, at once. */
void pool_revoke(struct pool *pool, struct conn_ref ref);

/* pool_answer - end a conn_park(). If the connection has gone, or the ticket is not its present
 * one, answer->free_data is called and false returned. */
bool pool_answer(
	struct pool *pool, struct conn_ref ref, uint64_t ticket, const struct answer *answer);

/* A piece of work for the pool's threads. The object is the caller's; run() may free it. */
struct pool_job {
	void (*run)(struct pool_job *job);
	struct pool_job *next; /* the queue's */
};
void pool_run(struct pool *pool, enum pool_class class, struct pool_job *job);

/* A job at a time. pool_timer_set() again moves it, but once it was due only run() may set it
 * anew: its job is queued. For the same reason clear is then no guarantee. */
struct pool_timer {
	struct pool_job job;
	enum pool_class class;
	int64_t due_ms; /* clock_mono_ms() */
	size_t heap_at; /* the heap's; 0: not set */
};
void pool_timer_set(struct pool *pool, struct pool_timer *timer, int64_t due_ms);
void pool_timer_clear(struct pool *pool, struct pool_timer *timer);

struct pool_stats {
	size_t connections, threads, running, queued[POOL_CLASS_COUNT];
	uint64_t accepted, refused, handshakes_failed;
};
void pool_stats(struct pool *pool, struct pool_stats *out);

#endif
