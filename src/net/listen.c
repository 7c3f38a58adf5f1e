/* listen.c - listeners, who is let in, and the slots that connections live in. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

enum { ACCEPTS_A_TURN = 32, RETRY_MS = 100, DRAIN_STEP_MS = 20 };

/* How many connections one client address has. IPv6 counts by /64: a host has so many. */
struct address_count {
	unsigned char key[16];
	size_t n;
};

static struct slice address_key(const unsigned char key[16])
{
	return (struct slice){(const char *)key, 16};
}

/* Under doors.lock. */
static bool address_enter(struct pool *pool, const unsigned char address[16])
{
	struct address_count *count = map_get(&pool->doors.addresses, address_key(address));

	if (!count) {
		count = mem_new(struct address_count);
		memcpy(count->key, address, sizeof(count->key));
		map_put(&pool->doors.addresses, address_key(count->key), count);
	}
	if (pool->config.per_address_max && count->n >= pool->config.per_address_max)
		return false;
	count->n++;
	return true;
}

/* Under doors.lock. */
static void address_leave(struct pool *pool, const unsigned char address[16])
{
	struct address_count *count = map_get(&pool->doors.addresses, address_key(address));

	assert(count && count->n);
	if (--count->n == 0) {
		map_del(&pool->doors.addresses, address_key(address));
		free(count);
	}
}

/* Under doors.lock: a slot, or 0 if all are in use. */
static uint32_t slot_alloc(struct pool *pool)
{
	const uint32_t at = pool->doors.free_slot;

	if (at) {
		pool->doors.free_slot = pool->slots[at].next_free;
		return at;
	}
	return pool->doors.slots_used + 1 < pool->slot_count ? ++pool->doors.slots_used : 0;
}

/* Counts the newcomer in if every bound allows it. */
static bool may_enter(struct conn *c)
{
	struct pool *pool = c->pool;
	struct listener *l = c->listener;
	const bool is_bound = c->peer[0] && !l->face.is_trusted && c->phase != PHASE_PROXY;

	if (atomic_load(&pool->is_draining) ||
		atomic_load(&pool->doors.clients) >= pool->config.connections_max ||
		(l->face.connections_max &&
			atomic_load(&l->connections) >= l->face.connections_max))
		return false;
	if (is_bound && !address_enter(pool, c->address))
		return false;
	c->is_by_address = is_bound;
	return true;
}

static void enter(struct conn *c, uint32_t at)
{
	struct slot *slot = &c->pool->slots[at];
	const uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	c->ref = (struct conn_ref){at, (uint32_t)(word >> 32)};
	if (c->ref.generation == 0)
		c->ref.generation = 1;
	slot->job.run = conn_job;
	slot->class = c->base_class;
	pthread_mutex_lock(slot_answer_lock(c->pool, at));
	slot->conn = c;
	pthread_mutex_unlock(slot_answer_lock(c->pool, at));
	atomic_store_explicit(&slot->word, (uint64_t)c->ref.generation << 32 | WORD_RUNNING,
		memory_order_release);
}

/* Gives the new connection a slot, and decides whether it is welcome. False: no slot left. */
static bool doors_enter(struct conn *c)
{
	struct pool *pool = c->pool;
	uint32_t at;

	pthread_mutex_lock(&pool->doors.lock);
	at = slot_alloc(pool);
	if (at && c->listener) {
		c->is_refused = !may_enter(c);
		c->is_counted = true;
		atomic_fetch_add(&pool->doors.clients, 1);
		atomic_fetch_add(&c->listener->connections, 1);
		atomic_fetch_add(c->is_refused ? &pool->refused : &pool->accepted, 1);
	}
	pthread_mutex_unlock(&pool->doors.lock);
	if (at)
		enter(c, at);
	return at != 0;
}

