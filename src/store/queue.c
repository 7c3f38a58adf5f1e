/*
 * queue.c - writing to an account: whoever finds the queue without an owner works it off.
 *
 * A batch is what waited when the owner looked, up to ITEMS_MAX items or SLICE_US of work: one
 * transaction, one flush. An item that shares it with others runs under a savepoint; one alone
 * needs none.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "store/internal.h"

enum {
	ITEMS_MAX = 128,
	SLICE_US = 10 * 1000,
	TURN_US = 20 * 1000, /* then others of the pool go first */
};

struct outcome {
	struct account_write *item;
	int rc;
	struct err err;
};

struct batch {
	struct outcome *list;
	size_t n;
	struct account_write *rest; /* not begun for want of time */
};

static struct account_write *take_all(struct account *account)
{
	struct account_write *items;

	pthread_mutex_lock(&account->lock);
	items = account->head;
	account->head = NULL;
	account->tail = &account->head;
	if (!items)
		account->is_owned = false;
	pthread_mutex_unlock(&account->lock);
	return items;
}

static void put_back(struct account *account, struct account_write *items)
{
	struct account_write **tail = &items;

	if (!items)
		return;
	while (*tail)
		tail = &(*tail)->next;
	pthread_mutex_lock(&account->lock);
	*tail = account->head;
	if (!account->head)
		account->tail = tail;
	account->head = items;
	pthread_mutex_unlock(&account->lock);
}

int account_ready(struct account *account, struct err *err)
{
	int rc = 0;

	if (account->is_removed)
		return err_set(err, ERR_NOTFOUND, "the account is gone");
	store_touch(account);
	if (!account->db)
		rc = store_open_file(account->store, account->id, &account->db, err);
	return rc;
}

/* Another process may have committed since our last transaction. */
int account_begin(struct account *account, struct err *err)
{
	bool is_known = account->is_loaded && account->noticed <= account->row.modseq;
	int64_t modseq = 0;
	int rc = db_begin(account->db, err);

	if (rc < 0)
		return rc;
	if (is_known) {
		rc = db_get_int(
			account->db, &modseq, err, "SELECT modseq FROM account WHERE id = 1");
		is_known = (uint64_t)modseq == account->row.modseq;
	}
	if (rc == 0 && !is_known)
		rc = account_load(account, err);
	if (rc < 0)
		db_rollback(account->db);
	return rc;
}

/* Runs one item; false when the whole transaction is lost. */
static bool run_item(struct account_tx *tx, struct outcome *o, bool is_alone)
{
	struct tx_saved saved = {0};
	struct err ignored;

	if (!is_alone) {
		o->rc = db_savepoint(tx->db, &o->err);
		if (o->rc < 0)
			return false;
		tx_save(tx, &saved);
	}
	o->rc = o->item->run(o->item, tx, &o->err);
	if (is_alone)
		return o->rc >= 0;
	if (o->rc < 0) {
		db_rollback_savepoint(tx->db);
		tx_restore(tx, &saved);
		return db_in_transaction(tx->db);
	}
	tx_drop(tx, &saved);
	return db_release(tx->db, &ignored) == 0;
}

/* The error of the transaction is that of each item which has none of its own. */
static void fail_all(struct batch *batch, int rc, const struct err *err)
{
	for (size_t i = 0; i < batch->n; i++) {
		if (batch->list[i].rc >= 0) {
			batch->list[i].rc = rc;
			batch->list[i].err = *err;
		}
	}
}

static int run_items(
	struct account_tx *tx, struct account_write *items, struct batch *batch, struct err *err)
{
	const int64_t until_us = clock_mono_us() + SLICE_US;
	const bool is_full = tx->account->store->disk.is_full;
	const bool is_alone = !items->next;

	while (items && batch->n < ITEMS_MAX && (batch->n == 0 || clock_mono_us() < until_us)) {
		struct outcome *o = &batch->list[batch->n];

		*o = (struct outcome){.item = items};
		items = items->next;
		batch->rest = items;
		batch->n++;
		if (is_full && o->item->is_adding) {
			o->rc = err_set(&o->err, ERR_QUOTA, "the disk is full");
			continue;
		}
		tx->ignores_quota = o->item->ignores_quota;
		if (!run_item(tx, o, is_alone)) {
			*err = o->err;
			return o->rc < 0 ? o->rc : err_set(err, ERR_IO, "the transaction is lost");
		}
	}
	return 0;
}

static int commit(struct account_tx *tx, struct err *err)
{
	int rc = tx_flush(tx, err);

	if (rc == 0)
		rc = db_commit(tx->db, err);
	if (rc == 0 && tx->modseq)
		tx->account->store->commits++;
	return rc;
}

static void work(struct account *account, struct account_write *items, struct batch *batch)
{
	struct account_tx tx;
	struct err err;
	int rc;

	tx_init(&tx, account);
	rc = run_items(&tx, items, batch, &err);
	if (rc == 0)
		rc = commit(&tx, &err);
	if (rc == 0) {
		tx_publish(&tx);
	} else {
		db_rollback(account->db);
		fail_all(batch, rc, &err);
		if (rc == -ERR_QUOTA)
			disk_refused(account->store);
		/* After an error of the disk nothing is assumed of the handle. */
		if (rc == -ERR_IO || rc == -ERR_CORRUPT)
			db_close(&account->db);
	}
	if (rc == 0 && tx.modseq && account->store->config.publish)
		account->store->config.publish(
			account->store->config.context, account->id, tx.modseq);
	tx_done(&tx);
}

