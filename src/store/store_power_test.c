/*
 * store_power_test.c - the power goes at any write or sync: of what was written since a file's last
 * sync any part may be lost. What was acknowledged is there all the same.
 *
 * A disk of our own stands below the program's: SQLite's default VFS at the first opening.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/test_scenario.h"

enum { FILES_MAX = 32, NAME_MAX_LEN = 128, WRITES_MAX = 20000, PAGE = 4096 };

/* A write since the last sync, kept to be done over a copy of the file as it was then. */
struct written {
	sqlite3_int64 at;
	int n;
	char *bytes;
};

/* A file by its name: handles come and go. */
struct platter {
	char name[NAME_MAX_LEN];
	char *synced; /* as of the last sync */
	size_t synced_len;
	struct written *writes;
	size_t writes_n;
};

struct handle {
	sqlite3_file base;
	struct platter *platter;
};

static struct {
	sqlite3_vfs vfs, *base;
	struct platter files[FILES_MAX];
	size_t files_n;
	unsigned steps, dies_at; /* 0: never */
	unsigned seed;
} disk;

static sqlite3_file *below(sqlite3_file *file)
{
	return (sqlite3_file *)((struct handle *)file + 1);
}

static bool is_dead(void)
{
	return disk.dies_at && ++disk.steps >= disk.dies_at;
}

static void remember_synced(struct platter *p)
{
	const int fd = open(p->name, O_RDONLY);
	struct stat st;

	for (size_t i = 0; i < p->writes_n; i++)
		free(p->writes[i].bytes);
	p->writes_n = 0;
	free(p->synced);
	p->synced = NULL;
	p->synced_len = 0;
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	p->synced_len = (size_t)st.st_size;
	p->synced = mem_alloc(p->synced_len);
	assert_true(pread(fd, p->synced, p->synced_len, 0) == (ssize_t)p->synced_len);
	close(fd);
}

static int disk_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct platter *p = ((struct handle *)file)->platter;

	if (is_dead())
		return SQLITE_IOERR_WRITE;
	if (!p->writes)
		p->writes = calloc(WRITES_MAX, sizeof(*p->writes));
	assert_true(p->writes_n < WRITES_MAX);
	p->writes[p->writes_n] = (struct written){at, n, mem_alloc((size_t)n)};
	memcpy(p->writes[p->writes_n++].bytes, bytes, (size_t)n);
	return below(file)->pMethods->xWrite(below(file), bytes, n, at);
}

static int disk_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	if (is_dead())
		return SQLITE_IOERR_FSYNC;
	remember_synced(((struct handle *)file)->platter);
	return SQLITE_OK;
}

/* Everything else goes through. */
#define PASS(name, params, args)                                                                   \
	static int disk_##name params                                                              \
	{                                                                                          \
		return below(file)->pMethods->name args;                                           \
	}
PASS(xClose, (sqlite3_file * file), (below(file)))
PASS(xRead, (sqlite3_file * file, void *out, int n, sqlite3_int64 at), (below(file), out, n, at))
PASS(xTruncate, (sqlite3_file * file, sqlite3_int64 n), (below(file), n))
PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *out), (below(file), out))
PASS(xLock, (sqlite3_file * file, int level), (below(file), level))
PASS(xUnlock, (sqlite3_file * file, int level), (below(file), level))
PASS(xCheckReservedLock, (sqlite3_file * file, int *out), (below(file), out))
PASS(xFileControl, (sqlite3_file * file, int op, void *arg), (below(file), op, arg))
PASS(xSectorSize, (sqlite3_file * file), (below(file)))
PASS(xDeviceCharacteristics, (sqlite3_file * file), (below(file)))
PASS(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
	(below(file), page, size, extend, out))
PASS(xShmLock, (sqlite3_file * file, int offset, int n, int flags), (below(file), offset, n, flags))
PASS(xShmUnmap, (sqlite3_file * file, int is_delete), (below(file), is_delete))

static void disk_xShmBarrier(sqlite3_file *file)
{
	below(file)->pMethods->xShmBarrier(below(file));
}

static struct platter *find_platter(const char *name)
{
	for (size_t i = 0; i < disk.files_n; i++) {
		if (strcmp(disk.files[i].name, name) == 0)
			return &disk.files[i];
	}
	assert_true(disk.files_n < FILES_MAX && strlen(name) < NAME_MAX_LEN);
	snprintf(disk.files[disk.files_n].name, NAME_MAX_LEN, "%s", name);
	remember_synced(&disk.files[disk.files_n]);
	return &disk.files[disk.files_n++];
}

