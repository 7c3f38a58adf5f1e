/* client_test.c - the keeper's client on a real pool, asking a real keeper that comes and goes. */
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
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/credentials.h"
#include "keeper/fixture.h"
#include "net/pool.h"

/*
 * A service as IMAP would be one: "V account password milliseconds" parks so long at most, and
 * answers "OK account" or "NO code"; "P" answers "PONG".
 */
struct service {
	struct fixture fixture;
	struct keeper *keeper;
	struct pool *pool;
};

static void on_greet(struct conn *c)
{
	conn_set_timeout(c, 60000);
}

static size_t on_frame(struct conn *c, struct slice in, bool is_full)
{
	const size_t at = slice_chr(in, '\n');

	(void)c;
	(void)is_full;
	return at == SIZE_MAX ? 0 : at + 1;
}

static void on_answer(struct conn *c, struct answer *answer)
{
	struct keeper_entry *entry = answer->data;

	if (answer->rc < 0)
		buf_printf(conn_out(c), "NO %d\n", -answer->rc);
	else
		buf_printf(conn_out(c), "OK %llu\n", (unsigned long long)entry->account);
	free(entry);
}

static void on_execute(struct conn *c, struct slice unit)
{
	struct service *service = conn_context(c);
	struct slice rest, word = slice_cut(slice_trim(unit), ' ', &rest);
	struct keeper_attempt attempt = {.scope = SCOPE_IMAP, .peer = slice_lit("192.0.2.1")};
	struct keeper_call call = {.keeper = service->keeper, .who = conn_ref(c)};
	uint64_t ms = 0;

	if (slice_eq(word, slice_lit("P"))) {
		buf_lit(conn_out(c), "PONG\n");
		return;
	}
	assert_true(slice_to_u64(slice_cut(rest, ' ', &rest), UINT64_MAX, &attempt.account));
	attempt.secret = slice_cut(rest, ' ', &rest);
	assert_true(slice_to_u64(rest, UINT32_MAX, &ms));
	call.ticket = conn_park(c, (int64_t)ms, on_answer);
	keeper_enter(&call, &attempt);
}

static void on_goodbye(struct conn *c, enum conn_goodbye why)
{
	(void)c;
	(void)why;
}

static void on_done(struct conn *c)
{
	(void)c;
}

static const struct protocol test_protocol = {.name = "test",
	.unit_max = 4096,
	.greet = on_greet,
	.frame = on_frame,
	.execute = on_execute,
	.goodbye = on_goodbye,
	.done = on_done};

static void address_of(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, path, strlen(path));
}

static void start(struct service *s, unsigned memory_kib, unsigned passes)
{
	const struct keeper_config config = {.argon2_memory_kib = memory_kib,
		.argon2_passes = passes,
		.cache_s = 60,
		.owner_uid = 12345};
	struct pool_listener listener = {.protocol = &test_protocol,
		.context = s,
		.class = POOL_INTERACTIVE,
		.is_trusted = true};
	struct sockaddr_un at;
	struct err err;

	*s = (struct service){0};
	fixture_start(&s->fixture, &config);
	fixture_spare(&s->fixture);
	fixture_set(5, "right", false);
	assert_int_equal(pool_new(&(struct pool_config){.threads = 4, .connections_max = 2000},
				 &s->pool, &err),
		0);
	assert_int_equal(keeper_new(FIXTURE_SERVER, &s->keeper, &err), 0);
	assert_int_equal(keeper_start(s->keeper, s->pool, &err), 0);
	assert_int_equal(keeper_start(s->keeper, s->pool, &err), -ERR_EXISTS);
	address_of("service.sock", &at);
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener.fd, 2000), 0);
	assert_int_equal(pool_listen(s->pool, &listener, &err), 0);
	assert_int_equal(pool_start(s->pool, &err), 0);
}

static void finish(struct service *s)
{
	pool_stop(&s->pool);
	keeper_free(&s->keeper);
	fixture_done(&s->fixture);
}

