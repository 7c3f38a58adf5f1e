/*
 * vfs.h - how SQLite reaches the disk: the system's VFS with our rules, see db.h.
 *
 * The base is SQLite's default VFS at the moment of the first call, so that a test can put a disk
 * of its own (one that loses what was not synced) below.
 */
#ifndef DB_VFS_H
#define DB_VFS_H

#define DB_VFS_NAME "posthouse"

/* Parameter of a database's name: see db_config.has_log. */
#define DB_VFS_HAS_LOG "has_log"

/*
 * Operations of sqlite3_file_control(). An opening costs a schema to parse and statements to
 * compile, which are the same for every account; so a connection may go from one file to another.
 * For SQLite that is as if somebody else had written the file between two transactions.
 *
 * LEAVE: outside of a transaction, with an empty page cache; the file and its log are closed, and
 * only GO and closing work. SQLITE_BUSY if that cannot be. GO (const char *path): open another,
 * whose schema the caller must see to be the same. After an error it is to be closed.
 *
 * INDEX (const void **): where the log's index begins (shm.h); NULL before anything was read.
 */
enum { DB_VFS_LEAVE = 0x5048001, DB_VFS_GO, DB_VFS_INDEX };

/* db_vfs_register - set SQLite up for this process; any thread, as often as one likes. db_open()
 * does it too, but a process that locks itself in calls it before. */
void db_vfs_register(void);

#endif
