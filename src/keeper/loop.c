/* loop.c - see loop.h for the contract. */
#include "keeper/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	PEERS_MAX = 1024, /* of one door */
	OUT_MAX = 4 << 20,
	EVENTS = 64,
	TICK_MS = 1000,
};

static const size_t frame_max[LOOP_DOORS] = {FRAME_SERVER_MAX, FRAME_CLI_MAX, FRAME_SERVER_MAX};

const char *loop_door_name(enum loop_door door)
{
	static const char *const names[LOOP_DOORS] = {"server", "cli", "courier"};

	return names[door];
}

struct peer {
	struct loop *loop;
	enum loop_door door;
	atomic_uint refs; /* the loop's, and one for each caller */
	size_t index;     /* in loop->peers */
	char *in;         /* frame_max bytes, the loop's thread only */
	size_t in_len;
	pthread_mutex_t lock; /* guards all below */
	int fd;               /* -1: closed */
	struct buf out;
	bool wants_write; /* EPOLLOUT is armed */
};

struct loop {
	struct loop_config config;
	int epoll, signals;
	struct peer *peers[PEERS_MAX * LOOP_DOORS];
	size_t peers_n, door_n[LOOP_DOORS];
	int64_t tick_at_ms;
};

static void peer_unref(struct peer *p)
{
	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	mem_wipe(p->in, frame_max[p->door]);
	free(p->in);
	mem_wipe(p->out.ptr, p->out.cap);
	buf_done(&p->out);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void peer_close(struct peer *p)
{
	struct loop *loop = p->loop;

	pthread_mutex_lock(&p->lock);
	io_close(&p->fd); /* leaves the epoll set by that */
	pthread_mutex_unlock(&p->lock);
	loop->peers[p->index] = loop->peers[--loop->peers_n];
	loop->peers[p->index]->index = p->index;
	loop->door_n[p->door]--;
	loop->config.gone(loop->config.context, p);
	peer_unref(p);
}

static void arm(struct peer *p, bool wants_write)
{
	struct epoll_event event = {
		.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.ptr = p};

	if (p->wants_write != wants_write && p->fd >= 0)
		epoll_ctl(p->loop->epoll, EPOLL_CTL_MOD, p->fd, &event);
	p->wants_write = wants_write;
}

/* Sends what the socket takes of it; how much. The caller holds the peer's lock, and sees that an
 * end is told to the loop. */
static size_t send_some(struct peer *p, struct slice bytes)
{
	size_t at = 0;

	while (at < bytes.len && !p->out.failed) {
		const ssize_t n =
			send(p->fd, bytes.ptr + at, bytes.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno != EINTR)
			p->out.failed = true;
	}
	return at;
}

/* A peer that is lost is shut down: the loop sees that and closes. The caller holds the lock. */
static void flush(struct peer *p)
{
	size_t n;

	if (p->fd < 0)
		return;
	n = send_some(p, buf_slice(&p->out));
	if (p->out.failed) {
		shutdown(p->fd, SHUT_RDWR);
		arm(p, false);
		return;
	}
	if (n) {
		const size_t before = p->out.len;

		buf_consume(&p->out, n);
		mem_wipe(p->out.ptr + p->out.len, before - p->out.len);
	}
	arm(p, p->out.len > 0);
}

/* What the socket takes at once is not copied: it may be a secret. */
static void peer_send(struct peer *p, struct slice bytes)
{
	pthread_mutex_lock(&p->lock);
	if (p->fd >= 0) {
		if (p->out.len == 0)
			bytes = slice_from(bytes, send_some(p, bytes));
		buf_append(&p->out, bytes);
		flush(p);
	}
	pthread_mutex_unlock(&p->lock);
}

void caller_answer(struct caller caller, const struct buf *fields)
{
	struct buf out AUTO(buf_done);
	size_t begin;

	buf_init(&out, FRAME_ANSWER_MAX);
	buf_reserve(&out, FRAME_HEAD + fields->len); /* growing would leave copies behind */
	begin = frame_begin(&out, caller.id, 0);
	buf_append(&out, buf_slice(fields));
	frame_finish(&out, begin);
	if (out.failed || fields->failed) {
		buf_clear(&out);
		frame_put_error(&out, caller.id, -ERR_TOOBIG, "the answer is too long");
	}
	peer_send(caller.peer, buf_slice(&out));
	mem_wipe(out.ptr, out.cap);
	peer_unref(caller.peer);
}

void caller_reply(struct caller caller, const struct slice *fields, size_t n)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, FRAME_ANSWER_MAX);
	for (size_t i = 0; i < n; i++)
		frame_put(&out, fields[i]);
	caller_answer(caller, &out);
	mem_wipe(out.ptr, out.cap);
}

void caller_fail(struct caller caller, int rc, const char *reason)
{
	struct buf out AUTO(buf_done);

	buf_init(&out, FRAME_SERVER_MAX);
	frame_put_error(&out, caller.id, rc, reason);
	peer_send(caller.peer, buf_slice(&out));
	peer_unref(caller.peer);
}

void caller_send(struct caller caller, struct slice frames)
{
	peer_send(caller.peer, frames);
}

void caller_drop(struct caller caller)
{
	peer_unref(caller.peer);
}

