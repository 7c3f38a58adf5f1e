/* keeper_test.c - the keeper as a process of its own: logins, and who may ask what. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/channel.h"
#include "keeper/fixture.h"
#include "keeper/guesses.h"
#include "keeper/secrets.h"
#include "keeper/verbs.h"

enum { WAIT_MS = 20000 };

static const struct keeper_config cheap = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .cache_s = 60, .owner_uid = 12345};
static const struct keeper_config uncached = {
	.argon2_memory_kib = 8, .argon2_passes = 1, .owner_uid = 12345};
static const struct keeper_config slow = {
	.argon2_memory_kib = 65536, .argon2_passes = 3, .cache_s = 60, .owner_uid = 12345};

/* 0 and the epoch, or the keeper's code. */
static int verify(uint64_t account, const char *password, const char *peer, uint64_t *epoch_out)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	int fd AUTO(io_close) = fixture_open();
	struct frame f;
	struct err err;
	bool answered;
	int rc;

	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&reply, FRAME_SERVER_MAX);
	fixture_put_enter(&request, 7, account, password, peer);
	rc = channel_ask(
		fd, buf_slice(&request), clock_mono_ms() + WAIT_MS, &reply, &f, &answered, &err);
	if (!answered)
		fail_msg("%s", err.msg);
	if (rc < 0)
		return rc;
	assert_true(frame_u64(&f) == account);
	*epoch_out = frame_u64(&f);
	for (int i = 0; i < 5; i++)
		(void)frame_u64(&f);
	assert_true(frame_end(&f) && *epoch_out > 0);
	return 0;
}

static void assert_verify(uint64_t account, const char *password, int want)
{
	uint64_t epoch;
	const int got = verify(account, password, "192.0.2.1", &epoch);

	if (got != want)
		fail_msg("account %d, password %s: got %d, want %d", (int)account, password, got,
			want);
}

static void test_verify(void **state)
{
	struct fixture f;
	struct err err;
	uint64_t before, after;

	(void)state;
	fixture_start(&f, &cheap);
	fixture_set(5, "correct horse", false);
	for (int i = 0; i < 3; i++) { /* the first run hashes, the others find it cached */
		assert_verify(5, "correct horse", 0);
		assert_verify(5, "correct hors", -ERR_DENIED);
	}
	assert_verify(5, "", -ERR_DENIED);
	assert_verify(6, "correct horse", -ERR_DENIED);
	assert_verify(0, "correct horse", -ERR_DENIED);

	/* A change: the old one is refused although it was cached, and the epoch has risen. */
	assert_int_equal(verify(5, "correct horse", "192.0.2.1", &before), 0);
	fixture_set(5, "battery staple", false);
	assert_verify(5, "correct horse", -ERR_DENIED);
	assert_int_equal(verify(5, "battery staple", "192.0.2.1", &after), 0);
	assert_true(after > before);

	/* Another start: secrets are there, the cache is not. */
	fixture_stop(&f);
	fixture_run(&f);
	assert_verify(5, "battery staple", 0);
	assert_int_equal(keeper_delete_account(FIXTURE_CLI, 5, &err), 0);
	assert_verify(5, "battery staple", -ERR_DENIED);
	assert_int_equal(keeper_delete_account(FIXTURE_CLI, 5, &err), -ERR_NOTFOUND);
	fixture_done(&f);
}

static void test_imported_hashes(void **state)
{
	/* Of "password", each made by another program. */
	static const char *const hashes[] = {
		"$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc."
		"eoxqOmSuNp2xS0ktL3nh/",
		"$6$rounds=1000$saltsalt$Z/J9iYO1iE9xnr8JPQL57ZWsVRtVjrUv3CiWc/wKWseqXgSqn3HFYJ/"
		"Ng7YXa8XlLj.wpdAwHOJJzuGFqBBRa0",
		"$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.",
		"$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
		"$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu",
	};
	enum { COUNT = sizeof(hashes) / sizeof(hashes[0]) };
	struct secrets *secrets AUTO(secrets_close) = NULL;
	const struct hash_cost cost = {uncached.argon2_memory_kib, uncached.argon2_passes};
	struct secret secret;
	struct fixture f;
	struct err err;

	(void)state;
	fixture_start(&f, &uncached);
	for (size_t i = 0; i < COUNT; i++) {
		fixture_set(i + 1, hashes[i], true);
		assert_verify(i + 1, "Password", -ERR_DENIED);
		assert_verify(i + 1, "password", 0);
		assert_verify(i + 1, "password", 0);
		assert_verify(i + 1, "password ", -ERR_DENIED);
	}
	fixture_stop(&f);
	/* After a good login each is one of ours, and it is the same account still. */
	assert_int_equal(secrets_open("keeper/secrets.db", &secrets, &err), 0);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(secrets_get(secrets, i + 1, &secret, &err), 0);
		assert_false(hash_is_weaker(secret.hash, cost));
	}
	secrets_close(&secrets);
	fixture_run(&f);
	for (size_t i = 0; i < COUNT; i++) {
		assert_verify(i + 1, "password", 0);
		assert_verify(i + 1, "Password", -ERR_DENIED);
	}
	fixture_done(&f);
}

