/* line.c - see line.h for the contract. */
#include "line/line.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"

enum { RETRY_FIRST_MS = 50, RETRY_MAX_MS = 2000, OUT_MAX = 1 << 20, WATCH_MS = 1000 };

struct request {
	uint64_t id;          /* 32 bits of it go over the wire */
	struct request *next; /* in the list of the unsent */
	struct line_request face;
};

struct line {
	struct line_config config;
	struct protocol protocol;
	struct pool *pool;
	struct pool_timer retry, watch;
	pthread_mutex_t lock;          /* guards all below */
	struct map requests;           /* by id: all that are not answered */
	struct request *first, **last; /* those that are not sent yet, oldest first */
	size_t sent;                   /* how many are not in that list */
	uint32_t last_id;
	bool is_stopping;
	bool is_watching;  /* the timer is set that looks at the calls' deadlines */
	bool is_connected; /* conn is good: from its greet() to its done() */
	struct conn_ref conn;
	int64_t lost_ms;  /* since when it is not, clock_mono_ms() */
	int64_t retry_ms; /* until the next try, growing */
};

static void request_free(struct request *r)
{
	mem_wipe(r->face.frame.ptr, r->face.frame.cap);
	buf_done(&r->face.frame);
	io_close(&r->face.fd);
	free(r);
}

/* ---- answers ---- */

void line_fail(
	struct line *line, const struct line_request *request, enum err_code code, const char *why)
{
	struct answer answer = {0};

	if (request->own)
		return;
	answer.rc = err_set(&answer.err, code, "%s", why);
	if (request->done)
		request->done(request->done_context, NULL, answer.rc, &answer.err);
	else
		pool_answer(line->pool, request->who, request->ticket, &answer);
}

static void answer_request(struct line *line, const struct line_request *r, struct frame *f)
{
	struct answer answer = {.free_data = free};

	if (f->verb)
		answer.rc = frame_take_error(f, &answer.err);
	else if (r->read)
		answer.data = r->read(f);
	if (!f->verb && !frame_end(f)) {
		free(answer.data);
		answer.data = NULL;
		answer.rc = err_set(
			&answer.err, ERR_BUSY, "the %s's answer makes no sense", line->config.name);
	}
	pool_answer(line->pool, r->who, r->ticket, &answer);
}

static void answer_done(const struct line_request *r, struct frame *f)
{
	struct err err = {.code = 0};
	const int rc = f->verb ? frame_take_error(f, &err) : 0;

	r->done(r->done_context, rc < 0 ? NULL : f, rc, &err);
}

/* ---- the list of the unsent; the caller holds the lock ---- */

static void append_unsent(struct line *line, struct request *r)
{
	r->next = NULL;
	*line->last = r;
	line->last = &r->next;
}

static struct request *take_unsent(struct line *line)
{
	struct request *r = line->first;

	if (!r)
		return NULL;
	line->first = r->next;
	if (!line->first)
		line->last = &line->first;
	return r;
}

/* Whoever asked has been told by the pool when the time was up; those that nobody tells are
 * returned. */
static struct request *drop_late(struct line *line, int64_t now)
{
	struct request *untold = NULL;
	struct request *r, *list = line->first;

	line->first = NULL;
	line->last = &line->first;
	while ((r = list)) {
		list = r->next;
		if (now < r->face.deadline_ms) {
			append_unsent(line, r);
			continue;
		}
		map_del(&line->requests, map_key_u64(&r->id));
		if (r->face.done) {
			r->next = untold;
			untold = r;
		} else {
			request_free(r);
		}
	}
	return untold;
}

/* Without the lock. */
static void fail_all(struct line *line, struct request *list, const char *why)
{
	struct request *r;

	while ((r = list)) {
		list = r->next;
		line_fail(line, &r->face, ERR_BUSY, why);
		request_free(r);
	}
}

/* ---- requests ---- */

static struct request *request_new(struct line_request *face)
{
	struct request *r = mem_new(struct request);

	r->face = *face;
	return r;
}

/* The caller holds the lock. */
static void number_request(struct line *line, struct request *r)
{
	if (++line->last_id == 0)
		line->last_id++; /* 0 is what the other side says unasked */
	r->id = line->last_id;
	frame_set_id(&r->face.frame, (uint32_t)r->id);
	frame_finish(&r->face.frame, 0);
	map_put(&line->requests, map_key_u64(&r->id), r);
}

/* The caller holds the lock. */
static void send_request(struct line *line, struct conn *c, struct request *r)
{
	if (r->face.fd >= 0)
		conn_send_fd(c, r->face.fd);
	r->face.fd = -1;
	buf_append(conn_out(c), buf_slice(&r->face.frame));
	mem_wipe(r->face.frame.ptr, r->face.frame.cap);
	buf_done(&r->face.frame);
	line->sent++;
}

