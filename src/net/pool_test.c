/* pool_test.c - the pool and its connections over real sockets, in clear. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"
#include "net/net_kit.h"

struct setup {
	struct kit kit;
	uint16_t port;
};

static void start_with(struct setup *s, const struct pool_config *config)
{
	struct err err;

	*s = (struct setup){0};
	assert_int_equal(pool_new(config, &s->kit.pool, &err), 0);
	s->port = kit_listen(&s->kit, NULL, false, POOL_INTERACTIVE, 0);
	assert_int_equal(pool_start(s->kit.pool, &err), 0);
}

static void start(struct setup *s)
{
	start_with(s, &(struct pool_config){.threads = 4, .connections_max = 100});
}

static void stop(struct setup *s)
{
	pool_stop(&s->kit.pool);
	assert_null(s->kit.pool);
}

static void greeted(struct peer *p, uint16_t port)
{
	peer_connect(p, port);
	peer_expect(p, "+HELLO");
}

/* Waits for something that another thread does; the test's own timeout is the bound. */
static void until(const _Atomic size_t *what, size_t least)
{
	while (atomic_load(what) < least)
		usleep(200);
}

/* Becomes the owner of the last connection once it is parked, as a thread of the pool would. */
static struct conn *own_last(struct setup *s)
{
	const struct conn_ref ref = kit_last_ref(&s->kit);
	struct slot *slot = slot_of(s->kit.pool, ref);

	for (;; usleep(200)) {
		if ((atomic_load(&slot->word) & WORD_STATE) == WORD_PARKED &&
			slot_signal(slot, ref.generation, 0))
			break;
	}
	slot_begin(slot);
	return slot->conn;
}

static void let_go(struct conn *c)
{
	struct slot *slot = slot_of(c->pool, c->ref);

	slot_requeue(slot);
	pool_enqueue(c->pool, slot->class, &slot->job, false);
}

static void test_commands(void **state)
{
	static const struct {
		const char *say, *hear[3];
	} cases[] = {
		{"PING\r\n", {"+PONG"}},
		{"PARK\r\n", {"+ANSWER"}},
		{"SELF\r\n", {"+ANSWER"}},
		{"TWICE\r\n", {"+ANSWER"}},
		{"LATE\r\n", {"-BUSY"}},
		{"BIG 0\r\n", {"", "+DONE"}},
		{"BIG 10\r\n", {"xxxxxxxxxx", "+DONE"}},
		{"WAIT\r\n", {"+WAITING", "xxxxx", "+DONE"}},
		{"NAME\r\n", {"+clear"}},
		{"SPIN\r\n", {"+SPUN"}},
		{"HOLD\r\n", {"+OK"}},
	};
	struct setup s;

	(void)state;
	start(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p;

		greeted(&p, s.port);
		peer_send(&p, cases[i].say);
		for (size_t k = 0; k < 3 && cases[i].hear[k]; k++)
			peer_expect(&p, cases[i].hear[k]);
		if (strcmp(cases[i].say, "WAIT\r\n") == 0)
			peer_expect(&p, "*WAKE"); /* the wake is the session's too */
		peer_send(&p, "QUIT\r\n");
		peer_expect(&p, "+BYE");
		assert_null(peer_line(&p));
		peer_close(&p);
	}
	pool_wait(s.kit.pool, 60000);
	assert_int_equal(s.kit.done, s.kit.opened);
	stop(&s);
}

/* All commands in one write, and again byte by byte: the replies are in order. */
static void test_pipelining(void **state)
{
	static const char all[] = "PING\r\nPARK\r\nBIG 200000\r\nSELF\r\nPING\r\nTWICE\r\nPING\r\n";
	struct setup s;

	(void)state;
	start(&s);
	for (int is_slow = 0; is_slow < 2; is_slow++) {
		struct peer p;

		greeted(&p, s.port);
		if (is_slow) {
			for (size_t i = 0; all[i]; i++)
				peer_send(&p, (char[]){all[i], '\0'});
		} else {
			peer_send(&p, all);
		}
		peer_expect(&p, "+PONG");
		peer_expect(&p, "+ANSWER");
		assert_true(peer_skip(&p, 200000));
		peer_expect(&p, "");
		peer_expect(&p, "+DONE");
		peer_expect(&p, "+ANSWER");
		peer_expect(&p, "+PONG");
		peer_expect(&p, "+ANSWER");
		peer_expect(&p, "+PONG");
		peer_close(&p);
	}
	stop(&s);
}

