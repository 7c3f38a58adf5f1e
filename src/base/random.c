/* random.c - see random.h for the contract. */
#include "base/random.h"

#include <stdlib.h>
#include <sys/random.h>

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
