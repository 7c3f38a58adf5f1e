/* account.c - an account's presence in memory: what is loaded, and what is told of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/internal.h"

struct account *account_new(struct store *store, uint64_t id)
{
	struct account *account = mem_new(struct account);

	account->id = id;
	account->store = store;
	account->tail = &account->head;
	pthread_mutex_init(&account->lock, NULL);
	pthread_cond_init(&account->changed, NULL);
	upkeep_init(account);
	return account;
}

void mailbox_set_index(struct store *store, struct mailbox *mb, struct index *ix)
{
	if (mb->index)
		store->index_bytes -= index_bytes(mb->index);
	if (ix)
		store->index_bytes += index_bytes(ix);
	index_free(&mb->index);
	mb->index = ix;
}

void mailbox_unref(struct mailbox *mb)
{
	if (--mb->refs)
		return;
	index_free(&mb->index);
	free(mb->name);
	free(mb);
}

static void forget(struct account *account)
{
	for (size_t i = 0; i < account->list_n; i++) {
		mailbox_set_index(account->store, account->list[i], NULL);
		mailbox_unref(account->list[i]);
	}
	free(account->list);
	account->list = NULL;
	account->list_n = 0;
	for (size_t i = 0; i < account->keywords_n; i++)
		free(account->keywords[i]);
	free(account->keywords);
	account->keywords = NULL;
	account->keywords_n = 0;
}

void account_destroy(struct account *account)
{
	account_close_files(account);
	forget(account);
	free(account->waiters);
	pthread_mutex_destroy(&account->lock);
	pthread_cond_destroy(&account->changed);
	free(account);
}

void account_close_files(struct account *account)
{
	struct err ignored;

	/* A long log would be read by whoever opens the file next. */
	if (account->db && db_log_bytes(account->db) > WAL_EVICT &&
		db_empty_log(account->db, &ignored) == 0)
		account->store->checkpoints++;
	for (int i = 0; i < READERS; i++) {
		struct account_reader *reader = account->readers[i];

		if (!reader)
			continue;
		assert(!reader->is_taken);
		db_close(&reader->db);
		free(reader);
		account->readers[i] = NULL;
	}
	db_close(&account->db);
}

struct mailbox *account_find(struct account *account, uint64_t id)
{
	size_t low = 0, high = account->list_n;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (account->list[mid]->row.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < account->list_n && account->list[low]->row.id == id ? account->list[low]
									 : NULL;
}

void account_add_keyword(struct account *account, struct slice name)
{
	account->keywords = mem_realloc(
		account->keywords, (account->keywords_n + 1) * sizeof(account->keywords[0]));
	account->keywords[account->keywords_n++] = mem_str(name);
}

void account_wake(struct account *account, const struct buf *refs)
{
	if (refs->len && account->store->config.pool)
		pool_wake_many(account->store->config.pool, (const struct conn_ref *)refs->ptr,
			refs->len / sizeof(struct conn_ref));
}

/* ---- loading: by the owner of the queue, in a transaction ---- */

/* What every account has from its first day. */
static int make_mailboxes(struct db *db, uint32_t uidvalidity, struct err *err)
{
	static const struct {
		const char *name;
		enum mailbox_role role;
	} first[] = {
		{"INBOX", ROLE_INBOX},
		{"Drafts", ROLE_DRAFTS},
		{"Sent", ROLE_SENT},
		{"Junk", ROLE_JUNK},
		{"Trash", ROLE_TRASH},
		{"Archive", ROLE_ARCHIVE},
	};
	const int n = sizeof(first) / sizeof(first[0]);
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++)
		rc = db_do(db, err,
			"INSERT INTO mailbox (id, name, role, flags, uidvalidity, uidnext, recent,"
			" messages, unseen, deleted, bytes, modseq)"
			" VALUES (?, ?, ?, 1, ?, 1, 1, 0, 0, 0, 0, 1)",
			db_i(i + 1), db_t(slice_str(first[i].name)), db_i(first[i].role),
			db_i(uidvalidity + i));
	if (rc < 0)
		return rc;
	return db_do(db, err,
		"UPDATE account SET epoch = ?, modseq = 1, mailbox = ?, uidvalidity = ?",
		db_i((int64_t)(random_u64() >> 32 | 1)), db_i(n), db_i(uidvalidity + n - 1));
}

static int read_row(struct db *db, struct account_row *out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(db, &stmt, err,
		"SELECT epoch, modseq, floor, message, mailbox, uidvalidity, messages, bytes,"
		" past_bytes, shares, keywords FROM account WHERE id = 1");

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "the account has no row");
	*out = (struct account_row){
		.epoch = (uint64_t)db_int(stmt, 0),
		.modseq = (uint64_t)db_int(stmt, 1),
		.floor = (uint64_t)db_int(stmt, 2),
		.message = (uint64_t)db_int(stmt, 3),
		.mailbox = (uint64_t)db_int(stmt, 4),
		.uidvalidity = (uint64_t)db_int(stmt, 5),
		.messages = (uint64_t)db_int(stmt, 6),
		.bytes = (uint64_t)db_int(stmt, 7),
		.past_bytes = (uint64_t)db_int(stmt, 8),
		.shares = (uint64_t)db_int(stmt, 9),
		.keywords = (uint64_t)db_int(stmt, 10),
	};
	return 0;
}

/* A new file. This is committed before anything else: what is loaded is then there, whatever
 * becomes of the transaction that follows. */
static int begin_life(struct account *account, struct account_row *row, struct err *err)
{
	int rc = make_mailboxes(account->db, (uint32_t)clock_wall_s(), err);

	if (rc == 0)
		rc = db_commit(account->db, err);
	if (rc == 0)
		rc = db_begin(account->db, err);
	return rc < 0 ? rc : read_row(account->db, row, err);
}