static void refuse(struct account_write *items, struct batch *batch, int rc, const struct err *err)
{
	for (batch->n = 0; items && batch->n < ITEMS_MAX; items = items->next)
		batch->list[batch->n++] = (struct outcome){.item = items, .rc = rc, .err = *err};
	batch->rest = items;
}

/* Tells the items; those that want another slice go to the queue's end. */
static void complete(struct account *account, struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		struct outcome *o = &batch->list[i];

		o->item->next = NULL;
		if (o->rc == ACCOUNT_AGAIN)
			account_submit(account, o->item);
		else
			o->item->done(o->item, o->rc, &o->err);
	}
	account->store->items += batch->n;
}

static void run_batch(struct account *account, struct account_write *items)
{
	struct batch batch = {.list = calloc(ITEMS_MAX, sizeof(struct outcome))};
	struct err err;
	int rc;

	if (!batch.list)
		abort();
	disk_check(account->store);
	rc = account_ready(account, &err);
	if (rc == 0)
		rc = account_begin(account, &err);
	if (rc == 0)
		work(account, items, &batch);
	else
		refuse(items, &batch, rc, &err);
	put_back(account, batch.rest);
	if (account->db)
		upkeep_plan(account);
	complete(account, &batch);
	free(batch.list);
}

/* Upkeep is an item of its own, outside the others' transaction. */
static struct account_write *take_upkeep(struct account *account, struct account_write **items)
{
	for (struct account_write **at = items; *at; at = &(*at)->next) {
		if (*at == &account->upkeep) {
			*at = account->upkeep.next;
			account->upkeep.next = NULL;
			return &account->upkeep;
		}
	}
	return NULL;
}

static void go_on(struct pool_job *job)
{
	struct account *account =
		(struct account *)((char *)job - offsetof(struct account, queue_job));

	account_disown(account);
}

/* Only what is left waits for its turn in the bulk class: an account without work has no owner, and
 * its next item is not behind those of others. */
void account_disown(struct account *account)
{
	const int64_t until_us = clock_mono_us() + TURN_US;
	struct pool *pool = account->store->config.pool;
	struct account_write *items;

	while ((items = take_all(account))) {
		bool is_upkeep;

		if (pool && clock_mono_us() > until_us) {
			put_back(account, items);
			account->queue_job.run = go_on;
			pool_run(pool, POOL_BULK, &account->queue_job);
			return;
		}
		is_upkeep = take_upkeep(account, &items) != NULL;
		if (items)
			run_batch(account, items);
		if (is_upkeep && upkeep_run(account))
			account_submit(account, &account->upkeep);
	}
}

bool account_own(struct account *account)
{
	bool is_mine;

	pthread_mutex_lock(&account->lock);
	is_mine = !account->is_owned;
	account->is_owned = true;
	pthread_mutex_unlock(&account->lock);
	return is_mine;
}

bool account_own_idle(struct account *account)
{
	bool is_idle;

	pthread_mutex_lock(&account->lock);
	is_idle = !account->is_owned;
	for (int i = 0; i < READERS; i++)
		is_idle = is_idle && !(account->readers[i] && account->readers[i]->is_taken);
	if (is_idle)
		account->is_owned = account->is_closing = true;
	pthread_mutex_unlock(&account->lock);
	return is_idle;
}

void account_submit(struct account *account, struct account_write *w)
{
	bool is_mine;

	w->next = NULL;
	pthread_mutex_lock(&account->lock);
	*account->tail = w;
	account->tail = &w->next;
	is_mine = !account->is_owned;
	account->is_owned = true;
	pthread_mutex_unlock(&account->lock);
	if (is_mine)
		account_disown(account);
}

/* ---- waiting for an item of our own ---- */

struct waiting {
	struct account_write item;
	struct account *account;
	void *context;
	bool is_done;
	int rc;
	struct err err;
};

static void waiting_done(struct account_write *w, int rc, const struct err *err)
{
	struct waiting *wait = (struct waiting *)w;

	pthread_mutex_lock(&wait->account->lock);
	wait->rc = rc;
	wait->err = *err;
	wait->is_done = true;
	pthread_cond_broadcast(&wait->account->changed);
	pthread_mutex_unlock(&wait->account->lock);
}

void *account_run_context(struct account_write *w)
{
	return ((struct waiting *)w)->context;
}

int account_run(struct account *account,
	int (*run)(struct account_write *, struct account_tx *, struct err *), void *context,
	struct err *err)
{
	struct waiting wait = {
		.item = {.run = run, .done = waiting_done}, .account = account, .context = context};

	account_submit(account, &wait.item);
	pthread_mutex_lock(&account->lock);
	while (!wait.is_done)
		pthread_cond_wait(&account->changed, &account->lock);
	pthread_mutex_unlock(&account->lock);
	if (wait.rc < 0)
		*err = wait.err;
	return wait.rc;
}

static int run_nothing(struct account_write *w, struct account_tx *tx, struct err *err)
{
	(void)w;
	(void)tx;
	(void)err;
	return 0;
}

int account_wait_loaded(struct account *account, struct err *err)
{
	bool is_good;

	pthread_mutex_lock(&account->lock);
	is_good = account->is_loaded && account->noticed <= account->row.modseq;
	pthread_mutex_unlock(&account->lock);
	return is_good ? 0 : account_run(account, run_nothing, NULL, err);
}
