/* client.c - see client.h for the contract. */
#include "keeper/client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "keeper/channel.h"

enum {
	CHANNELS_MAX = 64,   /* kept open between signatures */
	WAITING_MAX = 10000, /* logins that are asked at once */
	RETRY_FIRST_MS = 50,
	RETRY_MAX_MS = 2000,
};

struct waiting {
	uint64_t id;
	uint64_t ticket;
	struct conn_ref who;
};

struct keeper {
	char *path;
	struct pool *pool;
	pthread_mutex_t lock;
	int channels[CHANNELS_MAX];
	size_t channels_n;
	/* the connection for verify */
	struct conn_ref line;
	bool is_connected, is_over;
	struct buf unsent; /* frames for notify() to send */
	struct map waiting;
	uint32_t last_id;
	struct pool_timer retry;
	int64_t retry_ms;
};

/* ---- blocking questions: signatures, ticket keys ---- */

static int take_channel(struct keeper *k, bool *is_fresh, struct err *err)
{
	int fd = -1;

	pthread_mutex_lock(&k->lock);
	if (k->channels_n)
		fd = k->channels[--k->channels_n];
	pthread_mutex_unlock(&k->lock);
	*is_fresh = fd < 0;
	return fd < 0 ? channel_open(k->path, err) : fd;
}

static void give_channel(struct keeper *k, int fd)
{
	pthread_mutex_lock(&k->lock);
	if (k->channels_n < CHANNELS_MAX) {
		k->channels[k->channels_n++] = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&k->lock);
	io_close(&fd);
}

/* A kept channel may belong to a keeper that is gone: such a failure is tried anew. */
static int ask(struct keeper *k, struct slice request, struct buf *reply, struct frame *fields_out,
	struct err *err)
{
	const int64_t deadline_ms = clock_mono_ms() + KEEPER_SIGN_TIMEOUT_MS;

	for (;;) {
		bool is_fresh, answered;
		int rc, fd = take_channel(k, &is_fresh, err);

		if (fd < 0)
			return fd;
		rc = channel_ask(fd, request, deadline_ms, reply, fields_out, &answered, err);
		if (rc == 0 || answered) {
			give_channel(k, fd);
			return rc;
		}
		close(fd);
		if (is_fresh || rc == -ERR_BUSY)
			return rc;
	}
}

int keeper_sign(void *signer, struct slice key_name, enum tls_algorithm algorithm,
	enum tls_hash hash, struct slice digest, struct buf *out, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	frame_begin(&request, 1, FRAME_SIGN);
	frame_put(&request, key_name);
	frame_put_u64(&request, FRAME_PURPOSE_TLS);
	frame_put_u64(&request, algorithm);
	frame_put_u64(&request, hash);
	frame_put(&request, digest);
	frame_finish(&request, 0);
	rc = ask(signer, buf_slice(&request), &reply, &f, err);
	if (rc < 0)
		return rc;
	buf_append(out, frame_bytes(&f));
	return frame_end(&f) ? 0 : err_set(err, ERR_IO, "the keeper's answer makes no sense");
}

int keeper_ticket_keys(struct keeper *keeper, unsigned char (*keys)[48], size_t max, size_t *n_out,
	struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;
	size_t n = 0;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	frame_begin(&request, 1, FRAME_TICKET_KEYS);
	frame_finish(&request, 0);
	rc = ask(keeper, buf_slice(&request), &reply, &f, err);
	if (rc < 0)
		return rc;
	while (f.rest.len && n < max) {
		const struct slice key = frame_bytes(&f);

		if (f.is_bad || key.len != FRAME_TICKET_KEY)
			return err_set(err, ERR_IO, "the keeper's answer makes no sense");
		memcpy(keys[n++], key.ptr, key.len);
	}
	mem_wipe(reply.ptr, reply.cap);
	*n_out = n;
	return 0;
}

/* ---- logins, over a connection of the pool ---- */

static void answer_busy(struct keeper *k, struct conn_ref who, uint64_t ticket)
{
	struct answer a = {0};

	a.rc = err_set(&a.err, ERR_BUSY, "passwords cannot be checked now");
	pool_answer(k->pool, who, ticket, &a);
}

static size_t line_frame(struct conn *c, struct slice in, bool is_full)
{
	struct err err;
	const int64_t n = frame_length(in, FRAME_SERVER_MAX, &err);

	(void)is_full;
	if (n < 0) {
		conn_close(c);
		return in.len;
	}
	return (size_t)n;
}

static struct answer read_verdict(struct frame *f)
{
	struct answer a = {0};
	struct keeper_verdict verdict;

	if (f->verb) {
		a.rc = frame_take_error(f, &a.err);
		return a;
	}
	verdict.account = frame_u64(f);
	verdict.epoch = frame_u64(f);
	if (!frame_end(f)) {
		a.rc = err_set(&a.err, ERR_BUSY, "the keeper's answer makes no sense");
		return a;
	}
	a.data = mem_new(struct keeper_verdict);
	*(struct keeper_verdict *)a.data = verdict;
	a.free_data = free;
	return a;
}