/* What was said before the peer closed its side is still answered, parked commands included. */
static void test_half_close(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	peer_send(&p, "PARK\r\nBIG 300000\r\nPARK\r\nPING\r\nunfinished");
	shutdown(p.fd, SHUT_WR);
	peer_expect(&p, "+ANSWER");
	assert_true(peer_skip(&p, 300000));
	peer_expect(&p, "");
	peer_expect(&p, "+DONE");
	peer_expect(&p, "+ANSWER");
	peer_expect(&p, "+PONG");
	assert_null(peer_line(&p));
	peer_close(&p);
	stop(&s);
}

static void test_line_too_long(void **state)
{
	struct setup s;
	struct peer p;
	char line[4097];

	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	start(&s);
	greeted(&p, s.port);
	line[4095] = '\n'; /* exactly the most */
	peer_send(&p, line);
	peer_expect(&p, "+OK");
	line[4095] = 'a';
	peer_send(&p, line);
	assert_null(peer_line(&p));
	peer_close(&p);
	until(&s.kit.done, 1);
	stop(&s);
}

static void test_broken_source_closes(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	peer_send(&p, "BREAK\r\nPING\r\n");
	assert_null(peer_line(&p)); /* nothing pretends that the body was whole */
	peer_close(&p);
	until(&s.kit.done, 1);
	assert_int_equal(s.kit.sources_freed, 1);
	stop(&s);
}

static void test_stale_refs(void **state)
{
	struct setup s;
	struct peer p;
	struct conn_ref ref;
	const struct answer answer = {.data = NULL};

	(void)state;
	start(&s);
	greeted(&p, s.port);
	ref = kit_last_ref(&s.kit);
	pool_wake(s.kit.pool, ref);
	peer_expect(&p, "*WAKE");
	assert_false(pool_answer(s.kit.pool, ref, 1, &answer));
	peer_send(&p, "LATE\r\n");
	peer_expect(&p, "-BUSY");
	assert_false(pool_answer(s.kit.pool, ref, s.kit.last_ticket, &answer));
	peer_close(&p);
	until(&s.kit.done, 1);
	greeted(&p, s.port); /* takes the same slot */
	assert_int_equal(kit_last_ref(&s.kit).slot, ref.slot);
	pool_wake(s.kit.pool, ref);
	pool_revoke(s.kit.pool, ref);
	pool_wake(s.kit.pool, (struct conn_ref){99999, 1});
	peer_send(&p, "PING\r\n");
	peer_expect(&p, "+PONG");
	peer_close(&p);
	stop(&s);
}

/* An answer for one who has gone is freed, whether the ticket was open or answered. */
static void test_answer_after_close(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	for (size_t i = 1; i <= 20; i++) {
		greeted(&p, s.port);
		peer_send(&p, "PARK\r\nPARK\r\nPARK\r\n");
		peer_close(&p);
		until(&s.kit.done, i);
	}
	pool_wait(s.kit.pool, 60000);
	stop(&s);
}

static void test_revoke(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	pool_revoke(s.kit.pool, kit_last_ref(&s.kit));
	peer_expect(&p, "*GOODBYE 2");
	assert_null(peer_line(&p));
	peer_close(&p);
	greeted(&p, s.port);
	s.kit.last_ticket = 0;
	peer_send(&p, "EVER\r\n"); /* parked */
	while (s.kit.last_ticket == 0)
		usleep(200);
	pool_revoke(s.kit.pool, kit_last_ref(&s.kit));
	peer_expect(&p, "*GOODBYE 2");
	assert_null(peer_line(&p));
	peer_close(&p);
	stop(&s);
}

