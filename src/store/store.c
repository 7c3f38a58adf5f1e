/* store.c - the accounts of a server and which of their databases are open. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/internal.h"

enum {
	OPEN_MIN = 8,
	VICTIMS_MAX = 16,    /* accounts looked at to close one */
	BLANK_MAX = 1 << 20, /* an empty account's file */
	REMOVE_WAIT_MS = 5000,
};

static int make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_errno(err, "cannot make directory %s", path);
}

/* The file of an account that has nothing yet: made once, then copied, which costs two flushes
 * instead of the dozen of SQLite's first steps. */
static int make_blank(struct store *store, struct err *err)
{
	struct db *db AUTO(db_close) = NULL;
	char path[64], side[80];
	int rc;

	snprintf(path, sizeof(path), "accounts/blank.%016llx", (unsigned long long)random_u64());
	rc = db_open(&(struct db_config){.path = path, .may_create = true}, &db, err);
	if (rc == 0)
		rc = schema_open(db, err);
	if (rc == 0)
		rc = db_checkpoint(db, err);
	db_close(&db);
	if (rc == 0)
		rc = io_read_file(AT_FDCWD, path, &store->blank, err);
	unlink(path);
	snprintf(side, sizeof(side), "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof(side), "%s-shm", path);
	unlink(side);
	return rc;
}

int store_new(const struct store_config *config, struct store **store_out, struct err *err)
{
	struct store *store;
	int rc = make_dir("accounts", err);

	if (rc == 0)
		rc = make_dir("spool", err);
	if (rc < 0)
		return rc;
	store = mem_new(struct store);
	store->config = *config;
	if (store->config.open_max < OPEN_MIN)
		store->config.open_max = OPEN_MIN;
	if (store->config.message_max == 0 || store->config.message_max > MESSAGE_SIZE_MAX)
		store->config.message_max = MESSAGE_SIZE_MAX;
	pthread_mutex_init(&store->lock, NULL);
	idle_init(store);
	buf_init(&store->blank, BLANK_MAX);
	store->shelf = db_shelf_new();
	store->spool_fd = io_open(AT_FDCWD, "spool", O_RDONLY | O_DIRECTORY, 0, err);
	rc = store->spool_fd < 0 ? store->spool_fd : make_blank(store, err);
	if (rc < 0) {
		store_free(&store);
		return rc;
	}
	disk_start(store);
	*store_out = store;
	return 0;
}

void store_free(struct store **store)
{
	struct account *account;
	size_t at = 0;

	if (!*store)
		return;
	while ((account = map_next(&(*store)->accounts, &at)))
		account_destroy(account);
	map_done(&(*store)->accounts);
	db_shelf_free(&(*store)->shelf);
	io_close(&(*store)->spool_fd);
	buf_done(&(*store)->blank);
	pthread_mutex_destroy(&(*store)->lock);
	free(*store);
	*store = NULL;
}

/* ---- files ---- */

void store_path(uint64_t id, char out[STORE_PATH_MAX])
{
	snprintf(out, STORE_PATH_MAX, "accounts/%02x/%016llx.db", (unsigned)(id & 0xff),
		(unsigned long long)id);
}

static int make_log(int dirfd, const char *name, struct err *err)
{
	char log[48];
	int fd AUTO(io_close) = -1;

	snprintf(log, sizeof(log), "%s-wal", name);
	fd = io_open(dirfd, log, O_WRONLY | O_CREAT, 0600, err);
	return fd < 0 ? fd : 0;
}

/* Complete under another name, then linked to its own: never half, and never over a file that
 * another server made meanwhile. */
static int make_file(struct store *store, uint64_t id, struct err *err)
{
	int dirfd AUTO(io_close) = -1, fd AUTO(io_close) = -1;
	char dir[STORE_PATH_MAX], temp[40], name[40];
	int rc;

	snprintf(dir, sizeof(dir), "accounts/%02x", (unsigned)(id & 0xff));
	snprintf(temp, sizeof(temp), "new.%016llx", (unsigned long long)random_u64());
	snprintf(name, sizeof(name), "%016llx.db", (unsigned long long)id);
	rc = make_dir(dir, err);
	if (rc < 0)
		return rc;
	dirfd = io_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, err);
	if (dirfd < 0)
		return dirfd;
	fd = io_open(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
	if (fd < 0)
		return fd;
	rc = io_write_all(fd, buf_slice(&store->blank), err);
	if (rc == 0)
		rc = io_sync(fd, err);
	/* The log first: where the database is, its log is, and the directory knows of both. */
	if (rc == 0)
		rc = make_log(dirfd, name, err);
	if (rc == 0 && linkat(dirfd, temp, dirfd, name, 0) < 0 && errno != EEXIST)
		rc = err_errno(err, "cannot make %s", name);
	unlinkat(dirfd, temp, 0);
	return rc < 0 ? rc : io_sync_dir(dirfd, err);
}

int store_open_file(struct store *store, uint64_t id, struct db **db_out, struct err *err)
{
	char path[STORE_PATH_MAX];
	const struct db_config config = {.path = path, .has_log = true, .shelf = store->shelf};
	struct db *db AUTO(db_close) = NULL;
	int rc;

	store_path(id, path);
	rc = db_open(&config, &db, err);
	if (rc == -ERR_NOTFOUND) {
		rc = make_file(store, id, err);
		if (rc == 0)
			rc = db_open(&config, &db, err);
	}
	if (rc == 0)
		rc = schema_open(db, err);
	if (rc < 0)
		return rc;
	*db_out = db;
	db = NULL;
	return 0;
}

/* ---- which are open ---- */

static void unmap(struct account *account)
{
	if (!account->is_removed && map_del(&account->store->accounts, map_key_u64(&account->id)))
		account->store->accounts_n--;
}

static void unlist(struct account *account)
{
	struct account_list *list = account->list_in;

	if (!list)
		return;
	*(account->older ? &account->older->newer : &list->oldest) = account->newer;
	*(account->newer ? &account->newer->older : &list->newest) = account->older;
	account->newer = account->older = NULL;
	account->list_in = NULL;
	list->n--;
}

static void list_newest(struct account_list *list, struct account *account)
{
	account->older = list->newest;
	account->newer = NULL;
	*(list->newest ? &list->newest->newer : &list->oldest) = account;
	list->newest = account;
	account->list_in = list;
	list->n++;
}

struct account *store_pick_idle(struct account_list *list, int64_t used_ms)
{
	unsigned looked = 0;

	for (struct account *a = list->oldest; a && looked < VICTIMS_MAX; a = a->newer, looked++) {
		if (a->used_ms >= used_ms)
			break;
		if (account_own_idle(a)) {
			unlist(a);
			return a;
		}
	}
	return NULL;
}

/* Under account.lock; true if one is left that nobody has selected. */
static bool drop_indexes(struct account *account, bool is_all)
{
	bool has_kept = false;

	for (size_t i = 0; i < account->list_n; i++) {
		struct mailbox *mb = account->list[i];

		if (mb->index && !mb->views && is_all)
			mailbox_set_index(account->store, mb, NULL);
		has_kept |= mb->index && !mb->views;
	}
	return has_kept;
}

static void close_idle(struct store *store, struct account *account, bool forgets)
{
	bool is_dead, is_warm;

	account_close_files(account);
	pthread_mutex_lock(&account->lock);
	account->is_closing = false;
	is_warm = drop_indexes(account, forgets);
	pthread_cond_broadcast(&account->changed);
	pthread_mutex_unlock(&account->lock);

	pthread_mutex_lock(&store->lock);
	is_dead = account->refs == 0 && !account->list_in && !is_warm;
	if (is_dead)
		unmap(account);
	else if (is_warm && !account->list_in && !account->is_removed)
		list_newest(&store->warm, account);
	pthread_mutex_unlock(&store->lock);
	if (is_dead)
		account_destroy(account);
	else
		account_disown(account);
}

void store_close_idle(struct store *store, struct account *account)
{
	close_idle(store, account, !store->config.pool);
}

void store_forget_idle(struct store *store, struct account *account)
{
	close_idle(store, account, true);
}

/* Indexes that nobody has selected, of the accounts that were used least lately. */
static void shed_indexes(struct store *store, struct account_list *list)
{
	unsigned looked = 0;

	for (struct account *a = list->oldest; a && looked < VICTIMS_MAX; a = a->newer, looked++) {
		if (store->index_bytes <= store->config.index_bytes_max)
			break;
		pthread_mutex_lock(&a->lock);
		drop_indexes(a, true);
		pthread_mutex_unlock(&a->lock);
	}
}

void store_touch(struct account *account)
{
	struct store *store = account->store;
	struct account *victim = NULL, *cold = NULL;

	pthread_mutex_lock(&store->lock);
	if (store->open.newest != account) {
		unlist(account);
		list_newest(&store->open, account);
	}
	account->used_ms = clock_mono_ms();
	idle_watch(store);
	if (store->open.n > store->config.open_max)
		victim = store_pick_idle(&store->open, INT64_MAX);
	if (store->index_bytes > store->config.index_bytes_max) {
		cold = store_pick_idle(&store->warm, INT64_MAX);
		shed_indexes(store, &store->open);
	}
	pthread_mutex_unlock(&store->lock);
	if (victim)
		store_close_idle(store, victim);
	if (cold)
		store_forget_idle(store, cold);
}

/* ---- accounts ---- */

int store_account(struct store *store, uint64_t id, uint64_t quota_bytes,
	struct account **account_out, struct err *err)
{
	struct account *account;

	(void)err;
	pthread_mutex_lock(&store->lock);
	account = map_get(&store->accounts, map_key_u64(&id));
	if (!account) {
		account = account_new(store, id);
		map_put(&store->accounts, map_key_u64(&account->id), account);
		store->accounts_n++;
	}
	account->refs++;
	account->quota = quota_bytes;
	pthread_mutex_unlock(&store->lock);
	*account_out = account;
	return 0;
}

struct account *account_ref(struct account *account)
{
	pthread_mutex_lock(&account->store->lock);
	account->refs++;
	pthread_mutex_unlock(&account->store->lock);
	return account;
}

void account_free(struct account **account)
{
	struct account *a = *account;
	bool is_dead;

	*account = NULL;
	if (!a)
		return;
	pthread_mutex_lock(&a->store->lock);
	/* One whose files are open, or which keeps an index, stays for a while. */
	is_dead = --a->refs == 0 && !a->list_in && account_own(a);
	if (is_dead)
		unmap(a);
	pthread_mutex_unlock(&a->store->lock);
	if (is_dead)
		account_destroy(a);
}

int store_create(struct store *store, uint64_t id, struct err *err)
{
	struct account *account AUTO(account_free) = NULL;
	char path[STORE_PATH_MAX];
	struct stat st;
	int rc;

	store_path(id, path);
	if (stat(path, &st) == 0)
		return err_set(err, ERR_EXISTS, "the account has a file already");
	rc = store_account(store, id, 0, &account, err);
	return rc < 0 ? rc : account_wait_loaded(account, err);
}

static bool own_for_removal(struct account *account)
{
	for (int i = 0; i < REMOVE_WAIT_MS; i++) {
		if (account_own_idle(account))
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
	}
	return false;
}

static void remove_files(uint64_t id)
{
	static const char *const suffixes[] = {"-wal", "-shm", ""};
	char path[STORE_PATH_MAX], name[STORE_PATH_MAX + 8];

	store_path(id, path);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

int store_remove(struct store *store, uint64_t id, struct err *err)
{
	struct account *account AUTO(account_free) = NULL;
	struct buf wake AUTO(buf_done);
	char path[STORE_PATH_MAX];
	struct stat st;
	int rc;

	buf_init(&wake, SIZE_MAX);
	store_path(id, path);
	if (stat(path, &st) < 0)
		return err_set(err, ERR_NOTFOUND, "the account has no file");
	rc = store_account(store, id, 0, &account, err);
	if (rc < 0)
		return rc;
	if (!own_for_removal(account))
		return err_set(err, ERR_BUSY, "the account is in use");
	account_close_files(account);
	remove_files(id);
	pthread_mutex_lock(&store->lock);
	unlist(account);
	unmap(account);
	account->is_removed = true;
	pthread_mutex_lock(&account->lock);
	account->is_closing = false;
	for (size_t i = 0; i < account->list_n; i++) {
		account->list[i]->is_gone = true;
		account->list[i]->version++;
		mailbox_watchers(account->list[i], &wake);
	}
	pthread_cond_broadcast(&account->changed);
	pthread_mutex_unlock(&account->lock);
	pthread_mutex_unlock(&store->lock);
	account_wake(account, &wake);
	account_disown(account);
	return 0;
}

void store_notice(struct store *store, uint64_t id, uint64_t modseq)
{
	struct account *account;
	struct buf wake AUTO(buf_done);

	buf_init(&wake, SIZE_MAX);
	pthread_mutex_lock(&store->lock);
	account = map_get(&store->accounts, map_key_u64(&id));
	if (account)
		account->refs++;
	pthread_mutex_unlock(&store->lock);
	if (!account)
		return;
	pthread_mutex_lock(&account->lock);
	if (account->is_loaded && modseq > account->row.modseq) {
		if (modseq > account->noticed)
			account->noticed = modseq;
		for (size_t i = 0; i < account->list_n; i++) {
			if (account->list[i]->views) {
				account->list[i]->version++;
				mailbox_watchers(account->list[i], &wake);
			}
		}
	}
	pthread_mutex_unlock(&account->lock);
	account_wake(account, &wake);
	account_free(&account);
}

int store_spool_dir(struct store *store)
{
	return store->spool_fd;
}

uint64_t store_message_max(struct store *store)
{
	return store->config.message_max;
}

void store_stats(struct store *store, struct store_stats *out)
{
	pthread_mutex_lock(&store->lock);
	*out = (struct store_stats){
		.accounts = store->accounts_n,
		.open = store->open.n,
		.views = store->views,
		.index_bytes = store->index_bytes,
		.commits = store->commits,
		.items = store->items,
		.checkpoints = store->checkpoints,
	};
	pthread_mutex_unlock(&store->lock);
}
