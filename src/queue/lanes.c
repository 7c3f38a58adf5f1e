/* lanes.c - see lanes.h for the contract. */
#include "queue/lanes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { HEAP_FIRST = 64, MINUTE_S = 60 };

void lanes_init(struct lanes *lanes, unsigned window_max)
{
	*lanes = (struct lanes){.window_max = window_max};
	lanes->last = &lanes->first;
}

static void lane_free(struct lane *lane)
{
	pthread_cond_destroy(&lane->more);
	free(lane);
}

void lanes_done(struct lanes *lanes)
{
	struct lane_limit *limit;
	struct lane *lane;
	size_t at = 0;

	while ((lane = map_next(&lanes->map, &at)))
		lane_free(lane);
	map_done(&lanes->map);
	for (at = 0; (limit = map_next(&lanes->limits, &at));)
		free(limit);
	map_done(&lanes->limits);
	free(lanes->heap);
}

/* ---- the heap: the earliest on top ---- */

static int64_t wake_of(const struct lane *lane)
{
	return lane->due_s > lane->blocked_s ? lane->due_s : lane->blocked_s;
}

static void heap_set(struct lanes *lanes, size_t at, struct lane *lane)
{
	lanes->heap[at] = lane;
	lane->heap_at = at + 1;
}

static void heap_up(struct lanes *lanes, size_t at, struct lane *lane)
{
	for (; at > 0 && wake_of(lanes->heap[(at - 1) / 2]) > wake_of(lane); at = (at - 1) / 2)
		heap_set(lanes, at, lanes->heap[(at - 1) / 2]);
	heap_set(lanes, at, lane);
}

static void heap_down(struct lanes *lanes, size_t at, struct lane *lane)
{
	size_t child;

	for (; (child = 2 * at + 1) < lanes->heap_n; at = child) {
		if (child + 1 < lanes->heap_n &&
			wake_of(lanes->heap[child + 1]) < wake_of(lanes->heap[child]))
			child++;
		if (wake_of(lanes->heap[child]) >= wake_of(lane))
			break;
		heap_set(lanes, at, lanes->heap[child]);
	}
	heap_set(lanes, at, lane);
}

static void heap_add(struct lanes *lanes, struct lane *lane)
{
	if (lanes->heap_n == lanes->heap_cap) {
		lanes->heap_cap = lanes->heap_cap ? lanes->heap_cap * 2 : HEAP_FIRST;
		lanes->heap = mem_realloc(lanes->heap, lanes->heap_cap * sizeof(lanes->heap[0]));
	}
	heap_up(lanes, lanes->heap_n++, lane);
}

static void heap_remove(struct lanes *lanes, struct lane *lane)
{
	const size_t at = lane->heap_at - 1;
	struct lane *other = lanes->heap[--lanes->heap_n];

	lane->heap_at = 0;
	if (other == lane)
		return;
	if (at > 0 && wake_of(lanes->heap[(at - 1) / 2]) > wake_of(other))
		heap_up(lanes, at, other);
	else
		heap_down(lanes, at, other);
}

/* ---- where a lane belongs ---- */

static bool is_over(const struct lane *lane)
{
	return lane->due_s == INT64_MAX && !lane->active && !lane->is_in_line;
}

/* Before what the heap is ordered by changes. */
static void take_out(struct lanes *lanes, struct lane *lane)
{
	if (lane->heap_at)
		heap_remove(lanes, lane);
}

/* How many may work on it. */
static unsigned most_of(const struct lane *lane)
{
	const unsigned window = (unsigned)lane->window;
	const unsigned bound = lane->limit ? lane->limit->bounds.connections : 0;

	return bound && bound < window ? bound : window;
}

/* Into the line, into the heap, or nowhere until somebody leaves. */
static void place(struct lanes *lanes, struct lane *lane, int64_t now)
{
	if (lane->is_in_line)
		return;
	take_out(lanes, lane);
	if (wake_of(lane) == INT64_MAX || lane->active >= most_of(lane))
		return;
	if (wake_of(lane) > now) {
		heap_add(lanes, lane);
		return;
	}
	lane->is_in_line = true;
	lane->next = NULL;
	*lanes->last = lane;
	lanes->last = &lane->next;
}

static struct lane *lane_new(struct lanes *lanes, uint64_t id, struct slice name)
{
	struct lane *lane = mem_zalloc(sizeof(*lane) + name.len + 1);
	pthread_condattr_t attr;

	lane->id = id;
	lane->due_s = INT64_MAX;
	lane->window = LANE_WINDOW_FIRST;
	lane->limit = map_get(&lanes->limits, name);
	memcpy(lane->name, name.ptr, name.len);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&lane->more, &attr);
	pthread_condattr_destroy(&attr);
	map_put(&lanes->map, map_key_u64(&lane->id), lane);
	lanes->n++;
	return lane;
}

void lanes_changed(struct lanes *lanes, uint64_t id, struct slice name, int64_t due_s, int64_t now)
{
	struct lane *lane = map_get(&lanes->map, map_key_u64(&id));

	if (!lane)
		lane = lane_new(lanes, id, name);
	take_out(lanes, lane);
	if (due_s < lane->due_s)
		lane->due_s = due_s;
	if (lane->lingering && lane->due_s <= now)
		pthread_cond_signal(&lane->more);
	else
		place(lanes, lane, now);
}

