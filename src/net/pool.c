/* pool.c - the threads: what they wait for, what they take next, how they stop. */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

enum {
	EVENTS_MAX = 16,
	THREADS_PER_CORE = 8,
	THREADS_LEAST = 16,
	BULK_STALL_MS = 10,
	TRIM_MS = 10000,
	TRIM_CHANGES = 64, /* connections opened or closed that make a trim worth it */
	DATA_WAKE = 0xffffffff,
	DATA_TIMER = 0xfffffffe,
};

/*
 * Who is first at every take: interactive work, but now and then each of the others, so that no
 * class starves while interactive work never ends.
 */
static const enum pool_class first_class[8] = {
	[3] = POOL_HANDSHAKE, [5] = POOL_MX, [7] = POOL_BULK};
static const enum pool_class class_order[POOL_CLASS_COUNT] = {
	POOL_INTERACTIVE, POOL_HANDSHAKE, POOL_MX, POOL_BULK};

/*
 * Bulk turns that compute take the processors from users' threads, whatever the queue says: so no
 * more of them run at once than there are cores (measured: the 99th percentile of a command's time
 * beside eight endless downloads is 20 times better). Those that wait, for a disk or another
 * process, may be as many as their share: whenever none has ended for BULK_STALL_MS though others
 * wait, one more may run, until they end quickly again.
 */
static bool may_run(const struct pool *pool, enum pool_class class)
{
	if (!pool->queues[class].head)
		return false;
	if (class == POOL_BULK && pool->running[POOL_BULK] >= pool->bulk_now)
		return false;
	return class == POOL_INTERACTIVE || (pool->running[class] < pool->share[class] &&
						    pool->others_running < pool->others_share);
}

/* The class to serve next, or POOL_CLASS_COUNT. */
static enum pool_class next_class(const struct pool *pool)
{
	const enum pool_class first = first_class[pool->takes % 8];

	if (may_run(pool, first))
		return first;
	for (size_t i = 0; i < POOL_CLASS_COUNT; i++) {
		if (may_run(pool, class_order[i]))
			return class_order[i];
	}
	return POOL_CLASS_COUNT;
}

void queue_push(struct queue *q, struct pool_job *job)
{
	job->next = NULL;
	if (q->head)
		q->tail->next = job;
	else
		q->head = job;
	q->tail = job;
	q->len++;
}

struct pool_job *queue_pop(struct queue *q)
{
	struct pool_job *job = q->head;

	if (job) {
		q->head = job->next;
		q->len--;
	}
	return job;
}

/* What a thread works on: where it was counted. */
struct taken {
	enum pool_class class;
	struct crowd *crowd;
};

