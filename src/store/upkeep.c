/* upkeep.c - checkpoints, and what goes by age: after commits, in slices, never inside a delivery.
 */
#include "base/clock.h"
#include "store/internal.h"

enum {
	EVERY_S = 3600,
	SLICE_ROWS = 256,
	CHANGES_MAX = 100 * 1000,
	CHANGE_DAYS = 365,
	DELIVERY_DAYS = 7,
	FREE_PAGES_MIN = 1024, /* fewer are left for what comes next */
	VACUUM_PAGES = 512,
	VACUUM_PAGES_TIGHT = 128, /* what it writes first must fit into the last of the disk */
};

static void start(struct pool_job *job)
{
	struct account *account =
		(struct account *)((char *)job - offsetof(struct account, upkeep_job));

	account_submit(account, &account->upkeep);
	account_free(&account);
}

void upkeep_init(struct account *account)
{
	account->upkeep_job.run = start;
	account->upkeep_due_s = clock_wall_s() + EVERY_S;
}

/* The disk is nearly full: every page that can be is given back at once, and the log kept short. */
static bool is_tight(const struct account *account)
{
	return account->store->disk.is_full;
}

static bool is_pressed(const struct account *account)
{
	return account->row.past_bytes && is_tight(account);
}

static bool has_past_too_much(const struct account *account)
{
	return account->row.past_bytes > past_budget(account) || is_pressed(account);
}

void upkeep_plan(struct account *account)
{
	struct pool *pool = account->store->config.pool;
	const int64_t log_max = is_tight(account) ? 0 : WAL_CHECKPOINT;

	if (db_wal_bytes(account->db) <= log_max && !has_past_too_much(account) &&
		clock_wall_s() < account->upkeep_due_s)
		return;
	if (atomic_exchange(&account->is_upkeep_queued, true))
		return;
	if (pool) {
		account_ref(account);
		pool_run(pool, POOL_BULK, &account->upkeep_job);
	} else {
		account_submit(account, &account->upkeep);
	}
}

/* The newest of the oldest rows that may go; 0: none. */
static int find_old_changes(struct account_tx *tx, int64_t *last_out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	const int64_t oldest_s = tx->now_s - (int64_t)CHANGE_DAYS * DAY_S;
	int64_t keep = 0, last = 0;
	int rc = db_get_int(tx->db, &keep, err,
		"SELECT id FROM change ORDER BY id DESC LIMIT 1 OFFSET ?", db_i(CHANGES_MAX));

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	rc = db_query(tx->db, &stmt, err, "SELECT id, time FROM change ORDER BY id LIMIT ?",
		db_i(SLICE_ROWS));
	while (rc == 0 && (rc = db_step(stmt, err)) > 0) {
		rc = 0;
		if (db_int(stmt, 0) > keep && db_int(stmt, 1) >= oldest_s)
			break;
		last = db_int(stmt, 0);
	}
	if (rc == 0)
		*last_out = last;
	return rc;
}

static int prune(struct account_tx *tx, bool *more_out, struct err *err)
{
	int64_t last = 0;
	int rc = find_old_changes(tx, &last, err);

	if (rc == 0 && last) {
		rc = db_do(tx->db, err, "DELETE FROM change WHERE id <= ?", db_i(last));
		tx->row.floor = (uint64_t)last >> CHANGE_BITS;
		tx_modseq(tx);
		*more_out = db_changes(tx->db) == SLICE_ROWS;
	}
	if (rc == 0)
		rc = db_do(tx->db, err, "DELETE FROM delivery WHERE time < ?",
			db_i(tx->now_s - (int64_t)DELIVERY_DAYS * DAY_S));
	return rc;
}

/* One transaction of what goes by age. */
static int purge(struct account *account, bool is_timed, bool *more_out, struct err *err)
{
	struct account_tx tx;
	int rc = account_begin(account, err);

	if (rc < 0)
		return rc;
	tx_init(&tx, account);
	rc = past_purge(&tx, is_pressed(account), more_out, err);
	if (rc == 0 && is_timed && !*more_out)
		rc = prune(&tx, more_out, err);
	if (rc == 0)
		rc = tx_flush(&tx, err);
	if (rc == 0)
		rc = db_commit(account->db, err);
	if (rc == 0)
		tx_publish(&tx);
	else
		db_rollback(account->db);
	tx_done(&tx);
	return rc;
}

static bool give_back(struct account *account)
{
	struct err ignored;
	int64_t free_pages = 0;
	const bool is_now = is_tight(account);

	if (db_get_int(account->db, &free_pages, &ignored, "PRAGMA freelist_count") < 0 ||
		free_pages < (is_now ? 1 : FREE_PAGES_MIN))
		return false;
	return db_vacuum(account->db, is_now ? VACUUM_PAGES_TIGHT : VACUUM_PAGES, &ignored) == 0;
}

/* Once an hour whatever is in the log goes to the file; otherwise when it is long. */
static void shorten_log(struct account *account, bool is_timed, bool has_more)
{
	const int64_t max = has_more ? WAL_MAX : is_timed ? 0 : WAL_CHECKPOINT;
	struct err ignored;
	int rc;

	if (is_tight(account))
		rc = db_empty_log(account->db, &ignored);
	else if (db_wal_bytes(account->db) > max)
		rc = db_checkpoint(account->db, &ignored);
	else
		return;
	account->store->checkpoints += rc == 0;
}

/* Errors end this round; the next commit plans another. Whoever needs what failed will hear it. */
bool upkeep_run(struct account *account)
{
	const bool is_timed = clock_wall_s() >= account->upkeep_due_s;
	struct err ignored;
	bool has_more = false;

	account->is_upkeep_queued = false;
	if (account_ready(account, &ignored) < 0)
		return false;
	if (is_timed || is_tight(account) || account->is_giving_back ||
		has_past_too_much(account)) {
		if (purge(account, is_timed, &has_more, &ignored) < 0)
			has_more = false;
		else if (!has_more)
			has_more = account->is_giving_back = give_back(account);
		if (is_timed && !has_more)
			account->upkeep_due_s = clock_wall_s() + EVERY_S;
	}
	shorten_log(account, is_timed, has_more);
	account->is_upkeep_queued = has_more;
	return has_more;
}
