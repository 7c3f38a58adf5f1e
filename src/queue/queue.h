/*
 * queue.h - mail on its way elsewhere: queue.db, what is due for which destination, and what became
 * of it. No network: who sends it is the courier.
 *
 * A message is stored once, with its body in chunks; each recipient is a row. A destination is a
 * name that mail is brought to together: a domain, or what a route names instead (route.h).
 *
 * Invariants
 *   1. What queue_put() acknowledged is on disk until each recipient has been delivered, has failed
 *      for good, or was dropped by the operator.
 *   2. Who must be told of it (RFC 3461 4.1) is told by one message, which goes into the queue in
 *      the transaction that takes the told recipients out.
 *   3. A recipient that is being tried ("running") is known in memory only, so that an attempt
 *      writes nothing before its outcome; after a crash it is tried again.
 *
 * Writes of all threads share their flushes (group/group.h). Any thread may call anything here;
 * what is written is acknowledged by a call of done(), on whichever thread wrote it.
 *
 * Bounds: QUEUE_*. Errors: those of db.h; -ERR_QUOTA also when the disk's reserve is reached.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "queue/backoff.h"

enum {
	QUEUE_ARENA_MAX = 32 << 20,    /* envelope of one message */
	QUEUE_RECIPIENTS_MAX = 100000, /* of one message */
	QUEUE_CHUNK = 256 << 10,       /* of a body */
	QUEUE_REPLY_MAX = 500,         /* of what a host said, as it is kept */
	QUEUE_SEEN_S = 7 * 24 * 3600,  /* how long a letter handed over again is known */
	QUEUE_FAILED_S = 10,           /* what could not be written down is tried again after it */
	QUEUE_NAME_MAX = 300,          /* of a destination */
	QUEUE_TOLD_MAX = 500,          /* recipients in one report; of more there are several */
};

/* The destination of what goes back to the mail server of this host. No domain looks like it. */
#define QUEUE_HERE "<here>"
/* And mail that leaves by a user's own server elsewhere: this, a number and ">". */
#define QUEUE_EXTERNAL "<external:"

struct pool;
struct queue;

enum queue_state {
	QUEUE_WAITING,
	QUEUE_HELD,
	/* These remain until the sender has been told. */
	QUEUE_DELIVERED,
	QUEUE_RELAYED, /* to a host that sends no reports */
	QUEUE_BOUNCED,
};

enum queue_flag { /* of a message; bits */
	QUEUE_SMTPUTF8 = 1,
	QUEUE_8BIT = 2,
	QUEUE_REQUIRETLS = 4, /* RFC 8689 */
	QUEUE_REPORT = 8,     /* is one itself: nobody is told what became of it */
	QUEUE_BY_TRACE = 16,  /* RFC 2852: T of BY= */
	QUEUE_BY_NOTIFY =
		32,          /* past by_s the sender is told, and it is tried on; else it bounces */
	QUEUE_REPEATED = 64, /* may be handed over twice: its delivery id is remembered */
	QUEUE_TLS_OPTIONAL = 128, /* RFC 8689 5: the header says TLS-Required: No */
	QUEUE_BY_OVER = 256,      /* by_s is past, and what follows from that was done */
	QUEUE_TAKEN = 512,        /* its submitter took it back: nobody sends it any more */
};

enum queue_origin { /* why it is here */
	QUEUE_OF_USER,
	QUEUE_OF_REPORT,
	QUEUE_OF_NOTICE,
	QUEUE_OF_FORWARD,
	QUEUE_ORIGINS,
};

enum queue_priority { QUEUE_FIRST, QUEUE_NORMAL, QUEUE_BULK, QUEUE_PRIORITIES };

enum queue_notify { /* as in RFC 3461 4.1; 0: not given */
	QUEUE_NOTIFY_NEVER = 1,
	QUEUE_NOTIFY_SUCCESS = 2,
	QUEUE_NOTIFY_FAILURE = 4,
	QUEUE_NOTIFY_DELAY = 8,
};

/* What an attempt came to. */
enum queue_outcome {
	QUEUE_OUT_NONE, /* it did not come to this recipient: as before */
	QUEUE_OUT_DELIVERED,
	QUEUE_OUT_RELAYED,   /* delivered, and reports of success are ours to give */
	QUEUE_OUT_HANDED_ON, /* the same, and the sender wants to hear of it (RFC 2852) */
	QUEUE_OUT_DEFERRED,  /* tried again later, if there is time left */
	QUEUE_OUT_FAILED,
};

struct queue_recipient {
	unsigned number;        /* with the message's id its key */
	struct slice address;   /* where to: local@domain */
	struct slice recipient; /* as the sender named it; empty: the same */
	struct slice orcpt;     /* RFC 3461 4.2: "rfc822;…", not encoded */
	unsigned notify;        /* bits of enum queue_notify */
	bool is_here;           /* an account of this host, whatever the routes say */
	enum queue_state state;
	unsigned attempts;
	int64_t due_s;
	struct slice reply; /* what was said last; and by which host */
	struct slice host;
	bool is_delayed; /* in a report: it is about delay */
	/* of an attempt, filled in for queue_finish() */
	enum queue_outcome outcome;
	bool is_unsure; /* deferred, though the host may have taken it: it may come twice */
};

