/*
 * verb_check.c - `check`: accounts one after the other, each a job on the pool, the findings a
 * source that the socket pulls.
 *
 * The job and the source share one object; who is last frees it. A client that goes away ends the
 * check after the account at hand. One that reads too slowly misses lines, and is told how many.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/verb.h"
#include "base/mem.h"
#include "store/check.h"

enum { FOUND_MAX = 1 << 20, PAGE = 100, PAGE_BYTES_MAX = 1 << 20 };

struct check {
	struct source source;
	struct pool_job job;
	struct service *service;
	struct conn_ref who;
	bool is_repair;
	json_t *wanted; /* addresses, in order; NULL: all accounts */
	size_t wanted_at;
	struct buf after; /* the last of all that was checked */
	pthread_mutex_t lock;
	struct buf found;   /* rows that wait for the socket */
	struct buf address; /* of the account at hand */
	uint64_t missed;    /* rows there was no room for */
	uint64_t accounts, problems, repaired;
	bool is_finished; /* the job ended */
	bool is_left;     /* the source ended */
};

/* ---- the job ---- */

static void check_destroy(struct check *check)
{
	buf_done(&check->after);
	buf_done(&check->found);
	buf_done(&check->address);
	json_decref(check->wanted);
	pthread_mutex_destroy(&check->lock);
	free(check);
}

static void put_found(struct check *check, json_t *row)
{
	pthread_mutex_lock(&check->lock);
	if (check->found.len < FOUND_MAX && !check->is_left) {
		verb_row(&check->found, row);
	} else {
		json_decref(row);
		check->missed++;
	}
	pthread_mutex_unlock(&check->lock);
	pool_wake(check->service->pool, check->who);
}

static void on_found(void *context, struct slice line)
{
	struct check *check = context;

	put_found(check, json_pack("{s:o, s:o}", "address", verb_string(buf_slice(&check->address)),
				 "problem", verb_string(line)));
}

static void put_error(struct check *check, struct slice address, const struct err *err)
{
	check->problems++;
	put_found(check, json_pack("{s:o, s:o}", "address", verb_string(address), "problem",
				 verb_string(slice_str(err->msg))));
}

static void check_account(struct check *check, const struct directory_account *who)
{
	struct account *account AUTO(account_free) = NULL;
	struct check_result result = {0};
	struct err err;
	int rc;

	buf_clear(&check->address);
	buf_append(&check->address, who->address);
	rc = store_account(check->service->store, who->id, who->quota_bytes, &account, &err);
	if (rc == 0)
		rc = account_check(account, check->is_repair, on_found, check, &result, &err);
	check->accounts++;
	check->problems += result.problems;
	check->repaired += result.repaired;
	if (rc < 0) {
		put_error(check, who->address, &err);
		return;
	}
	put_found(check,
		json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "address", verb_string(who->address),
			"mailboxes", (json_int_t)result.mailboxes, "messages",
			(json_int_t)result.messages, "bytes", (json_int_t)result.bytes, "problems",
			(json_int_t)result.problems, "repaired", (json_int_t)result.repaired));
}

/* The next address that was asked for; false at the end. */
static bool check_wanted(struct check *check, struct arena *arena)
{
	const json_t *text = json_array_get(check->wanted, check->wanted_at++);
	const struct slice address = {json_string_value(text), json_string_length(text)};
	struct directory_entry entry;
	struct err err;
	int rc;

	if (!text)
		return false;
	rc = directory_find(check->service->directory, address, arena, &entry, &err);
	if (rc == 0 && entry.kind != DIRECTORY_ACCOUNT)
		rc = err_set(&err, ERR_NOTFOUND, "there is no such account");
	if (rc < 0)
		put_error(check, address, &err);
	else
		check_account(check, &entry.account);
	return true;
}

static bool is_left(struct check *check)
{
	bool left;

	pthread_mutex_lock(&check->lock);
	left = check->is_left;
	pthread_mutex_unlock(&check->lock);
	return left;
}

static bool check_page(struct check *check, struct arena *arena)
{
	struct directory_account *accounts;
	struct err err;
	size_t n = 0;

	if (directory_accounts(check->service->directory, buf_slice(&check->after), PAGE, arena,
		    &accounts, &n, &err) < 0) {
		put_error(check, slice_lit(""), &err);
		return false;
	}
	for (size_t i = 0; i < n && !is_left(check); i++)
		check_account(check, &accounts[i]);
	if (n)
		verb_keep(&check->after, accounts[n - 1].address);
	return n == PAGE;
}

static void check_run(struct pool_job *job)
{
	struct check *check = (struct check *)(void *)((char *)job - offsetof(struct check, job));
	struct pool *pool = check->service->pool;
	const struct conn_ref who = check->who;
	struct arena arena AUTO(arena_done);
	bool has_more, left;

	arena_init(&arena, PAGE_BYTES_MAX);
	has_more = check->wanted ? check_wanted(check, &arena) : check_page(check, &arena);
	pthread_mutex_lock(&check->lock);
	left = check->is_left;
	check->is_finished = !has_more || left;
	pthread_mutex_unlock(&check->lock);
	if (left)
		check_destroy(check);
	else if (has_more)
		pool_run(pool, POOL_BULK, job);
	else
		pool_wake(pool, who); /* from here on it is the source's */
}

/* ---- the source ---- */

static int check_pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct check *check = (struct check *)(void *)source;
	int rc = SOURCE_WAIT;

	(void)c;
	(void)err;
	pthread_mutex_lock(&check->lock);
	if (check->found.len) {
		buf_append(out, buf_slice(&check->found));
		buf_clear(&check->found);
		rc = SOURCE_MORE;
	}
	if (check->is_finished) {
		verb_done(out,
			json_pack("{s:I, s:I, s:I, s:I}", "accounts", (json_int_t)check->accounts,
				"problems", (json_int_t)check->problems, "repaired",
				(json_int_t)check->repaired, "unlisted",
				(json_int_t)check->missed));
		rc = SOURCE_DONE;
	}
	pthread_mutex_unlock(&check->lock);
	return rc;
}

static void check_leave(struct source *source)
{
	struct check *check = (struct check *)(void *)source;
	bool is_last;

	pthread_mutex_lock(&check->lock);
	check->is_left = true;
	is_last = check->is_finished;
	pthread_mutex_unlock(&check->lock);
	if (is_last)
		check_destroy(check);
}

void verb_check(struct conn *c, const json_t *args)
{
	struct check *check = mem_new(struct check);
	json_t *wanted = json_object_get(args, "addresses");

	check->source.pull = check_pull;
	check->source.free = check_leave;
	check->job.run = check_run;
	check->service = verb_service(c);
	check->who = conn_ref(c);
	check->is_repair = json_is_true(json_object_get(args, "repair"));
	check->wanted = json_array_size(wanted) ? json_incref(wanted) : NULL;
	buf_init(&check->after, VERB_KEY_MAX);
	buf_init(&check->found, 2 * FOUND_MAX);
	buf_init(&check->address, 2 * DIRECTORY_ADDRESS_MAX);
	pthread_mutex_init(&check->lock, NULL);
	conn_source(c, &check->source);
	pool_run(check->service->pool, POOL_BULK, &check->job);
}