static void test_limits(void **state)
{
	struct setup s;
	struct peer p[4];
	uint16_t small;
	struct pool_stats stats;

	(void)state;
	start_with(&s,
		&(struct pool_config){.threads = 2, .connections_max = 3, .per_address_max = 2});
	small = kit_listen(&s.kit, NULL, false, POOL_MX, 1);
	greeted(&p[0], small);
	peer_connect(&p[1], small);
	peer_expect(&p[1], "*GOODBYE 3");
	assert_null(peer_line(&p[1]));
	greeted(&p[2], s.port);
	peer_connect(&p[3], s.port); /* the third of this address */
	peer_expect(&p[3], "*GOODBYE 3");
	assert_null(peer_line(&p[3]));
	pool_stats(s.kit.pool, &stats);
	assert_int_equal(stats.accepted, 2);
	assert_int_equal(stats.refused, 2);
	for (size_t i = 0; i < 4; i++)
		peer_close(&p[i]);
	pool_wait(s.kit.pool, 60000);
	greeted(&p[0], small); /* the places are free again */
	peer_close(&p[0]);
	stop(&s);
}

static void test_drain(void **state)
{
	struct setup s;
	struct peer idle, busy, parked;

	(void)state;
	start(&s);
	greeted(&idle, s.port);
	greeted(&busy, s.port);
	greeted(&parked, s.port);
	peer_send(&busy, "HOLD\r\n");
	peer_expect(&busy, "+OK");
	peer_send(&parked, "SELF\r\nPARK\r\n");
	peer_expect(&parked, "+ANSWER");
	pool_drain(s.kit.pool, 30);
	peer_expect(&idle, "*GOODBYE 1");
	assert_null(peer_line(&idle));
	peer_expect(&parked, "+ANSWER");
	peer_expect(&parked, "*GOODBYE 1");
	assert_null(peer_line(&parked));
	peer_send(&busy, "PING\r\n");
	peer_expect(&busy, "+PONG");
	peer_send(&busy, "FREE\r\n");
	peer_expect(&busy, "+OK");
	peer_expect(&busy, "*GOODBYE 1");
	assert_null(peer_line(&busy));
	peer_close(&idle);
	peer_close(&busy);
	peer_close(&parked);
	pool_wait(s.kit.pool, 60000);
	assert_int_equal(s.kit.done, 3);
	stop(&s);
}

static void free_poke(struct pool_job *job)
{
	free(job);
}

/* Moves time, and has the pool look at its timers: the kernel's knows no shift. */
static void pass_ms(struct setup *s, int64_t ms)
{
	struct pool_timer *poke = mem_new(struct pool_timer);

	poke->job.run = free_poke;
	clock_shift(ms * 1000);
	pool_timer_set(s->kit.pool, poke, clock_mono_ms());
}

/* A peer that takes no output for the timeout is closed without a word. */
static void test_output_timeout(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	peer_send(&p, "BIG 100000000\r\n");
	assert_true(peer_skip(&p, 1000000));
	for (; s.kit.done == 0; usleep(2000)) /* what the kernel still takes counts as moving */
		pass_ms(&s, TIMEOUT_MS + 1000);
	assert_int_equal(s.kit.goodbyes, 0);
	assert_int_equal(s.kit.sources_freed, 1);
	peer_close(&p);
	stop(&s);
}

/* A session that is silent for its timeout gets a goodbye. Time is moved, not waited for. */

