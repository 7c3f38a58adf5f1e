/*
 * conn.c - the turn of a connection: what its owner does between taking it from a queue and
 * parking it again.
 *
 * advance() does one step at a time, in the order of importance, and says whether to go on. Only
 * when it finds nothing more to do is epoll told what to wait for, and the word parked.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

enum step {
	STEP_AGAIN,  /* something was done: look again */
	STEP_WAIT,   /* nothing to do until an event */
	STEP_YIELD,  /* others first */
	STEP_CLOSED, /* it is over */
};

void conn_job(struct pool_job *job)
{
	(void)job;
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool conn_is_spent(struct conn *c)
{
	return c->worker->bytes >= TURN_BYTES ||
	       clock_mono_us() - c->worker->start_us > TURN_HEAVY_US;
}

/* Between two units: have the others waited long enough? */
static bool must_yield(struct conn *c)
{
	return conn_is_spent(c) ||
	       (atomic_load_explicit(&c->pool->waiting, memory_order_relaxed) > 0 &&
		       clock_mono_us() - c->worker->start_us > TURN_SHORT_US);
}

/* Is nothing of a unit left: no ticket that the next one must wait for, no source? */
static bool is_between_units(const struct conn *c)
{
	return (!c->is_parked || c->is_beside) && !c->parts;
}

static void start_closing(struct conn *c)
{
	c->is_closing = true;
	c->input = (struct slice){NULL, 0};
}

/* Says why and closes, but never into the middle of a reply. */
static void say_goodbye(struct conn *c, enum conn_goodbye why)
{
	if (c->phase != PHASE_OPEN || c->parts || c->is_closing || c->is_starting) {
		c->is_dead = true;
		return;
	}
	if (c->protocol->goodbye)
		c->protocol->goodbye(c, why);
	start_closing(c);
}

/* The answer, if there is one. With is_over none will be taken any more: the ticket ends. */
static struct answer *take_answer(struct conn *c, bool is_over)
{
	struct answer *answer;

	pthread_mutex_lock(slot_answer_lock(c->pool, c->ref.slot));
	answer = c->answer;
	c->answer = NULL;
	if (is_over)
		c->ticket = 0;
	pthread_mutex_unlock(slot_answer_lock(c->pool, c->ref.slot));
	return answer;
}

static void drop_ticket(struct conn *c)
{
	struct answer *answer = take_answer(c, true);

	if (answer && answer->free_data)
		answer->free_data(answer->data);
	free(answer);
	c->is_parked = false;
}

static void resume(struct conn *c, struct answer *answer)
{
	conn_resume_fn *fn = c->resume;

	c->is_parked = false;
	c->unit_ms = clock_mono_ms();
	fn(c, answer);
}

static void resume_with_answer(struct conn *c)
{
	struct answer *answer = take_answer(c, false);

	if (answer)
		resume(c, answer);
	free(answer);
}

static void resume_too_late(struct conn *c)
{
	struct answer late = {0}, *answer = take_answer(c, true);

	if (answer) {
		resume(c, answer);
	} else {
		late.rc = err_set(&late.err, ERR_BUSY, "no answer in time");
		resume(c, &late);
	}
	free(answer);
}

static int64_t add_ms(int64_t at, int64_t wait)
{
	return wait > INT64_MAX - at ? INT64_MAX : at + wait;
}

static bool has_output(const struct conn *c)
{
	return conn_out_left(c) > 0 || c->parts;
}

/* When something must happen if nothing else does. */
static int64_t due_ms(const struct conn *c)
{
	int64_t due = INT64_MAX;

	if (c->phase == PHASE_HANDSHAKE || c->phase == PHASE_PROXY)
		return c->unit_ms + HANDSHAKE_MS;
	if (c->phase == PHASE_LINGER)
		return c->unit_ms + LINGER_MS;
	if (c->is_closing)
		due = add_ms(c->moved_ms, c->timeout_ms < CLOSING_MS ? c->timeout_ms : CLOSING_MS);
	else if (has_output(c))
		due = add_ms(c->moved_ms, c->timeout_ms);
	else if (!c->is_parked)
		due = add_ms(c->unit_ms, c->timeout_ms);
	return c->is_parked && c->park_due_ms < due ? c->park_due_ms : due;
}

static void on_due(struct conn *c)
{
	const int64_t now_ms = clock_mono_ms();

	c->is_due = false;
	if (now_ms < due_ms(c))
		return;
	if (c->phase == PHASE_HANDSHAKE)
		atomic_fetch_add(&c->pool->handshakes_failed, 1);
	if (c->phase != PHASE_OPEN) {
		c->is_dead = true;
	} else if (c->is_parked && now_ms >= c->park_due_ms) {
		resume_too_late(c);
	} else if (c->is_closing || has_output(c)) {
		log_info(&c->log, "peer-takes-no-output");
		c->is_dead = true;
	} else {
		say_goodbye(c, GOODBYE_IDLE);
	}
}

static void note_bits(struct conn *c, uint32_t bits)
{
	if (bits & BITS_EPOLL)
		c->armed = 0;
	if (bits & (BIT_READABLE | BIT_WRITABLE)) {
		/* OpenSSL may wait for the other direction than the one it was asked for. */
		c->can_read |= (bits & BIT_READABLE) || c->read_wants_write;
		c->can_write |= (bits & BIT_WRITABLE) || c->write_wants_read;
	}
	if (bits & BIT_TIMER) {
		c->timer_due_ms = 0;
		c->is_due = true;
	}
	c->saw_rdhup |= (bits & BIT_RDHUP) != 0;
	c->saw_hangup |= (bits & BIT_HANGUP) != 0;
	c->has_wake |= (bits & BIT_WAKE) != 0;
	c->is_waiting &= (bits & BIT_WAKE) == 0;
	c->has_answer |= (bits & BIT_ANSWER) != 0;
	c->has_revoke |= (bits & BIT_CLOSE) != 0;
	c->has_drain |= (bits & BIT_DRAIN) != 0;
}

static void greet(struct conn *c)
{
	c->is_greeted = true;
	c->unit_ms = clock_mono_ms();
	if (c->is_refused)
		say_goodbye(c, GOODBYE_OVERLOAD);
	else if (c->protocol->greet)
		c->protocol->greet(c);
}

static enum step step_proxy(struct conn *c)
{
	const int rc = conn_proxy_step(c);

	if (rc > 0)
		return STEP_AGAIN;
	return rc < 0 || c->saw_hangup ? STEP_CLOSED : STEP_WAIT;
}

static enum step step_handshake(struct conn *c)
{
	int rc;

	if (!c->can_read || !c->can_write)
		return c->saw_hangup ? STEP_CLOSED : STEP_WAIT;
	if (!c->ssl && !conn_tls_begin(c))
		return STEP_CLOSED;
	rc = conn_tls_handshake(c);
	if (rc == 0)
		return c->saw_hangup ? STEP_CLOSED : STEP_WAIT;
	if (rc > 0) {
		c->phase = PHASE_OPEN;
		c->unit_ms = c->moved_ms = clock_mono_ms();
		if (!c->is_greeted)
			greet(c);
		return STEP_AGAIN;
	}
	atomic_fetch_add(&c->pool->handshakes_failed, 1);
	conn_tls_end(c, false);
	c->phase = PHASE_LINGER; /* so that the alert arrives */
	shutdown(c->fd, SHUT_WR);
	return STEP_AGAIN;
}

/* All is said: what the peer still sends is thrown away until it has closed too, so that no
 * reset overtakes our last words. */
static enum step start_linger(struct conn *c)
{
	conn_tls_end(c, true);
	if (c->is_eof || c->is_refused || shutdown(c->fd, SHUT_WR) < 0)
		return STEP_CLOSED;
	c->phase = PHASE_LINGER;
	c->unit_ms = clock_mono_ms();
	return STEP_AGAIN;
}

static enum step step_linger(struct conn *c)
{
	const ssize_t n = recv(c->fd, c->worker->scratch, READ_BYTES, 0);

	if (n < 0 && errno == EAGAIN)
		return c->saw_hangup ? STEP_CLOSED : STEP_WAIT;
	if (n <= 0 || (c->lingered += (size_t)n) > LINGER_BYTES)
		return STEP_CLOSED;
	return STEP_AGAIN;
}

static void start_tls(struct conn *c)
{
	c->is_starting = false;
	c->phase = PHASE_HANDSHAKE;
	c->can_read = false; /* an event must come, so that it waits in the class of handshakes */
	c->input = (struct slice){NULL, 0};
	c->unit_ms = clock_mono_ms();
}

static bool may_start_unit(const struct conn *c)
{
	return is_between_units(c) && !c->is_closing && !c->is_starting &&
	       conn_out_left(c) < OUT_PAUSE;
}

/* The next unit, if it is there. */
static enum step step_unit(struct conn *c)
{
	const size_t max = c->protocol->unit_max;
	struct slice in = slice_head(c->input, max);
	size_t n;

	if (in.len == 0)
		return STEP_WAIT;
	n = c->protocol->frame(c, in, c->input.len >= max);
	if (n == 0 && c->input.len < max)
		return STEP_WAIT;
	if (n == 0) {
		log_info(&c->log, "input-too-long", log_n("bytes", (int64_t)c->input.len));
		start_closing(c);
		return STEP_AGAIN;
	}
	assert(n <= in.len);
	c->input = slice_from(c->input, n);
	arena_reset(&c->arena);
	c->protocol->execute(c, slice_head(in, n));
	conn_wipe_unit(c, slice_head(in, n));
	c->unit_ms = clock_mono_ms();
	return STEP_AGAIN;
}

/* What is not asked for by the peer, and may only happen between its units. */
static bool do_between(struct conn *c)
{
	if (c->has_wake) {
		c->has_wake = false;
		if (c->protocol->notify)
			c->protocol->notify(c);
		return true;
	}
	if (c->has_drain && c->listener && !c->is_busy && c->input.len == 0) {
		c->has_drain = false;
		say_goodbye(c, GOODBYE_SHUTDOWN);
		return true;
	}
	return false;
}

/* Units while there are whole ones; then their replies go out, and the socket is asked again. */
static enum step step_open(struct conn *c)
{
	const bool may_start = may_start_unit(c);
	enum flow flow;

	if (may_start) {
		if ((c->input.len || c->has_wake) && must_yield(c))
			return conn_flush(c) == FLOW_BROKEN ? STEP_CLOSED : STEP_YIELD;
		if (do_between(c) || step_unit(c) == STEP_AGAIN)
			return STEP_AGAIN;
	}
	flow = conn_flush(c);
	if (flow == FLOW_BROKEN)
		return STEP_CLOSED;
	if (flow == FLOW_SPENT)
		return STEP_YIELD;
	if (!may_start && may_start_unit(c))
		return STEP_AGAIN;
	if (flow == FLOW_CLEAR && c->is_starting) {
		start_tls(c);
		return STEP_AGAIN;
	}
	if (flow == FLOW_CLEAR && !c->is_parked && (c->is_closing || c->is_eof))
		return start_linger(c);
	if (!may_start_unit(c))
		return c->saw_hangup ? STEP_CLOSED : STEP_WAIT;
	if (do_between(c) || (c->can_read && !c->is_eof && conn_fill(c)))
		return STEP_AGAIN;
	if (c->is_dead)
		return STEP_CLOSED;
	return c->is_eof && !c->is_parked && flow == FLOW_CLEAR ? STEP_AGAIN : STEP_WAIT;
}

static enum step advance(struct conn *c)
{
	if (c->has_revoke && !c->is_closing) {
		c->has_revoke = false;
		drop_ticket(c);
		say_goodbye(c, GOODBYE_REVOKED);
	}
	if (c->has_answer) {
		c->has_answer = false;
		resume_with_answer(c);
	}
	if (c->is_due)
		on_due(c);
	if (c->is_dead)
		return STEP_CLOSED;
	if (c->phase == PHASE_PROXY)
		return step_proxy(c);
	if (c->phase == PHASE_HANDSHAKE)
		return step_handshake(c);
	if (c->phase == PHASE_LINGER)
		return step_linger(c);
	if (!c->is_greeted) {
		greet(c);
		return STEP_AGAIN;
	}
	return step_open(c);
}

static bool wants_input(const struct conn *c)
{
	if (c->phase == PHASE_OPEN)
		return may_start_unit(c) && !c->is_eof;
	return true;
}

/* What epoll shall say. Level-triggered: what is there already is told at once. */
static uint32_t interest(const struct conn *c)
{
	uint32_t events = EPOLLONESHOT | (c->saw_rdhup ? 0 : EPOLLRDHUP);

	if (wants_input(c))
		events |= c->read_wants_write ? EPOLLOUT : EPOLLIN;
	if (!c->can_write)
		events |= c->write_wants_read ? EPOLLIN : EPOLLOUT;
	return events;
}

static void arm(struct conn *c)
{
	const uint32_t events = interest(c);
	struct epoll_event event = {
		.events = events, .data.u64 = (uint64_t)c->ref.slot << 32 | c->ref.generation};
	const int64_t due = due_ms(c);

	if (due != INT64_MAX && (c->timer_due_ms == 0 || due < c->timer_due_ms))
		timers_set_conn(c, due);
	if (c->armed == events)
		return;
	c->armed = events;
	if (epoll_ctl(c->pool->epoll_fd, c->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd,
		    &event) < 0)
		c->is_dead = true;
	c->is_registered = true;
}

/* Where it waits next time: what a stranger or a heavy user does never takes all threads. */
static uint8_t queue_class(const struct conn *c)
{
	if (c->base_class == POOL_MX)
		return POOL_MX;
	if (c->phase == PHASE_HANDSHAKE)
		return POOL_HANDSHAKE;
	return c->is_bulk ? POOL_BULK : c->base_class;
}

static void begin_turn(struct worker *w, struct conn *c)
{
	w->bytes = 0;
	w->start_us = clock_mono_us();
	if (c->is_measured)
		w->cpu_us = cpu_us();
	c->worker = w;
	c->input = buf_slice(&c->in);
	if (!has_output(c))
		c->moved_ms = w->start_us / 1000;
}

/*
 * Was the turn long? The wall clock costs no system call, but a turn that waited for the disk is
 * not a heavy one: after a turn that looked long, the next are measured by the CPU clock.
 */
static void end_turn(struct conn *c)
{
	struct worker *w = c->worker;
	const bool looks_heavy = clock_mono_us() - w->start_us > TURN_HEAVY_US;

	c->is_bulk = w->bytes >= TURN_BYTES ||
		     (looks_heavy && c->is_measured && cpu_us() - w->cpu_us > TURN_HEAVY_US);
	c->is_measured = looks_heavy;
	if (is_between_units(c))
		arena_reset(&c->arena);
	conn_stash(c);
	c->worker = NULL;
	c->pool->slots[c->ref.slot].class = queue_class(c);
}

void conn_turn(struct worker *w, struct slot *slot)
{
	struct conn *c = slot->conn;
	enum step step;

	begin_turn(w, c);
	note_bits(c, slot_begin(slot));
	do {
		step = advance(c);
		if (step == STEP_AGAIN)
			note_bits(c, slot_take_bits(slot));
		if (step != STEP_WAIT)
			continue;
		arm(c);
		end_turn(c);
		if (!c->is_dead && slot_park(slot))
			return;
		begin_turn(w, c);
		note_bits(c, slot_take_bits(slot));
		step = STEP_AGAIN;
	} while (step == STEP_AGAIN);
	if (step == STEP_CLOSED) {
		conn_destroy(c);
		return;
	}
	end_turn(c);
	slot_requeue(slot);
	pool_enqueue(w->pool, slot->class, &slot->job, true);
}

void conn_begin(struct conn *c, bool caller_takes)
{
	struct slot *slot = &c->pool->slots[c->ref.slot];

	slot->class = queue_class(c);
	if (c->phase == PHASE_HANDSHAKE || c->phase == PHASE_PROXY) {
		arm(c); /* nothing is spent on it before its first bytes */
		if (!c->is_dead && slot_park(slot))
			return;
	}
	slot_requeue(slot);
	pool_enqueue(c->pool, slot->class, &slot->job, caller_takes);
}

void conn_destroy(struct conn *c)
{
	timers_clear_conn(c);
	pthread_mutex_lock(slot_answer_lock(c->pool, c->ref.slot));
	c->pool->slots[c->ref.slot].conn = NULL;
	pthread_mutex_unlock(slot_answer_lock(c->pool, c->ref.slot));
	drop_ticket(c);
	conn_drop_output(c);
	if (c->protocol->done)
		c->protocol->done(c);
	crowd_leave(c);
	conn_tls_end(c, false);
	conn_drop_output(c);
	conn_fds_done(c);
	conn_proxy_done(c);
	buf_done(&c->in);
	arena_done(&c->arena);
	close(c->fd);
	doors_conn_closed(c);
	free(c);
}
