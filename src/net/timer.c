/* timer.c - one heap of what is due, and the timerfd that tells the threads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

enum { HEAP_FIRST = 64 };

int timers_init(struct timers *timers, struct err *err)
{
	const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "timerfd_create");
	*timers = (struct timers){.fd = fd, .armed_ms = INT64_MAX, .size = HEAP_FIRST};
	timers->heap = mem_zalloc_array(HEAP_FIRST, sizeof(timers->heap[0]));
	pthread_mutex_init(&timers->lock, NULL);
	return 0;
}

void timers_done(struct timers *timers)
{
	pthread_mutex_destroy(&timers->lock);
	free(timers->heap);
	close(timers->fd);
}

static void place(struct timers *timers, size_t at, struct timer_entry entry)
{
	timers->heap[at] = entry;
	*entry.at = at;
}

static void sift_up(struct timers *timers, size_t at, struct timer_entry entry)
{
	for (; at > 1 && timers->heap[at / 2].due_ms > entry.due_ms; at /= 2)
		place(timers, at, timers->heap[at / 2]);
	place(timers, at, entry);
}

static void sift_down(struct timers *timers, size_t at, struct timer_entry entry)
{
	for (size_t child; (child = at * 2) <= timers->count; at = child) {
		if (child < timers->count &&
			timers->heap[child + 1].due_ms < timers->heap[child].due_ms)
			child++;
		if (timers->heap[child].due_ms >= entry.due_ms)
			break;
		place(timers, at, timers->heap[child]);
	}
	place(timers, at, entry);
}

static void heap_remove(struct timers *timers, size_t at)
{
	const struct timer_entry last = timers->heap[timers->count--];

	*timers->heap[at].at = 0;
	if (at > timers->count)
		return;
	if (at > 1 && timers->heap[at / 2].due_ms > last.due_ms)
		sift_up(timers, at, last);
	else
		sift_down(timers, at, last);
}

static void heap_add(struct timers *timers, struct timer_entry entry)
{
	if (*entry.at)
		heap_remove(timers, *entry.at);
	if (timers->count + 1 == timers->size) {
		timers->size *= 2;
		timers->heap = mem_realloc(timers->heap, timers->size * sizeof(timers->heap[0]));
	}
	sift_up(timers, ++timers->count, entry);
}

/* Tells the kernel about the earliest entry, but only if it would come too late otherwise. What
 * is overdue is told again: the clock may have been shifted. */
static void arm(struct timers *timers)
{
	const int64_t due = timers->count ? timers->heap[1].due_ms : INT64_MAX;
	const int64_t now_ms = clock_mono_ms();
	struct itimerspec when = {.it_value.tv_nsec = 1};

	if (due == INT64_MAX || (due >= timers->armed_ms && timers->armed_ms > now_ms))
		return;
	timers->armed_ms = due;
	if (due > now_ms)
		when.it_value =
			(struct timespec){(due - now_ms) / 1000, (due - now_ms) % 1000 * 1000000};
	timerfd_settime(timers->fd, 0, &when, NULL);
}

static void timers_add(struct timers *timers, struct timer_entry entry)
{
	pthread_mutex_lock(&timers->lock);
	if (entry.timer)
		entry.timer->due_ms = entry.due_ms;
	heap_add(timers, entry);
	arm(timers);
	pthread_mutex_unlock(&timers->lock);
}

static void timers_remove(struct timers *timers, const size_t *at)
{
	pthread_mutex_lock(&timers->lock);
	if (*at)
		heap_remove(timers, *at);
	pthread_mutex_unlock(&timers->lock);
}

void timers_set_conn(struct conn *c, int64_t due_ms)
{
	c->timer_due_ms = due_ms;
	timers_add(&c->pool->timers,
		(struct timer_entry){.due_ms = due_ms, .at = &c->timer_at, .ref = c->ref});
}

void timers_clear_conn(struct conn *c)
{
	timers_remove(&c->pool->timers, &c->timer_at);
}

void pool_timer_set(struct pool *pool, struct pool_timer *timer, int64_t due_ms)
{
	timers_add(&pool->timers,
		(struct timer_entry){.due_ms = due_ms, .at = &timer->heap_at, .timer = timer});
}

void pool_timer_clear(struct pool *pool, struct pool_timer *timer)
{
	timers_remove(&pool->timers, &timer->heap_at);
}

/* The next entry that is due, out of the heap; false if there is none, and the clock is set. */
static bool take_due(struct timers *timers, int64_t now_ms, struct timer_entry *out)
{
	bool is_due;

	pthread_mutex_lock(&timers->lock);
	is_due = timers->count && timers->heap[1].due_ms <= now_ms;
	if (is_due) {
		*out = timers->heap[1];
		heap_remove(timers, 1);
	} else {
		timers->armed_ms = INT64_MAX;
		arm(timers);
	}
	pthread_mutex_unlock(&timers->lock);
	return is_due;
}

void timers_run(struct pool *pool)
{
	const int64_t now_ms = clock_mono_ms();
	struct timer_entry entry;

	while (take_due(&pool->timers, now_ms, &entry)) {
		if (entry.timer)
			pool_run(pool, entry.timer->class, &entry.timer->job);
		else
			slot_post(pool, entry.ref, BIT_TIMER);
	}
}
