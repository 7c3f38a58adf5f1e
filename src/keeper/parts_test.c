/* parts_test.c - the keeper's parts by themselves: hashes, counters, crews, files and faults. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/tally.h"
#include "base/temp.h"
#include "keeper/crew.h"
#include "keeper/keys.h"
#include "keeper/secrets.h"
#include "keeper/tickets.h"

/* ---- hashes ---- */

static void test_hash_check(void **state)
{
	static const struct {
		const char *hash;
		int want;
	} cases[] = {
		{"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA", 0},
		{"$argon2id$v=19$m=262144,t=16,p=1$c2FsdHNhbHQ$aGFzaA", 0},
		{"$argon2id$v=19$m=262145,t=2,p=1$c2FsdHNhbHQ$aGFzaA", -ERR_TOOBIG},
		{"$argon2id$v=19$m=8,t=17,p=1$c2FsdHNhbHQ$aGFzaA", -ERR_TOOBIG},
		{"$argon2id$v=19$m=99999999999,t=1,p=1$c2FsdHNhbHQ$aGFzaA", -ERR_SYNTAX},
		{"$argon2id$v=19$t=2,m=8,p=1$c2FsdHNhbHQ$aGFzaA", -ERR_SYNTAX},
		{"$argon2id$", -ERR_SYNTAX},
		{"$argon2i$v=19$m=8,t=2,p=1$c2FsdHNhbHQ$aGFzaA", -ERR_SYNTAX},
		{"$6$salt$hash", 0},
		{"$6$rounds=1000000$salt$hash", 0},
		{"$6$rounds=1000001$salt$hash", -ERR_TOOBIG},
		{"$6$rounds=$salt$hash", -ERR_TOOBIG},
		{"$6$salt", -ERR_SYNTAX},
		{"$5$salt$hash", 0},
		{"$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", 0},
		{"$2a$14$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", 0},
		{"$2y$15$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", -ERR_TOOBIG},
		{"$2b$03$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", -ERR_SYNTAX},
		{"$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzd", -ERR_SYNTAX},
		{"$2x$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm", -ERR_SYNTAX},
		{"$1$salt$hash", -ERR_SYNTAX},
		{"$6$sa:lt$hash", -ERR_SYNTAX},
		{"$6$sa lt$hash", -ERR_SYNTAX},
		{"{SHA}abc", -ERR_SYNTAX},
		{"plain", -ERR_SYNTAX},
		{"", -ERR_SYNTAX},
	};
	char huge[HASH_MAX + 1] = "$6$salt$";
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (hash_check(slice_str(cases[i].hash), &err) != cases[i].want)
			fail_msg("%s", cases[i].hash);
	}
	memset(huge + 8, 'x', HASH_MAX - 8 - 1);
	assert_int_equal(hash_check(slice_str(huge), &err), 0);
	huge[HASH_MAX - 1] = 'x';
	assert_int_equal(hash_check(slice_str(huge), &err), -ERR_TOOBIG);
}

static void test_hash_make(void **state)
{
	const struct hash_cost cost = {64, 2};
	const struct slice password = {"pass\0word", 9};
	char a[HASH_MAX], b[HASH_MAX];
	struct err err;

	(void)state;
	assert_int_equal(hash_make(password, cost, a, &err), 0);
	assert_int_equal(hash_make(password, cost, b, &err), 0);
	assert_string_not_equal(a, b);
	assert_non_null(strstr(a, "$m=64,t=2,p=1$"));
	assert_int_equal(hash_check(slice_str(a), &err), 0);
	assert_false(hash_is_weaker(a, hash_cost_least()));
	assert_int_equal(hash_verify(a, password, &err), 0);
	assert_int_equal(hash_verify(b, password, &err), 0);
	assert_int_equal(hash_verify(a, slice_lit("pass"), &err), -ERR_DENIED);
	assert_int_equal(hash_make(slice_lit(""), hash_cost_least(), a, &err), 0);
	assert_int_equal(hash_verify(a, slice_lit(""), &err), 0);
	assert_int_equal(hash_verify(a, slice_lit("x"), &err), -ERR_DENIED);
}

