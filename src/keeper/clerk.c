/* clerk.c - see clerk.h for the contract. */
#include "keeper/clerk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "keeper/account.h"
#include "keeper/logins.h"
#include "keeper/revoke.h"

enum { REASON_MAX = 60 }; /* of one item, so that the answer for a full batch fits a frame */

/* ---- passwords ---- */

struct result {
	int rc;
	struct err err;
};

/* Clear passwords on their way through the hashers: each run does one and queues itself again. */
struct batch {
	pthread_mutex_t lock; /* guards next and running */
	pthread_cond_t done;
	const struct frame_secrets *in;
	struct secret *out;
	struct result *results;
	struct hash_cost cost;
	struct crew *hashers;
	size_t next;
	unsigned running;
};

struct batch_run {
	struct crew_job job;
	struct batch *batch;
};

/* The next item that is a clear password, or n. The caller holds the lock. */
static size_t take_clear(struct batch *b)
{
	while (b->next < b->in->n && b->in->items[b->next].is_hash)
		b->next++;
	return b->next < b->in->n ? b->next++ : b->in->n;
}

/* False when all is done or in other hands. */
static bool hash_next(struct batch *b, bool is_dismissed)
{
	struct result *result;
	size_t i;
	bool is_end;

	pthread_mutex_lock(&b->lock);
	i = take_clear(b);
	is_end = i == b->in->n;
	if (is_end && --b->running == 0)
		pthread_cond_signal(&b->done);
	pthread_mutex_unlock(&b->lock);
	if (is_end)
		return false; /* and the batch may be gone */
	result = &b->results[i];
	if (is_dismissed)
		result->rc = err_set(&result->err, ERR_BUSY, "the keeper is ending");
	else
		result->rc =
			hash_make(b->in->items[i].secret, b->cost, b->out[i].hash, &result->err);
	return true;
}

static void batch_run(struct crew_job *job, bool is_dismissed)
{
	struct batch *b = ((struct batch_run *)job)->batch;

	/* Where there is no room to wait for another turn, go on at once. */
	while (hash_next(b, is_dismissed)) {
		if (crew_put(b->hashers, CREW_BULK, job))
			return;
	}
}

static bool has_clear(const struct frame_secrets *in)
{
	for (size_t i = 0; i < in->n; i++) {
		if (!in->items[i].is_hash)
			return true;
	}
	return false;
}

/* Fills in the hashes of all clear passwords. */
static void hash_batch(struct desk *desk, const struct frame_secrets *in, struct secret *out,
	struct result *results)
{
	struct batch b = {.in = in,
		.out = out,
		.results = results,
		.hashers = desk->hashers,
		.cost = in->is_fast ? hash_cost_least() : desk->cost,
		.running = desk->hashers_n};
	struct batch_run *runs = mem_zalloc_array(desk->hashers_n, sizeof(*runs));

	pthread_mutex_init(&b.lock, NULL);
	pthread_cond_init(&b.done, NULL);
	for (unsigned i = 0; i < desk->hashers_n; i++) {
		runs[i] = (struct batch_run){{batch_run, NULL}, &b};
		if (!crew_put(desk->hashers, CREW_BULK, &runs[i].job))
			batch_run(&runs[i].job, false);
	}
	pthread_mutex_lock(&b.lock);
	while (b.running)
		pthread_cond_wait(&b.done, &b.lock);
	pthread_mutex_unlock(&b.lock);
	pthread_mutex_destroy(&b.lock);
	pthread_cond_destroy(&b.done);
	free(runs);
}

/* A field for each: the code, and why. */
static void put_results(struct task *t, const struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[1 + REASON_MAX];
		struct slice reason = {0};

		if (results[i].rc < 0)
			reason = slice_head(slice_str(results[i].err.msg), REASON_MAX);
		text[0] = (char)-results[i].rc;
		if (reason.len)
			memcpy(text + 1, reason.ptr, reason.len);
		task_put(t, (struct slice){text, 1 + reason.len});
	}
}

/* Sets the good ones; whose password was another before has its sessions ended. */
static int put_batch(struct db *change, struct secret *list, const struct result *results, size_t n,
	struct frame_session *ended, size_t *ended_n, struct err *err)
{
	uint64_t seq;
	int rc = secrets_take_seq(change, &seq, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct frame_session what = {list[i].account, seq, 0, SCOPE_ALL};
		int64_t known = 0;

		if (results[i].rc < 0)
			continue;
		list[i].epoch = seq;
		rc = db_get_int(change, &known, err,
			"SELECT count(*) FROM secret WHERE account = ?",
			db_i((int64_t)list[i].account));
		if (rc == 0)
			rc = secrets_put(change, &list[i], err);
		if (rc == 0 && known)
			rc = session_end_all(change, &what, 0, err);
		if (rc == 0 && known)
			ended[(*ended_n)++] = what;
	}
	return rc;
}

static void store_batch(struct task *t, struct secret *list, const struct result *results, size_t n)
{
	struct frame_session *ended = mem_zalloc_array(n, sizeof(*ended));
	size_t ended_n = 0;
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = put_batch(change, list, results, n, ended, &ended_n, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	/* Even after a failed commit the old passwords may be gone: only the file knows. */
	for (size_t i = 0; i < n; i++)
		logins_forget(t->desk->logins, list[i].account);
	put_results(t, results, n);
	if (rc < 0) {
		task_fail(t, &err);
	} else {
		log_info(NULL, "passwords_set", log_n("accounts", (int64_t)n));
		task_revoke(t, ended, ended_n);
	}
	free(ended);
}

void clerk_set_passwords(struct task *t)
{
	struct frame_secrets *in = mem_new(struct frame_secrets);
	struct secret *list;
	struct result *results;
	struct err err;

	if (!frame_read_secrets(&t->frame, in)) {
		free(in);
		err_set(&err, ERR_SYNTAX, "not a list of passwords");
		task_fail(t, &err);
		return;
	}
	list = mem_zalloc_array(in->n, sizeof(*list));
	results = mem_zalloc_array(in->n, sizeof(*results));
	for (size_t i = 0; i < in->n; i++) {
		const struct slice secret = in->items[i].secret;

		list[i].account = in->items[i].account;
		list[i].is_fast = in->is_fast && !in->items[i].is_hash;
		if (!in->items[i].is_hash)
			continue;
		results[i].rc = hash_check(secret, &results[i].err);
		if (results[i].rc == 0)
			memcpy(list[i].hash, secret.ptr, secret.len);
	}
	if (has_clear(in))
		hash_batch(t->desk, in, list, results);
	store_batch(t, list, results, in->n);
	mem_wipe(list, in->n * sizeof(*list));
	free(list);
	free(results);
	free(in);
}

/* ---- the other verbs ---- */

void clerk_delete_account(struct task *t)
{
	struct frame_session what = {.account = t->f[0].n, .scopes = SCOPE_ALL};
	struct db *change;
	struct err err;
	int rc = secrets_change(t->desk->secrets, &change, &err);

	if (rc == 0) {
		rc = secrets_take_seq(change, &what.seq, &err);
		if (rc == 0)
			rc = session_end_all(change, &what, 0, &err);
		if (rc == 0)
			rc = account_remove(change, what.account, &err);
		rc = secrets_change_end(t->desk->secrets, rc, &err);
	}
	logins_forget(t->desk->logins, what.account);
	if (rc < 0)
		task_fail(t, &err);
	else
		task_revoke(t, &what, 1);
}
