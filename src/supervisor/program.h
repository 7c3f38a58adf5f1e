/*
 * program.h - which file is exec'd: the one we were started from, until an upgrade takes what
 * stands under its name now.
 *
 * The file is held by a descriptor, so that a crashed process is started again from the same
 * program although another one was installed meanwhile. Its folder is held too, because the
 * supervisor may not be able to walk the path again after it gave up capabilities.
 */
#ifndef SUPERVISOR_PROGRAM_H
#define SUPERVISOR_PROGRAM_H

#include "base/err.h"

struct program {
	int fd;        /* for execveat(); O_PATH */
	int before_fd; /* the one before an upgrade that is not accepted yet; -1: none */
	int folder_fd;
	char name[256];
};

void program_init(struct program *program);
MUST_CHECK int program_open(struct program *program, struct err *err);
/* program_reopen - take what is on disk now; accept or revert ends the trial. */
MUST_CHECK int program_reopen(struct program *program, struct err *err);
void program_accept(struct program *program);
void program_revert(struct program *program);
void program_close(struct program *program);

#endif
