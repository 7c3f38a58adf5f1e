/* vfs.c - a thin layer over SQLite's VFS for Unix. */
#include "db/vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "db/ahead.h"
#include "db/heap.h"
#include "db/shm.h"

enum { HELD_MAX = 64 * 1024, PATH_SIZE = 512 };

/*
 * A file of ours: the base's own object follows. `is_clean` says that this handle was synced and
 * nothing was written through it since: SQLite syncs the log once more at the start of each
 * checkpoint, though every commit did so already, and that flush would be for nothing. A handle
 * starts unclean, because what it finds may be left by a process that was killed before its sync.
 *
 * SQLite writes a page of the log in two pieces. Writes to a log that follow each other are held
 * back and done together, at the latest at the next sync, or when this handle reads. Nobody is told
 * of them before that sync: with synchronous=FULL the log's index names a commit only then. (Not so
 * a checkpoint's writes to the database: an incomplete one is published without a sync.)
 */
struct file {
	sqlite3_file base;
	bool is_clean, may_hold;
	char *held; /* HELD_MAX bytes; NULL: nothing is held */
	int held_n;
	sqlite3_int64 held_at;
	struct ahead ahead;
	struct file *database; /* whose log this is, or itself */

	/* Of a database, not its log: */
	const char *path;
	char *own_path; /* path, if it is ours to free */
	struct file *log;
	struct shm shm;
	bool is_suspect; /* something failed: the log's index may not be marked as true */
};

static struct {
	pthread_once_t once;
	sqlite3_vfs *base;
	sqlite3_vfs vfs;
} door = {.once = PTHREAD_ONCE_INIT};

static sqlite3_file *below(sqlite3_file *file)
{
	return (sqlite3_file *)((struct file *)file + 1);
}

/* The outcome of a write or sync, noted at the database. */
static int note(struct file *f, int rc)
{
	if (rc != SQLITE_OK)
		f->database->is_suspect = true;
	return rc;
}

static int write_now(struct file *f, const void *bytes, int n, sqlite3_int64 at)
{
	const int fault = io_fault_step(IO_WRITE);

	if (fault)
		return note(f, fault == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE);
	return note(f, below(&f->base)->pMethods->xWrite(below(&f->base), bytes, n, at));
}

/* What could not be written is dropped: the transaction that wrote it fails. */
static int write_held(struct file *f)
{
	int rc;

	if (!f->held)
		return SQLITE_OK;
	rc = write_now(f, f->held, f->held_n, f->held_at);
	free(f->held);
	f->held = NULL;
	return rc;
}

/* What is held of a transaction that never came to its sync is nothing that anybody knows of. */
static int close_below(struct file *f)
{
	sqlite3_file *base = below(&f->base);
	const int rc = base->pMethods ? base->pMethods->xClose(base) : SQLITE_OK;

	base->pMethods = NULL;
	free(f->held);
	f->held = NULL;
	return rc;
}

static int file_close(sqlite3_file *file)
{
	struct file *f = (struct file *)file;
	const int rc = close_below(f);

	if (f->database != f)
		f->database->log = NULL;
	shm_leave(&f->shm, f->path, false);
	shm_done(&f->shm);
	sqlite3_free_filename(f->own_path);
	return rc;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	struct file *f = (struct file *)file;
	const int rc = write_held(f);

	if (rc != SQLITE_OK)
		return rc;
	ahead_note(&f->ahead, at, n);
	return below(file)->pMethods->xRead(below(file), out, n, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct file *f = (struct file *)file;

	f->is_clean = false;
	if (f->held && (at != f->held_at + f->held_n || n > HELD_MAX - f->held_n)) {
		const int rc = write_held(f);

		if (rc != SQLITE_OK)
			return rc;
	}
	if (!f->may_hold || n > HELD_MAX)
		return write_now(f, bytes, n, at);
	if (!f->held) {
		f->held = mem_alloc(HELD_MAX);
		f->held_n = 0;
		f->held_at = at;
	}
	memcpy(f->held + f->held_n, bytes, (size_t)n);
	f->held_n += n;
	return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	const int rc = write_held((struct file *)file);

	((struct file *)file)->is_clean = false;
	return rc == SQLITE_OK ? below(file)->pMethods->xTruncate(below(file), size) : rc;
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct file *f = (struct file *)file;
	int rc;

	if (f->is_clean)
		return SQLITE_OK;
	rc = write_held(f);
	if (rc != SQLITE_OK)
		return rc;
	if (io_fault_step(IO_SYNC))
		return note(f, SQLITE_IOERR_FSYNC);
	rc = note(f, below(file)->pMethods->xSync(below(file), flags));
	f->is_clean = rc == SQLITE_OK;
	return rc;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
	const int rc = write_held((struct file *)file);

	return rc == SQLITE_OK ? below(file)->pMethods->xFileSize(below(file), out) : rc;
}

static int file_lock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xLock(below(file), level);
}

/* Between two files SQLite may still close it, which asks these two. */
static bool is_away(sqlite3_file *file)
{
	return !below(file)->pMethods;
}

