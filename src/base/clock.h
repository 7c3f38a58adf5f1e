/*
 * clock.h - the two clocks. Monotonic for deadlines, wall for what is stored and shown.
 *
 * Everything in the program asks here, so that a test can move time: clock_shift() adds to both.
 * Any thread; clock_shift() is for tests and for the start of a process.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void); /* microseconds since some start */
int64_t clock_mono_ms(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_wall_s(void);
void clock_shift(int64_t us);

#endif
