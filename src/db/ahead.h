/*
 * ahead.h - reading a database in order from a disk that has to be waited for.
 *
 * The rows that a list of messages needs lie in the order of the messages, with their bodies in
 * between: each page is a read of its own, which the kernel does not take for a sequence. When the
 * reads of a file go up in small steps, the kernel is asked for what lies ahead.
 */
#ifndef DB_AHEAD_H
#define DB_AHEAD_H

#include <sqlite3.h>
#include <stdbool.h>

struct ahead {
	int fd;                    /* of the file; -1: not known */
	unsigned run;              /* reads in order so far */
	unsigned strays;           /* others since the last one in order */
	sqlite3_int64 last, asked; /* the last read; up to where the kernel was asked */
};

/* ahead_install - see which descriptors this VFS opens; once, before it is used. */
void ahead_install(sqlite3_vfs *vfs);
/* ahead_begin_open, ahead_end_open - around its xOpen on this thread: the descriptor of the file,
 * or -1 if it is not known (an old one was taken again) or not wanted. */
void ahead_begin_open(void);
int ahead_end_open(bool is_wanted);
/* ahead_note - n bytes at this place are about to be read. */
void ahead_note(struct ahead *ahead, sqlite3_int64 at, int n);

#endif
