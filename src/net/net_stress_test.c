/*
 * net_stress_test.c - hundreds of connections doing everything at once, while others wake, revoke
 * and reload at random. It asserts little but that every reply is right and everything is given
 * back; run under ThreadSanitizer it says whether the pool's rules of ownership hold.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_kit.h"

enum { CLIENTS = 15, EACH = 15, ROUNDS = 30, SLOTS = 300, GENERATIONS = 40 };

struct stress {
	struct kit kit;
	struct kit_ring ring;
	struct tls *tls;
	SSL_CTX *client;
	uint16_t clear, implicit, mx;
	_Atomic size_t replies, wrong;
	_Atomic bool is_over;
};

struct client {
	struct stress *stress;
	pthread_t thread;
	unsigned seed;
	struct peer peers[EACH];
	bool is_open[EACH];
};

static unsigned pick(struct client *c, unsigned n)
{
	return (unsigned)rand_r(&c->seed) % n;
}

/* The next line that is a reply; wakes come at any moment. NULL: closed. */
static const char *reply(struct peer *p)
{
	const char *line = peer_line(p);

	while (line && strcmp(line, "*WAKE") == 0)
		line = peer_line(p);
	return line && strncmp(line, "*GOODBYE", 8) == 0 ? NULL : line;
}

/* True if it came, or the connection ended, which is allowed here; another reply is wrong. */
static bool expect(struct client *c, struct peer *p, const char *want)
{
	const char *got = reply(p);

	if (got && strcmp(got, want) != 0) {
		fprintf(stderr, "expected <%s>, got <%s>\n", want, got);
		atomic_fetch_add(&c->stress->wrong, 1);
	}
	if (got)
		atomic_fetch_add(&c->stress->replies, 1);
	return got != NULL;
}

static bool open_one(struct client *c, struct peer *p)
{
	struct stress *s = c->stress;
	const uint16_t ports[] = {s->clear, s->implicit, s->mx};
	const unsigned which = pick(c, 3);

	peer_connect(p, ports[which]);
	if (which == 1 && !peer_tls(p, s->client, NULL))
		return false;
	if (!expect(c, p, "+HELLO"))
		return false;
	if (which == 2 && pick(c, 2)) {
		peer_send(p, "TLS\r\n");
		return expect(c, p, "+GO") && peer_tls(p, s->client, "mail.example");
	}
	return true;
}

static bool byte_by_byte(struct client *c, struct peer *p)
{
	static const char all[] = "PING\r\nPARK\r\nPING\r\n";

	for (size_t i = 0; all[i]; i++)
		peer_send(p, (char[]){all[i], '\0'});
	return expect(c, p, "+PONG") && expect(c, p, "+ANSWER") && expect(c, p, "+PONG");
}

static bool big(struct client *c, struct peer *p)
{
	char line[32];
	size_t n = pick(c, 400000) + 1, seen = 0;
	char got;

	snprintf(line, sizeof(line), "BIG %zu\r\n", n);
	peer_send(p, line);
	while (seen < n) { /* a wake may be announced before the body */
		ssize_t rc = p->ssl ? SSL_read(p->ssl, &got, 1) : read(p->fd, &got, 1);

		if (rc != 1)
			return false;
		if (got != '*') {
			seen++;
			break;
		}
		if (!peer_line(p))
			return false;
	}
	return peer_skip(p, n - seen) && expect(c, p, "") && expect(c, p, "+DONE");
}

static bool update_keys(struct client *c, struct peer *p)
{
	for (int i = 0; p->ssl && i < 3; i++) {
		SSL_key_update(p->ssl, pick(c, 2));
		SSL_do_handshake(p->ssl);
	}
	peer_send(p, "PING\r\n");
	return expect(c, p, "+PONG");
}

/* One thing with one connection; false: it is over. */
static bool act(struct client *c, struct peer *p)
{
	static const char *const lines[][4] = {
		{"PING\r\n", "+PONG"},
		{"PARK\r\n", "+ANSWER"},
		{"SELF\r\n", "+ANSWER"},
		{"TWICE\r\n", "+ANSWER"},
		{"LATE\r\n", "-BUSY"},
		{"PING\r\nPARK\r\nSELF\r\n", "+PONG", "+ANSWER", "+ANSWER"},
		{"HOLD\r\nFREE\r\n", "+OK", "+OK"},
	};
	const unsigned what = pick(c, 14);

	if (what < 7) {
		peer_send(p, lines[what][0]);
		for (size_t i = 1; i < 4 && lines[what][i]; i++) {
			if (!expect(c, p, lines[what][i]))
				return false;
		}
		return true;
	}
	switch (what) {
	case 7:
		return byte_by_byte(c, p);
	case 8:
		return big(c, p);
	case 9:
		return update_keys(c, p);
	case 10:
		peer_send(p, "QUIT\r\n");
		return expect(c, p, "+BYE") && false;
	case 11: /* gone in the middle of a reply */
		peer_send(p, "BIG 3000000\r\nPARK\r\n");
		return false;
	case 12:
		peer_send(p, "PARK\r\nPARK\r\n");
		return false;
	default:
		peer_send(p, "PIN");
		peer_send(p, "G\r\n");
		shutdown(p->fd, SHUT_WR);
		return expect(c, p, "+PONG") && false;
	}
}