void doors_conn_closed(struct conn *c)
{
	struct pool *pool = c->pool;
	struct slot *slot = &pool->slots[c->ref.slot];
	const bool was_counted = c->is_counted;
	uint32_t generation = c->ref.generation + 1;

	if (generation == 0)
		generation = 1;
	pthread_mutex_lock(&pool->doors.lock);
	atomic_store_explicit(
		&slot->word, (uint64_t)generation << 32 | WORD_FREE, memory_order_release);
	slot->next_free = pool->doors.free_slot;
	pool->doors.free_slot = c->ref.slot;
	if (c->is_by_address)
		address_leave(pool, c->address);
	if (c->is_refusal)
		atomic_fetch_sub(&pool->doors.refusals, 1);
	if (was_counted)
		atomic_fetch_sub(&c->listener->connections, 1);
	pthread_mutex_unlock(&pool->doors.lock);
	atomic_fetch_add(&pool->closed, 1);
	if (was_counted && atomic_fetch_sub(&pool->doors.clients, 1) == 1)
		pool_check_quiet(pool);
}

/* The peer as text and as it is counted; IPv4 inside IPv6 is IPv4. */
static void set_peer(struct conn *c, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->ss_family == AF_INET) {
		c->address[10] = c->address[11] = 0xff;
		memcpy(c->address + 12, &v4->sin_addr, 4);
		inet_ntop(AF_INET, &v4->sin_addr, c->peer, sizeof(c->peer));
	} else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(c->address, &v6->sin6_addr, 16);
		inet_ntop(AF_INET, c->address + 12, c->peer, sizeof(c->peer));
	} else if (from->ss_family == AF_INET6) {
		memcpy(c->address, &v6->sin6_addr, 8);
		inet_ntop(AF_INET6, &v6->sin6_addr, c->peer, sizeof(c->peer));
	}
}

static void begin_phase(struct conn *c)
{
	c->phase = c->listener->face.is_implicit_tls ? PHASE_HANDSHAKE : PHASE_OPEN;
}

void doors_proxied(struct conn *c, const struct ip *source)
{
	struct pool *pool = c->pool;

	if (source) {
		memset(c->address, 0, sizeof(c->address));
		if (source->len == IP_V4) {
			c->address[10] = c->address[11] = 0xff;
			memcpy(c->address + 12, source->bytes, IP_V4);
		} else {
			memcpy(c->address, source->bytes, 8);
		}
		ip_write(source, c->peer);
		pthread_mutex_lock(&pool->doors.lock);
		c->is_by_address = address_enter(pool, c->address);
		c->is_refused |= !c->is_by_address;
		pthread_mutex_unlock(&pool->doors.lock);
		c->log.peer = slice_str(c->peer);
	}
	begin_phase(c);
	c->unit_ms = c->moved_ms = clock_mono_ms();
	/* A handshake waits for an event, so that it waits in its own class. */
	c->can_read = c->phase != PHASE_HANDSHAKE;
}

static struct conn *conn_new(
	struct pool *pool, int fd, const struct protocol *protocol, void *context)
{
	struct conn *c = mem_zalloc(sizeof(*c) + protocol->session_size);

	assert(protocol->unit_max >= 1024);
	c->pool = pool;
	c->fd = fd;
	c->protocol = protocol;
	c->context = context;
	c->phase = PHASE_OPEN;
	c->can_write = true;
	c->timeout_ms = TIMEOUT_MS;
	c->unit_ms = c->moved_ms = clock_mono_ms();
	buf_init(&c->in, protocol->unit_max);
	buf_init(&c->out, OUT_MAX);
	arena_init(&c->arena, CONN_ARENA_MAX);
	c->log.service = protocol->name;
	c->log.session = atomic_fetch_add(&pool->sessions, 1) + 1;
	return c;
}

/* A handshake only to say so is dear: few at once have one, the others are just closed. */
static bool may_be_told(struct conn *c)
{
	if (!c->is_refused || c->phase != PHASE_HANDSHAKE)
		return true;
	c->is_refusal = atomic_fetch_add(&c->pool->doors.refusals, 1) < REFUSALS_MAX;
	if (!c->is_refusal)
		atomic_fetch_sub(&c->pool->doors.refusals, 1);
	return c->is_refusal;
}

