/* clerk.c - see clerk.h for the contract. */
#include "keeper/clerk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

enum { REASON_MAX = 60 }; /* of one item, so that the answer for a full batch fits a frame */

struct task {
	struct crew_job job;
	struct clerk *clerk;
	struct caller caller;
	uint8_t verb;
	union {
		struct frame_secrets secrets;
		struct frame_make_key make;
		struct frame_import_key import;
		uint64_t account;
	} what; /* slices point into bytes */
	size_t len;
	char bytes[];
};

static void task_free(struct task *t)
{
	mem_wipe(t->bytes, t->len);
	free(t);
}

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
static void hash_batch(struct clerk *clerk, const struct frame_secrets *in, struct secret *out,
	struct result *results)
{
	struct batch b = {.in = in,
		.out = out,
		.results = results,
		.hashers = clerk->hashers,
		.cost = in->is_fast ? hash_cost_least() : clerk->cost,
		.running = clerk->hashers_n};
	struct batch_run *runs = mem_zalloc_array(clerk->hashers_n, sizeof(*runs));

	pthread_mutex_init(&b.lock, NULL);
	pthread_cond_init(&b.done, NULL);
	for (unsigned i = 0; i < clerk->hashers_n; i++) {
		runs[i] = (struct batch_run){{batch_run, NULL}, &b};
		if (!crew_put(clerk->hashers, CREW_BULK, &runs[i].job))
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
static void reply_results(struct caller caller, const struct result *results, size_t n)
{
	struct slice *fields = mem_zalloc_array(n, sizeof(*fields));
	char(*texts)[1 + REASON_MAX] = mem_zalloc_array(n, sizeof(*texts));

	for (size_t i = 0; i < n; i++) {
		struct slice reason = {0};

		if (results[i].rc < 0)
			reason = slice_head(slice_str(results[i].err.msg), REASON_MAX);
		texts[i][0] = (char)-results[i].rc;
		if (reason.len)
			memcpy(texts[i] + 1, reason.ptr, reason.len);
		fields[i] = (struct slice){texts[i], 1 + reason.len};
	}
	caller_reply(caller, fields, n);
	free(fields);
	free(texts);
}

/* Good ones to the front, and to disk in one transaction. */
static int store_batch(struct clerk *clerk, struct secret *list, const struct result *results,
	size_t n, struct err *err)
{
	size_t good = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		if (results[i].rc == 0)
			list[good++] = list[i];
	}
	rc = good ? secrets_set(clerk->secrets, list, good, err) : 0;
	/* Even after a failed commit the old passwords may be gone: only the file knows. */
	for (size_t i = 0; i < good; i++)
		logins_forget(clerk->logins, list[i].account);
	log_info(NULL, "passwords_set", log_n("accounts", (int64_t)(rc == 0 ? good : 0)));
	return rc;
}

static void set_passwords(struct task *t)
{
	const struct frame_secrets *in = &t->what.secrets;
	struct secret *list = mem_zalloc_array(in->n, sizeof(*list));
	struct result *results = mem_zalloc_array(in->n, sizeof(*results));
	struct err err;
	int rc;

	for (size_t i = 0; i < in->n; i++) {
		const struct slice secret = in->items[i].secret;

		list[i].account = in->items[i].account;
		if (!in->items[i].is_hash)
			continue;
		results[i].rc = hash_check(secret, &results[i].err);
		if (results[i].rc == 0)
			memcpy(list[i].hash, secret.ptr, secret.len);
	}
	if (has_clear(in))
		hash_batch(t->clerk, in, list, results);
	rc = store_batch(t->clerk, list, results, in->n, &err);
	if (rc < 0)
		caller_fail(t->caller, rc, err.msg);
	else
		reply_results(t->caller, results, in->n);
	mem_wipe(list, in->n * sizeof(*list));
	free(list);
	free(results);
}

/* ---- the other verbs ---- */

static void finish(struct caller caller, int rc, const struct err *err)
{
	if (rc < 0)
		caller_fail(caller, rc, err->msg);
	else
		caller_reply(caller, NULL, 0);
}

static void delete_account(struct task *t)
{
	struct err err;
	int rc = secrets_delete(t->clerk->secrets, t->what.account, &err);

	logins_forget(t->clerk->logins, t->what.account);
	finish(t->caller, rc, &err);
}

static void make_key(struct task *t)
{
	struct buf certificate AUTO(buf_done);
	struct slice field;
	struct err err;
	int rc;

	buf_init(&certificate, FRAME_PEM_MAX);
	rc = keys_make(t->clerk->keys, &t->what.make, &certificate, &err);
	if (rc < 0) {
		caller_fail(t->caller, rc, err.msg);
		return;
	}
	log_info(NULL, "key_made", log_s("key", t->what.make.name));
	field = buf_slice(&certificate);
	caller_reply(t->caller, &field, 1);
}

static void import_key(struct task *t)
{
	struct err err;
	int rc = keys_import(t->clerk->keys, &t->what.import, &err);

	if (rc == 0)
		log_info(NULL, "key_imported", log_s("key", t->what.import.name));
	finish(t->caller, rc, &err);
}

static bool read_secrets(struct frame *f, struct task *t)
{
	return frame_read_secrets(f, &t->what.secrets);
}

static bool read_account(struct frame *f, struct task *t)
{
	return frame_read_account(f, &t->what.account);
}

static bool read_make(struct frame *f, struct task *t)
{
	return frame_read_make_key(f, &t->what.make);
}

static bool read_import(struct frame *f, struct task *t)
{
	return frame_read_import_key(f, &t->what.import);
}

static const struct {
	bool (*read)(struct frame *f, struct task *t);
	void (*act)(struct task *t);
} acts[FRAME_VERB_END] = {
	[FRAME_SET_PASSWORDS] = {read_secrets, set_passwords},
	[FRAME_DELETE_ACCOUNT] = {read_account, delete_account},
	[FRAME_MAKE_KEY] = {read_make, make_key},
	[FRAME_IMPORT_KEY] = {read_import, import_key},
};

static void task_run(struct crew_job *job, bool is_dismissed)
{
	struct task *t = (struct task *)job; /* its first member */

	if (is_dismissed)
		caller_fail(t->caller, -ERR_BUSY, "the keeper is ending");
	else
		acts[t->verb].act(t);
	task_free(t);
}

bool clerk_take(struct clerk *clerk, struct caller caller, const struct frame *f)
{
	struct task *t = mem_zalloc(sizeof(*t) + f->rest.len);
	struct frame copy = *f;

	t->job.run = task_run;
	t->clerk = clerk;
	t->caller = caller;
	t->verb = f->verb;
	t->len = f->rest.len;
	if (t->len)
		memcpy(t->bytes, f->rest.ptr, t->len);
	copy.rest = (struct slice){t->bytes, t->len};
	if (!acts[f->verb].read(&copy, t)) {
		task_free(t);
		return false;
	}
	if (!crew_put(clerk->crew, CREW_FIRST, &t->job)) {
		caller_fail(caller, -ERR_BUSY, "too many changes at once");
		task_free(t);
	}
	return true;
}