static void test_import(void **state)
{
	enum { COUNT = 2000 };
	struct keeper_secret *list = mem_zalloc_array(COUNT, sizeof(*list));
	char(*texts)[32] = mem_zalloc_array(COUNT, sizeof(*texts)), *huge = mem_zalloc(70000);
	struct fixture f;
	struct err err;

	(void)state;
	memset(huge, 'x', 69999);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof(texts[i]), "password %zu", i);
		list[i] = (struct keeper_secret){
			.account = i + 1, .password = slice_str(texts[i]), .rc = 99};
	}
	list[3].password = slice_lit("no hash at all");
	list[3].is_hash = true;
	list[4].password = slice_lit("$6$rounds=900000000$saltsalt$abc");
	list[4].is_hash = true;
	list[5].password = (struct slice){huge, 69999};
	list[6].password = (struct slice){huge, 1000};
	list[7].password = (struct slice){huge, 1001};
	list[8].account = 0;
	list[9].password = slice_lit("");
	fixture_start(&f, &slow);
	assert_int_equal(keeper_set_passwords(FIXTURE_CLI, list, COUNT, true, &err), 0);
	for (size_t i = 0; i < COUNT; i++) {
		static const int want[10] = {[3] = -ERR_SYNTAX,
			[4] = -ERR_TOOBIG,
			[5] = -ERR_TOOBIG,
			[7] = -ERR_TOOBIG,
			[8] = -ERR_SYNTAX,
			[9] = -ERR_SYNTAX};

		assert_int_equal(list[i].rc, i < 10 ? want[i] : 0);
	}
	assert_verify(1, "password 0", 0);
	assert_verify(COUNT, "password 1999", 0);
	assert_verify(4, "no hash at all", -ERR_DENIED);
	assert_verify(7, huge + 68999, 0);
	fixture_done(&f);
	free(list);
	free(texts);
	free(huge);
}

/* ---- guessing ---- */

static void test_guessing(void **state)
{
	struct fixture f;
	uint64_t epoch;

	(void)state;
	fixture_start(&f, &uncached);
	fixture_set(5, "right", false);
	fixture_set(6, "right", false);
	assert_int_equal(verify(6, "right", "192.0.2.99", &epoch), 0);
	for (int i = 0; i < GUESSES_PLACE_MAX; i++)
		assert_int_equal(verify(5, "wrong", "192.0.2.7", &epoch), -ERR_DENIED);
	/* Held up, even with the right one, and from the neighbours too; not from elsewhere. */
	assert_int_equal(verify(5, "wrong", "192.0.2.7", &epoch), -ERR_BUSY);
	assert_int_equal(verify(5, "right", "192.0.2.200", &epoch), -ERR_BUSY);
	assert_int_equal(verify(5, "right", "192.0.3.7", &epoch), 0);
	assert_int_equal(verify(5, "right", "2001:db8::1", &epoch), 0);

	/* Many accounts, one network: it is slowed down as a whole, but not who is known there. */
	for (uint64_t i = 0; i < GUESSES_NETWORK_MAX - GUESSES_PLACE_MAX; i++)
		assert_int_equal(verify(100 + i, "wrong", "192.0.2.8", &epoch), -ERR_DENIED);
	assert_int_equal(verify(999, "wrong", "192.0.2.8", &epoch), -ERR_BUSY);
	assert_int_equal(verify(6, "right", "192.0.2.1", &epoch), 0);
	assert_int_equal(verify(6, "wrong", "192.0.2.1", &epoch), -ERR_DENIED);
	assert_int_equal(verify(6, "right", "192.0.2.1", &epoch), 0);
	fixture_done(&f);
}

/* Where an account is known, an old password that is tried on and on does not shut out the right
 * one; but nobody there may ask the cache for ever. */
static void test_guessing_where_known(void **state)
{
	struct fixture f;
	uint64_t epoch;
	int i;

	(void)state;
	fixture_start(&f, &cheap);
	fixture_set(5, "right", false);
	assert_int_equal(verify(5, "right", "192.0.2.7", &epoch), 0);
	for (i = 0; i < GUESSES_KNOWN_MAX; i++)
		assert_int_equal(verify(5, "wrong", "192.0.2.7", &epoch), -ERR_DENIED);
	assert_int_equal(verify(5, "wrong", "192.0.2.7", &epoch), -ERR_BUSY);
	assert_int_equal(verify(5, "right", "192.0.2.7", &epoch), 0);
	/* Which begins the count anew. */
	for (i = 0; i < GUESSES_SHUT_MAX; i++)
		assert_int_equal(verify(5, "wrong", "192.0.2.7", &epoch),
			i < GUESSES_KNOWN_MAX ? -ERR_DENIED : -ERR_BUSY);
	assert_int_equal(verify(5, "right", "192.0.2.7", &epoch), -ERR_BUSY);
	assert_int_equal(verify(5, "right", "192.0.3.7", &epoch), 0);
	fixture_done(&f);
}