static void let_in(struct listener *l, int fd, const struct sockaddr_storage *from)
{
	struct conn *c = conn_new(l->pool, fd, l->face.protocol, l->face.context);

	c->listener = l;
	c->tls = l->face.tls;
	c->base_class = l->face.class;
	set_peer(c, from);
	c->log.peer = slice_str(c->peer);
	begin_phase(c);
	if (conn_is_proxied(&l->face, c->peer))
		c->phase = PHASE_PROXY;
	if (doors_enter(c) && may_be_told(c)) {
		conn_begin(c, true);
	} else if (c->ref.slot) {
		conn_destroy(c);
	} else {
		atomic_fetch_add(&l->pool->refused, 1);
		close(fd);
		free(c);
	}
}

static void rearm(struct listener *l, int op)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT, .data.u64 = (uint64_t)l->at << 32};

	epoll_ctl(l->pool->epoll_fd, op, l->face.fd, &event);
}

/* Returns whether the listener may be watched again at once. */
static bool accept_some(struct listener *l)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from = {0};
		socklen_t len = sizeof(from);
		const int fd = accept4(
			l->face.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			let_in(l, fd, &from);
		else if (errno == EAGAIN)
			return true;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return false;
	}
	return true;
}

/* EPOLLONESHOT: one thread at a time is here for a listener, or its retry timer. */
void listener_accept(struct listener *l)
{
	pthread_mutex_lock(&l->lock);
	if (l->face.fd >= 0) {
		if (accept_some(l))
			rearm(l, EPOLL_CTL_MOD);
		else
			pool_timer_set(l->pool, &l->retry, clock_mono_ms() + RETRY_MS);
	}
	pthread_mutex_unlock(&l->lock);
}

static void retry_run(struct pool_job *job)
{
	listener_accept((struct listener *)((char *)job - offsetof(struct listener, retry.job)));
}

