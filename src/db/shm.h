/*
 * shm.h - the index of a database's log, which its connections and processes share.
 *
 * SQLite keeps it in a file beside the database ("-shm") and, because it cannot know what a crash
 * left there, makes it anew from the whole log whenever the first connection opens the database:
 * for a server that opens and closes accounts all the time the largest part of an opening. Here the
 * last connection to leave marks the index as true of the log it leaves, in this boot of the
 * machine; who comes first believes a mark only if both files are as they were then, and takes it
 * away. A process that is killed leaves no mark.
 *
 * File, bytes and locks are as in SQLite's own VFS for Unix, so that programs with that one may
 * have the database open at the same time. (https://sqlite.org/walformat.html: the mark stands in
 * bytes 132..135, reserved for further expansion.)
 */
#ifndef DB_SHM_H
#define DB_SHM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct shm {
	int fd;        /* -1: not open */
	unsigned held; /* locks, a bit each */
	int regions_n;
	char **regions; /* mapped; they stay where they are until shm_done() */
};

/* shm_start - read what tells this boot from others; once, before anything else. */
void shm_start(void);

/* All return SQLite's codes; path is the database's. What xShmMap and xShmLock must do: */
int shm_map(struct shm *shm, const char *path, int region, int size, bool may_extend, void **out);
int shm_lock(struct shm *shm, int offset, int n, int flags);
/* shm_leave - give up file and locks. is_true: all that this connection did succeeded, so that the
 * index may be marked. What is mapped stays mapped. */
void shm_leave(struct shm *shm, const char *path, bool is_true);
/* shm_move - after shm_leave(), with one region: another database's index, at the same address.
 * SQLITE_BUSY if it would have to be made anew. After an error one is where one was: nowhere. */
int shm_move(struct shm *shm, const char *path);
/* shm_index - where it begins; NULL before it is mapped. shm_stamp - of an index: another one after
 * each commit of anybody's. */
const void *shm_index(const struct shm *shm);
uint64_t shm_stamp(const volatile void *index);
void shm_done(struct shm *shm); /* after shm_leave() */
void shm_delete(const char *path);

#endif
