/*
 * idle.c - memory that is not needed all the time: databases that nobody used for some seconds.
 *
 * An open database costs a quarter of a megabyte (pages, schema, statements of two connections), so
 * that it is kept only for the next command of the same moment; opening it again takes a fraction
 * of a millisecond. What a session needs in between is in memory: mailboxes and indexes. An index
 * that nobody has selected stays some time longer (store_config.index_bytes_max bounds them all).
 */
#include <malloc.h>

#include "base/clock.h"
#include "db/heap.h"
#include "store/internal.h"

enum {
	IDLE_MS = 3000,
	WARM_MS = 60 * 1000, /* an index outlives the database */
	LOOK_MS = 500,
	CLOSE_MAX = 32, /* in one go; then others get the thread */
	TRIM_MS = 2000,
	TRIM_SHARE = 100, /* giving memory back may take a hundredth of the time */
	TRIM_CLOSED = 8,
};

/* What was freed goes back to the system. */
static void trim(struct store *store)
{
	const int64_t start_ms = clock_mono_ms();
	int64_t end_ms;

	db_shelf_clear(store->shelf);
	heap_release();
	malloc_trim(0);
	store->closed = 0;
	end_ms = clock_mono_ms();
	store->trim_due_ms = end_ms + TRIM_MS + (end_ms - start_ms) * TRIM_SHARE;
}

typedef void close_fn(struct store *store, struct account *account);

/* True if there may be more. */
static bool close_some(
	struct store *store, struct account_list *list, int64_t before_ms, close_fn *close)
{
	for (int i = 0; i < CLOSE_MAX; i++) {
		struct account *account;

		pthread_mutex_lock(&store->lock);
		account = store_pick_idle(list, before_ms);
		pthread_mutex_unlock(&store->lock);
		if (!account)
			return false;
		close(store, account);
		store->closed++;
	}
	return true;
}

static bool is_at_rest(struct store *store)
{
	bool is_at_rest;

	pthread_mutex_lock(&store->lock);
	is_at_rest = store->open.n == 0;
	pthread_mutex_unlock(&store->lock);
	return is_at_rest;
}

static void plan_next(struct store *store, bool is_urgent)
{
	const int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&store->lock);
	store->is_sweeping = store->open.n || store->warm.n || store->closed;
	if (store->is_sweeping)
		pool_timer_set(
			store->config.pool, &store->sweep, is_urgent ? now_ms : now_ms + LOOK_MS);
	pthread_mutex_unlock(&store->lock);
}

static void sweep(struct pool_job *job)
{
	struct store *store = (struct store *)((char *)job - offsetof(struct store, sweep.job));
	const int64_t now_ms = clock_mono_ms();
	const bool has_open = close_some(store, &store->open, now_ms - IDLE_MS, store_close_idle);
	const bool has_warm = close_some(store, &store->warm, now_ms - WARM_MS, store_forget_idle);

	if (store->closed && now_ms >= store->trim_due_ms &&
		(store->closed >= TRIM_CLOSED || is_at_rest(store)))
		trim(store);
	plan_next(store, has_open || has_warm);
}

void idle_init(struct store *store)
{
	store->sweep = (struct pool_timer){.job.run = sweep, .class = POOL_BULK};
}

void idle_watch(struct store *store)
{
	if (store->is_sweeping || !store->config.pool)
		return;
	store->is_sweeping = true;
	pool_timer_set(store->config.pool, &store->sweep, clock_mono_ms() + IDLE_MS);
}