int pool_listen(struct pool *pool, const struct pool_listener *face, struct err *err)
{
	struct listener *l;
	const int one = 1;

	assert(face->class == POOL_INTERACTIVE || face->class == POOL_MX);
	assert(face->tls || !face->is_implicit_tls);
	if (pool->doors.listener_count == LISTENERS_MAX)
		return err_set(err, ERR_TOOBIG, "more than %d listeners", LISTENERS_MAX);
	if (fcntl(face->fd, F_SETFL, fcntl(face->fd, F_GETFL) | O_NONBLOCK) < 0)
		return err_errno(err, "listening socket");
	l = mem_new(struct listener);
	l->face = *face;
	l->pool = pool;
	l->retry = (struct pool_timer){.job.run = retry_run, .class = POOL_INTERACTIVE};
	pthread_mutex_init(&l->lock, NULL);
	/* Accepted sockets inherit it. Refused by Unix sockets, which need none. */
	setsockopt(face->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	pthread_mutex_lock(&pool->doors.lock);
	l->at = (uint32_t)pool->doors.listener_count++;
	pool->doors.listeners[l->at] = l;
	pthread_mutex_unlock(&pool->doors.lock);
	rearm(l, EPOLL_CTL_ADD);
	return 0;
}

static void end_connections(const struct listener *l)
{
	struct pool *pool = l->pool;
	uint32_t last;

	pthread_mutex_lock(&pool->doors.lock);
	last = pool->doors.slots_used;
	pthread_mutex_unlock(&pool->doors.lock);
	for (uint32_t at = 1; at <= last; at++) {
		struct conn_ref ref = {0};

		pthread_mutex_lock(slot_answer_lock(pool, at));
		if (pool->slots[at].conn && pool->slots[at].conn->listener == l)
			ref = pool->slots[at].conn->ref;
		pthread_mutex_unlock(slot_answer_lock(pool, at));
		if (ref.slot)
			pool_revoke(pool, ref);
	}
}

/* True if it is the one that listens on fd. */
static bool relisten(struct listener *l, int fd, const struct protocol *protocol)
{
	bool is_this;

	pthread_mutex_lock(&l->lock);
	is_this = l->face.fd >= 0 && l->face.fd == fd;
	if (is_this && protocol) {
		l->face.protocol = protocol;
	} else if (is_this) {
		close(l->face.fd);
		l->face.fd = -1;
	}
	pthread_mutex_unlock(&l->lock);
	return is_this;
}

void pool_relisten(
	struct pool *pool, int fd, const struct protocol *protocol, bool ends_connections)
{
	for (size_t i = 0; i < pool->doors.listener_count; i++) {
		if (relisten(pool->doors.listeners[i], fd, protocol) && ends_connections)
			end_connections(pool->doors.listeners[i]);
	}
}

int pool_attach(struct pool *pool, int fd, const struct protocol *protocol, void *context,
	struct conn_ref *ref_out, struct err *err)
{
	const int flags = fcntl(fd, F_GETFL);
	struct conn *c;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(err, "fcntl");
	c = conn_new(pool, fd, protocol, context);
	c->base_class = POOL_INTERACTIVE;
	c->timeout_ms = INT64_MAX / 4; /* until its protocol says otherwise */
	if (!doors_enter(c)) {
		free(c);
		return err_set(err, ERR_BUSY, "no slot left for a connection");
	}
	*ref_out = c->ref;
	conn_begin(c, false);
	return 0;
}

void doors_close(struct pool *pool)
{
	for (size_t i = 0; i < pool->doors.listener_count; i++) {
		struct listener *l = pool->doors.listeners[i];

		pthread_mutex_lock(&l->lock);
		if (l->face.fd >= 0)
			close(l->face.fd);
		l->face.fd = -1;
		pthread_mutex_unlock(&l->lock);
	}
}

void doors_done(struct pool *pool)
{
	for (size_t i = 0; i < pool->doors.listener_count; i++) {
		pthread_mutex_destroy(&pool->doors.listeners[i]->lock);
		free(pool->doors.listeners[i]);
	}
	map_done(&pool->doors.addresses);
}

static void drain_slot(struct pool *pool, struct slot *slot)
{
	const uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);

	slot_post(pool, (struct conn_ref){(uint32_t)(slot - pool->slots), (uint32_t)(word >> 32)},
		BIT_DRAIN);
}

/* Tells as many slots as the time that has passed is of the spread. */
static void drain_run(struct pool_job *job)
{
	struct pool *pool = (struct pool *)((char *)job - offsetof(struct pool, doors.drain.job));
	struct doors *doors = &pool->doors;
	const int64_t now_ms = clock_mono_ms(), passed = now_ms - doors->drain_start_ms;
	uint32_t last;

	pthread_mutex_lock(&doors->lock);
	last = doors->slots_used;
	pthread_mutex_unlock(&doors->lock);
	if (passed < doors->drain_spread_ms)
		last = (uint32_t)((double)last * (double)passed / (double)doors->drain_spread_ms);
	while (doors->drain_at < last)
		drain_slot(pool, &pool->slots[++doors->drain_at]);
	if (passed < doors->drain_spread_ms)
		pool_timer_set(pool, &doors->drain, now_ms + DRAIN_STEP_MS);
}

void pool_drain(struct pool *pool, int64_t spread_ms)
{
	if (atomic_exchange(&pool->is_draining, true))
		return;
	doors_close(pool);
	pool->doors.drain = (struct pool_timer){.job.run = drain_run, .class = POOL_INTERACTIVE};
	pool->doors.drain_start_ms = clock_mono_ms();
	pool->doors.drain_spread_ms = spread_ms;
	pool_timer_set(pool, &pool->doors.drain, pool->doors.drain_start_ms);
}
