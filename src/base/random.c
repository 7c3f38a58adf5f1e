/* random.c - see random.h for the contract. */
#include "base/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

enum { RANDOM_BITS = 22 };

#define BEHIND_MAX ((uint64_t)1000 << RANDOM_BITS) /* a second */

void random_bytes(void *out, size_t n)
{
	unsigned char *p = out;

	while (n) {
		const ssize_t got = getrandom(p, n, 0);

		if (got < 0)
			continue; /* EINTR; the kernel's pool never runs dry once it is up */
		p += got;
		n -= (size_t)got;
	}
}

uint64_t random_u64(void)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return n;
}

uint64_t random_dated(void)
{
	static _Atomic uint64_t
		last; /* of this process: 22 bits alone would repeat in a busy one */
	const uint64_t ms = (uint64_t)(clock_wall_us() / 1000);
	const uint64_t drawn = (ms << RANDOM_BITS | random_u64() >> (64 - RANDOM_BITS)) & INT64_MAX;
	uint64_t before = atomic_load(&last), id;

	/* One more than the last, unless the clock was set back. */
	do {
		const bool is_passed = drawn <= before && before - drawn < BEHIND_MAX;

		id = is_passed ? before + 1 : drawn;
	} while (!atomic_compare_exchange_weak(&last, &before, id));
	return id;
}

uint64_t random_dated_from(int64_t wall_s)
{
	return (uint64_t)wall_s * 1000 << RANDOM_BITS;
}
