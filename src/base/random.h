/* random.h - bytes nobody can guess, from the kernel. Any thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t n);
uint64_t random_u64(void);

/* random_dated - 63 bits, never 0, that nobody else draws: the time in milliseconds, then 22 random
 * bits; a process draws none twice. Later ones are larger, so that rows kept by them lie together.
 */
uint64_t random_dated(void);
/* random_dated_from - the least that was drawn at this second of the wall clock, or later. */
uint64_t random_dated_from(int64_t wall_s);

#endif