static void test_idle_timeout(void **state)
{
	struct setup s;
	struct peer p;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	pass_ms(&s, TIMEOUT_MS / 2);
	peer_send(&p, "PING\r\n");
	peer_expect(&p, "+PONG");
	let_go(own_last(&s));
	pass_ms(&s, TIMEOUT_MS / 2 + 1000);
	peer_send(&p, "PING\r\n"); /* the first command started the time anew */
	peer_expect(&p, "+PONG");
	let_go(own_last(&s));
	pass_ms(&s, TIMEOUT_MS + 1000);
	peer_expect(&p, "*GOODBYE 0");
	assert_null(peer_line(&p));
	peer_close(&p);
	pool_wait(s.kit.pool, 60000);
	stop(&s);
}

/* A reader that never reads: the reply waits in pieces, not in memory, and holds no thread. */
static void test_slow_reader(void **state)
{
	struct setup s;
	struct peer slow[8], quick;

	(void)state;
	start_with(&s, &(struct pool_config){.threads = 2, .connections_max = 100});
	for (size_t i = 0; i < 8; i++) {
		greeted(&slow[i], s.port);
		peer_send(&slow[i], "BIG 200000000\r\n");
		peer_send(&slow[i], "PING\r\n");
	}
	greeted(&quick, s.port);
	for (int i = 0; i < 200; i++) {
		peer_send(&quick, "PING\r\n");
		peer_expect(&quick, "+PONG");
	}
	for (size_t i = 0; i < 8; i++)
		assert_true(peer_skip(&slow[i], 5000000)); /* some more, then silence again */
	peer_send(&quick, "PARK\r\n");
	peer_expect(&quick, "+ANSWER");
	for (size_t i = 0; i < 8; i++)
		peer_close(&slow[i]);
	until(&s.kit.done, 8);
	assert_int_equal(s.kit.sources_freed, 8);
	peer_close(&quick);
	stop(&s);
}

/* The most a slow reader holds of our memory, looked at from inside. */
static void test_slow_reader_memory(void **state)
{
	struct setup s;
	struct peer p;
	struct conn *c;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	peer_send(&p, "BIG 100000000\r\n");
	assert_true(peer_skip(&p, 1000000));
	c = own_last(&s);
	assert_in_range(c->out.cap, 1, 256 * 1024);
	let_go(c);
	peer_close(&p);
	stop(&s);
}

/* A peer that asks without end and reads nothing is not heard any more after a while. */
static void test_never_reads(void **state)
{
	static char pings[60000];
	struct setup s;
	struct peer p;
	struct conn *c;
	size_t sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(pings); i += 6)
		memcpy(pings + i, "PING\r\n", 6);
	start(&s);
	greeted(&p, s.port);
	for (int quiet = 0; quiet < 50;) { /* until nothing is taken for a while */
		const ssize_t n = send(p.fd, pings, sizeof(pings), MSG_DONTWAIT | MSG_NOSIGNAL);

		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		if (n < 0)
			usleep(2000);
	}
	c = own_last(&s);
	assert_in_range(c->out.cap, OUT_PAUSE, 2 * OUT_PAUSE);
	let_go(c);
	assert_true(peer_skip(&p, sent / 6 * strlen("+PONG\r\n"))); /* and nothing was lost */
	peer_close(&p);
	stop(&s);
}

/* An idle connection keeps no buffer, whatever it did before. */
static void test_idle_is_empty(void **state)
{
	struct setup s;
	struct peer p;
	struct conn *c;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	peer_send(&p, "PING\r\nBIG 100000\r\nPARK\r\nPI");
	peer_expect(&p, "+PONG");
	assert_true(peer_skip(&p, 100000));
	peer_expect(&p, "");
	peer_expect(&p, "+DONE");
	peer_expect(&p, "+ANSWER");
	peer_send(&p, "NG\r\n");
	peer_expect(&p, "+PONG");
	c = own_last(&s);
	assert_null(c->in.ptr);
	assert_null(c->out.ptr);
	assert_null(c->arena.head);
	assert_null(c->parts);
	let_go(c);
	assert_in_range(sizeof(struct conn), 1, 768);
	peer_close(&p);
	stop(&s);
}

