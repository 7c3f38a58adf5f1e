/* conn_face.c - the calls of conn.h that only look, or only leave a mark for the turn. */
#include <assert.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

void *conn_session(struct conn *c)
{
	return c->session;
}

void *conn_context(struct conn *c)
{
	return c->context;
}

struct pool *conn_pool(struct conn *c)
{
	return c->pool;
}

struct conn_ref conn_ref(struct conn *c)
{
	return c->ref;
}

struct log_ctx *conn_log(struct conn *c)
{
	return &c->log;
}

struct arena *conn_arena(struct conn *c)
{
	return &c->arena;
}

struct buf *conn_out(struct conn *c)
{
	if (c->last_part)
		return &c->last_part->after;
	if (!c->out.ptr && c->worker && c->worker->spare.ptr) {
		c->out = c->worker->spare;
		buf_init(&c->worker->spare, OUT_MAX);
	}
	return &c->out;
}

void conn_source(struct conn *c, struct source *s)
{
	struct out_part *part = mem_new(struct out_part);

	part->source = s;
	buf_init(&part->after, OUT_MAX);
	if (c->last_part)
		c->last_part->next = part;
	else
		c->parts = part;
	c->last_part = part;
}

static uint64_t park(struct conn *c, int64_t timeout_ms, bool is_beside, conn_resume_fn *fn)
{
	const uint64_t ticket = ++c->last_ticket;

	assert(!c->is_parked);
	c->is_parked = true;
	c->is_beside = is_beside;
	c->resume = fn;
	c->park_due_ms = clock_mono_ms() + timeout_ms;
	pthread_mutex_lock(slot_answer_lock(c->pool, c->ref.slot));
	c->ticket = ticket;
	pthread_mutex_unlock(slot_answer_lock(c->pool, c->ref.slot));
	return ticket;
}

uint64_t conn_park(struct conn *c, int64_t timeout_ms, conn_resume_fn *fn)
{
	return park(c, timeout_ms, false, fn);
}

uint64_t conn_park_beside(struct conn *c, int64_t timeout_ms, conn_resume_fn *fn)
{
	return park(c, timeout_ms, true, fn);
}

void conn_set_timeout(struct conn *c, int64_t ms)
{
	c->timeout_ms = ms;
}

void conn_restart_timeout(struct conn *c, int64_t ms)
{
	c->unit_ms = clock_mono_ms();
	c->timeout_ms = ms;
}

void conn_set_busy(struct conn *c, bool is_busy)
{
	c->is_busy = is_busy;
}

void conn_close(struct conn *c)
{
	c->is_closing = true;
	c->input = (struct slice){NULL, 0};
}

bool conn_start_tls(struct conn *c)
{
	const bool is_clean = c->tls && !c->ssl && c->input.len == 0;

	c->input = (struct slice){NULL, 0};
	c->is_starting = is_clean;
	return is_clean;
}

bool conn_is_tls(const struct conn *c)
{
	return c->ssl != NULL;
}

const char *conn_tls_version(const struct conn *c)
{
	return c->ssl ? SSL_get_version(c->ssl) : NULL;
}

const char *conn_tls_cipher(const struct conn *c)
{
	return c->ssl ? SSL_get_cipher_name(c->ssl) : NULL;
}

struct slice conn_peer_address(const struct conn *c)
{
	return slice_str(c->peer);
}

bool conn_peer_uid(const struct conn *c, uint32_t *uid_out)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (c->peer[0] || getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	*uid_out = who.uid;
	return true;
}

bool conn_has_input(const struct conn *c)
{
	return c->input.len > 0;
}

bool conn_is_early(const struct conn *c)
{
	char byte;

	return c->input.len > 0 || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool conn_is_draining(const struct conn *c)
{
	return atomic_load_explicit(&c->pool->is_draining, memory_order_relaxed);
}
