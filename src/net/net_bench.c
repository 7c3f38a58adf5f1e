/*
 * net_bench.c - what the pool costs: net_bench idle|echo|bulk|login|mixed [clear].
 *
 * The server is a process of its own, so that its CPU and memory are told apart from the clients'.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/net_kit.h"

enum {
	IDLE_COUNT = 2000,
	ECHO_CLIENTS = 16,
	ECHO_EACH = 20000,
	BULK_BYTES = 1 << 30,
	LOGIN_COUNT = 3000,
	MIXED_BULK = 8,
	MIXED_COUNT = 2000,
};

struct bench {
	pid_t server;
	uint16_t port;
	bool is_tls;
	SSL_CTX *ctx;
};

/* The server: tells its port, runs until its input ends. */
static void serve(bool is_tls, int port_fd, int end_fd)
{
	static struct kit kit;
	static struct kit_ring ring;
	struct tls *tls = NULL;
	struct err err;
	uint16_t port;
	char end;

	ring.keys[0] = kit_key_ec("P-256", "mail.example", 3600);
	ring.names[0] = "ec";
	if (tls_new(kit_sign, &ring, &tls, &err) < 0 ||
		pool_new(&(struct pool_config){.connections_max = 5000}, &kit.pool, &err) < 0)
		abort();
	kit_use(tls, &ring.keys[0], "ec");
	tls_set_ticket_keys(tls, &(const unsigned char[48]){"key"}, 1);
	port = kit_listen(&kit, tls, is_tls, POOL_INTERACTIVE, 0);
	if (pool_start(kit.pool, &err) < 0 || write(port_fd, &port, sizeof(port)) < 0)
		abort();
	while (read(end_fd, &end, 1) > 0) {
		malloc_trim(0);
		if (write(port_fd, &end, 1) < 0)
			abort();
	}
	_exit(0);
}

static int to_server, from_server;

static void start(struct bench *b)
{
	int up[2], down[2];

	if (pipe(up) < 0 || pipe(down) < 0)
		abort();
	b->server = fork();
	if (b->server == 0) {
		close(down[1]);
		serve(b->is_tls, up[1], down[0]);
	}
	close(down[0]);
	to_server = down[1];
	from_server = up[0];
	if (read(from_server, &b->port, sizeof(b->port)) < 0)
		abort();
	b->ctx = SSL_CTX_new(TLS_client_method());
}

static double server_cpu_s(const struct bench *b)
{
	char path[64], text[1024] = "";
	unsigned long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)b->server);
	f = fopen(path, "r");
	if (f && fgets(text, sizeof(text), f))
		sscanf(strrchr(text, ')') + 1,
			" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys);
	if (f)
		fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static long server_pss_kib(const struct bench *b)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)b->server);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib;
}

static void connect_one(struct bench *b, struct peer *p)
{
	peer_connect(p, b->port);
	if (b->is_tls && !peer_tls(p, b->ctx, NULL))
		abort();
	peer_expect(p, "+HELLO");
}

static void bench_idle(struct bench *b)
{
	static struct peer peers[IDLE_COUNT];
	const long before = server_pss_kib(b);
	char ok = 1;

	for (size_t i = 0; i < IDLE_COUNT; i++) {
		connect_one(b, &peers[i]);
		peer_send(&peers[i], "PING\r\n");
		peer_expect(&peers[i], "+PONG");
	}
	printf("idle: %.2f KiB each\n", (double)(server_pss_kib(b) - before) / IDLE_COUNT);
	if (write(to_server, &ok, 1) < 0 || read(from_server, &ok, 1) < 0)
		abort();
	printf("idle: %.2f KiB each after a trim\n",
		(double)(server_pss_kib(b) - before) / IDLE_COUNT);
}

static void *echo_main(void *arg)
{
	struct peer p;

	connect_one(arg, &p);
	for (int i = 0; i < ECHO_EACH; i++) {
		peer_send(&p, "PING\r\n");
		peer_expect(&p, "+PONG");
	}
	peer_close(&p);
	return NULL;
}

