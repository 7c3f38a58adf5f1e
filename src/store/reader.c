/* reader.c - the reading connections of an account: messages, bodies, indexes. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/internal.h"

enum { SCAN_STEPS_MAX = 32 }; /* rows passed over before a search is cheaper */

/* Under lock. */
static struct account_reader *take_free(struct account *account)
{
	for (int i = 0; i < READERS && !account->is_closing; i++) {
		struct account_reader *reader = account->readers[i];

		if (!reader) {
			reader = account->readers[i] = mem_new(struct account_reader);
			reader->account = account;
		}
		if (!reader->is_taken) {
			reader->is_taken = true;
			return reader;
		}
	}
	return NULL;
}

static int open_reader(struct account_reader *reader, struct err *err)
{
	int rc = 0;

	if (reader->account->is_removed)
		rc = err_set(err, ERR_NOTFOUND, "the account is gone");
	else if (!reader->db)
		rc = store_open_file(reader->account->store, reader->account->id, &reader->db, err);
	reader->sized = reader->scan_at = 0;
	if (rc < 0)
		account_reader_free(&reader);
	else
		store_touch(reader->account);
	return rc;
}

static void add_waiter(struct account *account, struct conn_ref waiter)
{
	if (account->waiters_n == WAITERS_MAX)
		return;
	account->waiters =
		mem_realloc(account->waiters, (account->waiters_n + 1) * sizeof(*account->waiters));
	account->waiters[account->waiters_n++] = waiter;
}

int account_reader(struct account *account, struct conn_ref waiter,
	struct account_reader **reader_out, struct err *err)
{
	struct account_reader *reader;
	int rc;

	pthread_mutex_lock(&account->lock);
	reader = take_free(account);
	if (!reader)
		add_waiter(account, waiter);
	pthread_mutex_unlock(&account->lock);
	if (!reader)
		return err_set(err, ERR_BUSY, "both readers of the account are in use");
	rc = open_reader(reader, err);
	if (rc == 0)
		*reader_out = reader;
	return rc;
}

int reader_borrow(struct account *account, struct account_reader **reader_out, struct err *err)
{
	struct account_reader *reader;
	int rc;

	pthread_mutex_lock(&account->lock);
	while (!(reader = take_free(account)))
		pthread_cond_wait(&account->changed, &account->lock);
	pthread_mutex_unlock(&account->lock);
	rc = open_reader(reader, err);
	if (rc == 0)
		*reader_out = reader;
	return rc;
}

void account_reader_free(struct account_reader **reader)
{
	struct account *account;
	struct conn_ref waiter;
	bool has_waiter;

	if (!*reader)
		return;
	account = (*reader)->account;
	db_stmt_auto(&(*reader)->scan);
	pthread_mutex_lock(&account->lock);
	(*reader)->is_taken = false;
	/* All that wait are woken in turn: each that finds none free waits again. */
	has_waiter = account->waiters_n > 0;
	if (has_waiter) {
		waiter = account->waiters[0];
		memmove(account->waiters, account->waiters + 1,
			--account->waiters_n * sizeof(*account->waiters));
	}
	pthread_cond_broadcast(&account->changed);
	pthread_mutex_unlock(&account->lock);
	*reader = NULL;
	if (has_waiter && account->store->config.pool)
		pool_wake(account->store->config.pool, waiter);
}

static int gone(uint64_t message, struct err *err)
{
	return err_set(err, ERR_NOTFOUND, "message %llu is gone", (unsigned long long)message);
}

static void fill(struct account_reader *reader, struct message_row *out)
{
	struct db_stmt *stmt = reader->scan;

	*out = (struct message_row){
		.id = (uint64_t)db_int(stmt, 0),
		.thread = (uint64_t)db_int(stmt, 1),
		.size = (uint64_t)db_int(stmt, 2),
		.received_s = db_int(stmt, 3),
		.zone_min = (int32_t)db_int(stmt, 4),
		.prepared = db_blob(stmt, 5),
	};
	reader->sized = out->id;
	reader->sized_size = out->size;
}

