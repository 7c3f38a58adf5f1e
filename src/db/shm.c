/* shm.c - see shm.h. */
#include "db/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	REGION = 32 * 1024,
	LOCK_FIRST = 120, /* SQLite's eight locks */
	LOCK_ALIVE = 128, /* shared by all who have the file open */
	NAME_MAX_LEN = 512,
	HEADER = 48, /* of which there are two copies */
	VERSION = 3007000,
	IS_INIT_AT = 12,
	SALTS_AT = 32,
	MARK_AT = 132,
};

static uint64_t boot; /* 0: not known, nothing is marked; written once */

static uint64_t mix(uint64_t h, uint64_t n)
{
	h = (h ^ n) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

void shm_start(void)
{
	char id[64] = "";
	const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, id, sizeof(id));

	if (fd >= 0)
		close(fd);
	for (ssize_t i = 0; i < n; i++)
		boot = mix(boot, (unsigned char)id[i]);
}

static bool name_of(char out[NAME_MAX_LEN], const char *path, const char *suffix)
{
	return snprintf(out, NAME_MAX_LEN, "%s%s", path, suffix) < NAME_MAX_LEN;
}

static bool mix_file(uint64_t *h, const char *path, const char *suffix)
{
	char name[NAME_MAX_LEN];
	struct stat st;

	if (!name_of(name, path, suffix) || stat(name, &st) < 0)
		return false;
	*h = mix(*h, st.st_ino);
	*h = mix(*h, (uint64_t)st.st_size);
	*h = mix(*h, (uint64_t)st.st_mtim.tv_sec);
	*h = mix(*h, (uint64_t)st.st_mtim.tv_nsec);
	return true;
}

/* What the index is true of: the files as they are now. 0: there is none. */
static uint32_t mark_now(const char *path)
{
	uint64_t h = boot;

	if (!boot || !mix_file(&h, path, "") || !mix_file(&h, path, "-wal"))
		return 0;
	return (uint32_t)(h >> 32 | 1);
}

static _Atomic uint32_t *mark_in(char *region)
{
	return (_Atomic uint32_t *)(region + MARK_AT);
}

/* Takes the mark away: true if it was a good one, on an index that is whole. */
static bool take_mark(char *region, const char *path)
{
	const uint32_t mark = atomic_exchange(mark_in(region), 0);
	uint32_t version;

	memcpy(&version, region, sizeof(version));
	return mark && mark == mark_now(path) && version == VERSION && region[IS_INIT_AT] == 1 &&
	       memcmp(region, region + HEADER, HEADER) == 0;
}

/* ---- locks: of the descriptor, not the process ---- */

static bool lock(int fd, short type, int at, int n)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n};

	return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool is_alone(int fd)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_ALIVE, .l_len = 1};

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type == F_UNLCK;
}

/* Among those who have the file open; *first_out: there was nobody, and nobody comes until the lock
 * is made a shared one. */
static int join(int fd, bool *first_out)
{
	for (int tries = 0; tries < 1000; tries++) {
		*first_out = lock(fd, F_WRLCK, LOCK_ALIVE, 1);
		if (*first_out)
			return SQLITE_OK;
		if (lock(fd, F_RDLCK, LOCK_ALIVE, 1) && !is_alone(fd))
			return SQLITE_OK;
		/* Who came first is still at it, or has just left. */
		usleep(50);
	}
	return SQLITE_BUSY;
}

/* What is mapped holds on to the descriptor, so that locks do not end with close(). */
static void drop(struct shm *shm)
{
	if (shm->fd < 0)
		return;
	lock(shm->fd, F_UNLCK, 0, 0);
	close(shm->fd);
	shm->fd = -1;
	shm->held = 0;
}

/* ---- the file ---- */

static int open_file(const char *path, int *fd_out)
{
	char name[NAME_MAX_LEN];
	struct stat st;
	int fd;

	if (!name_of(name, path, "-shm") || stat(path, &st) < 0)
		return SQLITE_CANTOPEN;
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 0777);
	if (fd < 0)
		return SQLITE_CANTOPEN;
	/* An operator's command runs as root on files that are the server's. */
	if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0) {
		close(fd);
		return SQLITE_CANTOPEN;
	}
	*fd_out = fd;
	return SQLITE_OK;
}

static int64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? -1 : st.st_size;
}

/* at: where it must lie; NULL: anywhere. */
static char *map_region(int fd, int region, char *at)
{
	char *p = mmap(at, REGION, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
		(off_t)region * REGION);

	return p == MAP_FAILED ? NULL : p;
}

static int add_region(struct shm *shm)
{
	char *p = map_region(shm->fd, shm->regions_n, NULL);

	if (!p)
		return SQLITE_IOERR_SHMMAP;
	shm->regions =
		mem_realloc(shm->regions, ((size_t)shm->regions_n + 1) * sizeof(shm->regions[0]));
	shm->regions[shm->regions_n++] = p;
	return SQLITE_OK;
}

/* The first of all: keeps what is marked, and empties what is not. */
static int settle(struct shm *shm, const char *path)
{
	int rc = SQLITE_OK;
	bool is_true = false;

	if (size_of(shm->fd) >= REGION) {
		rc = add_region(shm);
		is_true = rc == SQLITE_OK && take_mark(shm->regions[0], path);
	}
	if (rc == SQLITE_OK && !is_true && ftruncate(shm->fd, 0) < 0)
		rc = SQLITE_IOERR_SHMOPEN;
	/* The mapping is of the same file, which is made longer before it is looked at. */
	return rc;
}

