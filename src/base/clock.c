/* clock.c - see clock.h for the contract. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#ifdef PH_FAULTS
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

static _Atomic int64_t shift_us;

#ifdef PH_FAULTS
static _Atomic int64_t *shared_us; /* set once, before the first thread */

static _Atomic int64_t *map_shift(void)
{
	const int fd = open(CLOCK_FILE, O_RDWR | O_CLOEXEC | O_CREAT, 0666);
	void *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*shared_us)) == 0)
		map = mmap(NULL, sizeof(*shared_us), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return map == MAP_FAILED ? NULL : map;
}

void clock_share(void)
{
	shared_us = map_shift();
}

int clock_move(int64_t us)
{
	if (!shared_us)
		clock_share();
	if (!shared_us)
		return -1;
	*shared_us += us;
	return 0;
}

static int64_t shared_shift_us(void)
{
	return shared_us ? *shared_us : 0;
}
#else
static int64_t shared_shift_us(void)
{
	return 0;
}
#endif

static int64_t read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + shift_us;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME) + shared_shift_us();
}

int64_t clock_wall_s(void)
{
	return clock_wall_us() / 1000000;
}

void clock_shift(int64_t us)
{
	shift_us += us;
}