/* ---- many at once ---- */

/* Sends all, then reads an answer for each id; counts the codes. */
static void ask_many(int fd, const struct buf *requests, size_t n, size_t counts[ERR_CORRUPT + 1])
{
	struct buf in AUTO(buf_done);
	bool *seen = mem_zalloc_array(n, sizeof(*seen));
	size_t sent = 0, answers = 0;
	struct err err;

	buf_init(&in, 1 << 20);
	while (answers < n) {
		int64_t length;
		char *space;
		ssize_t got;

		if (sent < requests->len) {
			got = write(fd, requests->ptr + sent, requests->len - sent);
			sent += got > 0 ? (size_t)got : 0;
		}
		space = buf_reserve(&in, 4096);
		got = read(fd, space, 4096);
		if (got < 0) {
			usleep(1000);
			continue;
		}
		assert_true(got > 0);
		in.len += (size_t)got;
		while ((length = frame_length(buf_slice(&in), FRAME_SERVER_MAX, &err)) > 0) {
			struct frame f;

			frame_open(slice_head(buf_slice(&in), (size_t)length), &f);
			assert_true(f.id < n && !seen[f.id] && f.verb <= ERR_CORRUPT);
			seen[f.id] = true;
			counts[f.verb]++;
			answers++;
			buf_consume(&in, (size_t)length);
		}
		assert_true(length == 0);
	}
	free(seen);
}

/* A thousand of the same attempt share a run, which alone takes a good part of a second. */
static void test_identical(void **state)
{
	enum { COUNT = 1000 };
	struct buf requests AUTO(buf_done);
	size_t counts[ERR_CORRUPT + 1] = {0};
	struct fixture f;
	int64_t start;
	int fd;

	(void)state;
	buf_init(&requests, 1 << 20);
	fixture_start(&f, &slow);
	fixture_set(5, "right", false);
	for (uint32_t i = 0; i < COUNT; i++)
		fixture_put_enter(&requests, i, 5, "right", "192.0.2.1");
	fd = fixture_open();
	start = clock_mono_ms();
	ask_many(fd, &requests, COUNT, counts);
	assert_int_equal(counts[0], COUNT);
	assert_true(clock_mono_ms() - start < 30000);
	close(fd);
	fixture_done(&f);
}

/* More than the queue holds, all different: each is answered, none that is right as wrong. */
static void test_overload(void **state)
{
	enum { COUNT = 4000 };
	struct buf requests AUTO(buf_done);
	size_t counts[ERR_CORRUPT + 1] = {0};
	struct fixture f;
	int fd;

	(void)state;
	buf_init(&requests, 1 << 20);
	fixture_start(&f, &uncached);
	for (uint32_t i = 0; i < COUNT; i++) {
		char peer[32];

		snprintf(peer, sizeof(peer), "10.%u.%u.1", i >> 8, i & 0xff);
		fixture_put_enter(&requests, i, i + 1, "wrong", peer);
	}
	fd = fixture_open();
	ask_many(fd, &requests, COUNT, counts);
	assert_int_equal(counts[ERR_DENIED] + counts[ERR_BUSY], COUNT);
	assert_true(counts[ERR_DENIED] > 0);
	print_message("of %d, %zu were checked\n", COUNT, counts[ERR_DENIED]);
	close(fd);
	fixture_done(&f);
}

/* ---- who may ask what ---- */

/* The code of the answer to a frame on that socket; 0 for a good one, 1 if it was closed. */
static int code_of(const char *path, struct slice request)
{
	struct buf reply AUTO(buf_done);
	int fd AUTO(io_close) = -1;
	struct frame f;
	struct err err;
	bool answered;
	int rc;

	buf_init(&reply, FRAME_CLI_MAX);
	fd = channel_open(path, &err);
	assert_true(fd >= 0);
	rc = channel_ask(fd, request, clock_mono_ms() + WAIT_MS, &reply, &f, &answered, &err);
	return answered ? rc : 1;
}

/* What a frame without fields gets. */
static int want_code(const struct verb *verb, unsigned door)
{
	if (!verb->name)
		return 1;
	if (!(verb->doors & door))
		return -ERR_DENIED;
	if (!verb->handle)
		return verb->grammar && verb->grammar[0] == '\0' ? 0 : -ERR_SYNTAX;
	return verb == &verbs[FRAME_TICKET_KEYS] ? 0
	       : verb == &verbs[FRAME_SUBSCRIBE] ? -ERR_SYNTAX
						 : 1;
}

