/* heap_test.c - objects of all sizes, from several threads; and what is given back. */
#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "db/heap.h"

static void test_sizes(void **state)
{
	(void)state;
	for (size_t n = 0; n < HEAP_LARGEST * 3; n += n < 600 ? 1 : 97) {
		unsigned char *p = heap_alloc(n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 8, 0);
		assert_true(heap_size(p) >= n);
		memset(p, 0xa5, n);
		heap_free(p);
	}
	heap_free(NULL);
}

static void test_resize(void **state)
{
	static const size_t sizes[] = {1, 40, 41, 5000, 16384, 16385, 100000, 70000, 300, 8, 0};
	unsigned char *p = NULL;
	size_t old = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const size_t both = old < sizes[i] ? old : sizes[i];

		p = heap_resize(p, sizes[i]);
		assert_non_null(p);
		for (size_t k = 0; k < both; k++)
			assert_int_equal(p[k], (unsigned char)(k * 7));
		for (size_t k = 0; k < sizes[i]; k++)
			p[k] = (unsigned char)(k * 7);
		old = sizes[i];
	}
	heap_free(p);
}

/* Objects that live at the same time do not overlap, and when all have gone so have the slabs. */
static void *churn(void *arg)
{
	enum { OBJECTS = 400, ROUNDS = 60000 };
	unsigned seed = (unsigned)(uintptr_t)arg;
	struct {
		unsigned char *p;
		size_t n;
	} all[OBJECTS] = {0};

	for (int i = 0; i < ROUNDS + OBJECTS; i++) {
		const size_t at =
			i < ROUNDS ? (size_t)rand_r(&seed) % OBJECTS : (size_t)(i - ROUNDS);

		if (all[at].p) {
			for (size_t k = 0; k < all[at].n; k++)
				assert_int_equal(all[at].p[k], (unsigned char)at);
			heap_free(all[at].p);
			all[at].p = NULL;
		} else if (i < ROUNDS) {
			all[at].n = (size_t)rand_r(&seed) % (rand_r(&seed) % 8 ? 300 : 20000);
			all[at].p = heap_alloc(all[at].n);
			assert_non_null(all[at].p);
			memset(all[at].p, (int)at, all[at].n);
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct heap_stats stats;
	pthread_t threads[4];

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	heap_stats(&stats);
	assert_true(stats.kept > 0);
	assert_int_equal(stats.slabs, stats.kept);
	heap_release();
	heap_stats(&stats);
	assert_int_equal(stats.slabs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
