/* runner.c - see runner.h for the contract: threads and their life. */
#include "courier/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/runner_internal.h"
#include "process/filter.h"
#include "queue/manage.h"

enum {
	TICK_MS = 500, /* the wall clock may be set; nobody tells us */
	IDLE_MS = 10000,
	STACK_BYTES = PROCESS_SANITIZED ? 2 << 20 : 256 << 10,
};

static struct timespec after_ms(int64_t ms)
{
	const int64_t end = clock_mono_ms() + ms;

	return (struct timespec){.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};
}

/* ---- threads ---- */

static void *work(void *context);

/* The caller holds the lock. */
static void start_thread(struct runner *r)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, work, r) == 0)
		r->threads++;
	else
		log_warn(NULL, "courier-thread", log_n("threads", (int64_t)r->threads));
	pthread_attr_destroy(&attr);
}

/* Somebody shall look at the line. The caller holds the lock. */
static void call_thread(struct runner *r)
{
	if (!r->lanes.first || r->is_stopping)
		return;
	if (r->idle)
		pthread_cond_signal(&r->work);
	else if (r->threads < r->settings->courier_connections)
		start_thread(r);
}

/* NULL: the thread is not needed any more. The caller holds the lock. */
static struct lane *next_lane(struct runner *r)
{
	const struct timespec until = after_ms(IDLE_MS);
	struct lane *lane = NULL;
	int rc = 0;

	while (!r->is_stopping && rc != ETIMEDOUT && !(lane = lanes_take(&r->lanes))) {
		r->idle++;
		rc = pthread_cond_timedwait(&r->work, &r->lock, &until);
		r->idle--;
	}
	return r->is_stopping && !lane ? NULL : lane;
}

