/* pool_bounds_test.c - limits, time-outs, slow peers and memory of the pool, in clear. */
#include "net/pool_rig.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

static void test_limits(void **state)
{
	struct pool_rig s;
	struct peer p[4];
	uint16_t small;
	struct pool_stats stats;

	(void)state;
	pool_rig_start_with(&s,
		&(struct pool_config){.threads = 2, .connections_max = 3, .per_address_max = 2});
	small = kit_listen(&s.kit, NULL, false, POOL_MX, 1);
	pool_rig_greeted(&p[0], small);
	peer_connect(&p[1], small);
	peer_expect(&p[1], "*GOODBYE 3");
	assert_null(peer_line(&p[1]));
	pool_rig_greeted(&p[2], s.port);
	peer_connect(&p[3], s.port); /* the third of this address */
	peer_expect(&p[3], "*GOODBYE 3");
	assert_null(peer_line(&p[3]));
	pool_stats(s.kit.pool, &stats);
	assert_int_equal(stats.accepted, 2);
	assert_int_equal(stats.refused, 2);
	for (size_t i = 0; i < 4; i++)
		peer_close(&p[i]);
	pool_wait(s.kit.pool, 60000);
	pool_rig_greeted(&p[0], small); /* the places are free again */
	peer_close(&p[0]);
	pool_rig_stop(&s);
}

static void test_drain(void **state)
{
	struct pool_rig s;
	struct peer idle, busy, parked;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&idle, s.port);
	pool_rig_greeted(&busy, s.port);
	pool_rig_greeted(&parked, s.port);
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
	pool_rig_stop(&s);
}

static void free_poke(struct pool_job *job)
{
	free(job);
}

/* Moves time, and has the pool look at its timers: the kernel's knows no shift. */
static void pass_ms(struct pool_rig *s, int64_t ms)
{
	struct pool_timer *poke = mem_new(struct pool_timer);

	poke->job.run = free_poke;
	clock_shift(ms * 1000);
	pool_timer_set(s->kit.pool, poke, clock_mono_ms());
}

/* A peer that takes no output for the timeout is closed without a word. */
static void test_output_timeout(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	peer_send(&p, "BIG 100000000\r\n");
	assert_true(peer_skip(&p, 1000000));
	for (; s.kit.done == 0; usleep(2000)) /* what the kernel still takes counts as moving */
		pass_ms(&s, TIMEOUT_MS + 1000);
	assert_int_equal(s.kit.goodbyes, 0);
	assert_int_equal(s.kit.sources_freed, 1);
	peer_close(&p);
	pool_rig_stop(&s);
}

/* A session that is silent for its timeout gets a goodbye. Time is moved, not waited for. */

static void test_idle_timeout(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	pass_ms(&s, TIMEOUT_MS / 2);
	peer_send(&p, "PING\r\n");
	peer_expect(&p, "+PONG");
	pool_rig_let_go(pool_rig_own_last(&s));
	pass_ms(&s, TIMEOUT_MS / 2 + 1000);
	peer_send(&p, "PING\r\n"); /* the first command started the time anew */
	peer_expect(&p, "+PONG");
	pool_rig_let_go(pool_rig_own_last(&s));
	pass_ms(&s, TIMEOUT_MS + 1000);
	peer_expect(&p, "*GOODBYE 0");
	assert_null(peer_line(&p));
	peer_close(&p);
	pool_wait(s.kit.pool, 60000);
	pool_rig_stop(&s);
}

/* A reader that never reads: the reply waits in pieces, not in memory, and holds no thread. */
static void test_slow_reader(void **state)
{
	struct pool_rig s;
	struct peer slow[8], quick;

	(void)state;
	pool_rig_start_with(&s, &(struct pool_config){.threads = 2, .connections_max = 100});
	for (size_t i = 0; i < 8; i++) {
		pool_rig_greeted(&slow[i], s.port);
		peer_send(&slow[i], "BIG 200000000\r\n");
		peer_send(&slow[i], "PING\r\n");
	}
	pool_rig_greeted(&quick, s.port);
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
	pool_rig_until(&s.kit.done, 8);
	assert_int_equal(s.kit.sources_freed, 8);
	peer_close(&quick);
	pool_rig_stop(&s);
}

/* The most a slow reader holds of our memory, looked at from inside. */
static void test_slow_reader_memory(void **state)
{
	struct pool_rig s;
	struct peer p;
	struct conn *c;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	peer_send(&p, "BIG 100000000\r\n");
	assert_true(peer_skip(&p, 1000000));
	c = pool_rig_own_last(&s);
	assert_in_range(c->out.cap, 1, 256 * 1024);
	pool_rig_let_go(c);
	peer_close(&p);
	pool_rig_stop(&s);
}

