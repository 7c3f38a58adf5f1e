/*
 * disk.c - the disk the accounts are on: its reserve, and the ballast for the worst moment.
 *
 * Below the reserve whatever adds is refused, while expunge, purge and checkpoint go on: they write
 * before they free. When even they find no room, the ballast (a file that holds nothing) is given
 * away; it is made again when there is room for it.
 */
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/internal.h"

enum { CHECK_MS = 1000, BALLAST_MAX = 16 << 20, BALLAST_PART = 4, ADDED_PART = 8, LOW = 1 << 20 };

static const char ballast[] = "ballast";

static uint64_t ballast_size(const struct store *store)
{
	const uint64_t part = store->config.reserve_bytes / BALLAST_PART;

	return part < BALLAST_MAX ? part : BALLAST_MAX;
}

static uint64_t room(const struct store *store)
{
	struct statvfs st;

	/* A disk that cannot be asked is not called full: the write itself will tell. */
	if (statvfs(".", &st) < 0)
		return store->config.reserve_bytes;
	return (uint64_t)st.f_bavail * st.f_frsize;
}

static void release(struct store *store)
{
	if (atomic_exchange(&store->disk.has_ballast, false))
		unlink(ballast);
}

static void take_ballast(struct store *store)
{
	struct err ignored;
	int fd AUTO(io_close) = -1;

	if (ballast_size(store) == 0 || atomic_exchange(&store->disk.has_ballast, true))
		return;
	fd = io_open(AT_FDCWD, ballast, O_WRONLY | O_CREAT, 0600, &ignored);
	if (fd < 0 || posix_fallocate(fd, 0, (off_t)ballast_size(store)) != 0)
		release(store);
}

static void look(struct store *store)
{
	const uint64_t free_bytes = room(store), reserve = store->config.reserve_bytes;

	store->disk.is_full = free_bytes < reserve;
	if (reserve && free_bytes < LOW)
		release(store);
	else if (free_bytes >= reserve + ballast_size(store))
		take_ballast(store);
}

void disk_start(struct store *store)
{
	store->disk.has_ballast = access(ballast, F_OK) == 0;
	store->disk.checked_ms = clock_mono_ms();
	look(store);
}

/* Seldom while there is room; at each use when there is little, or when much was written. */
void disk_check(struct store *store)
{
	int64_t was = store->disk.checked_ms;
	const int64_t now = clock_mono_ms();
	const bool is_due = now - was >= CHECK_MS || store->disk.is_full ||
			    store->disk.added > store->config.reserve_bytes / ADDED_PART;

	if (is_due && atomic_compare_exchange_strong(&store->disk.checked_ms, &was, now)) {
		store->disk.added = 0;
		look(store);
	}
}

void disk_added(struct store *store, uint64_t bytes)
{
	store->disk.added += bytes;
}

void disk_refused(struct store *store)
{
	if (room(store) >= LOW)
		return;
	store->disk.is_full = true;
	release(store);
}

bool store_is_full(struct store *store)
{
	disk_check(store);
	return store->disk.is_full;
}