static void send_unsent(struct line *line, struct conn *c)
{
	struct request *r, *late;

	pthread_mutex_lock(&line->lock);
	late = drop_late(line, clock_mono_ms());
	while (line->sent < line->config.sent_max && conn_out(c)->len < OUT_MAX &&
		(r = take_unsent(line)))
		send_request(line, c, r);
	pthread_mutex_unlock(&line->lock);
	fail_all(line, late, "no answer in time");
}

void line_say_first(struct line *line, struct conn *c, struct line_request *request)
{
	struct request *r = request_new(request);

	pthread_mutex_lock(&line->lock);
	number_request(line, r);
	send_request(line, c, r);
	pthread_mutex_unlock(&line->lock);
}

/* ---- the connection ---- */

static void on_greet(struct conn *c)
{
	struct line *line = conn_context(c);

	if (line->config.connected)
		line->config.connected(line->config.context, c);
	pthread_mutex_lock(&line->lock);
	line->is_connected = true;
	line->conn = conn_ref(c);
	pthread_mutex_unlock(&line->lock);
	send_unsent(line, c);
}

static void on_notify(struct conn *c)
{
	send_unsent(conn_context(c), c);
}

/* Large requests wait until those before them are on their way. */
static bool on_more(struct conn *c)
{
	const size_t before = conn_out(c)->len;

	send_unsent(conn_context(c), c);
	return conn_out(c)->len > before;
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const struct line *line = conn_context(c);
	struct err err;
	const int64_t length = frame_length(in, line->config.answer_max, &err);

	(void)is_full;
	return length < 0 ? in.len : (size_t)length;
}

static void on_answer(struct line *line, struct conn *c, struct frame *f)
{
	const uint64_t id = f->id;
	struct request *r;

	pthread_mutex_lock(&line->lock);
	r = map_del(&line->requests, map_key_u64(&id));
	line->sent -= r != NULL;
	line->retry_ms = RETRY_FIRST_MS;
	pthread_mutex_unlock(&line->lock);
	if (r && r->face.own)
		r->face.own(line->config.context, f);
	else if (r && r->face.done)
		answer_done(&r->face, f);
	else if (r)
		answer_request(line, &r->face, f);
	if (r)
		request_free(r);
	send_unsent(line, c);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct line *line = conn_context(c);
	struct frame f;
	struct err err;

	if (frame_length(unit, line->config.answer_max, &err) != (int64_t)unit.len) {
		log_error(NULL, "answer_bad", log_c("process", line->config.name));
		conn_close(c);
		return;
	}
	frame_open(unit, &f);
	if (f.id == 0 && line->config.unasked)
		line->config.unasked(line->config.context, c, &f);
	else
		on_answer(line, c, &f);
}

/* Takes all out that were sent: their answers will never come. */
static struct request *take_sent(struct line *line)
{
	struct request *r, *sent = NULL;
	size_t at = 0;

	for (r = line->first; r; r = r->next)
		map_del(&line->requests, map_key_u64(&r->id));
	while ((r = map_next(&line->requests, &at))) {
		r->next = sent;
		sent = r;
	}
	map_done(&line->requests);
	line->requests = (struct map){0};
	for (r = line->first; r; r = r->next)
		map_put(&line->requests, map_key_u64(&r->id), r);
	line->sent = 0;
	return sent;
}

static void retry_later(struct line *line)
{
	struct request *late;
	int64_t wait;

	pthread_mutex_lock(&line->lock);
	late = drop_late(line, clock_mono_ms());
	wait = line->retry_ms;
	line->retry_ms = wait * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : wait * 2;
	pthread_mutex_unlock(&line->lock);
	fail_all(line, late, "nobody is there to answer");
	pool_timer_set(line->pool, &line->retry, clock_mono_ms() + wait);
}

static void on_done(struct conn *c)
{
	struct line *line = conn_context(c);
	struct request *list;

	pthread_mutex_lock(&line->lock);
	line->is_connected = false;
	line->lost_ms = clock_mono_ms();
	list = take_sent(line);
	pthread_mutex_unlock(&line->lock);
	if (!conn_is_draining(c))
		log_warn(NULL, "process_lost", log_c("process", line->config.name));
	fail_all(line, list, "the process that was asked went away");
	retry_later(line);
}

/* Blocking, but only until the kernel has put it into the listener's queue. */
static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd AUTO(io_close) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int connected;

	assert(strlen(path) < sizeof(to.sun_path));
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return err_errno(err, "cannot connect to %s", path);
	connected = fd;
	fd = -1;
	return connected;
}

static void try_to_connect(struct line *line)
{
	struct conn_ref ref;
	struct err err;
	const int fd = connect_to(line->config.path, &err);

	if (fd >= 0 && pool_attach(line->pool, fd, &line->protocol, line, &ref, &err) == 0)
		return;
	if (fd >= 0)
		close(fd);
	retry_later(line);
}