/* One mailbox as it is now; what we know of it already keeps its views. */
static void load_mailbox(struct account *account, struct db_stmt *stmt)
{
	const struct mailbox_row row = {
		.id = (uint64_t)db_int(stmt, 0),
		.role = (enum mailbox_role)db_int(stmt, 2),
		.flags = (uint64_t)db_int(stmt, 3),
		.uidvalidity = (uint32_t)db_int(stmt, 4),
		.uidnext = (uint32_t)db_int(stmt, 5),
		.messages = (uint32_t)db_int(stmt, 7),
		.unseen = (uint32_t)db_int(stmt, 8),
		.deleted = (uint32_t)db_int(stmt, 9),
		.bytes = (uint64_t)db_int(stmt, 10),
		.modseq = (uint64_t)db_int(stmt, 11),
	};
	struct mailbox *mb = account_find(account, row.id);

	if (!mb) {
		mb = mem_new(struct mailbox);
		mb->refs = 1;
		mb->recent = (uint32_t)db_int(stmt, 6);
		account->list = mem_realloc(
			account->list, (account->list_n + 1) * sizeof(struct mailbox *));
		account->list[account->list_n++] = mb;
	}
	if (mb->row.modseq != row.modseq)
		mb->version++;
	mb->row = row;
	free(mb->name);
	mb->name = mem_str(db_text(stmt, 1));
}

static void drop_missing(struct account *account, const struct map *seen)
{
	size_t kept = 0;

	for (size_t i = 0; i < account->list_n; i++) {
		struct mailbox *mb = account->list[i];

		if (map_get(seen, map_key_u64(&mb->row.id))) {
			account->list[kept++] = mb;
			continue;
		}
		mb->is_gone = true;
		mb->version++;
		mailbox_set_index(account->store, mb, NULL);
		mailbox_unref(mb);
	}
	account->list_n = kept;
}

static int load_mailboxes(struct account *account, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	const size_t known = account->list_n;
	struct map seen AUTO(map_done) = {0};
	int rc = db_query(account->db, &stmt, err,
		"SELECT id, name, role, flags, uidvalidity, uidnext, recent, messages, unseen,"
		" deleted, bytes, modseq FROM mailbox ORDER BY id");

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		rc = 0;
		load_mailbox(account, stmt);
		if (known) {
			struct mailbox *mb = account_find(account, (uint64_t)db_int(stmt, 0));

			map_put(&seen, map_key_u64(&mb->row.id), mb);
		}
		continue;
	}
	if (rc == 0 && known)
		drop_missing(account, &seen);
	return rc;
}

static int load_keywords(struct account *account, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	int rc = db_query(account->db, &stmt, err,
		"SELECT name FROM keyword WHERE id >= ? ORDER BY id LIMIT ?",
		db_i((int64_t)account->keywords_n),
		db_i(KEYWORD_COUNT_MAX - (int64_t)account->keywords_n));

	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		rc = 0;
		account_add_keyword(account, db_text(stmt, 0));
	}
	return rc;
}

int account_load(struct account *account, struct err *err)
{
	const bool was_loaded = account->is_loaded;
	struct buf wake AUTO(buf_done) = {.max = SIZE_MAX};
	struct account_row row;
	int rc = read_row(account->db, &row, err);

	buf_init(&wake, SIZE_MAX);
	if (rc == 0 && row.epoch == 0)
		rc = begin_life(account, &row, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&account->lock);
	rc = load_mailboxes(account, err);
	if (rc == 0 && row.keywords > account->keywords_n)
		rc = load_keywords(account, err);
	if (rc == 0) {
		account->row = row;
		account->is_loaded = true;
	}
	for (size_t i = 0; was_loaded && i < account->list_n; i++)
		mailbox_watchers(account->list[i], &wake);
	pthread_mutex_unlock(&account->lock);
	account_wake(account, &wake);
	return rc;
}

/* ---- what anybody may ask ---- */

uint64_t account_id(const struct account *account)
{
	return account->id;
}

uint64_t account_epoch(struct account *account)
{
	struct err ignored;
	uint64_t epoch;

	if (account_wait_loaded(account, &ignored) < 0)
		return 0;
	pthread_mutex_lock(&account->lock);
	epoch = account->row.epoch;
	pthread_mutex_unlock(&account->lock);
	return epoch;
}

void account_usage(struct account *account, struct account_usage *out)
{
	struct err ignored;

	*out = (struct account_usage){0};
	if (account_wait_loaded(account, &ignored) < 0)
		return;
	pthread_mutex_lock(&account->lock);
	*out = (struct account_usage){.bytes = account->row.bytes,
		.quota_bytes = account->quota,
		.messages = account->row.messages};
	pthread_mutex_unlock(&account->lock);
}

int account_keywords(struct account *account, struct arena *arena, struct slice **names_out,
	size_t *n_out, struct err *err)
{
	struct slice *names = NULL;
	size_t n, i = 0;
	int rc = account_wait_loaded(account, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&account->lock);
	n = account->keywords_n;
	if (n)
		names = arena_array(arena, struct slice, n);
	for (; names && i < n; i++) {
		names[i] = arena_dup(arena, slice_str(account->keywords[i]));
		if (!names[i].ptr)
			break;
	}
	pthread_mutex_unlock(&account->lock);
	if (i < n)
		return err_set(err, ERR_TOOBIG, "too little memory for the keywords");
	*names_out = names;
	*n_out = n;
	return 0;
}