/* crypt(3) ends at a NUL: what follows it must not be let through. */
static void test_hash_crypt(void **state)
{
	static const char hash[] = "$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.";
	struct err err;

	(void)state;
	assert_true(hash_is_weaker(hash, hash_cost_least()));
	assert_int_equal(hash_verify(hash, slice_lit("password"), &err), 0);
	assert_int_equal(hash_verify(hash, (struct slice){"password\0x", 10}, &err), -ERR_DENIED);
	assert_int_equal(hash_verify(hash, slice_lit(""), &err), -ERR_DENIED);
	assert_int_equal(hash_verify("$6$x", slice_lit("password"), &err), -ERR_DENIED);
	assert_int_equal(hash_verify("*0", slice_lit("password"), &err), -ERR_DENIED);
}

/* ---- counters ---- */

static void test_tally(void **state)
{
	struct tally t;
	char key[16];

	(void)state;
	tally_init(&t, 1000, 10);
	tally_add(&t, slice_lit("a"), 5000);
	tally_add(&t, slice_lit("a"), 5100);
	tally_add(&t, slice_lit("b"), 5100);
	assert_int_equal(tally_get(&t, slice_lit("a"), 5400), 2);
	tally_add(&t, slice_lit("a"), 5600); /* a new generation */
	assert_int_equal(tally_get(&t, slice_lit("a"), 5700), 3);
	assert_int_equal(tally_get(&t, slice_lit("a"), 6200), 1);
	assert_int_equal(tally_get(&t, slice_lit("b"), 6200), 0);
	assert_int_equal(tally_get(&t, slice_lit("a"), 9000), 0); /* a silence forgets all */
	tally_add(&t, slice_lit("a"), 9000);
	tally_forget(&t, slice_lit("a"));
	assert_int_equal(tally_get(&t, slice_lit("a"), 9000), 0);
	for (int i = 0; i < 1000; i++) { /* a flood costs memory for two generations at most */
		snprintf(key, sizeof(key), "k%d", i);
		tally_add(&t, slice_str(key), 9000);
		assert_true(t.now.count <= 10 && t.before.count <= 10);
		assert_int_equal(tally_get(&t, slice_str(key), 9000), 1);
	}
	tally_done(&t);
}

static void test_tickets(void **state)
{
	unsigned char first[FRAME_TICKET_KEY];
	struct tickets t;
	struct err err;

	(void)state;
	assert_int_equal(tickets_init(&t, &err), 0);
	assert_int_equal(t.n, 1);
	memcpy(first, t.keys[0], sizeof(first));
	tickets_tick(&t);
	assert_memory_equal(t.keys[0], first, sizeof(first));
	for (size_t hour = 1; hour < 5; hour++) {
		clock_shift(INT64_C(3600) * 1000000);
		tickets_tick(&t);
		assert_int_equal(t.n, hour < 2 ? 2 : 3);
		assert_memory_not_equal(t.keys[0], first, sizeof(first));
		if (hour < 3)
			assert_memory_equal(t.keys[hour], first, sizeof(first));
	}
	tickets_done(&t);
}

/* ---- crews ---- */

struct test_job {
	struct crew_job job;
	int mark;
	bool was_dismissed;
};

static struct {
	pthread_mutex_t gate;
	_Atomic size_t n;
	int order[16];
} ran;

static void test_run(struct crew_job *job, bool is_dismissed)
{
	struct test_job *t = (struct test_job *)job;

	pthread_mutex_lock(&ran.gate);
	ran.order[ran.n++] = t->mark;
	t->was_dismissed = is_dismissed;
	pthread_mutex_unlock(&ran.gate);
}

