/*
 * instance.h - the one instance that may use a DIR: its lock, its process, its first certificate.
 *
 * run/lock holds a record lock while the supervisor lives; the kernel tells whose it is, so there
 * is no number in a file that could be stale. All names are relative to DIR, the current directory.
 */
#ifndef ADMIN_INSTANCE_H
#define ADMIN_INSTANCE_H

#include <sys/types.h>

#include "base/buf.h"

/* instance_lock - take the lock; the descriptor in *fd_out. The file must never be opened a second
 * time by this process: closing any descriptor of it gives the lock back. -ERR_BUSY: taken.
 * *was_interrupted_out: the one before did not call instance_unlock(). */
MUST_CHECK int instance_lock(
	const char *shown_dir, int *fd_out, bool *was_interrupted_out, struct err *err);
void instance_unlock(int *fd);

/* instance_process - the supervisor that holds the lock. -ERR_NOTFOUND: none runs. */
MUST_CHECK int instance_process(const char *shown_dir, pid_t *out, struct err *err);

/* instance_make_certificate - tls/NAME.pem, self-signed, for localhost: never for a name that a
 * real certificate may come for. */
MUST_CHECK int instance_make_certificate(struct slice name, struct err *err);

#define INSTANCE_CONTROL "run/control.sock"
#define INSTANCE_KEEPER_CLI "run/keeper-cli.sock"

#endif