struct caller caller_again(struct caller caller)
{
	atomic_fetch_add(&caller.peer->refs, 1);
	return caller;
}

/* The loop sees the end of it and closes. */
void caller_cut(struct caller caller)
{
	pthread_mutex_lock(&caller.peer->lock);
	if (caller.peer->fd >= 0)
		shutdown(caller.peer->fd, SHUT_RDWR);
	pthread_mutex_unlock(&caller.peer->lock);
}

/* Hands over the frames that are whole. False if one was bad. */
static bool take_frames(struct peer *p)
{
	struct loop *loop = p->loop;
	size_t at = 0;
	struct err err;
	int64_t n;

	while ((n = frame_length((struct slice){p->in + at, p->in_len - at}, frame_max[p->door],
			&err)) > 0) {
		struct caller caller = {.peer = p};
		struct frame f;

		frame_open((struct slice){p->in + at, (size_t)n}, &f);
		caller.id = f.id;
		atomic_fetch_add(&p->refs, 1);
		if (!loop->config.handle(loop->config.context, p->door, caller, &f)) {
			peer_unref(p);
			return false;
		}
		at += (size_t)n;
	}
	memmove(p->in, p->in + at, p->in_len - at);
	mem_wipe(p->in + p->in_len - at, at);
	p->in_len -= at;
	return n == 0;
}

/* Reads once, so that a peer that sends much waits its turn. False: it is gone. */
static bool peer_read(struct peer *p)
{
	const ssize_t n =
		recv(p->fd, p->in + p->in_len, frame_max[p->door] - p->in_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	p->in_len += (size_t)n;
	if (take_frames(p))
		return true;
	log_warn(NULL, "bad_frame", log_c("socket", loop_door_name(p->door)));
	return false;
}

static void peer_event(struct peer *p, uint32_t events)
{
	if (events & EPOLLOUT) {
		pthread_mutex_lock(&p->lock);
		flush(p);
		pthread_mutex_unlock(&p->lock);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !peer_read(p))
		peer_close(p);
}

/* The CLI's socket takes root and the instance's owner only. */
static bool is_welcome(struct loop *loop, enum loop_door door, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (loop->door_n[door] >= PEERS_MAX)
		return false;
	if (door != LOOP_CLI)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == 0 || cred.uid == loop->config.owner_uid);
}

static void accept_one(struct loop *loop, enum loop_door door)
{
	int fd AUTO(io_close) =
		accept4(loop->config.fds[door], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	struct peer *p;

	if (fd < 0 || !is_welcome(loop, door, fd))
		return;
	p = mem_new(struct peer);
	event.data.ptr = p;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		free(p);
		return;
	}
	*p = (struct peer){.loop = loop,
		.door = door,
		.fd = fd,
		.refs = 1,
		.index = loop->peers_n,
		.in = mem_alloc(frame_max[door])};
	pthread_mutex_init(&p->lock, NULL);
	buf_init(&p->out, OUT_MAX);
	loop->peers[loop->peers_n++] = p;
	loop->door_n[door]++;
	fd = -1;
}

/* Descriptors that are no peers are told apart by where they are kept. */
static int add(struct loop *loop, int fd, void *data, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(err, "cannot watch a socket");
	return 0;
}

int loop_new(const struct loop_config *config, struct loop **out, struct err *err)
{
	struct loop *loop AUTO(loop_free) = mem_new(struct loop);
	sigset_t set;
	int rc = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	loop->config = *config;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->epoll < 0 || loop->signals < 0)
		return err_errno(err, "cannot make an event loop");
	rc = add(loop, loop->signals, &loop->signals, err);
	for (size_t i = 0; i < LOOP_DOORS && rc == 0; i++) {
		/* Whoever is gone before we accept must not make us wait for the next. */
		fcntl(loop->config.fds[i], F_SETFL, O_NONBLOCK);
		rc = add(loop, loop->config.fds[i], &loop->config.fds[i], err);
	}
	if (rc < 0)
		return rc;
	*out = loop;
	loop = NULL;
	return 0;
}

/* False when it is time to end. */
static bool loop_event(struct loop *loop, const struct epoll_event *event)
{
	int *fds = loop->config.fds;

	if (event->data.ptr == &loop->signals)
		return false;
	for (int door = 0; door < LOOP_DOORS; door++) {
		if (event->data.ptr != &fds[door])
			continue;
		accept_one(loop, (enum loop_door)door);
		return true;
	}
	peer_event(event->data.ptr, event->events);
	return true;
}

int loop_run(struct loop *loop, struct err *err)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		const int n = epoll_wait(loop->epoll, events, EVENTS, TICK_MS);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "cannot wait for events");
		for (int i = 0; i < n; i++) {
			if (!loop_event(loop, &events[i]))
				return 0;
		}
		if (clock_mono_ms() >= loop->tick_at_ms) {
			loop->tick_at_ms = clock_mono_ms() + TICK_MS;
			loop->config.tick(loop->config.context);
		}
	}
}

void loop_free(struct loop **loop)
{
	if (!*loop)
		return;
	while ((*loop)->peers_n)
		peer_close((*loop)->peers[0]);
	io_close(&(*loop)->epoll);
	io_close(&(*loop)->signals);
	free(*loop);
	*loop = NULL;
}
