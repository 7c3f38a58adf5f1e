/* io.c - see io.h for the contract. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

#ifdef PH_FAULTS

static struct {
	bool hit[IO_STEP_COUNT]; /* which kinds of step count */
	unsigned n;
	enum io_action action;
	atomic_uint seen;
} plan;

int io_fault_step(enum io_step step)
{
	unsigned at;

	if (plan.action == IO_FAULT_NONE || !plan.hit[step])
		return 0;
	at = atomic_fetch_add(&plan.seen, 1) + 1;
	if (at == plan.n && plan.action == IO_FAULT_STOP)
		_exit(137);
	if (at == plan.n && plan.action == IO_FAULT_FAIL)
		return EIO;
	return at >= plan.n && plan.action == IO_FAULT_FULL ? ENOSPC : 0;
}

void io_fault_set(enum io_step step, unsigned n, enum io_action action)
{
	memset(plan.hit, 0, sizeof(plan.hit));
	plan.hit[step] = true;
	plan.n = n;
	plan.seen = 0;
	plan.action = action;
}

void io_fault_init(const char *process)
{
	static const char *const steps[] = {"write", "sync", "rename", "open"};
	static const char *const actions[] = {"none", "fail", "full", "stop"};
	const char *env = getenv("POSTHOUSE_FAULT");
	char who[16], step[16], action[16];
	unsigned n;

	if (!env || sscanf(env, "%15[^:]:%15[^:]:%u:%15s", who, step, &n, action) != 4 ||
		strcmp(who, process) != 0)
		return;
	for (int a = 0; a < 4; a++) {
		if (strcmp(action, actions[a]) != 0)
			continue;
		for (int s = 0; s < IO_STEP_COUNT; s++) {
			if (strcmp(step, steps[s]) == 0)
				io_fault_set((enum io_step)s, n, (enum io_action)a);
		}
		if (strcmp(step, "durable") == 0) {
			io_fault_set(IO_SYNC, n, (enum io_action)a);
			plan.hit[IO_RENAME] = true;
		}
	}
}

#else

int io_fault_step(enum io_step step)
{
	(void)step;
	return 0;
}

void io_fault_set(enum io_step step, unsigned n, enum io_action action)
{
	(void)step;
	(void)n;
	(void)action;
}

void io_fault_init(const char *process)
{
	(void)process;
}

#endif

/* True (and errno set) if this step must fail. */
static bool is_faulty(enum io_step step)
{
	const int e = io_fault_step(step);

	if (e)
		errno = e;
	return e != 0;
}

int io_open(int dirfd, const char *path, int flags, mode_t mode, struct err *err)
{
	const int fd = is_faulty(IO_OPEN) ? -1 : openat(dirfd, path, flags | O_CLOEXEC, mode);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return err_set(err, ERR_NOTFOUND, "%s does not exist", path);
	if (errno == EEXIST)
		return err_set(err, ERR_EXISTS, "%s exists already", path);
	return err_errno(err, "cannot open %s", path);
}

int io_write_all(int fd, struct slice bytes, struct err *err)
{
	while (bytes.len) {
		const ssize_t n = is_faulty(IO_WRITE) ? -1 : write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot write");
		bytes = slice_from(bytes, (size_t)n);
	}
	return 0;
}

int io_sync(int fd, struct err *err)
{
	return is_faulty(IO_SYNC) || fdatasync(fd) < 0 ? err_errno(err, "cannot sync") : 0;
}

int io_sync_dir(int dirfd, struct err *err)
{
	int fd AUTO(io_close) = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || is_faulty(IO_SYNC) || fsync(fd) < 0)
		return err_errno(err, "cannot sync directory");
	return 0;
}

int io_rename(int dirfd, const char *from, const char *to, struct err *err)
{
	if (is_faulty(IO_RENAME) || renameat(dirfd, from, dirfd, to) < 0)
		return err_errno(err, "cannot rename %s to %s", from, to);
	return io_sync_dir(dirfd, err);
}

int io_read_file(int dirfd, const char *path, struct buf *out, struct err *err)
{
	int fd AUTO(io_close) = io_open(dirfd, path, O_RDONLY, 0, err);
	char chunk[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0)
			return err_errno(err, "cannot read %s", path);
		buf_append(out, (struct slice){chunk, (size_t)n});
	}
	return buf_check(out, path, err);
}

int io_replace_file(int dirfd, const char *path, struct slice bytes, mode_t mode, struct err *err)
{
	int fd AUTO(io_close) = -1;
	char temp[256];
	int rc;

	snprintf(temp, sizeof(temp), "%s.%016llx", path, (unsigned long long)random_u64());
	fd = io_open(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, mode, err);
	if (fd < 0)
		return fd;
	rc = fchmod(fd, mode) < 0 ? err_errno(err, "cannot set the mode of %s", path) : 0;
	if (rc == 0)
		rc = io_write_all(fd, bytes, err);
	if (rc == 0)
		rc = io_sync(fd, err);
	if (rc == 0)
		rc = io_rename(dirfd, temp, path, err);
	if (rc < 0)
		unlinkat(dirfd, temp, 0);
	return rc;
}

void io_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