/* Every number that a frame can have, at each door: what is not meant for one is refused there. */
static void test_doors(void **state)
{
	static const struct verb none;
	struct fixture f;
	size_t refused = 0;

	(void)state;
	fixture_start(&f, &cheap);
	for (unsigned n = 0; n < 256; n++) {
		const struct verb *verb = n < FRAME_VERB_END ? &verbs[n] : &none;
		struct buf request AUTO(buf_done);

		buf_init(&request, FRAME_SERVER_MAX);
		frame_finish(&request, frame_begin(&request, 9, (uint8_t)n));
		assert_int_equal(
			code_of(FIXTURE_SERVER, buf_slice(&request)), want_code(verb, VERB_SERVER));
		assert_int_equal(
			code_of(FIXTURE_CLI, buf_slice(&request)), want_code(verb, VERB_CLI));
		if (n != FRAME_SMS_TAKE) /* which waits for a message */
			assert_int_equal(code_of(FIXTURE_COURIER, buf_slice(&request)),
				want_code(verb, VERB_COURIER));
		refused += verb->name && verb->doors == VERB_CLI;
	}
	assert_true(refused > 3);
	fixture_done(&f);
}

static void test_bad_frames(void **state)
{
	static const struct slice bad[] = {{"\0\0\0\0", 4}, {"\0\0\0\4xxxx", 8},
		{"\xff\xff\xff\xff", 4}, {"\0\1\0\0", 4}, {"\0\0\0\6\0\0\0\1\1x", 10},
		{"GET / HTTP/1.0\r\n\r\n", 18}};
	struct fixture f;
	int other;

	(void)state;
	fixture_start(&f, &cheap);
	fixture_set(5, "right", false);
	other = fixture_open();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(code_of(FIXTURE_SERVER, bad[i]), 1);
	assert_verify(5, "right", 0);
	/* A frame that never ends harms nobody, nor does one who goes away in its midst. */
	assert_int_equal(write(other, "\0\0\0\x20", 4), 4);
	assert_verify(5, "right", 0);
	close(other);
	assert_verify(5, "right", 0);
	fixture_done(&f);
}

static void test_ticket_keys(void **state)
{
	struct buf request AUTO(buf_done), first AUTO(buf_done), second AUTO(buf_done);
	struct fixture f;
	struct frame a, b;
	struct err err;
	struct slice key;
	bool answered;
	int fd;

	(void)state;
	buf_init(&request, FRAME_SERVER_MAX);
	buf_init(&first, FRAME_SERVER_MAX);
	buf_init(&second, FRAME_SERVER_MAX);
	frame_finish(&request, frame_begin(&request, 9, FRAME_TICKET_KEYS));
	fixture_start(&f, &cheap);
	fd = fixture_open();
	assert_int_equal(channel_ask(fd, buf_slice(&request), clock_mono_ms() + WAIT_MS, &first, &a,
				 &answered, &err),
		0);
	assert_int_equal(channel_ask(fd, buf_slice(&request), clock_mono_ms() + WAIT_MS, &second,
				 &b, &answered, &err),
		0);
	key = frame_bytes(&a);
	assert_int_equal(key.len, FRAME_TICKET_KEY);
	assert_true(slice_eq(key, frame_bytes(&b))); /* all ask for the same */
	assert_true(frame_end(&a) && frame_end(&b));
	close(fd);
	fixture_done(&f);
}

/* The operator's socket takes root and the owner, whatever its file's mode says. */
static void test_credentials(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	fixture_start(&f, &cheap);
	for (unsigned uid = 12345; uid <= 12346; uid++) {
		pid = fork();
		if (pid == 0) {
			struct err err;

			if (setuid(uid) < 0)
				_exit(9);
			_exit(keeper_delete_account(FIXTURE_CLI, 5, &err) == -ERR_NOTFOUND ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), uid == 12345 ? 0 : 1);
	}
	fixture_done(&f);
}

/* Killed at any moment, what was acknowledged is there. */
static void test_killed(void **state)
{
	struct fixture f;

	(void)state;
	fixture_start(&f, &cheap);
	for (uint64_t i = 1; i <= 10; i++) {
		char password[32];

		snprintf(password, sizeof(password), "password %d", (int)i);
		fixture_set(i, password, false);
		fixture_kill(&f);
		fixture_run(&f);
		assert_verify(i, password, 0);
		assert_verify(1, "password 1", 0);
	}
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_imported_hashes),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_guessing),
		cmocka_unit_test(test_guessing_where_known),
		cmocka_unit_test(test_identical),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_ticket_keys),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