/* Moves the scan on to the message or past it; 0 at its end. */
static int move_on(struct account_reader *reader, uint64_t message, struct err *err)
{
	int rc = 1;

	for (int n = 0; reader->scan_at < message; n++) {
		if (n == SCAN_STEPS_MAX) {
			db_stmt_auto(&reader->scan);
			break;
		}
		rc = db_step(reader->scan, err);
		if (rc <= 0) {
			reader->scan = NULL;
			return rc;
		}
		reader->scan_at = (uint64_t)db_int(reader->scan, 0);
	}
	return rc;
}

int reader_scan(
	struct account_reader *reader, uint64_t message, struct message_row *out, struct err *err)
{
	int rc = 1;

	if (reader->scan && reader->scan_at > message)
		db_stmt_auto(&reader->scan);
	if (reader->scan)
		rc = move_on(reader, message, err);
	if (rc > 0 && !reader->scan) {
		rc = db_query(reader->db, &reader->scan, err,
			"SELECT id, thread, size, received, zone, prepared FROM message"
			" WHERE id >= ? ORDER BY id",
			db_i((int64_t)message));
		reader->scan_at = 0;
		if (rc == 0)
			rc = move_on(reader, message, err);
	}
	if (rc < 0)
		return rc;
	if (rc == 0 || reader->scan_at != message)
		return gone(message, err);
	fill(reader, out);
	return 0;
}

int reader_message(
	struct account_reader *reader, uint64_t message, struct message_row *out, struct err *err)
{
	int rc;

	db_stmt_auto(&reader->scan);
	rc = db_query(reader->db, &reader->scan, err,
		"SELECT id, thread, size, received, zone, prepared FROM message WHERE id = ?",
		db_i((int64_t)message));
	if (rc == 0)
		rc = db_step(reader->scan, err);
	if (rc <= 0) {
		reader->scan = NULL;
		return rc < 0 ? rc : gone(message, err);
	}
	/* The row stays valid while the query stands; a scan starts anew from it. */
	fill(reader, out);
	reader->scan_at = UINT64_MAX;
	return 0;
}

int reader_delivered(
	struct account_reader *reader, uint64_t delivery_id, bool *is_out, struct err *err)
{
	int64_t found;
	const int rc = db_get_int(reader->db, &found, err, "SELECT 1 FROM delivery WHERE id = ?",
		db_i((int64_t)(delivery_id & INT64_MAX)));

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	*is_out = rc == 0;
	return 0;
}

static int message_size(
	struct account_reader *reader, uint64_t message, uint64_t *out, struct err *err)
{
	int64_t size = 0;
	int rc;

	if (reader->sized != message) {
		rc = db_get_int(reader->db, &size, err, "SELECT size FROM message WHERE id = ?",
			db_i((int64_t)message));
		if (rc < 0)
			return rc == -ERR_NOTFOUND ? gone(message, err) : rc;
		reader->sized = message;
		reader->sized_size = (uint64_t)size;
	}
	*out = reader->sized_size;
	return 0;
}

static int read_chunk(struct account_reader *reader, uint64_t message, uint64_t piece, uint64_t at,
	size_t n, struct buf *out, struct err *err)
{
	struct db_stmt *stmt AUTO(db_stmt_auto) = NULL;
	struct slice data;
	int rc = db_query(reader->db, &stmt, err, "SELECT data FROM chunk WHERE id = ?",
		db_i((int64_t)(message << CHUNK_BITS | at / piece)));

	if (rc == 0)
		rc = db_step(stmt, err);
	if (rc < 0)
		return rc;
	data = rc ? slice_head(slice_from(db_blob(stmt, 0), at % piece), n) : (struct slice){0};
	if (data.len < n)
		return err_set(err, ERR_CORRUPT, "a piece of message %llu is missing",
			(unsigned long long)message);
	buf_append(out, data);
	return buf_check(out, "body", err);
}

int reader_body(struct account_reader *reader, uint64_t message, uint64_t at, size_t n,
	struct buf *out, struct err *err)
{
	uint64_t size = 0, piece;
	int rc = message_size(reader, message, &size, err);

	if (rc < 0)
		return rc;
	piece = chunk_size(size);
	if (at >= size)
		return 0;
	if (n > size - at)
		n = (size_t)(size - at);
	while (rc == 0 && n) {
		const uint64_t left = piece - at % piece;
		const size_t part = n < left ? n : (size_t)left;

		rc = read_chunk(reader, message, piece, at, part, out, err);
		at += part;
		n -= part;
	}
	return rc;
}
