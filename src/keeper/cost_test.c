/*
 * cost_test.c - a failed login costs the same work whether the account exists or not, and whatever
 * hash it has: what argon2id is asked for is counted, not timed.
 */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "keeper/second_kit.h"

/* The linker puts this in the place of libsodium's (--wrap). */
int __real_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len);
int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len);

static atomic_ulong *work; /* KiB times passes; shared with the keeper, which is another process */

int __wrap_crypto_pwhash_str_verify(const char *hash, const char *password, unsigned long long len)
{
	unsigned long memory = 0, passes = 0;

	assert_int_equal(sscanf(hash, "$argon2id$v=19$m=%lu,t=%lu,", &memory, &passes), 2);
	atomic_fetch_add(work, memory * passes);
	return __real_crypto_pwhash_str_verify(hash, password, len);
}

enum { MEMORY_KIB = 512, PASSES = 2, USUAL = MEMORY_KIB * PASSES, LEAST = 8 };

static const struct keeper_config config = {
	.argon2_memory_kib = MEMORY_KIB, .argon2_passes = PASSES, .cache_s = 60};

static void set_fast(uint64_t account)
{
	struct keeper_secret secret = {.account = account, .password = slice_lit(FIRST)};
	struct err err;

	assert_int_equal(keeper_set_passwords(FIXTURE_CLI, &secret, 1, true, &err), 0);
	assert_int_equal(secret.rc, 0);
}

static unsigned long cost_of(struct kit *kit, uint64_t account, const char *password, int want)
{
	struct keeper_entry e;

	atomic_store(work, 0);
	assert_int_equal(kit_enter(kit, account, password, SCOPE_IMAP, HOME, &e), want);
	return atomic_load(work);
}

static void test_failure_costs_the_same(void **state)
{
	enum { NOBODY = 99, USUAL_ONE = 1, FAST = 2, CRYPT = 3 };
	struct kit kit;

	(void)state;
	work = mmap(NULL, sizeof(*work), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(work != MAP_FAILED);
	kit_start(&kit, &config);
	fixture_set(USUAL_ONE, FIRST, false);
	set_fast(FAST);
	fixture_set(CRYPT, "$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.", true);
	assert_int_equal(cost_of(&kit, NOBODY, SECOND, -ERR_DENIED), USUAL);
	assert_int_equal(cost_of(&kit, USUAL_ONE, SECOND, -ERR_DENIED), USUAL);
	assert_int_equal(cost_of(&kit, FAST, SECOND, -ERR_DENIED), USUAL + LEAST);
	assert_int_equal(cost_of(&kit, CRYPT, SECOND, -ERR_DENIED), USUAL);
	/* The password itself costs what its own hash does: that is what --fast is for. */
	assert_int_equal(cost_of(&kit, FAST, FIRST, 0), LEAST);
	assert_int_equal(cost_of(&kit, USUAL_ONE, FIRST, 0), USUAL);
	kit_done(&kit);
	munmap(work, sizeof(*work));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_failure_costs_the_same)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
