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

/* db_vfs_register - set SQLite up for this process; any thread, as often as one likes. db_open()
 * does it too, but a process that locks itself in calls it before. */
void db_vfs_register(void);

#endif