/* The first class goes first, the others take turns, and each queue has its bound. */
static void test_crew(void **state)
{
	static const int want[] = {0, 10, 11, 20, 30, 21, 31};
	const struct crew_config config = {.threads = 1, .nice = 1, .jobs_max = {2, 2, 2}};
	struct test_job jobs[4][3];
	struct crew *crew;
	struct err err;

	(void)state;
	pthread_mutex_init(&ran.gate, NULL);
	ran.n = 0;
	assert_int_equal(crew_new(&config, &crew, &err), 0);
	pthread_mutex_lock(&ran.gate);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 3; j++)
			jobs[i][j] = (struct test_job){.job.run = test_run, .mark = i * 10 + j};
	}
	/* One that the thread takes, and stands before the gate with. */
	assert_true(crew_put(crew, CREW_FIRST, &jobs[0][0].job));
	while (!crew_put(crew, CREW_FIRST, &jobs[1][0].job))
		usleep(1000);
	usleep(50000);
	assert_true(crew_put(crew, CREW_FIRST, &jobs[1][1].job));
	assert_false(crew_put(crew, CREW_FIRST, &jobs[1][2].job));
	for (int j = 0; j < 2; j++) {
		assert_true(crew_put(crew, CREW_SECOND, &jobs[2][j].job));
		assert_true(crew_put(crew, CREW_BULK, &jobs[3][j].job));
	}
	assert_false(crew_put(crew, CREW_SECOND, &jobs[2][2].job));
	assert_false(crew_put(crew, CREW_BULK, &jobs[3][2].job));
	pthread_mutex_unlock(&ran.gate);
	while (ran.n < 7)
		usleep(1000);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(ran.order[i], want[i]);
	crew_free(&crew);
	assert_null(crew);
	pthread_mutex_destroy(&ran.gate);
}

/* ---- files ---- */

static void remove_all(void)
{
	unlink("secrets.db");
	unlink("secrets.db-wal");
	unlink("secrets.db-shm");
}

static int put_all(struct secrets *secrets, const struct secret *list, size_t n)
{
	struct db *change;
	struct err err;
	uint64_t seq;
	int rc = secrets_change(secrets, &change, &err);

	if (rc < 0)
		return rc;
	rc = secrets_take_seq(change, &seq, &err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct secret secret = list[i];

		secret.epoch = seq;
		rc = secrets_put(change, &secret, &err);
	}
	return secrets_change_end(secrets, rc, &err);
}

static int remove_account(struct secrets *secrets, uint64_t account)
{
	struct db *change;
	struct err err;

	assert_int_equal(secrets_change(secrets, &change, &err), 0);
	return secrets_change_end(secrets, secrets_remove(change, account, &err), &err);
}

static void test_secrets(void **state)
{
	const struct secret two[] = {{.account = 1, .hash = "a"}, {.account = 2, .hash = "b"}};
	struct secrets *secrets AUTO(secrets_close) = NULL;
	struct secret got;
	struct err err;

	(void)state;
	assert_int_equal(secrets_open("secrets.db", &secrets, &err), 0);
	assert_int_equal(secrets_get(secrets, 1, &got, &err), -ERR_NOTFOUND);
	assert_int_equal(put_all(secrets, two, 2), 0);
	assert_int_equal(put_all(secrets, two, 1), 0);
	assert_int_equal(secrets_get(secrets, 1, &got, &err), 0);
	assert_int_equal(got.epoch, 3);
	assert_string_equal(got.hash, "a");
	/* An upgrade is no change of the password; it loses against one. */
	assert_int_equal(secrets_upgrade(secrets, 1, "a", "c", &err), 0);
	assert_int_equal(secrets_upgrade(secrets, 2, "x", "c", &err), 0);
	assert_int_equal(secrets_get(secrets, 1, &got, &err), 0);
	assert_int_equal(got.epoch, 3);
	assert_string_equal(got.hash, "c");
	assert_int_equal(secrets_get(secrets, 2, &got, &err), 0);
	assert_string_equal(got.hash, "b");
	assert_int_equal(remove_account(secrets, 2), 0);
	assert_int_equal(remove_account(secrets, 2), -ERR_NOTFOUND);
	assert_int_equal(secrets_get(secrets, 2, &got, &err), -ERR_NOTFOUND);
	remove_all();
}

#ifdef PH_FAULTS

/* The n-th write or sync fails: a refused change is not seen, an acknowledged one stays. */
static void test_secrets_faults(void **state)
{
	static const enum io_step steps[] = {IO_WRITE, IO_SYNC};

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		int rc = -1, failures = -1;

		for (unsigned n = 1; rc != 0; n++, failures++) {
			struct secret set = {.account = n, .hash = "a"}, got;
			struct secrets *secrets AUTO(secrets_close) = NULL;
			struct err err;

			assert_int_equal(secrets_open("secrets.db", &secrets, &err), 0);
			io_fault_set(steps[s], n, IO_FAULT_FAIL);
			rc = put_all(secrets, &set, 1);
			io_fault_set(steps[s], 0, IO_FAULT_NONE);
			assert_int_equal(
				secrets_get(secrets, n, &got, &err), rc == 0 ? 0 : -ERR_NOTFOUND);
			secrets_close(&secrets);
			assert_int_equal(secrets_open("secrets.db", &secrets, &err), 0);
			if (rc == 0)
				assert_int_equal(secrets_get(secrets, n, &got, &err), 0);
		}
		assert_true(failures > 0);
		remove_all();
	}
}

