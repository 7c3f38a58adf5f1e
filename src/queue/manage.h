/*
 * manage.h - the operator's view of the queue: lists, holds, retries, routes, suppressed addresses.
 *
 * Changes go over the queue in slices, each a transaction that others' go between.
 */
#ifndef QUEUE_MANAGE_H
#define QUEUE_MANAGE_H

#include "queue/queue.h"

enum { QUEUE_LIST_MAX = 1000 };

/* Which recipients are meant; an empty one: all. */
struct queue_filter {
	int64_t id;           /* 0: any message */
	struct slice address; /* the recipient's; or "@domain" */
	struct slice sender;
	int state;                /* enum queue_state; -1: any */
	int64_t accepted_until_s; /* of lists; 0: any time */
	int64_t held_after_s;     /* only what is held until a later time; 0: any */
};

struct queue_entry {
	int64_t id;
	unsigned number, attempts;
	enum queue_state state;
	enum queue_priority priority;
	struct slice sender, address, destination, reply, host;
	int64_t accepted_s, not_before_s, due_s, expires_s;
	uint64_t size, submitter;
	int64_t destination_id;
	bool is_running, is_taken; /* taken: back by its submitter (own.h) */
};

typedef void queue_entry_fn(void *context, const struct queue_entry *entry);

/* queue_list - at most QUEUE_LIST_MAX entries behind that one (0, 0: from the first), in the order
 * of their keys. True in more_out: there are more. */
MUST_CHECK int queue_list(struct queue *queue, const struct queue_filter *filter, int64_t after_id,
	unsigned after_number, size_t max, queue_entry_fn *each, void *context, bool *more_out,
	struct err *err);

/* queue_count - how many fit. */
MUST_CHECK int queue_count(struct queue *queue, const struct queue_filter *filter,
	uint64_t *count_out, struct err *err);

enum queue_change_kind {
	QUEUE_HOLD,    /* not tried any more */
	QUEUE_RELEASE, /* what was held is due now */
	QUEUE_RETRY,   /* what waits is due now, also what was to be sent later */
	QUEUE_DROP,    /* gone, and nobody is told */
	QUEUE_BOUNCE,  /* gone, and the sender is told */
};
/* One recipient of a message. */
struct queue_key {
	int64_t id;
	unsigned number;
};
enum { QUEUE_KEYS_MAX = 1000 };
/* queue_change_keys - these, at most QUEUE_KEYS_MAX, each once and in order; what is gone is passed
 * over. */
MUST_CHECK int queue_change_keys(struct queue *queue, const struct queue_key *keys, size_t n,
	enum queue_change_kind kind, uint64_t *changed_out, struct err *err);
/* queue_change - all that fit; how many those were. */
MUST_CHECK int queue_change(struct queue *queue, const struct queue_filter *filter,
	enum queue_change_kind kind, uint64_t *changed_out, struct err *err);

/* Routes: for a domain, for ".domain" (what is below it) or "*", the host to bring mail to:
 * "host", whose MX records count, or "[host]" or an address, which is the host itself; with ":port"
 * if it is another than 25. An empty target: no route any more. What is queued moves over. */
MUST_CHECK int queue_route_set(
	struct queue *queue, struct slice pattern, struct slice target, struct err *err);
typedef void queue_pair_fn(void *context, struct slice name, struct slice value);
MUST_CHECK int queue_route_list(
	struct queue *queue, queue_pair_fn *each, void *context, struct err *err);

/* Addresses and domains that nothing is sent to; "sender recipient": by that sender. A reason NULL:
 * not suppressed any more
 * (-ERR_NOTFOUND if it was not). */
MUST_CHECK int queue_suppress(
	struct queue *queue, struct slice address, const struct slice *reason, struct err *err);
MUST_CHECK int queue_suppress_list(
	struct queue *queue, queue_pair_fn *each, void *context, struct err *err);

/* Bounds of a destination (lanes.h), as the runner shall keep them; all 0: none any more. */
struct lane_bounds;
MUST_CHECK int queue_limit_set(
	struct queue *queue, struct slice name, const struct lane_bounds *bounds, struct err *err);
typedef void queue_limit_fn(void *context, struct slice name, const struct lane_bounds *bounds);
MUST_CHECK int queue_limit_list(
	struct queue *queue, queue_limit_fn *each, void *context, struct err *err);

/* queue_stop - what this account sent, or sends from now on, is held. queue_allow - no more, and
 * what was held for that is due; an operator's holds stay. */
MUST_CHECK int queue_stop(struct queue *queue, uint64_t submitter, struct err *err);
MUST_CHECK int queue_allow(struct queue *queue, uint64_t submitter, struct err *err);

struct queue_status {
	uint64_t messages, recipients, held, bytes;
	int64_t oldest_s; /* when the one that came first was accepted; 0: the queue is empty */
};
/* queue_status - the same cost however many there are. */
MUST_CHECK int queue_status(struct queue *queue, struct queue_status *out, struct err *err);

#endif
