/* crowd_test.c - connections of one account share a few threads, and leave the others alone. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "net/internal.h"
#include "net/net_kit.h"

enum { PEERS = 12, QUIET_US = 50000 };

struct setup {
	struct kit kit;
	uint16_t port;
	struct peer crowd[PEERS], other;
};

static void joined(struct peer *p, uint16_t port, const char *join)
{
	peer_connect(p, port);
	peer_expect(p, "+HELLO");
	peer_send(p, join);
	peer_expect(p, "+JOINED");
}

static void start(struct setup *s)
{
	const struct pool_config config = {.threads = 8, .connections_max = 100};
	struct err err;

	*s = (struct setup){0};
	assert_int_equal(pool_new(&config, &s->kit.pool, &err), 0);
	s->port = kit_listen(&s->kit, NULL, false, POOL_INTERACTIVE, 0);
	assert_int_equal(pool_start(s->kit.pool, &err), 0);
	for (size_t i = 0; i < PEERS; i++)
		joined(&s->crowd[i], s->port, "JOIN a\r\n");
	joined(&s->other, s->port, "JOIN b\r\n");
	usleep(QUIET_US); /* the turn in which one joins is not counted: it has to end */
}

/* All of a crowd hold the threads they get; another account is served meanwhile. */
static void stick(struct setup *s)
{
	for (size_t i = 0; i < PEERS; i++)
		peer_send(&s->crowd[i], "STICK\r\n");
	while (atomic_load(&s->kit.stuck) < CROWD_THREADS)
		usleep(200);
	for (int i = 0; i < 100; i++) {
		peer_send(&s->other, "PING\r\n");
		peer_expect(&s->other, "+PONG");
	}
	usleep(QUIET_US); /* time for a wrong one more to come */
	assert_int_equal(atomic_load(&s->kit.stuck), CROWD_THREADS);
}

/* Nobody of those put aside is forgotten, and the crowd ends with its last connection. */
static void test_few_at_a_time(void **state)
{
	struct setup s;

	(void)state;
	start(&s);
	for (int round = 0; round < 3; round++) {
		stick(&s);
		atomic_store(&s.kit.may_go, true);
		for (size_t i = 0; i < PEERS; i++)
			peer_expect(&s.crowd[i], "+FREE");
		atomic_store(&s.kit.may_go, false);
	}
	for (size_t i = 0; i < PEERS; i++)
		peer_close(&s.crowd[i]);
	peer_close(&s.other);
	pool_wait(s.kit.pool, 60000);
	pool_stop(&s.kit.pool);
}

/* Clients that vanish while they are put aside, and a pool that stops before they had a turn. */
static void test_gone_while_aside(void **state)
{
	struct setup s;

	(void)state;
	start(&s);
	stick(&s);
	for (size_t i = 0; i < PEERS; i++)
		peer_close(&s.crowd[i]);
	atomic_store(&s.kit.may_go, true);
	peer_send(&s.other, "PING\r\n");
	peer_expect(&s.other, "+PONG");
	pool_stop(&s.kit.pool);
	peer_close(&s.other);
	assert_int_equal(s.kit.opened, s.kit.done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_at_a_time),
		cmocka_unit_test(test_gone_while_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