static void wake_one(struct pool *pool)
{
	const uint64_t one = 1;

	if (write(pool->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

/* Under the lock: should a thread that waits be called? At most one is on its way at a time; it
 * calls the next if it finds more than it can do. */
static bool must_wake(struct pool *pool)
{
	if (pool->is_waking || atomic_load(&pool->idle) == 0 ||
		next_class(pool) == POOL_CLASS_COUNT)
		return false;
	pool->is_waking = true;
	return true;
}

/* Under the lock, when bulk work waits: must the caller set the timer? */
static bool must_watch_bulk(struct pool *pool)
{
	if (pool->is_bulk_watched || !pool->queues[POOL_BULK].head ||
		pool->bulk_now == pool->share[POOL_BULK])
		return false;
	pool->is_bulk_watched = true;
	return true;
}

static void watch_bulk(struct pool *pool)
{
	pool_timer_set(pool, &pool->bulk_watch, clock_mono_ms() + BULK_STALL_MS);
}

static void bulk_watch_run(struct pool_job *job)
{
	struct pool *pool = (struct pool *)((char *)job - offsetof(struct pool, bulk_watch.job));
	bool wake, watch;

	pthread_mutex_lock(&pool->lock);
	pool->is_bulk_watched = false;
	if (pool->queues[POOL_BULK].head && pool->running[POOL_BULK] >= pool->bulk_now &&
		pool->bulk_now < pool->share[POOL_BULK] &&
		clock_mono_us() - pool->bulk_moved_us >= BULK_STALL_MS * 1000)
		pool->bulk_now++;
	wake = must_wake(pool);
	watch = must_watch_bulk(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		wake_one(pool);
	if (watch)
		watch_bulk(pool);
}

/* Under the lock. */
static void bulk_ended(struct pool *pool, int64_t start_us)
{
	pool->bulk_moved_us = clock_mono_us();
	if (pool->bulk_moved_us - start_us < BULK_STALL_MS * 1000 &&
		pool->bulk_now > pool->bulk_least)
		pool->bulk_now--;
}

void pool_enqueue(struct pool *pool, enum pool_class class, struct pool_job *job, bool caller_takes)
{
	bool wake, watch;

	pthread_mutex_lock(&pool->lock);
	queue_push(&pool->queues[class], job);
	atomic_fetch_add_explicit(&pool->waiting, 1, memory_order_relaxed);
	if (job->run != conn_job)
		pool->jobs++;
	wake = !caller_takes && must_wake(pool);
	watch = must_watch_bulk(pool);
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		wake_one(pool);
	if (watch)
		watch_bulk(pool);
}

void pool_run(struct pool *pool, enum pool_class class, struct pool_job *job)
{
	assert(job->run != conn_job);
	pool_enqueue(pool, class, job, false);
}

/* Under the lock: the first of the next class whose crowd may have one more at work. */
static struct pool_job *pop_next(struct pool *pool, struct taken *out)
{
	struct pool_job *job;

	do {
		out->class = next_class(pool);
		if (out->class == POOL_CLASS_COUNT)
			return NULL;
		job = queue_pop(&pool->queues[out->class]);
		atomic_fetch_sub_explicit(&pool->waiting, 1, memory_order_relaxed);
		out->crowd = crowd_of(job);
	} while (out->crowd && !crowd_enter(out->crowd, job));
	return job;
}

/* The next piece of work that its class may do now; NULL, and the caller counted as idle, if
 * there is none. */
static struct pool_job *take(struct pool *pool, struct taken *out)
{
	struct pool_job *job;
	bool wake = false;

	pthread_mutex_lock(&pool->lock);
	job = pop_next(pool, out);
	pool->takes++;
	if (job) {
		pool->running[out->class]++;
		pool->others_running += out->class != POOL_INTERACTIVE;
		wake = must_wake(pool);
	} else {
		atomic_fetch_add(&pool->idle, 1);
	}
	pthread_mutex_unlock(&pool->lock);
	if (wake)
		wake_one(pool);
	return job;
}

static void finish(struct pool *pool, const struct taken *taken, bool was_job, int64_t start_us)
{
	const enum pool_class class = taken->class;
	struct pool_job *next;

	pthread_mutex_lock(&pool->lock);
	next = taken->crowd ? crowd_end(pool, taken->crowd) : NULL;
	if (next) { /* the caller looks at the queues now */
		queue_push(&pool->queues[((struct slot *)next)->class], next);
		atomic_fetch_add_explicit(&pool->waiting, 1, memory_order_relaxed);
	}
	if (class == POOL_BULK)
		bulk_ended(pool, start_us);
	pool->running[class]--;
	pool->others_running -= class != POOL_INTERACTIVE;
	if (was_job && --pool->jobs == 0)
		pthread_cond_broadcast(&pool->quiet);
	pthread_mutex_unlock(&pool->lock);
}

static uint32_t event_bits(uint32_t events)
{
	return (events & EPOLLIN ? BIT_READABLE : 0) | (events & EPOLLOUT ? BIT_WRITABLE : 0) |
	       (events & EPOLLRDHUP ? BIT_RDHUP | BIT_READABLE : 0) |
	       (events & (EPOLLHUP | EPOLLERR) ? BIT_HANGUP | BIT_READABLE : 0);
}

static void on_wake(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_waking = false;
	pthread_mutex_unlock(&pool->lock);
	if (atomic_load(&pool->is_stopping))
		wake_one(pool); /* on to the next thread */
}

static void on_event(struct pool *pool, const struct epoll_event *event)
{
	const struct conn_ref ref = {(uint32_t)(event->data.u64 >> 32), (uint32_t)event->data.u64};
	struct slot *slot;

	if (ref.generation == 0 && ref.slot == DATA_WAKE) {
		on_wake(pool);
	} else if (ref.generation == 0 && ref.slot == DATA_TIMER) {
		timers_run(pool);
	} else if (ref.generation == 0) {
		listener_accept(pool->doors.listeners[ref.slot]);
	} else {
		slot = slot_of(pool, ref);
		if (slot && slot_signal(slot, ref.generation, event_bits(event->events)))
			pool_enqueue(pool, slot->class, &slot->job, true);
	}
}

static void wait_for_events(struct pool *pool, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	const int n = epoll_wait(pool->epoll_fd, events, EVENTS_MAX, timeout_ms);

	if (timeout_ms < 0)
		atomic_fetch_sub(&pool->idle, 1);
	for (int i = 0; i < n; i++)
		on_event(pool, &events[i]);
}

static void run_one(struct worker *w, struct pool_job *job, const struct taken *taken)
{
	const bool is_job = job->run != conn_job;
	const int64_t start_us = taken->class == POOL_BULK ? clock_mono_us() : 0;

	pace_set(w, taken->class != POOL_BULK);
	if (is_job)
		job->run(job);
	else
		conn_turn(w, (struct slot *)job);
	finish(w->pool, taken, is_job, start_us);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *pool = w->pool;
	struct taken taken;

	pace_init(w);
	while (!atomic_load_explicit(&pool->is_stopping, memory_order_relaxed)) {
		struct pool_job *job;

		/* When all are at work nobody sees new events, unless we look before queued work.
		 */
		if (atomic_load(&pool->idle) == 0 &&
			atomic_load_explicit(&pool->waiting, memory_order_relaxed) > 0)
			wait_for_events(pool, 0);
		job = take(pool, &taken);
		if (job) {
			run_one(w, job, &taken);
		} else {
			pace_set(w, true);
			wait_for_events(pool, -1);
		}
	}
	return NULL;
}

/* Memory that bursts of connections left free inside the heap goes back to the system. */
static void trim_run(struct pool_job *job)
{
	struct pool *pool = (struct pool *)((char *)job - offsetof(struct pool, trim.job));
	const uint64_t changes = atomic_load(&pool->accepted) + atomic_load(&pool->closed);

	if (changes - pool->trimmed >= TRIM_CHANGES) {
		pool->trimmed = changes;
		malloc_trim(0);
	}
	pool_timer_set(pool, &pool->trim, clock_mono_ms() + TRIM_MS);
}

/* Processors that we may use, which a container or taskset(1) may make fewer than there are. */
static unsigned count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static void set_shares(struct pool *pool)
{
	const unsigned n = pool->config.threads, cores = count_cores();

	pool->share[POOL_INTERACTIVE] = n;
	pool->share[POOL_BULK] = pool->others_share = n * 3 / 4 ? n * 3 / 4 : 1;
	pool->share[POOL_HANDSHAKE] = pool->share[POOL_MX] = n / 2 ? n / 2 : 1;
	pool->bulk_least = pool->share[POOL_BULK];
	if (cores < pool->bulk_least)
		pool->bulk_least = cores;
	pool->bulk_now = pool->bulk_least;
	pool->bulk_watch =
		(struct pool_timer){.job.run = bulk_watch_run, .class = POOL_INTERACTIVE};
}

static int watch(struct pool *pool, int fd, uint32_t what, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)what << 32};

	if (epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(err, "epoll_ctl");
	return 0;
}

static int open_fds(struct pool *pool, struct err *err)
{
	int rc;

	pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pool->epoll_fd < 0 || pool->wake_fd < 0)
		return err_errno(err, "epoll_create1, eventfd");
	rc = timers_init(&pool->timers, err);
	if (rc == 0)
		rc = watch(pool, pool->wake_fd, DATA_WAKE, err);
	if (rc == 0)
		rc = watch(pool, pool->timers.fd, DATA_TIMER, err);
	return rc;
}

int pool_new(const struct pool_config *config, struct pool **pool_out, struct err *err)
{
	struct pool *pool = mem_new(struct pool);
	int rc;

	pool->config = *config;
	if (pool->config.threads == 0) {
		pool->config.threads = count_cores() * THREADS_PER_CORE;
		if (pool->config.threads < THREADS_LEAST)
			pool->config.threads = THREADS_LEAST;
	}
	pool->slot_count = (uint32_t)config->connections_max + ATTACHED_MAX + 1;
	pool->slots = mem_zalloc_array(pool->slot_count, sizeof(struct slot));
	pool->workers = mem_zalloc_array(pool->config.threads, sizeof(struct worker));
	set_shares(pool);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_mutex_init(&pool->doors.lock, NULL);
	pthread_cond_init(&pool->quiet, NULL);
	for (size_t i = 0; i < ANSWER_LOCKS; i++)
		pthread_mutex_init(&pool->answer_locks[i], NULL);
	pool->trim = (struct pool_timer){.job.run = trim_run, .class = POOL_BULK};
	rc = open_fds(pool, err);
	if (rc < 0) {
		/* Only a start without descriptors comes here: the process ends. */
		free(pool->workers);
		free(pool->slots);
		free(pool);
		return rc;
	}
	*pool_out = pool;
	return 0;
}

int pool_start(struct pool *pool, struct err *err)
{
	sigset_t all, before;
	int rc = 0;

	pool_timer_set(pool, &pool->trim, clock_mono_ms() + TRIM_MS);
	sigfillset(&all);
	sigdelset(&all, SIGSYS); /* the sandbox's: a thread that blocks it is killed by it */
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
	while (pool->started < pool->config.threads && rc == 0) {
		struct worker *w = &pool->workers[pool->started];

		w->pool = pool;
		w->scratch = mem_alloc(READ_BYTES);
		buf_init(&w->spare, OUT_MAX);
		rc = pthread_create(&w->thread, NULL, worker_main, w);
		pool->started += rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return 0;
	errno = rc;
	return err_errno(err, "pthread_create");
}

static bool is_quiet(const struct pool *pool)
{
	return atomic_load(&pool->doors.clients) == 0 && pool->jobs == 0;
}

void pool_check_quiet(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pthread_cond_broadcast(&pool->quiet);
	pthread_mutex_unlock(&pool->lock);
}

void pool_wait(struct pool *pool, int64_t timeout_ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&pool->lock);
	while (rc == 0 && !is_quiet(pool))
		rc = pthread_cond_timedwait(&pool->quiet, &pool->lock, &until);
	pthread_mutex_unlock(&pool->lock);
}

/* Jobs still queued are run, because only they know what they own; connections are not. */
static void drop_queues(struct pool *pool)
{
	struct pool_job *job;

	for (size_t i = 0; i < POOL_CLASS_COUNT; i++) {
		while ((job = queue_pop(&pool->queues[i]))) {
			if (job->run != conn_job)
				job->run(job);
		}
	}
}

void pool_stop(struct pool **pool_at)
{
	struct pool *pool = *pool_at;

	if (!pool)
		return;
	doors_close(pool);
	atomic_store(&pool->is_stopping, true);
	wake_one(pool);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->workers[i].thread, NULL);
	drop_queues(pool);
	for (uint32_t i = 1; i < pool->slot_count && i <= pool->doors.slots_used; i++) {
		if (pool->slots[i].conn)
			conn_destroy(pool->slots[i].conn);
	}
	drop_queues(pool);
	map_done(&pool->crowds);
	for (unsigned i = 0; i < pool->config.threads; i++) {
		free(pool->workers[i].scratch);
		buf_done(&pool->workers[i].spare);
	}
	doors_done(pool);
	timers_done(&pool->timers);
	close(pool->epoll_fd);
	close(pool->wake_fd);
	for (size_t i = 0; i < ANSWER_LOCKS; i++)
		pthread_mutex_destroy(&pool->answer_locks[i]);
	pthread_cond_destroy(&pool->quiet);
	pthread_mutex_destroy(&pool->doors.lock);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool->slots);
	free(pool);
	*pool_at = NULL;
}

void pool_stats(struct pool *pool, struct pool_stats *out)
{
	*out = (struct pool_stats){.connections = atomic_load(&pool->doors.clients),
		.threads = pool->config.threads,
		.accepted = atomic_load(&pool->accepted),
		.refused = atomic_load(&pool->refused),
		.handshakes_failed = atomic_load(&pool->handshakes_failed)};
	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < POOL_CLASS_COUNT; i++) {
		out->running += pool->running[i];
		out->queued[i] = pool->queues[i].len;
	}
	pthread_mutex_unlock(&pool->lock);
}
