/*
 * clock.h - the two clocks. Monotonic for deadlines, wall for what is stored and shown.
 *
 * Everything in the program asks here, so that a test can move time: clock_shift() adds to both.
 * Any thread; clock_shift() is for tests and for the start of a process.
 *
 * Builds with faults also share a shift of the wall clock among all processes of an instance, in a
 * file that each has mapped since its start: `posthouse clock SECONDS` moves them all while they
 * run. Deadlines, which are on the monotonic clock, do not move.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void); /* microseconds since some start */
int64_t clock_mono_ms(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01T00:00:00Z */
int64_t clock_wall_s(void);
void clock_shift(int64_t us);

#ifdef PH_FAULTS
#define CLOCK_FILE "run/clock"
/* clock_share - map the shift that stands in the file, below the current directory; it is made if
 * it is not there. clock_move - add to it; negative: it cannot be mapped. */
void clock_share(void);
int clock_move(int64_t us);
#endif

#endif