static int sign_with(struct keys *keys, const char *name, struct err *err)
{
	static const char digest[32] = "0123456789abcdef0123456789abcde";
	const struct frame_sign what = {
		slice_str(name), FRAME_PURPOSE_TLS, 0, 0, {digest, sizeof(digest)}};
	struct buf out AUTO(buf_done);

	buf_init(&out, 1 << 16);
	return keys_sign(keys, &what, &out, err);
}

static size_t count_keys(void)
{
	DIR *folder = opendir("keys");
	const struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(folder)))
		n += slice_ends(slice_str(entry->d_name), slice_lit(".pem"));
	closedir(folder);
	return n;
}

static bool wants_none(void *context, struct slice name)
{
	(void)context;
	(void)name;
	return false;
}

/* A key that could not be written is not used, and no half of it is left. */
static void test_keys_faults(void **state)
{
	static const enum io_step steps[] = {IO_WRITE, IO_SYNC, IO_RENAME};
	int dirfd AUTO(io_close) = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		int rc = -1, failures = -1;

		for (unsigned n = 1; rc != 0; n++, failures++) {
			struct keys *keys AUTO(keys_close) = NULL;
			char name[CHAIN_KEY_NAME_MAX];
			EVP_PKEY *pkey = NULL;
			struct err err;

			assert_int_equal(keys_open(dirfd, false, &keys, &err), 0);
			io_fault_set(steps[s], n, IO_FAULT_FAIL);
			rc = keys_make(keys, CHAIN_KEY_TLS, KEYS_EC, name, &pkey, &err);
			io_fault_set(steps[s], 0, IO_FAULT_NONE);
			EVP_PKEY_free(pkey);
			if (rc == 0)
				assert_int_equal(sign_with(keys, name, &err), 0);
			/* The rename was done but its sync failed: then it may be there. */
			else
				assert_true(steps[s] == IO_SYNC || count_keys() == 0);
			keys_prune(keys, -10, wants_none, NULL);
			assert_int_equal(count_keys(), 0);
			if (rc == 0)
				assert_int_equal(sign_with(keys, name, &err), -ERR_NOTFOUND);
		}
		assert_true(failures >= 0);
	}
}

#endif

static void test_keys_corrupt(void **state)
{
	static const char name[] = "tls-0123456789abcdef0123456789abcdef";
	int dirfd AUTO(io_close) = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct keys *keys AUTO(keys_close) = NULL;
	EVP_PKEY *pkey = NULL;
	struct err err;
	char path[80];

	(void)state;
	assert_int_equal(keys_open(dirfd, false, &keys, &err), 0);
	snprintf(path, sizeof(path), "keys/%s.pem", name);
	assert_int_equal(io_replace_file(dirfd, path, slice_lit("junk"), 0600, &err), 0);
	assert_int_equal(keys_get(keys, CHAIN_KEY_TLS, slice_str(name), &pkey, &err), -ERR_CORRUPT);
	assert_int_equal(keys_get(keys, CHAIN_KEY_ACME, slice_str(name), &pkey, &err), -ERR_DENIED);
	unlink(path);
	remove_all();
}

static int set_up(void **state)
{
	char dir[TEMP_MAX];

	if (sodium_init() < 0 || !mkdtemp(temp_path(dir, "keeper-parts-test-XXXXXX")) ||
		chdir(dir) < 0)
		return -1;
	*state = mem_str(slice_str(dir));
	return 0;
}

static int tear_down(void **state)
{
	int rc;

	remove_all();
	rc = rmdir("keys") | chdir("/") | rmdir(*state);
	free(*state);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_check),
		cmocka_unit_test(test_hash_make),
		cmocka_unit_test(test_hash_crypt),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_crew),
		cmocka_unit_test(test_secrets),
#ifdef PH_FAULTS
		cmocka_unit_test(test_secrets_faults),
		cmocka_unit_test(test_keys_faults),
#endif
		cmocka_unit_test(test_keys_corrupt),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