static void *client_main(void *arg)
{
	struct client *c = arg;

	for (size_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < EACH; i++) {
			struct peer *p = &c->peers[i];

			c->is_open[i] = c->is_open[i] ? act(c, p) : open_one(c, p);
			if (!c->is_open[i])
				peer_close(p);
		}
	}
	for (size_t i = 0; i < EACH; i++) {
		if (c->is_open[i])
			peer_close(&c->peers[i]);
	}
	return NULL;
}

static void *waker_main(void *arg)
{
	struct client *c = arg;
	struct stress *s = c->stress;

	while (!atomic_load(&s->is_over)) {
		struct conn_ref refs[40];

		for (size_t i = 0; i < 40; i++)
			refs[i] = (struct conn_ref){pick(c, SLOTS), pick(c, GENERATIONS)};
		pool_wake_many(s->kit.pool, refs, 40);
		for (size_t i = 0; i < 40; i++)
			pool_wake(s->kit.pool, refs[i]);
		pool_wake(s->kit.pool, kit_last_ref(&s->kit));
		if (pick(c, 8) == 0)
			pool_revoke(s->kit.pool, kit_last_ref(&s->kit));
		usleep(500);
	}
	return NULL;
}

static void reload(struct stress *s, unsigned char salt)
{
	unsigned char keys[2][48] = {{salt}, {(unsigned char)(salt - 1)}};

	tls_set_ticket_keys(s->tls, (const unsigned char(*)[48])keys, 2);
	kit_use(s->tls, &s->ring.keys[0], "ec");
}

static void *reloader_main(void *arg)
{
	struct stress *s = arg;

	for (unsigned char salt = 1; !atomic_load(&s->is_over); salt++) {
		struct pool_stats stats;

		reload(s, salt);
		pool_stats(s->kit.pool, &stats);
		usleep(5000);
	}
	return NULL;
}

static void setup(struct stress *s)
{
	struct err err;

	s->ring.keys[0] = kit_key_ec("P-256", "mail.example", 3600);
	s->ring.names[0] = "ec";
	assert_int_equal(tls_new(kit_sign, &s->ring, &s->tls, &err), 0);
	assert_int_equal(pool_new(&(struct pool_config){.threads = 8, .connections_max = 1000},
				 &s->kit.pool, &err),
		0);
	reload(s, 0);
	s->clear = kit_listen(&s->kit, NULL, false, POOL_INTERACTIVE, 0);
	s->implicit = kit_listen(&s->kit, s->tls, true, POOL_INTERACTIVE, 0);
	s->mx = kit_listen(&s->kit, s->tls, false, POOL_MX, 0);
	s->client = SSL_CTX_new(TLS_client_method());
	assert_int_equal(pool_start(s->kit.pool, &err), 0);
}

static void test_everything_at_once(void **state)
{
	struct stress *s = calloc(1, sizeof(*s));
	struct client *clients = calloc(CLIENTS + 2, sizeof(*clients));
	pthread_t reloader;

	(void)state;
	setup(s);
	for (size_t i = 0; i < CLIENTS + 2; i++) {
		clients[i].stress = s;
		clients[i].seed = (unsigned)i + 1;
		pthread_create(&clients[i].thread, NULL, i < CLIENTS ? client_main : waker_main,
			&clients[i]);
	}
	pthread_create(&reloader, NULL, reloader_main, s);
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
	atomic_store(&s->is_over, true);
	pthread_join(clients[CLIENTS].thread, NULL);
	pthread_join(clients[CLIENTS + 1].thread, NULL);
	pthread_join(reloader, NULL);
	pool_wait(s->kit.pool, 120000);
	assert_int_equal(s->wrong, 0);
	assert_true(s->replies > CLIENTS * EACH);
	pool_stop(&s->kit.pool);
	assert_true(s->kit.done >= s->kit.opened);
	tls_free(&s->tls);
	SSL_CTX_free(s->client);
	kit_key_done(&s->ring.keys[0]);
	free(clients);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_at_once)};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