/* A peer that asks without end and reads nothing is not heard any more after a while. */
static void test_never_reads(void **state)
{
	static char pings[60000];
	struct pool_rig s;
	struct peer p;
	struct conn *c;
	size_t sent = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(pings); i += 6)
		memcpy(pings + i, "PING\r\n", 6);
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	for (int quiet = 0; quiet < 50;) { /* until nothing is taken for a while */
		const ssize_t n = send(p.fd, pings, sizeof(pings), MSG_DONTWAIT | MSG_NOSIGNAL);

		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		if (n < 0)
			usleep(2000);
	}
	c = pool_rig_own_last(&s);
	assert_in_range(c->out.cap, OUT_PAUSE, 2 * OUT_PAUSE);
	pool_rig_let_go(c);
	assert_true(peer_skip(&p, sent / 6 * strlen("+PONG\r\n"))); /* and nothing was lost */
	peer_close(&p);
	pool_rig_stop(&s);
}

/* An idle connection keeps no buffer, whatever it did before. */
static void test_idle_is_empty(void **state)
{
	struct pool_rig s;
	struct peer p;
	struct conn *c;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	peer_send(&p, "PING\r\nBIG 100000\r\nPARK\r\nPI");
	peer_expect(&p, "+PONG");
	assert_true(peer_skip(&p, 100000));
	peer_expect(&p, "");
	peer_expect(&p, "+DONE");
	peer_expect(&p, "+ANSWER");
	peer_send(&p, "NG\r\n");
	peer_expect(&p, "+PONG");
	c = pool_rig_own_last(&s);
	assert_null(c->in.ptr);
	assert_null(c->out.ptr);
	assert_null(c->arena.head);
	assert_null(c->parts);
	pool_rig_let_go(c);
	assert_in_range(sizeof(struct conn), 1, 768);
	peer_close(&p);
	pool_rig_stop(&s);
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
	struct pool_rig s;
	struct peer p;

	(void)state;
	for (enum pool_class class = POOL_BULK; class < POOL_CLASS_COUNT; class ++) {
		struct blocker blockers[20];
		_Atomic size_t inside = 0;
		_Atomic bool may_go = false;
		struct pool_stats stats;

		pool_rig_start_with(&s, &(struct pool_config){.threads = 8, .connections_max = 10});
		for (size_t i = 0; i < 20; i++) {
			blockers[i] = (struct blocker){{.run = block}, &inside, &may_go};
			pool_run(s.kit.pool, class, &blockers[i].job);
		}
		pool_rig_until(&inside, most[class]);
		pool_rig_greeted(&p, s.port);
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
		pool_rig_stop(&s);
	}
}

/* Without a free descriptor nobody new is let in, who is there goes on, and later all are. */
static void test_no_descriptor_left(void **state)
{
	const int lowest = dup(STDIN_FILENO), later = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct rlimit limit, low;
	struct peer p, late = {.fd = later};
	struct pool_rig s;
	char byte;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
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
	pool_rig_stop(&s);
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
	struct pool_rig s;

	(void)state;
	see_slice(&here.job);
	if (here.told.slice_ns == 0)
		skip(); /* before Linux 6.12 */
	pool_rig_start_with(&s, &(struct pool_config){.threads = 1, .connections_max = 10});
	for (int i = 0; i < 3; i++) {
		bulk.done = quick.done = 0;
		pool_run(s.kit.pool, POOL_BULK, &bulk.job);
		pool_rig_until(&bulk.done, 1);
		pool_run(s.kit.pool, POOL_INTERACTIVE, &quick.job);
		pool_rig_until(&quick.done, 1);
		assert_int_equal(bulk.told.slice_ns, here.told.slice_ns);
		assert_true(quick.told.slice_ns < here.told.slice_ns);
		assert_int_equal(quick.told.nice, here.told.nice);
	}
	pool_rig_stop(&s);
}

/* Units far larger than a read, in pieces of every size, with small ones around them. */
static void test_large_units(void **state)
{
	static const size_t pieces[] = {1, 7, 1000, 30000, 33000, 65536, 70000, 200000};
	static char text[900000];
	static struct protocol large;
	struct pool_rig s;
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
	pool_rig_start(&s);
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
	pool_rig_until(&s.kit.done, 1);
	pool_rig_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_slow_reader_memory),
		cmocka_unit_test(test_never_reads),
		cmocka_unit_test(test_idle_is_empty),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_no_descriptor_left),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_large_units),
		cmocka_unit_test(test_idle_timeout),
		cmocka_unit_test(test_output_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
