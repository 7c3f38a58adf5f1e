/* bring.c - see bring.h for the contract: threads, and what the servers ask. */
#include "courier/bring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "ask/verbs.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/bring_internal.h"
#include "process/filter.h"

enum {
	AT_ONCE = 6,
	TURN_MS = 3 * 60 * 1000,
	LOOK_MS = 10000, /* the wall clock may be set; nobody tells us */
	STACK_BYTES = PROCESS_SANITIZED ? 4 << 20 : 512 << 10,
};

static const char socket_path[] = "../run/courier-lmtp.sock";

struct worker {
	struct bring *bring;
	pthread_t thread;
	uint64_t job; /* 0: none; guarded by the lock */
	struct bring_turn turn;
};

struct bring {
	struct courier *courier;
	struct bring_book *book;
	struct peer_tls *tls;
	int spool_dir;
	struct worker workers[AT_ONCE];
	size_t started;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;
	bool is_stopping;
	size_t idle;
};

static struct timespec after_ms(int64_t ms)
{
	const int64_t end = clock_mono_ms() + ms;

	return (struct timespec){.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};
}

bool bring_turn_is_stopped(const struct bring_turn *t)
{
	struct pollfd fd = {.fd = t->stop_fd, .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static void signal_stop(int fd)
{
	const uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* ---- turns ---- */

/* Somebody who is due finds no thread. */
static bool is_wanted(void *context)
{
	struct bring *b = context;
	bool is;

	pthread_mutex_lock(&b->lock);
	is = b->idle == 0;
	pthread_mutex_unlock(&b->lock);
	return is && bring_book_has_due(b->book);
}

/* False: nothing is due; *wait_ms_out: for so long. */
static bool take_turn(struct worker *w, int64_t *wait_ms_out)
{
	struct bring *b = w->bring;
	int64_t due_s = INT64_MAX, left_s;
	uint64_t count;
	struct err err;

	if (bring_book_take(b->book, &w->turn.job, &due_s, &err) < 0) {
		left_s = due_s == INT64_MAX ? LOOK_MS / 1000 : due_s - clock_wall_s();
		*wait_ms_out = left_s < 1                ? 1000
			       : left_s < LOOK_MS / 1000 ? left_s * 1000
							 : LOOK_MS;
		return false;
	}
	pthread_mutex_lock(&b->lock);
	w->job = w->turn.job.id;
	(void)!read(w->turn.stop_fd, &count, sizeof(count)); /* what was meant for another */
	/* Whoever stopped it before this did not see that we have it. */
	if (b->is_stopping || !bring_book_is_running(b->book, w->job))
		signal_stop(w->turn.stop_fd);
	pthread_mutex_unlock(&b->lock);
	w->turn.until_ms = clock_mono_ms() + TURN_MS;
	return true;
}

static void end_turn(struct worker *w)
{
	pthread_mutex_lock(&w->bring->lock);
	w->job = 0;
	pthread_mutex_unlock(&w->bring->lock);
	mem_wipe(&w->turn.job, sizeof(w->turn.job));
}

/* False: the process ends. */
static bool wait_for_work(struct bring *b, int64_t wait_ms)
{
	const struct timespec until = after_ms(wait_ms);
	bool is_stopping;

	pthread_mutex_lock(&b->lock);
	b->idle++;
	if (!b->is_stopping)
		pthread_cond_timedwait(&b->work, &b->lock, &until);
	b->idle--;
	is_stopping = b->is_stopping;
	pthread_mutex_unlock(&b->lock);
	return !is_stopping;
}

static void *work(void *context)
{
	struct worker *w = context;
	int64_t wait_ms;

	do {
		while (take_turn(w, &wait_ms)) {
			bring_run(&w->turn);
			end_turn(w);
		}
	} while (wait_for_work(w->bring, wait_ms));
	return NULL;
}

/* ---- life ---- */

static int open_worker(struct bring *b, struct worker *w, struct err *err)
{
	const struct config *s = b->courier->settings;
	const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	w->bring = b;
	w->turn = (struct bring_turn){.settings = s,
		.dns = b->courier->dns,
		.book = b->book,
		.imap = {.tls = b->tls,
			.stop_fd = fd,
			.patience_ms = (int64_t)s->courier_patience_s * 1000,
			.connect_ms = (int64_t)s->courier_connect_s * 1000},
		.socket_path = socket_path,
		.stop_fd = fd,
		.spool_dir = b->spool_dir,
		.is_wanted = is_wanted,
		.bring = b};
	return fd < 0 ? err_errno(err, "cannot make an event") : 0;
}

int bring_open(struct courier *courier, struct bring **out, struct err *err)
{
	struct bring *b AUTO(bring_close) = mem_new(struct bring);
	pthread_condattr_t attr;
	int rc;

	b->courier = courier;
	b->spool_dir = -1;
	for (size_t i = 0; i < AT_ONCE; i++)
		b->workers[i].turn.stop_fd = -1;
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->work, &attr);
	pthread_condattr_destroy(&attr);
	rc = bring_book_open("bring.db", &b->book, err);
	if (rc == 0)
		rc = peer_tls_new(buf_slice(&courier->ca_pem), &b->tls, err);
	if (rc == 0) {
		b->spool_dir = io_open(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY, 0, err);
		rc = b->spool_dir < 0 ? b->spool_dir : 0;
	}
	for (size_t i = 0; i < AT_ONCE && rc == 0; i++)
		rc = open_worker(b, &b->workers[i], err);
	if (rc < 0)
		return rc;
	*out = b;
	b = NULL;
	return 0;
}

int bring_start(struct bring *b, struct err *err)
{
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (b->started < AT_ONCE && rc == 0) {
		struct worker *w = &b->workers[b->started];

		if (pthread_create(&w->thread, &attr, work, w) == 0)
			b->started++;
		else
			rc = err_set(err, ERR_IO, "cannot start a thread");
	}
	pthread_attr_destroy(&attr);
	return rc;
}

void bring_stop(struct bring *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->is_stopping = true;
	for (size_t i = 0; i < AT_ONCE; i++)
		signal_stop(b->workers[i].turn.stop_fd);
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	while (b->started)
		pthread_join(b->workers[--b->started].thread, NULL);
}

void bring_close(struct bring **bring)
{
	struct bring *b = *bring;

	if (!b)
		return;
	for (size_t i = 0; i < AT_ONCE; i++)
		io_close(&b->workers[i].turn.stop_fd);
	bring_book_close(&b->book);
	peer_tls_free(&b->tls);
	io_close(&b->spool_dir);
	pthread_cond_destroy(&b->work);
	pthread_mutex_destroy(&b->lock);
	free(b);
	*bring = NULL;
}

/* ---- what the servers ask ---- */

struct wish {
	struct pool_job job;
	struct bring *bring;
	struct asked *asked;
	int (*run)(struct wish *wish, struct buf *out, struct err *err);
	uint64_t account, id;
	enum ask_bring what;
	struct external_server server;
};

enum { ANSWER_MAX = 900 << 10 };

static void run_wish(struct pool_job *job)
{
	struct wish *w = (struct wish *)(void *)job;
	struct buf fields AUTO(buf_done);
	struct err err;

	buf_init(&fields, ANSWER_MAX);
	if (w->run(w, &fields, &err) < 0)
		asked_fail(w->asked, &err);
	else
		asked_answer(w->asked, &fields);
	mem_wipe(&w->server, sizeof(w->server));
	free(w);
}

/* Of one mailbox, or of all that were stopped. */
static void stop_turns(struct bring *b)
{
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < AT_ONCE; i++) {
		struct worker *w = &b->workers[i];

		if (w->job && !bring_book_is_running(b->book, w->job))
			signal_stop(w->turn.stop_fd);
	}
	pthread_mutex_unlock(&b->lock);
}

static int run_start(struct wish *w, struct buf *out, struct err *err)
{
	uint64_t id;
	const int rc = bring_book_start(w->bring->book, w->account, &w->server, &id, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&w->bring->lock);
	pthread_cond_signal(&w->bring->work);
	pthread_mutex_unlock(&w->bring->lock);
	frame_put_u64(out, id);
	return 0;
}

static int run_other(struct wish *w, struct buf *out, struct err *err)
{
	struct bring_book *book = w->bring->book;
	struct buf text AUTO(buf_done);
	int rc;

	buf_init(&text, ANSWER_MAX);
	switch (w->what) {
	case ASK_BRING_LIST:
		rc = bring_book_json(book, w->account, w->id, &text, err);
		frame_put(out, buf_slice(&text));
		return rc;
	case ASK_BRING_STOP:
		rc = bring_book_stop(book, w->account, w->id, err);
		break;
	case ASK_BRING_FORGET:
		rc = bring_book_forget(book, w->account, w->id, err);
		break;
	default:
		rc = err_set(err, ERR_SYNTAX, "nobody can do that");
		break;
	}
	if (rc == 0)
		stop_turns(w->bring);
	return rc;
}

static struct wish *new_wish(struct courier *courier, struct asked *asked)
{
	struct wish *w = mem_new(struct wish);

	w->job.run = run_wish;
	w->bring = courier->bring;
	w->asked = asked;
	return w;
}

static void refuse(struct wish *w)
{
	struct err err;

	err_set(&err, ERR_SYNTAX, "this is no mailbox elsewhere");
	asked_fail(w->asked, &err);
	mem_wipe(&w->server, sizeof(w->server));
	free(w);
}

static bool take_text(struct frame *f, char *out, size_t size)
{
	const struct slice text = frame_bytes(f);

	snprintf(out, size, "%.*s", SLICE_ARG(text));
	return text.len > 0 && strlen(out) == text.len;
}

void desk_bring_start(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct wish *w = new_wish(courier, asked);
	struct external_server *s = &w->server;
	bool is_good;

	(void)fd;
	w->run = run_start;
	w->account = frame_u64(f);
	is_good = take_text(f, s->host, sizeof(s->host));
	s->port = (unsigned)(frame_u64(f) & 0xffff);
	s->is_starttls = frame_u64(f) != 0;
	is_good = take_text(f, s->login, sizeof(s->login)) && is_good;
	is_good = take_text(f, s->password, sizeof(s->password)) && is_good;
	if (is_good && frame_end(f) && w->account && s->port)
		pool_run(courier->pool, POOL_BULK, &w->job);
	else
		refuse(w);
}

void desk_bring(struct courier *courier, struct asked *asked, struct frame *f, int fd)
{
	struct wish *w = new_wish(courier, asked);

	(void)fd;
	w->run = run_other;
	w->what = (enum ask_bring)frame_u64(f);
	w->account = frame_u64(f);
	w->id = frame_u64(f);
	if (frame_end(f))
		pool_run(courier->pool, POOL_BULK, &w->job);
	else
		refuse(w);
}
