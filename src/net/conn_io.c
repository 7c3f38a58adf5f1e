/* conn_io.c - bytes between the socket, the connection's buffers and its sources. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

size_t conn_out_left(const struct conn *c)
{
	return c->out.len - c->out_at;
}

static ssize_t read_some(struct conn *c, char *p, size_t n)
{
	ssize_t got;

	if (c->ssl)
		return conn_tls_read(c, p, n);
	do
		got = c->protocol->takes_fds ? conn_fds_read(c, p, n) : recv(c->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		c->can_read = false;
	else if (got < 0)
		c->is_dead = true;
	return got;
}

static bool is_scratch(const struct conn *c, const char *p)
{
	const uintptr_t at = (uintptr_t)p, from = (uintptr_t)c->worker->scratch;

	return at >= from && at < from + READ_BYTES;
}

static bool is_in_scratch(const struct conn *c)
{
	return is_scratch(c, c->input.ptr);
}

void conn_wipe_unit(struct conn *c, struct slice unit)
{
	if (unit.len <= COMMAND_BYTES && is_scratch(c, unit.ptr))
		mem_wipe((char *)(uintptr_t)unit.ptr, unit.len);
}

/* What is copied elsewhere may be a password: whoever takes it there wipes it, we do here. */
static void wipe_input(struct conn *c)
{
	if (c->in.len)
		mem_wipe(c->in.ptr, c->in.len);
}

/*
 * Room behind what is not consumed yet. Reading goes into the worker's scratch, so that a unit
 * that is whole within its turn needs no memory of the connection; only the large ones grow in
 * its own buffer.
 */
static char *room(struct conn *c, size_t *room_out)
{
	const struct slice kept = c->input;
	size_t n = c->protocol->unit_max - kept.len;

	if (kept.len <= READ_BYTES / 2) {
		if (kept.len)
			memmove(c->worker->scratch, kept.ptr, kept.len);
		wipe_input(c);
		buf_clear(&c->in);
		c->input.ptr = c->worker->scratch;
		*room_out = n < READ_BYTES - kept.len ? n : READ_BYTES - kept.len;
		return c->worker->scratch + kept.len;
	}
	if (is_in_scratch(c)) {
		buf_clear(&c->in);
		buf_append(&c->in, kept);
	} else {
		buf_consume(&c->in, (size_t)(kept.ptr - c->in.ptr));
	}
	*room_out = n < READ_BYTES ? n : READ_BYTES;
	buf_reserve(&c->in, *room_out);
	c->input = buf_slice(&c->in);
	return c->in.ptr + c->in.len;
}

bool conn_fill(struct conn *c)
{
	size_t n = 0;
	char *p = room(c, &n);
	const ssize_t got = read_some(c, p, n);

	if (got == 0)
		c->is_eof = true;
	if (got <= 0)
		return false;
	c->worker->bytes += (size_t)got;
	c->input.len += (size_t)got;
	if (!is_in_scratch(c))
		c->in.len += (size_t)got;
	return true;
}

static ssize_t write_some(struct conn *c)
{
	const char *p = c->out.ptr + c->out_at;
	ssize_t put;

	if (c->ssl)
		return conn_tls_write(c, p, conn_out_left(c));
	do
		put = conn_has_fds_to_send(c) ? conn_fds_write(c, p, conn_out_left(c))
					      : send(c->fd, p, conn_out_left(c), MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno == EAGAIN)
		c->can_write = false;
	else if (put < 0)
		c->is_dead = true;
	return put;
}

static void compact(struct conn *c)
{
	buf_consume(&c->out, c->out_at);
	c->out_at = 0;
}

static void end_part(struct conn *c)
{
	struct out_part *part = c->parts;

	if (part->source->free)
		part->source->free(part->source);
	c->parts = part->next;
	if (!c->parts)
		c->last_part = NULL;
	if (part->after.failed)
		c->out.failed = true;
	buf_append(&c->out, buf_slice(&part->after));
	buf_done(&part->after);
	free(part);
}

