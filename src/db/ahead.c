/* ahead.c - see ahead.h. */
#include "db/ahead.h"

#include <fcntl.h>

enum {
	STEP_MAX = 64 * 1024, /* farther apart it is cheaper to read only what is wanted */
	RUN_MIN = 16,
	STRAYS_MAX = 8,
	WINDOW = 4 << 20,
};

/* SQLite keeps a file's descriptor to itself, and a second one of our own would lose its locks when
 * closed: so its call of open() goes through us. */
static _Thread_local struct {
	bool is_opening;
	int fd;
} now;

static int open_noting(const char *path, int flags, int mode)
{
	const int fd = open(path, flags, mode);

	if (now.is_opening && fd >= 0 && now.fd < 0)
		now.fd = fd;
	return fd;
}

void ahead_install(sqlite3_vfs *vfs)
{
	if (vfs->iVersion >= 3 && vfs->xSetSystemCall)
		vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)open_noting);
}

void ahead_begin_open(void)
{
	now.is_opening = true;
	now.fd = -1;
}

int ahead_end_open(bool is_wanted)
{
	now.is_opening = false;
	return is_wanted ? now.fd : -1;
}

void ahead_note(struct ahead *ahead, sqlite3_int64 at, int n)
{
	const sqlite3_int64 step = at - ahead->last;

	if (step < 0 || step > STEP_MAX) {
		/* Now and then a page of the tree above is read in between. */
		if (ahead->run >= RUN_MIN && ++ahead->strays <= STRAYS_MAX)
			return;
		*ahead = (struct ahead){.fd = ahead->fd, .last = at + n};
		return;
	}
	ahead->last = at + n;
	ahead->strays = 0;
	if (++ahead->run < RUN_MIN || ahead->fd < 0 || at + WINDOW / 2 < ahead->asked)
		return;
	if (ahead->asked < at)
		ahead->asked = at;
	posix_fadvise(ahead->fd, ahead->asked, at + WINDOW - ahead->asked, POSIX_FADV_WILLNEED);
	ahead->asked = at + WINDOW;
}