static void *work(void *context)
{
	struct runner *r = context;
	struct lane *lane;

	pthread_mutex_lock(&r->lock);
	while ((lane = next_lane(r))) {
		call_thread(r);
		pthread_mutex_unlock(&r->lock);
		runner_serve(r, lane);
		pthread_mutex_lock(&r->lock);
		lanes_leave(&r->lanes, lane, clock_wall_s());
	}
	r->threads--;
	pthread_cond_broadcast(&r->ended);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

bool runner_linger(struct runner *r, struct lane *lane, int64_t ms)
{
	const struct timespec until = after_ms(ms);
	bool is_due;

	pthread_mutex_lock(&r->lock);
	lane->lingering++;
	while (lane->due_s > clock_wall_s() && !r->is_stopping && !r->lanes.first &&
		pthread_cond_timedwait(&lane->more, &r->lock, &until) != ETIMEDOUT)
		;
	lane->lingering--;
	is_due = lane->due_s <= clock_wall_s() && !r->is_stopping;
	pthread_mutex_unlock(&r->lock);
	return is_due;
}

bool runner_is_stopping(struct runner *r)
{
	bool is;

	pthread_mutex_lock(&r->lock);
	is = r->is_stopping;
	pthread_mutex_unlock(&r->lock);
	return is;
}

bool runner_is_wanted(struct runner *r)
{
	bool is;

	pthread_mutex_lock(&r->lock);
	is = r->lanes.first && !r->idle && r->threads >= r->settings->courier_connections;
	pthread_mutex_unlock(&r->lock);
	return is;
}

static void on_changed(void *context, int64_t destination, struct slice name, int64_t due_s)
{
	struct runner *r = context;

	pthread_mutex_lock(&r->lock);
	lanes_changed(&r->lanes, (uint64_t)destination, name, due_s, clock_wall_s());
	call_thread(r);
	pthread_mutex_unlock(&r->lock);
}

/* What becomes due, and who has to be told. */
static void *watch_clock(void *context)
{
	struct runner *r = context;
	bool is_over = false;
	struct err err;

	while (!is_over) {
		const struct timespec until = after_ms(TICK_MS);

		if (queue_report_due(r->queue) <= clock_wall_s())
			runner_tell(r);
		queue_finish_again(r->queue);
		if (queue_late_due(r->queue) <= clock_wall_s() && queue_late(r->queue, &err) < 0)
			log_error(NULL, "queue-late", log_e(&err));
		pthread_mutex_lock(&r->lock);
		lanes_tick(&r->lanes, clock_wall_s());
		call_thread(r);
		if (!r->is_stopping)
			pthread_cond_timedwait(&r->ended, &r->lock, &until);
		is_over = r->is_stopping;
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

/* ---- life ---- */

static void init_locks(struct runner *r)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->work, &attr);
	pthread_cond_init(&r->ended, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&r->lock, NULL);
}

static int open_queue(struct runner *r, struct err *err)
{
	const struct config *s = r->settings;
	struct queue_config config = {.path = "queue.db",
		.pool = r->courier->pool,
		.smarthost = s->courier_smarthost,
		.reserve_bytes = s->reserve_bytes,
		.lifetime_s = (int64_t)s->courier_lifetime_s,
		.delay_s = (int64_t)s->courier_delay_s,
		.changed = on_changed,
		.context = r};
	const int rc = queue_backoff_parse(s->courier_retry, &r->backoff, err);

	config.backoff = r->backoff;
	return rc < 0 ? rc : queue_open(&config, &r->queue, err);
}

int runner_open(struct courier *courier, struct runner **out, struct err *err)
{
	const struct config *s = courier->settings;
	struct runner *r AUTO(runner_close) = mem_new(struct runner);
	int rc;

	r->courier = courier;
	r->settings = s;
	init_locks(r);
	lanes_init(&r->lanes, (unsigned)s->courier_per_destination);
	r->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = r->stop_fd < 0 ? err_errno(err, "cannot make an event")
			    : peer_tls_new(buf_slice(&courier->ca_pem), &r->tls, err);
	if (rc == 0)
		rc = open_queue(r, err);
	if (rc < 0)
		return rc;
	r->client = (struct smtp_client_config){.tls = r->tls,
		.host_name = s->host_name,
		.stop_fd = r->stop_fd,
		.patience_ms = (int64_t)s->courier_patience_s * 1000,
		.connect_ms = (int64_t)s->courier_connect_s * 1000};
	*out = r;
	r = NULL;
	return 0;
}

static void use_limit(void *context, struct slice name, const struct lane_bounds *bounds)
{
	struct runner *r = context;

	pthread_mutex_lock(&r->lock);
	lanes_limit(&r->lanes, name, bounds, clock_wall_s());
	call_thread(r);
	pthread_mutex_unlock(&r->lock);
}

int runner_limit(struct runner *r, struct slice destination, const struct lane_bounds *bounds,
	struct err *err)
{
	const int rc = queue_limit_set(r->queue, destination, bounds, err);

	if (rc == 0)
		use_limit(r, destination, bounds);
	return rc;
}

const char *runner_why(struct runner *r, int64_t destination, int64_t *until_out)
{
	const uint64_t id = (uint64_t)destination;
	const struct lane *lane;
	const char *why = NULL;

	pthread_mutex_lock(&r->lock);
	lane = map_get(&r->lanes.map, map_key_u64(&id));
	if (lane)
		why = lanes_why(lane, clock_wall_s(), until_out);
	pthread_mutex_unlock(&r->lock);
	return why;
}

int runner_start(struct runner *r, struct err *err)
{
	int rc = queue_limit_list(r->queue, use_limit, r, err);

	if (rc == 0)
		rc = queue_start(r->queue, err);
	if (rc < 0)
		return rc;
	r->has_clock_thread = pthread_create(&r->clock_thread, NULL, watch_clock, r) == 0;
	return r->has_clock_thread ? 0 : err_set(err, ERR_IO, "cannot start a thread");
}

static void wait_for_threads(struct runner *r, int64_t ms)
{
	const struct timespec until = after_ms(ms);

	while (r->threads && pthread_cond_timedwait(&r->ended, &r->lock, &until) != ETIMEDOUT)
		;
}

/* Who waits for a server has some time to hear what became of its message. */
void runner_stop(struct runner *r, int64_t wait_ms)
{
	const uint64_t one = 1;
	struct lane *lane;
	size_t at = 0;

	pthread_mutex_lock(&r->lock);
	r->is_stopping = true;
	pthread_cond_broadcast(&r->work);
	pthread_cond_broadcast(&r->ended);
	while ((lane = map_next(&r->lanes.map, &at)))
		pthread_cond_broadcast(&lane->more);
	wait_for_threads(r, wait_ms);
	while (write(r->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	while (r->threads)
		pthread_cond_wait(&r->ended, &r->lock);
	pthread_mutex_unlock(&r->lock);
	if (r->has_clock_thread)
		pthread_join(r->clock_thread, NULL);
	r->has_clock_thread = false;
	queue_wait(r->queue);
}

void runner_close(struct runner **runner)
{
	struct runner *r = *runner;

	if (!r)
		return;
	queue_close(&r->queue);
	lanes_done(&r->lanes);
	peer_tls_free(&r->tls);
	io_close(&r->stop_fd);
	pthread_cond_destroy(&r->work);
	pthread_cond_destroy(&r->ended);
	pthread_mutex_destroy(&r->lock);
	free(r);
	*runner = NULL;
}

int runner_visit_begin(struct runner *r, struct err *err)
{
	if (atomic_fetch_add(&r->visits, 1) < RUNNER_VISITS_MAX)
		return 0;
	runner_visit_end(r);
	return err_set(err, ERR_BUSY, "too many servers are asked at once");
}

void runner_visit_end(struct runner *r)
{
	atomic_fetch_sub(&r->visits, 1);
}

struct queue *runner_queue(struct runner *r)
{
	return r->queue;
}

void runner_hurry(struct runner *r)
{
	pthread_mutex_lock(&r->lock);
	lanes_unblock(&r->lanes, clock_wall_s());
	call_thread(r);
	pthread_mutex_unlock(&r->lock);
}

void runner_status(struct runner *r, struct runner_status *out)
{
	pthread_mutex_lock(&r->lock);
	out->connections = r->threads - r->idle;
	out->destinations = r->lanes.n;
	pthread_mutex_unlock(&r->lock);
	out->sent = atomic_load(&r->sent);
	out->deferred = atomic_load(&r->deferred);
	out->failed = atomic_load(&r->failed);
	out->unsure = atomic_load(&r->unsure);
}