static void on_retry(struct pool_job *job)
{
	try_to_connect((struct line *)((char *)job - offsetof(struct line, retry.job)));
}

/* Calls that were sent and are late: a connection that nobody has accepted yet looks like any. The
 * caller holds the lock. */
static struct request *take_late_calls(struct line *line, int64_t now, bool *has_more)
{
	struct request *late = drop_late(line, now), *r;
	size_t at = 0;

	*has_more = false;
	while ((r = map_next(&line->requests, &at))) {
		if (!r->face.done)
			continue;
		if (now < r->face.deadline_ms) {
			*has_more = true;
			continue;
		}
		map_del(&line->requests, map_key_u64(&r->id));
		line->sent--;
		r->next = late;
		late = r;
	}
	return late;
}

static void watch_later(struct line *line)
{
	pool_timer_set(line->pool, &line->watch, clock_mono_ms() + WATCH_MS);
}

static void on_watch(struct pool_job *job)
{
	struct line *line = (struct line *)((char *)job - offsetof(struct line, watch.job));
	struct request *late;
	bool has_more;

	pthread_mutex_lock(&line->lock);
	late = take_late_calls(line, clock_mono_ms(), &has_more);
	line->is_watching = has_more;
	pthread_mutex_unlock(&line->lock);
	fail_all(line, late, "no answer in time");
	if (has_more)
		watch_later(line);
}

struct line *line_new(const struct line_config *config)
{
	struct line *line = mem_new(struct line);

	line->config = *config;
	line->protocol = (struct protocol){
		.name = config->name,
		.unit_max = config->answer_max,
		.sends_secrets = true,
		.takes_fds = true,
		.greet = on_greet,
		.frame = on_frame,
		.execute = on_execute,
		.notify = on_notify,
		.more = on_more,
		.done = on_done,
	};
	pthread_mutex_init(&line->lock, NULL);
	line->last = &line->first;
	line->retry_ms = RETRY_FIRST_MS;
	line->retry.job.run = on_retry;
	line->retry.class = POOL_INTERACTIVE;
	line->watch = (struct pool_timer){.job = {.run = on_watch}, .class = POOL_INTERACTIVE};
	return line;
}

void line_start(struct line *line, struct pool *pool)
{
	assert(!line->pool);
	line->pool = pool;
	line->lost_ms = clock_mono_ms();
	try_to_connect(line);
}

void line_stop(struct line *line)
{
	struct request *calls;
	bool has_more;

	pthread_mutex_lock(&line->lock);
	line->is_stopping = true;
	calls = take_late_calls(line, INT64_MAX, &has_more);
	pthread_mutex_unlock(&line->lock);
	fail_all(line, calls, "this process ends");
}

void line_free(struct line **line_at)
{
	struct line *line = *line_at;
	struct request *r;

	if (!line)
		return;
	for (size_t at = 0; (r = map_next(&line->requests, &at));) {
		if (r->face.done)
			line_fail(line, &r->face, ERR_BUSY, "this process ends");
		request_free(r);
	}
	map_done(&line->requests);
	pthread_mutex_destroy(&line->lock);
	free(line);
	*line_at = NULL;
}

/* ---- asking ---- */

/* Takes the request if there is room and hope. The caller holds the lock. */
static bool add_request(struct line *line, struct request *r, struct request **late)
{
	if (line->is_stopping)
		return false;
	if (!line->is_connected && line->config.away_ms &&
		clock_mono_ms() - line->lost_ms > line->config.away_ms)
		return false;
	if (line->requests.count >= LINE_REQUESTS_MAX)
		*late = drop_late(line, clock_mono_ms());
	if (line->requests.count >= LINE_REQUESTS_MAX)
		return false;
	number_request(line, r);
	append_unsent(line, r);
	return true;
}

void line_ask(struct line *line, struct line_request *request)
{
	struct request *r = request_new(request), *late = NULL;
	bool has_room, is_connected, must_watch;
	struct conn_ref conn;

	assert(line->pool);
	if (request->frame.failed) {
		line_fail(line, request, ERR_SYNTAX, "what was given is too long");
		request_free(r);
		return;
	}
	pthread_mutex_lock(&line->lock);
	has_room = add_request(line, r, &late);
	is_connected = line->is_connected;
	conn = line->conn;
	must_watch = has_room && request->done && !line->is_watching;
	line->is_watching = line->is_watching || must_watch;
	pthread_mutex_unlock(&line->lock);
	fail_all(line, late, "no answer in time");
	if (must_watch)
		watch_later(line);
	if (!has_room) {
		line_fail(
			line, request, ERR_BUSY, "too much is asked, or nobody is there to answer");
		request_free(r);
	} else if (is_connected) {
		pool_wake(line->pool, conn);
	}
}
