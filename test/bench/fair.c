/*
 * fair.c - what one user notices of another account that is worked very hard; prints JSON.
 *
 *   fair --imaps PORT --lmtp PORT --user PATTERN --password P [--storing N] [--delivering N]
 *        [--seconds S]
 *
 * Users 0 and 1 exist; user 0's INBOX is filled before, by `load fill`. N connections loop STORE
 * 1:* on it while others deliver to it. Meanwhile user 1 says NOOP, FETCHes a message and is sent
 * one, in turns and with pauses of 5 ms; each is timed by itself. First the same with nobody else.
 *
 * Client and server share this machine's processors, which hundreds of clients elsewhere would not
 * do. "late" is how much longer than 5 ms a pause took: what user 1 waits for without any server.
 * To keep the two apart, start the server by `taskset -c 0` and this by `taskset -c 1`.
 */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "client.h"
#include "mail.h"

enum { THREADS_MAX = 256, SAMPLES_MAX = 1 << 16, MESSAGE_MAX = 2 << 20, PAUSE_US = 5000 };

static struct target target = {
	.host = "127.0.0.1", .user = "u%05d@bench.example", .password = "secret"};
static int storing = 128, delivering = 64;
static double seconds = 20;
static atomic_long stores, deliveries;

struct samples {
	double ms[SAMPLES_MAX];
	size_t n;
};

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_samples(const char *phase, const char *what, struct samples *s)
{
	qsort(s->ms, s->n, sizeof(s->ms[0]), by_size);
	printf(", \"%s_%s_p50_ms\": %.2f, \"%s_%s_p99_ms\": %.2f, \"%s_%s_max_ms\": %.2f", phase,
		what, s->ms[s->n / 2], phase, what, s->ms[s->n * 99 / 100], phase, what,
		s->ms[s->n - 1]);
}

static void add(struct samples *s, double since)
{
	if (s->n < SAMPLES_MAX)
		s->ms[s->n++] = (bench_now() - since) * 1000;
}

static void deliver(struct client *c, int to, uint64_t seed, struct buf *message)
{
	mail_make(message, seed, &mail_small);
	client_deliver(c, &target, &to, 1, buf_slice(message));
}

_Noreturn static void *store_thread(void *arg)
{
	struct client c;

	client_login(&c, &target, 0);
	client_command(&c, "SELECT INBOX");
	for (long n = (long)arg;; n++) {
		client_drain(&c, "STORE 1:* %cFLAGS.SILENT (\\Flagged)", n % 2 ? '+' : '-');
		atomic_fetch_add(&stores, 1);
	}
}

_Noreturn static void *deliver_thread(void *arg)
{
	struct buf message;
	struct client c;

	buf_init(&message, MESSAGE_MAX);
	client_lmtp(&c, &target);
	for (uint64_t n = (uint64_t)(long)arg;; n += 1000) {
		deliver(&c, 0, n, &message);
		atomic_fetch_add(&deliveries, 1);
	}
}

static void rest(struct samples *late)
{
	const double t0 = bench_now();

	usleep(PAUSE_US);
	add(late, t0 + PAUSE_US / 1e6);
}

/* What user 1 does for a while. */
static void measure(const char *phase)
{
	struct samples *s = mem_zalloc_array(4, sizeof(*s));
	const double until = bench_now() + seconds;
	struct buf message AUTO(buf_done);
	struct client imap, lmtp;

	buf_init(&message, MESSAGE_MAX);
	client_lmtp(&lmtp, &target);
	deliver(&lmtp, 1, 1, &message);
	client_login(&imap, &target, 1);
	client_command(&imap, "SELECT INBOX");
	for (uint64_t n = 2; bench_now() < until; n++) {
		double t0 = bench_now();

		client_command(&imap, "NOOP");
		add(&s[0], t0);
		rest(&s[3]);
		t0 = bench_now();
		client_command(&imap, "FETCH 1 (FLAGS BODY.PEEK[])");
		add(&s[1], t0);
		rest(&s[3]);
		t0 = bench_now();
		deliver(&lmtp, 1, n, &message);
		add(&s[2], t0);
		rest(&s[3]);
	}
	print_samples(phase, "noop", &s[0]);
	print_samples(phase, "fetch", &s[1]);
	print_samples(phase, "delivery", &s[2]);
	print_samples(phase, "late", &s[3]);
	client_close(&imap);
	client_close(&lmtp);
	free(s);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {{"imaps", 1, 0, 'i'}, {"lmtp", 1, 0, 'l'},
		{"user", 1, 0, 'u'}, {"password", 1, 0, 'p'}, {"storing", 1, 0, 'S'},
		{"delivering", 1, 0, 'D'}, {"seconds", 1, 0, 's'}, {0}};

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'i':
			target.imaps = atoi(optarg);
			break;
		case 'l':
			target.lmtp = atoi(optarg);
			break;
		case 'u':
			target.user = optarg;
			break;
		case 'p':
			target.password = optarg;
			break;
		case 'S':
			storing = atoi(optarg);
			break;
		case 'D':
			delivering = atoi(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		default:
			bench_die("see the head of fair.c for the arguments");
		}
	}
	if (storing < 0 || delivering < 0 || storing + delivering > THREADS_MAX)
		bench_die("--storing and --delivering: %d together at most", THREADS_MAX);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	int n = 0;

	parse(argc, argv);
	target.tls = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(target.tls, SSL_SESS_CACHE_OFF);
	printf("{\"storing\": %d, \"delivering\": %d", storing, delivering);
	measure("alone");
	for (; n < storing + delivering; n++) {
		if (pthread_create(&threads[n], NULL, n < storing ? store_thread : deliver_thread,
			    (void *)(long)n))
			bench_die("cannot start thread %d", n);
	}
	sleep(3);
	measure("beside");
	printf(", \"stores\": %ld, \"deliveries\": %ld}\n", stores, deliveries);
	fflush(stdout);
	/* A STORE of them may take minutes to come to its turn. */
	_exit(0);
}