static void bench_echo(struct bench *b)
{
	pthread_t threads[ECHO_CLIENTS];
	const int64_t start_us = clock_mono_us();
	const double cpu = server_cpu_s(b);
	const double n = (double)ECHO_CLIENTS * ECHO_EACH;

	for (size_t i = 0; i < ECHO_CLIENTS; i++)
		pthread_create(&threads[i], NULL, echo_main, b);
	for (size_t i = 0; i < ECHO_CLIENTS; i++)
		pthread_join(threads[i], NULL);
	printf("echo: %.0f/s, %.2f us of server CPU each\n",
		n * 1e6 / (double)(clock_mono_us() - start_us), (server_cpu_s(b) - cpu) * 1e6 / n);
}

static void bench_bulk(struct bench *b)
{
	struct peer p;
	char line[32];
	double cpu, s;
	int64_t start_us;

	connect_one(b, &p);
	start_us = clock_mono_us();
	cpu = server_cpu_s(b);
	snprintf(line, sizeof(line), "BIG %d\r\n", BULK_BYTES);
	peer_send(&p, line);
	if (!peer_skip(&p, BULK_BYTES))
		abort();
	s = (double)(clock_mono_us() - start_us) / 1e6;
	printf("bulk: %.0f MB/s, %.2f s of server CPU per GB\n", BULK_BYTES / 1e6 / s,
		(server_cpu_s(b) - cpu) * 1e9 / BULK_BYTES);
	peer_close(&p);
}

static void *bulk_main(void *arg)
{
	struct peer p;

	connect_one(arg, &p);
	peer_send(&p, "BIG 4000000000\r\n");
	peer_skip(&p, 4000000000);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* How long a command takes while others fetch without end. */
static void bench_mixed(struct bench *b)
{
	static int64_t us[MIXED_COUNT];
	pthread_t threads[MIXED_BULK];
	struct peer p;

	for (size_t i = 0; i < MIXED_BULK; i++)
		pthread_create(&threads[i], NULL, bulk_main, b);
	connect_one(b, &p);
	for (size_t i = 0; i < MIXED_COUNT; i++) {
		const int64_t start_us = clock_mono_us();

		peer_send(&p, "PING\r\n");
		peer_expect(&p, "+PONG");
		us[i] = clock_mono_us() - start_us;
		usleep(500);
	}
	qsort(us, MIXED_COUNT, sizeof(us[0]), by_size);
	printf("mixed: p50 %lld us, p99 %lld us\n", (long long)us[MIXED_COUNT / 2],
		(long long)us[MIXED_COUNT * 99 / 100]);
}

static void bench_login(struct bench *b)
{
	const int64_t start_us = clock_mono_us();
	const double cpu = server_cpu_s(b);

	for (int i = 0; i < LOGIN_COUNT; i++) {
		struct peer p;

		connect_one(b, &p);
		peer_send(&p, "QUIT\r\n");
		peer_expect(&p, "+BYE");
		peer_close(&p);
	}
	printf("login: %.0f/s, %.0f us of server CPU each\n",
		LOGIN_COUNT * 1e6 / (double)(clock_mono_us() - start_us),
		(server_cpu_s(b) - cpu) * 1e6 / LOGIN_COUNT);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct bench *b);
	} kinds[] = {{"idle", bench_idle}, {"echo", bench_echo}, {"bulk", bench_bulk},
		{"login", bench_login}, {"mixed", bench_mixed}};
	struct bench b = {.is_tls = argc < 3 || strcmp(argv[2], "clear") != 0};

	setrlimit(RLIMIT_NOFILE, &(struct rlimit){8192, 8192});
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (argc > 1 && strcmp(argv[1], kinds[i].name) == 0) {
			start(&b);
			kinds[i].run(&b);
			kill(b.server, SIGKILL);
			waitpid(b.server, NULL, 0);
			return 0;
		}
	}
	fprintf(stderr, "usage: net_bench idle|echo|bulk|login|mixed [clear]\n");
	return 2;
}