struct queue_message {
	struct arena arena;
	int64_t id; /* 0: not stored yet */
	uint64_t delivery_id;
	uint64_t number;    /* in its history (track/track.h); 0: it has none */
	uint64_t submitter; /* account; 0: none */
	enum queue_origin origin;
	enum queue_priority priority;
	unsigned flags; /* bits of enum queue_flag */
	struct slice sender, envid;
	struct slice path;    /* what MAIL says instead of the sender; empty: the sender */
	struct slice route;   /* the destination of all recipients; empty: each one's own */
	char ret;             /* 'F'ull, 'H'eaders, 0 */
	int64_t accepted_s;   /* wall clock, as all times here */
	int64_t not_before_s; /* held until then; 0: not held */
	int64_t expires_s;    /* 0: as the settings say */
	int64_t by_s;         /* RFC 2852; 0: not given */
	int64_t until_ms;     /* of clock_mono_ms(): later it is not put; 0: whenever */
	uint64_t size;
	struct queue_recipient *recipients;
	size_t recipients_n, recipients_cap;
	int64_t destination; /* these of a claim */
	struct slice destination_name;
	unsigned routing;
};

/* queue_message_new - empty. queue_message_add - one more recipient, its slices copied;
 * -ERR_TOOBIG. */
struct queue_message *queue_message_new(void);
MUST_CHECK int queue_message_add(
	struct queue_message *m, const struct queue_recipient *recipient, struct err *err);
void queue_message_free(struct queue_message **m);

typedef void queue_done_fn(void *context, int rc, const struct err *err);

struct queue_config {
	const char *path;
	struct pool *pool; /* may be NULL */
	struct queue_backoff backoff;
	struct slice smarthost; /* destination of all mail that no route is for; empty: none */
	uint64_t reserve_bytes; /* of free disk, below which nothing more is taken */
	int64_t lifetime_s;     /* of a message without expires_s */
	int64_t delay_s;        /* when senders are told of a delay; 0: never */
	/* changed - a destination has something due at due_s; by whichever thread wrote it. */
	void (*changed)(void *context, int64_t destination, struct slice name, int64_t due_s);
	void *context;
};

MUST_CHECK int queue_open(const struct queue_config *config, struct queue **out, struct err *err);
void queue_close(struct queue **queue);

/* The text of a message: a descriptor's bytes from `at` on, or bytes. Both must stay as they are
 * until done(). */
struct queue_body {
	int fd; /* -1: bytes */
	uint64_t at, size;
	struct slice bytes;
};

/* queue_put - m is the queue's from now on. A delivery id that was seen (QUEUE_REPEATED) counts as
 * put. -ERR_BUSY: its sender does not wait for it any more. */
void queue_put(struct queue *queue, struct queue_message *m, const struct queue_body *body,
	queue_done_fn *done, void *context);

/* ---- sending ---- */

/* queue_claim - the next message due for this destination, with at most max of the recipients that
 * are due; they are running until queue_finish(). -ERR_NOTFOUND: nothing is due. */
MUST_CHECK int queue_claim(struct queue *queue, int64_t destination, size_t max,
	struct queue_message **out, struct err *err);
/* queue_next_due - when there will be something that is not running; INT64_MAX: nothing. */
MUST_CHECK int queue_next_due(
	struct queue *queue, int64_t destination, int64_t *due_out, struct err *err);
/* queue_read - append the body's chunk that begins at `at`, a multiple of QUEUE_CHUNK. Nothing is
 * appended at the end. */
MUST_CHECK int queue_read(
	struct queue *queue, int64_t id, uint64_t at, struct buf *out, struct err *err);
/* queue_late_due - when the next time of RFC 2852 is over; INT64_MAX: none is known. queue_late -
 * who missed it fails, or the sender is told of it. One thread. */
int64_t queue_late_due(struct queue *queue);
MUST_CHECK int queue_late(struct queue *queue, struct err *err);
/* queue_finish - write down the outcomes; m, a claim, is freed. Waits while many are not yet
 * written. What cannot be written is kept, its recipients running, until queue_finish_again(), to
 * be called now and then. */
void queue_finish(struct queue *queue, struct queue_message *m);
void queue_finish_again(struct queue *queue);
/* queue_wait - until all outcomes are written. */
void queue_wait(struct queue *queue);

/* queue_start - all that have something waiting are told to changed(); where the smarthost is
 * another one than before, what waits has moved there. */
MUST_CHECK int queue_start(struct queue *queue, struct err *err);

/* ---- telling senders ---- */

/* queue_report_due - when the next sender must be told something; INT64_MAX: nobody waits. */
int64_t queue_report_due(struct queue *queue);
/* queue_report_next - a message of whose recipients (only those, by state and is_delayed; at most
 * QUEUE_TOLD_MAX at once) its sender is to be told now. -ERR_NOTFOUND. One thread. */
MUST_CHECK int queue_report_next(struct queue *queue, struct queue_message **out, struct err *err);
/* queue_report_done - they have been told by this message, which is put into the queue at once;
 * all three are the queue's. report NULL: nothing could be said. Waits for the flush. */
MUST_CHECK int queue_report_done(struct queue *queue, struct queue_message *about,
	struct queue_message *report, struct slice text, struct err *err);

#endif
