/* spool.c - see spool.h. */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"

enum { MEMORY_MAX = 64 * 1024 };

struct spool {
	_Atomic unsigned refs;
	int dirfd, fd; /* fd -1: in memory */
	uint64_t max, size;
	struct buf memory;
	void *map; /* of the whole file, or NULL */
};

struct spool *spool_new(int dirfd, uint64_t max)
{
	struct spool *spool = mem_new(struct spool);

	*spool = (struct spool){.refs = 1, .dirfd = dirfd, .fd = -1, .max = max};
	buf_init(&spool->memory, MEMORY_MAX);
	return spool;
}

struct spool *spool_ref(struct spool *spool)
{
	spool->refs++;
	return spool;
}

void spool_free(struct spool **spool)
{
	if (*spool && --(*spool)->refs == 0) {
		buf_done(&(*spool)->memory);
		if ((*spool)->map)
			munmap((*spool)->map, (size_t)(*spool)->size);
		io_close(&(*spool)->fd);
		free(*spool);
	}
	*spool = NULL;
}

/* A file without a name; where the file system has no such thing, its name goes at once. */
static int make_file(struct spool *spool, struct err *err)
{
	char name[32];
	int fd = io_open(spool->dirfd, ".", O_TMPFILE | O_RDWR, 0600, err);

	if (fd < 0) {
		snprintf(name, sizeof(name), "%016llx", (unsigned long long)random_u64());
		fd = io_open(spool->dirfd, name, O_RDWR | O_CREAT | O_EXCL, 0600, err);
		if (fd < 0)
			return fd;
		unlinkat(spool->dirfd, name, 0);
	}
	return fd;
}

static int open_file(struct spool *spool, struct err *err)
{
	const int fd = make_file(spool, err);

	if (fd < 0)
		return fd;
	spool->fd = fd;
	return io_write_all(fd, buf_slice(&spool->memory), err);
}

int spool_share(struct spool *spool, struct err *err)
{
	int fd AUTO(io_close) = -1, shared, rc;

	if (spool->fd >= 0) {
		fd = fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
		rc = fd < 0 ? err_errno(err, "cannot share a message") : 0;
	} else {
		fd = make_file(spool, err);
		rc = fd < 0 ? fd : io_write_all(fd, buf_slice(&spool->memory), err);
	}
	if (rc < 0)
		return rc;
	shared = fd;
	fd = -1;
	return shared;
}

int spool_append(struct spool *spool, struct slice bytes, struct err *err)
{
	int rc = 0;

	if (bytes.len > spool->max - spool->size)
		return err_set(
			err, ERR_TOOBIG, "more than %llu bytes", (unsigned long long)spool->max);
	if (spool->fd < 0 && spool->size + bytes.len <= MEMORY_MAX) {
		buf_append(&spool->memory, bytes);
	} else {
		if (spool->fd < 0) {
			rc = open_file(spool, err);
			buf_done(&spool->memory);
		}
		if (rc == 0)
			rc = io_write_all(spool->fd, bytes, err);
	}
	if (rc == 0)
		spool->size += bytes.len;
	else
		spool->max = spool->size; /* a hole must not be filled later */
	return rc;
}

uint64_t spool_size(const struct spool *spool)
{
	return spool->size;
}

int spool_read(struct spool *spool, uint64_t at, size_t n, struct buf *out, struct err *err)
{
	struct slice view;
	char *to;

	if (at > spool->size)
		at = spool->size;
	if (n > spool->size - at)
		n = (size_t)(spool->size - at);
	if (spool_view(spool, &view)) {
		buf_append(out, slice_head(slice_from(view, (size_t)at), n));
		return buf_check(out, "spooled bytes", err);
	}
	to = buf_reserve(out, n);
	if (!to)
		return buf_check(out, "spooled bytes", err);
	while (n) {
		const ssize_t got = pread(spool->fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_errno(err, "cannot read the spool");
		to += got;
		out->len += (size_t)got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

bool spool_view(const struct spool *spool, struct slice *out)
{
	if (spool->fd >= 0)
		return false;
	*out = buf_slice(&spool->memory);
	return true;
}

int spool_fd(const struct spool *spool)
{
	return spool->fd < 0 ? -1 : fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
}

int spool_map(struct spool *spool, struct slice *out, struct err *err)
{
	void *map;

	if (spool_view(spool, out))
		return 0;
	map = mmap(NULL, (size_t)spool->size, PROT_READ, MAP_SHARED, spool->fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, "cannot map the spool");
	spool->map = map;
	spool->max = spool->size;
	*out = (struct slice){map, (size_t)spool->size};
	return 0;
}