/* Asks the first source for its next piece. False: the connection cannot go on. */
static bool pull(struct conn *c)
{
	struct err err = {0};
	int rc;

	compact(c);
	if (!c->out.ptr && c->worker->spare.ptr) {
		c->out = c->worker->spare;
		buf_init(&c->worker->spare, OUT_MAX);
	}
	rc = c->parts->source->pull(c->parts->source, c, &c->out, &err);
	if (rc < 0) {
		log_warn(
			&c->log, "reply-cut-short", log_c("code", err_code_name(-rc)), log_e(&err));
		return false;
	}
	if (rc == SOURCE_DONE) {
		end_part(c);
		c->unit_ms = clock_mono_ms(); /* the reply belonged to the unit */
	}
	c->is_waiting = rc == SOURCE_WAIT;
	return true;
}

/* Asks the protocol for more, where the peer takes it as fast as it comes. */
static bool has_more(struct conn *c)
{
	if (!c->protocol->more || c->parts || conn_out_left(c) >= RECORD_BYTES)
		return false;
	compact(c);
	return c->protocol->more(c);
}

/* Whole records: the next piece is asked for before the last one is quite out. */
static bool must_pull(const struct conn *c)
{
	return c->parts && !c->is_waiting && conn_out_left(c) < RECORD_BYTES;
}

enum flow conn_flush(struct conn *c)
{
	for (;;) {
		ssize_t n;

		if (c->out.failed) {
			log_warn(&c->log, "reply-too-large");
			return FLOW_BROKEN;
		}
		if (must_pull(c)) {
			if (!pull(c))
				return FLOW_BROKEN;
			if (conn_is_spent(c) && conn_out_left(c) < RECORD_BYTES)
				return FLOW_SPENT;
			continue;
		}
		if (c->worker->bytes < TURN_BYTES && has_more(c))
			continue;
		if (conn_out_left(c) == 0)
			return c->parts ? FLOW_WAITING : FLOW_CLEAR;
		if (!c->can_write)
			return FLOW_BLOCKED;
		if (c->worker->bytes >= TURN_BYTES)
			return FLOW_SPENT;
		n = write_some(c);
		if (n <= 0)
			return c->is_dead ? FLOW_BROKEN : FLOW_BLOCKED;
		c->out_at += (size_t)n;
		c->worker->bytes += (size_t)n;
		c->moved_ms = c->worker->start_us / 1000;
	}
}

/* A buffer that stays for long is no larger than what it holds. */
static void fit(struct buf *b)
{
	if (b->cap / 2 > b->len + 256) {
		b->ptr = mem_realloc(b->ptr, b->len);
		b->cap = b->len;
	}
}

static void stash_input(struct conn *c)
{
	if (c->input.len == 0) {
		buf_done(&c->in);
	} else if (is_in_scratch(c)) {
		buf_clear(&c->in);
		buf_append(&c->in, c->input);
		mem_wipe((char *)(uintptr_t)c->input.ptr, c->input.len);
	} else {
		buf_consume(&c->in, (size_t)(c->input.ptr - c->in.ptr));
		fit(&c->in);
	}
}

static void stash_output(struct conn *c)
{
	struct buf *spare = &c->worker->spare;

	if (conn_out_left(c) > 0) {
		compact(c);
		fit(&c->out);
		return;
	}
	if (c->protocol->sends_secrets)
		mem_wipe(c->out.ptr, c->out.cap);
	c->out_at = 0;
	if (!spare->ptr && c->out.cap <= SPARE_BYTES) {
		buf_clear(&c->out);
		*spare = c->out;
		buf_init(&c->out, OUT_MAX);
	} else {
		buf_done(&c->out);
	}
}

void conn_stash(struct conn *c)
{
	stash_input(c);
	stash_output(c);
}

void conn_drop_output(struct conn *c)
{
	while (c->parts)
		end_part(c);
	buf_done(&c->out);
	c->out_at = 0;
}
