/* internal.h - what the parts of the queue share; only for src/queue. */
#ifndef QUEUE_INTERNAL_H
#define QUEUE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "group/group.h"
#include "queue/queue.h"

enum {
	QUEUE_READERS = 4,
	QUEUE_NUMBER_BITS = 20, /* of a key: a recipient's or chunk's number; the rest is the id */
	QUEUE_TELL_TOGETHER_S = 10, /* outcomes so close to each other are told in one report */
};

/* Bits of recipient.flags. */
enum { RECIPIENT_TELL_DELAY = 1, RECIPIENT_DELAY_TOLD = 2, RECIPIENT_STOPPED = 4 };

struct queue_reader {
	pthread_mutex_t lock;
	struct db *db;
};

struct queue {
	struct queue_config config;
	struct db *db; /* the group's */
	struct group group;
	struct queue_reader readers[QUEUE_READERS];
	atomic_uint next_reader;
	/*
	 * Held for a whole claim, and to end running: a claim that began to read before an outcome
	 * was written must still find its recipient running.
	 */
	pthread_mutex_t claim_lock;
	struct db *claims;
	struct map running;            /* of struct running */
	pthread_mutex_t lock;          /* the two below */
	pthread_cond_t finished, room; /* all are written; another may be */
	size_t finishing;
	struct finish *unwritten; /* outcomes; tried again at again_s */
	size_t unwritten_n;
	int64_t again_s;
	_Atomic int64_t report_s; /* not before then; INT64_MAX: nobody waits */
	_Atomic int64_t late_s;   /* the next time of RFC 2852 that nobody looked at yet */
	int64_t purged_s;         /* the group's owner's */
	atomic_bool has_routes, has_suppressed, has_stopped;
	atomic_uint routing; /* grows when all have been moved to where they now belong */
};

struct finish;

/* Told once the transaction is through: who looks before that finds nothing, and does not look
 * again. */
struct queue_change { /* to config.changed() */
	int64_t destination, due_s;
	struct slice name;
};

struct queue_changes {
	struct arena arena;
	struct queue_change *list;
	size_t n, cap;
	int64_t report_s; /* when a sender is to be told something; INT64_MAX: none is */
};

void queue_changes_init(struct queue_changes *changes);
void queue_changes_clear(struct queue_changes *changes);
void queue_changes_done(struct queue_changes *changes);
void queue_changes_add(
	struct queue_changes *changes, int64_t destination, struct slice name, int64_t due_s);
void queue_changes_tell(struct queue *queue, const struct queue_changes *changes);

/* An item of the group, whose thread waits for it. */
struct queue_wait {
	struct group_item item;
	struct queue *queue;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_done;
};
/* queue_wait_run - submit, and wait for the flush. run() gets the item, first in a struct of its
 * own. */
MUST_CHECK int queue_wait_run(struct queue *queue, struct queue_wait *wait,
	int (*run)(struct group_item *item, struct db *db, struct err *err), struct err *err);

/* ---- inside a transaction of the group's ---- */

/* queue_insert - message, recipients and body. */
MUST_CHECK int queue_insert(struct queue *queue, struct db *db, struct queue_message *m,
	const struct queue_body *body, struct queue_changes *changes, struct err *err);
/* queue_route_of - the destination's name for a domain; the slice lives in buf or is an argument.
 */
MUST_CHECK int queue_route_of(struct queue *queue, struct db *db, struct slice domain,
	struct buf *buf, struct slice *out, struct err *err);
/* queue_destination_id - of a name, made if it is not there. */
MUST_CHECK int queue_destination_id(
	struct db *db, struct slice name, int64_t *out, struct err *err);
/* queue_hold_stopped - the message is one of an account that may not send: its recipients are held.
 */
MUST_CHECK int queue_hold_stopped(
	struct queue *queue, struct db *db, struct queue_message *m, struct err *err);
/* queue_settle - after recipients went or changed: the message goes with its last one; or it is
 * noted when its sender is to be told. */
MUST_CHECK int queue_settle(
	struct db *db, int64_t id, struct queue_changes *changes, struct err *err);
void queue_report_at(struct queue *queue, int64_t s);
MUST_CHECK int queue_delete(struct db *db, int64_t id, struct err *err);

/* queue_load_message - the row without its recipients. -ERR_NOTFOUND. */
MUST_CHECK int queue_load_message(
	struct db *db, int64_t id, struct queue_message *m, struct err *err);
/* queue_load_recipient - from a row of "number, address, recipient, orcpt, notify, state, attempts,
 * due_s, reply, host". */
MUST_CHECK int queue_load_recipient(struct db_stmt *row, struct queue_message *m, struct err *err);

/* queue_began - the moment from which its time is counted. */
static inline int64_t queue_began(const struct queue_message *m)
{
	return m->not_before_s > m->accepted_s ? m->not_before_s : m->accepted_s;
}

/* late.c: queue_late_at - a message has this time. queue_is_late - it is over, and so is the
 * message. queue_late_reply - what is said then. */
void queue_late_at(struct queue *queue, int64_t s);
bool queue_is_late(const struct queue_message *m, int64_t now);
struct slice queue_late_reply(void);

/* queue_forget_unwritten - at the end. */
void queue_forget_unwritten(struct queue *queue);

/* queue_walk - all destinations with something waiting, to changed(). */
MUST_CHECK int queue_walk(struct queue *queue, struct err *err);

/* claim.c: queue_reserve - the message with this id, and those of its recipients that wait (or are
 * held) and are not running, as a claim. It ends with queue_finish(), queue_fail() (it is late), or
 * queue_unreserve(): nothing has happened. */
MUST_CHECK int queue_reserve(
	struct queue *queue, struct queue_message *m, bool with_held, struct err *err);
void queue_fail(struct queue *queue, struct queue_message *m);
void queue_unreserve(struct queue *queue, struct queue_message *m);

/* own.c: a message that is held is held no longer; its recipients are the caller's. */
MUST_CHECK int queue_begin_now(struct db *db, int64_t id, struct err *err);

/* queue_is_told - RFC 3461 4.1: whether this sender hears of that, by one of our reports. */
bool queue_is_told(const struct queue_message *m, unsigned notify, unsigned event);

struct queue_reader *queue_reader_take(struct queue *queue);
void queue_reader_give(struct queue_reader *reader);

static inline struct slice queue_domain_of(struct slice address)
{
	const size_t at = slice_rchr(address, '@');

	return slice_from(address, at == SIZE_MAX ? address.len : at + 1);
}

#endif
