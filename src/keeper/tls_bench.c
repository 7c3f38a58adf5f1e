/*
 * tls_bench.c - what it costs that the key is in another process: tls_bench [HANDSHAKES].
 *
 * The same server, connections, OpenSSL and kind of key (P-256) twice: once the signature is asked
 * from a keeper, once it is made where it is needed. CPU of the server and of the keeper is
 * counted, the client's is not. Both take turns, so that what else the machine does meets both.
 * Prints one JSON object; efficiency is the CPU of a handshake with the key in the process through
 * that of one with the key in the keeper.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/client.h"
#include "keeper/fixture.h"
#include "net/net_kit.h"

enum { ROUNDS = 10, HANDSHAKES = 4000, PEM_MAX = 1 << 16 };

struct side {
	const char *chain; /* PEM; its key is the keeper's. NULL: the key is in the process */
	pid_t pid;
	uint16_t port;
	double cpu_s;
};

static struct tls *open_tls(const struct side *side)
{
	static struct kit_ring ring;
	struct tls_use use = {.is_default = true};
	struct keeper *keeper = NULL;
	struct tls *tls = NULL;
	struct err err;

	if (!side->chain) {
		ring.keys[0] = kit_key_ec("P-256", "localhost", 3600);
		ring.names[0] = "ec";
		assert_int_equal(tls_new(kit_sign, &ring, &tls, &err), 0);
		kit_use(tls, &ring.keys[0], "ec");
		return tls;
	}
	assert_int_equal(keeper_new(FIXTURE_SERVER, &keeper, &err), 0);
	assert_int_equal(tls_new(keeper_sign, keeper, &tls, &err), 0);
	assert_int_equal(
		tls_chain_read(tls, slice_str(side->chain), (struct slice){0}, &use.chain, &err),
		0);
	tls_use(tls, &use, 1);
	return tls;
}

static _Noreturn void serve(const struct side *side, int port_fd)
{
	static struct kit kit;
	const struct pool_config config = {.connections_max = 100};
	struct tls *tls = open_tls(side);
	struct err err;
	uint16_t port;

	assert_int_equal(pool_new(&config, &kit.pool, &err), 0);
	port = kit_listen(&kit, tls, true, POOL_INTERACTIVE, 0);
	assert_int_equal(pool_start(kit.pool, &err), 0);
	assert_int_equal(write(port_fd, &port, sizeof(port)), sizeof(port));
	for (;;)
		pause();
}

static void start(struct side *side)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	side->pid = fork();
	if (side->pid == 0)
		serve(side, ends[1]);
	assert_int_equal(read(ends[0], &side->port, sizeof(side->port)), sizeof(side->port));
	close(ends[0]);
	close(ends[1]);
}

static void shake(struct side *side, const struct fixture *keeper, SSL_CTX *ctx, int n)
{
	const double before = fixture_cpu_s(side->pid) + fixture_cpu_s(keeper->pid);

	for (int i = 0; i < n; i++) {
		struct peer p;

		peer_connect(&p, side->port);
		assert_true(peer_tls(&p, ctx, NULL));
		peer_expect(&p, "+HELLO");
		peer_send(&p, "QUIT\r\n");
		peer_expect(&p, "+BYE");
		peer_close(&p);
	}
	side->cpu_s += fixture_cpu_s(side->pid) + fixture_cpu_s(keeper->pid) - before;
}

/* The chain of a key that the keeper has made. */
static void make_chain(struct buf *pem)
{
	const struct slice host = slice_lit("localhost");
	const struct keeper_certificate wish = {
		.name = slice_lit("main"), .names = &host, .n = 1, .days = 9};
	struct err err;

	assert_int_equal(keeper_certificate_make(FIXTURE_CLI, &wish, pem, &err), 0);
	buf_byte(pem, '\0');
}

int main(int argc, char **argv)
{
	static struct fixture keeper;
	const struct keeper_config config = {
		.argon2_memory_kib = 19456, .argon2_passes = 2, .owner_uid = 12345};
	const int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : HANDSHAKES;
	struct buf pem AUTO(buf_done);
	struct side sides[2] = {{0}};
	SSL_CTX *ctx;

	buf_init(&pem, PEM_MAX);
	fixture_start(&keeper, &config);
	make_chain(&pem);
	sides[1].chain = pem.ptr;
	for (size_t i = 0; i < 2; i++)
		start(&sides[i]);
	ctx = SSL_CTX_new(TLS_client_method());
	for (size_t i = 0; i < 2 * ROUNDS; i++)
		shake(&sides[i % 2], &keeper, ctx, count / ROUNDS);
	printf("{\"in_process_cpu_us_each\": %.1f, \"keeper_cpu_us_each\": %.1f,"
	       " \"efficiency\": %.3f}\n",
		sides[0].cpu_s * 1e6 / count, sides[1].cpu_s * 1e6 / count,
		sides[0].cpu_s / sides[1].cpu_s);
	SSL_CTX_free(ctx);
	for (size_t i = 0; i < 2; i++) {
		kill(sides[i].pid, SIGKILL);
		waitpid(sides[i].pid, NULL, 0);
	}
	fixture_done(&keeper);
	return 0;
}
