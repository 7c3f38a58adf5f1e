/* instance.c - see instance.h for the contract. */
#include "admin/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "keeper/keeper.h"

/* What stands in run/lock while an instance runs, and stays there when it is killed. */
static const char lock_mark[] = "running\n";

enum { CERTIFICATE_DAYS = 3650, CERTIFICATE_MAX = 64 << 10 };

int instance_lock(const char *shown_dir, int *fd_out, bool *was_interrupted_out, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd AUTO(io_close) = io_open(AT_FDCWD, "run/lock", O_RDWR | O_CREAT, 0644, err);
	char mark;

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(err, "cannot lock %s/run/lock", shown_dir);
		if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			lock.l_pid = 0;
		return err_set(err, ERR_BUSY, "%.80s is in use by another posthouse (process %d)",
			shown_dir, (int)lock.l_pid);
	}
	*was_interrupted_out = pread(fd, &mark, 1, 0) == 1;
	if (pwrite(fd, lock_mark, sizeof(lock_mark) - 1, 0) < 0)
		return err_errno(err, "cannot write %s/run/lock", shown_dir);
	*fd_out = fd;
	fd = -1;
	return 0;
}

void instance_unlock(int *fd)
{
	if (*fd >= 0 && ftruncate(*fd, 0) < 0)
		perror("posthouse: run/lock"); /* only makes the next start more patient */
	io_close(fd);
}

int instance_process(const char *shown_dir, pid_t *out, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd AUTO(io_close) = io_open(AT_FDCWD, "run/lock", O_RDONLY, 0, err);

	if (fd < 0 && fd != -ERR_NOTFOUND)
		return fd;
	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) < 0)
		return err_errno(err, "cannot ask for the lock of %s", shown_dir);
	if (fd < 0 || lock.l_type == F_UNLCK)
		return err_set(err, ERR_NOTFOUND, "nothing is running in %.100s", shown_dir);
	*out = lock.l_pid;
	return 0;
}

int instance_make_certificate(struct slice name, struct err *err)
{
	const struct slice names[] = {
		slice_lit("localhost"), slice_lit("127.0.0.1"), slice_lit("::1")};
	const struct keeper_certificate what = {.name = name,
		.names = names,
		.n = sizeof(names) / sizeof(names[0]),
		.days = CERTIFICATE_DAYS};
	struct buf chain AUTO(buf_done);

	buf_init(&chain, CERTIFICATE_MAX);
	return keeper_certificate_make(INSTANCE_KEEPER_CLI, &what, &chain, err);
}
