/*
 * io.h - the one door to write, sync, rename and open; and the faults that tests inject there.
 *
 * Files are named relative to a directory descriptor, because a process may be unable to walk the
 * path to its own directory after it dropped privileges. The database's files come through here
 * too (db/vfs.c asks io_fault_step() before each write and sync).
 *
 * Faults exist only in builds with -Dfaults=true. The environment variable
 * POSTHOUSE_FAULT=<process>:<step>:<n>:<action> makes the n-th step of a kind in that process
 * (1 = the first) act: step is write, sync, rename, open or durable (sync or rename); action is
 * fail (EIO, once), full (ENOSPC from the n-th on) or stop (the process ends at once, as by
 * kill -9). A unit test calls io_fault_set() instead.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum io_step { IO_WRITE, IO_SYNC, IO_RENAME, IO_OPEN, IO_STEP_COUNT };
enum io_action { IO_FAULT_NONE, IO_FAULT_FAIL, IO_FAULT_FULL, IO_FAULT_STOP };

/* io_open - openat() with O_CLOEXEC; the descriptor, or -ERR_NOTFOUND, -ERR_EXISTS, -ERR_IO. */
MUST_CHECK int io_open(int dirfd, const char *path, int flags, mode_t mode, struct err *err);

MUST_CHECK int io_write_all(int fd, struct slice bytes, struct err *err);
MUST_CHECK int io_sync(int fd, struct err *err); /* fdatasync */
/* io_rename - atomically, then the directory is synced. */
MUST_CHECK int io_rename(int dirfd, const char *from, const char *to, struct err *err);
/* io_sync_dir - a new or removed name in the directory is on disk. */
MUST_CHECK int io_sync_dir(int dirfd, struct err *err);

/* io_read_file - the whole of a file of at most out->max bytes, appended to out. */
MUST_CHECK int io_read_file(int dirfd, const char *path, struct buf *out, struct err *err);
/* io_replace_file - write a temporary file, sync, rename over path: old or new, never half. The mode
 * is as given, whatever the umask. */
MUST_CHECK int io_replace_file(
	int dirfd, const char *path, struct slice bytes, mode_t mode, struct err *err);

void io_close(int *fd); /* for AUTO(); -1 afterwards */

/* io_fault_step - count one step; 0, or the errno value that the step must fail with. */
int io_fault_step(enum io_step step);
/* io_fault_set - from now on the n-th step of this kind acts (all kinds have counters of their
 * own, which this sets to 0); IO_FAULT_NONE to stop. */
void io_fault_set(enum io_step step, unsigned n, enum io_action action);
/* io_fault_init - take the plan from the environment if it names this process. */
void io_fault_init(const char *process);

#endif