static int client(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to;

	address_of("service.sock", &to);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	struct err err;

	assert_int_equal(io_write_all(fd, slice_str(text), &err), 0);
}

static const char *line(int fd, char out[64])
{
	size_t n = 0;

	while (n < 63 && read(fd, out + n, 1) == 1 && out[n] != '\n')
		n++;
	out[n] = '\0';
	return out;
}

static void expect(int fd, const char *text, const char *want)
{
	char got[64];

	say(fd, text);
	line(fd, got);
	if (strcmp(got, want) != 0)
		fail_msg("%s: got <%s>, want <%s>", text, got, want);
}

static void test_verify(void **state)
{
	struct service s;
	char huge[1200];
	int fd;

	(void)state;
	start(&s, 8, 1);
	fd = client();
	expect(fd, "V 5 right 20000\n", "OK 5");
	expect(fd, "V 5 wrong 20000\n", "NO 5"); /* ERR_DENIED */
	expect(fd, "V 6 right 20000\n", "NO 5");
	expect(fd, "V 0 right 20000\n", "NO 5");
	expect(fd, "V 5  20000\n", "NO 5");
	snprintf(huge, sizeof(huge), "V 5 %01001d 20000\n", 0);
	expect(fd, huge, "NO 5");
	expect(fd, "V 5 right 20000\n", "OK 5");
	expect(fd, "P\n", "PONG");
	close(fd);
	finish(&s);
}

/* All at once over the keeper's one connection, each answered with its own. */
static void test_many(void **state)
{
	enum { COUNT = 1000 };
	struct service s;
	int *fds = mem_zalloc_array(COUNT, sizeof(*fds));
	char text[64], got[64], want[64];

	(void)state;
	start(&s, 8, 1);
	for (int i = 1; i <= 50; i++) {
		snprintf(text, sizeof(text), "password-%d", i);
		fixture_set((uint64_t)i, text, false);
	}
	for (int i = 0; i < COUNT; i++)
		fds[i] = client();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++) {
			snprintf(text, sizeof(text), "V %d password-%d 30000\n", i % 50 + 1,
				i % 50 + 1);
			say(fds[i], text);
		}
		for (int i = 0; i < COUNT; i++) {
			snprintf(want, sizeof(want), "OK %d", i % 50 + 1);
			assert_string_equal(line(fds[i], got), want);
		}
	}
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	free(fds);
	finish(&s);
}

/* The keeper dies with questions open: these are "busy" at once; later ones find the next one. */
static void test_keeper_killed(void **state)
{
	enum { COUNT = 20 };
	struct service s;
	char text[64], got[64];
	int fds[COUNT];
	int64_t begin;

	(void)state;
	start(&s, 262144, 4);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = client();
		snprintf(text, sizeof(text), "V 5 wrong-%d 30000\n", i);
		say(fds[i], text);
	}
	usleep(100000); /* they are with the keeper, or on the way to the next one */
	begin = clock_mono_ms();
	fixture_kill(&s.fixture);
	fixture_run(&s.fixture);
	for (int i = 0; i < COUNT; i++) {
		line(fds[i], got);
		assert_int_equal(strncmp(got, "NO ", 3), 0);
	}
	assert_true(clock_mono_ms() - begin < 25000);
	expect(fds[0], "V 5 right 30000\n", "OK 5");
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	finish(&s);
}

/* No keeper at all for a while: whoever waits is answered by the one that comes. */
static void test_keeper_away(void **state)
{
	struct service s;
	char got[64];
	int fd, other;

	(void)state;
	start(&s, 8, 1);
	fd = client();
	other = client();
	expect(fd, "V 5 right 20000\n", "OK 5");
	fixture_kill(&s.fixture);
	expect(fd, "V 5 right 300\n", "NO 8"); /* ERR_BUSY, at its own deadline */
	say(fd, "V 5 right 30000\n");
	expect(other, "P\n", "PONG");
	fixture_run(&s.fixture);
	assert_string_equal(line(fd, got), "OK 5");
	close(fd);
	close(other);
	finish(&s);
}