static void test_wake_many(void **state)
{
	struct setup s;
	struct peer p[50];
	struct conn_ref refs[50];

	(void)state;
	start(&s);
	for (size_t i = 0; i < 50; i++) {
		greeted(&p[i], s.port);
		refs[i] = kit_last_ref(&s.kit);
	}
	pool_wake_many(s.kit.pool, refs, 0);
	pool_wake_many(s.kit.pool, refs, 50);
	for (size_t i = 0; i < 50; i++) {
		peer_expect(&p[i], "*WAKE");
		peer_close(&p[i]);
	}
	until(&s.kit.done, 50);
	stop(&s);
}

struct ours {
	struct pool_timer timer;
	struct pool *pool;
	_Atomic size_t runs;
};

static void count_run(struct pool_job *job)
{
	struct ours *o = (struct ours *)job;

	if (atomic_fetch_add(&o->runs, 1) < 2)
		pool_timer_set(o->pool, &o->timer, clock_mono_ms() + 1);
}

static void test_jobs_and_timers(void **state)
{
	struct setup s;
	struct ours many[40] = {0};

	(void)state;
	start(&s);
	for (size_t i = 0; i < 40; i++) {
		many[i].pool = s.kit.pool;
		many[i].timer.job.run = count_run;
		many[i].timer.class = (enum pool_class)(i % POOL_CLASS_COUNT);
		if (i % 2)
			pool_run(s.kit.pool, many[i].timer.class, &many[i].timer.job);
		else
			pool_timer_set(s.kit.pool, &many[i].timer,
				clock_mono_ms() + (int64_t)(i * 7 % 11));
	}
	for (size_t i = 0; i < 40; i++)
		until(&many[i].runs, 3);
	pool_timer_set(s.kit.pool, &many[0].timer, clock_mono_ms() + 100000);
	pool_timer_set(s.kit.pool, &many[0].timer, clock_mono_ms() + 200000);
	assert_int_not_equal(many[0].timer.heap_at, 0);
	pool_timer_clear(s.kit.pool, &many[0].timer);
	pool_timer_clear(s.kit.pool, &many[0].timer);
	assert_int_equal(many[0].timer.heap_at, 0);
	assert_int_equal(many[0].runs, 3);
	pool_wait(s.kit.pool, 60000);
	stop(&s);
}

struct blocker {
	struct pool_job job;
	_Atomic size_t *inside;
	_Atomic bool *may_go;
};

static void block(struct pool_job *job)
{
	struct blocker *b = (struct blocker *)job;

	atomic_fetch_add(b->inside, 1);
	while (!atomic_load(b->may_go))
		usleep(200);
}

/* However many wait in the other classes, a quarter of the threads answers the users. */
static void test_shares(void **state)
{
	static const size_t most[POOL_CLASS_COUNT] = {0, 6, 4, 4};
	struct setup s;
	struct peer p;

	(void)state;
	for (enum pool_class class = POOL_BULK; class < POOL_CLASS_COUNT; class ++) {
		struct blocker blockers[20];
		_Atomic size_t inside = 0;
		_Atomic bool may_go = false;
		struct pool_stats stats;

		start_with(&s, &(struct pool_config){.threads = 8, .connections_max = 10});
		for (size_t i = 0; i < 20; i++) {
			blockers[i] = (struct blocker){{.run = block}, &inside, &may_go};
			pool_run(s.kit.pool, class, &blockers[i].job);
		}
		until(&inside, most[class]);
		greeted(&p, s.port);
		for (int i = 0; i < 100; i++) {
			peer_send(&p, "PING\r\n");
			peer_expect(&p, "+PONG");
		}
		pool_stats(s.kit.pool, &stats);
		assert_int_equal(inside, most[class]);
		assert_int_equal(stats.queued[class], 20 - most[class]);
		atomic_store(&may_go, true);
		peer_close(&p);
		pool_wait(s.kit.pool, 60000);
		assert_int_equal(inside, 20);
		stop(&s);
	}
}

