/*
 * keeper_bench.c - what the keeper costs: logins with the cache warm and cold, by an app password,
 * a look at a web session, and signatures while a storm of logins keeps argon2id busy.
 *
 * Asked as a server asks, over its socket, with the costs that an instance has.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "keeper/frame.h"
#include "keeper/kit.h"

enum { ROUNDS = 20000, COLD_ROUNDS = 30, SIGNATURES = 3000, STORM_EVERY_US = 2000 };

#define HOME "192.0.2.1"
#define PASSWORD "three blind snails 77"

static int64_t times[ROUNDS];

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, size_t n, double cpu_s)
{
	qsort(times, n, sizeof(times[0]), compare);
	printf("%-28s %6zu times  p50 %8.1f us  p99 %8.1f us  keeper's CPU %8.1f us\n", what, n,
		(double)times[n / 2], (double)times[n * 99 / 100], cpu_s * 1e6 / (double)n);
}

static void measure_logins(struct kit *kit, const char *what, const char *secret, size_t n)
{
	const double cpu = fixture_cpu_s(kit->fixture.pid);

	for (size_t i = 0; i < n; i++) {
		const int64_t begin = clock_mono_us();

		assert_int_equal(kit_enter(kit, 5, secret, SCOPE_IMAP, HOME, NULL), 0);
		times[i] = clock_mono_us() - begin;
	}
	report(what, n, fixture_cpu_s(kit->fixture.pid) - cpu);
}

static void measure_checks(struct kit *kit, const char *cookie)
{
	const double cpu = fixture_cpu_s(kit->fixture.pid);

	for (size_t i = 0; i < ROUNDS; i++) {
		const int64_t begin = clock_mono_us();

		assert_int_equal(kit_check(kit, cookie, NULL), 0);
		times[i] = clock_mono_us() - begin;
	}
	report("web session", ROUNDS, fixture_cpu_s(kit->fixture.pid) - cpu);
}

static struct {
	atomic_bool is_over;
	size_t sent;
} storm;

/* Logins of strangers from everywhere, more than can be hashed; answers are thrown away. */
static void *blow(void *context)
{
	const int fd = fixture_open();
	char answers[4096], peer[32];
	struct err err;

	(void)context;
	while (!atomic_load(&storm.is_over)) {
		struct buf frame AUTO(buf_done);
		const unsigned n = (unsigned)storm.sent++;

		buf_init(&frame, FRAME_SERVER_MAX);
		snprintf(peer, sizeof(peer), "10.%u.%u.1", n >> 8 & 0xff, n & 0xff);
		fixture_put_enter(&frame, n, 1000 + n, "wrong", peer);
		assert_int_equal(io_write_all(fd, buf_slice(&frame), &err), 0);
		while (recv(fd, answers, sizeof(answers), MSG_DONTWAIT) > 0)
			continue;
		usleep(STORM_EVERY_US);
	}
	close(fd);
	return NULL;
}

static void measure_signatures(struct kit *kit, const char *key, const char *what)
{
	const char digest[32] = "0123456789abcdef0123456789abcde";
	const double cpu = fixture_cpu_s(kit->fixture.pid);
	struct err err;

	for (size_t i = 0; i < SIGNATURES; i++) {
		struct buf out AUTO(buf_done);
		const int64_t begin = clock_mono_us();

		buf_init(&out, 1024);
		assert_int_equal(keeper_sign(kit->keeper, slice_str(key), TLS_ECDSA, TLS_SHA256,
					 (struct slice){digest, sizeof(digest)}, &out, &err),
			0);
		times[i] = clock_mono_us() - begin;
		usleep(1000);
	}
	report(what, SIGNATURES, fixture_cpu_s(kit->fixture.pid) - cpu);
}

static void measure_storm(struct kit *kit, const char *key)
{
	pthread_t thread;

	measure_signatures(kit, key, "signature");
	assert_int_equal(pthread_create(&thread, NULL, blow, NULL), 0);
	usleep(500000);
	measure_signatures(kit, key, "signature in a login storm");
	atomic_store(&storm.is_over, true);
	pthread_join(thread, NULL);
}

static void measure(unsigned cache_s)
{
	static struct kit kit;
	const struct keeper_config config = {.argon2_memory_kib = 19456,
		.argon2_passes = 2,
		.cache_s = cache_s,
		.owner_uid = 12345};
	char secret[KEEPER_SECRET_MAX], key[CHAIN_KEY_NAME_MAX];
	struct keeper_web web;

	kit_start(&kit, &config);
	fixture_set(5, PASSWORD, false);
	if (cache_s) {
		fixture_make_key("main", key);
		assert_int_equal(kit_sign_in(&kit, 5, PASSWORD, HOME, false, &web), 0);
		assert_int_equal(kit_app_add(&kit, web.cookie, SCOPE_IMAP, false, secret), 0);
		measure_logins(&kit, "login, cache warm", PASSWORD, ROUNDS);
		measure_logins(&kit, "login, app password", secret, ROUNDS);
		measure_checks(&kit, web.cookie);
		measure_storm(&kit, key);
	} else {
		measure_logins(&kit, "login, cache cold", PASSWORD, COLD_ROUNDS);
	}
	kit_done(&kit);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0); /* the keeper is a copy of us */
	measure(0);
	measure(600);
	return 0;
}
