/*
 * lanes.h - which destination is served next, and by how many at once.
 *
 * A lane is a destination with something waiting, or somebody at work. Those that can be worked on
 * stand in a line and are taken from its front one turn each, so that none waits for another's
 * million; those that are due later are in a heap by time. How many work on a lane at once grows
 * with what goes well and shrinks with what does not (window); after a failure nobody tries until
 * blocked_s.
 *
 * The operator may bound a destination: connections at once, messages of a connection (its owner
 * looks at that), messages that begin in a minute of the clock.
 *
 * Pure bookkeeping, under its owner's lock. Times are seconds of the wall clock.
 */
#ifndef QUEUE_LANES_H
#define QUEUE_LANES_H

#include <pthread.h>

#include "base/map.h"
#include "queue/backoff.h"

enum { LANE_WINDOW_FIRST = 2, LANE_BLOCK_MAX_S = 900 };

/* What the operator allows; 0: any number. */
struct lane_bounds {
	unsigned connections, messages, per_minute;
};

/* Of a destination, whether it has a lane or not. */
struct lane_limit {
	struct lane_bounds bounds;
	int64_t minute;
	unsigned in_minute; /* begun in it */
	char name[];        /* the key */
};

struct lane {
	uint64_t id;       /* the key */
	int64_t due_s;     /* INT64_MAX: nothing is known to wait */
	int64_t blocked_s; /* not before then */
	unsigned active;   /* how many work on it */
	unsigned failures; /* since the last success */
	double window;     /* how many may */
	size_t heap_at;    /* place + 1; 0: not in the heap */
	struct lane *next; /* in the line */
	bool is_in_line;
	pthread_cond_t more; /* for who lingers: something is due */
	unsigned lingering;
	struct lane_limit *limit; /* NULL: none */
	char name[];
};

struct lanes {
	struct map map;
	size_t n; /* lanes in it */
	struct lane **heap;
	size_t heap_n, heap_cap;
	struct lane *first, **last;
	unsigned window_max;
	struct map limits; /* of struct lane_limit */
};

void lanes_init(struct lanes *lanes, unsigned window_max);
void lanes_done(struct lanes *lanes);

/* lanes_changed - something is due there. */
void lanes_changed(struct lanes *lanes, uint64_t id, struct slice name, int64_t due_s, int64_t now);
/* lanes_tick - those whose time has come join the line. */
void lanes_tick(struct lanes *lanes, int64_t now);
/* lanes_take - the first in the line, with one more at work; NULL: none. */
struct lane *lanes_take(struct lanes *lanes);
/* lanes_begin - before it is looked what is due; false: nothing more may be sent there in this
 * minute. Then one of the two: */
bool lanes_begin(struct lanes *lanes, struct lane *lane, int64_t now);
void lanes_found(struct lanes *lanes, struct lane *lane, int64_t now); /* there may be more */
void lanes_empty(struct lanes *lanes, struct lane *lane, int64_t next_due_s, int64_t now);
/* lanes_leave - one less at work; the lane may be gone. */
void lanes_leave(struct lanes *lanes, struct lane *lane, int64_t now);

void lanes_good(struct lanes *lanes, struct lane *lane, int64_t now);
/* lanes_bad - no connection. True if the lane is blocked now: nobody else has one either. */
bool lanes_bad(struct lanes *lanes, struct lane *lane, const struct queue_backoff *backoff,
	uint64_t chance, int64_t now);
/* lanes_limit - from now on, for the destination of that name; all 0: no bounds any more. */
void lanes_limit(
	struct lanes *lanes, struct slice name, const struct lane_bounds *bounds, int64_t now);
/* lanes_why - why nothing is sent there just now, or NULL. until_out: 0: nobody knows for how long.
 */
const char *lanes_why(const struct lane *lane, int64_t now, int64_t *until_out);

/* lanes_unblock - all of them: the operator wants it. */
void lanes_unblock(struct lanes *lanes, int64_t now);

#endif