/* Without a free descriptor nobody new is let in, who is there goes on, and later all are. */
static void test_no_descriptor_left(void **state)
{
	const int lowest = dup(STDIN_FILENO), later = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct rlimit limit, low;
	struct peer p, late = {.fd = later};
	struct setup s;
	char byte;

	(void)state;
	start(&s);
	greeted(&p, s.port);
	sa.sin_port = htons(s.port);
	close(lowest);
	assert_int_equal(dup(STDIN_FILENO), lowest); /* nothing below it is free either */
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){(rlim_t)lowest, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(connect(later, (struct sockaddr *)&sa, sizeof(sa)), 0);
	for (int i = 0; i < 30; i++) {
		peer_send(&p, "PING\r\n");
		peer_expect(&p, "+PONG");
		usleep(10000); /* several tries of the listener */
	}
	assert_int_equal(recv(later, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	peer_expect(&late, "+HELLO");
	peer_close(&late);
	peer_close(&p);
	stop(&s);
}

/* What sched_getattr(2) tells, up to what we look at. */
struct slice_seen {
	struct pool_job job;
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t slice_ns, deadline_ns, period_ns;
	} told;
	_Atomic size_t done;
};

static void see_slice(struct pool_job *job)
{
	struct slice_seen *seen = (struct slice_seen *)job;

	assert_int_equal(syscall(SYS_sched_getattr, 0, &seen->told, sizeof(seen->told), 0), 0);
	atomic_store(&seen->done, 1);
}

/* Where the kernel lets threads choose, those that users wait for run before those that compute. */
static void test_pace(void **state)
{
	struct slice_seen bulk = {.job.run = see_slice}, quick = bulk, here = bulk;
	struct setup s;

	(void)state;
	see_slice(&here.job);
	if (here.told.slice_ns == 0)
		skip(); /* before Linux 6.12 */
	start_with(&s, &(struct pool_config){.threads = 1, .connections_max = 10});
	for (int i = 0; i < 3; i++) {
		bulk.done = quick.done = 0;
		pool_run(s.kit.pool, POOL_BULK, &bulk.job);
		until(&bulk.done, 1);
		pool_run(s.kit.pool, POOL_INTERACTIVE, &quick.job);
		until(&quick.done, 1);
		assert_int_equal(bulk.told.slice_ns, here.told.slice_ns);
		assert_true(quick.told.slice_ns < here.told.slice_ns);
		assert_int_equal(quick.told.nice, here.told.nice);
	}
	stop(&s);
}

static void test_attach(void **state)
{
	struct setup s;
	struct pool_stats stats;
	struct conn_ref ref;
	struct err err;
	struct peer p = {0};
	int fds[2];

	(void)state;
	start(&s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p.fd = fds[0];
	assert_int_equal(pool_attach(s.kit.pool, fds[1], &kit_protocol, &s.kit, &ref, &err), 0);
	peer_expect(&p, "+HELLO");
	peer_send(&p, "PARK\r\n");
	peer_expect(&p, "+ANSWER");
	pool_wake(s.kit.pool, ref);
	peer_expect(&p, "*WAKE");
	pool_stats(s.kit.pool, &stats);
	assert_int_equal(stats.connections, 0);
	pool_drain(s.kit.pool, 0);
	pool_wait(s.kit.pool, 60000);
	peer_send(&p, "PING\r\n");
	peer_expect(&p, "+PONG");
	peer_close(&p);
	until(&s.kit.done, 1);
	stop(&s);
}

/* A Unix socket knows who is there, and has no bound by address. */
static void test_unix_socket(void **state)
{
	struct setup s;
	struct peer p[3];
	struct err err;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char want[32];

	(void)state;
	start_with(&s,
		&(struct pool_config){.threads = 2, .connections_max = 10, .per_address_max = 1});
	assert_int_equal(
		bind(fd, (struct sockaddr *)&at, len), 0); /* a name of the kernel's choice */
	len = sizeof(at);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(pool_listen(s.kit.pool,
				 &(struct pool_listener){.fd = fd,
					 .protocol = &kit_protocol,
					 .context = &s.kit,
					 .class = POOL_INTERACTIVE,
					 .is_trusted = true},
				 &err),
		0);
	snprintf(want, sizeof(want), "+uid %u", getuid());
	for (size_t i = 0; i < 3; i++) {
		p[i] = (struct peer){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
		assert_int_equal(connect(p[i].fd, (struct sockaddr *)&at, len), 0);
		peer_expect(&p[i], "+HELLO");
		peer_send(&p[i], "WHO\r\n");
		peer_expect(&p[i], want);
	}
	for (size_t i = 0; i < 3; i++)
		peer_close(&p[i]);
	greeted(&p[0], s.port);
	peer_send(&p[0], "WHO\r\n");
	peer_expect(&p[0], "+127.0.0.1");
	peer_close(&p[0]);
	stop(&s);
}

/* Units far larger than a read, in pieces of every size, with small ones around them. */
static void test_large_units(void **state)
{
	static const size_t pieces[] = {1, 7, 1000, 30000, 33000, 65536, 70000, 200000};
	static char text[900000];
	static struct protocol large;
	struct setup s;
	struct conn_ref ref;
	struct err err;
	struct peer p = {0};
	int fds[2];
	char want[64];
	const size_t n = sizeof(text) - 3;

	(void)state;
	large = kit_protocol;
	large.unit_max = 1 << 20;
	memcpy(text, "SUM ", 4);
	for (size_t i = 4; i < n; i++)
		text[i] = (char)('A' + i * 7919 % 61);
	memcpy(text + n, "\r\n", 3);
	snprintf(want, sizeof(want), "+SUM %llx",
		(unsigned long long)bytes_hash((struct slice){text, n}));
	start(&s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p.fd = fds[0];
	assert_int_equal(pool_attach(s.kit.pool, fds[1], &large, &s.kit, &ref, &err), 0);
	peer_expect(&p, "+HELLO");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t at = pieces[i] < 1000 ? n + 2 - pieces[i] * 50 : 0;

		peer_send(&p, "PING\r\n");
		if (at)
			assert_int_equal(write(p.fd, text, at), at);
		for (; at < n + 2; at += pieces[i]) {
			const size_t left = n + 2 - at;

			if (write(p.fd, text + at, left < pieces[i] ? left : pieces[i]) < 0)
				fail();
		}
		peer_send(&p, "PING\r\nPI");
		peer_expect(&p, "+PONG");
		peer_expect(&p, want);
		peer_expect(&p, "+PONG");
		peer_send(&p, "NG\r\n");
		peer_expect(&p, "+PONG");
	}
	peer_close(&p);
	until(&s.kit.done, 1);
	stop(&s);
}

/* Stopping with work of every kind under way frees it all. */
static void test_stop_in_the_middle(void **state)
{
	static const char *const says[] = {"PING\r\n", "PARK\r\nPARK\r\nPARK\r\n",
		"BIG 90000000\r\n", "EVER\r\n", "WAIT\r\n", "PING", "QUIT\r\n"};
	struct setup s;
	struct peer p[35];

	(void)state;
	start(&s);
	for (size_t i = 0; i < 35; i++) {
		greeted(&p[i], s.port);
		peer_send(&p[i], says[i % 7]);
	}
	stop(&s);
	assert_int_equal(s.kit.done, 35);
	for (size_t i = 0; i < 35; i++)
		peer_close(&p[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_pipelining),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_line_too_long),
		cmocka_unit_test(test_broken_source_closes),
		cmocka_unit_test(test_stale_refs),
		cmocka_unit_test(test_answer_after_close),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_slow_reader_memory),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_idle_is_empty),
		cmocka_unit_test(test_wake_many),
		cmocka_unit_test(test_jobs_and_timers),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_no_descriptor_left),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_large_units),
		cmocka_unit_test(test_stop_in_the_middle),
		cmocka_unit_test(test_idle_timeout),
		cmocka_unit_test(test_output_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