void lanes_tick(struct lanes *lanes, int64_t now)
{
	while (lanes->heap_n && wake_of(lanes->heap[0]) <= now) {
		struct lane *lane = lanes->heap[0];

		heap_remove(lanes, lane);
		place(lanes, lane, now);
	}
}

struct lane *lanes_take(struct lanes *lanes)
{
	struct lane *lane = lanes->first;

	if (!lane)
		return NULL;
	lanes->first = lane->next;
	if (!lanes->first)
		lanes->last = &lanes->first;
	lane->is_in_line = false;
	lane->active++;
	return lane;
}

/* One more message in this minute, if it may have one. */
static bool count_begun(struct lane_limit *limit, int64_t now)
{
	if (!limit || !limit->bounds.per_minute)
		return true;
	if (limit->minute != now / MINUTE_S) {
		limit->minute = now / MINUTE_S;
		limit->in_minute = 0;
	}
	if (limit->in_minute >= limit->bounds.per_minute)
		return false;
	limit->in_minute++;
	return true;
}

/* What comes while we look makes it due again. */
bool lanes_begin(struct lanes *lanes, struct lane *lane, int64_t now)
{
	take_out(lanes, lane);
	if (!count_begun(lane->limit, now)) {
		lane->blocked_s = (now / MINUTE_S + 1) * MINUTE_S;
		place(lanes, lane, now);
		return false;
	}
	lane->due_s = INT64_MAX;
	return true;
}

void lanes_found(struct lanes *lanes, struct lane *lane, int64_t now)
{
	take_out(lanes, lane);
	lane->due_s = now;
	place(lanes, lane, now);
}

void lanes_empty(struct lanes *lanes, struct lane *lane, int64_t next_due_s, int64_t now)
{
	take_out(lanes, lane);
	if (lane->limit && lane->limit->in_minute)
		lane->limit->in_minute--;
	if (next_due_s < lane->due_s)
		lane->due_s = next_due_s;
	place(lanes, lane, now);
}

void lanes_leave(struct lanes *lanes, struct lane *lane, int64_t now)
{
	assert(lane->active > 0);
	lane->active--;
	take_out(lanes, lane);
	if (is_over(lane)) {
		map_del(&lanes->map, map_key_u64(&lane->id));
		lanes->n--;
		lane_free(lane);
		return;
	}
	place(lanes, lane, now);
}

void lanes_good(struct lanes *lanes, struct lane *lane, int64_t now)
{
	take_out(lanes, lane);
	lane->failures = 0;
	lane->blocked_s = 0;
	lane->window += 1 / lane->window;
	if (lane->window > lanes->window_max)
		lane->window = lanes->window_max;
	place(lanes, lane, now);
}

bool lanes_bad(struct lanes *lanes, struct lane *lane, const struct queue_backoff *backoff,
	uint64_t chance, int64_t now)
{
	int64_t pause;

	take_out(lanes, lane);
	lane->window = lane->window > 2 ? lane->window / 2 : 1;
	if (lane->active > 1) {
		place(lanes, lane, now);
		return false;
	}
	pause = queue_backoff_pause(backoff, ++lane->failures, chance);
	lane->blocked_s = now + (pause < LANE_BLOCK_MAX_S ? pause : LANE_BLOCK_MAX_S);
	place(lanes, lane, now);
	return true;
}

void lanes_unblock(struct lanes *lanes, int64_t now)
{
	struct lane *lane;
	size_t at = 0;

	while ((lane = map_next(&lanes->map, &at))) {
		take_out(lanes, lane);
		lane->blocked_s = 0;
		place(lanes, lane, now);
	}
}

/* ---- the operator's bounds ---- */

static void use_limit(struct lanes *lanes, struct slice name, struct lane_limit *limit, int64_t now)
{
	struct lane *lane;
	size_t at = 0;

	while ((lane = map_next(&lanes->map, &at))) {
		if (!slice_eq(slice_str(lane->name), name))
			continue;
		lane->limit = limit;
		place(lanes, lane, now);
	}
}

void lanes_limit(
	struct lanes *lanes, struct slice name, const struct lane_bounds *bounds, int64_t now)
{
	struct lane_limit *limit = map_get(&lanes->limits, name);

	if (!bounds->connections && !bounds->messages && !bounds->per_minute) {
		use_limit(lanes, name, NULL, now);
		free(map_del(&lanes->limits, name));
		return;
	}
	if (!limit) {
		limit = mem_zalloc(sizeof(*limit) + name.len + 1);
		memcpy(limit->name, name.ptr, name.len);
		map_put(&lanes->limits, slice_str(limit->name), limit);
	}
	limit->bounds = *bounds;
	use_limit(lanes, name, limit, now);
}

const char *lanes_why(const struct lane *lane, int64_t now, int64_t *until_out)
{
	const struct lane_limit *limit = lane->limit;
	const bool is_used_up = limit && limit->bounds.per_minute &&
				limit->minute == now / MINUTE_S &&
				limit->in_minute >= limit->bounds.per_minute;

	*until_out = 0;
	if (is_used_up) {
		*until_out = (now / MINUTE_S + 1) * MINUTE_S;
		return "all messages that may go there in a minute have gone";
	}
	if (lane->failures && lane->blocked_s > now) {
		*until_out = lane->blocked_s;
		return "nobody answered there";
	}
	if (limit && limit->bounds.connections && lane->active >= limit->bounds.connections)
		return "all connections that may go there are in use";
	return NULL;
}