static int open_index(struct shm *shm, const char *path)
{
	bool is_first = false;
	int rc = open_file(path, &shm->fd);

	if (rc == SQLITE_OK)
		rc = join(shm->fd, &is_first);
	if (rc == SQLITE_OK && is_first)
		rc = settle(shm, path);
	if (rc == SQLITE_OK && is_first && !lock(shm->fd, F_RDLCK, LOCK_ALIVE, 1))
		rc = SQLITE_IOERR_SHMLOCK;
	if (rc != SQLITE_OK)
		drop(shm);
	return rc;
}

static int make_room(int fd, int region, bool may_extend)
{
	const int64_t need = ((int64_t)region + 1) * REGION, size = size_of(fd);

	if (size < 0)
		return SQLITE_IOERR_SHMSIZE;
	if (size >= need)
		return SQLITE_OK;
	if (!may_extend)
		return SQLITE_NOTFOUND;
	/* Blocks for all of it: a page without one would be a signal when the disk is full. */
	switch (posix_fallocate(fd, 0, need)) {
	case 0:
		return SQLITE_OK;
	case ENOSPC:
		return SQLITE_FULL;
	default:
		return SQLITE_IOERR_SHMSIZE;
	}
}

int shm_map(struct shm *shm, const char *path, int region, int size, bool may_extend, void **out)
{
	int rc = shm->fd < 0 ? open_index(shm, path) : SQLITE_OK;

	*out = NULL;
	if (rc == SQLITE_OK && size != REGION)
		rc = SQLITE_IOERR_SHMMAP;
	if (rc == SQLITE_OK)
		rc = make_room(shm->fd, region, may_extend);
	if (rc == SQLITE_NOTFOUND)
		return SQLITE_OK;
	while (rc == SQLITE_OK && shm->regions_n <= region)
		rc = add_region(shm);
	if (rc == SQLITE_OK)
		*out = shm->regions[region];
	return rc;
}

int shm_lock(struct shm *shm, int offset, int n, int flags)
{
	const unsigned bits = ((1u << n) - 1) << offset;
	const short type = flags & SQLITE_SHM_UNLOCK   ? F_UNLCK
			   : flags & SQLITE_SHM_SHARED ? F_RDLCK
						       : F_WRLCK;

	if (!lock(shm->fd, type, LOCK_FIRST + offset, n))
		return errno == EAGAIN || errno == EACCES ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
	if (type == F_UNLCK)
		shm->held &= ~bits;
	else
		shm->held |= bits;
	return SQLITE_OK;
}

void shm_leave(struct shm *shm, const char *path, bool is_true)
{
	if (shm->fd < 0)
		return;
	if (is_true && !shm->held && shm->regions_n && lock(shm->fd, F_WRLCK, LOCK_ALIVE, 1) &&
		size_of(shm->fd) >= REGION)
		atomic_store(mark_in(shm->regions[0]), mark_now(path));
	drop(shm);
}

/* A log that nobody wrote to yet gets its salts from the connection that writes first, if that one
 * is new. */
static bool has_salts(const char *region)
{
	static const char none[8];

	return memcmp(region + SALTS_AT, none, sizeof(none)) != 0;
}

int shm_move(struct shm *shm, const char *path)
{
	bool is_first = false, is_true = true;
	int rc = open_file(path, &shm->fd);

	if (rc == SQLITE_OK)
		rc = join(shm->fd, &is_first);
	if (rc == SQLITE_OK && size_of(shm->fd) < REGION)
		rc = SQLITE_BUSY;
	if (rc == SQLITE_OK && !map_region(shm->fd, 0, shm->regions[0]))
		rc = SQLITE_IOERR_SHMMAP;
	if (rc == SQLITE_OK && is_first)
		is_true = take_mark(shm->regions[0], path) && lock(shm->fd, F_RDLCK, LOCK_ALIVE, 1);
	if (rc == SQLITE_OK && (!is_true || !has_salts(shm->regions[0])))
		rc = SQLITE_BUSY;
	if (rc != SQLITE_OK)
		drop(shm);
	return rc;
}

const void *shm_index(const struct shm *shm)
{
	return shm->regions_n ? shm->regions[0] : NULL;
}

/* The header's first copy, the last thing that a commit writes. It has the checksum of the whole
 * log, so that no two states look the same; one that is just being written looks like none. */
uint64_t shm_stamp(const volatile void *index)
{
	const volatile uint64_t *words = index;
	uint64_t h = 0;

	atomic_thread_fence(memory_order_seq_cst);
	for (size_t i = 0; i < HEADER / sizeof(*words); i++)
		h = mix(h, words[i]);
	atomic_thread_fence(memory_order_acquire);
	return h;
}

void shm_done(struct shm *shm)
{
	for (int i = 0; i < shm->regions_n; i++)
		munmap(shm->regions[i], REGION);
	free(shm->regions);
	*shm = (struct shm){.fd = -1};
}

void shm_delete(const char *path)
{
	char name[NAME_MAX_LEN];

	if (name_of(name, path, "-shm"))
		unlink(name);
}
