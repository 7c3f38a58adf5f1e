/* pool_test.c - the pool and its connections over real sockets, in clear. */
#include "net/pool_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

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
	struct pool_rig s;

	(void)state;
	pool_rig_start(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer p;

		pool_rig_greeted(&p, s.port);
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
	pool_rig_stop(&s);
}

/* All commands in one write, and again byte by byte: the replies are in order. */
static void test_pipelining(void **state)
{
	static const char all[] = "PING\r\nPARK\r\nBIG 200000\r\nSELF\r\nPING\r\nTWICE\r\nPING\r\n";
	struct pool_rig s;

	(void)state;
	pool_rig_start(&s);
	for (int is_slow = 0; is_slow < 2; is_slow++) {
		struct peer p;

		pool_rig_greeted(&p, s.port);
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
	pool_rig_stop(&s);
}

/* What was said before the peer closed its side is still answered, parked commands included. */
static void test_half_close(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
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
	pool_rig_stop(&s);
}

static void test_line_too_long(void **state)
{
	struct pool_rig s;
	struct peer p;
	char line[4097];

	(void)state;
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	line[4095] = '\n'; /* exactly the most */
	peer_send(&p, line);
	peer_expect(&p, "+OK");
	line[4095] = 'a';
	peer_send(&p, line);
	assert_null(peer_line(&p));
	peer_close(&p);
	pool_rig_until(&s.kit.done, 1);
	pool_rig_stop(&s);
}

static void test_broken_source_closes(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	peer_send(&p, "BREAK\r\nPING\r\n");
	assert_null(peer_line(&p)); /* nothing pretends that the body was whole */
	peer_close(&p);
	pool_rig_until(&s.kit.done, 1);
	assert_int_equal(s.kit.sources_freed, 1);
	pool_rig_stop(&s);
}

static void test_stale_refs(void **state)
{
	struct pool_rig s;
	struct peer p;
	struct conn_ref ref;
	const struct answer answer = {.data = NULL};

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	ref = kit_last_ref(&s.kit);
	pool_wake(s.kit.pool, ref);
	peer_expect(&p, "*WAKE");
	assert_false(pool_answer(s.kit.pool, ref, 1, &answer));
	peer_send(&p, "LATE\r\n");
	peer_expect(&p, "-BUSY");
	assert_false(pool_answer(s.kit.pool, ref, s.kit.last_ticket, &answer));
	peer_close(&p);
	pool_rig_until(&s.kit.done, 1);
	pool_rig_greeted(&p, s.port); /* takes the same slot */
	assert_int_equal(kit_last_ref(&s.kit).slot, ref.slot);
	pool_wake(s.kit.pool, ref);
	pool_revoke(s.kit.pool, ref);
	pool_wake(s.kit.pool, (struct conn_ref){99999, 1});
	peer_send(&p, "PING\r\n");
	peer_expect(&p, "+PONG");
	peer_close(&p);
	pool_rig_stop(&s);
}

/* An answer for one who has gone is freed, whether the ticket was open or answered. */
static void test_answer_after_close(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	for (size_t i = 1; i <= 20; i++) {
		pool_rig_greeted(&p, s.port);
		peer_send(&p, "PARK\r\nPARK\r\nPARK\r\n");
		peer_close(&p);
		pool_rig_until(&s.kit.done, i);
	}
	pool_wait(s.kit.pool, 60000);
	pool_rig_stop(&s);
}

static void test_revoke(void **state)
{
	struct pool_rig s;
	struct peer p;

	(void)state;
	pool_rig_start(&s);
	pool_rig_greeted(&p, s.port);
	pool_revoke(s.kit.pool, kit_last_ref(&s.kit));
	peer_expect(&p, "*GOODBYE 2");
	assert_null(peer_line(&p));
	peer_close(&p);
	pool_rig_greeted(&p, s.port);
	s.kit.last_ticket = 0;
	peer_send(&p, "EVER\r\n"); /* parked */
	while (s.kit.last_ticket == 0)
		usleep(200);
	pool_revoke(s.kit.pool, kit_last_ref(&s.kit));
	peer_expect(&p, "*GOODBYE 2");
	assert_null(peer_line(&p));
	peer_close(&p);
	pool_rig_stop(&s);
}

static void test_wake_many(void **state)
{
	struct pool_rig s;
	struct peer p[50];
	struct conn_ref refs[50];

	(void)state;
	pool_rig_start(&s);
	for (size_t i = 0; i < 50; i++) {
		pool_rig_greeted(&p[i], s.port);
		refs[i] = kit_last_ref(&s.kit);
	}
	pool_wake_many(s.kit.pool, refs, 0);
	pool_wake_many(s.kit.pool, refs, 50);
	for (size_t i = 0; i < 50; i++) {
		peer_expect(&p[i], "*WAKE");
		peer_close(&p[i]);
	}
	pool_rig_until(&s.kit.done, 50);
	pool_rig_stop(&s);
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
	struct pool_rig s;
	struct ours many[40] = {0};

	(void)state;
	pool_rig_start(&s);
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
		pool_rig_until(&many[i].runs, 3);
	pool_timer_set(s.kit.pool, &many[0].timer, clock_mono_ms() + 100000);
	pool_timer_set(s.kit.pool, &many[0].timer, clock_mono_ms() + 200000);
	assert_int_not_equal(many[0].timer.heap_at, 0);
	pool_timer_clear(s.kit.pool, &many[0].timer);
	pool_timer_clear(s.kit.pool, &many[0].timer);
	assert_int_equal(many[0].timer.heap_at, 0);
	assert_int_equal(many[0].runs, 3);
	pool_wait(s.kit.pool, 60000);
	pool_rig_stop(&s);
}

static void test_attach(void **state)
{
	struct pool_rig s;
	struct pool_stats stats;
	struct conn_ref ref;
	struct err err;
	struct peer p = {0};
	int fds[2];

	(void)state;
	pool_rig_start(&s);
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
	pool_rig_until(&s.kit.done, 1);
	pool_rig_stop(&s);
}

/* A Unix socket knows who is there, and has no bound by address. */
static void test_unix_socket(void **state)
{
	struct pool_rig s;
	struct peer p[3];
	struct err err;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char want[32];

	(void)state;
	pool_rig_start_with(&s,
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
	pool_rig_greeted(&p[0], s.port);
	peer_send(&p[0], "WHO\r\n");
	peer_expect(&p[0], "+127.0.0.1");
	peer_close(&p[0]);
	pool_rig_stop(&s);
}

/* Stopping with work of every kind under way frees it all. */
static void test_stop_in_the_middle(void **state)
{
	static const char *const says[] = {"PING\r\n", "PARK\r\nPARK\r\nPARK\r\n",
		"BIG 90000000\r\n", "EVER\r\n", "WAIT\r\n", "PING", "QUIT\r\n"};
	struct pool_rig s;
	struct peer p[35];

	(void)state;
	pool_rig_start(&s);
	for (size_t i = 0; i < 35; i++) {
		pool_rig_greeted(&p[i], s.port);
		peer_send(&p[i], says[i % 7]);
	}
	pool_rig_stop(&s);
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
		cmocka_unit_test(test_wake_many),
		cmocka_unit_test(test_jobs_and_timers),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_stop_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