static void line_execute(struct conn *c, struct slice unit)
{
	struct keeper *k = conn_context(c);
	struct waiting *w;
	struct answer a;
	struct frame f;
	uint64_t id;

	frame_open(unit, &f);
	id = f.id;
	pthread_mutex_lock(&k->lock);
	w = map_del(&k->waiting, map_key_u64(&id));
	pthread_mutex_unlock(&k->lock);
	if (!w)
		return;
	a = read_verdict(&f);
	pool_answer(k->pool, w->who, w->ticket, &a);
	free(w);
}

static void line_notify(struct conn *c)
{
	struct keeper *k = conn_context(c);

	pthread_mutex_lock(&k->lock);
	buf_append(conn_out(c), buf_slice(&k->unsent));
	mem_wipe(k->unsent.ptr, k->unsent.len);
	buf_clear(&k->unsent);
	pthread_mutex_unlock(&k->lock);
}

static void line_greet(struct conn *c)
{
	struct keeper *k = conn_context(c);

	conn_set_timeout(c, INT64_MAX / 2);
	k->retry_ms = RETRY_FIRST_MS;
}

static void line_done(struct conn *c)
{
	struct keeper *k = conn_context(c);
	struct map lost;
	struct waiting *w;
	size_t at = 0;

	pthread_mutex_lock(&k->lock);
	k->is_connected = false;
	lost = k->waiting;
	k->waiting = (struct map){0};
	buf_clear(&k->unsent);
	pthread_mutex_unlock(&k->lock);
	while ((w = map_next(&lost, &at))) {
		answer_busy(k, w->who, w->ticket);
		free(w);
	}
	map_done(&lost);
	if (!k->is_over)
		pool_timer_set(k->pool, &k->retry, clock_mono_ms() + k->retry_ms);
}

static const struct protocol line_protocol = {
	.name = "keeper",
	.unit_max = FRAME_SERVER_MAX,
	.greet = line_greet,
	.frame = line_frame,
	.execute = line_execute,
	.notify = line_notify,
	.done = line_done,
};

static int connect_line(struct keeper *k, struct err *err)
{
	struct conn_ref line;
	int rc, fd = channel_open(k->path, err);

	if (fd < 0)
		return fd;
	rc = pool_attach(k->pool, fd, &line_protocol, k, &line, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&k->lock);
	k->line = line;
	k->is_connected = true;
	pthread_mutex_unlock(&k->lock);
	return 0;
}

static void retry(struct pool_job *job)
{
	struct keeper *k = (struct keeper *)((char *)job - offsetof(struct keeper, retry.job));
	struct err err;

	if (k->is_over || connect_line(k, &err) == 0)
		return;
	k->retry_ms = k->retry_ms * 2 < RETRY_MAX_MS ? k->retry_ms * 2 : RETRY_MAX_MS;
	pool_timer_set(k->pool, &k->retry, clock_mono_ms() + k->retry_ms);
}

void keeper_verify(struct keeper *keeper, struct conn_ref who, uint64_t ticket,
	const struct keeper_login *login)
{
	struct waiting *w = mem_new(struct waiting);
	struct conn_ref line;
	bool is_asked = false;

	pthread_mutex_lock(&keeper->lock);
	if (keeper->is_connected && keeper->waiting.count < WAITING_MAX &&
		login->password.len <= KEEPER_PASSWORD_MAX) {
		*w = (struct waiting){.id = ++keeper->last_id, .ticket = ticket, .who = who};
		map_put(&keeper->waiting, map_key_u64(&w->id), w);
		const size_t begin = frame_begin(&keeper->unsent, (uint32_t)w->id, FRAME_VERIFY);
		frame_put_u64(&keeper->unsent, login->account);
		frame_put(&keeper->unsent, login->password);
		frame_put(&keeper->unsent, login->service);
		frame_put(&keeper->unsent, login->peer);
		frame_finish(&keeper->unsent, begin);
		is_asked = true;
	}
	line = keeper->line;
	pthread_mutex_unlock(&keeper->lock);
	if (is_asked) {
		pool_wake(keeper->pool, line);
	} else {
		free(w);
		answer_busy(keeper, who, ticket);
	}
}

int keeper_new(const char *socket_path, struct keeper **keeper_out, struct err *err)
{
	struct keeper *k = mem_new(struct keeper);

	(void)err;
	k->path = mem_str(slice_str(socket_path));
	pthread_mutex_init(&k->lock, NULL);
	buf_init(&k->unsent, 16 << 20);
	k->retry_ms = RETRY_FIRST_MS;
	k->retry = (struct pool_timer){.job.run = retry, .class = POOL_INTERACTIVE};
	*keeper_out = k;
	return 0;
}

int keeper_start(struct keeper *keeper, struct pool *pool, struct err *err)
{
	keeper->pool = pool;
	(void)err;
	pool_timer_set(pool, &keeper->retry, clock_mono_ms());
	return 0;
}

void keeper_free(struct keeper **keeper)
{
	struct keeper *k = *keeper;

	if (!k)
		return;
	k->is_over = true;
	while (k->channels_n)
		close(k->channels[--k->channels_n]);
	map_done(&k->waiting);
	buf_done(&k->unsent);
	free(k->path);
	free(k);
	*keeper = NULL;
}
