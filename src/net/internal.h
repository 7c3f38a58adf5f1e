/*
 * internal.h - what the files of net/ share; nobody else includes it.
 *
 * Who may touch what:
 *   - struct conn belongs to its owner: the thread that moved its slot's word from QUEUED to
 *     RUNNING. Only its ticket and answer are reached by others, under the slot's answer lock;
 *   - slots are never freed while the pool lives, so anybody may try to set bits in a word: the
 *     generation in it tells whether the connection is still the one that was meant;
 *   - pool.lock guards the queues, timers.lock the heap, doors.lock slots' free list, listeners
 *     and the counts by address. None of them is held while another is taken.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/map.h"
#include "net/pool.h"
#include "net/tls.h"

enum {
	TURN_BYTES = 256 * 1024, /* moved in one turn at most */
	TURN_HEAVY_US = 5000,    /* of CPU: longer turns make a connection bulk */
	TURN_SHORT_US = 1000,    /* units share a turn for so long while others wait */
	RECORD_BYTES = 16384,    /* of one TLS record */
	READ_BYTES = 64 * 1024,  /* of one read */
	COMMAND_BYTES = 8192,    /* a longer unit holds no secret of ours */
	OUT_PAUSE = 256 * 1024,  /* waiting output that stops input */
	OUT_MAX = 16 << 20,
	CONN_ARENA_MAX = 4 << 20,
	HANDSHAKE_MS = 30000,
	TIMEOUT_MS = 60000, /* until the protocol sets its own */
	CLOSING_MS = 30000, /* for the last output to move */
	LINGER_MS = 2000,
	LINGER_BYTES = 256 * 1024,
	LISTENERS_MAX = 32,
	ATTACHED_MAX = 256, /* slots beside those of clients */
	REFUSALS_MAX = 16,  /* handshakes at once only to say that there are too many */
	ANSWER_LOCKS = 64,
	KEY_UPDATES_MAX = 256, /* of one connection */
	SPARE_BYTES = 256 * 1024,
	CROWD_THREADS = 3, /* an account's connections: one that writes and two that read */
};

/* The word of a slot: generation in the upper half, then bits, then the state. */
enum {
	WORD_FREE = 0,
	WORD_PARKED = 1,
	WORD_QUEUED = 2,
	WORD_RUNNING = 3,
	WORD_STATE = 3,
	BIT_READABLE = 1 << 2,
	BIT_WRITABLE = 1 << 3,
	BIT_RDHUP = 1 << 4,
	BIT_HANGUP = 1 << 5,
	BIT_WAKE = 1 << 6,
	BIT_ANSWER = 1 << 7,
	BIT_CLOSE = 1 << 8,
	BIT_TIMER = 1 << 9,
	BIT_DRAIN = 1 << 10,
	BITS_EPOLL = BIT_READABLE | BIT_WRITABLE | BIT_RDHUP | BIT_HANGUP,
	BITS_ALL = BITS_EPOLL | BIT_WAKE | BIT_ANSWER | BIT_CLOSE | BIT_TIMER | BIT_DRAIN,
};

struct slot {
	struct pool_job job; /* queues the connection */
	_Atomic uint64_t word;
	struct conn *conn;
	struct crowd *crowd; /* written by the owner; NULL: belongs to nobody */
	uint32_t next_free;
	uint8_t class; /* to queue it in; written by the owner before it parks */
};

struct queue {
	struct pool_job *head, *tail;
	size_t len;
};

/* The connections of one account, see crowd.c. */
struct crowd {
	uint64_t key;
	size_t conns;
	unsigned running;   /* that have a turn now */
	struct queue aside; /* queued ones that would be too many */
};

struct worker {
	struct pool *pool;
	pthread_t thread;
	int nice;
	bool is_hurried;     /* what the kernel was told, see pace.c */
	char *scratch;       /* READ_BYTES: input that is whole never needs a buffer of its own */
	struct buf spare;    /* an output buffer between two uses */
	int64_t start_us;    /* of the turn */
	int64_t cpu_us;      /* thread's CPU clock at its start, if the turn is measured */
	size_t bytes;        /* moved in the turn */
	unsigned bio_budget; /* reads left for one SSL call */
};

/* One thing that is due: a pool_timer or a connection. */
struct timer_entry {
	int64_t due_ms;
	size_t *at;               /* where its owner keeps its place in the heap; 0: not there */
	struct pool_timer *timer; /* NULL: a connection */
	struct conn_ref ref;
};

struct timers {
	pthread_mutex_t lock;
	struct timer_entry *heap; /* from 1 */
	size_t count, size;
	int fd;
	int64_t armed_ms; /* what fd is set to; INT64_MAX: nothing */
};

struct listener {
	struct pool_listener face;
	struct pool *pool;
	uint32_t at;
	pthread_mutex_t lock; /* accept against closing */
	_Atomic size_t connections;
	struct pool_timer retry; /* after the system had no descriptor left */
};