static char sign_key[CHAIN_KEY_NAME_MAX] = "tls-00000000000000000000000000000000";

static int sign_once(struct keeper *keeper)
{
	struct buf out AUTO(buf_done);
	char digest[32] = "0123456789abcdef0123456789abcde";
	struct err err;
	int rc;

	buf_init(&out, 1024);
	rc = keeper_sign(keeper, slice_str(sign_key), TLS_ECDSA, TLS_SHA256,
		(struct slice){digest, sizeof(digest)}, &out, &err);
	assert_true(rc < 0 ? out.len == 0 : out.len > 60);
	return rc;
}

/* A keeper that is there but does nothing holds nobody longer than his own deadline. */
static void test_keeper_stopped(void **state)
{
	enum { COUNT = 300 };
	struct service s;
	char text[64], got[64];
	int fds[COUNT], other;
	int64_t begin;

	(void)state;
	start(&s, 8, 1);
	other = client();
	expect(other, "V 5 right 20000\n", "OK 5");
	kill(s.fixture.pid, SIGSTOP);
	begin = clock_mono_ms();
	for (int i = 0; i < COUNT; i++) {
		fds[i] = client();
		snprintf(text, sizeof(text), "V 5 wrong-%d 1000\n", i);
		say(fds[i], text);
		if (i % 30 == 0)
			expect(other, "P\n", "PONG");
	}
	for (int i = 0; i < COUNT; i++)
		assert_string_equal(line(fds[i], got), "NO 8");
	assert_true(clock_mono_ms() - begin < 20000);
	begin = clock_mono_ms();
	assert_int_equal(sign_once(s.keeper), -ERR_BUSY);
	assert_true(clock_mono_ms() - begin >= KEEPER_SIGN_TIMEOUT_MS - 100);
	assert_true(clock_mono_ms() - begin < KEEPER_SIGN_TIMEOUT_MS + 5000);
	kill(s.fixture.pid, SIGCONT);
	expect(other, "V 5 right 20000\n", "OK 5");
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	close(other);
	finish(&s);
}

/* ---- the blocking calls ---- */

static void *sign_many(void *keeper)
{
	size_t good = 0;

	for (int i = 0; i < 100; i++)
		good += sign_once(keeper) == 0;
	return (void *)good;
}

static void test_sign(void **state)
{
	pthread_t threads[8];
	unsigned char keys[4][48], again[4][48];
	size_t n, m;
	struct service s;
	struct err err;
	void *good;

	(void)state;
	start(&s, 8, 1);
	assert_int_equal(sign_once(s.keeper), -ERR_NOTFOUND);
	fixture_make_key("main", sign_key);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, s.keeper), 0);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(threads[i], &good);
		assert_int_equal((size_t)good, 100);
	}
	assert_int_equal(keeper_ticket_keys(s.keeper, keys, 4, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(keeper_ticket_keys(s.keeper, again, 4, &m, &err), 0);
	assert_memory_equal(keys[0], again[0], 48);

	/* Killed and started again: a caller notices nothing but the time it takes. */
	fixture_kill(&s.fixture);
	fixture_run(&s.fixture);
	assert_int_equal(sign_once(s.keeper), 0);
	assert_int_equal(keeper_ticket_keys(s.keeper, again, 4, &m, &err), 0);
	assert_memory_not_equal(keys[0], again[0], 48);
	finish(&s);
}

static void test_nobody_listens(void **state)
{
	struct keeper *keeper;
	struct err err;

	(void)state;
	assert_int_equal(keeper_new("", &keeper, &err), -ERR_SYNTAX);
	assert_int_equal(keeper_new("/nowhere/keeper.sock", &keeper, &err), 0);
	assert_int_equal(sign_once(keeper), -ERR_BUSY);
	keeper_free(&keeper);
	assert_null(keeper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_keeper_killed),
		cmocka_unit_test(test_keeper_away),
		cmocka_unit_test(test_keeper_stopped),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