static int disk_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
	static const sqlite3_io_methods methods = {
		.iVersion = 2,
		.xClose = disk_xClose,
		.xRead = disk_xRead,
		.xWrite = disk_write,
		.xTruncate = disk_xTruncate,
		.xSync = disk_sync,
		.xFileSize = disk_xFileSize,
		.xLock = disk_xLock,
		.xUnlock = disk_xUnlock,
		.xCheckReservedLock = disk_xCheckReservedLock,
		.xFileControl = disk_xFileControl,
		.xSectorSize = disk_xSectorSize,
		.xDeviceCharacteristics = disk_xDeviceCharacteristics,
		.xShmMap = disk_xShmMap,
		.xShmLock = disk_xShmLock,
		.xShmBarrier = disk_xShmBarrier,
		.xShmUnmap = disk_xShmUnmap,
	};
	int rc;

	(void)vfs;
	memset(file, 0, (size_t)disk.vfs.szOsFile);
	rc = disk.base->xOpen(disk.base, name, below(file), flags, flags_out);
	if (!below(file)->pMethods)
		return rc;
	file->pMethods = &methods;
	((struct handle *)file)->platter = find_platter(name);
	return rc;
}

static void install(void)
{
	if (disk.base)
		return;
	disk.base = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.base;
	disk.vfs.zName = "power";
	disk.vfs.szOsFile = (int)sizeof(struct handle) + disk.base->szOsFile;
	disk.vfs.xOpen = disk_open;
	sqlite3_vfs_register(&disk.vfs, 1);
}

/* Some of a write, page by page, and some of those torn. */
static void write_some(int fd, const struct written *w)
{
	for (int at = 0; at < w->n; at += PAGE) {
		const int whole = w->n - at < PAGE ? w->n - at : PAGE;
		const unsigned dice = rand_r(&disk.seed) % 4;
		const int n = dice == 0 ? whole / 2 : whole;

		if (dice != 1)
			assert_true(pwrite(fd, w->bytes + at, (size_t)n, w->at + at) == n);
	}
}

/* Each file becomes what was synced and some of what was written after. */
static void lose_power(void)
{
	for (size_t i = 0; i < disk.files_n; i++) {
		struct platter *p = &disk.files[i];
		const int fd = open(p->name, O_WRONLY | O_TRUNC);

		if (fd >= 0) {
			assert_true(
				pwrite(fd, p->synced, p->synced_len, 0) == (ssize_t)p->synced_len);
			for (size_t k = 0; k < p->writes_n; k++)
				write_some(fd, &p->writes[k]);
			close(fd);
		}
	}
}

static void forget_files(void)
{
	for (size_t i = 0; i < disk.files_n; i++) {
		for (size_t k = 0; k < disk.files[i].writes_n; k++)
			free(disk.files[i].writes[k].bytes);
		free(disk.files[i].writes);
		free(disk.files[i].synced);
	}
	memset(disk.files, 0, sizeof(disk.files));
	disk.files_n = 0;
	disk.steps = disk.dies_at = 0;
}

/* True if the power went before the scenario's end. */
static bool lose_once(unsigned at, unsigned seed)
{
	struct store *store;
	struct account *account;
	int acknowledged = 0;
	struct err err;

	help_enter();
	disk.seed = seed;
	store = help_store((struct store_config){.past_days = 7});
	account = help_account(store, 1);
	assert_int_equal(account_wait_loaded(account, &err), 0);
	disk.dies_at = at;
	while (acknowledged < SCENARIO_STEPS && scenario_run(account, acknowledged, &err) == 0)
		acknowledged++;
	account_free(&account);
	store_free(&store);
	lose_power();
	unlink("accounts/01/0000000000000001.db-shm");
	forget_files();
	scenario_verify(acknowledged);
	forget_files();
	help_leave();
	return acknowledged < SCENARIO_STEPS;
}

static void test_power(void **state)
{
	unsigned at;

	(void)state;
	install();
	scenario_expect(0);
	forget_files();
	for (unsigned seed = 1; seed <= 3; seed++) {
		for (at = 1; lose_once(at, seed * 1000 + at); at++)
			;
		assert_true(at > 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