struct doors {
	pthread_mutex_t lock;
	struct listener *listeners[LISTENERS_MAX];
	size_t listener_count;
	struct map addresses;
	uint32_t free_slot; /* 0: none; slots count from 1 */
	uint32_t slots_used;
	_Atomic size_t clients;
	_Atomic size_t refusals; /* refused ones that may say so over TLS */
	struct pool_timer drain;
	int64_t drain_start_ms, drain_spread_ms;
	uint32_t drain_at; /* slots up to here were told */
};

struct pool {
	struct pool_config config;
	int epoll_fd, wake_fd;
	struct slot *slots;
	uint32_t slot_count;
	struct worker *workers;
	unsigned started;

	pthread_mutex_t lock;
	struct queue queues[POOL_CLASS_COUNT];
	unsigned running[POOL_CLASS_COUNT], share[POOL_CLASS_COUNT];
	unsigned others_running, others_share; /* all but interactive */
	unsigned bulk_now, bulk_least; /* how many bulk turns may run at the moment, see pool.c */
	int64_t bulk_moved_us;         /* when the last of them ended */
	bool is_bulk_watched;          /* the timer is set */
	struct pool_timer bulk_watch;
	unsigned takes;
	size_t jobs; /* queued or running, connections not counted */
	bool is_waking;
	pthread_cond_t quiet;
	struct map crowds; /* by account */

	_Atomic unsigned idle;  /* threads inside a wait for events; raised under the lock */
	_Atomic size_t waiting; /* in all queues */
	_Atomic bool is_stopping, is_draining;
	pthread_mutex_t answer_locks[ANSWER_LOCKS];
	struct timers timers;
	struct doors doors;
	struct pool_timer trim;
	_Atomic uint64_t sessions, accepted, refused, handshakes_failed, closed;
	uint64_t trimmed; /* sessions closed and accepted when memory was last given back */
};

/* A source in a connection's queue, and the bytes that follow it. */
struct out_part {
	struct source *source;
	struct buf after;
	struct out_part *next;
};

enum phase { PHASE_PROXY, PHASE_HANDSHAKE, PHASE_OPEN, PHASE_LINGER };

struct conn {
	struct pool *pool;
	const struct protocol *protocol;
	void *context;
	struct listener *listener; /* NULL: attached */
	struct tls *tls;
	SSL *ssl;
	struct worker *worker; /* during a turn */
	struct conn_ref ref;
	int fd;
	uint32_t armed; /* what epoll was told; 0: nothing, or an event came */
	enum phase phase : 8;
	uint8_t base_class;
	bool is_registered : 1; /* known to epoll */
	bool is_greeted : 1, is_counted : 1, is_refused : 1, is_by_address : 1, is_refusal : 1;
	bool can_read : 1, can_write : 1; /* until the socket says otherwise */
	bool read_wants_write : 1;        /* OpenSSL's wish, both ways */
	bool write_wants_read : 1;
	bool is_eof : 1, saw_rdhup : 1, saw_hangup : 1;
	bool is_closing : 1;  /* no more units; close when the output is out */
	bool is_dead : 1;     /* close now */
	bool is_acme : 1;     /* the client asked for `acme-tls/1` */
	bool is_beside : 1;   /* input goes on while it is parked */
	bool is_starting : 1; /* TLS begins when the output is out */
	bool is_waiting : 1;  /* the first source said SOURCE_WAIT */
	bool is_parked : 1;   /* a ticket is out */
	bool is_busy : 1;     /* conn_set_busy() */
	bool is_bulk : 1;     /* the last turn was long */
	bool is_measured : 1; /* ask the CPU clock about the next turn */
	bool is_due : 1;      /* BIT_TIMER was seen */
	bool has_wake : 1, has_answer : 1, has_revoke : 1, has_drain : 1;
	uint16_t key_updates;
	struct conn_fds *fds;     /* NULL: none was sent or received */
	struct conn_proxy *proxy; /* the header as far as it came */

	struct buf in;      /* input kept from turn to turn */
	struct slice input; /* not yet consumed: in `in` or in the worker's scratch */
	struct buf out;     /* before the first part */
	size_t out_at;      /* of out: sent */
	struct out_part *parts, *last_part;
	struct arena arena;

	conn_resume_fn *resume;
	uint64_t ticket;       /* under the answer lock; 0: none open */
	struct answer *answer; /* under the answer lock */
	uint64_t last_ticket;

	int64_t timeout_ms, park_due_ms;
	int64_t unit_ms, moved_ms; /* when a unit was done, when output moved */
	int64_t timer_due_ms;      /* the owner's view of its timer; 0: none */
	size_t timer_at;           /* the heap's */
	size_t lingered;

	struct log_ctx log;
	unsigned char address[16]; /* as counted */
	char peer[46];
	_Alignas(max_align_t) char session[];
};

/* slot.c */
struct slot *slot_of(struct pool *pool, struct conn_ref ref);
/* slot_signal - set bits if the connection is still this one; true if it must now be queued. */
bool slot_signal(struct slot *slot, uint32_t generation, uint32_t bits);
uint32_t slot_begin(struct slot *slot);     /* QUEUED to RUNNING; the bits */
uint32_t slot_take_bits(struct slot *slot); /* of a running one */
bool slot_park(struct slot *slot);          /* false: bits came meanwhile */
void slot_requeue(struct slot *slot);       /* RUNNING to QUEUED, bits stay */
void slot_post(struct pool *pool, struct conn_ref ref, uint32_t bits);
pthread_mutex_t *slot_answer_lock(struct pool *pool, uint32_t slot);