static int file_unlock(sqlite3_file *file, int level)
{
	return is_away(file) ? SQLITE_OK : below(file)->pMethods->xUnlock(below(file), level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
	return below(file)->pMethods->xCheckReservedLock(below(file), out);
}

static int leave_file(struct file *f);
static int go_to_file(struct file *f, const char *path);

static int file_control(sqlite3_file *file, int op, void *arg)
{
	if (op == DB_VFS_LEAVE)
		return leave_file((struct file *)file);
	if (op == DB_VFS_GO)
		return go_to_file((struct file *)file, arg);
	if (op == DB_VFS_INDEX) {
		*(const void **)arg = shm_index(&((struct file *)file)->shm);
		return SQLITE_OK;
	}
	return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
	return below(file)->pMethods->xSectorSize(below(file));
}

static int file_characteristics(sqlite3_file *file)
{
	return is_away(file) ? 0 : below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	struct file *f = (struct file *)file;
	void *p;
	const int rc = shm_map(&f->shm, f->path, page, size, extend, &p);

	*out = p;
	return rc;
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return shm_lock(&((struct file *)file)->shm, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	(void)file;
	atomic_thread_fence(memory_order_seq_cst);
}

static int file_shm_unmap(sqlite3_file *file, int is_delete)
{
	struct file *f = (struct file *)file;

	shm_leave(&f->shm, f->path, !is_delete && !f->is_suspect);
	shm_done(&f->shm);
	if (is_delete)
		shm_delete(f->path);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* ---- from one file to another, see vfs.h ---- */

static int leave_file(struct file *f)
{
	if (!f->log || f->log->held || f->is_suspect || f->shm.held || f->shm.regions_n != 1)
		return SQLITE_BUSY;
	shm_leave(&f->shm, f->path, true);
	close_below(f->log);
	close_below(f);
	return SQLITE_OK;
}

static int open_below(struct file *f, const char *path, int flags, int *flags_out)
{
	int rc;

	f->is_clean = false;
	ahead_begin_open();
	rc = door.base->xOpen(door.base, path, below(&f->base), flags, flags_out);
	f->ahead = (struct ahead){.fd = ahead_end_open(flags & SQLITE_OPEN_MAIN_DB)};
	return rc;
}

static int open_both(struct file *f, const char *path)
{
	int one = 1, rc = open_below(f, path, SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE, NULL);

	/* As in SQLite a database with a log is under a shared lock all the time. */
	if (rc == SQLITE_OK)
		rc = below(&f->base)->pMethods->xLock(below(&f->base), SQLITE_LOCK_SHARED);
	if (rc == SQLITE_OK)
		rc = open_below(f->log, sqlite3_filename_wal(path),
			SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		below(&f->base)->pMethods->xFileControl(
			below(&f->base), SQLITE_FCNTL_PERSIST_WAL, &one);
	return rc;
}

static int go_to_file(struct file *f, const char *path)
{
	char wal[PATH_SIZE];
	const char *name;
	int rc;

	if (below(&f->base)->pMethods ||
		snprintf(wal, sizeof(wal), "%s-wal", path) >= (int)sizeof(wal))
		return SQLITE_CANTOPEN;
	name = sqlite3_create_filename(path, "", wal, 0, NULL);
	if (!name)
		return SQLITE_NOMEM;
	sqlite3_free_filename(f->own_path);
	f->path = f->own_path = (char *)name;
	rc = shm_move(&f->shm, path);
	if (rc == SQLITE_OK)
		rc = open_both(f, name);
	if (rc != SQLITE_OK) {
		close_below(f->log);
		close_below(f);
		shm_leave(&f->shm, path, false);
	}
	return rc;
}

static int vfs_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
	struct file *f = (struct file *)file;
	int rc;

	(void)vfs;
	*f = (struct file){.may_hold = flags & SQLITE_OPEN_WAL,
		.database = f,
		.path = name,
		.shm = {.fd = -1}};
	memset(below(file), 0, (size_t)door.base->szOsFile);
	/* Otherwise SQLite syncs the directory at the first commit of every handle, for it may have
	 * made the log. (Where a file was put back without its log, it does make it.) */
	if (flags & SQLITE_OPEN_WAL && sqlite3_uri_boolean(name, DB_VFS_HAS_LOG, 0) &&
		access(name, F_OK) == 0)
		flags &= ~SQLITE_OPEN_CREATE;
	rc = open_below(f, name, flags, flags_out);
	if (!below(file)->pMethods)
		return rc;
	f->base.pMethods = &methods;
	if (flags & SQLITE_OPEN_WAL) {
		f->database = (struct file *)sqlite3_database_file_object(name);
		f->database->log = f;
	}
	return rc;
}

/* The name as it is: the way from the root to our own directory may be closed to us. */
static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int cap, char *out)
{
	const size_t n = strlen(name);

	(void)vfs;
	if (n >= (size_t)cap)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n + 1);
	return SQLITE_OK;
}

static void set_up(void)
{
	char byte;

	heap_install();
	shm_start();
	/* Memory statistics are a lock around every allocation. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* Pages one by one: the first ones of a cache would come as a block of 20, needed or not.
	 */
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	sqlite3_initialize();
	door.base = sqlite3_vfs_find(NULL);
	ahead_install(door.base);
	door.vfs = *door.base;
	door.vfs.zName = DB_VFS_NAME;
	door.vfs.pNext = NULL;
	door.vfs.szOsFile = (int)sizeof(struct file) + door.base->szOsFile;
	door.vfs.xOpen = vfs_open;
	door.vfs.xFullPathname = vfs_full_name;
	sqlite3_vfs_register(&door.vfs, 0);
	/* Seeds SQLite's own numbers while /dev/urandom can still be opened. */
	sqlite3_randomness(sizeof(byte), &byte);
}

void db_vfs_register(void)
{
	pthread_once(&door.once, set_up);
}