/* pool.c */
/* pool_enqueue - wakes a thread unless the caller will look at the queue itself. */
void pool_enqueue(
	struct pool *pool, enum pool_class class, struct pool_job *job, bool caller_takes);
void pool_check_quiet(struct pool *pool);

/* queue_push, queue_pop - under the pool's lock. */
void queue_push(struct queue *q, struct pool_job *job);
struct pool_job *queue_pop(struct queue *q);

/* crowd.c; all but crowd_leave() under the pool's lock */
struct crowd *crowd_of(const struct pool_job *job); /* NULL: of nobody */
/* crowd_enter - the job may have its turn now; false: it was put aside. */
bool crowd_enter(struct crowd *crowd, struct pool_job *job);
/* crowd_end - a turn is over; the job to queue again, if one was put aside. */
struct pool_job *crowd_end(struct pool *pool, struct crowd *crowd);
void crowd_leave(struct conn *c);

/* pace.c: of the calling thread */
void pace_init(struct worker *w);
void pace_set(struct worker *w, bool is_hurried);

/* timer.c */
MUST_CHECK int timers_init(struct timers *timers, struct err *err);
void timers_done(struct timers *timers);
void timers_set_conn(struct conn *c, int64_t due_ms);
void timers_clear_conn(struct conn *c);
void timers_run(struct pool *pool);

/* listen.c */
void listener_accept(struct listener *l);
void doors_close(struct pool *pool); /* all listeners */
void doors_done(struct pool *pool);
void doors_conn_closed(struct conn *c); /* slot and counts given back */
/* doors_proxied - the header was read: the connection is that peer's (NULL: the balancer's own), and
 * begins now. */
void doors_proxied(struct conn *c, const struct ip *source);

/* conn.c */
void conn_job(struct pool_job *job);                /* only a mark: queued slots carry it */
void conn_begin(struct conn *c, bool caller_takes); /* the creator lets go of it */
void conn_turn(struct worker *w, struct slot *slot);
void conn_destroy(struct conn *c);

/* conn_io.c */
enum flow {
	FLOW_CLEAR,   /* all is out */
	FLOW_BLOCKED, /* the socket takes no more */
	FLOW_WAITING, /* a source waits for somebody */
	FLOW_SPENT,   /* the turn is over */
	FLOW_BROKEN,
};
size_t conn_out_left(const struct conn *c);
enum flow conn_flush(struct conn *c);
/* conn_fill - read once: true if bytes came; else is_eof, is_dead or !can_read says why. */
bool conn_fill(struct conn *c);
/* conn_wipe_unit - a unit was done; one as short as a command may have been a password, and a
 * worker's memory stays. */
void conn_wipe_unit(struct conn *c, struct slice unit);
void conn_stash(struct conn *c); /* keep what outlives the turn, give back what does not */
void conn_drop_output(struct conn *c);
bool conn_is_spent(struct conn *c);

/* conn_fds.c: as recv() and send() on Unix sockets, with the descriptors that go along */
ssize_t conn_fds_read(struct conn *c, char *p, size_t n);
ssize_t conn_fds_write(struct conn *c, const char *p, size_t n);
bool conn_has_fds_to_send(const struct conn *c);
void conn_fds_done(struct conn *c);

/* conn_proxy.c */
bool conn_is_proxied(const struct pool_listener *face, const char *peer);
int conn_proxy_step(struct conn *c); /* 1 done, 0 not yet, -1 failed */
void conn_proxy_done(struct conn *c);

/* conn_tls.c: as read() and write(); -1 with can_read, can_write and the wishes set, or
 * is_dead. 0 bytes read: is_eof. */
MUST_CHECK bool conn_tls_begin(struct conn *c);
int conn_tls_handshake(struct conn *c); /* 1 done, 0 not yet, -1 failed */
ssize_t conn_tls_read(struct conn *c, char *p, size_t n);
ssize_t conn_tls_write(struct conn *c, const char *p, size_t n);
void conn_tls_end(struct conn *c, bool is_clean);

/* tls.c */
/* tls_ask_certificate - before the handshake: the client may show one, whoever made it. */
void tls_ask_certificate(SSL *ssl);
SSL *tls_session_new(struct tls *tls, bool allows_old, void *bio_data);
/* tls_alpn.c: OpenSSL's callback; tls_note_acme - look whether the client asks for a challenge,
 * before anything is chosen; tls_is_acme - it does. */
int tls_choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *arg);
void tls_note_acme(SSL *ssl);
bool tls_is_acme(SSL *ssl);
/* tls_bio_read, tls_bio_write - conn_tls.c's: what OpenSSL calls for bytes. */
int conn_bio_read(BIO *bio, char *p, int n);
int conn_bio_write(BIO *bio, const char *p, int n);
void conn_msg_seen(int is_write, int version, int content_type, const void *p, size_t len, SSL *ssl,
	void *arg);

#endif
